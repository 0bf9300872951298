//! The recorded channel that keeps the last value only.
//!
//! Each new value is recorded as a message. A receiver waits for one as an operation (`changed()`, `wait_for()`); that it has seen what
//! is newest is recorded as received, whatever came before it.
//!
//! A borrowed value keeps senders from going on, and they block their thread: while a value is borrowed its thread is in a section, and
//! a send that finds the value borrowed is recorded as an operation that blocks. Borrows are counted for that, while a recording is under
//! way.

use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ais_recorder::instrument::event::{
    handle_end, operation_kind, outcome, resource_kind, section_kind,
};
use ais_recorder::instrument::{Blocking, End, HasResource, Section, is_recording};
use real::sync::watch as tokio;
pub use real::sync::watch::error;

use self::error::{RecvError, SendError};
use super::channel::{
    Sending, adopted, asks, nothing, pair, received, received_ok, request, sender, shown_as_inner,
    unwraps,
};
use crate::operation::closed_if_error;

/// See [`real::sync::watch::channel`]. The channel is known by the place of this call.
#[track_caller]
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = tokio::channel(init);
    let (sends, receives) = pair(resource_kind::WATCH, 1, Location::caller());
    let sender = Sender {
        end: sends,
        borrows: Arc::default(),
        inner: sender,
    };
    let receiver = Receiver {
        end: receives,
        borrows: Arc::clone(&sender.borrows),
        inner: receiver,
    };
    (sender, receiver)
}

/// [`tokio::sync::watch::Sender`](real::sync::watch::Sender), recorded.
pub struct Sender<T> {
    // Before tokio's own: its drop is recorded before the fact.
    end: End,
    borrows: Arc<AtomicUsize>,
    inner: tokio::Sender<T>,
}

impl<T> Sender<T> {
    /// See [`real::sync::watch::Sender::new`].
    #[track_caller]
    pub fn new(init: T) -> Self {
        Sender {
            end: sender(resource_kind::WATCH, 1, Location::caller()),
            borrows: Arc::default(),
            inner: tokio::Sender::new(init),
        }
    }

    /// Puts a value in by `send`, which tells whether it did.
    #[inline]
    fn sending<R>(
        &self,
        place: &'static Location<'static>,
        send: impl FnOnce() -> R,
        is_sent: impl FnOnce(&R) -> bool,
    ) -> R {
        let is_borrowed = is_recording() && self.borrows.load(Ordering::Relaxed) != 0;
        let blocking =
            is_borrowed.then(|| Blocking::begin(request(&self.end, operation_kind::SEND, place)));
        let sending = Sending::begin::<T>(&self.end, place);
        let result = send();
        if let Some(blocking) = blocking {
            blocking.ended(outcome::READY);
        }
        if is_sent(&result) {
            sending.done();
        }
        result
    }

    /// See [`real::sync::watch::Sender::send`].
    ///
    /// # Errors
    /// There is no receiver.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.sending(Location::caller(), || self.inner.send(value), Result::is_ok)
    }

    /// See [`real::sync::watch::Sender::send_modify`].
    #[track_caller]
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.sending(
            Location::caller(),
            || self.inner.send_modify(modify),
            |()| true,
        );
    }

    /// See [`real::sync::watch::Sender::send_if_modified`].
    #[track_caller]
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        self.sending(
            Location::caller(),
            || self.inner.send_if_modified(modify),
            |&is_modified| is_modified,
        )
    }

    /// See [`real::sync::watch::Sender::send_replace`].
    #[track_caller]
    pub fn send_replace(&self, value: T) -> T {
        self.sending(
            Location::caller(),
            || self.inner.send_replace(value),
            |_| true,
        )
    }

    /// See [`real::sync::watch::Sender::borrow`].
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(
            &self.end,
            &self.borrows,
            Location::caller(),
            self.inner.borrow(),
        )
    }

    /// See [`real::sync::watch::Sender::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`real::sync::watch::Sender::closed`].
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

    /// See [`real::sync::watch::Sender::subscribe`].
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver {
            end: End::new(self.end.ends(), handle_end::RECEIVER),
            borrows: Arc::clone(&self.borrows),
            inner: self.inner.subscribe(),
        }
    }

    /// See [`real::sync::watch::Sender::receiver_count`].
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// See [`real::sync::watch::Sender::sender_count`].
    pub fn sender_count(&self) -> usize {
        self.inner.sender_count()
    }

    /// See [`real::sync::watch::Sender::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Sender<T> {
        self.end.escape();
        self.inner
    }
}

/// [`tokio::sync::watch::Receiver`](real::sync::watch::Receiver), recorded.
pub struct Receiver<T> {
    // Before tokio's own: its drop is recorded before the fact.
    end: End,
    borrows: Arc<AtomicUsize>,
    inner: tokio::Receiver<T>,
}

impl<T> Receiver<T> {
    /// See [`real::sync::watch::Receiver::borrow`].
    #[track_caller]
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref::new(
            &self.end,
            &self.borrows,
            Location::caller(),
            self.inner.borrow(),
        )
    }

    /// See [`real::sync::watch::Receiver::borrow_and_update`].
    #[track_caller]
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let place = Location::caller();
        let inner = self.inner.borrow_and_update();
        received(&self.end, place, 1);
        Ref::new(&self.end, &self.borrows, place, inner)
    }

    /// See [`real::sync::watch::Receiver::has_changed`].
    ///
    /// # Errors
    /// All senders are gone.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        self.inner.has_changed()
    }

    /// See [`real::sync::watch::Receiver::mark_changed`].
    pub fn mark_changed(&mut self) {
        self.inner.mark_changed();
    }

    /// See [`real::sync::watch::Receiver::mark_unchanged`].
    pub fn mark_unchanged(&mut self) {
        self.inner.mark_unchanged();
    }

    /// See [`real::sync::watch::Receiver::changed`].
    ///
    /// # Errors
    /// All senders are gone.
    #[track_caller]
    pub fn changed(&mut self) -> impl Future<Output = Result<(), RecvError>> {
        asks(
            &self.end,
            operation_kind::CHANGED,
            Location::caller(),
            received_ok,
        )
        .ending(closed_if_error)
        .by(self.inner.changed())
    }

    /// See [`real::sync::watch::Receiver::wait_for`].
    ///
    /// # Errors
    /// All senders are gone.
    #[track_caller]
    pub fn wait_for(
        &mut self,
        f: impl FnMut(&T) -> bool,
    ) -> impl Future<Output = Result<Ref<'_, T>, RecvError>> {
        let place = Location::caller();
        let borrows = &*self.borrows;
        asks(
            &self.end,
            operation_kind::CHANGED,
            place,
            move |result: Result<tokio::Ref<'_, T>, RecvError>, done, end| {
                let inner = received_ok(result, done, end)?;
                Ok(Ref::new(end, borrows, place, inner))
            },
        )
        .ending(closed_if_error)
        .by(self.inner.wait_for(f))
    }

    /// See [`real::sync::watch::Receiver::is_closed`].
    #[cfg(tokio_minor_at_least_54)]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// See [`real::sync::watch::Receiver::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// Tokio's own. What is done through it is not recorded.
    pub fn into_inner(self) -> tokio::Receiver<T> {
        self.end.escape();
        self.inner
    }
}

/// [`tokio::sync::watch::Ref`](real::sync::watch::Ref), recorded.
pub struct Ref<'a, T> {
    // Before the borrow itself: its end is recorded before the fact.
    _section: Section,
    inner: tokio::Ref<'a, T>,
    // After it: whoever finds none counted need not wait for one.
    _counted: Counted<'a>,
}

impl<'a, T> Ref<'a, T> {
    #[inline]
    fn new(
        end: &End,
        borrows: &'a AtomicUsize,
        place: &'static Location<'static>,
        inner: tokio::Ref<'a, T>,
    ) -> Self {
        Ref {
            _counted: Counted::new(borrows),
            _section: Section::enter(section_kind::BORROW, Some(end.resource()), place),
            inner,
        }
    }

    /// See [`real::sync::watch::Ref::has_changed`].
    pub fn has_changed(&self) -> bool {
        self.inner.has_changed()
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// One of the borrows that are counted, if it began under a recording.
struct Counted<'a>(Option<&'a AtomicUsize>);

impl<'a> Counted<'a> {
    #[inline]
    fn new(borrows: &'a AtomicUsize) -> Self {
        let counted = is_recording().then_some(borrows);
        if let Some(borrows) = counted {
            borrows.fetch_add(1, Ordering::Relaxed);
        }
        Counted(counted)
    }
}

impl Drop for Counted<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(borrows) = self.0 {
            borrows.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender {
            end: self.end.clone(),
            borrows: Arc::clone(&self.borrows),
            inner: self.inner.clone(),
        }
    }
}

impl<T: Default> Default for Sender<T> {
    #[track_caller]
    fn default() -> Self {
        Sender::new(T::default())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver {
            end: self.end.clone(),
            borrows: Arc::clone(&self.borrows),
            inner: self.inner.clone(),
        }
    }
}

impl<T> From<tokio::Sender<T>> for Sender<T> {
    #[track_caller]
    fn from(inner: tokio::Sender<T>) -> Self {
        let place = Location::caller();
        Sender {
            end: adopted(resource_kind::WATCH, 1, handle_end::SENDER, place),
            borrows: Arc::default(),
            inner,
        }
    }
}

impl<T> From<tokio::Receiver<T>> for Receiver<T> {
    #[track_caller]
    fn from(inner: tokio::Receiver<T>) -> Self {
        let place = Location::caller();
        Receiver {
            end: adopted(resource_kind::WATCH, 1, handle_end::RECEIVER, place),
            borrows: Arc::default(),
            inner,
        }
    }
}

unwraps! {
    Sender => tokio::Sender<T>;
    Receiver => tokio::Receiver<T>;
}
shown_as_inner! {
    [T: std::fmt::Debug] Sender<T>;
    [T: std::fmt::Debug] Receiver<T>;
    [T: std::fmt::Debug] Ref<'_, T>;
}
