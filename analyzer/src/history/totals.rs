//! What is counted over all parts of a trace.

use std::collections::BTreeMap;

use super::{History, Poll, Resource, Task, TaskState};
use crate::source::Loss;
use crate::time::Nanos;

/// What happened and is over: what a history that goes on later need not tell one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events.
    pub events: u64,
    /// Polls.
    pub polls: u64,
    /// Tasks that completed.
    pub completed: usize,
    /// Tasks that panicked.
    pub panicked: usize,
    /// Tasks that were dropped before they had completed.
    pub cancelled: usize,
    /// Tasks that ended, though how is not in the record.
    pub ended_unseen: usize,
    /// Of these tasks: existed before they were first seen.
    pub late_tasks: usize,
    /// Resources that were made, by kind.
    pub resources: BTreeMap<&'static str, usize>,
    /// Of these: existed before they were first seen.
    pub late_resources: usize,
    /// What could not be read.
    pub(crate) unreadable: Loss,
}

impl Totals {
    /// Tasks.
    pub fn tasks(&self) -> usize {
        self.completed + self.panicked + self.cancelled + self.ended_unseen
    }

    /// What of a part of a trace is over when the next one begins.
    pub(crate) fn over(history: &History) -> Totals {
        let mut totals = Totals {
            events: history.events,
            unreadable: history.unreadable.clone(),
            ..Totals::default()
        };
        for task in &history.tasks {
            totals.polls += polls(history, task);
            let state = task.state();
            if history.was_told_before(state.since()) {
                continue;
            }
            let count = match state {
                TaskState::Running(_) | TaskState::Scheduled(_) | TaskState::Idle(_) => continue,
                TaskState::Completed(_) => &mut totals.completed,
                TaskState::Panicked(_) => &mut totals.panicked,
                TaskState::Cancelled(_) => &mut totals.cancelled,
                TaskState::EndedUnseen(_) => &mut totals.ended_unseen,
            };
            *count += 1;
            totals.late_tasks += usize::from(task.late);
        }
        for resource in history.own_resources() {
            *totals.resources.entry(resource.kind.name()).or_default() += 1;
            totals.late_resources += usize::from(resource.late);
        }
        totals
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: &Totals) {
        self.events += other.events;
        self.polls += other.polls;
        self.completed += other.completed;
        self.panicked += other.panicked;
        self.cancelled += other.cancelled;
        self.ended_unseen += other.ended_unseen;
        self.late_tasks += other.late_tasks;
        for (kind, n) in &other.resources {
            *self.resources.entry(kind).or_default() += n;
        }
        self.late_resources += other.late_resources;
        self.unreadable.add(&other.unreadable);
    }
}

impl History {
    /// Whether a moment belongs to the part of the trace before this one, where what was over is counted.
    pub(crate) fn was_told_before(&self, at: Nanos) -> bool {
        let first = if self.part.is_first() {
            Nanos(0)
        } else {
            self.part.from
        };
        at < first.max(self.from)
    }

    /// The tasks of this part of the trace: not those that were over before it.
    pub(crate) fn own_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| {
            let state = task.state();
            state.is_live() || !self.was_told_before(state.since())
        })
    }

    /// The resources that were made in this part of the trace; in the first one that is told of all that there were.
    pub(crate) fn own_resources(&self) -> impl Iterator<Item = &Resource> {
        let is_first = self.part.is_first() || self.from > Nanos(0);
        self.resources.iter().filter(move |resource| {
            if is_first {
                resource.dropped.is_none_or(|at| at >= self.from)
            } else {
                resource.created.is_some_and(|at| !self.was_told_before(at))
            }
        })
    }
}

/// The polls of a task that began in this part of the trace.
pub(crate) fn polls(history: &History, task: &Task) -> u64 {
    let is_told = |poll: &Poll| history.was_told_before(poll.begin);
    let told = task.polls.partition_point(is_told);
    (task.polls.len() - told) as u64
}
