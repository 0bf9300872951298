//! Which runtime is which resource.
//!
//! Tokio's own parts know a runtime by tokio's handle alone, and so does whoever asks for the current one: the resource of a runtime is
//! found by tokio's number of it. Before 1.49 tokio has no such number: there the current runtime is known in its recorded tasks alone,
//! and a handle is that of one of ours only where it comes from us.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ais_recorder::instrument::{Resource, current_executor, is_recording};
use real::runtime::Handle;
#[cfg(any(tokio_minor_at_least_49, tokio_unstable))]
use real::runtime::Id;

/// Whether tokio has numbers of runtimes.
const HAVE_IDS: bool = cfg!(any(tokio_minor_at_least_49, tokio_unstable));

/// There are none.
#[cfg(not(any(tokio_minor_at_least_49, tokio_unstable)))]
type Id = std::convert::Infallible;

/// Tokio's number of a runtime.
#[cfg(any(tokio_minor_at_least_49, tokio_unstable))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "where there are none it is `None`"
)]
fn id_of(handle: &Handle) -> Option<Id> {
    Some(handle.id())
}

#[cfg(not(any(tokio_minor_at_least_49, tokio_unstable)))]
fn id_of(_: &Handle) -> Option<Id> {
    None
}

/// One of our runtimes.
struct Known {
    id: Option<Id>,
    resource: Weak<Resource>,
}

fn known() -> MutexGuard<'static, Vec<Known>> {
    static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes it known that `resource` is the runtime of this handle.
pub(super) fn insert(handle: &Handle, resource: &Arc<Resource>) {
    let mut known = known();
    known.retain(|runtime| runtime.resource.strong_count() > 0);
    known.push(Known {
        id: id_of(handle),
        resource: Arc::downgrade(resource),
    });
}

/// The resource of the runtime of this handle, where it is known to be one of ours.
pub(super) fn get(handle: &Handle) -> Option<Arc<Resource>> {
    let id = id_of(handle)?;
    let known = known();
    let found = known.iter().rfind(|runtime| runtime.id == Some(id));
    found?.resource.upgrade()
}

/// The same where this thread is in that runtime.
pub(super) fn get_current(handle: &Handle) -> Option<Arc<Resource>> {
    if HAVE_IDS { get(handle) } else { executing() }
}

/// The resource of the runtime whose task this thread polls.
fn executing() -> Option<Arc<Resource>> {
    let executor = current_executor();
    if executor == 0 || !is_recording() {
        return None;
    }
    let known = known();
    let mut ours = known
        .iter()
        .filter_map(|runtime| runtime.resource.upgrade());
    ours.find(|resource| resource.id() == executor)
}

/// The number, as a resource, of the runtime that this thread is in; zero where nothing is recorded, or it is none of ours.
#[inline]
pub(crate) fn current() -> u64 {
    if !is_recording() {
        return 0;
    }
    match current_executor() {
        // A task of a local set has that for its executor; what it hands to a runtime it hands to the one around.
        0 => look_up(),
        _ if LOCAL_SET.get() != 0 => look_up(),
        executor => executor,
    }
}

#[cold]
fn look_up() -> u64 {
    Handle::try_current()
        .ok()
        .and_then(|handle| get(&handle))
        .map_or(0, |resource| resource.id())
}

thread_local! {
    /// The set of local tasks whose tasks, or whose `run_until`, this thread polls.
    static LOCAL_SET: Cell<u64> = const { Cell::new(0) };
}

/// What tasks are handed to that `spawn_local` makes here: the set that this thread is in, else the runtime.
pub(crate) fn current_local() -> u64 {
    match LOCAL_SET.get() {
        0 => current(),
        set => set,
    }
}

/// This thread is in a set of local tasks until it is dropped; then in that in which it was before.
pub(crate) struct LocalScope {
    before: u64,
}

impl LocalScope {
    /// In the set with this number, as a resource.
    pub(crate) fn enter(set: u64) -> LocalScope {
        LocalScope {
            before: LOCAL_SET.replace(set),
        }
    }
}

impl Drop for LocalScope {
    fn drop(&mut self) {
        LOCAL_SET.set(self.before);
    }
}
