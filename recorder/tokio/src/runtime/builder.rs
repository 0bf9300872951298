//! How a runtime is to be made.

use std::fmt;
use std::io;
use std::panic::Location;
use std::time::Duration;

use super::Runtime;

/// [`tokio::runtime::Builder`](real::runtime::Builder), of recorded runtimes.
pub struct Builder {
    inner: real::runtime::Builder,
    /// How many threads there may be for blocking jobs; zero where that is not known.
    pool: u32,
}

/// So many threads a runtime may have for blocking jobs unless it is told otherwise, as the documentation of
/// [`real::runtime::Builder::max_blocking_threads`] says.
const POOL: u32 = 512;

impl Builder {
    /// See [`real::runtime::Builder::new_current_thread`].
    #[must_use]
    pub fn new_current_thread() -> Builder {
        Builder {
            inner: real::runtime::Builder::new_current_thread(),
            pool: POOL,
        }
    }

    /// See [`real::runtime::Builder::new_multi_thread`].
    #[cfg(feature = "rt-multi-thread")]
    #[must_use]
    pub fn new_multi_thread() -> Builder {
        Builder {
            inner: real::runtime::Builder::new_multi_thread(),
            pool: POOL,
        }
    }

    /// See [`real::runtime::Builder::enable_all`].
    pub fn enable_all(&mut self) -> &mut Self {
        self.inner.enable_all();
        self
    }

    /// See [`real::runtime::Builder::worker_threads`].
    ///
    /// # Panics
    /// `val` is 0.
    #[track_caller]
    pub fn worker_threads(&mut self, val: usize) -> &mut Self {
        self.inner.worker_threads(val);
        self
    }

    /// See [`real::runtime::Builder::max_blocking_threads`].
    ///
    /// # Panics
    /// `val` is 0.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, val: usize) -> &mut Self {
        self.inner.max_blocking_threads(val);
        // More than that many are never had.
        self.pool = u32::try_from(val).unwrap_or(u32::MAX);
        self
    }

    /// See [`real::runtime::Builder::thread_name`].
    pub fn thread_name(&mut self, val: impl Into<String>) -> &mut Self {
        self.inner.thread_name(val);
        self
    }

    /// See [`real::runtime::Builder::name`].
    ///
    /// # Panics
    /// The name is blank.
    #[cfg(tokio_minor_at_least_51)]
    #[track_caller]
    pub fn name(&mut self, val: impl Into<String>) -> &mut Self {
        self.inner.name(val);
        self
    }

    /// See [`real::runtime::Builder::thread_stack_size`].
    pub fn thread_stack_size(&mut self, val: usize) -> &mut Self {
        self.inner.thread_stack_size(val);
        self
    }

    /// See [`real::runtime::Builder::thread_keep_alive`].
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.inner.thread_keep_alive(duration);
        self
    }

    /// See [`real::runtime::Builder::global_queue_interval`].
    ///
    /// # Panics
    /// `val` is 0.
    #[track_caller]
    pub fn global_queue_interval(&mut self, val: u32) -> &mut Self {
        self.inner.global_queue_interval(val);
        self
    }

    /// See [`real::runtime::Builder::event_interval`].
    ///
    /// # Panics
    /// `val` is 0.
    #[track_caller]
    pub fn event_interval(&mut self, val: u32) -> &mut Self {
        self.inner.event_interval(val);
        self
    }

    /// See [`real::runtime::Builder::enable_io`].
    #[cfg(any(
        feature = "net",
        all(unix, feature = "process"),
        all(unix, feature = "signal")
    ))]
    pub fn enable_io(&mut self) -> &mut Self {
        self.inner.enable_io();
        self
    }

    /// See [`real::runtime::Builder::max_io_events_per_tick`].
    ///
    /// # Panics
    /// `capacity` is 0.
    #[cfg(any(
        feature = "net",
        all(unix, feature = "process"),
        all(unix, feature = "signal")
    ))]
    #[track_caller]
    pub fn max_io_events_per_tick(&mut self, capacity: usize) -> &mut Self {
        self.inner.max_io_events_per_tick(capacity);
        self
    }

    /// See [`real::runtime::Builder::max_io_events_per_busy_tick`].
    ///
    /// # Panics
    /// `capacity` is 0.
    #[cfg(tokio_minor_at_least_54)]
    #[cfg(any(
        feature = "net",
        all(unix, feature = "process"),
        all(unix, feature = "signal")
    ))]
    #[track_caller]
    pub fn max_io_events_per_busy_tick(&mut self, capacity: usize) -> &mut Self {
        self.inner.max_io_events_per_busy_tick(capacity);
        self
    }

    /// See [`real::runtime::Builder::enable_time`].
    #[cfg(feature = "time")]
    pub fn enable_time(&mut self) -> &mut Self {
        self.inner.enable_time();
        self
    }

    /// See [`real::runtime::Builder::start_paused`].
    #[cfg(feature = "test-util")]
    pub fn start_paused(&mut self, start_paused: bool) -> &mut Self {
        self.inner.start_paused(start_paused);
        self
    }

    /// See [`real::runtime::Builder::unhandled_panic`].
    #[cfg(tokio_unstable)]
    pub fn unhandled_panic(&mut self, behavior: real::runtime::UnhandledPanic) -> &mut Self {
        self.inner.unhandled_panic(behavior);
        self
    }

    /// See [`real::runtime::Builder::disable_lifo_slot`].
    #[cfg(tokio_unstable)]
    pub fn disable_lifo_slot(&mut self) -> &mut Self {
        self.inner.disable_lifo_slot();
        self
    }

    /// See [`real::runtime::Builder::rng_seed`].
    #[cfg(tokio_unstable)]
    pub fn rng_seed(&mut self, seed: real::runtime::RngSeed) -> &mut Self {
        self.inner.rng_seed(seed);
        self
    }

    /// See [`real::runtime::Builder::enable_metrics_poll_time_histogram`].
    #[cfg(tokio_unstable)]
    pub fn enable_metrics_poll_time_histogram(&mut self) -> &mut Self {
        self.inner.enable_metrics_poll_time_histogram();
        self
    }

    /// See [`real::runtime::Builder::thread_name_fn`].
    pub fn thread_name_fn<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.inner.thread_name_fn(f);
        self
    }

    /// See [`real::runtime::Builder::on_thread_start`].
    pub fn on_thread_start<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.inner.on_thread_start(f);
        self
    }

    /// See [`real::runtime::Builder::on_thread_stop`].
    pub fn on_thread_stop<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.inner.on_thread_stop(f);
        self
    }

    /// See [`real::runtime::Builder::on_thread_park`].
    pub fn on_thread_park<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.inner.on_thread_park(f);
        self
    }

    /// See [`real::runtime::Builder::on_thread_unpark`].
    pub fn on_thread_unpark<F>(&mut self, f: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.inner.on_thread_unpark(f);
        self
    }

    /// See [`real::runtime::Builder::build`].
    ///
    /// # Errors
    /// The operating system refuses threads or the like.
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        // Before its threads are there: what they do from the start is recorded.
        crate::start::start();
        let location = Location::caller();
        let pool = self.pool;
        self.inner
            .build()
            .map(|inner| Runtime::new_at(inner, pool, location))
    }

    /// See [`real::runtime::Builder::build_local`].
    ///
    /// # Errors
    /// The operating system refuses threads or the like.
    ///
    /// # Panics
    /// It was to have several threads.
    #[cfg(any(tokio_minor_at_least_51, tokio_unstable))]
    #[track_caller]
    pub fn build_local(&mut self, options: super::LocalOptions) -> io::Result<super::LocalRuntime> {
        crate::start::start();
        let location = Location::caller();
        let pool = self.pool;
        self.inner
            .build_local(options)
            .map(|inner| super::LocalRuntime::new_at(inner, pool, location))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<real::runtime::Builder> for Builder {
    fn from(inner: real::runtime::Builder) -> Self {
        // What it was told before cannot be asked.
        Builder { inner, pool: 0 }
    }
}
