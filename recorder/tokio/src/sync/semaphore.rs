//! The recorded semaphore.
//!
//! A permit here is a count beside its semaphore, as in tokio itself: tokio's own permit is taken apart where it is given, and its units
//! are added again when the recorded one is dropped. So a permit that borrows its semaphore and one that owns it are the same thing.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{
    Add, Close, Forget, HoldMerge, HoldSplit, operation_flag, operation_kind, resource_kind,
};
use ais_recorder::instrument::{self, Blocking, Done, HasResource, Held, Hold, Request, Resource};
use real::sync as tokio;
use real::sync::{AcquireError, TryAcquireError};

use crate::operation::{Asks, closed_if_error};

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
            let location = Location::caller();
            self.resource.change(|resource, sequence| Add {
                resource,
                sequence,
                units: n as u64,
                location: instrument::location(location),
            });
        }
        self.inner.add_permits(n);
    }

    /// See [`real::sync::Semaphore::forget_permits`].
    pub fn forget_permits(&self, n: usize) -> usize {
        let forgotten = self.inner.forget_permits(n);
        if forgotten != 0 {
            forget(&self.resource, Hold(0), forgotten as u64);
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

fn forget(of: &Resource, hold: Hold, units: u64) {
    of.change(|resource, sequence| Forget {
        resource,
        sequence,
        hold: hold.0,
        units,
    });
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

/// Units of a semaphore that is reached through `R`; added to it again when this is dropped.
struct Permit<R: HasResource + Deref<Target = Semaphore>> {
    held: Held<R>,
}

impl<R: HasResource + Deref<Target = Semaphore>> Permit<R> {
    /// Records that `n` units were taken (after the fact).
    #[inline]
    fn taken(of: R, n: u32, done: Done, flags: u64) -> Self {
        let units = n.into();
        let hold = of.resource.acquired(done, units, flags);
        Permit {
            held: Held { of, hold, units },
        }
    }

    fn forget(&mut self) {
        let units = std::mem::take(&mut self.held.units);
        if units != 0 {
            forget(&self.held.of.resource, self.held.hold, units);
        }
    }

    #[track_caller]
    fn merge(&mut self, other: &mut Self) {
        assert!(
            std::ptr::eq(&raw const *self.held.of, &raw const *other.held.of),
            "merging permits from different semaphore instances"
        );
        let units = self.held.units.checked_add(other.held.units);
        self.held.units = units.expect("number of permits overflowed");
        other.held.units = 0;
        self.held
            .of
            .resource
            .change(|resource, sequence| HoldMerge {
                resource,
                sequence,
                hold: self.held.hold.0,
                gone: other.held.hold.0,
            });
    }

    fn split(&mut self, n: usize) -> Option<Self>
    where
        R: Clone,
    {
        let units = n as u64;
        self.held.units = self.held.units.checked_sub(units)?;
        let of = self.held.of.clone();
        let hold = Hold(of.resource.change(|resource, sequence| HoldSplit {
            resource,
            sequence,
            hold: self.held.hold.0,
            units,
        }));
        Some(Permit {
            held: Held { of, hold, units },
        })
    }
}

impl<R: HasResource + Deref<Target = Semaphore>> Drop for Permit<R> {
    #[inline]
    fn drop(&mut self) {
        let units = self.held.units;
        self.held.release();
        self.held.of.inner.add_permits(units as usize);
    }
}

/// [`tokio::sync::SemaphorePermit`](real::sync::SemaphorePermit), recorded.
#[must_use]
#[clippy::has_significant_drop]
pub struct SemaphorePermit<'a>(Permit<&'a Semaphore>);

impl<'a> SemaphorePermit<'a> {
    fn asked_of(
        of: &'a Semaphore,
        n: u32,
        location: &'static Location<'static>,
    ) -> impl Future<Output = Result<Self, AcquireError>> {
        let semaphore = of;
        let finish = move |result: Result<(), AcquireError>, done, of| {
            result.map(|()| SemaphorePermit(Permit::taken(of, n, done, 0)))
        };
        Asks::new(operation_kind::ACQUIRE, of, location, finish)
            .units(n)
            .ending(closed_if_error)
            .at_once(move |of: &&Semaphore| {
                of.inner.try_acquire_many(n).ok()?.forget();
                Some(Ok(()))
            })
            .queued_by(async move {
                semaphore.inner.acquire_many(n).await?.forget();
                Ok(())
            })
    }

    /// See [`real::sync::SemaphorePermit::forget`].
    pub fn forget(mut self) {
        self.0.forget();
    }

    /// See [`real::sync::SemaphorePermit::merge`].
    ///
    /// # Panics
    /// They are of different semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        self.0.merge(&mut other.0);
    }

    /// See [`real::sync::SemaphorePermit::split`].
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.0.split(n).map(SemaphorePermit)
    }

    /// See [`real::sync::SemaphorePermit::semaphore`].
    pub fn semaphore(&self) -> &Semaphore {
        self.0.held.of
    }

    /// See [`real::sync::SemaphorePermit::num_permits`].
    pub fn num_permits(&self) -> usize {
        self.0.held.units as usize
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit")
            .field("sem", self.semaphore())
            .field("permits", &self.num_permits())
            .finish()
    }
}

/// [`tokio::sync::OwnedSemaphorePermit`](real::sync::OwnedSemaphorePermit), recorded.
#[must_use]
#[clippy::has_significant_drop]
pub struct OwnedSemaphorePermit(Permit<Arc<Semaphore>>);

impl OwnedSemaphorePermit {
    fn asked_of(
        of: Arc<Semaphore>,
        n: u32,
        location: &'static Location<'static>,
    ) -> impl Future<Output = Result<Self, AcquireError>> {
        let semaphore = Arc::clone(&of);
        let finish = move |result: Result<(), AcquireError>, done, of| {
            result.map(|()| OwnedSemaphorePermit(Permit::taken(of, n, done, operation_flag::OWNED)))
        };
        Asks::new(operation_kind::ACQUIRE, of, location, finish)
            .units(n)
            .ending(closed_if_error)
            .at_once(move |of: &Arc<Semaphore>| {
                of.inner.try_acquire_many(n).ok()?.forget();
                Some(Ok(()))
            })
            .queued_by(async move {
                semaphore.inner.acquire_many(n).await?.forget();
                Ok(())
            })
    }

    /// See [`real::sync::OwnedSemaphorePermit::forget`].
    pub fn forget(mut self) {
        self.0.forget();
    }

    /// See [`real::sync::OwnedSemaphorePermit::merge`].
    ///
    /// # Panics
    /// They are of different semaphores.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        self.0.merge(&mut other.0);
    }

    /// See [`real::sync::OwnedSemaphorePermit::split`].
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.0.split(n).map(OwnedSemaphorePermit)
    }

    /// See [`real::sync::OwnedSemaphorePermit::semaphore`].
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.0.held.of
    }

    /// See [`real::sync::OwnedSemaphorePermit::num_permits`].
    pub fn num_permits(&self) -> usize {
        self.0.held.units as usize
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit")
            .field("sem", self.semaphore())
            .field("permits", &self.num_permits())
            .finish()
    }
}
