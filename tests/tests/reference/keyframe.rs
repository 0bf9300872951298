//! What is alive, told again as at the beginning of a generation: each thing as it is at some moment while the keyframe is written.

use std::ops::RangeInclusive;

use ais_format::event::{
    AwaitEnter, DoneBy, Foreign, FutureBegin, FutureNew, HandleNew, OperationFired, OperationPoll,
    PollBegin, PollEnd, ResourceState, SectionBegin, Wake, handle_end, poll_outcome,
    resource_status,
};

use crate::expected::{Expected, Resource, State, Task, expected};
use crate::model::{Act, Event};
use crate::rng::Rng;

/// What is told, each with its own time; what has none is told as of when the keyframe is written.
type Told = Vec<(Option<u64>, Act)>;

/// What is told by a keyframe that is written while the events in `window` happen.
pub(crate) fn told(events: &[Event], window: RangeInclusive<usize>, rng: &mut Rng) -> Told {
    let (from, to) = (*window.start(), *window.end());
    // Everything is read at any moment between these.
    let moments: Vec<Expected> = (from..=to).map(|i| expected(&events[..i])).collect();
    let (first, last) = (&moments[0], &moments[moments.len() - 1]);
    let mut told = Told::new();
    for &id in last.tasks.keys() {
        if let Some(task) = rng.of(&moments).tasks.get(&id) {
            tell_task(&mut told, task);
        }
    }
    for &id in last.futures.keys() {
        let Some(future) = rng.of(&moments).futures.get(&id) else {
            continue;
        };
        if future.ended.is_some() {
            continue;
        }
        let function = future.function;
        let Some(begun) = future.begun else {
            let new = FutureNew {
                future: id,
                function,
            };
            told.push((Some(future.made), new.into()));
            continue;
        };
        done_by(&mut told, future.task);
        let begin = FutureBegin {
            future: id,
            function,
            parent: future.parent,
        };
        told.push((Some(begun), begin.into()));
        if let Some(visit) = future.visits.last().filter(|visit| visit.left.is_none()) {
            done_by(&mut told, future.task);
            let point = visit.point;
            told.push((Some(visit.entered), AwaitEnter { future: id, point }.into()));
        }
    }
    for &id in last.operations.keys() {
        let Some(operation) = rng.of(&moments).operations.get(&id) else {
            continue;
        };
        if operation.ended.is_some() {
            continue;
        }
        done_by(&mut told, operation.polls[0].by.task);
        told.push((Some(operation.polls[0].at), operation.begin.into()));
        let poll = operation.polls[operation.polls.len() - 1];
        if operation.polls.len() > 1 {
            done_by(&mut told, poll.by.task);
            let row = OperationPoll {
                operation: id,
                fires: poll.fires,
                flags: poll.flags,
            };
            told.push((None, row.into()));
        }
        let fired = operation.firings.last().map_or(0, |(_, number)| *number);
        if fired > poll.fires {
            let (operation, number) = (id, fired);
            told.push((None, OperationFired { operation, number }.into()));
        }
    }
    for (&id, resource) in &last.resources {
        if resource.dropped.is_none() {
            let since = first.resources.get(&id).map_or(0, last_change);
            let copy = rng.of(&moments).resources.get(&id).unwrap_or(resource);
            tell_resource(&mut told, copy, resource, since);
        }
    }
    for (index, section) in last.sections.iter().enumerate() {
        let Some(copy) = rng.of(&moments).sections.get(index) else {
            continue;
        };
        if copy.ended.is_none() {
            done_by(&mut told, section.by.task);
            if let Some(task) = section.by.foreign {
                told.push((None, Foreign { task }.into()));
            }
            let row = SectionBegin {
                kind: section.kind,
                resource: section.resource,
                location: 0,
                thread: section.thread,
            };
            told.push((Some(section.begun), row.into()));
        }
    }
    told
}

fn done_by(told: &mut Told, task: Option<u64>) {
    if let Some(task) = task {
        told.push((None, DoneBy { task }.into()));
    }
}

fn tell_task(told: &mut Told, task: &Task) {
    let state = task.state();
    if !matches!(
        state,
        State::Running(_) | State::Scheduled(_) | State::Idle(_)
    ) {
        return;
    }
    let id = task.new.task;
    told.push((Some(task.spawned), task.new.into()));
    if let Some(last) = task.polls.last() {
        let begin = PollBegin {
            task: id,
            poll: last.number,
            wakes: last.wakes_seen,
            waker: last.waker,
        };
        told.push((Some(last.begin), begin.into()));
        if let Some((_, outcome, wakers)) = last.end {
            debug_assert_eq!(outcome, poll_outcome::PENDING, "or it would not be alive");
            let end = PollEnd {
                task: id,
                poll: last.number,
                outcome,
                wakers,
            };
            // When it ended is not kept.
            told.push((Some(last.begin), end.into()));
        }
        if let (Some(wake), true) = (task.last_wake_of(last.waker), task.is_woken()) {
            let row = Wake {
                task: id,
                waker: last.waker,
                number: wake,
            };
            told.push((None, row.into()));
        }
    }
}

fn last_change(resource: &Resource) -> u64 {
    resource.changes.last().map_or(0, |change| change.sequence)
}

fn tell_resource(told: &mut Told, copy: &Resource, last: &Resource, since: u64) {
    let id = last.new.resource;
    done_by(told, last.made_by);
    told.push((Some(last.made), last.new.into()));
    for hold in &copy.holds {
        done_by(told, hold.by.task);
        let mut row = hold.acquire;
        (row.sequence, row.units) = (hold.number, hold.units);
        told.push((Some(hold.since), row.into()));
    }
    for end in &copy.handles {
        done_by(told, end.made_by);
        let row = HandleNew {
            resource: id,
            sequence: copy.born(end.number),
            handle: end.number,
            end: if end.is_receiver {
                handle_end::RECEIVER
            } else {
                handle_end::SENDER
            },
        };
        told.push((Some(end.made), row.into()));
    }
    let mut status = 0;
    for (is_so, bit) in [
        (last.is_closed, resource_status::CLOSED),
        (last.is_set, resource_status::SET),
        (last.is_escaped, resource_status::ESCAPED),
        (last.is_late(), resource_status::MESSAGES_UNKNOWN),
    ] {
        status |= if is_so { bit } else { 0 };
    }
    let row = ResourceState {
        resource: id,
        since,
        sequence: last_change(last),
        messages: last.messages,
        status,
        units: last.units,
    };
    told.push((None, row.into()));
}
