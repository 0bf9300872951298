//! The facts of each entity, brought together and put into the entity's own order.

use ais_format::event::{
    handle_end, operation_flag, operation_kind, outcome, poll_outcome, resource_flag,
    resource_kind, task_flag,
};
use rayon::prelude::*;

use super::walk::{FactsOf, FutureFact, OperationFact, Place, ResourceFact, TaskFact};
use crate::history::{
    Await, Change, ChangeKind, FunctionId, Future, FutureEnd, FutureId, HandleSide, Hold,
    Operation, OperationId, OperationKind, Outcome, Poll, PollOutcome, Resource, ResourceId,
    ResourceKind, Task, TaskId, Wake,
};
use crate::names::Names;

/// Groups facts by entity and makes one entity of each group, in parallel; ordered by the entities' numbers.
fn entities<T: Send + Sync, E: Send>(
    mut facts: FactsOf<T>,
    make: impl Fn(u64, &mut [(u64, Place, T)]) -> E + Sync,
) -> Vec<E> {
    facts.par_sort_by_key(|(id, ..)| *id);
    let groups: Vec<&mut [(u64, Place, T)]> = facts.chunk_by_mut(|a, b| a.0 == b.0).collect();
    groups
        .into_par_iter()
        .map(|group| make(group[0].0, group))
        .collect()
}

/// What one task did comes in the order of its polls; where others did something to the entity too, all of it by time.
fn sort_by_task<T>(facts: &mut [(u64, Place, T)]) {
    facts.sort_by_key(|(_, place, _)| place.at);
    let owner = facts[0].1.task;
    if owner.is_none() || facts.iter().any(|(_, place, _)| place.task != owner) {
        return;
    }
    let mut extend = Extend::default();
    for (_, place, _) in facts.iter_mut() {
        place.order.0 = extend.next(place.order.0);
    }
    facts.sort_by_key(|(_, place, _)| place.order);
}

/// Extends numbers of which only the lowest 32 bits are recorded: given in the order of time, which is nearly their own, each is taken
/// to be near the one before.
#[derive(Default)]
struct Extend {
    last: Option<u64>,
}

impl Extend {
    fn next(&mut self, low: u64) -> u64 {
        /// Far enough from zero for a first number that is not the smallest.
        const START: u64 = 1 << 40;
        let low = low as u32;
        let extended = match self.last {
            None => START + u64::from(low),
            Some(last) => {
                last.wrapping_add_signed(i64::from(low.wrapping_sub(last as u32).cast_signed()))
            }
        };
        self.last = Some(extended);
        extended
    }
}

pub(super) fn tasks(facts: FactsOf<TaskFact>, names: &Names) -> Vec<Task> {
    entities(facts, |id, facts| task(TaskId(id), facts, names))
}

fn task(id: TaskId, facts: &mut [(u64, Place, TaskFact)], names: &Names) -> Task {
    facts.sort_by_key(|(_, place, _)| place.at);
    let mut task = Task {
        id,
        name: names.text(0).unwrap_or_default(),
        spawned_at: None,
        spawned_by: None,
        spawned: facts[0].1.at,
        size: 0,
        late: true,
        has_gaps: false,
        polls: Vec::new(),
        wakes: Vec::new(),
        dropped: None,
    };
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    let (mut extend_begin, mut extend_end) = (Extend::default(), Extend::default());
    for &(_, place, fact) in facts.iter() {
        match fact {
            TaskFact::New(new) => {
                task.name = names.text(new.name).unwrap_or_default();
                task.spawned_at = names.location(new.location);
                task.spawned_by = (new.parent != 0).then_some(TaskId(new.parent));
                task.spawned = place.at;
                task.size = new.size;
                task.late = new.flags & task_flag::LATE != 0;
            }
            TaskFact::Began { poll, thread } => {
                let open = Poll {
                    number: poll.poll,
                    thread,
                    inside: place.task.filter(|&outer| outer != id),
                    begin: place.at,
                    end: None,
                    outcome: PollOutcome::Open,
                    waker: poll.waker,
                    wakes_seen: poll.wakes,
                    wakers: 0,
                };
                begins.push((extend_begin.next(poll.poll), open));
            }
            TaskFact::Ended(end) => ends.push((extend_end.next(end.poll), place.at, end)),
            TaskFact::Dropped => task.dropped = Some(place.at),
            TaskFact::Woken {
                wake,
                by,
                operation,
            } => {
                task.wakes.push(Wake {
                    at: place.at,
                    by,
                    waker: wake.waker,
                    number: wake.number,
                    operation,
                });
            }
        }
    }
    begins.sort_by_key(|(number, _)| *number);
    task.has_gaps = begins
        .windows(2)
        .any(|pair| pair[1].0 != pair[0].0.wrapping_add(1));
    ends.sort_by_key(|(number, ..)| *number);
    let mut ends = ends.into_iter().peekable();
    for (number, mut poll) in begins {
        // Ends without a beginning: that is lost.
        while ends.next_if(|(end, ..)| *end < number).is_some() {}
        if let Some((_, at, end)) = ends.next_if(|(end, ..)| *end == number) {
            poll.end = Some(at.max(poll.begin));
            poll.wakers = end.wakers;
            poll.outcome = match end.outcome {
                poll_outcome::READY => PollOutcome::Ready,
                poll_outcome::PANICKED => PollOutcome::Panicked,
                _ => PollOutcome::Pending,
            };
        }
        task.polls.push(poll);
    }
    task.has_gaps |= close_lost_polls(&mut task.polls);
    task
}

/// A poll with a successor has ended, even where its end is lost. Whether there was any such.
fn close_lost_polls(polls: &mut [Poll]) -> bool {
    let mut has_gaps = false;
    for i in 1..polls.len() {
        let next = polls[i].begin;
        let poll = &mut polls[i - 1];
        if poll.end.is_none() {
            has_gaps = true;
            poll.end = Some(next.max(poll.begin));
            poll.outcome = PollOutcome::Pending;
        }
    }
    has_gaps
}

pub(super) fn futures(facts: FactsOf<FutureFact>) -> Vec<Future> {
    entities(facts, |id, facts| future(FutureId(id), facts))
}

fn future(id: FutureId, facts: &mut [(u64, Place, FutureFact)]) -> Future {
    sort_by_task(facts);
    let mut future = Future {
        id,
        function: FunctionId(0),
        task: None,
        parent: None,
        made: facts[0].1.at,
        begun: None,
        awaits: Vec::new(),
        ended: None,
    };
    for &(_, place, fact) in facts.iter() {
        match fact {
            FutureFact::New(new) => future.function = FunctionId(new.function),
            FutureFact::Began(begin) => {
                future.function = FunctionId(begin.function);
                future.parent = (begin.parent != 0).then_some(FutureId(begin.parent));
                future.begun = Some(place.at);
                future.task = place.task;
            }
            FutureFact::Entered(enter) => {
                future.task = place.task.or(future.task);
                future.awaits.push(Await {
                    point: enter.point as usize,
                    entered: place.at,
                    left: None,
                    dropped: false,
                });
            }
            FutureFact::Left(leave) => {
                let open = future.awaits.iter_mut().rfind(|visit| visit.left.is_none());
                if let Some(visit) = open.filter(|visit| visit.point as u64 == leave.point) {
                    visit.left = Some(place.at.max(visit.entered));
                    visit.dropped = leave.outcome != outcome::READY;
                }
            }
            FutureFact::Ended(end) => {
                let dropped_at_await = future
                    .awaits
                    .last()
                    .is_some_and(|visit| visit.dropped || visit.left.is_none());
                let how = match end.outcome {
                    outcome::PANICKED => FutureEnd::Panicked,
                    outcome::NEVER_POLLED => FutureEnd::NeverPolled,
                    outcome::READY if !dropped_at_await => FutureEnd::Returned,
                    _ => FutureEnd::Dropped,
                };
                future.ended = Some((place.at, how));
            }
        }
    }
    future
}

pub(super) fn operations(facts: FactsOf<OperationFact>, names: &Names) -> Vec<Operation> {
    entities(facts, |id, facts| operation(OperationId(id), facts, names))
}

fn operation(
    id: OperationId,
    facts: &mut [(u64, Place, OperationFact)],
    names: &Names,
) -> Operation {
    let mut operation = Operation {
        id,
        kind: OperationKind::Unknown,
        location: None,
        task: None,
        future: None,
        inline: false,
        foreign_waker: false,
        begun: facts
            .iter()
            .map(|(_, place, _)| place.at)
            .min()
            .unwrap_or_default(),
        fires_seen: 0,
        fires: 0,
        ended: None,
    };
    // Firings come from other threads, and their order to the rest does not matter: they are numbered.
    facts.sort_by_key(|(_, place, _)| place.at);
    for &(_, place, fact) in facts.iter() {
        match fact {
            OperationFact::Began(begin) => {
                let resource = ResourceId(begin.target);
                operation.kind = match begin.kind {
                    operation_kind::LOCK => OperationKind::Lock(resource),
                    operation_kind::SEND => OperationKind::Send(resource, begin.handle),
                    operation_kind::RECEIVE => OperationKind::Receive(resource, begin.handle),
                    operation_kind::JOIN => OperationKind::Join(TaskId(begin.target)),
                    _ => OperationKind::Unknown,
                };
                operation.location = names.location(begin.location);
                operation.task = place.task;
                operation.future = (begin.future != 0).then_some(FutureId(begin.future));
                operation.inline = begin.flags & operation_flag::INLINE != 0;
                operation.foreign_waker = begin.flags & operation_flag::FOREIGN_WAKER != 0;
                operation.begun = place.at;
            }
            OperationFact::Polled(poll) => {
                operation.fires_seen = operation.fires_seen.max(poll.fires);
                // It may have been moved since it began, to another task even.
                operation.task = place.task;
                operation.inline = poll.flags & operation_flag::INLINE != 0;
                operation.foreign_waker = poll.flags & operation_flag::FOREIGN_WAKER != 0;
            }
            OperationFact::Fired(fired) => operation.fires = operation.fires.max(fired.number),
            OperationFact::Ended(end) => {
                let how = match end.outcome {
                    outcome::READY => Outcome::Ready,
                    outcome::PANICKED => Outcome::Panicked,
                    outcome::CLOSED => Outcome::Closed,
                    _ => Outcome::Dropped,
                };
                operation.ended = Some((place.at, how));
            }
        }
    }
    operation
}

pub(super) fn resources(facts: FactsOf<ResourceFact>, names: &Names) -> Vec<Resource> {
    entities(facts, |id, facts| resource(ResourceId(id), facts, names))
}

fn resource(id: ResourceId, facts: &mut [(u64, Place, ResourceFact)], names: &Names) -> Resource {
    let mut resource = Resource {
        id,
        kind: ResourceKind::Unknown,
        name: None,
        created_at: None,
        created_by: None,
        capacity: 0,
        uncertain: true,
        changes: Vec::new(),
        dropped: None,
    };
    for &(_, place, fact) in facts.iter() {
        let (sequence, kind) = match fact {
            ResourceFact::New(new) => {
                resource.kind = match new.kind {
                    resource_kind::MUTEX => ResourceKind::Mutex,
                    resource_kind::CHANNEL => ResourceKind::Channel,
                    _ => ResourceKind::Unknown,
                };
                resource.name = names.text(new.name);
                resource.created_at = names.location(new.location);
                resource.created_by = place.task;
                resource.capacity = new.capacity;
                resource.uncertain = new.flags & resource_flag::LATE != 0;
                continue;
            }
            ResourceFact::Dropped => {
                resource.dropped = Some(place.at);
                continue;
            }
            ResourceFact::Acquired(acquire) => {
                const MOVABLE: u64 = operation_flag::STATIC | operation_flag::MAYBE_STATIC;
                let hold = Hold {
                    task: place.task,
                    future: (acquire.future != 0).then_some(FutureId(acquire.future)),
                    location: names.location(acquire.location),
                    since: place.at,
                    operation: (acquire.operation != 0).then_some(OperationId(acquire.operation)),
                    exact: acquire.flags & operation_flag::INLINE != 0
                        && acquire.flags & MOVABLE == 0,
                };
                (acquire.sequence, ChangeKind::Acquired(hold))
            }
            ResourceFact::Released(row) => (row.sequence, ChangeKind::Released),
            ResourceFact::Sent(row) => (row.sequence, ChangeKind::Sent(row.handle)),
            ResourceFact::SendFailed(row) => (row.sequence, ChangeKind::SendFailed),
            ResourceFact::Received(row) => (row.sequence, ChangeKind::Received(row.handle)),
            ResourceFact::Closed(row) => (row.sequence, ChangeKind::Closed),
            ResourceFact::HandleNew(row) => {
                let side = if row.end == handle_end::RECEIVER {
                    HandleSide::Receiver
                } else {
                    HandleSide::Sender
                };
                (row.sequence, ChangeKind::HandleNew(row.handle, side))
            }
            ResourceFact::HandleDropped(row) => {
                (row.sequence, ChangeKind::HandleDropped(row.handle))
            }
        };
        resource.changes.push(Change {
            sequence,
            at: place.at,
            by: place.task,
            kind,
        });
    }
    resource.changes.sort_by_key(|change| change.sequence);
    // Changes are numbered without gaps, from 1 where the recording saw the resource from its beginning.
    let has_gap = resource
        .changes
        .windows(2)
        .any(|pair| pair[1].sequence != pair[0].sequence.wrapping_add(1));
    let begins = resource
        .changes
        .first()
        .is_none_or(|change| change.sequence == 1);
    resource.uncertain |= has_gap || !begins;
    distrust_moving_guards(&mut resource.changes);
    resource
}

/// Where one task has ever dropped what another had taken, guards of this lock are moved around: none of its holders is sure.
fn distrust_moving_guards(changes: &mut [Change]) {
    let moved = changes
        .windows(2)
        .any(|pair| match (&pair[0].kind, &pair[1].kind) {
            (ChangeKind::Acquired(hold), ChangeKind::Released) => {
                pair[1].by.is_some() && pair[1].by != hold.task
            }
            _ => false,
        });
    if moved {
        for change in changes {
            if let ChangeKind::Acquired(hold) = &mut change.kind {
                hold.exact = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_wrapped_around_go_on() {
        let mut extend = Extend::default();
        let first = extend.next(u64::from(u32::MAX) - 1);
        assert_eq!(extend.next(u64::from(u32::MAX)), first + 1);
        assert_eq!(extend.next(0), first + 2);
        assert_eq!(extend.next(2), first + 4);
        assert_eq!(extend.next(1), first + 3);
    }
}
