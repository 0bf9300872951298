//! What every recorded resource has in common: a number, a place where it was made, a count of its changes, and holds of it.
//!
//! A [`Resource`] lies inside the lock, channel, … that it is the recorded side of. Each change of it is numbered: that is what orders
//! changes by different threads. Whoever takes units of it gets a [`Hold`], the number of that change, and gives it back with them.

mod ends;
mod hold;
pub(crate) mod noted;

use std::borrow::Cow;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use ais_format::event::{
    Acquire, Add, Forget, HoldMerge, HoldSplit, Kind, Notify, Release, ResourceDrop, ResourceNew,
    notify_mode, operation_flag, resource_flag, resource_kind,
};

pub use ends::{End, Ends};
pub use hold::{Held, Hold};

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
    pool: u32,
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

    /// A runtime with so many threads that poll tasks, and up to `pool` more for blocking jobs (zero where that is not known), made at
    /// `location`.
    #[must_use]
    pub fn runtime(
        workers: u64,
        pool: u32,
        location: &'static Location<'static>,
        name: Option<Cow<'static, str>>,
    ) -> Resource {
        let mut resource = Resource::constant(resource_kind::RUNTIME, workers, location);
        resource.name = name;
        resource.is_const = false;
        resource.pool = pool;
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
            pool: 0,
            announced: AtomicU32::new(0),
            cell: OnceLock::new(),
        }
    }

    #[cold]
    fn announce(&self, late: u64) {
        let word = Word::now();
        // Before anybody counts changes: they are counted there.
        let known = self.cell.get_or_init(|| {
            let cell = Cell::taken();
            let words = cell.words();
            let none = noted::NO_MESSAGES;
            words[noted::CHANGES].store(none, Ordering::Relaxed);
            words[noted::HOLD].store(0, Ordering::Relaxed);
            words[noted::STATUS].store(0, Ordering::Relaxed);
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
            pool: u64::from(self.pool),
        };
        foreign::emit_attributed_noted(word, &new, known.words, []);
    }

    /// The words of its cell.
    #[inline]
    fn words(&self) -> &'static CellWords {
        self.cell
            .get()
            .map_or_else(|| Cell::NONE.words(), |known| known.words)
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
        let counter = &self.words()[noted::CHANGES];
        counter.load(Ordering::Acquire) >> noted::MESSAGE_BITS
    }

    /// The number of the next change: this is what orders changes by different threads.
    #[inline]
    pub(crate) fn next_change(&self) -> u64 {
        self.next_change_with(0)
    }

    /// The same for a change after which there are so many more messages.
    #[inline]
    fn next_change_with(&self, messages: i64) -> u64 {
        noted::next_change(self.words(), messages)
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
        // Before the number: a keyframe that has seen that has this, too.
        match E::KIND {
            Kind::Close => self.becomes(noted::IS_CLOSED),
            Kind::Escape => self.becomes(noted::IS_ESCAPED),
            _ => {}
        }
        let sequence = self.next_change_with(messages);
        foreign::emit_attributed_in(word, &event(resource, sequence));
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
        let (cell, words) = Cell::expecting();
        let sequence = self.next_change();
        let event = event(self.id.load(Ordering::Relaxed), sequence);
        foreign::emit_attributed_noted(word, &event, words, [0; 1]);
        cell
    }

    #[cold]
    fn becomes(&self, status: u64) {
        self.words()[noted::STATUS].fetch_or(status, Ordering::Release);
    }

    /// Records that what is waited for is set, for good, or that waiters are notified: a [`notify_mode`]. Before the fact.
    pub fn notifying(&self, mode: u64, location: &'static Location<'static>) {
        if mode == notify_mode::SET && session::is_recording() {
            self.becomes(noted::IS_SET);
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
        let words = self.words();
        // Whoever has a mutex is alone: there is a place for that in the mutex's own cell.
        let is_mutex = self.kind == resource_kind::MUTEX;
        let (cell, of_hold) = if is_mutex {
            noted::expect_hold(words);
            (Cell::NONE, words)
        } else {
            Cell::expecting()
        };
        let sequence = noted::next_change(words, 0);
        let (task, future) = context::task_and_future();
        let acquire = Acquire {
            resource: self.id.load(Ordering::Relaxed),
            sequence,
            location: define::location(done.location),
            future,
            operation: done.operation,
            flags: flags | done.flags | self.static_flags(),
            units,
        };
        if is_mutex {
            if task == 0 {
                foreign::name_foreign_task();
            }
            let (record, used) = stamped(word, &acquire);
            noted::note_hold(words, task, &record);
            push(&record, used);
        } else {
            foreign::emit_attributed_noted(word, &acquire, of_hold, [units]);
        }
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
            noted::clear_hold(self.words());
        } else {
            hold.cell.lose(units);
        }
    }

    /// Records that so many units of a hold become a hold of their own.
    pub fn split(&self, hold: Hold, units: u64) -> Hold {
        let mut cell = Cell::NONE;
        let record = hold.cell.record();
        if session::is_recording() && record.is_some() {
            cell = Cell::expecting().0;
        }
        hold.cell.lose(units);
        let number = self.change(|resource, sequence| {
            if let Some(record) = record {
                cell.becomes_part(record, sequence, units);
            }
            HoldSplit {
                resource,
                sequence,
                hold: hold.number,
                units,
            }
        });
        if number == 0 {
            // The recording has just ended.
            std::mem::take(&mut cell).free();
        }
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
        self.change(|resource, sequence| {
            // After the number: where a keyframe comes between the two, they seem to be there, which accuses nobody.
            self.gets_units(units.cast_signed().wrapping_neg());
            Forget {
                resource,
                sequence,
                hold: hold.number,
                units,
            }
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
            let step = units.wrapping_mul(noted::UNIT.cast_signed());
            self.words()[noted::STATUS].fetch_add(step.cast_unsigned(), Ordering::Release);
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
        if let Some(known) = self.cell.get() {
            known.cell.free();
        }
        if session::is_recording() && *self.announced.get_mut() == session::current().0 {
            emit(&ResourceDrop {
                resource: *self.id.get_mut(),
            });
        }
    }
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
