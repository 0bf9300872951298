//! For those who wrap an executor's or a library's own types so that their use is recorded.
//!
//! A wrapper keeps a [`Resource`] beside the lock, channel, … that it wraps and tells it of each change. What makes others go on (a
//! release, a message, a wake) is told before it is done; what takes something, after it was done. What has to wait becomes an
//! [`Operation`], what an executor schedules a [`Task`](crate::Task) or a [`Job`].
//!
//! ```
//! use std::panic::Location;
//! use ais_recorder::instrument::{Done, Hold, Operation, Request, Resource, Subject, event};
//!
//! /// Permits that are never given back.
//! struct Tickets {
//!     resource: Resource,
//!     inner: async_lock::Semaphore,
//! }
//!
//! struct Take<'a>(&'a Tickets, &'static Location<'static>);
//!
//! impl Subject<async_lock::SemaphoreGuard<'_>> for Take<'_> {
//!     type Output = ();
//!
//!     fn location(&self) -> &'static Location<'static> {
//!         self.1
//!     }
//!
//!     fn request(&self) -> Request<'_> {
//!         Request::of(event::operation_kind::ACQUIRE, &self.0.resource, self.1)
//!     }
//!
//!     fn finish(&mut self, permit: async_lock::SemaphoreGuard<'_>, done: Done) {
//!         let hold: Hold = self.0.resource.acquired(done, 1, 0);
//!         self.0.resource.forget(hold, 1);
//!         permit.forget();
//!     }
//! }
//!
//! impl Tickets {
//!     #[track_caller]
//!     fn take(&self) -> impl Future<Output = ()> {
//!         Operation::new(self.inner.acquire(), Take(self, Location::caller()))
//!     }
//! }
//! # let resource = Resource::new(event::resource_kind::SEMAPHORE, 2, Location::caller(), None);
//! # let tickets = Tickets { resource, inner: async_lock::Semaphore::new(2) };
//! # futures::executor::block_on(tickets.take());
//! ```

pub use ais_format::event;

pub use crate::context::current_executor;
pub use crate::define::location;
pub use crate::foreign::set_running_task;
pub use crate::operation::{Blocking, Done, HasBudget, Operation, Request, Slot, Subject, Target};
pub use crate::recorder::{flush, start_once_from_env};
pub use crate::resource::{End, Ends, HasResource, Held, Hold, Resource};
pub use crate::section::Section;
pub use crate::session::is_recording;
pub use crate::task::{About, Job, Joining, aborting, yielding};
pub use ais_format::live::Record;

/// Whether a value of this type can hold something that acts when it is dropped: a guard, an end of a channel.
#[must_use]
pub const fn can_hold<T>() -> bool {
    std::mem::needs_drop::<T>()
}
