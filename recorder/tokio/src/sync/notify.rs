//! The recorded `Notify`.
//!
//! A `notified()` counts from when it is made: `notify_waiters()` reaches it from then on. So the operation begins there, and its first
//! poll, or its `enable()`, is recorded as one more poll.
#![allow(unsafe_code, reason = "a future that owns what it borrows from")]

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ais_recorder::instrument::event::{self, notify_mode, operation_kind, outcome, resource_kind};
use ais_recorder::instrument::{self, HasResource, Request, Resource, Slot};
use pin_project_lite::pin_project;
use real::sync as tokio;

/// [`tokio::sync::Notify`](real::sync::Notify), recorded.
pub struct Notify {
    resource: Resource,
    inner: tokio::Notify,
}

impl Notify {
    /// See [`real::sync::Notify::new`]. It is known by the place of this call.
    #[track_caller]
    pub fn new() -> Notify {
        tokio::Notify::new().into()
    }

    /// See [`real::sync::Notify::const_new`].
    #[track_caller]
    pub const fn const_new() -> Notify {
        Notify {
            resource: Resource::constant(resource_kind::NOTIFY, 0, Location::caller()),
            inner: tokio::Notify::const_new(),
        }
    }

    /// See [`real::sync::Notify::notified`].
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        let waits = Waits::begin(&self.resource, 0, Location::caller());
        Notified {
            inner: self.inner.notified(),
            notify: self,
            waits,
        }
    }

    /// See [`real::sync::Notify::notified_owned`].
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        let flags = event::operation_flag::OWNED;
        let waits = Waits::begin(&self.resource, flags, Location::caller());
        // SAFETY: it lies in the `Arc`, where it stays. It is used by the future alone, which is dropped before the `Arc` that lies beside
        // it, and which is not given away.
        let inner: &'static tokio::Notify = unsafe { &*std::ptr::from_ref(&self.inner) };
        OwnedNotified {
            inner: inner.notified(),
            waits,
            notify: self,
        }
    }

    /// See [`real::sync::Notify::notify_one`].
    #[track_caller]
    pub fn notify_one(&self) {
        self.resource
            .notifying(notify_mode::ONE, Location::caller());
        self.inner.notify_one();
    }

    /// See [`real::sync::Notify::notify_last`].
    #[track_caller]
    pub fn notify_last(&self) {
        self.resource
            .notifying(notify_mode::LAST, Location::caller());
        self.inner.notify_last();
    }

    /// See [`real::sync::Notify::notify_waiters`].
    #[track_caller]
    pub fn notify_waiters(&self) {
        self.resource
            .notifying(notify_mode::WAITERS, Location::caller());
        self.inner.notify_waiters();
    }
}

impl HasResource for Notify {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl From<tokio::Notify> for Notify {
    #[track_caller]
    fn from(inner: tokio::Notify) -> Self {
        Notify {
            resource: crate::start::resource(resource_kind::NOTIFY, 0, Location::caller(), None),
            inner,
        }
    }
}

impl From<Notify> for tokio::Notify {
    fn from(notify: Notify) -> Self {
        notify.inner
    }
}

impl Default for Notify {
    #[track_caller]
    fn default() -> Notify {
        Notify::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl std::panic::UnwindSafe for Notify {}
impl std::panic::RefUnwindSafe for Notify {}

/// The recorded side of a `notified()`.
struct Waits {
    slot: Slot,
    flags: u64,
    location: &'static Location<'static>,
}

impl Waits {
    #[inline]
    fn begin(of: &Resource, flags: u64, location: &'static Location<'static>) -> Waits {
        let mut waits = Waits {
            slot: Slot::new(),
            flags,
            location,
        };
        if instrument::is_recording() {
            waits.slot = Slot::begun(&waits.request(of));
        }
        waits
    }

    fn request<'a>(&self, of: &'a Resource) -> Request<'a> {
        Request {
            flags: self.flags,
            ..Request::of(operation_kind::NOTIFIED, of, self.location)
        }
    }

    /// Polls the future that lies at `address`.
    #[inline]
    fn poll(
        &mut self,
        of: &Resource,
        address: usize,
        cx: &mut Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        let request = self.request(of);
        // It takes no budget: a poll always says where it stands.
        let result = self
            .slot
            .poll(|| request, address, || true, cx, poll, |()| outcome::READY);
        result.map(|((), _)| ())
    }

    /// It was enabled: it is done, or in the queue.
    #[inline]
    fn enabled(&mut self, of: &Resource, address: usize, is_done: bool) -> bool {
        if self.slot.operation().is_none() {
            // It did not begin, or is over.
        } else if is_done {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = self.poll(of, address, &mut cx, |_| Poll::Ready(()));
        } else {
            self.slot.queued(address);
        }
        is_done
    }

    fn give_up(&mut self, of: &Resource) {
        let request = self.request(of);
        self.slot.give_up(&request);
    }
}

pin_project! {
    /// [`tokio::sync::futures::Notified`](real::sync::futures::Notified), recorded.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Notified<'a> {
        #[pin]
        inner: tokio::futures::Notified<'a>,
        notify: &'a Notify,
        waits: Waits,
    }

    impl PinnedDrop for Notified<'_> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.waits.give_up(&this.notify.resource);
        }
    }
}

pin_project! {
    /// [`tokio::sync::futures::OwnedNotified`](real::sync::futures::OwnedNotified), recorded.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OwnedNotified {
        // Borrows from `notify`: stands before it, to be dropped first.
        #[pin]
        inner: tokio::futures::Notified<'static>,
        waits: Waits,
        notify: Arc<Notify>,
    }

    impl PinnedDrop for OwnedNotified {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.waits.give_up(&this.notify.resource);
        }
    }
}

macro_rules! notified {
    ($($notified:ty;)*) => {$(
        impl $notified {
            /// See [`real::sync::futures::Notified::enable`].
            pub fn enable(self: Pin<&mut Self>) -> bool {
                let address = std::ptr::from_ref(&*self).addr();
                let this = self.project();
                let is_done = this.inner.enable();
                this.waits.enabled(&this.notify.resource, address, is_done)
            }
        }

        impl Future for $notified {
            type Output = ();

            #[inline]
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let address = std::ptr::from_ref(&*self).addr();
                let this = self.project();
                let mut inner = this.inner;
                if this.waits.slot.is_unrecorded() {
                    return inner.poll(cx);
                }
                let of = &this.notify.resource;
                this.waits
                    .poll(of, address, cx, |cx| inner.as_mut().poll(cx))
            }
        }

        impl fmt::Debug for $notified {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.inner.fmt(f)
            }
        }
    )*};
}

notified! {
    Notified<'_>;
    OwnedNotified;
}
