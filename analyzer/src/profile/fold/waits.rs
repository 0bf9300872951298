//! Operations that wait, and the resources that they wait for.

use ais_format::chunk::Event;
use ais_format::event::{operation_flag, operation_kind, outcome};

use super::locks::{Resource, Taken};
use super::task::NONE;
use super::{Doer, OTHER_RESOURCES, Operation, ResourceKey, Rest, Site};
use crate::history::OperationKind;

impl Rest<'_> {
    pub(super) fn begin_operation(&mut self, doer: &Doer, event: &Event<'_>) {
        let (number, kind, target) = (event.value(0), event.value(1), event.value(2));
        if self.operations.place(number).is_some() {
            return;
        }
        let place = doer.task();
        let counts = self.counts(place);
        let wants = OperationKind::from_numbers(kind, target, 0);
        let resource = wants.resource().map_or(0, |resource| resource.0);
        let resource_place = match resource {
            0 => NONE,
            number => self.resource(number),
        };
        let (now, from) = (self.now, self.book.from);
        let mut row = None;
        if let Some(resource) = self.resources.at(resource_place) {
            row = Some(resource.row);
            if let Some(of) = self.book.shared.at(resource.row).filter(|_| now >= from) {
                resource.wait(now, of);
            }
        }
        let site = if counts {
            self.site(Site::Operation(kind, event.value(4)), place, row)
        } else {
            NONE
        };
        let operation = Operation {
            task: place,
            site,
            resource,
            resource_place,
            begun: now,
            is_limit: wants.is_timer()
                || kind == operation_kind::CLOSED
                || event.value(6) & operation_flag::NO_DROP != 0,
            gaps: self.gaps,
        };
        let operation = self.operations.insert(number, operation);
        if let Some(task) = self.tasks.at(place) {
            task.pending.push(operation);
        }
    }

    /// The row of what is waited for; what else is known of it is noted the first time.
    pub(super) fn site(&mut self, site: Site, task: u32, resource: Option<u32>) -> u32 {
        let row = self.book.sites.place(&site, || Site::Others);
        let Some(of) = self.book.sites.at(row) else {
            return row;
        };
        if of.point.is_none() && of.resource.is_none() {
            of.resource = resource;
            let frame = self
                .tasks
                .at(task)
                .and_then(|task| task.frames.last().copied());
            let call = frame.and_then(|frame| self.futures.at(frame));
            of.point = call.and_then(|call| Some((call.function, call.point?.0)));
        }
        row
    }

    /// An operation may be polled by another task than before.
    pub(super) fn poll_operation(&mut self, doer: &Doer, number: u64) {
        let (Some(place), to) = (self.operations.place(number), doer.task()) else {
            return;
        };
        let Some(operation) = self.operations.at(place) else {
            return;
        };
        if operation.task == to || to == NONE {
            return;
        }
        let before = std::mem::replace(&mut operation.task, to);
        if let Some(task) = self.tasks.at(before) {
            task.pending.retain(|other| *other != place);
        }
        if let Some(task) = self.tasks.at(to) {
            task.pending.push(place);
        }
    }

    pub(super) fn end_operation(&mut self, number: u64, how: u64) {
        let Some((place, operation)) = self.operations.remove(number) else {
            return;
        };
        if let Some(task) = self.tasks.at(operation.task) {
            task.pending.retain(|other| *other != place);
        }
        let resource = self.resources.at(operation.resource_place);
        // Where its end was lost, another one may have its place.
        let resource = resource.filter(|resource| resource.number == operation.resource);
        let row = resource.map(|resource| {
            resource.wait_no_more();
            resource.row
        });
        if operation.site == NONE || self.now < self.book.from {
            return;
        }
        let long = self.now.since(operation.begun.max(self.book.from));
        let of_resource = row.and_then(|row| self.book.shared.at(row));
        let Some(of) = self.book.sites.at(operation.site) else {
            return;
        };
        match how {
            outcome::READY => {
                of.ready.add(long);
                if let Some(of) = of_resource {
                    of.waits.add(long);
                }
            }
            outcome::CLOSED => of.closed += 1,
            _ => {
                of.given_up += 1;
                if let Some(of) = of_resource {
                    of.given_up += 1;
                }
            }
        }
    }

    pub(super) fn new_resource(&mut self, number: u64, key: ResourceKey) {
        if self.resources.place(number).is_some() {
            return;
        }
        let row = self.book.shared.place(&key, || OTHER_RESOURCES);
        if let Some(of) = self.book.shared.at(row) {
            of.resources += u64::from(self.now >= self.book.from);
        }
        self.resources.insert(number, Resource::new(number, row));
    }

    /// The place of a resource; of one that was there before where it is not known.
    #[inline]
    pub(super) fn resource(&mut self, number: u64) -> u32 {
        if let Some(known) = self.resources.place(number) {
            return known;
        }
        let row = self.book.shared.place(&OTHER_RESOURCES, || OTHER_RESOURCES);
        self.resources.insert(number, Resource::new(number, row))
    }

    pub(super) fn acquire(&mut self, doer: &Doer, event: &Event<'_>) {
        let (from, at) = (self.book.from, self.now);
        let taken = Taken {
            number: event.value(1),
            units: event.value(6),
            location: event.value(2),
            at,
            counts: self.counts(doer.task()),
            gaps: self.gaps,
        };
        let place = self.resource(event.value(0));
        if let Some(resource) = self.resources.at(place)
            && let Some(of) = self.book.shared.at(resource.row)
        {
            of.taken += u64::from(taken.counts && at >= from);
            resource.take(taken, from, of);
        }
    }

    pub(super) fn give_back(&mut self, number: u64, hold: u64, units: u64) {
        let (now, from) = (self.now, self.book.from);
        if let Some(resource) = self.resources.get(number)
            && let Some(of) = self.book.shared.at(resource.row)
        {
            resource.give_back(hold, units, now, from, of);
        }
    }
}
