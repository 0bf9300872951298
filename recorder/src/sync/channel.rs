//! The recorded bounded channel.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use ais_format::event::{
    Close, HandleDrop, HandleNew, Receive, Send, SendFailed, handle_end, operation_kind, outcome,
    resource_kind,
};
use async_channel::{RecvError, SendError, TryRecvError, TrySendError};

use crate::define;
use crate::operation::{Request, Waiting};
use crate::record::emit;
use crate::resource::Resource;
use crate::session;

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
    let shared = Arc::new(Shared {
        resource: Resource::new(resource_kind::CHANNEL, capacity as u64, location, name),
        handles: AtomicU64::new(0),
    });
    let sender = Sender {
        end: End::new(Arc::clone(&shared), handle_end::SENDER),
        inner: sender,
    };
    let receiver = Receiver {
        end: End::new(shared, handle_end::RECEIVER),
        inner: receiver,
    };
    (sender, receiver)
}

struct Shared {
    resource: Resource,
    handles: AtomicU64,
}

/// The recorded side of one end of a channel.
struct End {
    shared: Arc<Shared>,
    handle: u64,
    side: u64,
}

impl End {
    fn new(shared: Arc<Shared>, side: u64) -> End {
        let handle = shared.handles.fetch_add(1, Ordering::Relaxed) + 1;
        if session::is_recording() {
            let (resource, sequence) = shared.change();
            emit(&HandleNew {
                resource,
                sequence,
                handle,
                end: side,
            });
        }
        End {
            shared,
            handle,
            side,
        }
    }

    fn request(&self, kind: u64, location: &'static Location<'static>) -> Request {
        Request {
            kind,
            target: self.shared.resource.id(),
            handle: self.handle,
            location,
        }
    }

    /// Records that a message is about to be put in, tries it, and takes the record back where that fails.
    fn sending<R>(
        &self,
        location: &'static Location<'static>,
        send: impl FnOnce() -> R,
        done: impl FnOnce(&R) -> bool,
    ) -> R {
        if !session::is_recording() {
            return send();
        }
        let (resource, sequence) = self.shared.change();
        emit(&Send {
            resource,
            sequence,
            handle: self.handle,
            location: define::location(location),
        });
        let result = send();
        if !done(&result) && session::is_recording() {
            let (resource, sequence) = self.shared.change();
            emit(&SendFailed { resource, sequence });
        }
        result
    }

    fn received(&self, location: &'static Location<'static>) {
        if session::is_recording() {
            let (resource, sequence) = self.shared.change();
            emit(&Receive {
                resource,
                sequence,
                handle: self.handle,
                location: define::location(location),
            });
        }
    }

    fn close(&self) {
        if session::is_recording() {
            let (resource, sequence) = self.shared.change();
            emit(&Close { resource, sequence });
        }
    }
}

impl Shared {
    fn change(&self) -> (u64, u64) {
        (self.resource.id(), self.resource.next_change())
    }
}

impl Clone for End {
    fn clone(&self) -> Self {
        End::new(Arc::clone(&self.shared), self.side)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if session::is_recording() {
            let (resource, sequence) = self.shared.change();
            emit(&HandleDrop {
                resource,
                sequence,
                handle: self.handle,
            });
        }
    }
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

impl<T> Sender<T> {
    /// Sends `message`, waiting for room where there is none.
    #[track_caller]
    pub fn send(&self, message: T) -> SendFuture<'_, T> {
        SendFuture {
            sender: self,
            message: Some(message),
            inner: None,
            waiting: None,
            location: Location::caller(),
        }
    }

    /// Sends `message` if there is room now.
    ///
    /// # Errors
    /// The channel is full or closed; the error holds the message.
    #[track_caller]
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.try_send_at(message, Location::caller())
    }

    fn try_send_at(
        &self,
        message: T,
        location: &'static Location<'static>,
    ) -> Result<(), TrySendError<T>> {
        self.end
            .sending(location, || self.inner.try_send(message), Result::is_ok)
    }

    /// Closes the channel: what is queued can still be received. Returns whether it was open.
    pub fn close(&self) -> bool {
        self.end.close();
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
    pub fn recv(&self) -> Recv<'_, T> {
        Recv {
            receiver: self,
            inner: self.inner.recv(),
            waiting: None,
            location: Location::caller(),
        }
    }

    /// Receives a message if there is one now.
    ///
    /// # Errors
    /// The channel is empty, or empty and closed.
    #[track_caller]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let result = self.inner.try_recv();
        if result.is_ok() {
            self.end.received(Location::caller());
        }
        result
    }

    /// Closes the channel: what is queued can still be received. Returns whether it was open.
    pub fn close(&self) -> bool {
        self.end.close();
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
    /// Sends a message, waiting for room. Made by [`Sender::send`].
    #[must_use = "futures do nothing unless polled"]
    pub struct SendFuture<'a, T> {
        sender: &'a Sender<T>,
        // The message until it is first tried to send it.
        message: Option<T>,
        #[pin]
        inner: Option<async_channel::Send<'a, T>>,
        waiting: Option<Waiting>,
        location: &'static Location<'static>,
    }
}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let mut this = self.project();
        let (sender, location) = (*this.sender, *this.location);
        if let Some(mut message) = this.message.take() {
            if session::is_recording() {
                // What the first poll of the inner future would try, too.
                match sender.try_send_at(message, location) {
                    Ok(()) => return Poll::Ready(Ok(())),
                    Err(TrySendError::Closed(message)) => {
                        return Poll::Ready(Err(SendError(message)));
                    }
                    Err(TrySendError::Full(back)) => message = back,
                }
                let request = sender.end.request(operation_kind::SEND, location);
                *this.waiting = Some(Waiting::begin(&request, 0, address, cx));
            }
            this.inner.set(Some(sender.inner.send(message)));
        }
        let Some(inner) = this.inner.as_pin_mut() else {
            panic!("polled again after it was ready")
        };
        let Some(waiting) = this.waiting else {
            return inner.poll(cx);
        };
        let send = || waiting.poll(address, cx, |cx| inner.poll(cx));
        let result = sender.end.sending(location, send, |result| {
            matches!(result, Poll::Ready(Ok(())))
        });
        match &result {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => waiting.end(outcome::READY),
            Poll::Ready(Err(_)) => waiting.end(outcome::CLOSED),
        }
        result
    }
}

impl<T> fmt::Debug for SendFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture")
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

pin_project_lite::pin_project! {
    /// Receives a message, waiting for one. Made by [`Receiver::recv`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Recv<'a, T> {
        receiver: &'a Receiver<T>,
        #[pin]
        inner: async_channel::Recv<'a, T>,
        waiting: Option<Waiting>,
        location: &'static Location<'static>,
    }
}

impl<T> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let (receiver, location) = (*this.receiver, *this.location);
        if this.waiting.is_none() {
            if !session::is_recording() {
                return this.inner.poll(cx);
            }
            // What the first poll of the inner future would try, too.
            match receiver.inner.try_recv() {
                Ok(message) => {
                    receiver.end.received(location);
                    return Poll::Ready(Ok(message));
                }
                Err(TryRecvError::Closed) => return Poll::Ready(Err(RecvError)),
                Err(TryRecvError::Empty) => {}
            }
        }
        let waiting = this.waiting.get_or_insert_with(|| {
            Waiting::begin(
                &receiver.end.request(operation_kind::RECEIVE, location),
                0,
                address,
                cx,
            )
        });
        let result = waiting.poll(address, cx, |cx| this.inner.poll(cx));
        match &result {
            Poll::Pending => {}
            Poll::Ready(Ok(_)) => {
                waiting.end(outcome::READY);
                receiver.end.received(location);
            }
            Poll::Ready(Err(_)) => waiting.end(outcome::CLOSED),
        }
        result
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv")
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}
