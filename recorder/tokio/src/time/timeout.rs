//! Waiting for something until a time comes, recorded.
//!
//! The operation is the wait for the time alone, since what is waited for has operations of its own. Both are done by one future of
//! tokio's. To poll its timer with the operation's waker, and what is waited for never with any but the task's, the latter can be told
//! to [rest](Value).

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use ais_recorder::instrument::HasBudget;
use ais_recorder::instrument::event::operation_kind;
use real::task::coop::unconstrained;
use real::time as tokio;
use real::time::Instant;
use real::time::error::Elapsed;

use super::timer::Timer;
use crate::budget::has_budget;

/// See [`real::time::timeout`].
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    let value = Value::new(future.into_future());
    // As tokio does: what is too far away never comes.
    let deadline = Instant::now().checked_add(duration);
    let inner = match deadline {
        Some(deadline) => tokio::timeout_at(deadline, value),
        None => tokio::timeout(duration, value),
    };
    Timeout {
        timer: Timer::new(operation_kind::TIMEOUT, deadline, Location::caller()),
        inner,
    }
}

/// See [`real::time::timeout_at`].
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    let inner = tokio::timeout_at(deadline, Value::new(future.into_future()));
    let (deadline, location) = (Some(deadline), Location::caller());
    Timeout {
        timer: Timer::new(operation_kind::TIMEOUT, deadline, location),
        inner,
    }
}

pin_project_lite::pin_project! {
    /// What is waited for.
    struct Value<F> {
        #[pin]
        future: F,
        // It is not polled now, only the timer is. Atomic so that the whole is as `Sync` as the future.
        rests: AtomicBool,
    }
}

impl<F> Value<F> {
    fn new(future: F) -> Self {
        Value {
            future,
            rests: AtomicBool::new(false),
        }
    }
}

impl<F: Future> Future for Value<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.rests.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.project().future.poll(cx)
    }
}

impl<F: fmt::Debug> fmt::Debug for Value<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.future.fmt(f)
    }
}

pin_project_lite::pin_project! {
    /// [`tokio::time::Timeout`](real::time::Timeout), recorded.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Timeout<T> {
        // Before what waits, see `Timer`.
        timer: Timer,
        #[pin]
        inner: tokio::Timeout<Value<T>>,
    }
}

impl<T> Timeout<T> {
    /// See [`real::time::Timeout::get_ref`].
    pub fn get_ref(&self) -> &T {
        &self.inner.get_ref().future
    }

    /// See [`real::time::Timeout::get_mut`].
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner.get_mut().future
    }

    /// See [`real::time::Timeout::into_inner`].
    pub fn into_inner(mut self) -> T {
        self.timer.give_up();
        self.inner.into_inner().future
    }
}

impl<T: Future> Timeout<T> {
    #[inline(never)]
    fn poll_recorded(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T::Output, Elapsed>> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let (timer, mut inner) = (this.timer, this.inner);
        let had_budget = has_budget();
        let result = inner.as_mut().poll(cx);
        if let Poll::Ready(Ok(_)) = result {
            timer.give_up();
            return result;
        }
        // Where the task had budget at first, tokio has polled the timer, however little the value has left.
        let has_budget: HasBudget = if had_budget { || true } else { || false };
        // The timer has the task's waker now: one that waits is polled again, to get its operation's.
        let again = timer.is_waiting() && had_budget && result.is_pending();
        let mut first = (!again).then_some(result);
        timer.poll(address, has_budget, cx, |cx| {
            first
                .take()
                .unwrap_or_else(|| poll_timer(inner.as_mut(), cx))
        })
    }
}

/// Polls the timer alone, and that whatever budget is left.
fn poll_timer<T: Future>(
    inner: Pin<&mut tokio::Timeout<Value<T>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T::Output, Elapsed>> {
    let mut inner = inner;
    let rest = |inner: &tokio::Timeout<Value<T>>, rests| {
        inner.get_ref().rests.store(rests, Ordering::Relaxed);
    };
    rest(&inner, true);
    let result = pin!(unconstrained(inner.as_mut())).poll(cx);
    rest(&inner, false);
    result
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        if this.timer.skips_poll() {
            this.inner.poll(cx)
        } else {
            self.poll_recorded(cx)
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Timeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
