//! How the words of a cell are written and copied, by threads that do not wait for each other.
//!
//! ```text
//!          expect               note                        clear
//!   0 ───────────────▶ EXPECTED ────▶ the record's first ──────────▶ 0
//!          (of a birth that has a number: before that is drawn)
//! ```
//!
//! A copy looks at what tells one thing that was noted from another ([`identity`]) before and after it takes the other words. The first
//! word of the record alone would not do: clocks can be coarse, and those of two processors may differ.

use std::sync::atomic::Ordering;

use ais_format::event::Kind;

use super::{CELL_WORDS, at};
use crate::atomic::Atomic;
use crate::resource::noted;

/// In place of a record's first word: there will be one soon.
pub(crate) const EXPECTED: u64 = 1;

/// How often a copy is tried: once more than it can fail with something in the cell that was there before the first try.
const TRIES: usize = 2;

/// What a cell was like when it was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody's, or given back meanwhile.
    Free,
    /// Something is about to be noted.
    Expected,
    /// What was noted.
    Noted([u64; CELL_WORDS]),
}

/// Something will be noted, under a number that is drawn after this: whoever sees that number sees at least this.
#[inline]
pub(crate) fn expect<A: Atomic>(words: &[A; CELL_WORDS]) {
    words[at::FIRST].store(EXPECTED, Ordering::Relaxed);
}

/// Notes a record, done by this task, and the first of the words that are kept up to date; others stay as they are.
#[inline]
pub(crate) fn note<A: Atomic, const N: usize>(
    words: &[A; CELL_WORDS],
    record: &[u64],
    by: u64,
    now: [u64; N],
) {
    words[at::FIRST].store(EXPECTED, Ordering::Relaxed);
    // What tells it from others, before anything else of it can be seen.
    let [first, second] = at::IDENTITY;
    let word = |at: usize| record.get(at).copied().unwrap_or(0);
    words[first].store(word(1), Ordering::Release);
    words[second].store(word(2), Ordering::Release);
    A::fence(Ordering::Release);
    words[at::BY].store(by, Ordering::Relaxed);
    let rest = record.get(3..).unwrap_or_default();
    for (slot, &word) in words[second + 1..].iter().zip(rest) {
        slot.store(word, Ordering::Relaxed);
    }
    for (slot, word) in words[at::NOW..].iter().zip(now) {
        slot.store(word, Ordering::Relaxed);
    }
    words[at::FIRST].store(record[0], Ordering::Release);
}

/// What was noted has ended.
#[inline]
pub(crate) fn clear<A: Atomic>(words: &[A; CELL_WORDS]) {
    words[at::FIRST].store(0, Ordering::Release);
}

/// What tells what is noted from all else that ever was: no two things have the same kind (in the first word) and begin with the same two
/// words.
fn identity<A: Atomic>(words: &[A; CELL_WORDS]) -> [u64; 3] {
    let [first, second] = at::IDENTITY;
    // The first word last: a new one's is there only after the others.
    [first, second, at::FIRST].map(|at| words[at].load(Ordering::Acquire))
}

/// Copies a cell.
pub(crate) fn copy<A: Atomic>(words: &[A; CELL_WORDS]) -> Look {
    for _ in 0..TRIES {
        let before = identity(words);
        match before[2] {
            0 => return Look::Free,
            EXPECTED => return Look::Expected,
            _ => {}
        }
        let mut copy: [u64; CELL_WORDS] =
            std::array::from_fn(|at| words[at].load(Ordering::Relaxed));
        let mut is_held_soon = false;
        if Kind::from_number(before[2] as u8) == Some(Kind::ResourceNew) {
            is_held_soon = !noted::copy_hold(words, &mut copy);
        }
        A::fence(Ordering::Acquire);
        if identity(words) == before {
            return if is_held_soon {
                Look::Expected
            } else {
                Look::Noted(copy)
            };
        }
    }
    Look::Free
}

/// One more who writes into the cell.
#[inline]
pub(crate) fn share<A: Atomic>(words: &[A; CELL_WORDS]) {
    words[at::USERS].add(1);
}

/// One who wrote into the cell will not any more; whether that was the last one: then it may become somebody else's.
#[inline]
pub(crate) fn unshare<A: Atomic>(words: &[A; CELL_WORDS]) -> bool {
    words[at::USERS].add(u64::MAX) == 1
}

/// So many units of a hold are given back; whether those were the last. Then its cell is cleared.
#[inline]
pub(crate) fn lose<A: Atomic>(words: &[A; CELL_WORDS], units: u64) -> bool {
    let left = &words[at::NOW];
    // Where it is the last that is left, nobody else takes from it.
    let is_last = left.load(Ordering::Acquire) == units || left.add(units.wrapping_neg()) == units;
    if is_last {
        clear(words);
    }
    is_last
}
