//! Waiting until a time comes, recorded.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ais_recorder::instrument::event::operation_kind;
use real::time as tokio;
use real::time::Instant;

use super::timer::Timer;
use crate::budget::has_budget;

/// See [`real::time::sleep`].
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    tokio::sleep(duration).into()
}

/// See [`real::time::sleep_until`].
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    tokio::sleep_until(deadline).into()
}

pin_project_lite::pin_project! {
    /// [`tokio::time::Sleep`](real::time::Sleep), recorded.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        // Before what waits, see `Timer`.
        timer: Timer,
        #[pin]
        inner: tokio::Sleep,
    }
}

impl Sleep {
    /// See [`real::time::Sleep::deadline`].
    pub fn deadline(&self) -> Instant {
        self.inner.deadline()
    }

    /// See [`real::time::Sleep::is_elapsed`].
    pub fn is_elapsed(&self) -> bool {
        self.inner.is_elapsed()
    }

    /// See [`real::time::Sleep::reset`].
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        this.timer.move_to(deadline);
        this.inner.reset(deadline);
    }

    #[inline(never)]
    fn poll_recorded(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let mut inner = this.inner;
        this.timer
            .poll(address, has_budget, cx, |cx| inner.as_mut().poll(cx))
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_mut().project();
        if this.timer.skips_poll() {
            this.inner.poll(cx)
        } else {
            self.poll_recorded(cx)
        }
    }
}

impl From<tokio::Sleep> for Sleep {
    #[track_caller]
    fn from(inner: tokio::Sleep) -> Self {
        let deadline = Some(inner.deadline());
        Sleep {
            timer: Timer::new(operation_kind::SLEEP, deadline, Location::caller()),
            inner,
        }
    }
}

impl From<Sleep> for tokio::Sleep {
    fn from(mut sleep: Sleep) -> Self {
        sleep.timer.give_up();
        sleep.inner
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
