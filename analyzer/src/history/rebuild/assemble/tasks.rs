//! Tasks, with their polls and wakes.

use std::collections::HashMap;

use ais_format::event::{TaskNew, poll_outcome, task_flag};

use super::{Extend, entities};
use crate::history::rebuild::facts::{FactsOf, Place, TaskFact};
use crate::history::{
    Abort, Poll, PollOutcome, ResourceId, Task, TaskFlags, TaskId, Wake, WakersGone,
};
use crate::names::Names;
use crate::time::Nanos;
use crate::type_name::short_type_name;

pub(in super::super) fn tasks(facts: FactsOf<TaskFact>, names: &Names) -> Vec<Task> {
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
        type_name: None,
        flags: TaskFlags::default(),
        executor: None,
        late: true,
        has_gaps: false,
        polls: Vec::new(),
        wakes: Vec::new(),
        wakers_gone: Vec::new(),
        aborts: Vec::new(),
        dropped: None,
    };
    let (mut begins, mut ends) = (Vec::new(), Vec::new());
    let mut yields: HashMap<u64, u64> = HashMap::new();
    let (mut extend_begin, mut extend_end) = (Extend::default(), Extend::default());
    for &(_, place, fact) in facts.iter() {
        match fact {
            TaskFact::New(new) => introduce(&mut task, &new, place.at, names),
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
                    yields: 0,
                };
                begins.push((extend_begin.next(poll.poll), open));
            }
            TaskFact::Ended(end) => ends.push((extend_end.next(end.poll), place.at, end)),
            TaskFact::Dropped => task.dropped = Some(place.at),
            TaskFact::Aborted => task.aborts.push(Abort {
                at: place.at,
                by: place.task,
                foreign: place.foreign,
            }),
            TaskFact::Yielded { poll } => *yields.entry(poll).or_default() += 1,
            TaskFact::WakersGone(gone) => task.wakers_gone.push(WakersGone {
                at: place.at,
                waker: gone.waker,
            }),
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
        poll.yields = yields.remove(&poll.number).unwrap_or(0);
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

/// Notes what is known of a task from its beginning.
fn introduce(task: &mut Task, new: &TaskNew, at: Nanos, names: &Names) {
    task.flags = TaskFlags(new.flags);
    task.name = names.text(new.name).unwrap_or_default();
    if task.flags.is_unnamed() {
        let full = std::mem::take(&mut task.name);
        task.name = short_type_name(&full).into();
        task.type_name = Some(full);
    }
    task.executor = (new.executor != 0).then_some(ResourceId(new.executor));
    task.spawned_at = names.location(new.location);
    task.spawned_by = (new.parent != 0).then_some(TaskId(new.parent));
    task.spawned = at;
    task.size = new.size;
    task.late = new.flags & task_flag::LATE != 0;
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
