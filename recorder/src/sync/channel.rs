//! The recorded bounded channel.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{
    Close, Receive, Send, SendFailed, handle_end, operation_kind, outcome, resource_kind, send_flag,
};
use async_channel::{RecvError, SendError, TryRecvError, TrySendError};

use crate::define;
use crate::operation::{Done, Operation, Request, Subject};
use crate::resource::{End, Ends, HasResource as _, Resource};

/// A channel with room for `capacity` messages, whose use is recorded: [`async_channel::bounded`] with a record of what is queued,
/// who waits, and where its ends are.
///
/// # Panics
/// `capacity` is zero.
///
/// ```
/// # futures::executor::block_on(async {
/// let (sender, receiver) = ais_recorder::sync::channel(8);
/// sender.send("hello").await.unwrap();
/// assert_eq!(receiver.recv().await.unwrap(), "hello");
/// # });
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    make(None, capacity, Location::caller())
}

/// A [`channel`] with a name of its own in the trace.
///
/// # Panics
/// `capacity` is zero.
#[track_caller]
pub fn named_channel<T>(
    name: impl Into<Cow<'static, str>>,
    capacity: usize,
) -> (Sender<T>, Receiver<T>) {
    make(Some(name.into()), capacity, Location::caller())
}

fn make<T>(
    name: Option<Cow<'static, str>>,
    capacity: usize,
    location: &'static Location<'static>,
) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = async_channel::bounded(capacity);
    let ends = Ends::new(Resource::new(
        resource_kind::CHANNEL,
        capacity as u64,
        location,
        name,
    ));
    let sender = Sender {
        end: End::new(&ends, handle_end::SENDER),
        inner: sender,
    };
    let receiver = Receiver {
        end: End::new(&ends, handle_end::RECEIVER),
        inner: receiver,
    };
    (sender, receiver)
}

/// The end of a [`channel`] that sends. Clones send into the same channel.
pub struct Sender<T> {
    // Before the channel's own end: its drop is recorded before the fact.
    end: End,
    inner: async_channel::Sender<T>,
}

/// The end of a [`channel`] that receives. Each message goes to one of the clones.
pub struct Receiver<T> {
    end: End,
    inner: async_channel::Receiver<T>,
}

/// Records that a message is about to be put in, tries it, and takes the record back where that fails.
fn sending<T, R>(
    end: &End,
    location: &'static Location<'static>,
    send: impl FnOnce() -> R,
    done: impl FnOnce(&R) -> bool,
) -> R {
    end.resource().change(|resource, sequence| Send {
        resource,
        sequence,
        handle: end.handle(),
        location: define::location(location),
        flags: if std::mem::needs_drop::<T>() {
            send_flag::CAN_HOLD
        } else {
            0
        },
    });
    let result = send();
    if !done(&result) {
        end.resource()
            .change(|resource, sequence| SendFailed { resource, sequence });
    }
    result
}

fn received(end: &End, location: &'static Location<'static>) {
    let taken = 1;
    end.resource()
        .change_messages(-taken, |resource, sequence| Receive {
            resource,
            sequence,
            handle: end.handle(),
            location: define::location(location),
            messages: 1,
        });
}

fn closing(end: &End) {
    end.resource()
        .change(|resource, sequence| Close { resource, sequence });
}

fn request<'a>(end: &'a End, kind: u64, location: &'static Location<'static>) -> Request<'a> {
    Request {
        handle: end.handle(),
        ..Request::of(kind, end.resource(), location)
    }
}

impl<T> Sender<T> {
    /// Sends `message`, waiting for room where there is none.
    #[track_caller]
    pub fn send(&self, message: T) -> impl Future<Output = Result<(), SendError<T>>> {
        let location = Location::caller();
        let push = Push {
            end: &self.end,
            inner: self.inner.send(message),
            location,
        };
        let subject = Sending {
            end: &self.end,
            location,
        };
        Operation::new(push, subject)
    }

    /// Sends `message` if there is room now.
    ///
    /// # Errors
    /// The channel is full or closed; the error holds the message.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        let send = || self.inner.try_send(message);
        sending::<T, _>(&self.end, Location::caller(), send, Result::is_ok)
    }

    /// Closes the channel: what is queued can still be received. Returns whether it was open.
    pub fn close(&self) -> bool {
        closing(&self.end);
        self.inner.close()
    }

    /// How many messages are queued.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether no message is queued.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }
}

impl<T> Receiver<T> {
    /// Receives a message, waiting for one where there is none.
    #[track_caller]
    pub fn recv(&self) -> impl Future<Output = Result<T, RecvError>> {
        let subject = Receiving {
            end: &self.end,
            location: Location::caller(),
        };
        Operation::new(self.inner.recv(), subject)
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// The channel is empty, or empty and closed.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        if result.is_ok() {
            received(&self.end, Location::caller());
        }
        result
    }

    /// Closes the channel: what is queued can still be received. Returns whether it was open.
    pub fn close(&self) -> bool {
        closing(&self.end);
        self.inner.close()
    }

    /// How many messages are queued.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether no message is queued.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
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

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver {
            end: self.end.clone(),
            inner: self.inner.clone(),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

pin_project_lite::pin_project! {
    /// Puts a message into the channel, with a record of each attempt.
    struct Push<'a, T> {
        end: &'a End,
        #[pin]
        inner: async_channel::Send<'a, T>,
        location: &'static Location<'static>,
    }
}

impl<T> Future for Push<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let inner = this.inner;
        sending::<T, _>(
            this.end,
            this.location,
            || inner.poll(cx),
            |result| matches!(result, Poll::Ready(Ok(()))),
        )
    }
}

/// Waits for room.
struct Sending<'a> {
    end: &'a End,
    location: &'static Location<'static>,
}

impl<E> Subject<Result<(), E>> for Sending<'_> {
    type Output = Result<(), E>;

    fn location(&self) -> &'static Location<'static> {
        self.location
    }

    fn request(&self) -> Request<'_> {
        request(self.end, operation_kind::SEND, self.location)
    }

    fn outcome(&self, result: &Result<(), E>) -> u64 {
        result.as_ref().map_or(outcome::CLOSED, |()| outcome::READY)
    }

    fn finish(&mut self, result: Result<(), E>, _: Done) -> Self::Output {
        result
    }
}

/// Waits for a message.
struct Receiving<'a> {
    end: &'a End,
    location: &'static Location<'static>,
}

impl<T, E> Subject<Result<T, E>> for Receiving<'_> {
    type Output = Result<T, E>;

    fn location(&self) -> &'static Location<'static> {
        self.location
    }

    fn request(&self) -> Request<'_> {
        request(self.end, operation_kind::RECEIVE, self.location)
    }

    fn outcome(&self, result: &Result<T, E>) -> u64 {
        result.as_ref().map_or(outcome::CLOSED, |_| outcome::READY)
    }

    fn finish(&mut self, result: Result<T, E>, _: Done) -> Self::Output {
        if result.is_ok() {
            received(self.end, self.location);
        }
        result
    }
}
