//! From when on something counts as slow.

use crate::time::Nanos;

/// From when on something counts as slow. None of these is a proof: each finding says which of them it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// A poll is long that keeps its thread for this time. 100 ms by default.
    pub long_poll: Nanos,
    /// A busy loop goes on for this time at least. 100 ms by default.
    pub busy_for: Nanos,
    /// A busy loop has so many turns at least. 1,000 by default.
    pub busy_turns: u64,
    /// A turn of a busy loop is no longer than this on average: a task that works between its polls does not spin. 20 µs by default.
    pub busy_turn: Nanos,
    /// Whether a turn also is a poll that ended because the task gave way of its own accord (`yield_now`, a sleep of no time). That is how
    /// tasks spin politely, but also how those behave that have much to compute, and the two look alike. No by default.
    pub busy_yields: bool,
    /// A busy loop whose last turn came so shortly before the end of the history still goes on there. 10 ms by default.
    pub busy_at_end: Nanos,
    /// An operation that is ready starves when it is not polled for this time. 500 ms by default.
    pub starved_for: Nanos,
    /// And while its task is polled so many times. 50 by default.
    pub starved_polls: u64,
    /// A timer was made anew so many times in a row, each time before its deadline. 5 by default.
    pub timer_restarts: u64,
    /// And that took so many times as long as the timer was to wait, so that as many of its deadlines went by. 3 by default.
    pub timer_lengths: u64,
    /// A lock is held across an await for long when others wait for it this long. 250 ms by default.
    pub held_for: Nanos,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds {
            long_poll: millis(100),
            busy_for: millis(100),
            busy_turns: 1_000,
            busy_turn: Nanos(20_000),
            busy_yields: false,
            busy_at_end: millis(10),
            starved_for: millis(500),
            starved_polls: 50,
            timer_restarts: 5,
            timer_lengths: 3,
            held_for: millis(250),
        }
    }
}

const fn millis(n: u64) -> Nanos {
    Nanos(n * 1_000_000)
}
