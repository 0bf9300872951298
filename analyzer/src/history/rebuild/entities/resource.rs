//! Resources, with their changes in the order of their numbers.

use std::sync::Arc;

use ais_format::event::{
    self, Acquire, OperationBegin, handle_end, operation_flag, resource_flag, send_flag,
};

use super::Build;
use super::operation::ended_as;
use crate::history::rebuild::facts::{Place, ResourceFact};
use crate::history::{
    Change, ChangeKind, FutureId, HandleSide, Hold, NotifyMode, OperationFlags, OperationId,
    Replay, Resource, ResourceId, ResourceKind, TaskId, Told,
};
use crate::names::Names;
use crate::time::Nanos;

#[derive(Debug)]
pub(super) struct ResourceBuilder {
    resource: Resource,
    is_introduced: bool,
    bases: Vec<Base>,
    generation: u32,
    /// When the first fact was.
    first: Nanos,
}

impl ResourceBuilder {
    pub(super) fn new(id: u64) -> Self {
        ResourceBuilder {
            resource: Resource {
                id: ResourceId(id),
                kind: ResourceKind::Unknown,
                name: None,
                created_at: None,
                created_by: None,
                created: None,
                capacity: 0,
                pool: None,
                late: false,
                uncertain: true,
                changes: Vec::new(),
                told: None,
                at_end: Arc::default(),
                dropped: None,
            },
            is_introduced: false,
            bases: Vec::new(),
            generation: 0,
            first: Nanos(u64::MAX),
        }
    }

    pub(super) fn add(&mut self, place: &Place, fact: ResourceFact, names: &Names) {
        self.generation = self.generation.max(place.generation);
        self.first = self.first.min(place.at);
        let resource = &mut self.resource;
        match fact {
            ResourceFact::New(_) if self.is_introduced && place.told.is_some() => {}
            ResourceFact::New(new) => {
                self.is_introduced = true;
                introduce(resource, new, place, names);
            }
            ResourceFact::Dropped => resource.dropped = Some(place.at),
            ResourceFact::State(state) => {
                let base = base_of(&mut self.bases, place.generation);
                base.at = place.told.unwrap_or(place.at);
                base.state = state;
            }
            fact => {
                let Some((sequence, kind)) = change(fact, place, names) else {
                    return;
                };
                let change = Change {
                    sequence,
                    at: place.at,
                    by: place.task,
                    foreign: place.foreign,
                    kind,
                };
                match place.told {
                    None => resource.changes.push(change),
                    Some(_) => base_of(&mut self.bases, place.generation)
                        .alive
                        .push(change),
                }
            }
        }
    }
}

impl Build for ResourceBuilder {
    type Entity = Resource;

    fn generation(&self) -> u32 {
        self.generation
    }

    /// Which resources are left is told by what uses them.
    fn end_unseen(&mut self, _at: Nanos) {}

    fn cut(&mut self, end: Nanos) -> bool {
        let resource = &mut self.resource;
        resource.changes.retain(|change| change.at < end);
        resource.dropped = resource.dropped.filter(|&at| at < end);
        self.first < end
    }

    fn finish(self) -> Resource {
        let ResourceBuilder {
            mut resource,
            bases,
            ..
        } = self;
        resource.changes.sort_by_key(|change| change.sequence);
        // Changes are numbered without gaps, from 1 where the recording saw the resource from its beginning.
        let last_gap = resource
            .changes
            .windows(2)
            .rposition(|pair| pair[1].sequence != pair[0].sequence.wrapping_add(1))
            .map(|index| index + 1);
        let begins = resource
            .changes
            .first()
            .is_none_or(|change| change.sequence == 1);
        let last = resource.changes.last().map_or(0, |change| change.sequence);
        let is_seen = |base: &Base| base.state.since <= last;
        let is_whole = begins && last_gap.is_none() && bases.last().is_none_or(is_seen);
        // From where on nothing is missing.
        let whole_from = resource
            .changes
            .get(last_gap.unwrap_or(0))
            .map(|change| change.sequence);
        let base = bases.into_iter().rev().find(|base| {
            base.state.resource != 0
                && whole_from.is_none_or(|first| first <= base.state.since.wrapping_add(1))
        });
        match base.filter(|_| !is_whole) {
            Some(base) => {
                let mut alive = base.alive;
                alive.sort_by_key(|change| change.sequence);
                // What is alive and whose own change is not kept.
                let known = &resource.changes;
                let is_missing = |told: &&Change| {
                    known
                        .binary_search_by_key(&told.sequence, |change| change.sequence)
                        .is_err()
                };
                let missing: Vec<Change> = alive.iter().filter(is_missing).cloned().collect();
                resource.changes.extend(missing);
                resource.changes.sort_by_key(|change| change.sequence);
                resource.uncertain |= !resource.kind.is_known_from_a_base();
                let (at, state) = (base.at, base.state);
                resource.told = Some(Box::new(Told { at, alive, state }));
            }
            None => resource.uncertain |= !is_whole,
        }
        let mut replay = Replay::new(&resource);
        let at_end = Arc::clone(replay.advance(Nanos(u64::MAX)));
        resource.at_end = at_end;
        resource.uncertain |= resource.at_end.is_escaped || resource.at_end.contradiction.is_some();
        resource
    }
}

fn introduce(resource: &mut Resource, new: event::ResourceNew, place: &Place, names: &Names) {
    resource.kind = ResourceKind::from_number(new.kind);
    resource.name = names.text(new.name);
    resource.created_at = names.location(new.location);
    resource.created_by = place.task;
    resource.created = Some(place.at);
    resource.capacity = new.capacity;
    resource.pool = Some(new.pool).filter(|&threads| threads > 0);
    // A constant is known from its first use on, which has number 1 if there was none before.
    resource.late = new.flags & resource_flag::LATE != 0;
    resource.uncertain = resource.late;
}

/// What is told of a resource at the beginning of a generation.
#[derive(Debug)]
struct Base {
    generation: u32,
    at: Nanos,
    state: event::ResourceState,
    /// The changes by which what is alive was born.
    alive: Vec<Change>,
}

fn base_of(bases: &mut Vec<Base>, generation: u32) -> &mut Base {
    let index = bases.partition_point(|base| base.generation < generation);
    if bases
        .get(index)
        .is_none_or(|base| base.generation != generation)
    {
        let base = Base {
            generation,
            at: Nanos(0),
            state: event::ResourceState::default(),
            alive: Vec::new(),
        };
        bases.insert(index, base);
    }
    &mut bases[index]
}

/// The change that a fact tells of, with its number; none where it tells of none.
fn change(fact: ResourceFact, place: &Place, names: &Names) -> Option<(u64, ChangeKind)> {
    Some(match fact {
        ResourceFact::New(_) | ResourceFact::Dropped | ResourceFact::State(_) => return None,
        ResourceFact::Acquired(row) => (
            row.sequence,
            ChangeKind::Acquired(Box::new(hold(&row, place, names))),
        ),
        ResourceFact::Released(row) => {
            let (hold, units) = (row.hold, row.units);
            (row.sequence, ChangeKind::Released { hold, units })
        }
        ResourceFact::Split(row) => {
            let (hold, units) = (row.hold, row.units);
            (row.sequence, ChangeKind::Split { hold, units })
        }
        ResourceFact::Merged(row) => {
            let (hold, gone) = (row.hold, row.gone);
            (row.sequence, ChangeKind::Merged { hold, gone })
        }
        ResourceFact::Forgotten(row) => {
            let (hold, units) = (row.hold, row.units);
            (row.sequence, ChangeKind::Forgotten { hold, units })
        }
        ResourceFact::Added(row) => {
            let location = names.location(row.location);
            let units = row.units;
            (row.sequence, ChangeKind::Added { units, location })
        }
        ResourceFact::Sent(row) => {
            let can_hold = row.flags & send_flag::CAN_HOLD != 0;
            let handle = row.handle;
            (row.sequence, ChangeKind::Sent { handle, can_hold })
        }
        ResourceFact::SendFailed(row) => (row.sequence, ChangeKind::SendFailed),
        ResourceFact::Received(row) => {
            // Files of before this column say nothing, and mean one.
            let messages = row.messages.max(1);
            let handle = row.handle;
            (row.sequence, ChangeKind::Received { handle, messages })
        }
        ResourceFact::Lagged(row) => {
            let (handle, messages) = (row.handle, row.messages);
            (row.sequence, ChangeKind::Lagged { handle, messages })
        }
        ResourceFact::Closed(row) => (row.sequence, ChangeKind::Closed),
        ResourceFact::HandleNew(row) => {
            let side = if row.end == handle_end::RECEIVER {
                HandleSide::Receiver
            } else {
                HandleSide::Sender
            };
            (row.sequence, ChangeKind::HandleNew(row.handle, side))
        }
        ResourceFact::HandleDropped(row) => (row.sequence, ChangeKind::HandleDropped(row.handle)),
        ResourceFact::Notified(row) => {
            let location = names.location(row.location);
            let mode = NotifyMode::from_number(row.mode);
            (row.sequence, ChangeKind::Notified { mode, location })
        }
        ResourceFact::Arrived(row) => {
            let location = names.location(row.location);
            (row.sequence, ChangeKind::Arrived(location))
        }
        ResourceFact::MemberNew(row) => (row.sequence, ChangeKind::MemberNew(TaskId(row.task))),
        ResourceFact::MemberGone(row) => {
            let task = (row.task != 0).then_some(TaskId(row.task));
            (row.sequence, ChangeKind::MemberGone(task))
        }
        ResourceFact::Escaped(row) => (row.sequence, ChangeKind::Escaped),
        ResourceFact::OperationBegan(row) => (row.sequence, began(&row)),
        ResourceFact::OperationEnded(row) => {
            let (operation, outcome) = (OperationId(row.operation), ended_as(row.outcome));
            (row.sequence, ChangeKind::Ended { operation, outcome })
        }
    })
}

fn hold(row: &Acquire, place: &Place, names: &Names) -> Hold {
    Hold {
        number: row.sequence,
        // Files of before this column say nothing, and mean one.
        units: row.units.max(1),
        task: place.task,
        foreign: place.foreign,
        future: (row.future != 0).then_some(FutureId(row.future)),
        location: names.location(row.location),
        since: place.at,
        operation: (row.operation != 0).then_some(OperationId(row.operation)),
        exact: OperationFlags(row.flags).takes_in_place(),
        loose: OperationFlags(row.flags).takes_loosely(),
    }
}

fn began(row: &OperationBegin) -> ChangeKind {
    ChangeKind::Began {
        operation: OperationId(row.operation),
        units: row.units,
        overlap: row.overlap,
        // Without budget it may not even have come to the queue.
        is_queued: row.flags & operation_flag::NO_BUDGET == 0,
    }
}
