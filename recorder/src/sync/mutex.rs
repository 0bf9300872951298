//! The recorded mutex.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{Acquire, Release, operation_kind, outcome, resource_kind};

use crate::context;
use crate::define;
use crate::operation::{Request, Waiting, inline_flag};
use crate::record::emit;
use crate::resource::Resource;
use crate::session;

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
    pub fn lock(&self) -> Lock<'_, T> {
        Lock {
            mutex: self,
            inner: self.inner.lock(),
            waiting: None,
            location: Location::caller(),
        }
    }

    /// Takes the mutex if it is free.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let inner = self.inner.try_lock()?;
        // Not the operation of a pinned future: it cannot be told where this guard will live.
        Some(self.taken(inner, 0, 0, Location::caller()))
    }

    /// The value, without locking: nobody else can have the mutex.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut()
    }

    /// Records that the mutex was taken (after the fact), and wraps the guard.
    fn taken<'a>(
        &'a self,
        inner: async_lock::MutexGuard<'a, T>,
        operation: u64,
        flags: u64,
        location: &'static Location<'static>,
    ) -> MutexGuard<'a, T> {
        if session::is_recording() {
            let resource = self.resource.id();
            emit(&Acquire {
                resource,
                sequence: self.resource.next_change(),
                location: define::location(location),
                future: context::current().future,
                operation,
                flags: flags | self.resource.static_flags(),
            });
        }
        MutexGuard {
            resource: &self.resource,
            inner,
        }
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

pin_project_lite::pin_project! {
    /// Waits for a mutex. Made by [`Mutex::lock`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Lock<'a, T: ?Sized> {
        mutex: &'a Mutex<T>,
        #[pin]
        inner: async_lock::futures::Lock<'a, T>,
        waiting: Option<Waiting>,
        location: &'static Location<'static>,
    }
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let mutex: &'a Mutex<T> = this.mutex;
        if this.waiting.is_none() {
            if !session::is_recording() {
                return this.inner.poll(cx).map(|inner| MutexGuard {
                    resource: &mutex.resource,
                    inner,
                });
            }
            // What the first poll of the inner future would try, too.
            if let Some(inner) = mutex.inner.try_lock() {
                return Poll::Ready(mutex.taken(inner, 0, inline_flag(address), this.location));
            }
        }
        let waiting = this.waiting.get_or_insert_with(|| {
            let request = Request {
                kind: operation_kind::LOCK,
                target: mutex.resource.id(),
                handle: 0,
                location: this.location,
            };
            Waiting::begin(&request, mutex.resource.static_flags(), address, cx)
        });
        let Poll::Ready(inner) = waiting.poll(address, cx, |cx| this.inner.poll(cx)) else {
            return Poll::Pending;
        };
        let operation = waiting.id();
        waiting.end(outcome::READY);
        Poll::Ready(mutex.taken(inner, operation, inline_flag(address), this.location))
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("waiting", &self.waiting.is_some())
            .finish_non_exhaustive()
    }
}

/// Holds a mutex until it is dropped.
#[must_use = "a guard that is dropped at once unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    resource: &'a Resource,
    // Dropped after `Drop::drop` has recorded the release.
    inner: async_lock::MutexGuard<'a, T>,
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if session::is_recording() {
            emit(&Release {
                resource: self.resource.id(),
                sequence: self.resource.next_change(),
            });
        }
    }
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
        (**self).fmt(f)
    }
}
