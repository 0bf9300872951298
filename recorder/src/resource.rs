//! What every recorded resource has in common: a number, a place where it was made, a count of its changes, and holds of it.
//!
//! A [`Resource`] lies inside the lock, channel, … that it is the recorded side of. Each change of it is numbered: that is what orders
//! changes by different threads. Whoever takes units of it gets a [`Hold`], the number of that change, and gives it back with them.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ais_format::event::{
    Acquire, Add, Escape, Forget, HandleDrop, HandleNew, HoldMerge, HoldSplit, Kind, Notify,
    Release, ResourceDrop, ResourceNew, notify_mode, operation_flag, resource_flag, resource_kind,
};

use crate::cells::{Cell, CellWords};
use crate::context;
use crate::define;
use crate::foreign;
use crate::operation::done::Done;
use crate::platform::{Statics, lies_in_static_memory};
use crate::record::{Record, emit, push, stamped};
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
    /// Where it is noted that it lives, and what it is like; from the first time on that a recording is told of it.
    cell: OnceLock<Noted>,
}

/// The cell of a resource.
#[derive(Clone, Copy, Debug)]
struct Noted {
    cell: Cell,
    words: &'static CellWords,
}

/// What the words of a resource's cell mean that are kept up to date.
pub(crate) mod resource_now {
    use crate::cells::at::NOW;

    /// How many changes there were, above how many messages they left.
    pub(crate) const CHANGES: usize = NOW;
    /// The hold of whoever has all of it: the first word of its record, zero where there is none …
    pub(crate) const HOLD: usize = 6;
    /// … who took it, and the other words of the record after the resource.
    pub(crate) const HOLD_REST: [usize; 5] = [7, 8, NOW + 1, NOW + 2, NOW + 3];
    /// What has become of it: [`IS_CLOSED`], …; above those, units that were added, less those that are gone for good.
    pub(crate) const STATUS: usize = NOW + 4;

    /// So many bits of [`CHANGES`] count messages, from [`NO_MESSAGES`].
    pub(crate) const MESSAGE_BITS: u32 = 20;
    /// No message: as far from what cannot be counted on both sides, since some are received that were sent unrecorded.
    pub(crate) const NO_MESSAGES: u64 = 1 << (MESSAGE_BITS - 1);

    /// It was closed.
    pub(crate) const IS_CLOSED: u64 = 1;
    /// What is waited for was set.
    pub(crate) const IS_SET: u64 = 2;
    /// It is used unrecorded, too.
    pub(crate) const IS_ESCAPED: u64 = 4;
    /// One unit more.
    pub(crate) const UNIT: u64 = 1 << 16;
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
            cell: OnceLock::new(),
        }
    }

    #[cold]
    fn announce(&self, late: u64) {
        let word = Word::now();
        // Before anybody counts changes: they are counted there.
        let noted = self.cell.get_or_init(|| {
            let cell = Cell::taken();
            let words = cell.words();
            let none = resource_now::NO_MESSAGES;
            words[resource_now::CHANGES].store(none, Ordering::Relaxed);
            words[resource_now::HOLD].store(0, Ordering::Relaxed);
            words[resource_now::STATUS].store(0, Ordering::Relaxed);
            Noted { cell, words }
        });
        let session = word.session().0;
        if self.announced.swap(session, Ordering::AcqRel) == session {
            return;
        }
        let flags = if self.is_const {
            resource_flag::CONST
        } else {
            late
        };
        let new = ResourceNew {
            resource: self.number(),
            kind: self.kind,
            location: define::location(self.location),
            capacity: self.capacity,
            name: self.name.as_ref().map_or(0, |name| define::name(name)),
            flags,
        };
        foreign::emit_attributed_noted(word, &new, noted.cell);
    }

    /// The words of its cell.
    #[inline]
    fn words(&self) -> &'static CellWords {
        self.cell
            .get()
            .map_or_else(|| Cell::NONE.words(), |noted| noted.words)
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
        let counter = &self.words()[resource_now::CHANGES];
        counter.load(Ordering::Acquire) >> resource_now::MESSAGE_BITS
    }

    /// The number of the next change: this is what orders changes by different threads.
    #[inline]
    pub(crate) fn next_change(&self) -> u64 {
        self.next_change_with(0)
    }

    /// The same for a change after which there are so many more messages.
    #[inline]
    fn next_change_with(&self, messages: i64) -> u64 {
        let counter = &self.words()[resource_now::CHANGES];
        let step = (1u64 << resource_now::MESSAGE_BITS).wrapping_add_signed(messages);
        (counter.fetch_add(step, Ordering::AcqRel) >> resource_now::MESSAGE_BITS) + 1
    }

    /// Records a change, if a recording is under way. `event` gets the number of the resource and that of the change, which is returned
    /// (zero where nothing is recorded).
    #[inline]
    pub fn change<E: Record>(&self, event: impl FnOnce(u64, u64) -> E) -> u64 {
        let messages = match E::KIND {
            Kind::Send => 1,
            Kind::SendFailed => -1,
            _ => 0,
        };
        self.change_messages(messages, event)
    }

    /// The same, for a change after which there are so many more messages than before.
    #[inline]
    pub fn change_messages<E: Record>(
        &self,
        messages: i64,
        event: impl FnOnce(u64, u64) -> E,
    ) -> u64 {
        let word = Word::now();
        if !word.is_recording() {
            return 0;
        }
        if self.announced.load(Ordering::Relaxed) != word.session().0 {
            self.announce(resource_flag::LATE);
        }
        // Drawn when it was announced.
        let resource = self.id.load(Ordering::Relaxed);
        let sequence = self.next_change_with(messages);
        let event = event(resource, sequence);
        match E::KIND {
            Kind::Close => self.becomes(resource_now::IS_CLOSED),
            Kind::Escape => self.becomes(resource_now::IS_ESCAPED),
            _ => {}
        }
        foreign::emit_attributed_in(word, &event);
        sequence
    }

    /// Records a change by which something was born.
    fn change_born<E: Record>(&self, event: impl FnOnce(u64, u64) -> E) -> Cell {
        let word = Word::now();
        if !word.is_recording() {
            return Cell::NONE;
        }
        if self.announced.load(Ordering::Relaxed) != word.session().0 {
            self.announce(resource_flag::LATE);
        }
        let sequence = self.next_change();
        foreign::emit_attributed_born(&event(self.id.load(Ordering::Relaxed), sequence), [0; 1])
    }

    #[cold]
    fn becomes(&self, status: u64) {
        self.words()[resource_now::STATUS].fetch_or(status, Ordering::Release);
    }

    /// Records that what is waited for is set, for good, or that waiters are notified: a [`notify_mode`]. Before the fact.
    pub fn notifying(&self, mode: u64, location: &'static Location<'static>) {
        if mode == notify_mode::SET && session::is_recording() {
            self.becomes(resource_now::IS_SET);
        }
        self.change(|resource, sequence| Notify {
            resource,
            sequence,
            mode,
            location: define::location(location),
        });
    }

    /// Records that `units` were taken (after the fact) by an operation that is done.
    #[inline]
    pub fn acquired(&self, done: Done, units: u64, flags: u64) -> Hold {
        let word = Word::now();
        if !word.is_recording() {
            return Hold::NONE;
        }
        if self.announced.load(Ordering::Relaxed) != word.session().0 {
            self.announce(resource_flag::LATE);
        }
        let sequence = self.next_change();
        let acquire = Acquire {
            resource: self.id.load(Ordering::Relaxed),
            sequence,
            location: define::location(done.location),
            future: context::future(),
            operation: done.operation,
            flags: flags | done.flags | self.static_flags(),
            units,
        };
        // Whoever has a mutex is alone: there is a place for that in the mutex's own cell.
        let cell = if self.kind == resource_kind::MUTEX {
            foreign::name_if_foreign();
            let (record, used) = stamped(word, &acquire);
            let words = self.words();
            let rest = [context::task(), record[2], record[3], record[4], record[5]];
            for (at, value) in resource_now::HOLD_REST.into_iter().zip(rest) {
                words[at].store(value, Ordering::Relaxed);
            }
            words[resource_now::HOLD].store(record[0], Ordering::Release);
            push(&record, used);
            Cell::NONE
        } else {
            foreign::emit_attributed_born(&acquire, [units])
        };
        Hold {
            number: sequence,
            cell,
        }
    }

    /// Records that `units` of a hold are given back. Before the fact.
    #[inline]
    pub fn releasing(&self, hold: Hold, units: u64) {
        self.loses(hold, units);
        self.change(|resource, sequence| Release {
            resource,
            sequence,
            hold: hold.number,
            units,
        });
    }

    /// A hold has so many units less.
    #[inline]
    fn loses(&self, hold: Hold, units: u64) {
        if self.kind == resource_kind::MUTEX {
            self.words()[resource_now::HOLD].store(0, Ordering::Release);
        } else {
            hold.cell.lose(units);
        }
    }

    /// Records that so many units of a hold become a hold of their own.
    pub fn split(&self, hold: Hold, units: u64) -> Hold {
        let number = self.change(|resource, sequence| HoldSplit {
            resource,
            sequence,
            hold: hold.number,
            units,
        });
        let cell = if number == 0 {
            Cell::NONE
        } else {
            hold.cell.twin(number, units)
        };
        hold.cell.lose(units);
        Hold { number, cell }
    }

    /// Records that all `units` of the hold `gone` go over to `hold`.
    pub fn merge(&self, hold: Hold, gone: Hold, units: u64) {
        hold.cell.gain(units);
        gone.cell.lose(units);
        self.change(|resource, sequence| HoldMerge {
            resource,
            sequence,
            hold: hold.number,
            gone: gone.number,
        });
    }

    /// Records that so many units are gone for good: of a hold, or free ones.
    pub fn forget(&self, hold: Hold, units: u64) {
        hold.cell.lose(units);
        self.gets_units(units.cast_signed().wrapping_neg());
        self.change(|resource, sequence| Forget {
            resource,
            sequence,
            hold: hold.number,
            units,
        });
    }

    /// Records that so many units are added. Before the fact.
    pub fn adding(&self, units: u64, location: &'static Location<'static>) {
        self.gets_units(units.cast_signed());
        self.change(|resource, sequence| Add {
            resource,
            sequence,
            units,
            location: define::location(location),
        });
    }

    fn gets_units(&self, units: i64) {
        if session::is_recording() {
            let step = units.wrapping_mul(resource_now::UNIT.cast_signed());
            self.words()[resource_now::STATUS].fetch_add(step.cast_unsigned(), Ordering::Release);
        }
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
        if let Some(noted) = self.cell.get() {
            noted.cell.free();
        }
        if session::is_recording() && *self.announced.get_mut() == session::current().0 {
            emit(&ResourceDrop {
                resource: *self.id.get_mut(),
            });
        }
    }
}

/// Units of a resource that somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// The number of the change by which they were taken, zero where that was not recorded.
    number: u64,
    /// Where it is noted that somebody has them; the hold of a mutex is noted in the cell of that.
    cell: Cell,
}

impl Hold {
    /// One that was not recorded.
    pub const NONE: Hold = Hold {
        number: 0,
        cell: Cell::NONE,
    };
}

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
    /// Where it is noted that it is there.
    cell: Cell,
}

impl End {
    /// A new end, a [`handle_end`](ais_format::event::handle_end).
    #[must_use]
    pub fn new(ends: &Arc<Ends>, side: u64) -> End {
        let ends = Arc::clone(ends);
        let handle = ends.made.fetch_add(1, Ordering::Relaxed) + 1;
        let resource = &ends.resource;
        let cell = resource.change_born(|resource, sequence| HandleNew {
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
            cell,
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
        self.cell.free();
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
            self.cell.free();
            self.ends.resource.change(|resource, sequence| HandleDrop {
                resource,
                sequence,
                handle: self.handle,
            });
        }
    }
}
