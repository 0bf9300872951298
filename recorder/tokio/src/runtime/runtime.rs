//! The runtime.

use std::fmt;
use std::future::Future;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use real::runtime::{EnterGuard, RuntimeMetrics};

use super::Handle;
use super::common::Common;
use crate::task::JoinHandle;

/// [`tokio::runtime::Runtime`](real::runtime::Runtime), recorded.
pub struct Runtime(Common<real::runtime::Runtime>);

impl UnwindSafe for Runtime {}
impl RefUnwindSafe for Runtime {}

impl Runtime {
    pub(super) fn new_at(
        inner: real::runtime::Runtime,
        pool: u32,
        location: &'static Location<'static>,
    ) -> Runtime {
        let handle = inner.handle().clone();
        Runtime(Common::new(inner, handle, pool, location))
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
    pub fn into_inner(self) -> real::runtime::Runtime {
        self.0.into_inner()
    }

    /// See [`real::runtime::Runtime::handle`].
    pub fn handle(&self) -> &Handle {
        self.0.handle()
    }

    /// See [`real::runtime::Runtime::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.handle().spawn(future)
    }

    /// See [`real::runtime::Runtime::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.0.handle().spawn_blocking(func)
    }

    /// See [`real::runtime::Runtime::block_on`].
    ///
    /// # Panics
    /// In an asynchronous context, or where the future does.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0
            .real()
            .block_on(self.0.handle().blocking_task(future))
    }

    /// See [`real::runtime::Runtime::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.0.handle().enter()
    }

    /// See [`real::runtime::Runtime::shutdown_timeout`].
    pub fn shutdown_timeout(mut self, duration: Duration) {
        self.0.shut_down(|inner| inner.shutdown_timeout(duration));
    }

    /// See [`real::runtime::Runtime::shutdown_background`].
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }

    /// See [`real::runtime::Runtime::metrics`].
    pub fn metrics(&self) -> RuntimeMetrics {
        self.0.handle().metrics()
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.real().fmt(f)
    }
}

impl From<real::runtime::Runtime> for Runtime {
    #[track_caller]
    fn from(inner: real::runtime::Runtime) -> Self {
        Runtime::new_at(inner, 0, Location::caller())
    }
}

impl From<Runtime> for real::runtime::Runtime {
    fn from(runtime: Runtime) -> Self {
        runtime.into_inner()
    }
}
