//! Tasks of a set with names.

use std::future::Future;
use std::io;
use std::panic::Location;

use ais_recorder::instrument::{About, Job, event::task_flag};

use super::JoinSet;
use crate::runtime::{Handle, executors};
use crate::task::{AbortHandle, LocalSet, recorded};

/// Spawns a task of a set under a name. Made by [`JoinSet::build_task`].
#[derive(Debug)]
#[must_use = "builders do nothing unless used to spawn a task"]
pub struct Builder<'a, T> {
    set: &'a mut JoinSet<T>,
    name: Option<&'a str>,
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "tokio's own builder of this kind can fail"
)]
impl<'a, T: 'static> Builder<'a, T> {
    pub(super) fn new(set: &'a mut JoinSet<T>) -> Builder<'a, T> {
        Builder { set, name: None }
    }

    /// Gives this name.
    pub fn name(self, name: &'a str) -> Self {
        Builder {
            name: Some(name),
            ..self
        }
    }

    fn about(&self, executor: u64, flags: u64, location: &'static Location<'static>) -> About {
        About {
            name: self.name.map(|name| name.to_owned().into()),
            flags,
            executor,
            location,
        }
    }

    /// Like [`JoinSet::spawn`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let about = self.about(executors::current(), 0, Location::caller());
        let (task, id) = recorded(about, future);
        let handle = self.set.inner.spawn(task);
        Ok(self.set.member(id, handle))
    }

    /// Like [`JoinSet::spawn_on`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let about = self.about(handle.executor(), 0, Location::caller());
        let (task, id) = recorded(about, future);
        let handle = self.set.inner.spawn_on(task, handle.real());
        Ok(self.set.member(id, handle))
    }

    /// Like [`JoinSet::spawn_local`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        let about = self.about(
            executors::current_local(),
            task_flag::LOCAL,
            Location::caller(),
        );
        let (task, id) = recorded(about, future);
        let handle = self.set.inner.spawn_local(task);
        Ok(self.set.member(id, handle))
    }

    /// Like [`JoinSet::spawn_local_on`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<AbortHandle>
    where
        F: Future<Output = T> + 'static,
    {
        let about = self.about(local_set.executor(), task_flag::LOCAL, Location::caller());
        let (task, id) = recorded(about, future);
        let handle = self.set.inner.spawn_local_on(task, local_set.real());
        Ok(self.set.member(id, handle))
    }

    /// Like [`JoinSet::spawn_blocking`].
    ///
    /// # Errors
    /// None.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(self, f: F) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::new(&self.about(executors::current(), 0, Location::caller()), f);
        let task = job.id();
        let handle = self.set.inner.spawn_blocking(move || job.run());
        Ok(self.set.member(task, handle))
    }

    /// Like [`JoinSet::spawn_blocking_on`].
    ///
    /// # Errors
    /// None.
    #[track_caller]
    pub fn spawn_blocking_on<F>(self, f: F, handle: &Handle) -> io::Result<AbortHandle>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::new(&self.about(handle.executor(), 0, Location::caller()), f);
        let task = job.id();
        let handle = self
            .set
            .inner
            .spawn_blocking_on(move || job.run(), handle.real());
        Ok(self.set.member(task, handle))
    }
}
