//! What every recorded resource has in common: a number, a place where it was made, a count of its changes, and holds of it.
//!
//! A [`Resource`] lies inside the lock, channel, … that it is the recorded side of. Each change of it is numbered: that is what orders
//! changes by different threads. Whoever takes units of it gets a [`Hold`], the number of that change, and gives it back with them.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ais_format::event::{
    Acquire, Escape, HandleDrop, HandleNew, Release, ResourceDrop, ResourceNew, operation_flag,
    resource_flag,
};

use crate::context;
use crate::define;
use crate::foreign;
use crate::operation::done::Done;
use crate::platform::{Statics, lies_in_static_memory};
use crate::record::{Record, emit};
use crate::session::{self, Word};

/// The recorded side of a lock, a channel, a runtime, …
#[derive(Debug)]
pub struct Resource {
    /// Zero until it is needed: constants cannot draw a number.
    id: AtomicU64,
    kind: u64,
    capacity: u64,
    location: &'static Location<'static>,
    name: Option<Cow<'static, str>>,
    is_const: bool,
    /// The recording to which it was announced.
    announced: AtomicU32,
    changes: AtomicU64,
}

impl Resource {
    /// A resource of a [`resource_kind`](ais_format::event::resource_kind) with so many units, made at `location`.
    #[must_use]
    pub fn new(
        kind: u64,
        capacity: u64,
        location: &'static Location<'static>,
        name: Option<Cow<'static, str>>,
    ) -> Resource {
        let mut resource = Resource::constant(kind, capacity, location);
        resource.name = name;
        resource.is_const = false;
        if session::is_recording() {
            resource.announce(0);
        }
        resource
    }

    /// The same for a constant: it is announced when it is first used.
    #[must_use]
    pub const fn constant(
        kind: u64,
        capacity: u64,
        location: &'static Location<'static>,
    ) -> Resource {
        Resource {
            id: AtomicU64::new(0),
            kind,
            capacity,
            location,
            name: None,
            is_const: true,
            announced: AtomicU32::new(0),
            changes: AtomicU64::new(0),
        }
    }

    #[cold]
    fn announce(&self, late: u64) {
        let session = session::current().0;
        if self.announced.swap(session, Ordering::AcqRel) == session {
            return;
        }
        let flags = if self.is_const {
            resource_flag::CONST
        } else {
            late
        };
        foreign::emit_attributed(&ResourceNew {
            resource: self.number(),
            kind: self.kind,
            location: define::location(self.location),
            capacity: self.capacity,
            name: self.name.as_ref().map_or(0, |name| define::name(name)),
            flags,
        });
    }

    /// Its number, drawn if it has none.
    fn number(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        match self.id.load(Ordering::Relaxed) {
            0 => {
                let drawn = NEXT.fetch_add(1, Ordering::Relaxed);
                self.id
                    .compare_exchange(0, drawn, Ordering::Relaxed, Ordering::Relaxed)
                    .map_or_else(|first| first, |_| drawn)
            }
            id => id,
        }
    }

    /// Its number. Makes sure that the recording under way knows of it.
    #[inline]
    pub fn id(&self) -> u64 {
        if self.announced.load(Ordering::Relaxed) != session::current().0 {
            self.announce(resource_flag::LATE);
        }
        self.number()
    }

    /// How many changes there were so far.
    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// The number of the next change: this is what orders changes by different threads.
    #[inline]
    pub(crate) fn next_change(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Records a change, if a recording is under way. `event` gets the number of the resource and that of the change, which is returned
    /// (zero where nothing is recorded).
    #[inline]
    pub fn change<E: Record>(&self, event: impl FnOnce(u64, u64) -> E) -> u64 {
        let word = Word::now();
        if !word.is_recording() {
            return 0;
        }
        if self.announced.load(Ordering::Relaxed) != word.session().0 {
            self.announce(resource_flag::LATE);
        }
        // Drawn when it was announced.
        let resource = self.id.load(Ordering::Relaxed);
        let sequence = self.next_change();
        foreign::emit_attributed_in(word, &event(resource, sequence));
        sequence
    }

    /// Records that `units` were taken (after the fact) by an operation that is done.
    #[inline]
    pub fn acquired(&self, done: Done, units: u64, flags: u64) -> Hold {
        Hold(self.change(|resource, sequence| Acquire {
            resource,
            sequence,
            location: define::location(done.location),
            future: context::future(),
            operation: done.operation,
            flags: flags | done.flags | self.static_flags(),
            units,
        }))
    }

    /// Records that `units` of a hold are given back. Before the fact.
    #[inline]
    pub fn releasing(&self, hold: Hold, units: u64) {
        self.change(|resource, sequence| Release {
            resource,
            sequence,
            hold: hold.0,
            units,
        });
    }

    /// Whether it lies in static memory, as flags of an operation on it.
    #[inline]
    pub fn static_flags(&self) -> u64 {
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
            emit(&ResourceDrop {
                resource: *self.id.get_mut(),
            });
        }
    }
}

/// Units of a resource that somebody has: the number of the change by which they were taken, zero where that was not recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold(pub u64);

/// Something that has a recorded side.
pub trait HasResource {
    /// It.
    fn resource(&self) -> &Resource;
}

impl HasResource for Resource {
    fn resource(&self) -> &Resource {
        self
    }
}

impl<R: HasResource + ?Sized> HasResource for &R {
    fn resource(&self) -> &Resource {
        (**self).resource()
    }
}

impl<R: HasResource + ?Sized> HasResource for Arc<R> {
    fn resource(&self) -> &Resource {
        (**self).resource()
    }
}

/// The recorded side of a guard: a hold that is given back when this is dropped. To stand before the guard itself, so that it is
/// recorded before the fact.
#[derive(Debug)]
pub struct Held<R: HasResource> {
    /// Of what.
    pub of: R,
    /// Since which change.
    pub hold: Hold,
    /// How many units of it; zero where it was given back.
    pub units: u64,
}

impl<R: HasResource> Held<R> {
    /// Records that it is given back, now and not when this is dropped.
    #[inline]
    pub fn release(&mut self) {
        let units = std::mem::take(&mut self.units);
        if units != 0 {
            self.of.resource().releasing(self.hold, units);
        }
    }
}

impl<R: HasResource> Drop for Held<R> {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}

/// The recorded side of the ends of one channel.
#[derive(Debug)]
pub struct Ends {
    resource: Resource,
    made: AtomicU64,
}

impl Ends {
    /// Those of a channel that is made now.
    #[must_use]
    pub fn new(resource: Resource) -> Arc<Ends> {
        Arc::new(Ends {
            resource,
            made: AtomicU64::new(0),
        })
    }
}

impl HasResource for Ends {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

/// The recorded side of one end of a channel: made, cloned and dropped with it.
#[derive(Debug)]
pub struct End {
    ends: Arc<Ends>,
    handle: u64,
    side: u64,
    escaped: bool,
}

impl End {
    /// A new end, a [`handle_end`](ais_format::event::handle_end).
    #[must_use]
    pub fn new(ends: &Arc<Ends>, side: u64) -> End {
        let ends = Arc::clone(ends);
        let handle = ends.made.fetch_add(1, Ordering::Relaxed) + 1;
        ends.resource.change(|resource, sequence| HandleNew {
            resource,
            sequence,
            handle,
            end: side,
        });
        End {
            ends,
            handle,
            side,
            escaped: false,
        }
    }

    /// The number of this end in its channel, from 1.
    #[inline]
    pub fn handle(&self) -> u64 {
        self.handle
    }

    /// What it shares with the other ends of its channel.
    pub fn ends(&self) -> &Arc<Ends> {
        &self.ends
    }

    /// The end itself goes on, unrecorded: its drop will not be seen.
    pub fn escape(mut self) {
        self.escaped = true;
        self.ends
            .resource
            .change(|resource, sequence| Escape { resource, sequence });
    }
}

impl HasResource for End {
    #[inline]
    fn resource(&self) -> &Resource {
        &self.ends.resource
    }
}

impl Clone for End {
    fn clone(&self) -> Self {
        End::new(&self.ends, self.side)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.escaped {
            self.ends.resource.change(|resource, sequence| HandleDrop {
                resource,
                sequence,
                handle: self.handle,
            });
        }
    }
}
