//! Sets of tasks that are joined as they end.

mod builder;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::task::{Context, Poll};

use ais_recorder::instrument::event::{
    MemberGone, MemberNew, operation_flag, operation_kind, resource_kind, task_flag,
};
use ais_recorder::instrument::{Job, Request, Resource, Slot, aborting, is_recording};
use real::task::{Id, JoinError};

use super::{AbortHandle, LocalSet, about, recorded};
use crate::operation::{Asks, has_budget};
use crate::runtime::{Handle, executors};

pub use builder::Builder;

/// [`tokio::task::JoinSet`](real::task::JoinSet), recorded: which tasks are in it, and who waits for them.
pub struct JoinSet<T> {
    inner: real::task::JoinSet<T>,
    recorded: Recorded,
    /// What `poll_join_next` waits for.
    polled: Slot,
}

/// The recorded side of a set.
struct Recorded {
    resource: Resource,
    /// The numbers of its tasks. Of those only that were put in while something was recorded.
    members: HashMap<Id, u64>,
}

impl Recorded {
    #[track_caller]
    fn new() -> Recorded {
        Recorded {
            resource: crate::start::resource(resource_kind::TASK_SET, 0, Location::caller(), None),
            members: HashMap::new(),
        }
    }

    fn joined(&mut self, id: Id) {
        let Some(task) = self.members.remove(&id) else {
            return;
        };
        self.resource.change(|resource, sequence| MemberGone {
            resource,
            sequence,
            task,
        });
    }

    fn abort_all(&self) {
        for &task in self.members.values() {
            aborting(task);
        }
    }
}

/// The task of a result.
fn id_of<T>(result: &Result<(Id, T), JoinError>) -> Id {
    match result {
        Ok((id, _)) => *id,
        Err(error) => error.id(),
    }
}

type Joined<T> = Option<Result<(Id, T), JoinError>>;

fn without_id<T>(joined: Joined<T>) -> Option<Result<T, JoinError>> {
    joined.map(|result| result.map(|(_, value)| value))
}

impl<T> JoinSet<T> {
    /// See [`real::task::JoinSet::new`].
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        real::task::JoinSet::new().into()
    }

    /// See [`real::task::JoinSet::len`].
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`real::task::JoinSet::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task under a name, by which the trace then knows it.
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder::new(self)
    }

    fn member(&mut self, task: u64, handle: real::task::AbortHandle) -> AbortHandle {
        if is_recording() {
            self.recorded.members.insert(handle.id(), task);
            self.recorded
                .resource
                .change(|resource, sequence| MemberNew {
                    resource,
                    sequence,
                    task,
                });
        }
        AbortHandle::new(handle, task)
    }

    /// See [`real::task::JoinSet::spawn`].
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let about = about(executors::current(), Location::caller());
        let (task, id) = recorded(about, task);
        let handle = self.inner.spawn(task);
        self.member(id, handle)
    }

    /// See [`real::task::JoinSet::spawn_on`].
    #[track_caller]
    pub fn spawn_on<F>(&mut self, task: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        let about = about(handle.executor(), Location::caller());
        let (task, id) = recorded(about, task);
        let handle = self.inner.spawn_on(task, handle.real());
        self.member(id, handle)
    }

    /// See [`real::task::JoinSet::spawn_local`].
    ///
    /// # Panics
    /// Outside of a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local<F>(&mut self, task: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let mut about = about(executors::current_local(), Location::caller());
        about.flags = task_flag::LOCAL;
        let (task, id) = recorded(about, task);
        let handle = self.inner.spawn_local(task);
        self.member(id, handle)
    }

    /// See [`real::task::JoinSet::spawn_local_on`].
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, task: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        let mut about = about(local_set.executor(), Location::caller());
        about.flags = task_flag::LOCAL;
        let (task, id) = recorded(about, task);
        let handle = self.inner.spawn_local_on(task, local_set.real());
        self.member(id, handle)
    }

    /// See [`real::task::JoinSet::spawn_blocking`].
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, f: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::new(&about(executors::current(), Location::caller()), f);
        let task = job.id();
        let handle = self.inner.spawn_blocking(move || job.run());
        self.member(task, handle)
    }

    /// See [`real::task::JoinSet::spawn_blocking_on`].
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, f: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        let job = Job::new(&about(handle.executor(), Location::caller()), f);
        let task = job.id();
        let handle = self
            .inner
            .spawn_blocking_on(move || job.run(), handle.real());
        self.member(task, handle)
    }

    fn join_at(&mut self, location: &'static Location<'static>) -> impl Future<Output = Joined<T>> {
        let JoinSet {
            inner,
            recorded: Recorded { resource, members },
            polled,
        } = self;
        let resource = &*resource;
        polled.give_up(&request(resource, location));
        let finish = move |joined: Joined<T>, _, resource: &Resource| {
            if let Some(result) = &joined
                && let Some(task) = members.remove(&id_of(result))
            {
                resource.change(|resource, sequence| MemberGone {
                    resource,
                    sequence,
                    task,
                });
            }
            joined
        };
        Asks::new(operation_kind::JOIN_NEXT, resource, location, finish)
            .by(inner.join_next_with_id())
    }

    /// See [`real::task::JoinSet::join_next`].
    #[track_caller]
    pub fn join_next(&mut self) -> impl Future<Output = Option<Result<T, JoinError>>> {
        let joined = self.join_at(Location::caller());
        async move { without_id(joined.await) }
    }

    /// See [`real::task::JoinSet::join_next_with_id`].
    #[track_caller]
    pub fn join_next_with_id(&mut self) -> impl Future<Output = Joined<T>> {
        self.join_at(Location::caller())
    }

    /// See [`real::task::JoinSet::try_join_next`].
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        without_id(self.try_join_next_with_id())
    }

    /// See [`real::task::JoinSet::try_join_next_with_id`].
    pub fn try_join_next_with_id(&mut self) -> Joined<T> {
        let joined = self.inner.try_join_next_with_id()?;
        self.recorded.joined(id_of(&joined));
        Some(joined)
    }

    /// See [`real::task::JoinSet::shutdown`].
    #[track_caller]
    pub fn shutdown(&mut self) -> impl Future<Output = ()> {
        let location = Location::caller();
        async move {
            self.abort_all();
            while self.join_at(location).await.is_some() {}
        }
    }

    /// See [`real::task::JoinSet::join_all`].
    ///
    /// # Panics
    /// One of the tasks does, or was cancelled.
    #[track_caller]
    pub fn join_all(mut self) -> impl Future<Output = Vec<T>> {
        let location = Location::caller();
        async move {
            let mut values = Vec::with_capacity(self.len());
            while let Some(result) = self.join_at(location).await {
                match result {
                    Ok((_, value)) => values.push(value),
                    Err(error) if error.is_panic() => {
                        std::panic::resume_unwind(error.into_panic());
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            values
        }
    }

    /// See [`real::task::JoinSet::abort_all`].
    pub fn abort_all(&mut self) {
        self.recorded.abort_all();
        self.inner.abort_all();
    }

    /// See [`real::task::JoinSet::detach_all`].
    pub fn detach_all(&mut self) {
        self.recorded.members.clear();
        self.recorded
            .resource
            .change(|resource, sequence| MemberGone {
                resource,
                sequence,
                task: 0,
            });
        self.inner.detach_all();
    }

    /// See [`real::task::JoinSet::poll_join_next`].
    #[track_caller]
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_join_next_with_id(cx).map(without_id)
    }

    /// See [`real::task::JoinSet::poll_join_next_with_id`].
    #[track_caller]
    pub fn poll_join_next_with_id(&mut self, cx: &mut Context<'_>) -> Poll<Joined<T>> {
        if self.polled.is_unrecorded() {
            return self.inner.poll_join_next_with_id(cx);
        }
        let address = std::ptr::from_ref(self).addr();
        let (resource, location) = (&self.recorded.resource, Location::caller());
        let request = || Request {
            flags: operation_flag::NO_DROP,
            ..request(resource, location)
        };
        let inner = &mut self.inner;
        let joined = self.polled.poll(
            request,
            address,
            has_budget,
            cx,
            |cx| inner.poll_join_next_with_id(cx),
            |_| ais_recorder::instrument::event::outcome::READY,
        );
        joined.map(|(joined, _)| {
            if let Some(result) = &joined {
                self.recorded.joined(id_of(result));
            }
            joined
        })
    }
}

fn request<'a>(resource: &'a Resource, location: &'static Location<'static>) -> Request<'a> {
    Request::of(operation_kind::JOIN_NEXT, resource, location)
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.polled
            .give_up(&request(&self.recorded.resource, Location::caller()));
        // The set itself aborts them right after this.
        self.recorded.abort_all();
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> Default for JoinSet<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// Its tasks are not recorded.
impl<T> From<real::task::JoinSet<T>> for JoinSet<T> {
    #[track_caller]
    fn from(inner: real::task::JoinSet<T>) -> Self {
        JoinSet {
            inner,
            recorded: Recorded::new(),
            polled: Slot::new(),
        }
    }
}

impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut set = Self::new();
        set.extend(iter);
        set
    }
}

impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        for task in iter {
            self.spawn(task);
        }
    }
}
