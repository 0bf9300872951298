//! The recorded semaphore.
//!
//! A permit here is a count beside its semaphore, as in tokio itself: tokio's own permit is taken apart where it is given, and its units
//! are added again when the recorded one is dropped. So a permit that borrows its semaphore and one that owns it are the same thing.

mod permit;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{Close, operation_flag, operation_kind, resource_kind};
use ais_recorder::instrument::{Blocking, Done, HasResource, Hold, Request, Resource};
use real::sync as tokio;
use real::sync::{AcquireError, TryAcquireError};

use permit::Permit;
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};

/// [`tokio::sync::Semaphore`](real::sync::Semaphore), recorded.
pub struct Semaphore {
    resource: Resource,
    inner: tokio::Semaphore,
}

impl Semaphore {
    /// See [`real::sync::Semaphore::MAX_PERMITS`].
    pub const MAX_PERMITS: usize = tokio::Semaphore::MAX_PERMITS;

    /// See [`real::sync::Semaphore::new`]. The semaphore is known by the place of this call.
    ///
    /// # Panics
    /// `permits` is above [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        tokio::Semaphore::new(permits).into()
    }

    /// See [`real::sync::Semaphore::const_new`].
    ///
    /// # Panics
    /// `permits` is above [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub const fn const_new(permits: usize) -> Self {
        Semaphore {
            resource: Resource::constant(
                resource_kind::SEMAPHORE,
                permits as u64,
                Location::caller(),
            ),
            inner: tokio::Semaphore::const_new(permits),
        }
    }

    /// See [`real::sync::Semaphore::available_permits`].
    pub fn available_permits(&self) -> usize {
        self.inner.available_permits()
    }

    /// See [`real::sync::Semaphore::add_permits`].
    ///
    /// # Panics
    /// There would be more than [`Semaphore::MAX_PERMITS`].
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        if n != 0 {
            self.resource.adding(n as u64, Location::caller());
        }
        self.inner.add_permits(n);
    }

    /// See [`real::sync::Semaphore::forget_permits`].
    pub fn forget_permits(&self, n: usize) -> usize {
        let forgotten = self.inner.forget_permits(n);
        if forgotten != 0 {
            self.resource.forget(Hold::NONE, forgotten as u64);
        }
        forgotten
    }

    /// See [`real::sync::Semaphore::acquire`].
    ///
    /// # Errors
    /// It is closed.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        SemaphorePermit::asked_of(self, 1, Location::caller())
    }

    /// See [`real::sync::Semaphore::acquire_many`].
    ///
    /// # Errors
    /// It is closed.
    #[track_caller]
    pub fn acquire_many(
        &self,
        n: u32,
    ) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        SemaphorePermit::asked_of(self, n, Location::caller())
    }

    /// See [`real::sync::Semaphore::try_acquire`].
    ///
    /// # Errors
    /// There is no permit, or it is closed.
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// See [`real::sync::Semaphore::try_acquire_many`].
    ///
    /// # Errors
    /// There are not so many permits, or it is closed.
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.inner.try_acquire_many(n)?.forget();
        let permit = Permit::taken(self, n, Done::at_once(), 0);
        Ok(SemaphorePermit(permit))
    }

    /// See [`real::sync::Semaphore::acquire_owned`].
    ///
    /// # Errors
    /// It is closed.
    #[track_caller]
    pub fn acquire_owned(
        self: Arc<Self>,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        OwnedSemaphorePermit::asked_of(self, 1, Location::caller())
    }

    /// See [`real::sync::Semaphore::acquire_many_owned`].
    ///
    /// # Errors
    /// It is closed.
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        OwnedSemaphorePermit::asked_of(self, n, Location::caller())
    }

    /// See [`real::sync::Semaphore::try_acquire_owned`].
    ///
    /// # Errors
    /// There is no permit, or it is closed.
    #[track_caller]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// See [`real::sync::Semaphore::try_acquire_many_owned`].
    ///
    /// # Errors
    /// There are not so many permits, or it is closed.
    #[track_caller]
    pub fn try_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.inner.try_acquire_many(n)?.forget();
        let permit = Permit::taken(self, n, Done::at_once(), operation_flag::OWNED);
        Ok(OwnedSemaphorePermit(permit))
    }

    /// See [`real::sync::Semaphore::close`].
    pub fn close(&self) {
        self.resource
            .change(|resource, sequence| Close { resource, sequence });
        self.inner.close();
    }

    /// See [`real::sync::Semaphore::is_closed`].
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

#[cfg(tokio_minor_at_least_54)]
impl Semaphore {
    /// See [`real::sync::Semaphore::blocking_acquire`].
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.blocking_acquire_many(1)
    }

    /// See [`real::sync::Semaphore::blocking_acquire_many`].
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let blocking = self.blocking(n);
        let permit = self.inner.blocking_acquire_many(n);
        let done = blocking.done();
        permit?.forget();
        Ok(SemaphorePermit(Permit::taken(self, n, done, 0)))
    }

    /// See [`real::sync::Semaphore::blocking_acquire_owned`].
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.blocking_acquire_many_owned(1)
    }

    /// See [`real::sync::Semaphore::blocking_acquire_many_owned`].
    ///
    /// # Errors
    /// It is closed.
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        let blocking = self.blocking(n);
        let permit = self.inner.blocking_acquire_many(n);
        let done = blocking.done();
        permit?.forget();
        Ok(OwnedSemaphorePermit(Permit::taken(
            self,
            n,
            done,
            operation_flag::OWNED,
        )))
    }

    #[track_caller]
    fn blocking(&self, n: u32) -> Blocking<'_> {
        Blocking::begin(Request {
            units: n.into(),
            ..Request::of(operation_kind::ACQUIRE, &self.resource, Location::caller())
        })
    }
}

impl HasResource for Semaphore {
    #[inline]
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl From<tokio::Semaphore> for Semaphore {
    #[track_caller]
    fn from(inner: tokio::Semaphore) -> Self {
        // Nobody has a permit of it: a permit borrows it.
        let permits = inner.available_permits() as u64;
        let location = Location::caller();
        let resource = crate::start::resource(resource_kind::SEMAPHORE, permits, location, None);
        if inner.is_closed() {
            resource.change(|resource, sequence| Close { resource, sequence });
        }
        Semaphore { resource, inner }
    }
}

impl From<Semaphore> for tokio::Semaphore {
    fn from(semaphore: Semaphore) -> Self {
        semaphore.inner
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
