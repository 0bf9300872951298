//! The history of one operation that had to wait.

use serde::Serialize;

use super::{FutureId, OperationId, ResourceId, TaskId};
use crate::names::Location;
use crate::time::Nanos;

/// One `lock()`, `send()`, `recv()` or join that could not be done at once.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What it asks for, and of whom.
    pub kind: OperationKind,
    /// Where in source.
    pub location: Option<Location>,
    /// The task that waits; none where that is not recorded.
    pub task: Option<TaskId>,
    /// The future inside which it waits; none where that is the task itself.
    pub future: Option<FutureId>,
    /// Its memory lies inside its task: no other task can ever poll it.
    pub inline: bool,
    /// It is polled by an executor inside its task, not by the task itself.
    pub foreign_waker: bool,
    /// When it began to wait.
    pub begun: Nanos,
    /// How often its waker had fired when it was last polled.
    pub fires_seen: u64,
    /// How often its waker has fired.
    pub fires: u64,
    /// When and how it ended; none while it waits.
    pub ended: Option<(Nanos, Outcome)>,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A lock.
    Lock(ResourceId),
    /// Room in a channel, for the end with this number.
    Send(ResourceId, u64),
    /// A message from a channel, for the end with this number.
    Receive(ResourceId, u64),
    /// The end of a task.
    Join(TaskId),
    /// Something that a later version records.
    Unknown,
}

impl OperationKind {
    /// The resource it concerns.
    pub fn resource(self) -> Option<ResourceId> {
        match self {
            OperationKind::Lock(id)
            | OperationKind::Send(id, _)
            | OperationKind::Receive(id, _) => Some(id),
            OperationKind::Join(_) | OperationKind::Unknown => None,
        }
    }

    /// The call as one would write it.
    pub fn call(self) -> &'static str {
        match self {
            OperationKind::Lock(_) => "lock()",
            OperationKind::Send(..) => "send()",
            OperationKind::Receive(..) => "recv()",
            OperationKind::Join(_) => "join",
            OperationKind::Unknown => "an operation of a later version",
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It got what it wanted.
    Ready,
    /// It was dropped while it waited.
    Dropped,
    /// It was dropped by a panic.
    Panicked,
    /// Its channel was closed.
    Closed,
}
