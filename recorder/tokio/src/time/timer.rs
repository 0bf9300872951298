//! What timers have in common: the operation that one of them is to the trace.
//!
//! A timer is a future with a name and public methods, or a part of one, so it has a [`Slot`] of its own. It stands before what waits in
//! the struct that it is a part of: fields are dropped in their order, and that a timer is dropped is recorded before the fact. That
//! way the struct itself needs no `Drop`, and can be taken apart.

use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;

use ais_recorder::instrument::event::outcome;
use ais_recorder::instrument::{HasBudget, Request, Slot, Target};
use real::runtime::Handle;
use real::time::Instant;

/// The recorded side of a timer.
pub(super) struct Timer {
    slot: Slot,
    kind: u64,
    /// None for one that is too far away to ever come.
    deadline: Option<Instant>,
    location: &'static Location<'static>,
    flags: u64,
}

impl Timer {
    /// A timer that is an operation of an [`operation_kind`](ais_recorder::instrument::event::operation_kind).
    #[inline]
    pub(super) fn new(
        kind: u64,
        deadline: Option<Instant>,
        location: &'static Location<'static>,
    ) -> Timer {
        Timer {
            slot: Slot::new(),
            kind,
            deadline,
            location,
            flags: 0,
        }
    }

    /// With [`operation_flag`](ais_recorder::instrument::event::operation_flag) bits, of one that nobody has to poll.
    #[inline]
    pub(super) fn optional(mut self, flags: u64) -> Timer {
        self.flags = flags;
        self.slot.polled_unrecorded();
        self
    }

    /// When it ends.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Says when it ends, where it does not wait.
    #[inline]
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Says when it ends, and records it where it waits. Before the fact.
    #[inline]
    pub(super) fn move_to(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        if self.slot.operation().is_some() {
            self.slot.timer_set(nanos_until(deadline));
        }
    }

    /// What it asks for.
    fn request(&self) -> Request<'static> {
        // Only the beginning of the wait tells how long it will be.
        let units = match (self.slot.operation(), self.deadline) {
            (Some(_), _) => 0,
            (None, Some(deadline)) => nanos_until(deadline),
            (None, None) => u64::MAX,
        };
        request(self.kind, units, self.location, self.flags)
    }

    /// Whether there is nothing to record about a poll that comes now. What never ends is no timer.
    #[inline]
    pub(super) fn skips_poll(&mut self) -> bool {
        let skips = self.deadline.is_none() || self.slot.is_unrecorded();
        if skips {
            self.slot.polled_unrecorded();
        }
        skips
    }

    /// Polls what waits, which lies at `address`, see [`Slot::poll`].
    pub(super) fn poll<T>(
        &mut self,
        address: usize,
        has_budget: HasBudget,
        cx: &mut Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let request = self.request();
        self.slot
            .poll(
                || request,
                address,
                has_budget,
                cx,
                poll,
                |_| outcome::READY,
            )
            .map(|(result, _)| result)
    }

    /// Whether it waits: it was polled, in vain, and is to be polled again.
    pub(super) fn is_waiting(&self) -> bool {
        self.slot.operation().is_some()
    }

    /// Records that nobody waits for it any more, if somebody did.
    #[inline]
    pub(super) fn give_up(&mut self) {
        if self.is_waiting() {
            let request = self.request();
            self.slot.give_up(&request);
        }
        self.slot.polled_unrecorded();
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        if !self.slot.is_ended() && !self.slot.is_unrecorded() {
            let request = self.request();
            self.slot.dropped(&request);
        }
    }
}

/// What a timer asks for.
pub(super) fn request(
    kind: u64,
    nanos: u64,
    location: &'static Location<'static>,
    flags: u64,
) -> Request<'static> {
    Request {
        kind,
        target: Target::Time,
        handle: 0,
        units: nanos,
        location,
        flags,
    }
}

/// How long it is until `deadline`, by the clock of the current runtime.
pub(super) fn nanos_until(deadline: Instant) -> u64 {
    // In a thread that ends, where timers can be dropped, there is no such clock: asking for it would panic.
    if Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()) {
        return 0;
    }
    let delay = deadline.saturating_duration_since(Instant::now());
    u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)
}

/// The longest delay that tokio counts with, about 30 years, where `duration` is longer: the sum with any instant is an instant.
pub(super) fn safe_delay(duration: Duration) -> Duration {
    duration.min(Duration::from_hours(24 * 365 * 30))
}
