//! The recorded value that is set once.
//!
//! Its capacity is 1, or 0 where it was set when it was made. That it is set is recorded before the fact, unless it was set already.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use ais_recorder::instrument::event::{notify_mode, operation_kind, resource_kind};
use ais_recorder::instrument::{HasResource, Resource};
use real::sync as tokio;
use real::sync::SetOnceError;

use crate::operation::Asks;

/// [`tokio::sync::SetOnce`](real::sync::SetOnce), recorded.
pub struct SetOnce<T> {
    resource: Resource,
    inner: tokio::SetOnce<T>,
}

impl<T> SetOnce<T> {
    /// See [`real::sync::SetOnce::new`]. It is known by the place of this call.
    #[track_caller]
    pub fn new() -> Self {
        tokio::SetOnce::new().into()
    }

    /// See [`real::sync::SetOnce::const_new`].
    #[track_caller]
    pub const fn const_new() -> Self {
        SetOnce {
            resource: Resource::constant(resource_kind::SET_ONCE, 1, Location::caller()),
            inner: tokio::SetOnce::const_new(),
        }
    }

    /// See [`real::sync::SetOnce::new_with`].
    #[track_caller]
    pub fn new_with(value: Option<T>) -> Self {
        tokio::SetOnce::new_with(value).into()
    }

    /// See [`real::sync::SetOnce::const_new_with`].
    #[track_caller]
    pub const fn const_new_with(value: T) -> Self {
        SetOnce {
            resource: Resource::constant(resource_kind::SET_ONCE, 0, Location::caller()),
            inner: tokio::SetOnce::const_new_with(value),
        }
    }

    /// See [`real::sync::SetOnce::initialized`].
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// See [`real::sync::SetOnce::get`].
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// See [`real::sync::SetOnce::set`].
    ///
    /// # Errors
    /// It is set already.
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        if !self.initialized() {
            // Where another one sets it meanwhile it is set all the same.
            self.resource
                .notifying(notify_mode::SET, Location::caller());
        }
        self.inner.set(value)
    }

    /// See [`real::sync::SetOnce::into_inner`].
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// See [`real::sync::SetOnce::wait`].
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        let finish = |value, _, _| value;
        Asks::new(operation_kind::SET, self, Location::caller(), finish)
            .unbudgeted_by(self.inner.wait())
    }
}

impl<T> HasResource for SetOnce<T> {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl<T> From<tokio::SetOnce<T>> for SetOnce<T> {
    #[track_caller]
    fn from(inner: tokio::SetOnce<T>) -> Self {
        let capacity = u64::from(!inner.initialized());
        let location = Location::caller();
        SetOnce {
            resource: crate::start::resource(resource_kind::SET_ONCE, capacity, location, None),
            inner,
        }
    }
}

impl<T> From<SetOnce<T>> for tokio::SetOnce<T> {
    fn from(once: SetOnce<T>) -> Self {
        once.inner
    }
}

impl<T> From<T> for SetOnce<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        SetOnce::new_with(Some(value))
    }
}

impl<T> Default for SetOnce<T> {
    #[track_caller]
    fn default() -> Self {
        SetOnce::new()
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        SetOnce::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
