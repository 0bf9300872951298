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
use std::sync::atomic::Ordering;

use crate::atomic::Atomic;

/// Publishes a record; whether there was room for it. Only the owner calls this.
#[inline]
pub(crate) fn publish<A: Atomic, const W: usize, const N: usize>(
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
pub(super) fn publish_slice<A: Atomic, const W: usize>(words: &[A; W], record: &[u64]) -> bool {
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
pub(crate) fn take<A: Atomic, const W: usize>(
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
pub(super) fn retire<A: Atomic, const W: usize>(words: &[A; W]) {
    words[STATE].store(RETIRED, Ordering::Release);
}

/// What the writer sees of a segment that is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(super) thread: u64,
    pub(super) order: u64,
    pub(super) dropped: u64,
    pub(super) is_retired: bool,
    /// Up to which word it is published.
    pub(crate) len: usize,
}

/// Looks at a segment. None where it is free, or nothing was recorded in it yet.
pub(crate) fn look<A: Atomic, const W: usize>(words: &[A; W]) -> Option<Seen> {
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
pub(super) fn claimed<A: Atomic, const W: usize>(words: &[A; W]) -> usize {
    let pairs = READ.map(|at| [at, at + 1].map(|at| words[at].load(Ordering::Relaxed)));
    let [_, to] = pairs.into_iter().max().unwrap_or_default();
    (to as usize).max(RECORDS)
}

/// Notes that the words up to `to` will be in the trace once it has the chunk with this number. Only the writer calls this.
pub(super) fn claim<A: Atomic, const W: usize>(words: &[A; W], chunk: u64, to: usize) {
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
pub(super) fn skip<A: Atomic, const W: usize>(words: &[A; W], to: usize) {
    for at in READ {
        words[at].store(0, Ordering::Relaxed);
        words[at + 1].store(to as u64, Ordering::Relaxed);
    }
    words[DROPPED].store(0, Ordering::Relaxed);
}

/// A retired segment, all of which is in the trace, is anybody's again. Only the writer calls this.
pub(super) fn free<A: Atomic, const W: usize>(words: &[A; W]) {
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
            // Orders the threads in every way, and synchronizes nothing: a thread that looks at a word before it writes it hides its
            // writing from the model checker.
            let turns = Arc::new(AtomicU64::new(0));
            let turn = |turns: &AtomicU64| turns.fetch_add(1, Ordering::Relaxed);
            let owner = {
                let (words, turns) = (Arc::clone(&words), Arc::clone(&turns));
                thread::spawn(move || {
                    assert!(take(&*words, 1, 1, 0));
                    assert!(publish(&*words, [10, 11]));
                    turn(&turns);
                    assert!(publish_slice(&*words, &[12, 13]));
                    turn(&turns);
                    assert!(!publish(&*words, [14, 15]), "it is full");
                    retire(&*words);
                    turn(&turns);
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
                turn(&turns);
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

#[cfg(test)]
mod killed {
    use super::*;
    use ais_format::chunk::Chunk;
    use ais_format::event::{Kind, TaskDrop};
    use ais_format::live::layout::{BLOCK_WORDS, file};
    use ais_format::live::{Live, Written, first_word};
    use std::cell::Cell;
    use std::rc::Rc;

    const WORDS: usize = RECORDS + 8;

    /// Memory of a process that is killed after so many stores: later ones are not done.
    struct Dying {
        word: Cell<u64>,
        left: Rc<Cell<usize>>,
    }

    impl Atomic for Dying {
        fn load(&self, _: Ordering) -> u64 {
            self.word.get()
        }

        fn store(&self, value: u64, _: Ordering) {
            if self.left.get() > 0 {
                self.left.set(self.left.get() - 1);
                self.word.set(value);
            }
        }

        fn replace(&self, before: u64, after: u64) -> bool {
            let is_it = self.word.get() == before;
            if is_it {
                self.store(after, Ordering::Relaxed);
            }
            is_it
        }

        fn add(&self, more: u64) -> u64 {
            let before = self.word.get();
            self.store(before.wrapping_add(more), Ordering::Relaxed);
            before
        }

        fn fence(_: Ordering) {}
    }

    /// Takes a segment, publishes four records, writes them in three chunks, and frees it.
    fn live(words: &[Dying; WORDS], chunks: &Dying) {
        take(words, 1, 1, 0);
        for task in 1..=2 {
            publish(words, [first_word(Kind::TaskDrop, task), task]);
        }
        for (chunk, to) in [(0, 2), (1, 6), (2, 8)] {
            if chunk == 1 {
                for task in 3..=4 {
                    publish_slice(words, &[first_word(Kind::TaskDrop, task), task]);
                }
                retire(words);
            }
            claim(words, chunk, RECORDS + to);
            chunks.store(chunk + 1, Ordering::Relaxed);
        }
        free(words);
    }

    /// Wherever it is killed: what the trace has and what is recovered are together what was published, each once.
    #[test]
    fn a_process_that_is_killed_between_two_stores_loses_nothing_and_tells_nothing_twice() {
        let mut deaths = 0..;
        loop {
            let stores = deaths.next().unwrap();
            let left = Rc::new(Cell::new(stores));
            let word = || Dying {
                word: Cell::new(0),
                left: Rc::clone(&left),
            };
            let (words, chunks): ([Dying; WORDS], _) = (std::array::from_fn(|_| word()), word());
            live(&words, &chunks);
            let mut image = vec![0; 2 * BLOCK_WORDS];
            image[file::MAGIC] = file::VERSION;
            for (at, word) in words.iter().enumerate() {
                image[BLOCK_WORDS + at] = word.word.get();
            }
            let bytes: Vec<u8> = image.iter().flat_map(|word| word.to_ne_bytes()).collect();
            let written = chunks.word.get() as usize;
            let in_trace = [0, 1, 3, 4][written];
            let mut tasks: Vec<u64> = (1..=in_trace).collect();
            let last = (written > 0).then(|| written as u64 - 1);
            let recovered = Live::new(&bytes).unwrap().recover(last, |_| Written {
                events: in_trace,
                dropped: 0,
            });
            for content in &recovered.chunks {
                let chunk = Chunk::decode(&content.bytes).unwrap();
                for batch in &chunk.batches {
                    tasks.extend(batch.events().map(|event| event.row::<TaskDrop>().task));
                }
            }
            let published = match image[BLOCK_WORDS + LEN] as usize {
                // Not taken yet, or freed.
                0 => in_trace,
                len => (len - RECORDS) as u64 / 2,
            };
            assert_eq!(
                tasks,
                (1..=published).collect::<Vec<_>>(),
                "killed after {stores} stores"
            );
            if left.get() > 0 {
                break;
            }
        }
    }
}
