//! Operations on a resource, put together from what is asked for, tokio's own future, and what to make of its result.

use std::future::Future;
use std::panic::Location;

use ais_recorder::instrument::event::outcome;
use ais_recorder::instrument::{Done, HasResource, Operation, Request, Subject};

/// Whether the current task may do more in this turn.
pub(crate) fn has_budget() -> bool {
    real::task::coop::has_budget_remaining()
}

/// What is asked of a resource, and what is made of the answer, a `T`.
///
/// `R` is how the resource is reached: a reference, or an `Arc` where the operation owns it.
pub(crate) struct Asks<R, T, G> {
    of: Option<R>,
    kind: u64,
    handle: u64,
    units: u64,
    flags: u64,
    location: &'static Location<'static>,
    outcome: fn(&T) -> u64,
    finish: Option<G>,
}

impl<R: HasResource, T, G> Asks<R, T, G> {
    /// An operation of an [`operation_kind`](ais_recorder::instrument::event::operation_kind) on `of`, of one unit. `finish` gets the
    /// result, how it came about, and `of`.
    #[inline]
    pub(crate) fn new<O>(kind: u64, of: R, location: &'static Location<'static>, finish: G) -> Self
    where
        G: FnOnce(T, Done, R) -> O,
    {
        Asks {
            of: Some(of),
            kind,
            handle: 0,
            units: 1,
            flags: 0,
            location,
            outcome: |_| outcome::READY,
            finish: Some(finish),
        }
    }

    /// Of so many units.
    pub(crate) fn units(mut self, units: u64) -> Self {
        self.units = units;
        self
    }

    /// Through this end of a channel.
    pub(crate) fn through(mut self, handle: u64) -> Self {
        self.handle = handle;
        self
    }

    /// Whose result tells how it ended.
    pub(crate) fn ending(mut self, outcome: fn(&T) -> u64) -> Self {
        self.outcome = outcome;
        self
    }

    /// As an operation that `inner` does.
    #[inline]
    pub(crate) fn by<O, F>(self, inner: F) -> Operation<F, Self>
    where
        F: Future<Output = T>,
        G: FnOnce(T, Done, R) -> O,
    {
        Operation::new(inner, self)
    }

    /// As an operation that `inner` does, and that counts from now on, before it is polled for the first time.
    pub(crate) fn begun_by<O, F>(self, inner: F) -> Operation<F, Self>
    where
        F: Future<Output = T>,
        G: FnOnce(T, Done, R) -> O,
    {
        Operation::begun(inner, self)
    }
}

impl<R: HasResource, T, O, G: FnOnce(T, Done, R) -> O> Subject<T> for Asks<R, T, G> {
    type Output = O;

    #[inline]
    fn request(&self) -> Request<'_> {
        let Some(of) = &self.of else {
            unreachable!("nothing is asked of an operation that is done")
        };
        Request {
            handle: self.handle,
            units: self.units,
            flags: self.flags,
            ..Request::of(self.kind, of.resource(), self.location)
        }
    }

    #[inline]
    fn has_budget() -> bool {
        has_budget()
    }

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

/// How a `Result` ends an operation on a channel: an error says that the other end is gone.
pub(crate) fn closed_if_error<T, E>(result: &Result<T, E>) -> u64 {
    result.as_ref().map_or(outcome::CLOSED, |_| outcome::READY)
}

/// The same for an `Option`.
pub(crate) fn closed_if_none<T>(result: &Option<T>) -> u64 {
    result.as_ref().map_or(outcome::CLOSED, |_| outcome::READY)
}
