//! The changes of a resource.

use ais_format::event::notify_mode;

use super::{ForeignId, HandleSide, Hold, OperationId, Outcome, TaskId};
use crate::names::Location;
use crate::time::Nanos;

/// One change of a resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the order of changes.
    pub sequence: u64,
    /// When.
    pub at: Nanos,
    /// The task that did it; none where that is not recorded.
    pub by: Option<TaskId>,
    /// The unrecorded task that did it, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
    /// What.
    pub kind: ChangeKind,
}

/// What can happen to a resource. `hold` is the number of a [`Hold`]; zero where the trace does not say which, or where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Units were taken. In a box: the other changes, of which there are more, are much smaller.
    Acquired(Box<Hold>),
    /// Units were given back; zero of them means all that the hold has.
    Released {
        /// Whose.
        hold: u64,
        /// How many.
        units: u64,
    },
    /// Units of a hold became a hold of their own, with the number of this change.
    Split {
        /// The hold that became smaller.
        hold: u64,
        /// How many.
        units: u64,
    },
    /// A hold became a part of another one.
    Merged {
        /// The hold that grew.
        hold: u64,
        /// The one that is gone.
        gone: u64,
    },
    /// Units are gone for good.
    Forgotten {
        /// Whose; zero where they were free.
        hold: u64,
        /// How many.
        units: u64,
    },
    /// Units were added.
    Added {
        /// How many.
        units: u64,
        /// Where in source.
        location: Option<Location>,
    },
    /// A message was put in.
    Sent {
        /// Through this end.
        handle: u64,
        /// It can hold something that acts when it is dropped.
        can_hold: bool,
    },
    /// The message was not put in after all.
    SendFailed,
    /// Messages were taken out.
    Received {
        /// Through this end.
        handle: u64,
        /// How many.
        messages: u64,
    },
    /// Messages were gone before this end got them.
    Lagged {
        /// The end.
        handle: u64,
        /// How many.
        messages: u64,
    },
    /// It was closed.
    Closed,
    /// An end was made.
    HandleNew(u64, HandleSide),
    /// An end was dropped.
    HandleDropped(u64),
    /// Waiting tasks were notified, or a value was set.
    Notified {
        /// Who.
        mode: NotifyMode,
        /// Where in source.
        location: Option<Location>,
    },
    /// A task came to the barrier.
    Arrived(Option<Location>),
    /// A task became a member of the set.
    MemberNew(TaskId),
    /// A task is a member no more; none where all are gone.
    MemberGone(Option<TaskId>),
    /// It, or an end of it, can be used unrecorded from here on.
    Escaped,
    /// An operation began to wait.
    Began {
        /// Which.
        operation: OperationId,
        /// How many units it wants.
        units: u64,
        /// So many changes before this one may have come after it was in the queue.
        overlap: u64,
        /// It is known to be in the queue.
        is_queued: bool,
    },
    /// An operation waits no more.
    Ended {
        /// Which.
        operation: OperationId,
        /// How it ended.
        outcome: Outcome,
    },
}

/// Who is notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyMode {
    /// The first task that waits, or the next one that will.
    One,
    /// The task that began to wait last, or the next one that will.
    Last,
    /// All tasks that wait now.
    Waiters,
    /// All, from now on: a value is set.
    Set,
    /// Somebody whom a later version knows.
    Unknown,
}

impl NotifyMode {
    /// The mode with this number in the trace.
    pub fn from_number(number: u64) -> NotifyMode {
        match number {
            notify_mode::ONE => NotifyMode::One,
            notify_mode::LAST => NotifyMode::Last,
            notify_mode::WAITERS => NotifyMode::Waiters,
            notify_mode::SET => NotifyMode::Set,
            _ => NotifyMode::Unknown,
        }
    }

    /// The call that does it, as one would write it.
    pub fn call(self) -> &'static str {
        match self {
            NotifyMode::One => "notify_one()",
            NotifyMode::Last => "notify_last()",
            NotifyMode::Waiters => "notify_waiters()",
            NotifyMode::Set => "set()",
            NotifyMode::Unknown => "a notification of a later version",
        }
    }
}
