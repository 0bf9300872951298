//! Futures that do one operation.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::outcome;

use super::slot::{Slot, State};
use super::{Done, Request, inline_flag};

/// What an [`Operation`] is about. `T` is what its future gives.
pub trait Subject<T> {
    /// What the operation gives.
    type Output;

    /// Where in source it was asked for.
    fn location(&self) -> &'static Location<'static>;

    /// What it asks for.
    fn request(&self) -> Request<'_>;

    /// Whether its task may do more in this turn.
    fn has_budget() -> bool {
        true
    }

    /// Tries to do it at once, with the same effect as the first poll of its future, where there is a cheaper way to that. Must do
    /// nothing where it gives nothing.
    #[inline]
    fn at_once(&self, cx: &mut Context<'_>) -> Option<T> {
        let _ = cx;
        None
    }

    /// How `result` ends it, an [`outcome`].
    fn outcome(&self, result: &T) -> u64 {
        let _ = result;
        outcome::READY
    }

    /// Records what it did, and makes its result of what its future gave. Called at most once, also where nothing is recorded.
    fn finish(&mut self, result: T, done: Done) -> Self::Output;
}

pin_project_lite::pin_project! {
    /// A future that does one operation, and records it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Operation<F, S>
    where
        F: Future,
        S: Subject<F::Output>,
    {
        #[pin]
        inner: F,
        subject: S,
        slot: Slot,
        // As what an `async fn` gives: it may come to hold something that must not move.
        #[pin]
        pinned: PhantomPinned,
    }

    impl<F, S> PinnedDrop for Operation<F, S>
    where
        F: Future,
        S: Subject<F::Output>,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.slot.is_ended() {
                this.slot.dropped(&this.subject.request());
            }
        }
    }
}

impl<F: Future, S: Subject<F::Output>> Operation<F, S> {
    /// The operation that `inner` does.
    #[inline]
    pub fn new(inner: F, subject: S) -> Self {
        Operation {
            inner,
            subject,
            slot: Slot::new(),
            pinned: PhantomPinned,
        }
    }

    /// The same for one that counts from now on, before it is polled for the first time.
    pub fn begun(inner: F, subject: S) -> Self {
        Operation {
            slot: Slot::begun(&subject.request()),
            inner,
            subject,
            pinned: PhantomPinned,
        }
    }

    /// The future that does it.
    pub fn inner(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().inner
    }

    #[inline(never)]
    fn poll_recorded(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let mut inner = this.inner;
        let subject = &*this.subject;
        if matches!(this.slot.0, State::New)
            && let Some(result) = subject.at_once(cx)
        {
            this.slot.0 = State::Ended;
            let done = Done {
                operation: 0,
                flags: inline_flag(address),
                location: subject.location(),
            };
            return Poll::Ready(this.subject.finish(result, done));
        }
        let result = this.slot.poll(
            || subject.request(),
            address,
            S::has_budget,
            cx,
            |cx| inner.as_mut().poll(cx),
            |result| subject.outcome(result),
        );
        result.map(|(result, done)| this.subject.finish(result, done))
    }
}

impl<F: Future, S: Subject<F::Output>> Future for Operation<F, S> {
    type Output = S::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        if !self.slot.is_unrecorded() {
            return self.poll_recorded(cx);
        }
        let this = self.project();
        let at_once = match this.slot.0 {
            State::New => this.subject.at_once(cx),
            _ => None,
        };
        // A later poll must not try that again: its place in the queue counts.
        this.slot.polled_unrecorded();
        let result = at_once.map_or_else(|| this.inner.poll(cx), Poll::Ready);
        result.map(|result| {
            this.slot.0 = State::Ended;
            let done = Done::at(this.subject.location());
            this.subject.finish(result, done)
        })
    }
}

impl<F: Future, S: Subject<F::Output>> fmt::Debug for Operation<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("waiting", &self.slot.operation().is_some())
            .finish_non_exhaustive()
    }
}
