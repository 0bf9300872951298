//! What a thread is in the middle of: sections in which it blocks, or keeps others from going on.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::MutexGuard;

use ais_format::event::{SectionBegin, SectionEnd};

use crate::cells::{self, Cell};
use crate::define;
use crate::foreign::{emit_attributed, name_if_foreign};
use crate::record::emit_in;
use crate::resource::Resource;
use crate::segment;
use crate::session::{self, Word};

/// Threads with larger numbers do not fit into a record.
const MAX_THREAD: u64 = (1 << 24) - 1;

/// What the words of a section's cell mean that are kept up to date.
pub(crate) mod section_now {
    /// The unrecorded task that is in it, as its executor counts.
    pub(crate) const FOREIGN: usize = 0;
}

/// A section of this thread, from when it is entered until this is dropped. Sections nest.
#[derive(Debug)]
#[must_use = "the section ends when this is dropped"]
pub struct Section {
    kind: u64,
    /// The resource that it keeps others from.
    resource: u64,
    is_recorded: bool,
    /// Where it is noted that the thread is in it.
    cell: Cell,
    /// It ends on the thread on which it began: like a guard of a lock, it cannot be sent, but can be shared.
    on_one_thread: PhantomData<MutexGuard<'static, ()>>,
}

impl Section {
    /// Enters a section of a [`section_kind`](ais_format::event::section_kind), which keeps others from `resource` where there is one.
    #[inline]
    pub fn enter(
        kind: u64,
        resource: Option<&Resource>,
        location: &'static Location<'static>,
    ) -> Section {
        let word = Word::now();
        let mut section = Section {
            kind,
            resource: 0,
            is_recorded: word.is_recording(),
            cell: Cell::NONE,
            on_one_thread: PhantomData,
        };
        if section.is_recorded {
            section.resource = resource.map_or(0, Resource::id);
            section.begin(word, location);
        }
        section
    }

    fn begin(&mut self, word: Word, location: &'static Location<'static>) {
        let thread = segment::this_thread_number();
        let event = SectionBegin {
            kind: self.kind,
            resource: self.resource,
            location: define::location(location),
            thread: if thread > MAX_THREAD { 0 } else { thread },
        };
        let mut now = [0; 1];
        now[section_now::FOREIGN] = name_if_foreign();
        if event.thread == 0 {
            // A keyframe could not tell of whom it tells.
            emit_in(word, &event);
        } else {
            self.cell = cells::emit_born(word, &event, now);
        }
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        self.cell.free();
        if self.is_recorded && session::is_recording() {
            emit_attributed(&SectionEnd {
                kind: self.kind,
                resource: self.resource,
            });
        }
    }
}
