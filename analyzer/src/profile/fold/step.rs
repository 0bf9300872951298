//! One event: whose it is, and what is to be done with it.

use ais_format::chunk::Event;
use ais_format::event::Kind;

use super::task::NONE;
use super::{Doer, Rest};
use crate::clock::Reader;
use crate::names::Names;

impl Doer {
    /// The task in whose poll the thread is.
    #[inline]
    pub(super) fn task(&self) -> u32 {
        self.polls.last().map_or(NONE, |&(place, _)| place)
    }
}

impl Rest<'_> {
    pub(super) fn step(
        &mut self,
        names: &Names,
        thread: u64,
        doer: &mut Doer,
        next: Option<&Event<'_>>,
        clock: &mut Reader<'_>,
    ) {
        let Some(event) = next else {
            // Which polls are open is not known any more.
            doer.runs = NONE;
            self.gaps = self.gaps.wrapping_add(1);
            for (place, _) in doer.polls.drain(..) {
                if let Some(task) = self.tasks.at(place) {
                    task.lose();
                }
            }
            return;
        };
        let at = clock.time(event.tick);
        self.now = at;
        doer.last = doer.last.max(at);
        self.events += u64::from(at >= self.book.from);
        self.take(names, thread, doer, event);
    }

    /// Takes in an event of now.
    #[inline]
    pub(super) fn take(&mut self, names: &Names, thread: u64, doer: &mut Doer, event: &Event<'_>) {
        let Some(kind) = event.kind else { return };
        match kind {
            Kind::PollBegin => self.begin_poll(doer, event),
            Kind::PollEnd => self.end_poll(names, thread, doer, event),
            Kind::Wake => self.wake(doer, event),
            Kind::AwaitEnter => self.enter(doer, event.value(0), event.value(1)),
            Kind::AwaitLeave => self.leave(doer, event.value(0), event.value(2)),
            Kind::FutureBegin => {
                self.begin_future(doer, event.value(0), event.value(1), event.value(2));
            }
            Kind::FutureEnd => self.end_future(doer, event.value(0), event.value(1)),
            Kind::OperationBegin => self.begin_operation(doer, event),
            Kind::OperationPoll => self.poll_operation(doer, event.value(0)),
            Kind::OperationEnd => self.end_operation(event.value(0), event.value(1)),
            Kind::Acquire => self.acquire(doer, event),
            Kind::Release | Kind::Forget => {
                self.give_back(event.value(0), event.value(2), event.value(3));
            }
            Kind::Receive => {
                let is_counted = self.now >= self.book.from && self.counts(doer.task());
                let place = self.resource(event.value(0));
                if let Some(resource) = self.resources.at(place).filter(|_| is_counted)
                    && let Some(of) = self.book.shared.at(resource.row)
                {
                    of.messages += event.value(4).max(1);
                }
            }
            _ => self.take_seldom(names, doer, kind, event),
        }
    }

    fn take_seldom(&mut self, names: &Names, doer: &mut Doer, kind: Kind, event: &Event<'_>) {
        match kind {
            Kind::TaskNew => self.new_task(names, event.row()),
            Kind::FutureNew => self.make_future(event.value(0), event.value(1)),
            Kind::TaskDrop => self.drop_task(event.value(0)),
            Kind::InPoll => {
                let number = event.value(0);
                let is_known = doer.polls.last().is_some_and(|&(_, task)| task == number);
                if !is_known {
                    let place = self.task(number);
                    doer.polls = vec![(place, number)];
                    doer.since = self.now;
                }
            }
            Kind::Yield => {
                if let Some(of) = self.of_task(doer.task()) {
                    of.yields += 1;
                }
            }
            Kind::ResourceNew => self.new_resource(
                event.value(0),
                (event.value(1), event.value(2), event.value(4)),
            ),
            Kind::ResourceDrop => {
                if let Some((_, mut resource)) = self.resources.remove(event.value(0))
                    && let Some(of) = self.book.shared.at(resource.row)
                {
                    resource.end(self.now, self.gaps, self.book.from, of);
                }
            }
            Kind::HoldSplit => {
                if let Some(resource) = self.resources.get(event.value(0)) {
                    resource.split(event.value(2), event.value(3), event.value(1));
                }
            }
            Kind::HoldMerge => {
                if let Some(resource) = self.resources.get(event.value(0)) {
                    resource.merge(event.value(2), event.value(3));
                }
            }
            _ => {}
        }
    }

    /// Whether what a task does is asked for; what none does is, unless only some tasks are.
    pub(super) fn counts(&mut self, task: u32) -> bool {
        match self.tasks.at(task) {
            Some(task) => task.kind != NONE,
            None => self.filters.is_empty(),
        }
    }
}
