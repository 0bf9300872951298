//! The history of one task.

use std::sync::Arc;

use super::{OperationId, TaskId, ThreadId};
use crate::names::Location;
use crate::time::Nanos;

/// What an executor schedules, from spawn to end.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Its name; empty where its definition is lost.
    pub name: Arc<str>,
    /// Where it was spawned.
    pub spawned_at: Option<Location>,
    /// The task that spawned it.
    pub spawned_by: Option<TaskId>,
    /// When it was spawned, or first seen.
    pub spawned: Nanos,
    /// The size of its future in bytes.
    pub size: u64,
    /// It existed before it was first seen: its beginning is missing.
    pub late: bool,
    /// Some of its polls are missing from the record: what it did in them is not known.
    pub has_gaps: bool,
    /// Its polls, by number.
    pub polls: Vec<Poll>,
    /// Its wakes, by time.
    pub wakes: Vec<Wake>,
    /// When it was dropped before it had completed.
    pub dropped: Option<Nanos>,
}

/// One poll of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// Counts up from 1 (modulo 2³²) over the life of the task.
    pub number: u64,
    /// The worker.
    pub thread: ThreadId,
    /// The task inside whose poll it took place: one that awaits this task as a part of itself, or blocks on it.
    pub inside: Option<TaskId>,
    /// When it began.
    pub begin: Nanos,
    /// When it ended; none where it never did, or its end is lost.
    pub end: Option<Nanos>,
    /// How it ended.
    pub outcome: PollOutcome,
    /// The waker that the task was polled with, numbered as the executor changes it.
    pub waker: u64,
    /// How often that waker had been woken when the poll began.
    pub wakes_seen: u64,
    /// How many clones of the task's waker were alive when it ended.
    pub wakers: u64,
}

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollOutcome {
    /// Not yet, or its end is lost.
    Open,
    /// The task waits.
    Pending,
    /// The task completed.
    Ready,
    /// The task panicked.
    Panicked,
}

/// One call of a task's waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at: Nanos,
    /// Who called it.
    pub by: WokenBy,
    /// Which of the task's wakers: those are numbered as the executor changes them.
    pub waker: u64,
    /// The number of this wake among those of that waker.
    pub number: u64,
    /// The operation of the task that was woken, where it was one of ours.
    pub operation: Option<OperationId>,
}

/// Who called a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WokenBy {
    /// A task, while it was polled.
    Task(TaskId),
    /// A thread outside of any recorded poll: a timer, I/O, code that is not recorded.
    Thread(ThreadId),
}

/// What a task does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// A poll is under way since then.
    Running(Nanos),
    /// It was spawned or woken then, and not polled since.
    Scheduled(Nanos),
    /// It waits since then.
    Idle(Nanos),
    /// It completed then.
    Completed(Nanos),
    /// It panicked then.
    Panicked(Nanos),
    /// It was dropped then, before it completed.
    Cancelled(Nanos),
}

impl TaskState {
    /// Whether the task can still do something.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            TaskState::Running(_) | TaskState::Scheduled(_) | TaskState::Idle(_)
        )
    }

    /// Since when it is in this state.
    pub fn since(self) -> Nanos {
        match self {
            TaskState::Running(at)
            | TaskState::Scheduled(at)
            | TaskState::Idle(at)
            | TaskState::Completed(at)
            | TaskState::Panicked(at)
            | TaskState::Cancelled(at) => at,
        }
    }
}

impl Task {
    /// `task #7 "transfer a→b"`.
    pub fn title(&self) -> String {
        format!("task #{} {:?}", self.id.0, &*self.name)
    }

    /// What it does at the end of the trace.
    pub fn state(&self) -> TaskState {
        // A task that panicked is dropped, too, but that is not what ended it.
        let has_ended =
            |poll: &Poll| matches!(poll.outcome, PollOutcome::Ready | PollOutcome::Panicked);
        if let Some(at) = self
            .dropped
            .filter(|_| !self.polls.last().is_some_and(has_ended))
        {
            return TaskState::Cancelled(at);
        }
        let Some(last) = self.polls.last() else {
            return TaskState::Scheduled(self.spawned);
        };
        match (last.end, last.outcome) {
            (None, _) | (_, PollOutcome::Open) => TaskState::Running(last.begin),
            (Some(end), PollOutcome::Ready) => TaskState::Completed(end),
            (Some(end), PollOutcome::Panicked) => TaskState::Panicked(end),
            (Some(end), PollOutcome::Pending) => match self.unseen_wake(last) {
                Some(wake) => TaskState::Scheduled(wake.at.max(end)),
                None => TaskState::Idle(end),
            },
        }
    }

    /// The first wake that came after `poll` had begun, and so asks for another poll.
    fn unseen_wake(&self, poll: &Poll) -> Option<&Wake> {
        self.wakes.iter().find(|wake| {
            if wake.waker == poll.waker {
                // Only the lowest 32 bits are recorded.
                (wake.number as u32)
                    .wrapping_sub(poll.wakes_seen as u32)
                    .cast_signed()
                    > 0
            } else {
                wake.at >= poll.begin
            }
        })
    }

    /// How long it was polled in all.
    pub fn busy(&self, end: Nanos) -> Nanos {
        let polls = self
            .polls
            .iter()
            .map(|poll| poll.end.unwrap_or(end).since(poll.begin).0);
        Nanos(polls.fold(0, u64::saturating_add))
    }
}
