//! A send that gives up after a time.
//!
//! Tokio makes it of a time-out around `reserve()`. Here the two are operations of their own, side by side in the task: the time that the
//! task waits for too is in the trace, and a send that came to nothing ends as given up.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ais_recorder::instrument::event::operation_kind;
use ais_recorder::instrument::{Done, Operation, Request, Subject, Target};
use real::sync::mpsc::error::SendTimeoutError;

use super::Sender;
use crate::operation::{closed_if_error, has_budget};
use crate::sync::channel::{asks, sending};

impl<T> Sender<T> {
    /// See [`real::sync::mpsc::Sender::send_timeout`].
    ///
    /// # Errors
    /// The channel is closed, or there was no room for this time.
    #[track_caller]
    pub fn send_timeout(
        &self,
        value: T,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), SendTimeoutError<T>>> {
        let place = Location::caller();
        let reserve = asks(&self.end, operation_kind::SEND, place, |permit, _, _| {
            permit
        })
        .ending(closed_if_error)
        .by(self.inner.reserve());
        async move {
            match within(reserve, Deadline { timeout, place }).await {
                Some(Ok(permit)) => {
                    sending::<T>(&self.end, place);
                    permit.send(value);
                    Ok(())
                }
                Some(Err(_)) => Err(SendTimeoutError::Closed(value)),
                None => Err(SendTimeoutError::Timeout(value)),
            }
        }
    }
}

/// What `future` gives, or nothing if the time comes first.
async fn within<F: Future>(future: F, deadline: Deadline) -> Option<F::Output> {
    let mut future = pin!(future);
    // Set before the first poll, as tokio does; an operation only once there is something to wait for.
    let sleep = real::time::sleep(deadline.timeout);
    let mut had_budget = has_budget();
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = first {
        return Some(result);
    }
    let mut time = pin!(Operation::new(sleep, deadline));
    let mut is_first = true;
    poll_fn(|cx| {
        if !std::mem::take(&mut is_first) {
            had_budget = has_budget();
            if let Poll::Ready(result) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
        }
        // Where it was the send that used up the budget, the time must come all the same.
        let time = if had_budget && !has_budget() {
            pin!(real::task::unconstrained(time.as_mut())).poll(cx)
        } else {
            time.as_mut().poll(cx)
        };
        time.map(|()| None)
    })
    .await
}

/// The time after which a send gives up.
struct Deadline {
    timeout: Duration,
    place: &'static Location<'static>,
}

impl Subject<()> for Deadline {
    type Output = ();

    fn location(&self) -> &'static Location<'static> {
        self.place
    }

    fn request(&self) -> Request<'_> {
        Request {
            kind: operation_kind::TIMEOUT,
            target: Target::Time,
            handle: 0,
            units: u64::try_from(self.timeout.as_nanos()).unwrap_or(u64::MAX),
            location: self.place,
            flags: 0,
        }
    }

    fn has_budget() -> bool {
        has_budget()
    }

    fn finish(&mut self, (): (), _: Done) {}
}
