//! The recorded lock with many readers or one writer.
//!
//! A reader takes one unit of it and a writer takes all, as in tokio itself. A writer that becomes a reader gives back all units but one
//! of the same hold.
#![allow(unsafe_code, reason = "guards that own their lock, see `owned`")]

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{operation_flag, operation_kind, resource_kind};
use ais_recorder::instrument::{Blocking, Done, HasResource, Held, Request, Resource};
use real::sync as tokio;
use real::sync::TryLockError;

use crate::operation::Asks;
use crate::owned::Erased;

mod guard;
mod owned_guard;

pub use guard::{RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard};
pub use owned_guard::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};

/// How many readers tokio's lock admits if nobody says otherwise.
const MAX_READS: u32 = u32::MAX >> 3;

/// [`tokio::sync::RwLock`](real::sync::RwLock), recorded.
pub struct RwLock<T: ?Sized> {
    resource: Resource,
    max_readers: u32,
    inner: tokio::RwLock<T>,
}

impl<T: ?Sized> RwLock<T> {
    /// See [`real::sync::RwLock::new`]. The lock is known by the place of this call.
    #[track_caller]
    pub fn new(value: T) -> RwLock<T>
    where
        T: Sized,
    {
        RwLock::of(tokio::RwLock::new(value), MAX_READS, Location::caller())
    }

    /// See [`real::sync::RwLock::with_max_readers`].
    ///
    /// # Panics
    /// `max_reads` is zero or above `u32::MAX >> 3`.
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> RwLock<T>
    where
        T: Sized,
    {
        let inner = tokio::RwLock::with_max_readers(value, max_reads);
        RwLock::of(inner, max_reads, Location::caller())
    }

    fn of(inner: tokio::RwLock<T>, max_readers: u32, location: &'static Location<'static>) -> Self
    where
        T: Sized,
    {
        let capacity = max_readers.into();
        RwLock {
            resource: crate::start::resource(resource_kind::RWLOCK, capacity, location, None),
            max_readers,
            inner,
        }
    }

    /// See [`real::sync::RwLock::const_new`].
    #[track_caller]
    pub const fn const_new(value: T) -> RwLock<T>
    where
        T: Sized,
    {
        RwLock::const_with_max_readers(value, MAX_READS)
    }

    /// See [`real::sync::RwLock::const_with_max_readers`].
    ///
    /// # Panics
    /// `max_reads` is zero or above `u32::MAX >> 3`.
    #[track_caller]
    pub const fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T>
    where
        T: Sized,
    {
        RwLock {
            resource: Resource::constant(
                resource_kind::RWLOCK,
                max_reads as u64,
                Location::caller(),
            ),
            max_readers: max_reads,
            inner: tokio::RwLock::const_with_max_readers(value, max_reads),
        }
    }

    /// See [`real::sync::RwLock::read`].
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        Asks::new(
            operation_kind::READ,
            self,
            Location::caller(),
            |inner, done, lock: &Self| lock.reads(inner, done),
        )
        .at_once(|lock: &&Self| lock.inner.try_read().ok())
        .queued_by(self.inner.read())
    }

    /// See [`real::sync::RwLock::blocking_read`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        let request = Request::of(operation_kind::READ, &self.resource, Location::caller());
        let blocking = Blocking::begin(request);
        let inner = self.inner.blocking_read();
        self.reads(inner, blocking.done())
    }

    /// See [`real::sync::RwLock::read_owned`].
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let lock = Arc::clone(&self);
        Asks::new(
            operation_kind::READ,
            self,
            Location::caller(),
            Self::reads_owned,
        )
        .queued_by(async move { Erased::new(lock.inner.read().await) })
    }

    /// See [`real::sync::RwLock::try_read`].
    ///
    /// # Errors
    /// It cannot be read now.
    #[track_caller]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        let inner = self.inner.try_read()?;
        Ok(self.reads(inner, Done::at_once()))
    }

    /// See [`real::sync::RwLock::try_read_owned`].
    ///
    /// # Errors
    /// It cannot be read now.
    #[track_caller]
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        let guard = Erased::new(self.inner.try_read()?);
        Ok(Self::reads_owned(guard, Done::at_once(), self))
    }

    /// See [`real::sync::RwLock::write`].
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        Asks::new(
            operation_kind::WRITE,
            self,
            Location::caller(),
            |inner, done, lock: &Self| lock.writes(inner, done),
        )
        .units(self.max_readers)
        .at_once(|lock: &&Self| lock.inner.try_write().ok())
        .queued_by(self.inner.write())
    }

    /// See [`real::sync::RwLock::blocking_write`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        let blocking = Blocking::begin(Request {
            units: self.max_readers.into(),
            ..Request::of(operation_kind::WRITE, &self.resource, Location::caller())
        });
        let inner = self.inner.blocking_write();
        self.writes(inner, blocking.done())
    }

    /// See [`real::sync::RwLock::write_owned`].
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let lock = Arc::clone(&self);
        let units = self.max_readers;
        Asks::new(
            operation_kind::WRITE,
            self,
            Location::caller(),
            Self::writes_owned,
        )
        .units(units)
        .queued_by(async move { Erased::new(lock.inner.write().await) })
    }

    /// See [`real::sync::RwLock::try_write`].
    ///
    /// # Errors
    /// It cannot be written now.
    #[track_caller]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        let inner = self.inner.try_write()?;
        Ok(self.writes(inner, Done::at_once()))
    }

    /// See [`real::sync::RwLock::try_write_owned`].
    ///
    /// # Errors
    /// It cannot be written now.
    #[track_caller]
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        let guard = Erased::new(self.inner.try_write()?);
        Ok(Self::writes_owned(guard, Done::at_once(), self))
    }

    /// See [`real::sync::RwLock::get_mut`].
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// See [`real::sync::RwLock::into_inner`]. (Tokio's own lock comes of `tokio::sync::RwLock::from`.)
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.inner.into_inner()
    }

    /// Records that it was taken (after the fact).
    #[inline]
    fn taken<R: HasResource>(of: R, done: Done, units: u32, flags: u64) -> Held<R> {
        let units = units.into();
        Held {
            hold: of.resource().acquired(done, units, flags),
            units,
            of,
        }
    }

    #[inline]
    fn reads<'a>(
        &'a self,
        inner: tokio::RwLockReadGuard<'a, T>,
        done: Done,
    ) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard::new(Self::taken(&self.resource, done, 1, 0), inner)
    }

    #[inline]
    fn writes<'a>(
        &'a self,
        inner: tokio::RwLockWriteGuard<'a, T>,
        done: Done,
    ) -> RwLockWriteGuard<'a, T> {
        let held = Self::taken(&self.resource, done, self.max_readers, 0);
        RwLockWriteGuard::new(held, inner)
    }

    /// The guard that `guard` was made of is a reader of this lock.
    fn reads_owned(guard: Erased, done: Done, lock: Arc<Self>) -> OwnedRwLockReadGuard<T> {
        let held = Self::taken(lock, done, 1, operation_flag::OWNED);
        // SAFETY: it was.
        unsafe { OwnedRwLockReadGuard::new(guard, held) }
    }

    /// The guard that `guard` was made of is a writer of this lock.
    fn writes_owned(guard: Erased, done: Done, lock: Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        let units = lock.max_readers;
        let held = Self::taken(lock, done, units, operation_flag::OWNED);
        // SAFETY: it was.
        unsafe { OwnedRwLockWriteGuard::new(guard, held) }
    }
}

/// Records that a writer becomes a reader. Before the fact.
fn keep_one_unit<R: HasResource>(held: &mut Held<R>) {
    let others = held.units - 1;
    if others != 0 {
        held.of.resource().releasing(held.hold, others);
    }
    held.units = 1;
}

impl<T: ?Sized> HasResource for RwLock<T> {
    #[inline]
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl<T> From<T> for RwLock<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

/// Tokio's lock does not tell how many readers it admits: it is recorded as one that admits as many as there can be.
impl<T> From<tokio::RwLock<T>> for RwLock<T> {
    #[track_caller]
    fn from(inner: tokio::RwLock<T>) -> Self {
        RwLock::of(inner, MAX_READS, Location::caller())
    }
}

impl<T> From<RwLock<T>> for tokio::RwLock<T> {
    fn from(lock: RwLock<T>) -> Self {
        lock.inner
    }
}

impl<T: Default> Default for RwLock<T> {
    #[track_caller]
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
