//! Recording an event: its record, with the tick, goes into this thread's segment.

use ais_format::event::Kind;
pub(crate) use ais_format::live::Record;
use ais_format::live::{MAX_WORDS, first_word};

use crate::platform;
use crate::segment;
use crate::session::Word;

/// Records an event of this thread, now. The caller has checked that a recording is under way.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "the length of the record must be a constant here; measured"
)]
pub(crate) fn emit<R: Record>(event: &R) {
    emit_in(Word::now(), event);
}

/// The same, where the word of the recording is at hand.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn emit_in<R: Record>(word: Word, event: &R) {
    emit_at(word, event);
}

/// The same; returns the first word of the record.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn emit_at<R: Record>(word: Word, event: &R) -> u64 {
    let (words, used) = stamped(word, event);
    push(&words, used);
    words[0]
}

/// The record of an event that happens now, and how many of its words are used.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn stamped<R: Record>(word: Word, event: &R) -> ([u64; MAX_WORDS], usize) {
    let (mut words, used) = event.pack();
    words[0] = first_word(R::KIND, platform::tick_of(word));
    (words, used)
}

/// Publishes a record of this thread.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn push(words: &[u64; MAX_WORDS], used: usize) {
    // The compiler knows `used` for each kind: one of these calls remains.
    match used {
        2 => segment::push([words[0], words[1]]),
        3 => segment::push([words[0], words[1], words[2]]),
        4 => segment::push([words[0], words[1], words[2], words[3]]),
        5 => segment::push([words[0], words[1], words[2], words[3], words[4]]),
        6 => segment::push([words[0], words[1], words[2], words[3], words[4], words[5]]),
        _ => segment::push(*words),
    }
}

/// Records an event of a kind that there are the most of, where a recording is under way: left out while memory is short. What
/// follows the first word of its record is given; that word is returned.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn emit_frequent(word: Word, kind: Kind, rest: [u64; 2]) -> u64 {
    emit_frequent_noted(word, kind, rest, || {})
}

/// The same for an event that is noted elsewhere before it is recorded.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn emit_frequent_noted(
    word: Word,
    kind: Kind,
    [second, third]: [u64; 2],
    note: impl FnOnce(),
) -> u64 {
    if word.is_plain() {
        note();
        let first = first_word(kind, platform::tick_of(word));
        segment::push([first, second, third]);
        first
    } else if word.is_recording() {
        note();
        emit_otherwise(word, kind, second, third)
    } else {
        0
    }
}

#[cold]
#[inline(never)]
fn emit_otherwise(word: Word, kind: Kind, second: u64, third: u64) -> u64 {
    let first = first_word(kind, platform::tick_of(word));
    if word.is_short() {
        segment::leave_out();
    } else {
        segment::push([first, second, third]);
    }
    first
}
