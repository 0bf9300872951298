//! The ends of a channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ais_format::event::{Escape, HandleDrop, HandleNew};

use super::{HasResource, Resource};
use crate::cells::Cell;

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
