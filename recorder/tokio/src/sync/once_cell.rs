//! The recorded value that the first one who asks for it makes.
//!
//! Who makes the value has a turn, one unit of the cell. Those who ask meanwhile wait for their turn: that is the operation that is
//! recorded, and the future that makes the value is no part of it. It ends with the turn of the one who failed, or with the value. Tokio's
//! cell keeps its turns to itself, so they are taken here, in the same way and of a semaphore of its kind, and tokio's cell has the value.
//!
//! The cell's capacity is 1, or 0 where it was set when it was made.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use ais_recorder::instrument::event::{notify_mode, operation_kind, resource_kind};
use ais_recorder::instrument::{Done, HasResource, Held, Resource};
use real::sync as tokio;
use real::sync::{AcquireError, SetError, TryAcquireError};

use crate::operation::Asks;

/// [`tokio::sync::OnceCell`](real::sync::OnceCell), recorded.
pub struct OnceCell<T> {
    resource: Resource,
    inner: tokio::OnceCell<T>,
    /// One permit; none, or closed, where the value is there.
    turns: tokio::Semaphore,
}

/// The right to make the value.
struct Turn<'a> {
    held: Held<&'a Resource>,
    permit: tokio::SemaphorePermit<'a>,
}

impl<T> OnceCell<T> {
    /// See [`real::sync::OnceCell::new`]. The cell is known by the place of this call.
    #[track_caller]
    pub fn new() -> Self {
        tokio::OnceCell::new().into()
    }

    /// See [`real::sync::OnceCell::const_new`].
    #[track_caller]
    pub const fn const_new() -> Self {
        OnceCell {
            resource: Resource::constant(resource_kind::ONCE_CELL, 1, Location::caller()),
            inner: tokio::OnceCell::const_new(),
            turns: tokio::Semaphore::const_new(1),
        }
    }

    /// See [`real::sync::OnceCell::new_with`].
    #[track_caller]
    pub fn new_with(value: Option<T>) -> Self {
        tokio::OnceCell::new_with(value).into()
    }

    /// See [`real::sync::OnceCell::const_new_with`].
    #[track_caller]
    pub const fn const_new_with(value: T) -> Self {
        OnceCell {
            resource: Resource::constant(resource_kind::ONCE_CELL, 0, Location::caller()),
            inner: tokio::OnceCell::const_new_with(value),
            turns: tokio::Semaphore::const_new(0),
        }
    }

    /// See [`real::sync::OnceCell::initialized`].
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// See [`real::sync::OnceCell::get`].
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// See [`real::sync::OnceCell::get_mut`].
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// See [`real::sync::OnceCell::set`].
    ///
    /// # Errors
    /// It is set already, or somebody makes its value.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        if self.initialized() {
            return Err(SetError::AlreadyInitializedError(value));
        }
        match self.turns.try_acquire() {
            Ok(permit) => {
                let done = Done::at_once();
                self.make(value, self.turn(permit, done), done.location);
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => Err(SetError::InitializingError(value)),
            Err(TryAcquireError::Closed) => Err(SetError::AlreadyInitializedError(value)),
        }
    }

    /// See [`real::sync::OnceCell::get_or_init`].
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, f: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let location = Location::caller();
        let turn = self.next_turn(location);
        async move {
            if let Some(turn) = turn.await {
                let value = f().await;
                self.make(value, turn, location);
            }
            self.made()
        }
    }

    /// See [`real::sync::OnceCell::get_or_try_init`].
    ///
    /// # Errors
    /// `f` fails.
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, f: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let location = Location::caller();
        let turn = self.next_turn(location);
        async move {
            if let Some(turn) = turn.await {
                let value = f().await?;
                self.make(value, turn, location);
            }
            Ok(self.made())
        }
    }

    /// See [`real::sync::OnceCell::into_inner`]. (Tokio's own cell comes of `tokio::sync::OnceCell::from`.)
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// See [`real::sync::OnceCell::take`].
    #[track_caller]
    pub fn take(&mut self) -> Option<T> {
        let mut cell = OnceCell::new();
        std::mem::swap(self, &mut cell);
        cell.into_inner()
    }

    /// Waits for the turn to make the value. None where it is there.
    fn next_turn<'a>(
        &'a self,
        location: &'static Location<'static>,
    ) -> impl Future<Output = Option<Turn<'a>>> {
        let finish = |permit: Option<Result<_, AcquireError>>, done, cell: &'a Self| {
            Some(cell.turn(permit?.ok()?, done))
        };
        Asks::new(operation_kind::INIT, self, location, finish).queued_by(async move {
            if self.initialized() {
                None
            } else {
                Some(self.turns.acquire().await)
            }
        })
    }

    fn turn<'a>(&'a self, permit: tokio::SemaphorePermit<'a>, done: Done) -> Turn<'a> {
        let held = Held {
            of: &self.resource,
            hold: self.resource.acquired(done, 1, 0),
            units: 1,
        };
        Turn { held, permit }
    }

    /// Sets the value that was made at `location`.
    fn make(&self, value: T, mut turn: Turn<'_>, location: &'static Location<'static>) {
        self.resource.notifying(notify_mode::SET, location);
        turn.held.release();
        let is_set = self.inner.set(value).is_ok();
        debug_assert!(is_set, "there is one turn");
        self.turns.close();
        turn.permit.forget();
    }

    fn made(&self) -> &T {
        match self.get() {
            Some(value) => value,
            None => unreachable!("no turn is left once the value is there"),
        }
    }
}

impl<T> HasResource for OnceCell<T> {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl<T> From<tokio::OnceCell<T>> for OnceCell<T> {
    #[track_caller]
    fn from(inner: tokio::OnceCell<T>) -> Self {
        let capacity = u8::from(!inner.initialized());
        let location = Location::caller();
        OnceCell {
            resource: crate::start::resource(
                resource_kind::ONCE_CELL,
                capacity.into(),
                location,
                None,
            ),
            inner,
            turns: tokio::Semaphore::const_new(capacity.into()),
        }
    }
}

impl<T> From<OnceCell<T>> for tokio::OnceCell<T> {
    fn from(cell: OnceCell<T>) -> Self {
        cell.inner
    }
}

impl<T> From<T> for OnceCell<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        OnceCell::new_with(Some(value))
    }
}

impl<T> Default for OnceCell<T> {
    #[track_caller]
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        OnceCell::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
