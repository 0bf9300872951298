//! What may be worth a finding, and from when on.

use crate::clock::Clock;
use crate::findings::Thresholds;
use crate::time::Nanos;

/// Why a part of a trace is looked at. Each is a condition without which the findings of its kind cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Suspicion {
    /// Something is missing.
    Loss,
    /// A wait was given up in a poll in which a timer of the same task was ready, or outside of any poll: a circle may have been broken.
    GivenUp,
    /// A poll was long.
    LongPoll,
    /// A task woke itself again and again, used up its budget again and again, or asked for one thing again and again in one poll.
    Spin,
    /// A task gave up what it had just asked for, again and again.
    ClosedArm,
    /// An operation was ready for long before it was polled.
    Starved,
    /// A timer was made anew again and again.
    RestartedTimer,
    /// A lock was waited for, for long.
    HeldLock,
    /// Two locks were taken in two orders, or several in a circle.
    LockOrder,
}

/// From when on something is suspicious, in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) long_poll: u64,
    pub(super) starved: u64,
    pub(super) held: u64,
    /// A turn of a loop that gives up what it asked for.
    pub(super) turn: u64,
    /// The pause after which that is another loop.
    pub(super) pause: u64,
    pub(super) turns: u64,
    pub(super) yields: bool,
    pub(super) timer_restarts: u64,
    pub(super) timer_lengths: u64,
    /// Ticks of a nanosecond, as a fraction.
    per: (u64, u64),
}

impl Limits {
    pub(super) fn of(thresholds: &Thresholds, clock: &Clock) -> Limits {
        /// A turn of a loop that gives up what it asked for may take so many times as long as another one.
        const WORK: u64 = 5;
        const PAUSE: Nanos = Nanos(50_000_000);
        let mut limits = Limits {
            long_poll: 0,
            starved: 0,
            held: 0,
            turn: 0,
            pause: 0,
            turns: thresholds.busy_turns,
            yields: thresholds.busy_yields,
            timer_restarts: thresholds.timer_restarts,
            timer_lengths: thresholds.timer_lengths,
            per: clock.rate(),
        };
        limits.long_poll = limits.at_least(thresholds.long_poll);
        limits.starved = limits.at_least(thresholds.starved_for);
        limits.held = limits.at_least(thresholds.held_for);
        let turn = Nanos(thresholds.busy_turn.0.saturating_mul(WORK));
        limits.turn = limits.at_most(turn);
        limits.pause = limits.at_most(PAUSE);
        limits
    }

    /// The ticks of a time, or somewhat fewer: clocks drift.
    pub(super) fn at_least(&self, time: Nanos) -> u64 {
        let ticks = self.ticks(time);
        ticks - ticks / 64
    }

    /// The ticks of a time, or somewhat more.
    fn at_most(&self, time: Nanos) -> u64 {
        let ticks = self.ticks(time);
        ticks.saturating_add(ticks / 64 + 1)
    }

    fn ticks(&self, time: Nanos) -> u64 {
        let (ticks, ns) = self.per;
        let product = u128::from(time.0) * u128::from(ticks);
        u64::try_from(product / u128::from(ns.max(1))).unwrap_or(u64::MAX)
    }
}
