//! The history of one operation that had to wait.

use serde::Serialize;

use super::{ForeignId, FutureId, OperationFlags, OperationId, OperationKind, TaskId};
use crate::names::Location;
use crate::time::Nanos;

/// One `lock()`, `send()`, `recv()`, `sleep()`, … or join that could not be done at once, or was never tried.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its number.
    pub id: OperationId,
    /// What it asks for, and of whom.
    pub kind: OperationKind,
    /// How many units it wants; for a timer, the nanoseconds that it was to wait at first.
    pub units: u64,
    /// Where in source.
    pub location: Option<Location>,
    /// The task that waits; none where that is not recorded.
    pub task: Option<TaskId>,
    /// The unrecorded task that waits, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
    /// The future inside which it waits; none where that is the task itself.
    pub future: Option<FutureId>,
    /// What is known of it, as of its last poll.
    pub flags: OperationFlags,
    /// It has been polled, and so keeps a clone of its task's waker. A `notified()` counts before that.
    pub is_polled: bool,
    /// Its place in the order of its resource's changes; zero where it has none.
    pub sequence: u64,
    /// So many changes before that place may have come after it.
    pub overlap: u64,
    /// When it began to wait.
    pub begun: Nanos,
    /// When the time comes that it waits for (a timer).
    pub deadline: Option<Nanos>,
    /// How it was made and polled, by time. An operation is made with its first poll, save a `notified()`.
    pub polls: Vec<OperationPoll>,
    /// When its own waker was called, by time.
    pub firings: Vec<Firing>,
    /// When and how it ended; none while it waits.
    pub ended: Option<(Nanos, Outcome)>,
}

/// What was known of an operation when it was made, or polled and had still to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationPoll {
    /// When.
    pub at: Nanos,
    /// The task that polled it: a future can be moved to another task between polls.
    pub task: Option<TaskId>,
    /// What is known of it since.
    pub flags: OperationFlags,
    /// It was polled, and not just made.
    pub is_poll: bool,
    /// How often its waker had fired by then.
    pub fires_seen: u64,
}

/// A call of an operation's own waker: what it waits for is there, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    /// When: after its task was woken.
    pub at: Nanos,
    /// Counts up from 1.
    pub number: u64,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It got what it wanted.
    Ready,
    /// It was dropped while it waited.
    Dropped,
    /// It was dropped by a panic.
    Panicked,
    /// It was dropped before it was ever polled.
    NeverPolled,
    /// Its channel or its semaphore was closed.
    Closed,
    /// How it ended is not in the record.
    Unseen,
}

impl Operation {
    /// The call as one would write it: `acquire(3)`.
    pub fn call(&self) -> String {
        self.kind.call(self.units)
    }

    /// Whether it keeps a clone of its task's own waker alive, for all that is known.
    pub fn keeps_a_waker(&self) -> bool {
        self.is_polled && self.flags.keep_a_waker()
    }

    /// Whether its waker was called since it was last polled.
    pub fn is_fired(&self) -> bool {
        let called = self.firings.last().map_or(0, |firing| firing.number);
        self.polls
            .last()
            .is_some_and(|poll| called > poll.fires_seen)
    }

    /// What was last known of it before `at`.
    pub fn as_of(&self, at: Nanos) -> Option<&OperationPoll> {
        let known = self.polls.partition_point(|poll| poll.at < at);
        self.polls[..known].last()
    }

    /// How often its waker had been called before `at`.
    pub fn fires_before(&self, at: Nanos) -> u64 {
        let called = self.firings.partition_point(|firing| firing.at < at);
        self.firings[..called]
            .last()
            .map_or(0, |firing| firing.number)
    }
}
