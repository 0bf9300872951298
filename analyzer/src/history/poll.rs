//! One poll of a task.

use super::{TaskId, ThreadId};
use crate::time::Nanos;

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
    /// How often the task gave way to others of its own accord (`yield_now`).
    pub yields: u64,
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
