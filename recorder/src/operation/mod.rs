//! Operations: one `lock()`, `send()`, `acquire_many(3)`, … from the call to its end.
//!
//! An operation that can be done at once costs no more than the event of what it did. One that has to wait gets a number, and a waker
//! of its own, made here on the slow path, so that the trace tells which operation of a task its resource woke, and so that it holds
//! exactly one clone of the task's waker while it waits: the clones of others can be counted.
//!
//! [`Operation`] wraps a future that does one. What it is about, and what is recorded when it is done, says its [`Subject`]. [`Slot`] is
//! what an operation is to the trace; `poll_*` functions, which have no future, use it by itself.

mod blocking;
pub(crate) mod done;
mod future;
mod slot;
pub(crate) use slot::operation_now;
mod waker;

use std::panic::Location;
use std::task::Context;

use ais_format::event::operation_flag;

use crate::context;
use crate::resource::Resource;

pub use blocking::Blocking;
pub use done::Done;
pub use future::{Operation, Subject};
pub use slot::Slot;

/// Of whom an operation asks something.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A resource.
    Resource(&'a Resource),
    /// A task, by its number: its end is waited for.
    Task(u64),
    /// A clock.
    Time,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// An [`operation_kind`](ais_format::event::operation_kind).
    pub kind: u64,
    /// Of whom.
    pub target: Target<'a>,
    /// The end of the channel that is used; zero where it is not a channel.
    pub handle: u64,
    /// How many units; for a timer, the nanoseconds until its deadline.
    pub units: u64,
    /// Where in source.
    pub location: &'static Location<'static>,
    /// [`operation_flag`] bits beyond those that are found out here.
    pub flags: u64,
}

impl<'a> Request<'a> {
    /// One unit of a resource.
    #[must_use]
    pub fn of(kind: u64, resource: &'a Resource, location: &'static Location<'static>) -> Self {
        Request {
            kind,
            target: Target::Resource(resource),
            handle: 0,
            units: 1,
            location,
            flags: 0,
        }
    }

    fn resource(&self) -> Option<&'a Resource> {
        match self.target {
            Target::Resource(resource) => Some(resource),
            Target::Task(_) | Target::Time => None,
        }
    }

    fn target_number(&self) -> u64 {
        match self.target {
            Target::Resource(resource) => resource.id(),
            Target::Task(task) => task,
            Target::Time => 0,
        }
    }
}

/// Whether something is polled with a waker that is not the current task's own.
fn foreign_flag(cx: &Context<'_>) -> u64 {
    if context::is_own_waker(cx.waker().data().addr()) {
        0
    } else {
        operation_flag::FOREIGN_WAKER
    }
}

/// Whether something at `address` lies inside the future of the current task.
fn inline_flag(address: usize) -> u64 {
    if context::contains(address) {
        operation_flag::INLINE
    } else {
        0
    }
}

/// Whether the current task may do more in this turn, as its executor counts. True where there is no such count.
pub type HasBudget = fn() -> bool;
