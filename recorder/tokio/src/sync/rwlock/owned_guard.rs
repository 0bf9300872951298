//! Guards that own their lock, see [`owned`](crate::owned).
#![allow(unsafe_code, reason = "guards that own their lock, see `owned`")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ais_recorder::instrument::Held;
use real::sync as tokio;

use super::{RwLock, keep_one_unit};
use crate::owned::{Erased, Owned};

/// [`tokio::sync::OwnedRwLockReadGuard`](real::sync::OwnedRwLockReadGuard), recorded.
#[clippy::has_significant_drop]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    /// Of a `tokio::RwLockReadGuard<'_, U>`.
    owned: Owned<RwLock<T>>,
    /// Gives out shared references to a `U`.
    marker: PhantomData<(PhantomData<T>, *const U)>,
}

// SAFETY: it is an `Arc<RwLock<T>>`, which can be sent where a `T` can be sent and shared, and a guard that is as good as an `&U`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Sync> Send for OwnedRwLockReadGuard<T, U> {}
// SAFETY: it gives out `&U`, and is as good as an `&Arc<RwLock<T>>`.
unsafe impl<T: ?Sized + Send + Sync, U: ?Sized + Send + Sync> Sync for OwnedRwLockReadGuard<T, U> {}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// # Safety
    /// `guard` was made of a `tokio::RwLockReadGuard<'_, T>` of the lock that is held.
    pub(super) unsafe fn new(guard: Erased, held: Held<Arc<RwLock<T>>>) -> Self {
        // SAFETY: the caller says so.
        OwnedRwLockReadGuard::of(unsafe { Owned::new(guard, held) })
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    fn of(owned: Owned<RwLock<T>>) -> Self {
        let marker = PhantomData;
        OwnedRwLockReadGuard { owned, marker }
    }

    /// See [`real::sync::OwnedRwLockReadGuard::map`].
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        // SAFETY: an `RwLockReadGuard` is there, and is changed into one that borrows from the same lock.
        OwnedRwLockReadGuard::of(unsafe {
            this.owned
                .map(|guard: tokio::RwLockReadGuard<'_, U>| tokio::RwLockReadGuard::map(guard, f))
        })
    }

    /// See [`real::sync::OwnedRwLockReadGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        // SAFETY: as for `map`.
        let owned = unsafe {
            this.owned
                .try_map(|guard: tokio::RwLockReadGuard<'_, U>, _| {
                    tokio::RwLockReadGuard::try_map(guard, f)
                })
        };
        match owned {
            Ok(owned) => Ok(OwnedRwLockReadGuard::of(owned)),
            Err(owned) => Err(OwnedRwLockReadGuard::of(owned)),
        }
    }

    /// See [`real::sync::OwnedRwLockReadGuard::rwlock`].
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.owned.of()
    }

    fn guard(&self) -> &tokio::RwLockReadGuard<'_, U> {
        // SAFETY: that is what is there.
        unsafe { self.owned.guard() }
    }
}

/// [`tokio::sync::OwnedRwLockWriteGuard`](real::sync::OwnedRwLockWriteGuard), recorded.
#[clippy::has_significant_drop]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    /// Of a `tokio::RwLockWriteGuard<'_, T>`.
    owned: Owned<RwLock<T>>,
    /// Gives out references to a `T` that others use as a `T` too.
    marker: PhantomData<(PhantomData<T>, *mut T)>,
}

// SAFETY: it is a guard of an `Arc<RwLock<T>>` and that: both can be sent where a `T` can be sent and shared.
unsafe impl<T: ?Sized + Send + Sync> Send for OwnedRwLockWriteGuard<T> {}
// SAFETY: it gives out `&T`, and is as good as an `&Arc<RwLock<T>>`.
unsafe impl<T: ?Sized + Send + Sync> Sync for OwnedRwLockWriteGuard<T> {}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// # Safety
    /// `guard` was made of a `tokio::RwLockWriteGuard<'_, T>` of the lock that is held.
    pub(super) unsafe fn new(guard: Erased, held: Held<Arc<RwLock<T>>>) -> Self {
        // SAFETY: the caller says so.
        OwnedRwLockWriteGuard::of(unsafe { Owned::new(guard, held) })
    }

    fn of(owned: Owned<RwLock<T>>) -> Self {
        let marker = PhantomData;
        OwnedRwLockWriteGuard { owned, marker }
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::map`].
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        // SAFETY: an `RwLockWriteGuard` is there, and is changed into a guard that borrows from the same lock.
        OwnedRwLockMappedWriteGuard::of(unsafe {
            this.owned
                .map(|guard: tokio::RwLockWriteGuard<'_, T>| tokio::RwLockWriteGuard::map(guard, f))
        })
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        // SAFETY: as for `map`.
        let owned = unsafe {
            this.owned
                .try_map(|guard: tokio::RwLockWriteGuard<'_, T>, _| {
                    tokio::RwLockWriteGuard::try_map(guard, f)
                })
        };
        match owned {
            Ok(owned) => Ok(OwnedRwLockMappedWriteGuard::of(owned)),
            Err(owned) => Err(OwnedRwLockWriteGuard::of(owned)),
        }
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::downgrade_map`].
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        match Self::try_downgrade_map(this, |value| Some(f(value))) {
            Ok(reader) => reader,
            Err(_) => unreachable!("there is a part to read"),
        }
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::try_downgrade_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        // SAFETY: as for `map`; what is held stays what it is.
        let owned = unsafe {
            this.owned
                .try_map(|guard: tokio::RwLockWriteGuard<'_, T>, held| {
                    tokio::RwLockWriteGuard::try_downgrade_map(guard, |value| {
                        let part = f(value)?;
                        keep_one_unit(held);
                        Some(part)
                    })
                })
        };
        match owned {
            Ok(owned) => Ok(OwnedRwLockReadGuard::of(owned)),
            Err(owned) => Err(OwnedRwLockWriteGuard::of(owned)),
        }
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::into_mapped`].
    #[inline]
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        Self::map(this, |value| value)
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::downgrade`].
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        Self::downgrade_map(self, |value| value)
    }

    /// See [`real::sync::OwnedRwLockWriteGuard::rwlock`].
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.owned.of()
    }

    fn guard(&self) -> &tokio::RwLockWriteGuard<'_, T> {
        // SAFETY: that is what is there.
        unsafe { self.owned.guard() }
    }
}

/// [`tokio::sync::OwnedRwLockMappedWriteGuard`](real::sync::OwnedRwLockMappedWriteGuard), recorded.
#[clippy::has_significant_drop]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    /// Of a `tokio::RwLockMappedWriteGuard<'_, U>`.
    owned: Owned<RwLock<T>>,
    /// Gives out references to a `U` that is part of the `T`: so it can be used as nothing but a `U`.
    marker: PhantomData<(PhantomData<T>, *mut U)>,
}

// SAFETY: as for `OwnedRwLockWriteGuard`.
unsafe impl<T, U> Send for OwnedRwLockMappedWriteGuard<T, U>
where
    T: ?Sized + Send + Sync,
    U: ?Sized + Send + Sync,
{
}
// SAFETY: as for `OwnedRwLockWriteGuard`.
unsafe impl<T, U> Sync for OwnedRwLockMappedWriteGuard<T, U>
where
    T: ?Sized + Send + Sync,
    U: ?Sized + Send + Sync,
{
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    fn of(owned: Owned<RwLock<T>>) -> Self {
        let marker = PhantomData;
        OwnedRwLockMappedWriteGuard { owned, marker }
    }

    /// See [`real::sync::OwnedRwLockMappedWriteGuard::map`].
    #[inline]
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        // SAFETY: an `RwLockMappedWriteGuard` is there, and is changed into one that borrows from the same lock.
        OwnedRwLockMappedWriteGuard::of(unsafe {
            this.owned
                .map(|guard: tokio::RwLockMappedWriteGuard<'_, U>| {
                    tokio::RwLockMappedWriteGuard::map(guard, f)
                })
        })
    }

    /// See [`real::sync::OwnedRwLockMappedWriteGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, V: ?Sized>(
        this: Self,
        f: F,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        // SAFETY: as for `map`.
        let owned = unsafe {
            this.owned
                .try_map(|guard: tokio::RwLockMappedWriteGuard<'_, U>, _| {
                    tokio::RwLockMappedWriteGuard::try_map(guard, f)
                })
        };
        match owned {
            Ok(owned) => Ok(OwnedRwLockMappedWriteGuard::of(owned)),
            Err(owned) => Err(OwnedRwLockMappedWriteGuard::of(owned)),
        }
    }

    /// See [`real::sync::OwnedRwLockMappedWriteGuard::rwlock`].
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.owned.of()
    }

    fn guard(&self) -> &tokio::RwLockMappedWriteGuard<'_, U> {
        // SAFETY: that is what is there.
        unsafe { self.owned.guard() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockReadGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        self.guard()
    }
}

impl<T: ?Sized> Deref for OwnedRwLockWriteGuard<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.guard()
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: an `RwLockWriteGuard` is there.
        unsafe { self.owned.guard_mut::<tokio::RwLockWriteGuard<'_, T>>() }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockMappedWriteGuard<T, U> {
    type Target = U;
    #[inline]
    fn deref(&self) -> &U {
        self.guard()
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedRwLockMappedWriteGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        // SAFETY: an `RwLockMappedWriteGuard` is there.
        unsafe {
            self.owned
                .guard_mut::<tokio::RwLockMappedWriteGuard<'_, U>>()
        }
    }
}

shown! {
    [T: ?Sized,] OwnedRwLockReadGuard<T, U>, U;
    [] OwnedRwLockWriteGuard<T>, T;
    [T: ?Sized,] OwnedRwLockMappedWriteGuard<T, U>, U;
}
