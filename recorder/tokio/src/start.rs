//! What has to happen once, before anything can be recorded.

use std::borrow::Cow;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Once;

use ais_recorder::instrument::{self, Resource};
use real::task::Id;

/// Starts the recording that the environment asks for. Called wherever a program may begin to use tokio: when it makes a runtime, and
/// when it makes a lock, a channel, … before that.
#[inline]
pub(crate) fn start() {
    static ONCE: Once = Once::new();
    if !ONCE.is_completed() {
        ONCE.call_once(|| instrument::set_running_task(running_task));
    }
    // Once a process, and processes fork.
    let way_in = if env!("CARGO_PKG_NAME") == "tokio" {
        "the recorded tokio, in all crates"
    } else {
        "the recorded tokio, in the crates that name it"
    };
    instrument::start_once_from_env(way_in);
}

/// A resource that is made now.
#[inline]
pub(crate) fn resource(
    kind: u64,
    capacity: u64,
    location: &'static Location<'static>,
    name: Option<Cow<'static, str>>,
) -> Resource {
    start();
    Resource::new(kind, capacity, location, name)
}

/// A runtime with so many threads that poll tasks, and up to `pool` for blocking jobs (zero: not known).
#[cfg(feature = "rt")]
pub(crate) fn runtime(
    workers: u64,
    pool: u32,
    location: &'static Location<'static>,
    name: Option<Cow<'static, str>>,
) -> Resource {
    start();
    Resource::runtime(workers, pool, location, name)
}

/// Tokio's number of the task that runs on this thread; zero where there is none.
fn running_task() -> u64 {
    thread_local! {
        static LAST: Cell<Option<(Id, u64)>> = const { Cell::new(None) };
    }
    let Some(id) = real::task::try_id() else {
        return 0;
    };
    LAST.with(|last| match last.get() {
        Some((known, number)) if known == id => number,
        _ => {
            // It can only be written out.
            let number = id.to_string().parse().unwrap_or(0);
            last.set(Some((id, number)));
            number
        }
    })
}
