//! How a runtime is to be made.

use std::fmt;
use std::io;
use std::panic::Location;
use std::time::Duration;

use real::runtime::LocalOptions;

use super::{LocalRuntime, Runtime};

/// [`tokio::runtime::Builder`](real::runtime::Builder), of recorded runtimes.
pub struct Builder {
    inner: real::runtime::Builder,
}

/// Methods that change what tokio's builder has to know.
macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("See [`real::runtime::Builder::", stringify!($name), "`].")]
        $(#[$attribute])*
        #[track_caller]
        pub fn $name(&mut self $(, $argument: $type)*) -> &mut Self {
            self.inner.$name($($argument),*);
            self
        }
    )*};
}

/// Methods that take something to be called back.
macro_rules! hooks {
    ($($(#[$attribute:meta])* $name:ident: $hook:path;)*) => {$(
        #[doc = concat!("See [`real::runtime::Builder::", stringify!($name), "`].")]
        $(#[$attribute])*
        pub fn $name<F>(&mut self, f: F) -> &mut Self
        where
            F: $hook + Send + Sync + 'static,
        {
            self.inner.$name(f);
            self
        }
    )*};
}

impl Builder {
    /// See [`real::runtime::Builder::new_current_thread`].
    #[must_use]
    pub fn new_current_thread() -> Builder {
        Builder {
            inner: real::runtime::Builder::new_current_thread(),
        }
    }

    /// See [`real::runtime::Builder::new_multi_thread`].
    #[cfg(feature = "rt-multi-thread")]
    #[must_use]
    pub fn new_multi_thread() -> Builder {
        Builder {
            inner: real::runtime::Builder::new_multi_thread(),
        }
    }

    settings! {
        enable_all();
        worker_threads(val: usize);
        max_blocking_threads(val: usize);
        thread_name(val: impl Into<String>);
        name(val: impl Into<String>);
        thread_stack_size(val: usize);
        thread_keep_alive(duration: Duration);
        global_queue_interval(val: u32);
        event_interval(val: u32);
        #[cfg(any(feature = "net", all(unix, feature = "process"), all(unix, feature = "signal")))]
        enable_io();
        #[cfg(any(feature = "net", all(unix, feature = "process"), all(unix, feature = "signal")))]
        max_io_events_per_tick(capacity: usize);
        #[cfg(feature = "time")]
        enable_time();
        #[cfg(feature = "test-util")]
        start_paused(start_paused: bool);
        #[cfg(tokio_unstable)]
        unhandled_panic(behavior: real::runtime::UnhandledPanic);
        #[cfg(tokio_unstable)]
        disable_lifo_slot();
        #[cfg(tokio_unstable)]
        rng_seed(seed: real::runtime::RngSeed);
        #[cfg(tokio_unstable)]
        enable_metrics_poll_time_histogram();
    }

    hooks! {
        on_thread_start: Fn();
        on_thread_stop: Fn();
        on_thread_park: Fn();
        on_thread_unpark: Fn();
        thread_name_fn: Fn() -> String;
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
        self.inner
            .build()
            .map(|inner| Runtime::new_at(inner, location))
    }

    /// See [`real::runtime::Builder::build_local`].
    ///
    /// # Errors
    /// The operating system refuses threads or the like.
    ///
    /// # Panics
    /// It was to have several threads.
    #[track_caller]
    pub fn build_local(&mut self, options: LocalOptions) -> io::Result<LocalRuntime> {
        crate::start::start();
        let location = Location::caller();
        self.inner
            .build_local(options)
            .map(|inner| LocalRuntime::new_at(inner, location))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<real::runtime::Builder> for Builder {
    fn from(inner: real::runtime::Builder) -> Self {
        Builder { inner }
    }
}
