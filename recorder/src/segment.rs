//! Where events go first: per-thread segments of memory that the writer drains.
//!
//! A thread writes records into a segment that is its own, word by word with relaxed stores, and publishes them by moving the
//! segment's length (a release store). No lock, no allocation, no system call. When the segment is full the thread retires it and
//! takes a free one; when there is none the event is dropped and counted. The writer reads what is published, also of segments that
//! are still in use, and frees those that are retired. Everything is an atomic, so all of it is safe code; stores to atomics that
//! nobody else writes cost what plain stores do.
//!
//! ```text
//!            take (thread)              retire (thread)             drained (writer)
//!   FREE ───────────────────▶ OWNED ───────────────────▶ RETIRED ───────────────────▶ FREE
//! ```

use std::cell::{Cell, OnceCell};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::define;
use crate::platform::zeroed_words;

/// The size of a segment, in words of 8 bytes: 64 KiB.
const WORDS: usize = 8192;
/// There are never more segments than this (256 MiB).
const MAX_SEGMENTS: usize = 4096;
/// The size of a segment in bytes.
pub(crate) const SEGMENT_BYTES: usize = WORDS * 8;

const FREE: u8 = 0;
const OWNED: u8 = 1;
const RETIRED: u8 = 2;

/// One segment. See the module's text for who writes what.
pub(crate) struct Segment {
    words: &'static [AtomicU64; WORDS],
    /// How many words are published. Written by the owner; reset by the writer before it frees the segment.
    len: AtomicUsize,
    state: AtomicU8,
    /// The owner, from [`ThreadRecord::id`].
    thread: AtomicU64,
    /// Orders the segments that a thread owned one after the other.
    taken: AtomicU64,
    /// How many events the owner had lost when it took the segment: more than before means that its record has a gap here.
    dropped: AtomicU64,
    /// How many words the writer has read. Only the writer uses it.
    read: AtomicUsize,
}

impl Segment {
    /// A segment with `len` words used.
    const fn over(words: &'static [AtomicU64; WORDS], len: usize) -> Segment {
        Segment {
            words,
            len: AtomicUsize::new(len),
            state: AtomicU8::new(FREE),
            thread: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            read: AtomicUsize::new(0),
        }
    }
}

/// The segment of a thread that has none: full, so that the first record takes the slow path.
static NONE: Segment = Segment::over(&NO_WORDS, WORDS);
/// Never touched, so it takes no memory: with one length everywhere, none need be loaded to check against it.
static NO_WORDS: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
/// Memory is taken for so many segments at a time: as much as makes allocators fetch it from the operating system, where it is zero
/// already, and not find a used piece that they have to clear.
const BLOCK: usize = 16;
static BLOCKS: [OnceLock<&'static [[AtomicU64; WORDS]; BLOCK]>; MAX_SEGMENTS / BLOCK] =
    [const { OnceLock::new() }; MAX_SEGMENTS / BLOCK];
static POOL: [OnceLock<&'static Segment>; MAX_SEGMENTS] = [const { OnceLock::new() }; MAX_SEGMENTS];
/// How many segments may exist.
static LIMIT: AtomicUsize = AtomicUsize::new(0);
/// How many are not free.
static USED: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);
/// Set when the writer should come before its time.
static PRESSED: AtomicBool = AtomicBool::new(false);
/// Events of threads that were past the end of their thread-locals.
static DROPPED_AT_EXIT: AtomicU64 = AtomicU64::new(0);
static THREADS: Mutex<Vec<Arc<ThreadRecord>>> = Mutex::new(Vec::new());

/// What the recorder knows of a thread.
pub(crate) struct ThreadRecord {
    /// Its number, from 1.
    pub(crate) id: u64,
    /// How many of its events were dropped because no segment was free.
    pub(crate) dropped: AtomicU64,
    ended: AtomicBool,
}

/// Retires the thread's segment when the thread ends.
struct ThreadGuard(Arc<ThreadRecord>);

impl Drop for ThreadGuard {
    fn drop(&mut self) {
        retire(SEGMENT.replace(&NONE));
        self.0.ended.store(true, Ordering::Release);
    }
}

thread_local! {
    // Constant and without a destructor: access is one load, and still works while the thread ends.
    static SEGMENT: Cell<&'static Segment> = const { Cell::new(&NONE) };
    static THREAD: OnceCell<ThreadGuard> = const { OnceCell::new() };
}

/// Publishes a record of this thread.
#[inline]
pub(crate) fn push<const N: usize>(record: [u64; N]) {
    SEGMENT.with(|segment| {
        let segment = segment.get();
        let at = segment.len.load(Ordering::Relaxed);
        if let Some(slots) = segment.words.get(at..at + N) {
            for (slot, word) in slots.iter().zip(record) {
                slot.store(word, Ordering::Relaxed);
            }
            segment.len.store(at + N, Ordering::Release);
        } else {
            // By value, so that the record need not lie in memory on the way that is taken nearly always.
            let word = |i: usize| record.get(i).copied().unwrap_or(0);
            let (first, last) = (
                [word(0), word(1), word(2), word(3)],
                [word(4), word(5), word(6), word(7)],
            );
            push_to_next(N, first, last);
        }
    });
}

#[cold]
#[inline(never)]
fn push_to_next(len: usize, first: [u64; 4], last: [u64; 4]) {
    let record = first.iter().chain(&last).take(len);
    // Where the thread-locals are gone already, nothing would hand the segment over: better to lose the event than the segment.
    let Ok(thread) = THREAD.try_with(|thread| Arc::clone(&thread.get_or_init(register).0)) else {
        DROPPED_AT_EXIT.fetch_add(1, Ordering::Relaxed);
        return;
    };
    retire(SEGMENT.replace(&NONE));
    let Some(segment) = take(&thread) else {
        thread.dropped.fetch_add(1, Ordering::Relaxed);
        PRESSED.store(true, Ordering::Relaxed);
        return;
    };
    for (slot, word) in segment.words.iter().zip(record) {
        slot.store(*word, Ordering::Relaxed);
    }
    segment.len.store(len, Ordering::Release);
    SEGMENT.set(segment);
}

fn register() -> ThreadGuard {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let record = Arc::new(ThreadRecord {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        dropped: AtomicU64::new(0),
        ended: AtomicBool::new(false),
    });
    define::thread(record.id, std::thread::current().name());
    THREADS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Arc::clone(&record));
    ThreadGuard(record)
}

fn retire(segment: &'static Segment) {
    if !std::ptr::eq(segment, &raw const NONE) {
        segment.state.store(RETIRED, Ordering::Release);
    }
}

fn take(thread: &ThreadRecord) -> Option<&'static Segment> {
    let limit = LIMIT.load(Ordering::Relaxed).min(MAX_SEGMENTS);
    // Full memory is told by one load: a program that records more than can be written comes here for each event.
    if USED.load(Ordering::Relaxed) >= limit {
        return None;
    }
    // Always from the first: a program that records little keeps using the same few, which then are in the processor's cache.
    let segment = POOL[..limit].iter().enumerate().find_map(|(i, slot)| {
        let segment = *slot.get_or_init(|| {
            let block = BLOCKS[i / BLOCK].get_or_init(zeroed_words);
            Box::leak(Box::new(Segment::over(&block[i % BLOCK], 0)))
        });
        if segment.state.load(Ordering::Relaxed) != FREE {
            return None;
        }
        let won = segment
            .state
            .compare_exchange(FREE, OWNED, Ordering::AcqRel, Ordering::Relaxed);
        won.ok().map(|_| segment)
    })?;
    segment.thread.store(thread.id, Ordering::Relaxed);
    segment
        .taken
        .store(TAKEN.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    segment
        .dropped
        .store(thread.dropped.load(Ordering::Relaxed), Ordering::Relaxed);
    if USED.fetch_add(1, Ordering::Relaxed) > limit / 4 {
        PRESSED.store(true, Ordering::Relaxed);
    }
    Some(segment)
}

/// Whether a good part of the memory is used, so that the writer should come now; asking resets it.
pub(crate) fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed) && PRESSED.swap(false, Ordering::Relaxed)
}

/// Sets how much memory segments may take; takes effect on segments that do not exist yet.
pub(crate) fn set_limit(bytes: usize) {
    LIMIT.store(
        (bytes / SEGMENT_BYTES).clamp(2, MAX_SEGMENTS),
        Ordering::Relaxed,
    );
}

/// Published records of one thread that the writer has not read yet, as of [`drain`].
struct Unread {
    segment: &'static Segment,
    thread: u64,
    taken: u64,
    dropped: u64,
    retired: bool,
    from: usize,
    to: usize,
}

/// Gives every published record that was not given before to `records`, thread by thread and in each thread's order, and frees what
/// was retired. `records` gets the thread's number, how many events it had lost before, and whole records. Only the writer calls this.
pub(crate) fn drain(mut records: impl FnMut(u64, u64, &[u64])) {
    let mut copy = Vec::with_capacity(WORDS);
    let mut unread: Vec<Unread> = POOL
        .iter()
        .map_while(OnceLock::get)
        .filter_map(|segment| observe(segment))
        .collect();
    unread.sort_unstable_by_key(|part| (part.thread, part.taken));
    for i in 0..unread.len() {
        // A thread may have moved on to its next segment between the two looks: whoever has a successor here is complete by now.
        if unread
            .get(i + 1)
            .is_some_and(|next| next.thread == unread[i].thread)
            && let Some(part) =
                observe(unread[i].segment).filter(|part| part.taken == unread[i].taken)
        {
            unread[i] = part;
        }
        let part = &unread[i];
        let words = &part.segment.words[part.from..part.to];
        if !words.is_empty() {
            copy.clear();
            copy.extend(words.iter().map(|word| word.load(Ordering::Relaxed)));
            records(part.thread, part.dropped, &copy);
        }
        part.segment.read.store(part.to, Ordering::Relaxed);
        if part.retired {
            // Length before state: whoever takes the segment finds it empty.
            part.segment.read.store(0, Ordering::Relaxed);
            part.segment.len.store(0, Ordering::Relaxed);
            part.segment.state.store(FREE, Ordering::Release);
            USED.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn observe(segment: &'static Segment) -> Option<Unread> {
    // State before length: a segment seen as retired gets no more records. Length before owner: the owner of the records that the
    // length shows was written before them; of an empty segment it may be the one before.
    let retired = match segment.state.load(Ordering::Acquire) {
        FREE => return None,
        state => state == RETIRED,
    };
    let to = segment.len.load(Ordering::Acquire);
    let from = segment.read.load(Ordering::Relaxed).min(to);
    if to == 0 && !retired {
        return None;
    }
    let thread = segment.thread.load(Ordering::Relaxed);
    let taken = segment.taken.load(Ordering::Relaxed);
    let dropped = segment.dropped.load(Ordering::Relaxed);
    Some(Unread {
        segment,
        thread,
        taken,
        dropped,
        retired,
        from,
        to,
    })
}

/// Forgets what is published and unread: what a recording left behind that was stopped.
pub(crate) fn discard() {
    drain(|_, _, _| {});
}

/// All threads that recorded something. Those that ended are forgotten after they were given once.
pub(crate) fn threads() -> Vec<Arc<ThreadRecord>> {
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let all = threads.clone();
    threads.retain(|thread| !thread.ended.load(Ordering::Acquire));
    all
}

/// How many events were lost because their thread was at its very end.
pub(crate) fn dropped_at_exit() -> u64 {
    DROPPED_AT_EXIT.load(Ordering::Relaxed)
}
