//! What operations ask for.

use super::{ResourceId, TaskId};
use crate::time::Nanos;

/// What an operation asks for, and of whom. The number beside a channel is that of the end that is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// A lock.
    Lock(ResourceId),
    /// To read what a lock guards.
    Read(ResourceId),
    /// To write what a lock guards.
    Write(ResourceId),
    /// Permits.
    Acquire(ResourceId),
    /// Room in a channel, for one message.
    Send(ResourceId, u64),
    /// Room in a channel, for messages to come.
    Reserve(ResourceId, u64),
    /// A message from a channel.
    Receive(ResourceId, u64),
    /// That nobody is at the other end of a channel.
    Closed(ResourceId, u64),
    /// Another value in a channel.
    Changed(ResourceId, u64),
    /// To be notified.
    Notified(ResourceId),
    /// That others come to a barrier.
    Barrier(ResourceId),
    /// That another task makes the value of a cell.
    Init(ResourceId),
    /// That a value is set.
    Set(ResourceId),
    /// The end of any task of a set.
    JoinNext(ResourceId),
    /// The end of a task.
    Join(TaskId),
    /// A time.
    Sleep,
    /// A time, unless something else comes first.
    Timeout,
    /// The next tick of an interval.
    Tick,
    /// Something that a later version records.
    Unknown,
}

impl OperationKind {
    /// The resource it concerns.
    pub fn resource(self) -> Option<ResourceId> {
        match self {
            OperationKind::Lock(id)
            | OperationKind::Read(id)
            | OperationKind::Write(id)
            | OperationKind::Acquire(id)
            | OperationKind::Send(id, _)
            | OperationKind::Reserve(id, _)
            | OperationKind::Receive(id, _)
            | OperationKind::Closed(id, _)
            | OperationKind::Changed(id, _)
            | OperationKind::Notified(id)
            | OperationKind::Barrier(id)
            | OperationKind::Init(id)
            | OperationKind::Set(id)
            | OperationKind::JoinNext(id) => Some(id),
            OperationKind::Join(_)
            | OperationKind::Sleep
            | OperationKind::Timeout
            | OperationKind::Tick
            | OperationKind::Unknown => None,
        }
    }

    /// The end of a channel that it uses.
    pub fn handle(self) -> Option<(ResourceId, u64)> {
        match self {
            OperationKind::Send(id, handle)
            | OperationKind::Reserve(id, handle)
            | OperationKind::Receive(id, handle)
            | OperationKind::Closed(id, handle)
            | OperationKind::Changed(id, handle) => Some((id, handle)),
            _ => None,
        }
    }

    /// Whether it waits for a time.
    pub fn is_timer(self) -> bool {
        matches!(
            self,
            OperationKind::Sleep | OperationKind::Timeout | OperationKind::Tick
        )
    }

    /// Whether it limits how long something else is waited for.
    pub fn is_timeout(self) -> bool {
        matches!(self, OperationKind::Timeout)
    }

    /// The call as one would write it, for so many units.
    pub fn call(self, units: u64) -> String {
        let call = match self {
            OperationKind::Lock(_) => "lock()",
            OperationKind::Read(_) => "read()",
            OperationKind::Write(_) => "write()",
            OperationKind::Acquire(_) if units > 1 => return format!("acquire({units})"),
            OperationKind::Acquire(_) => "acquire()",
            OperationKind::Send(..) => "send()",
            OperationKind::Reserve(..) if units > 1 => return format!("reserve({units})"),
            OperationKind::Reserve(..) => "reserve()",
            OperationKind::Receive(..) => "recv()",
            OperationKind::Closed(..) => "closed()",
            OperationKind::Changed(..) => "changed()",
            OperationKind::Notified(_) => "notified()",
            OperationKind::Barrier(_) | OperationKind::Set(_) => "wait()",
            OperationKind::Init(_) => "get_or_init()",
            OperationKind::JoinNext(_) => "join_next()",
            OperationKind::Join(_) => "join",
            OperationKind::Sleep => return format!("sleep({})", Nanos(units)),
            OperationKind::Timeout => return format!("timeout({})", Nanos(units)),
            OperationKind::Tick => "tick()",
            OperationKind::Unknown => "an operation of a later version",
        };
        call.to_owned()
    }
}
