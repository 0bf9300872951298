//! Handles of tasks: waiting for a task to end is an operation.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{operation_flag, operation_kind, outcome};

use crate::operation::{HasBudget, Request, Slot, Target};

/// The recorded side of a handle that waits for a task to end.
///
/// The handle outlives what awaits it: that it is not awaited any more is not seen.
#[derive(Debug)]
pub struct Joining {
    task: u64,
    slot: Slot,
    location: &'static Location<'static>,
}

impl Joining {
    /// That of the task with this number, whose handle was made at `location`.
    #[must_use]
    pub fn new(task: u64, location: &'static Location<'static>) -> Joining {
        Joining {
            task,
            slot: Slot::new(),
            location,
        }
    }

    /// The number of the task.
    pub fn task(&self) -> u64 {
        self.task
    }

    fn ask(task: u64, location: &'static Location<'static>) -> Request<'static> {
        Request {
            kind: operation_kind::JOIN,
            target: Target::Task(task),
            handle: 0,
            units: 1,
            location,
            flags: operation_flag::NO_DROP,
        }
    }

    /// Polls the handle, which lies at `address` now, by `poll`.
    #[inline]
    pub fn poll<T>(
        &mut self,
        address: usize,
        has_budget: HasBudget,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.slot.is_unrecorded() {
            return poll(cx);
        }
        let (task, location) = (self.task, self.location);
        let request = || Joining::ask(task, location);
        self.slot
            .poll(request, address, has_budget, cx, poll, |_| outcome::READY)
            .map(|(result, _)| result)
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.slot.give_up(&Joining::ask(self.task, self.location));
    }
}

/// The handle of a spawned task: awaiting it is recorded as waiting for the task. Made by [`spawn`](super::spawn).
pub struct JoinHandle<H> {
    joining: Joining,
    handle: H,
}

impl<H> JoinHandle<H> {
    pub(super) fn new(handle: H, joining: Joining) -> JoinHandle<H> {
        JoinHandle { joining, handle }
    }

    /// The executor's own handle; waiting for it is no longer recorded.
    pub fn into_inner(self) -> H {
        self.handle
    }
}

impl<H> Deref for JoinHandle<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<H> DerefMut for JoinHandle<H> {
    fn deref_mut(&mut self) -> &mut H {
        &mut self.handle
    }
}

impl<H: Future + Unpin> Future for JoinHandle<H> {
    type Output = H::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = &mut *self;
        let handle = &mut this.handle;
        this.joining
            .poll(address, || true, cx, |cx| Pin::new(&mut *handle).poll(cx))
    }
}
