//! The history of one instrumented future: a state machine whose states are its await points.

use super::{FunctionId, FutureId, TaskId};
use crate::time::Nanos;

/// One call of a `#[trace]` function, or one future with a name.
#[derive(Clone, Debug)]
pub struct Future {
    /// Its number.
    pub id: FutureId,
    /// What it is an instance of.
    pub function: FunctionId,
    /// The task in which it runs; none before its first poll.
    pub task: Option<TaskId>,
    /// The future inside which it runs; none where that is the task itself.
    pub parent: Option<FutureId>,
    /// When it was made (for a `#[trace]` function: when it began).
    pub made: Nanos,
    /// When it was first polled.
    pub begun: Option<Nanos>,
    /// The await points it has come to, in order.
    pub awaits: Vec<Await>,
    /// When and how it ended.
    pub ended: Option<(Nanos, FutureEnd)>,
}

/// One visit of an await point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Await {
    /// Which one, from 0, in source order.
    pub point: usize,
    /// When it was entered.
    pub entered: Nanos,
    /// When it was left; none while the future waits there.
    pub left: Option<Nanos>,
    /// Whether it was left because the future was dropped there.
    pub dropped: bool,
}

/// How a future ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FutureEnd {
    /// It returned.
    Returned,
    /// It was dropped while it waited.
    Dropped,
    /// It panicked.
    Panicked,
    /// It was dropped before it was ever polled.
    NeverPolled,
    /// It ended, but how is not in the record.
    Unseen,
}

impl Future {
    /// The await point at which it waits at the end of the trace.
    pub fn waits_at(&self) -> Option<&Await> {
        self.awaits
            .last()
            .filter(|visit| visit.left.is_none() && self.ended.is_none())
    }
}
