//! Handles of tasks.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_recorder::instrument::{Joining, aborting};
use real::task::{Id, JoinError};

use crate::operation::has_budget;

/// [`tokio::task::JoinHandle`](real::task::JoinHandle), recorded: awaiting it is waiting for its task.
pub struct JoinHandle<T> {
    joining: Joining,
    inner: real::task::JoinHandle<T>,
}

impl<T> JoinHandle<T> {
    /// That of the recorded task with this number.
    #[track_caller]
    pub(crate) fn new(inner: real::task::JoinHandle<T>, task: u64) -> JoinHandle<T> {
        JoinHandle {
            joining: Joining::new(task, Location::caller()),
            inner,
        }
    }

    /// Tokio's own handle. Waiting for it is not recorded.
    pub fn into_inner(self) -> real::task::JoinHandle<T> {
        self.inner
    }

    /// See [`real::task::JoinHandle::abort`].
    pub fn abort(&self) {
        aborting(self.joining.task());
        self.inner.abort();
    }

    /// See [`real::task::JoinHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// See [`real::task::JoinHandle::abort_handle`].
    #[must_use = "abort handles do nothing unless `.abort` is called"]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle {
            inner: self.inner.abort_handle(),
            task: self.joining.task(),
        }
    }

    /// See [`real::task::JoinHandle::id`].
    pub fn id(&self) -> Id {
        self.inner.id()
    }
}

impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let JoinHandle { joining, inner } = &mut *self;
        joining.poll(address, has_budget, cx, |cx| Pin::new(&mut *inner).poll(cx))
    }
}

impl<T: fmt::Debug> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Of a task that is not recorded.
impl<T> From<real::task::JoinHandle<T>> for JoinHandle<T> {
    #[track_caller]
    fn from(inner: real::task::JoinHandle<T>) -> Self {
        JoinHandle::new(inner, 0)
    }
}

impl<T> From<JoinHandle<T>> for real::task::JoinHandle<T> {
    fn from(handle: JoinHandle<T>) -> Self {
        handle.into_inner()
    }
}

/// [`tokio::task::AbortHandle`](real::task::AbortHandle), recorded.
#[derive(Clone)]
pub struct AbortHandle {
    inner: real::task::AbortHandle,
    task: u64,
}

impl AbortHandle {
    pub(super) fn new(inner: real::task::AbortHandle, task: u64) -> AbortHandle {
        AbortHandle { inner, task }
    }

    /// Tokio's own handle. What is aborted with it is not recorded.
    pub fn into_inner(self) -> real::task::AbortHandle {
        self.inner
    }

    /// See [`real::task::AbortHandle::abort`].
    pub fn abort(&self) {
        aborting(self.task);
        self.inner.abort();
    }

    /// See [`real::task::AbortHandle::is_finished`].
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    /// See [`real::task::AbortHandle::id`].
    pub fn id(&self) -> Id {
        self.inner.id()
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Of a task that is not recorded.
impl From<real::task::AbortHandle> for AbortHandle {
    fn from(inner: real::task::AbortHandle) -> Self {
        AbortHandle { inner, task: 0 }
    }
}

impl From<AbortHandle> for real::task::AbortHandle {
    fn from(handle: AbortHandle) -> Self {
        handle.into_inner()
    }
}
