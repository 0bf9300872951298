//! The recorded channel for one message.
//!
//! The receiver is itself the future that receives, and can be polled by `&mut`, in a `select!` that leaves it for something else: that
//! it is not awaited any more is not seen, only that it is gone. So the operation is marked as one without a drop of its own, and known
//! by the place where its channel was made, since an `.await` does not tell its own.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_recorder::instrument::event::{handle_end, operation_kind, outcome, resource_kind};
use ais_recorder::instrument::{Blocking, Done, End};
use real::sync::oneshot as tokio;
pub use real::sync::oneshot::error;

use self::error::{RecvError, TryRecvError};
use super::channel::{
    PolledEnd, adopted, asks, closing, nothing, pair, received_ok, request, shown_as_inner,
    try_sending, unwraps,
};
use crate::operation::closed_if_error;

/// See [`real::sync::oneshot::channel`]. The channel is known by the place of this call.
#[track_caller]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let place = Location::caller();
    let (sender, receiver) = tokio::channel();
    let (sends, receives) = pair(resource_kind::ONESHOT, 1, place);
    (
        Sender::new(sends, sender),
        Receiver::new(receives, receiver, place),
    )
}

/// [`tokio::sync::oneshot::Sender`](real::sync::oneshot::Sender), recorded.
pub struct Sender<T> {
    // Before tokio's own: its drop is recorded before the fact.
    side: PolledEnd,
    inner: tokio::Sender<T>,
}

impl<T> Sender<T> {
    fn new(end: End, inner: tokio::Sender<T>) -> Self {
        Sender {
            side: PolledEnd::new(end),
            inner,
        }
    }

    /// See [`real::sync::oneshot::Sender::send`].
    ///
    /// # Errors
    /// The receiver is gone; the error is the message.
    #[track_caller]
    pub fn send(self, t: T) -> Result<(), T> {
        try_sending::<T, _, _>(self.side.end(), Location::caller(), || self.inner.send(t))
    }

    /// See [`real::sync::oneshot::Sender::closed`].
    #[track_caller]
    pub fn closed(&mut self) -> impl Future<Output = ()> {
        self.side.give_up();
        asks(
            self.side.end(),
            operation_kind::CLOSED,
            Location::caller(),
            nothing,
        )
        .by(self.inner.closed())
    }

    /// See [`real::sync::oneshot::Sender::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`real::sync::oneshot::Sender::poll_closed`].
    #[track_caller]
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let inner = &mut self.inner;
        self.side.poll(
            operation_kind::CLOSED,
            Location::caller(),
            cx,
            |cx| inner.poll_closed(cx),
            |()| outcome::READY,
        )
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Sender<T> {
        self.side.escape();
        self.inner
    }
}

/// [`tokio::sync::oneshot::Receiver`](real::sync::oneshot::Receiver), recorded.
pub struct Receiver<T> {
    // Before tokio's own: its drop is recorded before the fact.
    side: PolledEnd,
    inner: tokio::Receiver<T>,
    /// Where the channel was made.
    place: &'static Location<'static>,
}

impl<T> Receiver<T> {
    fn new(end: End, inner: tokio::Receiver<T>, place: &'static Location<'static>) -> Self {
        Receiver {
            side: PolledEnd::new(end),
            inner,
            place,
        }
    }

    /// See [`real::sync::oneshot::Receiver::close`].
    pub fn close(&mut self) {
        if !self.inner.is_terminated() {
            closing(self.side.end());
        }
        self.inner.close();
    }

    /// See [`real::sync::oneshot::Receiver::is_terminated`].
    pub fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }

    /// See [`real::sync::oneshot::Receiver::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`real::sync::oneshot::Receiver::try_recv`].
    ///
    /// # Errors
    /// There is no message yet, or there will be none.
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        if self.inner.is_terminated() {
            self.side.give_up();
        }
        received_ok(result, Done::at_once(), self.side.end())
    }

    /// See [`real::sync::oneshot::Receiver::blocking_recv`].
    ///
    /// # Errors
    /// The sender is gone.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        let Receiver {
            mut side, inner, ..
        } = self;
        side.give_up();
        let end = side.end();
        let blocking = Blocking::begin(request(end, operation_kind::RECEIVE, Location::caller()));
        let message = inner.blocking_recv();
        let done = blocking.ended(closed_if_error(&message));
        received_ok(message, done, end)
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Receiver<T> {
        self.side.escape();
        self.inner
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let inner = &mut this.inner;
        let result = this.side.poll(
            operation_kind::RECEIVE,
            this.place,
            cx,
            |cx| Pin::new(&mut *inner).poll(cx),
            closed_if_error,
        );
        result.map(|message| received_ok(message, Done::at(this.place), this.side.end()))
    }
}

impl<T> From<tokio::Sender<T>> for Sender<T> {
    #[track_caller]
    fn from(inner: tokio::Sender<T>) -> Self {
        let place = Location::caller();
        let end = adopted(resource_kind::ONESHOT, 1, handle_end::SENDER, place);
        Sender::new(end, inner)
    }
}

impl<T> From<tokio::Receiver<T>> for Receiver<T> {
    #[track_caller]
    fn from(inner: tokio::Receiver<T>) -> Self {
        let place = Location::caller();
        let end = adopted(resource_kind::ONESHOT, 1, handle_end::RECEIVER, place);
        Receiver::new(end, inner, place)
    }
}

unwraps! {
    Sender => tokio::Sender<T>;
    Receiver => tokio::Receiver<T>;
}
shown_as_inner! {
    [T: std::fmt::Debug] Sender<T>;
    [T: std::fmt::Debug] Receiver<T>;
}
