//! The recorded mutex.
#![allow(unsafe_code, reason = "guards that own their lock, see `owned`")]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::{operation_flag, operation_kind, resource_kind};
use ais_recorder::instrument::{Blocking, Done, HasResource, Held, Request, Resource};
use real::sync as tokio;
use real::sync::TryLockError;

use crate::operation::Asks;
use crate::owned::{Erased, Owned};

/// [`tokio::sync::Mutex`](real::sync::Mutex), recorded.
pub struct Mutex<T: ?Sized> {
    resource: Resource,
    inner: tokio::Mutex<T>,
}

impl<T: ?Sized> Mutex<T> {
    /// See [`real::sync::Mutex::new`]. The mutex is known by the place of this call.
    #[track_caller]
    pub fn new(t: T) -> Self
    where
        T: Sized,
    {
        tokio::Mutex::new(t).into()
    }

    /// See [`real::sync::Mutex::const_new`].
    #[track_caller]
    pub const fn const_new(t: T) -> Self
    where
        T: Sized,
    {
        Mutex {
            resource: Resource::constant(resource_kind::MUTEX, 1, Location::caller()),
            inner: tokio::Mutex::const_new(t),
        }
    }

    /// See [`real::sync::Mutex::lock`].
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        Asks::new(operation_kind::LOCK, self, Location::caller(), Self::taken)
            .at_once(|mutex: &&Self| mutex.inner.try_lock().ok())
            .queued_by(self.inner.lock())
    }

    /// See [`real::sync::Mutex::blocking_lock`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        let request = Request::of(operation_kind::LOCK, &self.resource, Location::caller());
        let blocking = Blocking::begin(request);
        let inner = self.inner.blocking_lock();
        Self::taken(inner, blocking.done(), self)
    }

    /// See [`real::sync::Mutex::blocking_lock_owned`].
    ///
    /// # Panics
    /// In an asynchronous context.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        let request = Request::of(operation_kind::LOCK, &self.resource, Location::caller());
        let blocking = Blocking::begin(request);
        let guard = Erased::new(self.inner.blocking_lock());
        let done = blocking.done();
        Self::taken_owned(guard, done, self)
    }

    /// See [`real::sync::Mutex::lock_owned`].
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let lock = Arc::clone(&self);
        Asks::new(
            operation_kind::LOCK,
            self,
            Location::caller(),
            Self::taken_owned,
        )
        .queued_by(async move { Erased::new(lock.inner.lock().await) })
    }

    /// See [`real::sync::Mutex::try_lock`].
    ///
    /// # Errors
    /// It is locked.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        let inner = self.inner.try_lock()?;
        Ok(Self::taken(inner, Done::at_once(), self))
    }

    /// See [`real::sync::Mutex::try_lock_owned`].
    ///
    /// # Errors
    /// It is locked.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        let guard = Erased::new(self.inner.try_lock()?);
        Ok(Self::taken_owned(guard, Done::at_once(), self))
    }

    /// See [`real::sync::Mutex::get_mut`].
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// See [`real::sync::Mutex::into_inner`]. (Tokio's own mutex comes of `tokio::sync::Mutex::from`.)
    pub fn into_inner(self) -> T
    where
        T: Sized,
    {
        self.inner.into_inner()
    }

    /// Records that it was taken (after the fact), and wraps the guard.
    #[inline]
    fn taken<'a>(
        inner: tokio::MutexGuard<'a, T>,
        done: Done,
        lock: &'a Mutex<T>,
    ) -> MutexGuard<'a, T> {
        let held = Held {
            of: &lock.resource,
            hold: lock.resource.acquired(done, 1, 0),
            units: 1,
        };
        MutexGuard { held, inner, lock }
    }

    fn taken_owned(guard: Erased, done: Done, lock: Arc<Mutex<T>>) -> OwnedMutexGuard<T> {
        let held = Held {
            hold: lock.resource.acquired(done, 1, operation_flag::OWNED),
            units: 1,
            of: lock,
        };
        OwnedMutexGuard {
            // SAFETY: the guard is one of this lock.
            owned: unsafe { Owned::new(guard, held) },
            marker: PhantomData,
        }
    }
}

impl<T: ?Sized> HasResource for Mutex<T> {
    #[inline]
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T> From<tokio::Mutex<T>> for Mutex<T> {
    #[track_caller]
    fn from(inner: tokio::Mutex<T>) -> Self {
        Mutex {
            resource: crate::start::resource(resource_kind::MUTEX, 1, Location::caller(), None),
            inner,
        }
    }
}

impl<T> From<Mutex<T>> for tokio::Mutex<T> {
    fn from(mutex: Mutex<T>) -> Self {
        mutex.inner
    }
}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// [`tokio::sync::MutexGuard`](real::sync::MutexGuard), recorded.
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MutexGuard<'a, T: ?Sized> {
    // Before the guard itself: the release is recorded before it is done.
    held: Held<&'a Resource>,
    inner: tokio::MutexGuard<'a, T>,
    lock: &'a Mutex<T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// See [`real::sync::MutexGuard::map`].
    #[inline]
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard {
            held: this.held,
            inner: tokio::MutexGuard::map(this.inner, f),
        }
    }

    /// See [`real::sync::MutexGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let (held, lock) = (this.held, this.lock);
        match tokio::MutexGuard::try_map(this.inner, f) {
            Ok(inner) => Ok(MappedMutexGuard { held, inner }),
            Err(inner) => Err(MutexGuard { held, inner, lock }),
        }
    }

    /// See [`real::sync::MutexGuard::mutex`].
    #[inline]
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.lock
    }
}

/// [`tokio::sync::MappedMutexGuard`](real::sync::MappedMutexGuard), recorded.
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    held: Held<&'a Resource>,
    inner: tokio::MappedMutexGuard<'a, T>,
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// See [`real::sync::MappedMutexGuard::map`].
    #[inline]
    pub fn map<U, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        MappedMutexGuard {
            held: this.held,
            inner: tokio::MappedMutexGuard::map(this.inner, f),
        }
    }

    /// See [`real::sync::MappedMutexGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<U, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let held = this.held;
        match tokio::MappedMutexGuard::try_map(this.inner, f) {
            Ok(inner) => Ok(MappedMutexGuard { held, inner }),
            Err(inner) => Err(MappedMutexGuard { held, inner }),
        }
    }
}

/// [`tokio::sync::OwnedMutexGuard`](real::sync::OwnedMutexGuard), recorded.
#[clippy::has_significant_drop]
pub struct OwnedMutexGuard<T: ?Sized> {
    /// Of a `tokio::MutexGuard<'_, T>`.
    owned: Owned<Mutex<T>>,
    /// Gives out references to a `T`.
    marker: PhantomData<Box<T>>,
}

// SAFETY: it is a guard of an `Arc<Mutex<T>>` and that: both can be sent where a `T` can.
unsafe impl<T: ?Sized + Send> Send for OwnedMutexGuard<T> {}
// SAFETY: it gives out `&T`, and is as good as an `&Arc<Mutex<T>>`.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedMutexGuard<T> {}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// See [`real::sync::OwnedMutexGuard::map`].
    #[inline]
    pub fn map<U, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> &mut U,
    {
        OwnedMappedMutexGuard {
            // SAFETY: a `MutexGuard` is there, and is changed into one that borrows from the same lock.
            owned: unsafe {
                this.owned
                    .map(|guard: tokio::MutexGuard<'_, T>| tokio::MutexGuard::map(guard, f))
            },
            marker: PhantomData,
        }
    }

    /// See [`real::sync::OwnedMutexGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<U, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        U: ?Sized,
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        // SAFETY: as for `map`.
        match unsafe {
            this.owned
                .try_map(|guard: tokio::MutexGuard<'_, T>, _| tokio::MutexGuard::try_map(guard, f))
        } {
            Ok(owned) => Ok(OwnedMappedMutexGuard {
                owned,
                marker: PhantomData,
            }),
            Err(owned) => Err(OwnedMutexGuard {
                owned,
                marker: PhantomData,
            }),
        }
    }

    /// See [`real::sync::OwnedMutexGuard::mutex`].
    #[inline]
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        this.owned.of()
    }

    fn guard(&self) -> &tokio::MutexGuard<'_, T> {
        // SAFETY: that is what is there.
        unsafe { self.owned.guard() }
    }
}

/// [`tokio::sync::OwnedMappedMutexGuard`](real::sync::OwnedMappedMutexGuard), recorded.
#[clippy::has_significant_drop]
#[must_use = "if unused the Mutex will immediately unlock"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    /// Of a `tokio::MappedMutexGuard<'_, U>`.
    owned: Owned<Mutex<T>>,
    /// Gives out references to a `U` that is part of the `T`: so it can be used as nothing but a `U`.
    marker: PhantomData<*mut U>,
}

// SAFETY: as for `OwnedMutexGuard`.
unsafe impl<T: ?Sized + Send, U: ?Sized + Send> Send for OwnedMappedMutexGuard<T, U> {}
// SAFETY: as for `OwnedMutexGuard`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedMappedMutexGuard<T, U> {}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// See [`real::sync::OwnedMappedMutexGuard::map`].
    #[inline]
    pub fn map<S, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        OwnedMappedMutexGuard {
            // SAFETY: a `MappedMutexGuard` is there, and is changed into one that borrows from the same lock.
            owned: unsafe {
                this.owned.map(|guard: tokio::MappedMutexGuard<'_, U>| {
                    tokio::MappedMutexGuard::map(guard, f)
                })
            },
            marker: PhantomData,
        }
    }

    /// See [`real::sync::OwnedMappedMutexGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<S, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        // SAFETY: as for `map`.
        match unsafe {
            this.owned
                .try_map(|guard: tokio::MappedMutexGuard<'_, U>, _| {
                    tokio::MappedMutexGuard::try_map(guard, f)
                })
        } {
            Ok(owned) => Ok(OwnedMappedMutexGuard {
                owned,
                marker: PhantomData,
            }),
            Err(owned) => Err(OwnedMappedMutexGuard {
                owned,
                marker: PhantomData,
            }),
        }
    }

    fn guard(&self) -> &tokio::MappedMutexGuard<'_, U> {
        // SAFETY: that is what is there.
        unsafe { self.owned.guard() }
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized> Deref for MappedMutexGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MappedMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.guard()
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: a `MutexGuard` is there.
        unsafe { self.owned.guard_mut::<tokio::MutexGuard<'_, T>>() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        self.guard()
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: a `MappedMutexGuard` is there.
        unsafe { self.owned.guard_mut::<tokio::MappedMutexGuard<'_, U>>() }
    }
}

shown! {
    ['a,] MutexGuard<'a, T>, T;
    ['a,] MappedMutexGuard<'a, T>, T;
    [] OwnedMutexGuard<T>, T;
    [T: ?Sized,] OwnedMappedMutexGuard<T, U>, U;
}
