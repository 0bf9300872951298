//! Waiting again and again, recorded.
//!
//! Tokio does not tell when the next tick is due. It is kept here too: what sets it passes through here, and where a tick was missed
//! it follows from the same rules.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;

use ais_recorder::instrument::event::{operation_flag, operation_kind};
use ais_recorder::instrument::{Done, Operation, Request, Subject, is_recording};
use real::time as tokio;
use real::time::{Instant, MissedTickBehavior};

use super::timer::{Timer, nanos_until, request, safe_delay};
use crate::budget::has_budget;

/// See [`real::time::interval`].
///
/// # Panics
/// `period` is zero.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// See [`real::time::interval_at`].
///
/// # Panics
/// `period` is zero.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::known(tokio::interval_at(start, period), start)
}

/// [`tokio::time::Interval`](real::time::Interval), recorded.
pub struct Interval {
    /// What `poll_tick` waits with, and when the next tick is due.
    // Before what waits, see `Timer`.
    timer: Timer,
    inner: tokio::Interval,
}

impl Interval {
    /// One whose next tick is due then.
    #[track_caller]
    fn known(inner: tokio::Interval, next: Instant) -> Interval {
        let timer = Timer::new(operation_kind::TICK, Some(next), Location::caller());
        Interval {
            timer: timer.optional(operation_flag::NO_DROP),
            inner,
        }
    }

    /// See [`real::time::Interval::tick`].
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        // What `poll_tick` waits for is waited for in this way from now on.
        self.timer.give_up();
        let rules = Rules::of(&self.inner);
        let subject = Tick {
            timer: &mut self.timer,
            rules,
            location: Location::caller(),
        };
        Operation::new(self.inner.tick(), subject)
    }

    /// See [`real::time::Interval::poll_tick`].
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        if self.timer.skips_poll() {
            let result = self.inner.poll_tick(cx);
            if let Poll::Ready(tick) = result {
                self.timer
                    .set_deadline(tick + Rules::of(&self.inner).period);
            }
            return result;
        }
        let address = std::ptr::from_ref(self).addr();
        let rules = Rules::of(&self.inner);
        let inner = &mut self.inner;
        let result = self
            .timer
            .poll(address, has_budget, cx, |cx| inner.poll_tick(cx));
        if let Poll::Ready(tick) = result {
            self.timer.set_deadline(rules.after(tick));
        }
        result
    }

    /// See [`real::time::Interval::reset`].
    pub fn reset(&mut self) {
        self.reset_at(Instant::now() + Rules::of(&self.inner).period);
    }

    /// See [`real::time::Interval::reset_immediately`].
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// See [`real::time::Interval::reset_after`].
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(Instant::now() + safe_delay(after));
    }

    /// See [`real::time::Interval::reset_at`].
    pub fn reset_at(&mut self, deadline: Instant) {
        self.timer.move_to(deadline);
        self.inner.reset_at(deadline);
    }

    /// See [`real::time::Interval::missed_tick_behavior`].
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.inner.missed_tick_behavior()
    }

    /// See [`real::time::Interval::set_missed_tick_behavior`].
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.inner.set_missed_tick_behavior(behavior);
    }

    /// See [`real::time::Interval::period`].
    pub fn period(&self) -> Duration {
        self.inner.period()
    }
}

/// What sets when the tick after one is due.
#[derive(Clone, Copy)]
struct Rules {
    period: Duration,
    missed: MissedTickBehavior,
}

impl Rules {
    fn of(interval: &tokio::Interval) -> Rules {
        Rules {
            // Tokio before 1.54 keeps one that is too long as it is.
            period: safe_delay(interval.period()),
            missed: interval.missed_tick_behavior(),
        }
    }

    /// When the next tick is due after the one that was due at `tick` and is done now.
    fn after(self, tick: Instant) -> Instant {
        let now = Instant::now();
        // Tokio's own threshold.
        if now <= tick + Duration::from_millis(5) {
            return tick + self.period;
        }
        match self.missed {
            MissedTickBehavior::Burst => tick + self.period,
            MissedTickBehavior::Delay => now + self.period,
            MissedTickBehavior::Skip => {
                let late = (now - tick).as_nanos() % self.period.as_nanos();
                let late = Duration::from_nanos(u64::try_from(late).unwrap_or(0));
                now + self.period.saturating_sub(late)
            }
        }
    }
}

/// A `tick()`.
struct Tick<'a> {
    /// The interval's.
    timer: &'a mut Timer,
    rules: Rules,
    location: &'static Location<'static>,
}

impl Subject<Instant> for Tick<'_> {
    type Output = Instant;

    fn location(&self) -> &'static Location<'static> {
        self.location
    }

    fn request(&self) -> Request<'_> {
        let units = self.timer.deadline().map_or(0, nanos_until);
        request(operation_kind::TICK, units, self.location, 0)
    }

    fn has_budget() -> bool {
        has_budget()
    }

    fn finish(&mut self, tick: Instant, _: Done) -> Instant {
        let next = if is_recording() {
            self.rules.after(tick)
        } else {
            tick + self.rules.period
        };
        self.timer.set_deadline(next);
        tick
    }
}

impl From<tokio::Interval> for Interval {
    /// Its next tick is taken to be due now: tokio does not tell.
    #[track_caller]
    fn from(inner: tokio::Interval) -> Self {
        Interval::known(inner, Instant::now())
    }
}

impl From<Interval> for tokio::Interval {
    fn from(mut interval: Interval) -> Self {
        interval.timer.give_up();
        interval.inner
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
