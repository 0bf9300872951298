//! The receiving ends, of channels with a bound and without one.

use std::future::Future;
use std::panic::Location;
use std::task::{Context, Poll};

use ais_recorder::instrument::event::{handle_end, operation_kind, outcome, resource_kind};
use ais_recorder::instrument::{Blocking, Done, End};
use real::sync::mpsc as tokio;
use real::sync::mpsc::error::TryRecvError;

use crate::operation::closed_if_none;
use crate::sync::channel::{
    PolledEnd, adopted, asks, closing, received_many, received_ok, received_some, request,
    shown_as_inner, unwraps,
};

/// How `recv_many` ends: with nothing where the channel is closed, or where nothing was asked for.
fn closed_if_zero(limit: usize) -> fn(&usize) -> u64 {
    if limit == 0 {
        return |_| outcome::READY;
    }
    |&messages| match messages {
        0 => outcome::CLOSED,
        _ => outcome::READY,
    }
}

macro_rules! receivers {
    ($($receiver:ident, $real:literal, $kind:expr, $capacity:expr;)*) => {$(
        #[doc = concat!("[`tokio::sync::mpsc::", stringify!($receiver), "`](", $real, "), recorded.")]
        pub struct $receiver<T> {
            // Before tokio's own: its drop is recorded before the fact.
            side: PolledEnd,
            inner: tokio::$receiver<T>,
        }

        impl<T> $receiver<T> {
            pub(super) fn new(end: End, inner: tokio::$receiver<T>) -> Self {
                $receiver {
                    side: PolledEnd::new(end),
                    inner,
                }
            }

            #[doc = concat!("See [`", $real, "::recv`].")]
            #[track_caller]
            pub fn recv(&mut self) -> impl Future<Output = Option<T>> {
                self.side.give_up();
                asks(self.side.end(), operation_kind::RECEIVE, Location::caller(), received_some)
                    .ending(closed_if_none)
                    .by(self.inner.recv())
            }

            #[doc = concat!("See [`", $real, "::recv_many`].")]
            #[track_caller]
            pub fn recv_many(
                &mut self,
                buffer: &mut Vec<T>,
                limit: usize,
            ) -> impl Future<Output = usize> {
                self.side.give_up();
                asks(self.side.end(), operation_kind::RECEIVE, Location::caller(), received_many)
                    .ending(closed_if_zero(limit))
                    .by(self.inner.recv_many(buffer, limit))
            }

            #[doc = concat!("See [`", $real, "::try_recv`].")]
            ///
            /// # Errors
            /// The channel is empty, or empty and closed.
            #[track_caller]
            pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
                received_ok(self.inner.try_recv(), Done::at_once(), self.side.end())
            }

            #[doc = concat!("See [`", $real, "::blocking_recv`].")]
            ///
            /// # Panics
            /// In an asynchronous context.
            #[track_caller]
            pub fn blocking_recv(&mut self) -> Option<T> {
                self.side.give_up();
                let end = self.side.end();
                let request = request(end, operation_kind::RECEIVE, Location::caller());
                let blocking = Blocking::begin(request);
                let message = self.inner.blocking_recv();
                let done = blocking.ended(closed_if_none(&message));
                received_some(message, done, end)
            }

            #[doc = concat!("See [`", $real, "::blocking_recv_many`].")]
            ///
            /// # Panics
            /// In an asynchronous context.
            #[track_caller]
            pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
                self.side.give_up();
                let end = self.side.end();
                let request = request(end, operation_kind::RECEIVE, Location::caller());
                let blocking = Blocking::begin(request);
                let messages = self.inner.blocking_recv_many(buffer, limit);
                let done = blocking.ended(closed_if_zero(limit)(&messages));
                received_many(messages, done, end)
            }

            #[doc = concat!("See [`", $real, "::close`].")]
            pub fn close(&mut self) {
                closing(self.side.end());
                self.inner.close();
            }

            #[doc = concat!("See [`", $real, "::is_closed`].")]
            pub fn is_closed(&self) -> bool {
                self.inner.is_closed()
            }

            #[doc = concat!("See [`", $real, "::is_empty`].")]
            pub fn is_empty(&self) -> bool {
                self.inner.is_empty()
            }

            #[doc = concat!("See [`", $real, "::len`].")]
            pub fn len(&self) -> usize {
                self.inner.len()
            }

            #[doc = concat!("See [`", $real, "::poll_recv`].")]
            #[track_caller]
            pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
                let place = Location::caller();
                let inner = &mut self.inner;
                let result = self.side.poll(
                    operation_kind::RECEIVE,
                    place,
                    cx,
                    |cx| inner.poll_recv(cx),
                    closed_if_none,
                );
                result.map(|message| received_some(message, Done::at(place), self.side.end()))
            }

            #[doc = concat!("See [`", $real, "::poll_recv_many`].")]
            #[track_caller]
            pub fn poll_recv_many(
                &mut self,
                cx: &mut Context<'_>,
                buffer: &mut Vec<T>,
                limit: usize,
            ) -> Poll<usize> {
                let place = Location::caller();
                let inner = &mut self.inner;
                let result = self.side.poll(
                    operation_kind::RECEIVE,
                    place,
                    cx,
                    |cx| inner.poll_recv_many(cx, buffer, limit),
                    closed_if_zero(limit),
                );
                result.map(|messages| received_many(messages, Done::at(place), self.side.end()))
            }

            #[doc = concat!("See [`", $real, "::sender_strong_count`].")]
            pub fn sender_strong_count(&self) -> usize {
                self.inner.sender_strong_count()
            }

            #[doc = concat!("See [`", $real, "::sender_weak_count`].")]
            pub fn sender_weak_count(&self) -> usize {
                self.inner.sender_weak_count()
            }

            /// Tokio's own. What is done through it is not recorded.
            pub fn into_inner(self) -> tokio::$receiver<T> {
                self.side.escape();
                self.inner
            }
        }

        impl<T> Unpin for $receiver<T> {}

        impl<T> From<tokio::$receiver<T>> for $receiver<T> {
            #[track_caller]
            fn from(inner: tokio::$receiver<T>) -> Self {
                let capacity: fn(&tokio::$receiver<T>) -> usize = $capacity;
                let place = Location::caller();
                let end = adopted($kind, capacity(&inner), handle_end::RECEIVER, place);
                $receiver::new(end, inner)
            }
        }

        unwraps! { $receiver => tokio::$receiver<T>; }
        shown_as_inner! { [T] $receiver<T>; }
    )*};
}

receivers! {
    Receiver, "real::sync::mpsc::Receiver", resource_kind::CHANNEL, tokio::Receiver::max_capacity;
    UnboundedReceiver, "real::sync::mpsc::UnboundedReceiver", resource_kind::UNBOUNDED_CHANNEL, |_| 0;
}

impl<T> Receiver<T> {
    /// See [`real::sync::mpsc::Receiver::capacity`].
    pub fn capacity(&self) -> usize {
        self.inner.capacity()
    }

    /// See [`real::sync::mpsc::Receiver::max_capacity`].
    pub fn max_capacity(&self) -> usize {
        self.inner.max_capacity()
    }
}
