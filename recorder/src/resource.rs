//! What every recorded resource has in common: a number, a place where it was made, and a count of its changes.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ais_format::event::{ResourceDrop, ResourceNew, operation_flag, resource_flag};

use crate::define;
use crate::platform::{Statics, lies_in_static_memory};
use crate::record::emit;
use crate::session;

/// The recorded side of a lock or a channel.
pub(crate) struct Resource {
    id: u64,
    kind: u64,
    capacity: u64,
    location: &'static Location<'static>,
    name: Option<Cow<'static, str>>,
    /// The recording to which it was announced.
    announced: AtomicU32,
    changes: AtomicU64,
}

impl Resource {
    pub(crate) fn new(
        kind: u64,
        capacity: u64,
        location: &'static Location<'static>,
        name: Option<Cow<'static, str>>,
    ) -> Resource {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let resource = Resource {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            kind,
            capacity,
            location,
            name,
            announced: AtomicU32::new(0),
            changes: AtomicU64::new(0),
        };
        if session::is_recording() {
            resource.announce(0);
        }
        resource
    }

    #[cold]
    fn announce(&self, flags: u64) {
        let session = session::current().0;
        if self.announced.swap(session, Ordering::AcqRel) == session {
            return;
        }
        emit(&ResourceNew {
            resource: self.id,
            kind: self.kind,
            location: define::location(self.location),
            capacity: self.capacity,
            name: self.name.as_ref().map_or(0, |name| define::name(name)),
            flags,
        });
    }

    /// Its number. Makes sure that the recording under way knows of it.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        if self.announced.load(Ordering::Relaxed) != session::current().0 {
            self.announce(resource_flag::LATE);
        }
        self.id
    }

    /// The number of the next change: this is what orders changes by different threads.
    #[inline]
    pub(crate) fn next_change(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Whether it lies in static memory, as flags of an operation on it.
    pub(crate) fn static_flags(&self) -> u64 {
        match lies_in_static_memory(std::ptr::from_ref(self).addr()) {
            Statics::Outside => 0,
            Statics::Inside => operation_flag::STATIC,
            Statics::Unknown => operation_flag::MAYBE_STATIC,
        }
    }
}

impl Drop for Resource {
    fn drop(&mut self) {
        if session::is_recording() && *self.announced.get_mut() == session::current().0 {
            emit(&ResourceDrop { resource: self.id });
        }
    }
}
