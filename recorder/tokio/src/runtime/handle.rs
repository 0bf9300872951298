//! Handles of runtimes.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use ais_recorder::Task;
use ais_recorder::instrument::event::task_flag;
use ais_recorder::instrument::{About, Job, Resource, is_recording};
use real::runtime::{EnterGuard, RuntimeFlavor, RuntimeMetrics, TryCurrentError};

use super::executors;
use crate::task::{JoinHandle, about, recorded};

/// [`tokio::runtime::Handle`](real::runtime::Handle), recorded.
#[derive(Clone)]
pub struct Handle {
    inner: real::runtime::Handle,
    /// The runtime, where it is one of ours.
    resource: Option<Arc<Resource>>,
}

impl UnwindSafe for Handle {}
impl RefUnwindSafe for Handle {}

impl Handle {
    pub(super) fn new(inner: real::runtime::Handle, resource: Arc<Resource>) -> Handle {
        Handle {
            inner,
            resource: Some(resource),
        }
    }

    /// That of the runtime that this thread is in.
    fn of_current(inner: real::runtime::Handle) -> Handle {
        let resource = executors::get_current(&inner);
        Handle { inner, resource }
    }

    /// Tokio's own handle. What is spawned with it is not recorded.
    pub fn into_inner(self) -> real::runtime::Handle {
        self.inner
    }

    pub(crate) fn real(&self) -> &real::runtime::Handle {
        &self.inner
    }

    /// The number, as a resource, of the runtime; zero where nothing is recorded, or it is none of ours.
    pub(crate) fn executor(&self) -> u64 {
        match &self.resource {
            Some(resource) if is_recording() => resource.id(),
            _ => 0,
        }
    }

    /// See [`real::runtime::Handle::enter`].
    ///
    /// # Panics
    /// While the thread ends.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.inner.enter()
    }

    /// See [`real::runtime::Handle::current`].
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    #[must_use]
    pub fn current() -> Self {
        Handle::of_current(real::runtime::Handle::current())
    }

    /// See [`real::runtime::Handle::try_current`].
    ///
    /// # Errors
    /// Outside of a runtime.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        real::runtime::Handle::try_current().map(Handle::of_current)
    }

    /// See [`real::runtime::Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let about = about(self.executor(), Location::caller());
        let (task, id) = recorded(about, future);
        JoinHandle::new(self.inner.spawn(task), id)
    }

    /// See [`real::runtime::Handle::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = Job::new(&about(self.executor(), Location::caller()), func);
        let id = job.id();
        JoinHandle::new(self.inner.spawn_blocking(move || job.run()), id)
    }

    /// See [`real::runtime::Handle::block_on`].
    ///
    /// # Panics
    /// In an asynchronous context, or where the future does.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.block_on(self.blocking_task(future))
    }

    /// The task that a thread blocks on.
    #[track_caller]
    pub(super) fn blocking_task<F: Future>(&self, future: F) -> Task<F> {
        let about = About {
            flags: task_flag::BLOCK_ON,
            ..about(self.executor(), Location::caller())
        };
        Task::new(about, future)
    }

    /// See [`real::runtime::Handle::runtime_flavor`].
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        self.inner.runtime_flavor()
    }

    /// See [`real::runtime::Handle::id`].
    #[cfg(any(tokio_minor_at_least_49, tokio_unstable))]
    pub fn id(&self) -> real::runtime::Id {
        self.inner.id()
    }

    /// See [`real::runtime::Handle::name`].
    #[cfg(tokio_minor_at_least_51)]
    pub fn name(&self) -> Option<&str> {
        self.inner.name()
    }

    /// See [`real::runtime::Handle::metrics`].
    pub fn metrics(&self) -> RuntimeMetrics {
        self.inner.metrics()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<real::runtime::Handle> for Handle {
    fn from(inner: real::runtime::Handle) -> Self {
        let resource = executors::get(&inner);
        Handle { inner, resource }
    }
}

impl From<Handle> for real::runtime::Handle {
    fn from(handle: Handle) -> Self {
        handle.into_inner()
    }
}
