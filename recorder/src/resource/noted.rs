//! What is noted of a resource in its cell.

use std::sync::atomic::Ordering;

use crate::atomic::Atomic;
use crate::cells::words::EXPECTED;
use crate::cells::{CELL_WORDS, at::NOW};

/// How many changes there were, above how many messages they left.
pub(crate) const CHANGES: usize = NOW;
/// The hold of whoever has all of it: the first word of its record, zero where there is none …
pub(crate) const HOLD: usize = 6;
/// … who took it, and the other words of the record after the resource.
pub(crate) const HOLD_REST: [usize; 5] = [7, NUMBER, NOW + 1, NOW + 2, NOW + 3];
/// The number of the hold.
const NUMBER: usize = 8;
/// What has become of it: [`IS_CLOSED`], …; above those, units that were added, less those that are gone for good.
pub(crate) const STATUS: usize = NOW + 4;

/// So many bits of [`CHANGES`] count messages, from [`NO_MESSAGES`].
pub(crate) const MESSAGE_BITS: u32 = 20;
/// No message: as far from what cannot be counted on both sides, since some are received that were sent unrecorded.
pub(crate) const NO_MESSAGES: u64 = 1 << (MESSAGE_BITS - 1);

/// It was closed.
pub(crate) const IS_CLOSED: u64 = 1;
/// What is waited for was set.
pub(crate) const IS_SET: u64 = 2;
/// It is used unrecorded, too.
pub(crate) const IS_ESCAPED: u64 = 4;
/// One unit more.
pub(crate) const UNIT: u64 = 1 << 16;

/// The number of the next change, after which there are so many more messages.
#[inline]
pub(crate) fn next_change<A: Atomic>(words: &[A; CELL_WORDS], messages: i64) -> u64 {
    let step = (1u64 << MESSAGE_BITS).wrapping_add_signed(messages);
    (words[CHANGES].add(step) >> MESSAGE_BITS) + 1
}

/// Somebody has all of it: the number of the change by which they took it is drawn after this.
#[inline]
pub(crate) fn expect_hold<A: Atomic>(words: &[A; CELL_WORDS]) {
    words[HOLD].store(EXPECTED, Ordering::Relaxed);
}

/// Notes the hold of whoever has all of it, by its record.
#[inline]
pub(crate) fn note_hold<A: Atomic>(words: &[A; CELL_WORDS], by: u64, record: &[u64; 8]) {
    // What tells it from others, before anything else of it can be seen.
    words[NUMBER].store(record[2], Ordering::Release);
    A::fence(Ordering::Release);
    let [task, _, rest @ ..] = HOLD_REST;
    words[task].store(by, Ordering::Relaxed);
    for (at, &word) in rest.into_iter().zip(&record[3..]) {
        words[at].store(word, Ordering::Relaxed);
    }
    words[HOLD].store(record[0], Ordering::Release);
}

/// It is given back.
#[inline]
pub(crate) fn clear_hold<A: Atomic>(words: &[A; CELL_WORDS]) {
    words[HOLD].store(0, Ordering::Release);
}

/// Copies the hold; false where one will be noted soon. None is in the copy where there is none, or where it was taken and given back
/// meanwhile: then all that is known after that is still to be recorded.
pub(crate) fn copy_hold<A: Atomic>(words: &[A; CELL_WORDS], copy: &mut [u64; CELL_WORDS]) -> bool {
    let identity = || [NUMBER, HOLD].map(|at| words[at].load(Ordering::Acquire));
    for _ in 0..2 {
        let before = identity();
        match before[1] {
            0 => break,
            EXPECTED => return false,
            first => copy[HOLD] = first,
        }
        for at in HOLD_REST {
            copy[at] = words[at].load(Ordering::Relaxed);
        }
        A::fence(Ordering::Acquire);
        if identity() == before {
            return true;
        }
    }
    copy[HOLD] = 0;
    true
}
