//! Tasks with names.

use std::future::Future;
use std::io;
use std::panic::Location;

use ais_recorder::instrument::{About, Job, event::task_flag};

use super::{JoinHandle, LocalSet, recorded};
use crate::runtime::{Handle, executors};

/// Spawns tasks under a name, by which the trace then knows them. Tokio has this type too, with the same methods, where it is built
/// with `tokio_unstable`; here it is always there.
///
/// ```
/// # use ais_tokio as tokio;
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let task = tokio::task::Builder::new().name("adder").spawn(async { 1 + 1 })?;
/// assert_eq!(task.await.unwrap(), 2);
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
#[derive(Default, Debug)]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// One that gives no name.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives this name.
    #[must_use]
    pub fn name(&self, name: &'a str) -> Self {
        Self { name: Some(name) }
    }

    fn about(&self, executor: u64, flags: u64, location: &'static Location<'static>) -> About {
        About {
            name: self.name.map(|name| name.to_owned().into()),
            flags,
            executor,
            location,
        }
    }

    /// Like [`spawn`](super::spawn).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let about = self.about(executors::current(), 0, Location::caller());
        let (task, id) = recorded(about, future);
        Ok(JoinHandle::new(real::spawn(task), id))
    }

    /// Like [`Handle::spawn`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let about = self.about(handle.executor(), 0, Location::caller());
        let (task, id) = recorded(about, future);
        Ok(JoinHandle::new(handle.real().spawn(task), id))
    }

    /// Like [`spawn_local`](super::spawn_local).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let about = self.about(
            executors::current_local(),
            task_flag::LOCAL,
            Location::caller(),
        );
        let (task, id) = recorded(about, future);
        Ok(JoinHandle::new(real::task::spawn_local(task), id))
    }

    /// Like [`LocalSet::spawn_local`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_local_on<F>(
        self,
        future: F,
        local_set: &LocalSet,
    ) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let about = self.about(local_set.executor(), task_flag::LOCAL, Location::caller());
        let (task, id) = recorded(about, future);
        Ok(JoinHandle::new(local_set.real().spawn_local(task), id))
    }

    /// Like [`spawn_blocking`](super::spawn_blocking).
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, function: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.spawn_blocking_on(function, &Handle::current())
    }

    /// Like [`Handle::spawn_blocking`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, function: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let job = Job::new(
            &self.about(handle.executor(), 0, Location::caller()),
            function,
        );
        let id = job.id();
        let inner = handle.real().spawn_blocking(move || job.run());
        Ok(JoinHandle::new(inner, id))
    }
}
