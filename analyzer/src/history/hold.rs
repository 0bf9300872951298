//! Units of a resource that somebody has.

use super::{ForeignId, FutureId, OperationId, TaskId};
use crate::names::Location;
use crate::time::Nanos;

/// How a lock, permits, or slots of a channel are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The number of the change by which it came to be.
    pub number: u64,
    /// How many units it has.
    pub units: u64,
    /// The task that took it; none where that is not recorded.
    pub task: Option<TaskId>,
    /// The unrecorded task that took it, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
    /// The future inside which it was taken; none where that is the task itself.
    pub future: Option<FutureId>,
    /// Where in source.
    pub location: Option<Location>,
    /// When.
    pub since: Nanos,
    /// The operation that had to wait for it.
    pub operation: Option<OperationId>,
    /// The guard is taken to be still in the task: it was taken by a part of the task's own future, from a lock that is not static and
    /// that the guard borrows, and no task was ever seen to drop another's guard of this lock. (A program can move such a guard all the
    /// same, through a reference to the lock that outlives the task: to a leaked lock, or on an executor whose tasks borrow.)
    pub exact: bool,
    /// The guard borrows nothing, or from memory that may be static, or guards of this lock were seen to move: it can be handed on like
    /// any value, to a thread as well.
    pub loose: bool,
}
