//! A send that gives up after a time.
//!
//! Tokio makes it of a time-out around `reserve()`. Here the two are operations of their own, side by side in the task: the time that the
//! task waits for too is in the trace, and a send that came to nothing ends as given up.

use std::future::Future;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ais_recorder::instrument::event::operation_kind;
use ais_recorder::instrument::{Done, End, Operation, Request, Subject, Target};
use real::sync::mpsc::Permit;
use real::sync::mpsc::error::{SendError, SendTimeoutError};
use real::task::coop::unconstrained;
use real::time::Sleep;

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
        .queued_by(self.inner.reserve());
        SendTimeout {
            reserve,
            time: None,
            deadline: Deadline { timeout, place },
            value: Some(value),
            end: &self.end,
        }
    }
}

pin_project_lite::pin_project! {
    /// A send that gives up after a time. (As an `async` block it would not be `Send` to the compiler, which forgets there what the
    /// lifetimes in the types of closures have to do with each other.)
    struct SendTimeout<'a, T, F> {
        #[pin]
        reserve: F,
        // None before the first poll.
        #[pin]
        time: Option<Operation<Sleep, Deadline>>,
        deadline: Deadline,
        value: Option<T>,
        end: &'a End,
    }
}

impl<'a, T: 'a, F> Future for SendTimeout<'a, T, F>
where
    F: Future<Output = Result<Permit<'a, T>, SendError<()>>>,
{
    type Output = Result<(), SendTimeoutError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Deadline { timeout, place } = *this.deadline;
        // Set before the first poll, as tokio does; an operation only once there is something to wait for.
        let sleep = this.time.is_none().then(|| real::time::sleep(timeout));
        let had_budget = has_budget();
        let reserved = this.reserve.poll(cx);
        if reserved.is_pending() {
            if let Some(sleep) = sleep {
                let time = Operation::new(sleep, *this.deadline);
                this.time.set(Some(time));
            }
            if let Some(time) = this.time.as_pin_mut() {
                // Where it was the send that used up the budget, the time must come all the same.
                ready!(if had_budget && !has_budget() {
                    pin!(unconstrained(time)).poll(cx)
                } else {
                    time.poll(cx)
                });
            }
        }
        let Some(value) = this.value.take() else {
            unreachable!("it is polled until it is done")
        };
        Poll::Ready(match reserved {
            Poll::Ready(Ok(permit)) => {
                sending::<T>(this.end, place);
                permit.send(value);
                Ok(())
            }
            Poll::Ready(Err(_)) => Err(SendTimeoutError::Closed(value)),
            Poll::Pending => Err(SendTimeoutError::Timeout(value)),
        })
    }
}

/// The time after which a send gives up.
#[derive(Clone, Copy)]
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
