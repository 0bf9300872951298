//! Tasks, with their polls and wakes.

use ais_format::event::{TaskNew, task_flag};

use super::entities;
use super::polls::Polls;
use crate::history::rebuild::facts::{FactsOf, Place, TaskFact};
use crate::history::{Abort, ResourceId, Task, TaskFlags, TaskId, Wake, WakersGone};
use crate::names::Names;
use crate::time::Nanos;
use crate::type_name::short_type_name;

pub(in super::super) fn tasks(facts: FactsOf<TaskFact>, names: &Names) -> Vec<Task> {
    entities(facts, |id, facts| task(TaskId(id), facts, names))
}

fn task(id: TaskId, facts: &mut [(u64, Place, TaskFact)], names: &Names) -> Task {
    facts.sort_by_key(|(_, place, _)| place.recorded());
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
        ended_unseen: None,
    };
    let mut polls = Polls::default();
    let mut is_introduced = false;
    for &(_, place, fact) in facts.iter() {
        match fact {
            TaskFact::New(_) if is_introduced && place.told.is_some() => {}
            TaskFact::New(new) => {
                is_introduced = true;
                introduce(&mut task, &new, place.at, names);
            }
            TaskFact::EndedUnseen => task.ended_unseen = Some(place.at),
            TaskFact::Began { poll, thread } => polls.begin(&poll, thread, id, &place),
            TaskFact::Ended(end) => polls.end(end, &place),
            TaskFact::Dropped => task.dropped = Some(place.at),
            TaskFact::Aborted => task.aborts.push(Abort {
                at: place.at,
                by: place.task,
                foreign: place.foreign,
            }),
            TaskFact::Yielded { poll } => polls.yielded(poll),
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
    (task.polls, task.has_gaps) = polls.assemble();
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
