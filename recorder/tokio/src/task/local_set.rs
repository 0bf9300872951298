//! Sets of tasks that are bound to a thread.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_recorder::instrument::Resource;
use ais_recorder::instrument::event::{resource_kind, task_flag};

use super::{JoinHandle, about, recorded};
use crate::runtime::Runtime;
use crate::runtime::executors::LocalScope;

/// [`tokio::task::LocalSet`](real::task::LocalSet), recorded: an executor that is driven by whoever polls it.
pub struct LocalSet {
    // Dropped after the set: its tasks go with that.
    inner: real::task::LocalSet,
    resource: Resource,
}

impl LocalSet {
    /// See [`real::task::LocalSet::new`].
    #[must_use]
    #[track_caller]
    pub fn new() -> LocalSet {
        LocalSet::from(real::task::LocalSet::new())
    }

    /// Tokio's own set. What is spawned on it is not recorded.
    pub fn into_inner(self) -> real::task::LocalSet {
        self.resource.change(
            |resource, sequence| ais_recorder::instrument::event::Escape { resource, sequence },
        );
        self.inner
    }

    pub(super) fn executor(&self) -> u64 {
        if ais_recorder::instrument::is_recording() {
            self.resource.id()
        } else {
            0
        }
    }

    pub(super) fn real(&self) -> &real::task::LocalSet {
        &self.inner
    }

    /// See [`real::task::LocalSet::enter`].
    pub fn enter(&self) -> LocalEnterGuard {
        LocalEnterGuard {
            inner: self.inner.enter(),
            scope: LocalScope::enter(self.executor()),
        }
    }

    /// See [`real::task::LocalSet::spawn_local`].
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut about = about(self.executor(), Location::caller());
        about.flags = task_flag::LOCAL;
        let (task, id) = recorded(about, future);
        JoinHandle::new(self.inner.spawn_local(task), id)
    }

    /// See [`real::task::LocalSet::block_on`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn block_on<F: Future>(&self, rt: &Runtime, future: F) -> F::Output {
        rt.block_on(self.run_until(future))
    }

    /// See [`real::task::LocalSet::run_until`].
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        let inside = Inside {
            set: self,
            future: self.inner.run_until(future),
        };
        inside.await
    }

    /// See [`real::task::LocalSet::id`].
    #[cfg(any(tokio_minor_at_least_49, tokio_unstable))]
    pub fn id(&self) -> real::runtime::Id {
        self.inner.id()
    }
}

pin_project_lite::pin_project! {
    /// A future that runs inside of a set, and drives it.
    struct Inside<'a, F> {
        set: &'a LocalSet,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Inside<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _scope = LocalScope::enter(this.set.executor());
        this.future.poll(cx)
    }
}

impl Future for LocalSet {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _scope = LocalScope::enter(self.executor());
        Pin::new(&mut self.inner).poll(cx)
    }
}

impl Default for LocalSet {
    #[track_caller]
    fn default() -> LocalSet {
        LocalSet::new()
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl From<real::task::LocalSet> for LocalSet {
    #[track_caller]
    fn from(inner: real::task::LocalSet) -> Self {
        let resource =
            crate::start::resource(resource_kind::LOCAL_SET, 1, Location::caller(), None);
        LocalSet { inner, resource }
    }
}

impl From<LocalSet> for real::task::LocalSet {
    fn from(set: LocalSet) -> Self {
        set.into_inner()
    }
}

/// [`tokio::task::LocalEnterGuard`](real::task::LocalEnterGuard), recorded.
pub struct LocalEnterGuard {
    inner: real::task::LocalEnterGuard,
    scope: LocalScope,
}

impl fmt::Debug for LocalEnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = &self.scope;
        self.inner.fmt(f)
    }
}
