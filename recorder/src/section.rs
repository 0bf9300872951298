//! What a thread is in the middle of: sections in which it blocks, or keeps others from going on.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::MutexGuard;

use ais_format::event::{SectionBegin, SectionEnd};

use crate::define;
use crate::foreign::emit_attributed;
use crate::resource::Resource;
use crate::session;

/// A section of this thread, from when it is entered until this is dropped. Sections nest.
#[derive(Debug)]
#[must_use = "the section ends when this is dropped"]
pub struct Section {
    kind: u64,
    /// The resource that it keeps others from.
    resource: u64,
    is_recorded: bool,
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
        let mut section = Section {
            kind,
            resource: 0,
            is_recorded: session::is_recording(),
            on_one_thread: PhantomData,
        };
        if section.is_recorded {
            section.resource = resource.map_or(0, Resource::id);
            emit_attributed(&SectionBegin {
                kind,
                resource: section.resource,
                location: define::location(location),
            });
        }
        section
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        if self.is_recorded && session::is_recording() {
            emit_attributed(&SectionEnd {
                kind: self.kind,
                resource: self.resource,
            });
        }
    }
}
