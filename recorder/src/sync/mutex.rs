//! The recorded mutex.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::task::Context;

use ais_format::event::{operation_kind, resource_kind};

use crate::operation::{Done, Operation, Request, Subject};
use crate::resource::{HasResource, Held, Resource};

/// An async mutex whose use is recorded: [`async_lock::Mutex`] with a record of who holds it and who waits.
///
/// ```
/// # futures::executor::block_on(async {
/// let balance = ais_recorder::sync::Mutex::new(5);
/// *balance.lock().await += 1;
/// assert_eq!(*balance.lock().await, 6);
/// # });
/// ```
pub struct Mutex<T: ?Sized> {
    resource: Resource,
    inner: async_lock::Mutex<T>,
}

impl<T> Mutex<T> {
    /// A mutex over `value`. It is known by the place of this call.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self::make(value, None, Location::caller())
    }

    /// A mutex over `value` with a name of its own, for programs that make many at one place.
    #[track_caller]
    pub fn named(name: impl Into<Cow<'static, str>>, value: T) -> Self {
        Self::make(value, Some(name.into()), Location::caller())
    }

    fn make(
        value: T,
        name: Option<Cow<'static, str>>,
        location: &'static Location<'static>,
    ) -> Self {
        Mutex {
            resource: Resource::new(resource_kind::MUTEX, 1, location, name),
            inner: async_lock::Mutex::new(value),
        }
    }

    /// The value, where nobody else can have the mutex.
    pub fn into_inner(self) -> T {
        self.inner.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the mutex and takes it.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let subject = Lock {
            mutex: self,
            location: Location::caller(),
        };
        Operation::new(self.inner.lock(), subject)
    }

    /// Takes the mutex if it is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let inner = self.inner.try_lock()?;
        Some(self.taken(inner, Done::at_once()))
    }

    /// The value, without locking: nobody else can have the mutex.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Records that the mutex was taken (after the fact), and wraps the guard.
    #[inline]
    fn taken<'a>(&'a self, inner: async_lock::MutexGuard<'a, T>, done: Done) -> MutexGuard<'a, T> {
        let held = Held {
            of: &self.resource,
            hold: self.resource.acquired(done, 1, 0),
            units: 1,
        };
        MutexGuard { held, inner }
    }
}

impl<T: ?Sized> HasResource for Mutex<T> {
    fn resource(&self) -> &Resource {
        &self.resource
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

/// Waits for a mutex.
struct Lock<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    location: &'static Location<'static>,
}

impl<'a, T: ?Sized> Subject<async_lock::MutexGuard<'a, T>> for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn location(&self) -> &'static Location<'static> {
        self.location
    }

    fn request(&self) -> Request<'_> {
        Request::of(operation_kind::LOCK, &self.mutex.resource, self.location)
    }

    #[inline]
    fn at_once(&self, _: &mut Context<'_>) -> Option<async_lock::MutexGuard<'a, T>> {
        self.mutex.inner.try_lock()
    }

    #[inline]
    fn finish(&mut self, inner: async_lock::MutexGuard<'a, T>, done: Done) -> Self::Output {
        self.mutex.taken(inner, done)
    }
}

/// Holds a mutex until it is dropped.
#[must_use = "a guard that is dropped at once unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    // Before the guard itself: the release is recorded before it is done.
    held: Held<&'a Resource>,
    inner: async_lock::MutexGuard<'a, T>,
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = &self.held;
        (**self).fmt(f)
    }
}
