//! Where events go first: per-thread segments of memory that the writer drains.
//!
//! A thread writes records into a segment that is its own ([`handover`]). No lock, no allocation, no system call. When the segment is
//! full the thread retires it and takes a free one ([`pool`]); when there is none the event is dropped and counted. The writer reads
//! what is published, also of segments that are still in use, and frees those that are retired once their records are in the trace
//! ([`drain`]).
//!
//! A thread that lost events parks its segment: its next event then takes the slow path, which first records that there is a gap, and
//! which poll the thread is in.

mod drain;
pub(crate) mod handover;
mod pool;

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ais_format::event::{InPoll, Kind};
use ais_format::live::layout::{SEGMENT_WORDS, segment::LEN};
use ais_format::live::{GAP, MAX_WORDS, Record as _, first_word};

use crate::cells;
use crate::context;
use crate::define;
use crate::platform;

pub(crate) use drain::{Part, discard, open_polls, unread};
use pool::Segment;
pub(crate) use pool::{
    add_cell_block, cell_block, cell_blocks, drop_definitions, is_pressed, keep_definitions,
    make_room, note_clock, prepare, quarters_used, release, remove,
};

/// The segment of a thread that has none: full, so that the first record takes the slow path. Never written to.
static NONE: Segment = {
    let mut words = [const { AtomicU64::new(0) }; SEGMENT_WORDS];
    words[LEN] = AtomicU64::new(SEGMENT_WORDS as u64);
    words
};
/// Events of threads that were past the end of their thread-locals.
static DROPPED_AT_EXIT: AtomicU64 = AtomicU64::new(0);
static THREADS: Mutex<Vec<Arc<ThreadRecord>>> = Mutex::new(Vec::new());

/// What the recorder knows of a thread.
pub(crate) struct ThreadRecord {
    /// Its number, from 1.
    pub(crate) id: u64,
    /// How many of its events were dropped since the recording began.
    pub(crate) dropped: AtomicU64,
    /// How many of them its record tells of. Only the thread uses it.
    told: AtomicU64,
    ended: AtomicBool,
}

/// Retires the thread's segments when the thread ends.
struct ThreadGuard(Arc<ThreadRecord>);

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        retire(SEGMENT.replace(&NONE));
        retire(PARKED.replace(&NONE));
        cells::thread_ends();
        self.0.ended.store(true, Ordering::Release);
    }
}

thread_local! {
    // Constant and without a destructor: access is one load, and still works while the thread ends.
    static SEGMENT: Cell<&'static Segment> = const { Cell::new(&NONE) };
    /// The segment that the thread goes on with after a gap.
    static PARKED: Cell<&'static Segment> = const { Cell::new(&NONE) };
    static THREAD: OnceCell<ThreadGuard> = const { OnceCell::new() };
}

/// Publishes a record of this thread.
#[inline]
pub(crate) fn push<const N: usize>(record: [u64; N]) {
    SEGMENT.with(|segment| {
        if !handover::publish(segment.get(), record) {
            // Word by word, so that the record need not lie in memory on the way that is taken nearly always.
            let word = |i: usize| record.get(i).copied().unwrap_or(0);
            match N {
                0..=3 => push_short(N, word(0), word(1), word(2)),
                _ => push_long(
                    N,
                    [word(0), word(1), word(2), word(3)],
                    [word(4), word(5), word(6), word(7)],
                ),
            }
        }
    });
}

#[cold]
#[inline(never)]
fn push_short(len: usize, first: u64, second: u64, third: u64) {
    push_to_next(&[first, second, third][..len]);
}

#[cold]
#[inline(never)]
fn push_long(len: usize, first: [u64; 4], last: [u64; 4]) {
    let mut record = [0; MAX_WORDS];
    record[..4].copy_from_slice(&first);
    record[4..].copy_from_slice(&last);
    push_to_next(&record[..len]);
}

#[cold]
#[inline(never)]
fn push_to_next(record: &[u64]) {
    // Where the thread-locals are gone already, nothing would hand the segment over: better to lose the event than the segment.
    let Some(thread) = this_thread() else {
        DROPPED_AT_EXIT.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let dropped = thread.dropped.load(Ordering::Relaxed);
    let mut words = Words::default();
    if dropped != thread.told.load(Ordering::Relaxed) {
        words.add(&[first_word_of_gap(), dropped]);
        words.add_open_poll();
    }
    let is_told = words.len > 0;
    words.add(record);
    let parked = PARKED.replace(&NONE);
    let current = if is_none(parked) {
        SEGMENT.replace(&NONE)
    } else {
        parked
    };
    if !is_none(current) && handover::publish_slice(current, words.as_slice()) {
        SEGMENT.set(current);
        thread.told.store(dropped, Ordering::Relaxed);
        return;
    }
    retire(current);
    match pool::take(thread.id, dropped) {
        Some(segment) => {
            // So that a segment can be understood without the one before.
            if !is_told {
                let mut poll = Words::default();
                poll.add_open_poll();
                handover::publish_slice(segment, poll.as_slice());
            }
            handover::publish_slice(segment, words.as_slice());
            SEGMENT.set(segment);
            thread.told.store(dropped, Ordering::Relaxed);
        }
        None => {
            thread.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn first_word_of_gap() -> u64 {
    platform::tick() << 8 | u64::from(GAP)
}

/// A few records, not in memory that is allocated.
#[derive(Default)]
struct Words {
    words: [u64; 2 * MAX_WORDS],
    len: usize,
}

impl Words {
    fn add(&mut self, record: &[u64]) {
        if let Some(slots) = self.words.get_mut(self.len..self.len + record.len()) {
            slots.copy_from_slice(record);
            self.len += record.len();
        }
    }

    /// Says which poll this thread is in, where it is in one.
    fn add_open_poll(&mut self) {
        let task = context::task();
        if task != 0 {
            let poll = context::poll().into();
            let (mut words, used) = InPoll { task, poll }.pack();
            words[0] = first_word(Kind::InPoll, platform::tick());
            self.add(&words[..used]);
        }
    }

    fn as_slice(&self) -> &[u64] {
        &self.words[..self.len]
    }
}

/// An event of this thread is left out, so that others have room.
#[cold]
#[inline(never)]
pub(crate) fn leave_out() {
    let Some(thread) = this_thread() else {
        DROPPED_AT_EXIT.fetch_add(1, Ordering::Relaxed);
        return;
    };
    thread.dropped.fetch_add(1, Ordering::Relaxed);
    let segment = SEGMENT.replace(&NONE);
    if !is_none(segment) {
        PARKED.set(segment);
    }
}

fn is_none(segment: &'static Segment) -> bool {
    std::ptr::eq(segment, &raw const NONE)
}

fn retire(segment: &'static Segment) {
    if !is_none(segment) {
        pool::retired();
        handover::retire(segment);
    }
}

fn this_thread() -> Option<Arc<ThreadRecord>> {
    THREAD
        .try_with(|thread| Arc::clone(&thread.get_or_init(register).0))
        .ok()
}

/// The number of this thread; zero at its very end.
pub(crate) fn this_thread_number() -> u64 {
    THREAD
        .try_with(|thread| thread.get_or_init(register).0.id)
        .unwrap_or(0)
}

fn register() -> ThreadGuard {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let record = Arc::new(ThreadRecord {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        dropped: AtomicU64::new(0),
        told: AtomicU64::new(0),
        ended: AtomicBool::new(false),
    });
    define::thread(record.id, std::thread::current().name());
    lock_threads().push(Arc::clone(&record));
    ThreadGuard(record)
}

fn lock_threads() -> MutexGuard<'static, Vec<Arc<ThreadRecord>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The locks of this module.
pub(crate) struct SegmentLocks {
    threads: MutexGuard<'static, Vec<Arc<ThreadRecord>>>,
    arena: MutexGuard<'static, pool::Arena>,
}

/// Takes all locks of this module.
pub(crate) fn lock_all() -> SegmentLocks {
    SegmentLocks {
        threads: lock_threads(),
        arena: pool::arena(),
    }
}

/// This thread is the only one of a new process, whose memory is its parent's.
pub(crate) fn forked(locks: &mut SegmentLocks) {
    SEGMENT.set(&NONE);
    PARKED.set(&NONE);
    locks.threads.clear();
    let this = THREAD.try_with(|thread| thread.get().map(|guard| Arc::clone(&guard.0)));
    locks.threads.extend(this.ok().flatten());
    pool::forked(&mut locks.arena);
}

/// All threads that recorded something. Those that ended are forgotten after they were given once.
pub(crate) fn threads() -> Vec<Arc<ThreadRecord>> {
    let mut threads = lock_threads();
    let all = threads.clone();
    threads.retain(|thread| !thread.ended.load(Ordering::Acquire));
    all
}

/// How many events were lost because their thread was at its very end.
pub(crate) fn dropped_at_exit() -> u64 {
    DROPPED_AT_EXIT.load(Ordering::Relaxed)
}

/// A new recording begins: nothing is lost yet.
fn forget_losses() {
    DROPPED_AT_EXIT.store(0, Ordering::Relaxed);
    for thread in lock_threads().iter() {
        thread.dropped.store(0, Ordering::Relaxed);
        thread.told.store(0, Ordering::Relaxed);
    }
}
