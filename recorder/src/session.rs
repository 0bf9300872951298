//! Whether a recording is under way, and which one.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::platform::Clock;

/// The [`Word`] of the recording under way.
static SESSION: AtomicU32 = AtomicU32::new(0);

/// Memory is short: polls are not recorded, so that what is rarer and tells more has room.
const SHORT: u32 = 1 << 31;
/// The clock is not the time stamp counter.
const NO_TSC: u32 = 1 << 30;
/// There are no more recordings than this.
const MAX_NUMBER: u32 = NO_TSC - 1;

/// The number of a recording, or [`Session::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session(pub(crate) u32);

impl Session {
    pub(crate) const NONE: Session = Session(0);
}

/// All that has to be known to record an event, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word(u32);

impl Word {
    /// That of no recording.
    pub(crate) const NONE: Word = Word(0);

    /// The same where memory is not short.
    pub(crate) fn unless_short(self) -> Word {
        Word(self.0 & !SHORT)
    }

    /// As it is now: one relaxed load.
    #[inline]
    pub(crate) fn now() -> Word {
        // Known when the program is compiled: whatever depends on a recording is left out of it.
        if cfg!(feature = "off") {
            return Word::NONE;
        }
        Word(SESSION.load(Ordering::Relaxed))
    }

    /// Whether a recording is under way.
    #[inline]
    pub(crate) fn is_recording(self) -> bool {
        self.0 != 0
    }

    /// Which.
    #[inline]
    pub(crate) fn session(self) -> Session {
        Session(self.0 & MAX_NUMBER)
    }

    /// Whether polls and wakes are left out at the moment.
    #[inline]
    pub(crate) fn is_short(self) -> bool {
        self.0 & SHORT != 0
    }

    /// Whether the clock is the time stamp counter.
    #[inline]
    #[cfg_attr(
        not(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable"))),
        allow(dead_code)
    )]
    pub(crate) fn is_tsc(self) -> bool {
        self.0 & NO_TSC == 0
    }

    /// Whether a recording is under way, nothing is left out, and the clock is the time stamp counter: as nearly always.
    #[inline]
    pub(crate) fn is_plain(self) -> bool {
        self.0.wrapping_sub(1) < MAX_NUMBER
    }
}

/// Whether a recording is under way: one relaxed load.
#[inline]
#[must_use]
pub fn is_recording() -> bool {
    Word::now().is_recording()
}

/// The recording under way.
#[inline]
pub(crate) fn current() -> Session {
    Word::now().session()
}

/// Says that polls and wakes are to be left out, or not any more. Does nothing where no recording is under way.
pub(crate) fn set_short(is_short: bool) {
    let _ = SESSION.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| match word {
        0 => None,
        _ if is_short => Some(word | SHORT),
        _ => Some(word & !SHORT),
    });
}

/// Switches recording on (with a number that was never used before) or off.
pub(crate) fn set(session: Session) {
    let clock = match Clock::get() {
        Clock::Monotonic if session != Session::NONE => NO_TSC,
        Clock::Tsc | Clock::Monotonic => 0,
    };
    SESSION.store(session.0 | clock, Ordering::Release);
}

/// A number that no task of this process had before: the smallest, since people read and type these.
#[inline]
pub(crate) fn next_task() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A number that no future or operation of this process had before.
///
/// Each thread takes numbers in blocks, so that making a future costs no shared access.
#[inline]
pub(crate) fn next_local_id() -> u64 {
    const BLOCK: u64 = 4096;
    static BLOCKS: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static NEXT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }
    NEXT.with(|next| {
        let mut id = next.get();
        if id % BLOCK == 0 {
            id = BLOCKS.fetch_add(1, Ordering::Relaxed) * BLOCK;
        }
        next.set(id + 1);
        id
    })
}
