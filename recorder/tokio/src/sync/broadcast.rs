//! The recorded channel each of whose receivers gets each message.
//!
//! Its capacity, as recorded, is how many messages it keeps, which tokio rounds up to a power of two. A sender never waits; a receiver
//! that is too slow is told so, and the record has how many messages it missed.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{Lag, handle_end, operation_kind, outcome, resource_kind};
use ais_recorder::instrument::{Blocking, Done, End, Ends, HasResource};
use real::sync::broadcast as tokio;
pub use real::sync::broadcast::error;

use self::error::{RecvError, SendError, TryRecvError};
use super::channel::{
    adopted, asks, escaping, nothing, pair, received, request, sender, shown_as_inner, try_sending,
    unwraps, upgraded,
};

/// See [`real::sync::broadcast::channel`]. The channel is known by the place of this call.
///
/// # Panics
/// `capacity` is zero, or more than half of what a `usize` holds.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(capacity);
    let kept = capacity.next_power_of_two();
    let (sends, receives) = pair(resource_kind::BROADCAST, kept, Location::caller());
    let sender = Sender {
        end: sends,
        inner: sender,
    };
    let receiver = Receiver {
        end: receives,
        inner: receiver,
    };
    (sender, receiver)
}

/// [`tokio::sync::broadcast::Sender`](real::sync::broadcast::Sender), recorded.
pub struct Sender<T> {
    // Before tokio's own: its drop is recorded before the fact.
    end: End,
    inner: tokio::Sender<T>,
}

impl<T> Sender<T> {
    /// See [`real::sync::broadcast::Sender::new`].
    ///
    /// # Panics
    /// `capacity` is zero, or more than half of what a `usize` holds.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        let inner = tokio::Sender::new(capacity);
        let kept = capacity.next_power_of_two();
        let end = sender(resource_kind::BROADCAST, kept, Location::caller());
        Sender { end, inner }
    }

    /// See [`real::sync::broadcast::Sender::send`].
    ///
    /// # Errors
    /// There is no receiver.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        try_sending::<T, _, _>(&self.end, Location::caller(), || self.inner.send(value))
    }

    /// See [`real::sync::broadcast::Sender::subscribe`].
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver {
            end: End::new(self.end.ends(), handle_end::RECEIVER),
            inner: self.inner.subscribe(),
        }
    }

    /// See [`real::sync::broadcast::Sender::downgrade`].
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender {
            ends: Arc::clone(self.end.ends()),
            inner: self.inner.downgrade(),
        }
    }

    /// See [`real::sync::broadcast::Sender::len`].
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`real::sync::broadcast::Sender::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`real::sync::broadcast::Sender::receiver_count`].
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// See [`real::sync::broadcast::Sender::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`real::sync::broadcast::Sender::closed`].
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

    /// See [`real::sync::broadcast::Sender::strong_count`].
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`real::sync::broadcast::Sender::weak_count`].
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Sender<T> {
        self.end.escape();
        self.inner
    }
}

/// [`tokio::sync::broadcast::WeakSender`](real::sync::broadcast::WeakSender), recorded. It is no end of the channel; what it is upgraded
/// to is one.
pub struct WeakSender<T> {
    ends: Arc<Ends>,
    inner: tokio::WeakSender<T>,
}

impl<T> WeakSender<T> {
    /// See [`real::sync::broadcast::WeakSender::upgrade`].
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let inner = self.inner.upgrade()?;
        Some(Sender {
            end: upgraded(&self.ends),
            inner,
        })
    }

    /// See [`real::sync::broadcast::WeakSender::strong_count`].
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`real::sync::broadcast::WeakSender::weak_count`].
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// Tokio's own. What is sent through what it is upgraded to is not recorded.
    pub fn into_inner(self) -> tokio::WeakSender<T> {
        escaping(&self.ends);
        self.inner
    }
}

/// [`tokio::sync::broadcast::Receiver`](real::sync::broadcast::Receiver), recorded.
pub struct Receiver<T> {
    // Before tokio's own: its drop is recorded before the fact.
    end: End,
    inner: tokio::Receiver<T>,
}

impl<T> Receiver<T> {
    /// See [`real::sync::broadcast::Receiver::len`].
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// See [`real::sync::broadcast::Receiver::is_empty`].
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// See [`real::sync::broadcast::Receiver::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`real::sync::broadcast::Receiver::sender_strong_count`].
    pub fn sender_strong_count(&self) -> usize {
        self.inner.sender_strong_count()
    }

    /// See [`real::sync::broadcast::Receiver::sender_weak_count`].
    pub fn sender_weak_count(&self) -> usize {
        self.inner.sender_weak_count()
    }

    /// See [`real::sync::broadcast::Receiver::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Receiver<T> {
        self.end.escape();
        self.inner
    }
}

impl<T: Clone> Receiver<T> {
    /// See [`real::sync::broadcast::Receiver::resubscribe`].
    #[allow(clippy::return_self_not_must_use, reason = "tokio's is not")]
    pub fn resubscribe(&self) -> Self {
        Receiver {
            end: End::new(self.end.ends(), handle_end::RECEIVER),
            inner: self.inner.resubscribe(),
        }
    }

    /// See [`real::sync::broadcast::Receiver::recv`].
    ///
    /// # Errors
    /// The channel is closed, or messages are gone before they were received.
    #[track_caller]
    pub fn recv(&mut self) -> impl Future<Output = Result<T, RecvError>> {
        asks(
            &self.end,
            operation_kind::RECEIVE,
            Location::caller(),
            received_or_lagged,
        )
        .ending(closed_unless_lagged)
        .by(self.inner.recv())
    }

    /// See [`real::sync::broadcast::Receiver::try_recv`].
    ///
    /// # Errors
    /// There is no message now, or as for [`Receiver::recv`].
    #[track_caller]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        match &result {
            Ok(_) => received(&self.end, Location::caller(), 1),
            Err(TryRecvError::Lagged(messages)) => lagged(&self.end, *messages),
            Err(TryRecvError::Empty | TryRecvError::Closed) => (),
        }
        result
    }

    /// See [`real::sync::broadcast::Receiver::blocking_recv`].
    ///
    /// # Errors
    /// As for [`Receiver::recv`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        let blocking = Blocking::begin(request(
            &self.end,
            operation_kind::RECEIVE,
            Location::caller(),
        ));
        let result = self.inner.blocking_recv();
        let done = blocking.ended(closed_unless_lagged(&result));
        received_or_lagged(result, done, &self.end)
    }
}

fn lagged(end: &End, messages: u64) {
    end.resource().change(|resource, sequence| Lag {
        resource,
        sequence,
        handle: end.handle(),
        messages,
    });
}

/// What to make of what was received.
fn received_or_lagged<T>(
    result: Result<T, RecvError>,
    done: Done,
    end: &End,
) -> Result<T, RecvError> {
    match &result {
        Ok(_) => received(end, done.location, 1),
        Err(RecvError::Lagged(messages)) => lagged(end, *messages),
        Err(RecvError::Closed) => (),
    }
    result
}

/// How a wait for a message ends: one that was too slow is ready to go on.
fn closed_unless_lagged<T>(result: &Result<T, RecvError>) -> u64 {
    match result {
        Err(RecvError::Closed) => outcome::CLOSED,
        Ok(_) | Err(RecvError::Lagged(_)) => outcome::READY,
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

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        WeakSender {
            ends: Arc::clone(&self.ends),
            inner: self.inner.clone(),
        }
    }
}

impl<T> From<tokio::Sender<T>> for Sender<T> {
    #[track_caller]
    fn from(inner: tokio::Sender<T>) -> Self {
        let end = unknown(handle_end::SENDER, Location::caller());
        Sender { end, inner }
    }
}

impl<T> From<tokio::WeakSender<T>> for WeakSender<T> {
    #[track_caller]
    fn from(inner: tokio::WeakSender<T>) -> Self {
        let end = unknown(handle_end::SENDER, Location::caller());
        let ends = Arc::clone(end.ends());
        WeakSender { ends, inner }
    }
}

impl<T> From<tokio::Receiver<T>> for Receiver<T> {
    #[track_caller]
    fn from(inner: tokio::Receiver<T>) -> Self {
        let end = unknown(handle_end::RECEIVER, Location::caller());
        Receiver { end, inner }
    }
}

/// The end of a channel of tokio's: it does not tell how many messages it keeps.
fn unknown(side: u64, place: &'static Location<'static>) -> End {
    adopted(resource_kind::BROADCAST, 0, side, place)
}

unwraps! {
    Sender => tokio::Sender<T>;
    WeakSender => tokio::WeakSender<T>;
    Receiver => tokio::Receiver<T>;
}
shown_as_inner! {
    [T] Sender<T>;
    [T] WeakSender<T>;
    [T] Receiver<T>;
}
