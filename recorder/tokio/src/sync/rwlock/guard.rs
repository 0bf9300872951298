//! Guards that borrow their lock.

use std::fmt;
use std::ops::{Deref, DerefMut};

use ais_recorder::instrument::{Held, Resource};
use real::sync as tokio;

use super::keep_one_unit;

/// [`tokio::sync::RwLockReadGuard`](real::sync::RwLockReadGuard), recorded.
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    // Before the guard itself: the release is recorded before it is done.
    held: Held<&'a Resource>,
    inner: tokio::RwLockReadGuard<'a, T>,
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    #[inline]
    pub(super) fn new(held: Held<&'a Resource>, inner: tokio::RwLockReadGuard<'a, T>) -> Self {
        RwLockReadGuard { held, inner }
    }

    /// See [`real::sync::RwLockReadGuard::map`].
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let held = this.held;
        let inner = tokio::RwLockReadGuard::map(this.inner, f);
        RwLockReadGuard { held, inner }
    }

    /// See [`real::sync::RwLockReadGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let held = this.held;
        match tokio::RwLockReadGuard::try_map(this.inner, f) {
            Ok(inner) => Ok(RwLockReadGuard { held, inner }),
            Err(inner) => Err(RwLockReadGuard { held, inner }),
        }
    }
}

/// [`tokio::sync::RwLockWriteGuard`](real::sync::RwLockWriteGuard), recorded.
#[clippy::has_significant_drop]
#[must_use = "if unused the RwLock will immediately unlock"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    held: Held<&'a Resource>,
    inner: tokio::RwLockWriteGuard<'a, T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    #[inline]
    pub(super) fn new(held: Held<&'a Resource>, inner: tokio::RwLockWriteGuard<'a, T>) -> Self {
        RwLockWriteGuard { held, inner }
    }

    /// See [`real::sync::RwLockWriteGuard::map`].
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let held = this.held;
        let inner = tokio::RwLockWriteGuard::map(this.inner, f);
        RwLockMappedWriteGuard { held, inner }
    }

    /// See [`real::sync::RwLockWriteGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let held = this.held;
        match tokio::RwLockWriteGuard::try_map(this.inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { held, inner }),
            Err(inner) => Err(RwLockWriteGuard { held, inner }),
        }
    }

    /// See [`real::sync::RwLockWriteGuard::downgrade_map`].
    #[inline]
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        let mut held = this.held;
        let inner = tokio::RwLockWriteGuard::downgrade_map(this.inner, |value| {
            let part = f(value);
            keep_one_unit(&mut held);
            part
        });
        RwLockReadGuard { held, inner }
    }

    /// See [`real::sync::RwLockWriteGuard::try_downgrade_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        let mut held = this.held;
        let inner = tokio::RwLockWriteGuard::try_downgrade_map(this.inner, |value| {
            let part = f(value)?;
            keep_one_unit(&mut held);
            Some(part)
        });
        match inner {
            Ok(inner) => Ok(RwLockReadGuard { held, inner }),
            Err(inner) => Err(RwLockWriteGuard { held, inner }),
        }
    }

    /// See [`real::sync::RwLockWriteGuard::into_mapped`].
    #[inline]
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockWriteGuard::map(this, |value| value)
    }

    /// See [`real::sync::RwLockWriteGuard::downgrade`].
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        let mut held = self.held;
        keep_one_unit(&mut held);
        let inner = self.inner.downgrade();
        RwLockReadGuard { held, inner }
    }
}

/// [`tokio::sync::RwLockMappedWriteGuard`](real::sync::RwLockMappedWriteGuard), recorded.
#[clippy::has_significant_drop]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    held: Held<&'a Resource>,
    inner: tokio::RwLockMappedWriteGuard<'a, T>,
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// See [`real::sync::RwLockMappedWriteGuard::map`].
    #[inline]
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        let held = this.held;
        let inner = tokio::RwLockMappedWriteGuard::map(this.inner, f);
        RwLockMappedWriteGuard { held, inner }
    }

    /// See [`real::sync::RwLockMappedWriteGuard::try_map`].
    ///
    /// # Errors
    /// `f` gives nothing: the guard comes back.
    #[inline]
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        let held = this.held;
        match tokio::RwLockMappedWriteGuard::try_map(this.inner, f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { held, inner }),
            Err(inner) => Err(RwLockMappedWriteGuard { held, inner }),
        }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized> Deref for RwLockMappedWriteGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockMappedWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

shown! {
    ['a,] RwLockReadGuard<'a, T>, T;
    ['a,] RwLockWriteGuard<'a, T>, T;
    ['a,] RwLockMappedWriteGuard<'a, T>, T;
}
