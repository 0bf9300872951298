//! Slots of a channel that are kept for a message.

use std::iter::FusedIterator;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::operation_flag;
use ais_recorder::instrument::{Done, End, Ends, HasResource, Held, Hold};
use real::sync::mpsc as tokio;

use super::Sender;
use crate::sync::channel::{sending, shown_as_inner};

/// [`tokio::sync::mpsc::Permit`](real::sync::mpsc::Permit), recorded.
pub struct Permit<'a, T> {
    // Before the permit itself: that the slot is free is recorded before the fact.
    held: Held<&'a End>,
    inner: tokio::Permit<'a, T>,
}

impl<'a, T> Permit<'a, T> {
    #[inline]
    pub(super) fn taken(end: &'a End, done: Done, inner: tokio::Permit<'a, T>) -> Self {
        let held = Held {
            of: end,
            hold: end.resource().acquired(done, 1, 0),
            units: 1,
        };
        Permit { held, inner }
    }

    /// See [`real::sync::mpsc::Permit::send`].
    #[track_caller]
    pub fn send(mut self, value: T) {
        sending::<T>(self.held.of, Location::caller());
        self.held.release();
        self.inner.send(value);
    }
}

/// [`tokio::sync::mpsc::PermitIterator`](real::sync::mpsc::PermitIterator), recorded. Its permits share its hold.
pub struct PermitIterator<'a, T> {
    held: Held<&'a End>,
    inner: tokio::PermitIterator<'a, T>,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn taken(end: &'a End, done: Done, inner: tokio::PermitIterator<'a, T>) -> Self {
        let units = inner.len() as u64;
        let hold = if units == 0 {
            Hold::NONE
        } else {
            end.resource().acquired(done, units, 0)
        };
        let held = Held {
            of: end,
            hold,
            units,
        };
        PermitIterator { held, inner }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Self::Item> {
        let inner = self.inner.next()?;
        self.held.units -= 1;
        let held = Held {
            of: self.held.of,
            hold: self.held.hold,
            units: 1,
        };
        Some(Permit { held, inner })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> FusedIterator for PermitIterator<'_, T> {}

/// [`tokio::sync::mpsc::OwnedPermit`](real::sync::mpsc::OwnedPermit), recorded.
pub struct OwnedPermit<T> {
    held: Held<Arc<Ends>>,
    end: End,
    inner: tokio::OwnedPermit<T>,
}

impl<T> OwnedPermit<T> {
    pub(super) fn taken(end: End, done: Done, inner: tokio::OwnedPermit<T>) -> Self {
        let held = Held {
            of: Arc::clone(end.ends()),
            hold: end.resource().acquired(done, 1, operation_flag::OWNED),
            units: 1,
        };
        OwnedPermit { held, end, inner }
    }

    /// See [`real::sync::mpsc::OwnedPermit::send`].
    #[track_caller]
    pub fn send(mut self, value: T) -> Sender<T> {
        sending::<T>(&self.end, Location::caller());
        self.held.release();
        Sender {
            end: self.end,
            inner: self.inner.send(value),
        }
    }

    /// See [`real::sync::mpsc::OwnedPermit::release`].
    pub fn release(mut self) -> Sender<T> {
        self.held.release();
        Sender {
            end: self.end,
            inner: self.inner.release(),
        }
    }

    /// See [`real::sync::mpsc::OwnedPermit::same_channel`].
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }

    /// See [`real::sync::mpsc::OwnedPermit::same_channel_as_sender`].
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.inner.same_channel_as_sender(&sender.inner)
    }
}

shown_as_inner! {
    [T] Permit<'_, T>;
    [T] PermitIterator<'_, T>;
    [T] OwnedPermit<T>;
}
