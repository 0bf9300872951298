//! The waker that a recorded task gives to what it waits for.
//!
//! It records each wake before it passes it on, and counts its clones: a task that waits and of which no waker is alive any more can
//! never be woken. The standard library's safe way to make wakers (`std::task::Wake`) does not tell when one is dropped, hence the
//! table of functions here, and a count of references that is at the same time the count of wakers.
#![allow(unsafe_code)]

use std::task::{RawWaker, RawWakerVTable, Waker};

use ais_format::event::{Kind, WakersGone};
use ais_format::live;
#[cfg(ais_loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
#[cfg(not(ais_loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use crate::cells::{Cell, CellWords};
use crate::record::{emit, emit_frequent_noted};
use crate::session::{self, Word};
use crate::task::task_now;

/// In [`Shared::wakers`]: one that is used up by a wake that is under way.
const WAKING: u64 = 1 << 32;

/// No wake is waited for.
const NOT_AWAITED: u64 = u64::MAX;

/// What all clones of a task's waker share. It lives as long as one of them, the one that is lent to polls included.
struct Shared {
    task: u64,
    /// Which of the task's wakers, from 1.
    identity: u32,
    /// Both, as records have them.
    word: u64,
    /// The lowest half of the task's number, in the highest half.
    tag: u64,
    /// How many wakers there are that can wake; above that, in units of [`WAKING`], how many are used up by a wake that is under way. To
    /// wake a thread takes long enough for the task to be polled by then, and to wait again: such a waker can do nothing more for it.
    wakers: AtomicU64,
    /// The cell of the task,
    cell: Cell,
    /// and that cell's words.
    words: &'static CellWords,
    /// The executor's own waker.
    inner: Waker,
    /// How often it was woken.
    wakes: AtomicU32,
    /// How often it had been woken when the poll began after which the task waits; [`NOT_AWAITED`] while it does not wait.
    awaited: AtomicU64,
}

static FUNCTIONS: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker as it is lent to each poll of its task.
pub(crate) struct LentWaker(Waker);

impl LentWaker {
    /// Wakes through `inner`.
    pub(crate) fn new(task: u64, identity: u32, inner: Waker, cell: Cell) -> LentWaker {
        let words = cell.share();
        let shared = Box::new(Shared {
            task,
            identity,
            word: live::waker_word(task, identity),
            tag: task << 32,
            wakers: AtomicU64::new(1),
            cell,
            words,
            inner,
            wakes: AtomicU32::new(0),
            awaited: AtomicU64::new(NOT_AWAITED),
        });
        let data = Box::into_raw(shared).cast_const().cast();
        // SAFETY: every function of the table relies on `data` to be a `Shared` that was boxed, and that counts this waker; `Shared` is
        // `Send` and `Sync`, as wakers have to be.
        LentWaker(unsafe { Waker::new(data, &FUNCTIONS) })
    }

    fn shared(&self) -> &Shared {
        // SAFETY: it is there as long as one of its wakers, and this is one: see `new`.
        unsafe { &*self.0.data().cast() }
    }

    /// To poll with.
    pub(crate) fn waker(&self) -> &Waker {
        &self.0
    }

    /// Whether it wakes what `inner` wakes.
    pub(crate) fn wakes_through(&self, inner: &Waker) -> bool {
        self.shared().inner.will_wake(inner)
    }

    /// Its task and its number, as records have them.
    pub(crate) fn word(&self) -> u64 {
        self.shared().word
    }

    /// How often it was woken so far.
    pub(crate) fn wakes(&self) -> u32 {
        self.shared().wakes.load(Ordering::Acquire)
    }

    /// The task is polled: from here on it is known by itself how many wakers there are. Returns how often it was woken so far.
    pub(crate) fn begin_poll(&self) -> u32 {
        let shared = self.shared();
        shared.awaited.store(NOT_AWAITED, Ordering::Relaxed);
        shared.wakes.load(Ordering::Acquire)
    }

    /// The task waits now, after a poll that began when it had been woken `wakes` times. From here on it is recorded when the last clone
    /// goes; returns how many there are.
    pub(crate) fn end_poll(&self, wakes: u32) -> u32 {
        self.shared().awaited.store(wakes.into(), Ordering::Release);
        self.clones()
    }

    /// How many clones of it are alive that can still wake.
    pub(crate) fn clones(&self) -> u32 {
        // The one that is lent is none.
        (self.shared().wakers.load(Ordering::Acquire) as u32).wrapping_sub(1)
    }

    /// Lends it no more; clones of it may still be alive.
    pub(crate) fn retire(self) -> RetiredWaker {
        self.begin_poll();
        RetiredWaker(self)
    }
}

impl Drop for LentWaker {
    fn drop(&mut self) {
        // Its own end must not look like that of a clone.
        self.begin_poll();
    }
}

/// A waker of which there may still be clones, though its task is polled with another one.
pub(crate) struct RetiredWaker(LentWaker);

impl RetiredWaker {
    /// How many clones of it are alive.
    pub(crate) fn clones(&self) -> u32 {
        self.0.clones()
    }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: `data` is that of a waker that exists: see `LentWaker::new`.
    let shared = unsafe { &*data.cast::<Shared>() };
    let before = shared.wakers.fetch_add(1, Ordering::Relaxed);
    // As the standard library's counts: so many wakers cannot exist, but leaked ones could make the count begin anew.
    if before % WAKING > WAKING / 2 {
        std::process::abort();
    }
    RawWaker::new(data, &FUNCTIONS)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: as for `drop_waker`, whose reference is only used before that.
    unsafe {
        let shared = &*data.cast::<Shared>();
        record_wake(shared);
        // After that: a poll that does not count this one any more has seen, or will see, the wake.
        shared.wakers.fetch_add(WAKING - 1, Ordering::Release);
        shared.inner.wake_by_ref();
        // Not worth an event, should it be the last: the task was woken.
        if shared.wakers.fetch_sub(WAKING, Ordering::Release) == WAKING {
            free(data);
        }
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: as for `clone`.
    let shared = unsafe { &*data.cast::<Shared>() };
    record_wake(shared);
    shared.inner.wake_by_ref();
}

#[inline]
fn record_wake(shared: &Shared) {
    // Recorded before the fact: the poll that this causes must not seem to have come before it.
    let number = shared.wakes.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
    let wake = live::wake(shared.word, number);
    let note = || shared.words[task_now::WAKES].store(shared.tag | wake[1], Ordering::Relaxed);
    emit_frequent_noted(Word::now(), Kind::Wake, wake, note);
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the caller's waker is not used after this.
    unsafe { give_up(data) }
}

/// The end of a waker that did not wake.
unsafe fn give_up(data: *const ()) {
    // SAFETY: as for `clone`; this waker is counted until the count is taken down below.
    let shared = unsafe { &*data.cast::<Shared>() };
    // Looked at before that: afterwards somebody else may be the last, and free it. Another clone may wake in between: then this is one
    // of those events that mean nothing, since the task was woken.
    let gone = WakersGone {
        task: shared.task,
        waker: shared.identity.into(),
    };
    let is_awaited =
        shared.awaited.load(Ordering::Acquire) == u64::from(shared.wakes.load(Ordering::Acquire));
    let before = shared.wakers.fetch_sub(1, Ordering::Release);
    match before % WAKING {
        // SAFETY: this was the last waker, and none is used up that is still waking.
        1 if before == 1 => unsafe { free(data) },
        // What is left is the one that is lent.
        2 if is_awaited && session::is_recording() => emit(&gone),
        _ => {}
    }
}

/// Frees what wakers share, of which none is left.
#[cold]
#[inline(never)]
unsafe fn free(data: *const ()) {
    fence(Ordering::Acquire);
    // SAFETY: it was boxed, and nobody refers to it any more.
    let shared = unsafe { Box::from_raw(data.cast::<Shared>().cast_mut()) };
    shared.cell.unshare();
}

#[cfg(all(test, not(ais_loom)))]
mod tests {
    use super::*;

    #[test]
    fn clones_are_counted_over_all_ways_to_end() {
        let lent = LentWaker::new(1, 1, Waker::noop().clone(), Cell::NONE);
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
    }

    /// A poll on another thread that the wake itself brings about would take it for somebody who can still wake.
    #[test]
    fn a_waker_that_is_waking_is_not_counted_any_more() {
        use std::sync::{Arc, Mutex};
        struct Inner(Mutex<Option<(LentWaker, u32)>>);
        impl std::task::Wake for Inner {
            fn wake(self: Arc<Self>) {
                if let Some((lent, clones)) = &mut *self.0.lock().unwrap() {
                    *clones = lent.clones();
                }
            }
        }
        let inner = Arc::new(Inner(Mutex::new(None)));
        let lent = LentWaker::new(1, 1, Waker::from(Arc::clone(&inner)), Cell::NONE);
        let (wakes, other) = (lent.waker().clone(), lent.waker().clone());
        *inner.0.lock().unwrap() = Some((lent, u32::MAX));
        wakes.wake();
        let (lent, seen) = inner.0.lock().unwrap().take().unwrap();
        assert_eq!((seen, lent.clones(), lent.wakes()), (1, 1, 1));
        drop(other);
        assert_eq!(lent.clones(), 0);
    }

    #[test]
    fn what_is_shared_lives_as_long_as_the_last_waker_and_no_longer() {
        struct Inner;
        impl std::task::Wake for Inner {
            fn wake(self: std::sync::Arc<Self>) {}
        }
        let inner = std::sync::Arc::new(Inner);
        let lent = LentWaker::new(1, 1, Waker::from(std::sync::Arc::clone(&inner)), Cell::NONE);
        let clone = lent.waker().clone();
        drop(lent);
        assert_eq!(std::sync::Arc::strong_count(&inner), 2);
        clone.wake();
        assert_eq!(std::sync::Arc::strong_count(&inner), 1);
    }
}

#[cfg(all(test, ais_loom))]
mod under_loom {
    use super::*;
    use loom::thread;
    use std::sync::Arc;

    /// An executor's waker, of which it is known whether it was freed.
    struct Inner;
    impl std::task::Wake for Inner {
        fn wake(self: Arc<Self>) {}
    }

    /// All orders with up to three switches of threads where none was needed: more do not find more, and take for ever.
    fn in_every_order(test: impl Fn() + Sync + Send + 'static) {
        let mut orders = loom::model::Builder::new();
        orders.preemption_bound = Some(3);
        orders.check(test);
    }

    /// Whatever the order in which clones and the lent waker end, what they share is freed once and by the last of them.
    #[test]
    fn the_last_one_frees_it_once() {
        in_every_order(|| {
            let inner = Arc::new(Inner);
            let lent = LentWaker::new(1, 1, Waker::from(Arc::clone(&inner)), Cell::NONE);
            let (first, second) = (lent.waker().clone(), lent.waker().clone());
            let wakes = thread::spawn(move || first.wake());
            let clones = thread::spawn(move || drop(second.clone()));
            drop(lent);
            wakes.join().unwrap();
            clones.join().unwrap();
            assert_eq!(Arc::strong_count(&inner), 1);
        });
    }

    /// What a poll counts at its end, while a clone comes to its own, is never too few.
    #[test]
    fn a_poll_counts_every_clone_that_is_alive() {
        in_every_order(|| {
            let lent = LentWaker::new(1, 1, Waker::noop().clone(), Cell::NONE);
            let clone = lent.waker().clone();
            lent.begin_poll();
            let wakes = thread::spawn(move || clone.wake());
            let seen = lent.wakes();
            let clones = lent.end_poll(seen);
            // Gone already: then it has woken before.
            assert!(clones == 1 || lent.wakes() == 1);
            wakes.join().unwrap();
        });
    }

    /// A waker that is no longer lent counts the clones that are left.
    #[test]
    fn a_retired_waker_counts_what_is_left() {
        in_every_order(|| {
            let lent = LentWaker::new(1, 1, Waker::noop().clone(), Cell::NONE);
            let clone = lent.waker().clone();
            let retired = lent.retire();
            let ends = thread::spawn(move || drop(clone));
            assert!(retired.clones() <= 1);
            ends.join().unwrap();
            assert_eq!(retired.clones(), 0);
        });
    }
}
