//! Operations on a resource, put together from what is asked for, tokio's own future, and what to make of its result.
#![cfg_attr(
    not(feature = "sync"),
    allow(dead_code, reason = "most of it is for what `sync` brings")
)]

use std::future::Future;
use std::panic::Location;
use std::task::{Context, Poll};

use ais_recorder::instrument::event::outcome;
use ais_recorder::instrument::{Done, HasResource, Operation, Request, Subject};

pub(crate) use crate::budget::has_budget;

/// Whether tokio's semaphore, of which its locks are made, asks for budget only when it has its permits. Before 1.54 it asks first, as
/// everything else does.
const SEMAPHORE_ASKS_LAST: bool = cfg!(tokio_minor_at_least_54);

/// What is asked of a resource, and what is made of the answer, a `T`.
///
/// `R` is how the resource is reached: a reference, or an `Arc` where the operation owns it. It is a part of every future that an
/// operation is, and moved with it: fields are no wider than what is recorded of them.
pub(crate) struct Asks<R, G, W, A = NotAtOnce> {
    of: Option<R>,
    location: &'static Location<'static>,
    units: u32,
    handle: u32,
    kind: u8,
    outcome: W,
    finish: Option<G>,
    at_once: A,
}

/// How an operation is tried at once, without its future.
pub(crate) trait AtOnce<R, T> {
    /// Whether there is a way to try it.
    const CAN: bool;

    /// The result, where it can be done at once; else nothing is done.
    fn try_now(&self, of: &R) -> Option<T>;
}

/// It cannot be tried.
pub(crate) struct NotAtOnce;

impl<R, T> AtOnce<R, T> for NotAtOnce {
    const CAN: bool = false;

    #[inline]
    fn try_now(&self, _: &R) -> Option<T> {
        None
    }
}

impl<R, T, A: Fn(&R) -> Option<T>> AtOnce<R, T> for (A,) {
    const CAN: bool = true;

    #[inline]
    fn try_now(&self, of: &R) -> Option<T> {
        (self.0)(of)
    }
}

/// How an operation ends that cannot fail.
pub(crate) fn always_ready<T>(_: &T) -> u64 {
    outcome::READY
}

impl<R: HasResource, G> Asks<R, G, ()> {
    /// An operation of an [`operation_kind`](ais_recorder::instrument::event::operation_kind) on `of`, of one unit. `finish` gets the
    /// result, how it came about, and `of`.
    #[inline]
    pub(crate) fn new<T, O>(
        kind: u64,
        of: R,
        location: &'static Location<'static>,
        finish: G,
    ) -> Asks<R, G, impl Fn(&T) -> u64>
    where
        G: FnOnce(T, Done, R) -> O,
    {
        Asks {
            of: Some(of),
            location,
            units: 1,
            handle: 0,
            kind: kind as u8,
            outcome: always_ready::<T>,
            finish: Some(finish),
            at_once: NotAtOnce,
        }
    }
}

impl<R: HasResource, G, W, A> Asks<R, G, W, A> {
    /// Of so many units.
    #[inline]
    pub(crate) fn units(mut self, units: u32) -> Self {
        self.units = units;
        self
    }

    /// Through this end of a channel.
    #[inline]
    pub(crate) fn through(mut self, handle: u64) -> Self {
        self.handle = handle as u32;
        self
    }

    /// Whose result tells how it ended.
    #[inline]
    pub(crate) fn ending<T, V: Fn(&T) -> u64>(self, outcome: V) -> Asks<R, G, V, A> {
        Asks {
            of: self.of,
            location: self.location,
            units: self.units,
            handle: self.handle,
            kind: self.kind,
            outcome,
            finish: self.finish,
            at_once: self.at_once,
        }
    }

    /// Tried at once by `try_now`, which has the effect of the first poll of its future, or none.
    #[inline]
    pub(crate) fn at_once<T, B: Fn(&R) -> Option<T>>(self, try_now: B) -> Asks<R, G, W, (B,)> {
        Asks {
            of: self.of,
            location: self.location,
            units: self.units,
            handle: self.handle,
            kind: self.kind,
            outcome: self.outcome,
            finish: self.finish,
            at_once: (try_now,),
        }
    }

    /// As an operation that `inner` does.
    #[inline]
    pub(crate) fn by<T, O, F>(self, inner: F) -> Operation<F, Self>
    where
        F: Future<Output = T>,
        G: FnOnce(T, Done, R) -> O,
        W: Fn(&T) -> u64,
        A: AtOnce<R, T>,
    {
        Operation::new(inner, self)
    }

    /// The same where `inner` comes into the queue of one of tokio's semaphores.
    #[inline]
    pub(crate) fn queued_by<T, O, F>(
        self,
        inner: F,
    ) -> Operation<F, Unbudgeted<Self, SEMAPHORE_ASKS_LAST>>
    where
        F: Future<Output = T>,
        G: FnOnce(T, Done, R) -> O,
        W: Fn(&T) -> u64,
        A: AtOnce<R, T>,
    {
        Operation::new(inner, Unbudgeted(self))
    }

    /// The same where `inner` takes no budget.
    #[inline]
    pub(crate) fn unbudgeted_by<T, O, F>(self, inner: F) -> Operation<F, Unbudgeted<Self>>
    where
        F: Future<Output = T>,
        G: FnOnce(T, Done, R) -> O,
        W: Fn(&T) -> u64,
        A: AtOnce<R, T>,
    {
        Operation::new(inner, Unbudgeted(self))
    }
}

impl<R, T, O, G, W, A> Subject<T> for Asks<R, G, W, A>
where
    R: HasResource,
    G: FnOnce(T, Done, R) -> O,
    W: Fn(&T) -> u64,
    A: AtOnce<R, T>,
{
    type Output = O;

    #[inline]
    fn location(&self) -> &'static Location<'static> {
        self.location
    }

    #[inline]
    fn request(&self) -> Request<'_> {
        let Some(of) = &self.of else {
            unreachable!("nothing is asked of an operation that is done")
        };
        Request {
            handle: self.handle.into(),
            units: self.units.into(),
            ..Request::of(self.kind.into(), of.resource(), self.location)
        }
    }

    #[inline]
    fn has_budget() -> bool {
        has_budget()
    }

    #[inline]
    fn at_once(&self, cx: &mut Context<'_>) -> Option<T> {
        let of = self.of.as_ref()?;
        // Without budget the future itself is polled: it knows what to do then.
        if !A::CAN || !has_budget() {
            return None;
        }
        let Poll::Ready(budget) = real::task::coop::poll_proceed(cx) else {
            return None;
        };
        let result = self.at_once.try_now(of)?;
        budget.made_progress();
        Some(result)
    }

    #[inline]
    fn outcome(&self, result: &T) -> u64 {
        (self.outcome)(result)
    }

    #[inline]
    fn finish(&mut self, result: T, done: Done) -> O {
        let (Some(finish), Some(of)) = (self.finish.take(), self.of.take()) else {
            unreachable!("it is called once")
        };
        finish(result, done, of)
    }
}

/// An operation each poll of which says where it stands, whether or not its task has budget left, if it `IS` one.
///
/// Tokio's semaphore is one where it [asks last](SEMAPHORE_ASKS_LAST): an operation that still waits stands in the queue, and nobody told
/// its task to come again. What has its permits but no budget is as good as woken.
pub(crate) struct Unbudgeted<S, const IS: bool = true>(S);

impl<T, S: Subject<T>, const IS: bool> Subject<T> for Unbudgeted<S, IS> {
    type Output = S::Output;

    #[inline]
    fn has_budget() -> bool {
        IS || S::has_budget()
    }

    #[inline]
    fn location(&self) -> &'static Location<'static> {
        self.0.location()
    }

    #[inline]
    fn request(&self) -> Request<'_> {
        self.0.request()
    }

    #[inline]
    fn at_once(&self, cx: &mut Context<'_>) -> Option<T> {
        self.0.at_once(cx)
    }

    #[inline]
    fn outcome(&self, result: &T) -> u64 {
        self.0.outcome(result)
    }

    #[inline]
    fn finish(&mut self, result: T, done: Done) -> S::Output {
        self.0.finish(result, done)
    }
}

/// How a `Result` ends an operation on a channel: an error says that the other end is gone.
pub(crate) fn closed_if_error<T, E>(result: &Result<T, E>) -> u64 {
    result.as_ref().map_or(outcome::CLOSED, |_| outcome::READY)
}

/// The same for an `Option`.
#[allow(clippy::ref_option, reason = "it is given references to results")]
pub(crate) fn closed_if_none<T>(result: &Option<T>) -> u64 {
    result.as_ref().map_or(outcome::CLOSED, |_| outcome::READY)
}
