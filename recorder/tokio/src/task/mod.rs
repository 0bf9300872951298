//! Tasks, recorded.

pub use real::task::*;

mod builder;
mod join_handle;
pub mod join_set;
mod local_set;

use std::future::Future;
use std::panic::Location;

use ais_recorder::Task;
#[cfg(feature = "rt-multi-thread")]
use ais_recorder::instrument::Section;
#[cfg(feature = "rt-multi-thread")]
use ais_recorder::instrument::event::section_kind;
use ais_recorder::instrument::{About, Job, event::task_flag, yielding};

use crate::runtime::executors;

pub use builder::Builder;
pub use join_handle::{AbortHandle, JoinHandle};
pub use join_set::JoinSet;
pub use local_set::{LocalEnterGuard, LocalSet};

/// What a task without a name is known by.
pub(crate) fn about(executor: u64, location: &'static Location<'static>) -> About {
    About {
        name: None,
        flags: 0,
        executor,
        location,
    }
}

/// A future as a recorded task, and the number of that. (It is not handed on to a function that spawns it: that one's panics name the
/// place from where it is called.)
#[inline]
pub(crate) fn recorded<F: Future>(about: About, future: F) -> (Task<F>, u64) {
    let task = Task::new(about, future);
    let id = task.id();
    (task, id)
}

/// See [`real::task::spawn`].
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let about = about(executors::current(), Location::caller());
    let (task, id) = recorded(about, future);
    JoinHandle::new(real::spawn(task), id)
}

/// See [`real::task::spawn_local`].
///
/// # Panics
/// Outside of a [`LocalSet`].
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let mut about = about(executors::current_local(), Location::caller());
    about.flags = task_flag::LOCAL;
    let (task, id) = recorded(about, future);
    JoinHandle::new(real::task::spawn_local(task), id)
}

/// See [`real::task::spawn_blocking`].
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let job = Job::new(&about(executors::current(), Location::caller()), f);
    let id = job.id();
    JoinHandle::new(real::task::spawn_blocking(move || job.run()), id)
}

/// See [`real::task::block_in_place`].
///
/// # Panics
/// On a runtime with one thread.
#[cfg(feature = "rt-multi-thread")]
#[track_caller]
pub fn block_in_place<F, R>(f: F) -> R
where
    F: FnOnce() -> R,
{
    let section = Section::enter(section_kind::BLOCK_IN_PLACE, None, Location::caller());
    let result = real::task::block_in_place(f);
    drop(section);
    result
}

/// See [`real::task::yield_now`].
#[track_caller]
pub fn yield_now() -> impl Future<Output = ()> {
    let location = Location::caller();
    async move {
        yielding(location);
        real::task::yield_now().await;
    }
}
