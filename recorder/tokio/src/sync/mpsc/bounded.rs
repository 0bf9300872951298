//! The sending end of a channel with a bound.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ais_recorder::instrument::event::{handle_end, operation_kind, resource_kind};
use ais_recorder::instrument::{Blocking, Done, End, Ends};
use real::sync::mpsc as tokio;
use real::sync::mpsc::error::{SendError, TrySendError};

use super::{OwnedPermit, Permit, PermitIterator, Receiver, WeakSender};
use crate::operation::{Asks, closed_if_error};
use crate::sync::channel::{
    Sending, adopted, asks, nothing, pair, request, sending, shown_as_inner, try_sending, unwraps,
};

/// See [`real::sync::mpsc::channel`]. The channel is known by the place of this call.
///
/// # Panics
/// `buffer` is zero.
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(buffer);
    let (sends, receives) = pair(resource_kind::CHANNEL, buffer, Location::caller());
    let sender = Sender {
        end: sends,
        inner: sender,
    };
    (sender, Receiver::new(receives, receiver))
}

/// [`tokio::sync::mpsc::Sender`](real::sync::mpsc::Sender), recorded.
pub struct Sender<T> {
    // Before tokio's own: its drop is recorded before the fact.
    pub(super) end: End,
    pub(super) inner: tokio::Sender<T>,
}

impl<T> Sender<T> {
    /// See [`real::sync::mpsc::Sender::send`].
    ///
    /// # Errors
    /// The channel is closed.
    #[track_caller]
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        let place = Location::caller();
        asks(
            &self.end,
            operation_kind::SEND,
            place,
            move |permit: Result<tokio::Permit<'_, T>, SendError<()>>, _, end| match permit {
                Ok(permit) => {
                    sending::<T>(end, place);
                    permit.send(value);
                    Ok(())
                }
                Err(_) => Err(SendError(value)),
            },
        )
        .ending(closed_if_error)
        .at_once(|_: &&End| self.inner.try_reserve().ok().map(Ok))
        .queued_by(self.inner.reserve())
    }

    /// See [`real::sync::mpsc::Sender::closed`].
    #[track_caller]
    pub fn closed(&self) -> impl Future<Output = ()> {
        asks(
            &self.end,
            operation_kind::CLOSED,
            Location::caller(),
            nothing,
        )
        .by(self.inner.closed())
    }

    /// See [`real::sync::mpsc::Sender::try_send`].
    ///
    /// # Errors
    /// The channel is full or closed.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        try_sending::<T, _, _>(&self.end, Location::caller(), || {
            self.inner.try_send(message)
        })
    }

    /// See [`real::sync::mpsc::Sender::blocking_send`].
    ///
    /// # Errors
    /// The channel is closed.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        let place = Location::caller();
        let blocking = Blocking::begin(request(&self.end, operation_kind::SEND, place));
        let sending = Sending::begin::<T>(&self.end, place);
        let result = self.inner.blocking_send(value);
        blocking.ended(closed_if_error(&result));
        if result.is_ok() {
            sending.done();
        }
        result
    }

    /// See [`real::sync::mpsc::Sender::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`real::sync::mpsc::Sender::reserve`].
    ///
    /// # Errors
    /// The channel is closed.
    #[track_caller]
    pub fn reserve(&self) -> impl Future<Output = Result<Permit<'_, T>, SendError<()>>> {
        asks(
            &self.end,
            operation_kind::RESERVE,
            Location::caller(),
            |permit: Result<_, _>, done, end| permit.map(|inner| Permit::taken(end, done, inner)),
        )
        .ending(closed_if_error)
        .at_once(|_: &&End| self.inner.try_reserve().ok().map(Ok))
        .queued_by(self.inner.reserve())
    }

    /// See [`real::sync::mpsc::Sender::reserve_many`].
    ///
    /// # Errors
    /// The channel is closed, or has fewer than `n` slots.
    #[track_caller]
    pub fn reserve_many(
        &self,
        n: usize,
    ) -> impl Future<Output = Result<PermitIterator<'_, T>, SendError<()>>> {
        asks(
            &self.end,
            operation_kind::RESERVE,
            Location::caller(),
            |permits: Result<_, _>, done, end| {
                permits.map(|inner| PermitIterator::taken(end, done, inner))
            },
        )
        .units(u32::try_from(n).unwrap_or(u32::MAX))
        .ending(closed_if_error)
        .queued_by(self.inner.reserve_many(n))
    }

    /// See [`real::sync::mpsc::Sender::reserve_owned`].
    ///
    /// # Errors
    /// The channel is closed.
    #[track_caller]
    pub fn reserve_owned(self) -> impl Future<Output = Result<OwnedPermit<T>, SendError<()>>> {
        let (handle, ends) = (self.end.handle(), Arc::clone(self.end.ends()));
        Asks::new(
            operation_kind::RESERVE,
            ends,
            Location::caller(),
            |(permit, end): (Result<_, _>, End), done: Done, _: Arc<Ends>| {
                permit.map(|inner| OwnedPermit::taken(end, done, inner))
            },
        )
        .through(handle)
        .ending(|(permit, _)| closed_if_error(permit))
        .queued_by(WithEnd {
            end: Some(self.end),
            inner: self.inner.reserve_owned(),
        })
    }

    /// See [`real::sync::mpsc::Sender::try_reserve`].
    ///
    /// # Errors
    /// The channel is full or closed.
    #[track_caller]
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        let inner = self.inner.try_reserve()?;
        Ok(Permit::taken(&self.end, Done::at_once(), inner))
    }

    /// See [`real::sync::mpsc::Sender::try_reserve_many`].
    ///
    /// # Errors
    /// The channel has fewer than `n` free slots, or is closed.
    #[track_caller]
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        let inner = self.inner.try_reserve_many(n)?;
        Ok(PermitIterator::taken(&self.end, Done::at_once(), inner))
    }

    /// See [`real::sync::mpsc::Sender::try_reserve_owned`].
    ///
    /// # Errors
    /// The channel is full or closed; the error holds the sender.
    #[track_caller]
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        let end = self.end;
        match self.inner.try_reserve_owned() {
            Ok(inner) => Ok(OwnedPermit::taken(end, Done::at_once(), inner)),
            Err(TrySendError::Full(inner)) => Err(TrySendError::Full(Sender { end, inner })),
            Err(TrySendError::Closed(inner)) => Err(TrySendError::Closed(Sender { end, inner })),
        }
    }

    /// See [`real::sync::mpsc::Sender::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`real::sync::mpsc::Sender::capacity`].
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// See [`real::sync::mpsc::Sender::downgrade`].
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(self.end.ends(), self.inner.downgrade())
    }

    /// See [`real::sync::mpsc::Sender::max_capacity`].
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }

    /// See [`real::sync::mpsc::Sender::strong_count`].
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`real::sync::mpsc::Sender::weak_count`].
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Sender<T> {
        self.end.escape();
        self.inner
    }

    /// How many slots a channel has, as tokio's own sender tells.
    pub(super) fn capacity_of(inner: &tokio::Sender<T>) -> usize {
        inner.max_capacity()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender {
            end: self.end.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<T> From<tokio::Sender<T>> for Sender<T> {
    #[track_caller]
    fn from(inner: tokio::Sender<T>) -> Self {
        let end = adopted(
            resource_kind::CHANNEL,
            inner.max_capacity(),
            handle_end::SENDER,
            Location::caller(),
        );
        Sender { end, inner }
    }
}

unwraps! { Sender => tokio::Sender<T>; }
shown_as_inner! { [T] Sender<T>; }

pin_project_lite::pin_project! {
    /// A future that uses up an end, and gives its recorded side back with what it gives.
    struct WithEnd<F> {
        // Before the future that has tokio's own: its drop is recorded before the fact.
        end: Option<End>,
        #[pin]
        inner: F,
    }
}

impl<F: Future> Future for WithEnd<F> {
    type Output = (F::Output, End);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(cx));
        let Some(end) = this.end.take() else {
            unreachable!("the future inside panics where it is polled after it was done")
        };
        Poll::Ready((result, end))
    }
}
