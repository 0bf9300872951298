//! The runtime that stays on one thread.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{Location, RefUnwindSafe, UnwindSafe};
use std::time::Duration;

use ais_recorder::instrument::event::task_flag;
use real::runtime::{EnterGuard, LocalOptions, RuntimeMetrics};

use super::common::Common;
use super::{Builder, Handle};
use crate::task::{JoinHandle, about, recorded};

/// [`tokio::runtime::LocalRuntime`](real::runtime::LocalRuntime), recorded.
pub struct LocalRuntime(Common<real::runtime::LocalRuntime>);

impl UnwindSafe for LocalRuntime {}
impl RefUnwindSafe for LocalRuntime {}

impl LocalRuntime {
    pub(super) fn new_at(
        inner: real::runtime::LocalRuntime,
        pool: u32,
        location: &'static Location<'static>,
    ) -> LocalRuntime {
        let handle = inner.handle().clone();
        LocalRuntime(Common::new(inner, handle, pool, location))
    }

    /// See [`real::runtime::LocalRuntime::new`].
    ///
    /// # Errors
    /// The operating system refuses threads or the like.
    #[track_caller]
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
    }

    /// See [`real::runtime::LocalRuntime::handle`].
    pub fn handle(&self) -> &Handle {
        self.0.handle()
    }

    /// See [`real::runtime::LocalRuntime::spawn_local`].
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut about = about(self.0.handle().executor(), Location::caller());
        about.flags = task_flag::LOCAL;
        let (task, id) = recorded(about, future);
        JoinHandle::new(self.0.real().spawn_local(task), id)
    }

    /// See [`real::runtime::LocalRuntime::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, func: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.0.handle().spawn_blocking(func)
    }

    /// See [`real::runtime::LocalRuntime::block_on`].
    ///
    /// # Panics
    /// In an asynchronous context, or where the future does.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0
            .real()
            .block_on(self.0.handle().blocking_task(future))
    }

    /// See [`real::runtime::LocalRuntime::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.0.handle().enter()
    }

    /// See [`real::runtime::LocalRuntime::shutdown_timeout`].
    pub fn shutdown_timeout(mut self, duration: Duration) {
        self.0.shut_down(|inner| inner.shutdown_timeout(duration));
    }

    /// See [`real::runtime::LocalRuntime::shutdown_background`].
    pub fn shutdown_background(self) {
        self.shutdown_timeout(Duration::ZERO);
    }

    /// See [`real::runtime::LocalRuntime::metrics`].
    pub fn metrics(&self) -> RuntimeMetrics {
        self.0.handle().metrics()
    }
}

impl fmt::Debug for LocalRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.real().fmt(f)
    }
}
