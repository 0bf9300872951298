//! The sending end of a channel without a bound.

use std::future::Future;
use std::panic::Location;

use ais_recorder::instrument::End;
use ais_recorder::instrument::event::{handle_end, operation_kind, resource_kind};
use real::sync::mpsc as tokio;
use real::sync::mpsc::error::SendError;

use super::{UnboundedReceiver, WeakUnboundedSender};
use crate::sync::channel::{adopted, asks, nothing, pair, shown_as_inner, try_sending, unwraps};

/// See [`real::sync::mpsc::unbounded_channel`]. The channel is known by the place of this call.
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (sender, receiver) = tokio::unbounded_channel();
    let (sends, receives) = pair(resource_kind::UNBOUNDED_CHANNEL, 0, Location::caller());
    let sender = UnboundedSender {
        end: sends,
        inner: sender,
    };
    (sender, UnboundedReceiver::new(receives, receiver))
}

/// [`tokio::sync::mpsc::UnboundedSender`](real::sync::mpsc::UnboundedSender), recorded.
pub struct UnboundedSender<T> {
    // Before tokio's own: its drop is recorded before the fact.
    pub(super) end: End,
    pub(super) inner: tokio::UnboundedSender<T>,
}

impl<T> UnboundedSender<T> {
    /// See [`real::sync::mpsc::UnboundedSender::send`].
    ///
    /// # Errors
    /// The channel is closed.
    #[track_caller]
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        try_sending::<T, _, _>(&self.end, Location::caller(), || self.inner.send(message))
    }

    /// See [`real::sync::mpsc::UnboundedSender::closed`].
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

    /// See [`real::sync::mpsc::UnboundedSender::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`real::sync::mpsc::UnboundedSender::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`real::sync::mpsc::UnboundedSender::downgrade`].
    #[must_use = "Downgrade creates a WeakSender without destroying the original non-weak sender."]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender::new(self.end.ends(), self.inner.downgrade())
    }

    /// See [`real::sync::mpsc::UnboundedSender::strong_count`].
    pub fn strong_count(&self) -> usize {
        self.inner.strong_count()
    }

    /// See [`real::sync::mpsc::UnboundedSender::weak_count`].
    pub fn weak_count(&self) -> usize {
        self.inner.weak_count()
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::UnboundedSender<T> {
        self.end.escape();
        self.inner
    }

    /// How many slots a channel has: no number of them.
    pub(super) fn capacity_of(_: &tokio::UnboundedSender<T>) -> usize {
        0
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        UnboundedSender {
            end: self.end.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<T> From<tokio::UnboundedSender<T>> for UnboundedSender<T> {
    #[track_caller]
    fn from(inner: tokio::UnboundedSender<T>) -> Self {
        let end = adopted(
            resource_kind::UNBOUNDED_CHANNEL,
            0,
            handle_end::SENDER,
            Location::caller(),
        );
        UnboundedSender { end, inner }
    }
}

unwraps! { UnboundedSender => tokio::UnboundedSender<T>; }
shown_as_inner! { [T] UnboundedSender<T>; }
