//! Permits, borrowed and owned.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{operation_flag, operation_kind};
use ais_recorder::instrument::{Done, HasResource, Held};
use real::sync::AcquireError;

use super::Semaphore;
use crate::operation::{Asks, closed_if_error};

/// Units of a semaphore that is reached through `R`; added to it again when this is dropped.
pub(super) struct Permit<R: HasResource + Deref<Target = Semaphore>> {
    held: Held<R>,
}

impl<R: HasResource + Deref<Target = Semaphore>> Permit<R> {
    /// Records that `n` units were taken (after the fact).
    #[inline]
    pub(super) fn taken(of: R, n: u32, done: Done, flags: u64) -> Self {
        let units = n.into();
        let hold = of.resource.acquired(done, units, flags);
        Permit {
            held: Held { of, hold, units },
        }
    }

    fn forget(&mut self) {
        let units = std::mem::take(&mut self.held.units);
        if units != 0 {
            self.held.of.resource.forget(self.held.hold, units);
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
        let gone = std::mem::take(&mut other.held.units);
        let resource = &self.held.of.resource;
        resource.merge(self.held.hold, other.held.hold, gone);
    }

    fn split(&mut self, n: usize) -> Option<Self>
    where
        R: Clone,
    {
        let units = n as u64;
        self.held.units = self.held.units.checked_sub(units)?;
        let of = self.held.of.clone();
        let hold = of.resource.split(self.held.hold, units);
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
pub struct SemaphorePermit<'a>(pub(super) Permit<&'a Semaphore>);

impl<'a> SemaphorePermit<'a> {
    pub(super) fn asked_of(
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
pub struct OwnedSemaphorePermit(pub(super) Permit<Arc<Semaphore>>);

impl OwnedSemaphorePermit {
    pub(super) fn asked_of(
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
