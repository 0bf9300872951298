//! A process that forks is recorded on; its child is not, until it makes a recording of its own.
//!
//! The child has the parent's memory, in which the parent goes on writing, and none of its threads but the one that forked. So it goes
//! dark at once: it leaves that memory alone, and the trace, and waits for no thread that it does not have. Around the fork the
//! recorder's locks are held, so that the child does not inherit one that will never be given back.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use crate::cells::{self, FreeCells};
use crate::define;
use crate::define::DefinitionsLock;
use crate::platform;
use crate::recorder::{ActiveLock, lock_active};
use crate::segment::{self, SegmentLocks};
use crate::session::{self, Session};

/// How often this process, or one that it comes from, was forked before it came to be.
static FORKS: AtomicU32 = AtomicU32::new(0);
/// The environment has not been asked since.
static IS_NEW: AtomicBool = AtomicBool::new(false);
/// The trace, as a number that the system knows it by; negative where there is none.
static TRACE: AtomicI32 = AtomicI32::new(-1);

/// The locks of the recorder, in the order in which they may be taken together.
struct Locks {
    active: ActiveLock,
    definitions: DefinitionsLock,
    cells: FreeCells,
    segments: SegmentLocks,
}

thread_local! {
    static HELD: RefCell<Option<Locks>> = const { RefCell::new(None) };
}

/// From now on forks are noticed. `trace` is the file that a child has no business with.
pub(crate) fn watch(trace: i32) {
    TRACE.store(trace, Ordering::Relaxed);
    platform::at_fork(prepare, parent, child);
}

/// The trace is about to be closed.
pub(crate) fn unwatch() {
    TRACE.store(-1, Ordering::Relaxed);
}

/// Counts forks: what was made at another count belongs to a parent.
pub(crate) fn count() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether this process is a child that has not asked this yet.
pub(crate) fn is_new_process() -> bool {
    IS_NEW.load(Ordering::Relaxed) && IS_NEW.swap(false, Ordering::Relaxed)
}

extern "C" fn prepare() {
    let locks = Locks {
        active: lock_active(),
        definitions: define::lock(),
        cells: cells::lock(),
        segments: segment::lock_all(),
    };
    // Where the thread is at its very end, the locks are given back at once: better than a panic in a fork.
    let _ = HELD.try_with(|held| held.replace(Some(locks)));
}

extern "C" fn parent() {
    let _ = HELD.try_with(RefCell::take);
}

extern "C" fn child() {
    session::set(Session::NONE);
    FORKS.fetch_add(1, Ordering::Relaxed);
    IS_NEW.store(true, Ordering::Relaxed);
    if let Ok(Some(mut locks)) = HELD.try_with(RefCell::take) {
        // Its parts are the parent's: a thread that is not here, and what is still shared with it.
        std::mem::forget(locks.active.take());
        cells::forked(&mut locks.cells);
        segment::forked(&mut locks.segments);
        drop(locks.definitions);
    }
    platform::close_orphan(TRACE.swap(-1, Ordering::Relaxed));
}
