//! Recording an event: its record, with the tick, goes into this thread's segment.

pub(crate) use ais_format::live::Record;
use ais_format::live::first_word;

use crate::platform;
use crate::segment;
use crate::session;

/// Records an event of this thread, now. The caller has checked that a recording is under way.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "the length of the record must be a constant here; measured"
)]
pub(crate) fn emit<R: Record>(event: &R) {
    let (mut words, used) = event.pack();
    words[0] = first_word(R::KIND, platform::tick());
    // The compiler knows `used` for each kind: one of these calls remains.
    match used {
        2 => segment::push([words[0], words[1]]),
        3 => segment::push([words[0], words[1], words[2]]),
        4 => segment::push([words[0], words[1], words[2], words[3]]),
        5 => segment::push([words[0], words[1], words[2], words[3], words[4]]),
        6 => segment::push([words[0], words[1], words[2], words[3], words[4], words[5]]),
        _ => segment::push(words),
    }
}

/// Records an event of a kind that there are the most of: left out while memory is short.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as `emit`")]
pub(crate) fn emit_frequent<R: Record>(event: &R) {
    if session::is_short() {
        segment::leave_out();
    } else {
        emit(event);
    }
}
