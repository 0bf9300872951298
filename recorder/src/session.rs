//! Whether a recording is under way, and which one.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The number of the recording under way, and [`SHORT`]; zero where there is none.
static SESSION: AtomicU32 = AtomicU32::new(0);

/// Memory is short: polls are not recorded, so that what is rarer and tells more has room.
const SHORT: u32 = 1 << 31;

/// The number of a recording, or [`Session::NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session(pub(crate) u32);

impl Session {
    pub(crate) const NONE: Session = Session(0);
}

/// Whether a recording is under way: one relaxed load.
#[inline]
#[must_use]
pub fn is_recording() -> bool {
    SESSION.load(Ordering::Relaxed) != 0
}

/// The recording under way.
#[inline]
pub(crate) fn current() -> Session {
    Session(SESSION.load(Ordering::Relaxed) & !SHORT)
}

/// Whether polls and wakes are left out at the moment.
#[inline]
pub(crate) fn is_short() -> bool {
    SESSION.load(Ordering::Relaxed) & SHORT != 0
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
    SESSION.store(session.0, Ordering::Release);
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
