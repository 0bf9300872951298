//! What the recorded channels have in common: what is recorded through an end, ends that can be polled, calls that block.
//!
//! Each end of a channel has an [`End`] beside tokio's own, and before it: its drop is recorded before the fact. A message is recorded
//! before it is put in, and taken back where that fails; what is received, after the fact.

use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};

use ais_recorder::instrument::event::{
    Close, Escape, Receive, Send, SendFailed, handle_end, operation_flag, send_flag,
};
use ais_recorder::instrument::{Done, End, Ends, HasResource, Request, Slot, can_hold, location};

use crate::operation::{Asks, has_budget};
use crate::start;

type Place = &'static Location<'static>;

/// The two ends of a channel that is made now: that which sends, that which receives.
pub(super) fn pair(kind: u64, capacity: usize, place: Place) -> (End, End) {
    let sender = sender(kind, capacity, place);
    let receiver = End::new(sender.ends(), handle_end::RECEIVER);
    (sender, receiver)
}

/// The sending end of a channel that is made now, and has no other.
pub(super) fn sender(kind: u64, capacity: usize, place: Place) -> End {
    let resource = start::resource(kind, capacity as u64, place, None);
    End::new(&Ends::new(resource), handle_end::SENDER)
}

/// The only recorded end of a channel of tokio's: its others are not seen, so it has escaped from the start.
pub(super) fn adopted(kind: u64, capacity: usize, side: u64, place: Place) -> End {
    let resource = start::resource(kind, capacity as u64, place, None);
    let end = End::new(&Ends::new(resource), side);
    escaping(&end);
    end
}

/// Records that a channel can be used without being recorded from now on.
pub(super) fn escaping(of: &impl HasResource) {
    of.resource()
        .change(|resource, sequence| Escape { resource, sequence });
}

/// Records that a message is about to be put in.
#[inline]
pub(super) fn sending<T>(end: &End, place: Place) {
    end.resource().change(|resource, sequence| Send {
        resource,
        sequence,
        handle: end.handle(),
        location: location(place),
        flags: if can_hold::<T>() {
            send_flag::CAN_HOLD
        } else {
            0
        },
    });
}

/// A message that is recorded as put in: taken back where this is dropped before it is [done](Sending::done).
pub(super) struct Sending<'a>(Option<&'a End>);

impl<'a> Sending<'a> {
    #[inline]
    pub(super) fn begin<T>(end: &'a End, place: Place) -> Sending<'a> {
        sending::<T>(end, place);
        Sending(Some(end))
    }

    #[inline]
    pub(super) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Sending<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(end) = self.0 {
            end.resource()
                .change(|resource, sequence| SendFailed { resource, sequence });
        }
    }
}

/// Puts a message in by `send`, which may fail.
#[inline]
pub(super) fn try_sending<T, U, E>(
    end: &End,
    place: Place,
    send: impl FnOnce() -> Result<U, E>,
) -> Result<U, E> {
    let sending = Sending::begin::<T>(end, place);
    let result = send();
    if result.is_ok() {
        sending.done();
    }
    result
}

/// Records that messages were taken out.
#[inline]
pub(super) fn received(end: &End, place: Place, messages: usize) {
    let taken = i64::try_from(messages).unwrap_or(i64::MAX);
    end.resource()
        .change_messages(-taken, |resource, sequence| Receive {
            resource,
            sequence,
            handle: end.handle(),
            location: location(place),
            messages: messages as u64,
        });
}

/// What to make of a received `Option`.
#[inline]
pub(super) fn received_some<T>(message: Option<T>, done: Done, end: &End) -> Option<T> {
    if message.is_some() {
        received(end, done.location, 1);
    }
    message
}

/// What to make of a received `Result`.
#[inline]
pub(super) fn received_ok<T, E>(message: Result<T, E>, done: Done, end: &End) -> Result<T, E> {
    if message.is_ok() {
        received(end, done.location, 1);
    }
    message
}

/// What to make of this many received messages.
#[inline]
pub(super) fn received_many(messages: usize, done: Done, end: &End) -> usize {
    if messages != 0 {
        received(end, done.location, messages);
    }
    messages
}

/// Records that the channel is about to be closed.
#[inline]
pub(super) fn closing(end: &End) {
    end.resource()
        .change(|resource, sequence| Close { resource, sequence });
}

/// What is asked of a channel through an end.
#[inline]
pub(super) fn request(end: &End, kind: u64, place: Place) -> Request<'_> {
    Request {
        handle: end.handle(),
        ..Request::of(kind, end.resource(), place)
    }
}

/// An operation through an end.
#[inline]
pub(super) fn asks<'a, T, O, G: FnOnce(T, Done, &'a End) -> O>(
    end: &'a End,
    kind: u64,
    place: Place,
    finish: G,
) -> Asks<&'a End, G, impl Fn(&T) -> u64> {
    Asks::new(kind, end, place, finish).through(end.handle())
}

/// What an operation through `closed()` makes of its end: nothing.
pub(super) fn nothing((): (), _: Done, _: &End) {}

/// An end that has functions to poll it (`poll_recv`), or is polled itself (a receiver of one message).
///
/// Nobody sees when such an operation is given up: it goes on until it is done, another one begins, or the end is gone. It is marked
/// [`operation_flag::NO_DROP`].
#[derive(Debug)]
pub(super) struct PolledEnd {
    slot: Slot,
    /// None after it escaped.
    end: Option<End>,
}

impl PolledEnd {
    pub(super) fn new(end: End) -> PolledEnd {
        PolledEnd {
            slot: Slot::new(),
            end: Some(end),
        }
    }

    #[inline]
    pub(super) fn end(&self) -> &End {
        match &self.end {
            Some(end) => end,
            None => unreachable!("an end that escaped is gone"),
        }
    }

    /// Polls what the end waits for by `poll`. `outcome` tells how a result ends it.
    #[inline]
    pub(super) fn poll<T>(
        &mut self,
        kind: u64,
        place: Place,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
        outcome: fn(&T) -> u64,
    ) -> Poll<T> {
        if self.slot.is_unrecorded() {
            return poll(cx);
        }
        let address = std::ptr::from_ref(self).addr();
        let Some(end) = &self.end else {
            unreachable!("an end that escaped is gone")
        };
        let request = || Request {
            flags: operation_flag::NO_DROP,
            ..request(end, kind, place)
        };
        self.slot
            .poll(request, address, has_budget, cx, poll, outcome)
            .map(|(result, _)| result)
    }

    /// Whatever waited is given up: the end is used for something else.
    #[inline]
    pub(super) fn give_up(&mut self) {
        if let (Some(_), Some(end)) = (self.slot.operation(), &self.end) {
            self.slot.give_up(&request(end, 0, Location::caller()));
        }
    }

    /// The end itself goes on, unrecorded.
    pub(super) fn escape(mut self) {
        self.give_up();
        if let Some(end) = self.end.take() {
            end.escape();
        }
    }
}

impl Drop for PolledEnd {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Records an end that came of a weak one. After the fact, and before it can be used.
pub(super) fn upgraded(ends: &Arc<Ends>) -> End {
    End::new(ends, handle_end::SENDER)
}

/// Tokio's own end from a recorded one.
macro_rules! unwraps {
    ($($ours:ident => $real:ty;)*) => {$(
        impl<T> From<$ours<T>> for $real {
            fn from(end: $ours<T>) -> Self {
                end.into_inner()
            }
        }
    )*};
}
pub(super) use unwraps;

/// What is written of a recorded end or permit is what tokio writes of its own.
macro_rules! shown_as_inner {
    ($([$($generics:tt)*] $name:ty;)*) => {$(
        impl<$($generics)*> std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.inner.fmt(f)
            }
        }
    )*};
}
pub(super) use shown_as_inner;
