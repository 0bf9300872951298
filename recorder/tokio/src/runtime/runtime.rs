//! The runtime.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use ais_recorder::instrument::event::{resource_kind, section_kind};
use ais_recorder::instrument::{Resource, Section, flush};
use real::runtime::{EnterGuard, RuntimeMetrics};

use super::{Handle, executors};
use crate::task::JoinHandle;

/// [`tokio::runtime::Runtime`](real::runtime::Runtime), recorded.
pub struct Runtime {
    /// None only while it is dropped.
    inner: Option<real::runtime::Runtime>,
    handle: Handle,
    resource: Arc<Resource>,
}

impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

/// The recorded side of a runtime: made, and known by tokio's number of it.
pub(super) fn resource(
    handle: &real::runtime::Handle,
    location: &'static Location<'static>,
) -> Arc<Resource> {
    let name = name_of(handle).map(|name| name.to_owned().into());
    let workers = handle.metrics().num_workers() as u64;
    let resource = crate::start::resource(resource_kind::RUNTIME, workers, location, name);
    let resource = Arc::new(resource);
    executors::insert(handle, &resource);
    resource
}

#[cfg(tokio_minor_at_least_51)]
fn name_of(handle: &real::runtime::Handle) -> Option<&str> {
    handle.name()
}

/// Runtimes have no names.
#[cfg(not(tokio_minor_at_least_51))]
fn name_of(_: &real::runtime::Handle) -> Option<&str> {
    None
}

/// Records that a runtime is shut down, around what does it.
pub(super) fn shutting_down(resource: &Resource, shut_down: impl FnOnce()) {
    let section = Section::enter(section_kind::SHUTDOWN, Some(resource), Location::caller());
    shut_down();
    drop(section);
    flush();
}

impl Runtime {
    pub(super) fn new_at(
        inner: real::runtime::Runtime,
        location: &'static Location<'static>,
    ) -> Runtime {
        let resource = resource(inner.handle(), location);
        Runtime {
            handle: Handle::new(inner.handle().clone(), Arc::clone(&resource)),
            inner: Some(inner),
            resource,
        }
    }

    fn real(&self) -> &real::runtime::Runtime {
        match &self.inner {
            Some(inner) => inner,
            None => unreachable!("it is taken out by what consumes this"),
        }
    }

    /// See [`real::runtime::Runtime::new`].
    ///
    /// # Errors
    /// The operating system refuses threads or the like.
    #[cfg(feature = "rt-multi-thread")]
    #[track_caller]
    pub fn new() -> std::io::Result<Runtime> {
        super::Builder::new_multi_thread().enable_all().build()
    }

    /// Tokio's own runtime. What is spawned on it is not recorded.
    pub fn into_inner(mut self) -> real::runtime::Runtime {
        match self.inner.take() {
            Some(inner) => inner,
            None => unreachable!("it is taken out once"),
        }
    }

    /// See [`real::runtime::Runtime::handle`].
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// See [`real::runtime::Runtime::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// See [`real::runtime::Runtime::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(func)
    }

    /// See [`real::runtime::Runtime::block_on`].
    ///
    /// # Panics
    /// In an asynchronous context, or where the future does.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.real().block_on(self.handle.blocking_task(future))
    }

    /// See [`real::runtime::Runtime::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// See [`real::runtime::Runtime::shutdown_timeout`].
    pub fn shutdown_timeout(mut self, duration: Duration) {
        if let Some(inner) = self.inner.take() {
            shutting_down(&self.resource, || inner.shutdown_timeout(duration));
        }
    }

    /// See [`real::runtime::Runtime::shutdown_background`].
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }

    /// See [`real::runtime::Runtime::metrics`].
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            shutting_down(&self.resource, || drop(inner));
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.real().fmt(f)
    }
}

impl From<real::runtime::Runtime> for Runtime {
    #[track_caller]
    fn from(inner: real::runtime::Runtime) -> Self {
        Runtime::new_at(inner, Location::caller())
    }
}

impl From<Runtime> for real::runtime::Runtime {
    fn from(runtime: Runtime) -> Self {
        runtime.into_inner()
    }
}
