//! The waker that a recorded task gives to what it waits for.
//!
//! It records each wake before it passes it on, and counts its clones: a task that waits and of which no waker is alive any more can
//! never be woken. The standard library's safe way to make wakers (`std::task::Wake`) does not tell when one is dropped, hence the
//! table of functions here. The memory is that of an `Arc`: each waker is one strong reference to it.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{RawWaker, RawWakerVTable, Waker};

use ais_format::event::{Wake, WakersGone};

use crate::record::emit;
use crate::session;

/// No wake is waited for.
const NOT_AWAITED: u64 = u64::MAX;

/// What all clones of a task's waker share.
pub(crate) struct TaskWaker {
    task: u64,
    /// Which of the task's wakers, from 1.
    identity: u32,
    /// The executor's own waker.
    inner: Waker,
    /// How often it was woken.
    wakes: AtomicU32,
    /// How often it had been woken when the poll began after which the task waits; [`NOT_AWAITED`] while it does not wait.
    awaited: AtomicU64,
    /// How many wakers there are, the one that is lent to polls included.
    wakers: AtomicU32,
}

static FUNCTIONS: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker as it is lent to each poll of its task.
pub(crate) struct LentWaker {
    shared: Arc<TaskWaker>,
    waker: Waker,
}

impl LentWaker {
    /// Wakes through `inner`.
    pub(crate) fn new(task: u64, identity: u32, inner: Waker) -> LentWaker {
        let shared = Arc::new(TaskWaker {
            task,
            identity,
            inner,
            wakes: AtomicU32::new(0),
            awaited: AtomicU64::new(NOT_AWAITED),
            wakers: AtomicU32::new(1),
        });
        let data = Arc::into_raw(Arc::clone(&shared)).cast();
        // SAFETY: `data` comes from `Arc::<TaskWaker>::into_raw` and carries one strong reference, which is what every function of the
        // table relies on; `TaskWaker` is `Send` and `Sync`, as wakers have to be.
        let waker = unsafe { Waker::new(data, &FUNCTIONS) };
        LentWaker { shared, waker }
    }

    /// To poll with.
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether it wakes what `inner` wakes.
    pub(crate) fn wakes_through(&self, inner: &Waker) -> bool {
        self.shared.inner.will_wake(inner)
    }

    pub(crate) fn identity(&self) -> u32 {
        self.shared.identity
    }

    /// How often it was woken so far.
    pub(crate) fn wakes(&self) -> u32 {
        self.shared.wakes.load(Ordering::Acquire)
    }

    /// The task is polled: from here on it is known by itself how many wakers there are.
    pub(crate) fn begin_poll(&self) {
        self.shared.awaited.store(NOT_AWAITED, Ordering::Relaxed);
    }

    /// The task waits now, after a poll that began when it had been woken `wakes` times. From here on it is recorded when the last clone
    /// goes; returns how many there are.
    pub(crate) fn end_poll(&self, wakes: u32) -> u32 {
        self.shared.awaited.store(wakes.into(), Ordering::Release);
        self.clones()
    }

    /// How many clones of it are alive.
    pub(crate) fn clones(&self) -> u32 {
        self.shared.wakers.load(Ordering::Acquire) - 1
    }

    /// Lends it no more; clones of it may still be alive.
    pub(crate) fn retire(self) -> RetiredWaker {
        self.begin_poll();
        RetiredWaker(Arc::clone(&self.shared))
    }
}

impl Drop for LentWaker {
    fn drop(&mut self) {
        // Its own end must not look like that of a clone.
        self.begin_poll();
    }
}

/// A waker of which there may still be clones, though its task is polled with another one.
pub(crate) struct RetiredWaker(Arc<TaskWaker>);

impl RetiredWaker {
    /// How many clones of it are alive.
    pub(crate) fn clones(&self) -> u32 {
        self.0.wakers.load(Ordering::Acquire)
    }
}

impl TaskWaker {
    fn wake(&self) {
        // Recorded before the fact: the poll that this causes must not seem to have come before it.
        let number = self.wakes.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        if session::is_recording() {
            emit(&Wake {
                task: self.task,
                waker: self.identity.into(),
                number: number.into(),
            });
        }
        self.inner.wake_by_ref();
    }

    fn one_less(&self) {
        // With the lent one there were two: this was the last clone.
        let was_last = self.wakers.fetch_sub(1, Ordering::AcqRel) == 2;
        if was_last
            && self.awaited.load(Ordering::Acquire) == u64::from(self.wakes.load(Ordering::Acquire))
            && session::is_recording()
        {
            emit(&WakersGone {
                task: self.task,
                waker: self.identity.into(),
            });
        }
    }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let shared = data.cast::<TaskWaker>();
    // SAFETY: `data` is that of a waker that exists, and so of an `Arc` with a strong reference: see `LentWaker::new`.
    unsafe {
        Arc::increment_strong_count(shared);
        (*shared).wakers.fetch_add(1, Ordering::Relaxed);
    }
    RawWaker::new(data, &FUNCTIONS)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: as for `drop_waker`, whose reference is only used before that.
    unsafe {
        wake_by_ref(data);
        drop_waker(data);
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: as for `clone`; the reference is not dropped, since the waker goes on.
    let shared = ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<TaskWaker>()) });
    shared.wake();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: as for `clone`; the waker ends here, and with it its strong reference.
    let shared = unsafe { Arc::from_raw(data.cast::<TaskWaker>()) };
    shared.one_less();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_counted_over_all_ways_to_end() {
        let lent = LentWaker::new(1, 1, Waker::noop().clone());
        assert_eq!(lent.clones(), 0);
        let (a, b) = (lent.waker().clone(), lent.waker().clone());
        assert!(a.will_wake(lent.waker()));
        assert_eq!(lent.clones(), 2);
        a.wake();
        assert_eq!((lent.clones(), lent.wakes()), (1, 1));
        b.wake_by_ref();
        assert_eq!((lent.clones(), lent.wakes()), (1, 2));
        let retired = lent.retire();
        assert_eq!(retired.clones(), 1);
        std::thread::spawn(move || drop(b)).join().unwrap();
        assert_eq!(retired.clones(), 0);
        assert_eq!(Arc::strong_count(&retired.0), 1);
    }
}
