//! What operations ask for.

use ais_format::event::{OperationBegin, operation_kind};

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
    /// What an operation asks for that begins so.
    pub(crate) fn of(begin: &OperationBegin) -> OperationKind {
        OperationKind::from_numbers(begin.kind, begin.target, begin.handle)
    }

    /// The kind with this number in the trace, of this target and this end of it.
    pub(crate) fn from_numbers(kind: u64, target: u64, handle: u64) -> OperationKind {
        let resource = ResourceId(target);
        match kind {
            operation_kind::LOCK => OperationKind::Lock(resource),
            operation_kind::SEND => OperationKind::Send(resource, handle),
            operation_kind::RECEIVE => OperationKind::Receive(resource, handle),
            operation_kind::JOIN => OperationKind::Join(TaskId(target)),
            operation_kind::READ => OperationKind::Read(resource),
            operation_kind::WRITE => OperationKind::Write(resource),
            operation_kind::ACQUIRE => OperationKind::Acquire(resource),
            operation_kind::RESERVE => OperationKind::Reserve(resource, handle),
            operation_kind::CLOSED => OperationKind::Closed(resource, handle),
            operation_kind::CHANGED => OperationKind::Changed(resource, handle),
            operation_kind::NOTIFIED => OperationKind::Notified(resource),
            operation_kind::BARRIER => OperationKind::Barrier(resource),
            operation_kind::INIT => OperationKind::Init(resource),
            operation_kind::SET => OperationKind::Set(resource),
            operation_kind::JOIN_NEXT => OperationKind::JoinNext(resource),
            operation_kind::SLEEP => OperationKind::Sleep,
            operation_kind::TIMEOUT => OperationKind::Timeout,
            operation_kind::TICK => OperationKind::Tick,
            _ => OperationKind::Unknown,
        }
    }

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
