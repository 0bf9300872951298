//! How one segment goes from a thread to the writer and back. Everything in it is an atomic, so all of it is safe code; stores to atomics
//! that nobody else writes cost what plain stores do.
//!
//! ```text
//!            take (thread)              retire (thread)             free (writer)
//!   FREE ───────────────────▶ OWNED ───────────────────▶ RETIRED ──────────────────▶ FREE
//! ```
//!
//! The owner publishes a record by moving the length on (a release store) after it has stored its words; the writer reads what is
//! published, also of segments that are still in use.

use ais_format::live::layout::segment::{
    DROPPED, FREE, LEN, OWNED, READ, RECORDS, RETIRED, STATE, TAKEN, THREAD,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a segment is made of: an atomic, or what a model checker has for one.
pub(super) trait Word {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    /// Whether it was `before`, and is `after` now. Acquires and releases.
    fn replace(&self, before: u64, after: u64) -> bool;
}

macro_rules! word {
    ($atomic:ty) => {
        impl Word for $atomic {
            #[inline(always)]
            fn load(&self, order: Ordering) -> u64 {
                <$atomic>::load(self, order)
            }

            #[inline(always)]
            fn store(&self, value: u64, order: Ordering) {
                <$atomic>::store(self, value, order);
            }

            #[inline]
            fn replace(&self, before: u64, after: u64) -> bool {
                self.compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            }
        }
    };
}

word!(AtomicU64);
#[cfg(ais_loom)]
word!(loom::sync::atomic::AtomicU64);

/// Publishes a record; whether there was room for it. Only the owner calls this.
#[inline]
pub(super) fn publish<A: Word, const W: usize, const N: usize>(
    words: &[A; W],
    record: [u64; N],
) -> bool {
    let at = words[LEN].load(Ordering::Relaxed) as usize;
    let Some(slots) = words.get(at..at + N) else {
        return false;
    };
    for (slot, word) in slots.iter().zip(record) {
        slot.store(word, Ordering::Relaxed);
    }
    words[LEN].store((at + N) as u64, Ordering::Release);
    true
}

/// Publishes a record whose length is not known here; whether there was room for it. Only the owner calls this.
pub(super) fn publish_slice<A: Word, const W: usize>(words: &[A; W], record: &[u64]) -> bool {
    let at = words[LEN].load(Ordering::Relaxed) as usize;
    let Some(slots) = words.get(at..at + record.len()) else {
        return false;
    };
    for (slot, &word) in slots.iter().zip(record) {
        slot.store(word, Ordering::Relaxed);
    }
    words[LEN].store((at + record.len()) as u64, Ordering::Release);
    true
}

/// Makes the segment one of a thread that has lost so many events by now; whether it was free. `order` is larger than that of any
/// segment that the thread has owned before.
pub(super) fn take<A: Word, const W: usize>(
    words: &[A; W],
    thread: u64,
    order: u64,
    dropped: u64,
) -> bool {
    if words[STATE].load(Ordering::Relaxed) != FREE || !words[STATE].replace(FREE, OWNED) {
        return false;
    }
    words[THREAD].store(thread, Ordering::Relaxed);
    words[TAKEN].store(order, Ordering::Relaxed);
    words[DROPPED].store(dropped, Ordering::Relaxed);
    // After them: whoever sees that there is something in it sees whose it is.
    words[LEN].store(RECORDS as u64, Ordering::Release);
    true
}

/// The owner is done with it.
pub(super) fn retire<A: Word, const W: usize>(words: &[A; W]) {
    words[STATE].store(RETIRED, Ordering::Release);
}

/// What the writer sees of a segment that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) thread: u64,
    pub(super) order: u64,
    pub(super) dropped: u64,
    pub(super) is_retired: bool,
    /// Up to which word it is published.
    pub(super) len: usize,
}

/// Looks at a segment. None where it is free, or nothing was recorded in it yet.
pub(super) fn look<A: Word, const W: usize>(words: &[A; W]) -> Option<Seen> {
    // State before length: a segment seen as retired gets no more records. Length before owner: the owner of the records that the
    // length shows was written before them.
    let is_retired = match words[STATE].load(Ordering::Acquire) {
        FREE => return None,
        state => state == RETIRED,
    };
    let len = words[LEN].load(Ordering::Acquire) as usize;
    // Just taken.
    if len < RECORDS {
        return None;
    }
    Some(Seen {
        thread: words[THREAD].load(Ordering::Relaxed),
        order: words[TAKEN].load(Ordering::Relaxed),
        dropped: words[DROPPED].load(Ordering::Relaxed),
        is_retired,
        len,
    })
}

/// Up to which word the records are in the trace, or will be once it has the chunk that they were last claimed for. Only the writer calls
/// this.
pub(super) fn claimed<A: Word, const W: usize>(words: &[A; W]) -> usize {
    let pairs = READ.map(|at| [at, at + 1].map(|at| words[at].load(Ordering::Relaxed)));
    let [_, to] = pairs.into_iter().max().unwrap_or_default();
    (to as usize).max(RECORDS)
}

/// Notes that the words up to `to` will be in the trace once it has the chunk with this number. Only the writer calls this.
pub(super) fn claim<A: Word, const W: usize>(words: &[A; W], chunk: u64, to: usize) {
    let older = READ
        .into_iter()
        .min_by_key(|&at| words[at].load(Ordering::Relaxed));
    if let Some(at) = older {
        // While it changes it is that of a chunk that no trace has: a process may be killed at any point.
        words[at].store(u64::MAX, Ordering::Release);
        words[at + 1].store(to as u64, Ordering::Release);
        words[at].store(chunk + 1, Ordering::Release);
    }
}

/// Leaves out what was published up to now. Only called while no writer runs.
pub(super) fn skip<A: Word, const W: usize>(words: &[A; W], to: usize) {
    for at in READ {
        words[at].store(0, Ordering::Relaxed);
        words[at + 1].store(to as u64, Ordering::Relaxed);
    }
    words[DROPPED].store(0, Ordering::Relaxed);
}

/// A retired segment, all of which is in the trace, is anybody's again. Only the writer calls this.
pub(super) fn free<A: Word, const W: usize>(words: &[A; W]) {
    // The length first: a process that is killed here leaves an empty one.
    words[LEN].store(0, Ordering::Release);
    for at in READ {
        words[at].store(0, Ordering::Relaxed);
        words[at + 1].store(0, Ordering::Relaxed);
    }
    words[STATE].store(FREE, Ordering::Release);
}

#[cfg(all(test, ais_loom))]
mod under_loom {
    use super::*;
    use loom::sync::atomic::AtomicU64;
    use loom::thread;
    use std::sync::Arc;

    const WORDS: usize = RECORDS + 4;

    /// Two records fit, then it is retired, and taken again by another thread: the writer sees each record once, whole, in order and as
    /// the right thread's.
    #[test]
    fn the_writer_gets_every_record_once_and_as_whose_it_is() {
        let mut orders = loom::model::Builder::new();
        orders.preemption_bound = Some(3);
        orders.check(|| {
            let words: Arc<[AtomicU64; WORDS]> =
                Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
            let owner = {
                let words = Arc::clone(&words);
                thread::spawn(move || {
                    assert!(take(&*words, 1, 1, 0));
                    assert!(publish(&*words, [10, 11]));
                    assert!(publish_slice(&*words, &[12, 13]));
                    assert!(!publish(&*words, [14, 15]), "it is full");
                    retire(&*words);
                    let is_again = take(&*words, 2, 2, 5);
                    if is_again {
                        assert!(publish(&*words, [20, 21]));
                    }
                    is_again
                })
            };
            let mut read = [RECORDS; 2];
            let mut got: Vec<(u64, u64)> = Vec::new();
            let mut look_once = || {
                let Some(seen) = look(&*words) else { return };
                let from = &mut read[seen.thread as usize - 1];
                assert_eq!(seen.dropped, if seen.thread == 1 { 0 } else { 5 });
                for word in &words[*from..seen.len] {
                    got.push((seen.thread, word.load(Ordering::Relaxed)));
                }
                *from = seen.len;
                if seen.is_retired {
                    free(&*words);
                }
            };
            look_once();
            look_once();
            let is_again = owner.join().unwrap();
            look_once();
            look_once();
            let mut expected = vec![(1, 10), (1, 11), (1, 12), (1, 13)];
            if is_again {
                expected.extend([(2, 20), (2, 21)]);
            }
            assert_eq!(got, expected);
        });
    }
}
