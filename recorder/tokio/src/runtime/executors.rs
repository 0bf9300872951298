//! Which runtime is which resource.
//!
//! Tokio's own parts know a runtime by tokio's handle alone, and so does whoever asks for the current one: the resource of a runtime is
//! found by tokio's number of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use ais_recorder::instrument::{Resource, current_executor, is_recording};
use real::runtime::Id;

type Known = Mutex<HashMap<Id, Weak<Resource>>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(Known::default)
}

/// Makes it known that `resource` is the runtime with this number.
pub(super) fn insert(id: Id, resource: &Arc<Resource>) {
    let mut known = known().lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|_, resource| resource.strong_count() > 0);
    known.insert(id, Arc::downgrade(resource));
}

/// The resource of the runtime with this number, where it is one of ours.
pub(super) fn get(id: Id) -> Option<Arc<Resource>> {
    let known = known().lock().unwrap_or_else(PoisonError::into_inner);
    known.get(&id)?.upgrade()
}

/// The number, as a resource, of the runtime that this thread is in; zero where nothing is recorded, or it is none of ours.
#[inline]
pub(crate) fn current() -> u64 {
    if !is_recording() {
        return 0;
    }
    match current_executor() {
        0 => look_up(),
        executor => executor,
    }
}

#[cold]
fn look_up() -> u64 {
    real::runtime::Handle::try_current()
        .ok()
        .and_then(|handle| get(handle.id()))
        .map_or(0, |resource| resource.id())
}
