//! One call of a task's waker.

use super::{OperationId, TaskId, ThreadId};
use crate::time::Nanos;

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
