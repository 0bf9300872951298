//! Tasks, with their polls and wakes.

use ais_format::event::{TaskNew, task_flag};

use super::Build;
use super::polls::Polls;
use crate::history::rebuild::facts::{Place, TaskFact};
use crate::history::{Abort, Poll, ResourceId, Task, TaskFlags, TaskId, Wake, WakersGone};
use crate::names::Names;
use crate::time::Nanos;
use crate::type_name::short_type_name;

#[derive(Debug)]
pub(super) struct TaskBuilder {
    pub(super) task: Task,
    pub(super) polls: Polls,
    is_introduced: bool,
    generation: u32,
    /// When the first fact was.
    first: Nanos,
}

/// What is known of a task while it is put together.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct SoFar<'a> {
    /// All but its polls.
    pub(in super::super) task: &'a Task,
    /// As their begins came.
    pub(in super::super) polls: &'a [Poll],
    /// It is known from its beginning.
    pub(in super::super) is_introduced: bool,
}

impl TaskBuilder {
    pub(super) fn so_far(&self) -> SoFar<'_> {
        SoFar {
            task: &self.task,
            polls: self.polls.so_far(),
            is_introduced: self.is_introduced,
        }
    }

    pub(super) fn new(id: TaskId, place: &Place, names: &Names) -> Self {
        TaskBuilder {
            task: Task {
                id,
                name: names.text(0).unwrap_or_default(),
                spawned_at: None,
                spawned_by: None,
                spawned: place.at,
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
            },
            polls: Polls::default(),
            is_introduced: false,
            generation: place.generation,
            first: place.at,
        }
    }

    pub(super) fn add(&mut self, place: &Place, fact: TaskFact, names: &Names) {
        self.generation = self.generation.max(place.generation);
        self.first = self.first.min(place.at);
        let task = &mut self.task;
        match fact {
            TaskFact::New(_) if self.is_introduced && place.told.is_some() => {}
            TaskFact::New(new) => {
                self.is_introduced = true;
                introduce(task, &new, place.at, names);
            }
            TaskFact::Began { poll, thread } => self.polls.begin(&poll, thread, task.id, place),
            TaskFact::Ended(end) => self.polls.end(end, place),
            TaskFact::Dropped => task.dropped = Some(place.at),
            // Told again.
            TaskFact::Aborted if place.told.is_some() && !task.aborts.is_empty() => {}
            TaskFact::Aborted => task.aborts.push(Abort {
                at: place.at,
                by: place.task,
                foreign: place.foreign,
            }),
            TaskFact::Yielded { poll } => self.polls.yielded(poll),
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
}

impl Build for TaskBuilder {
    type Entity = Task;

    fn generation(&self) -> u32 {
        self.generation
    }

    fn end_unseen(&mut self, at: Nanos) {
        self.task.ended_unseen = Some(at);
    }

    fn cut(&mut self, end: Nanos) -> bool {
        let task = &mut self.task;
        self.polls.cut(end);
        task.wakes.retain(|wake| wake.at < end);
        task.wakers_gone.retain(|gone| gone.at < end);
        task.aborts.retain(|abort| abort.at < end);
        task.dropped = task.dropped.filter(|&at| at < end);
        task.ended_unseen = task.ended_unseen.filter(|&at| at < end);
        self.first < end
    }

    fn finish(self) -> Task {
        let mut task = self.task;
        (task.polls, task.has_gaps) = self.polls.finish();
        // Threads tell of theirs when they have the next thing to tell.
        task.wakes.sort_by_key(|wake| wake.at);
        task.wakes.shrink_to_fit();
        task
    }
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
