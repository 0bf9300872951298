//! What a resource was like at moments that come one after the other.

use std::sync::Arc;

use ais_format::event;

use super::{Change, Resource, ResourceState};
use crate::time::Nanos;

/// What is told of a resource at the beginning of a generation.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// When that was read.
    pub(crate) at: Nanos,
    /// The changes by which what was alive then was born, by their numbers.
    pub(crate) alive: Vec<Change>,
    /// What it was like.
    pub(crate) state: event::ResourceState,
}

/// The changes of a resource, taken in one after the other.
///
/// What it was like was read, at the beginning of a generation, while the program went on: some of the first changes after that are in it
/// already.
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    resource: &'a Resource,
    state: Arc<ResourceState>,
    next: usize,
    /// What comes up to this number may be known already.
    told: u64,
}

impl<'a> Replay<'a> {
    /// The resource as it was at its beginning, or where it is known from.
    pub fn new(resource: &'a Resource) -> Replay<'a> {
        let (kind, capacity) = (resource.kind, resource.capacity);
        let (state, told, next) = match resource.told.as_deref() {
            Some(told) => {
                let since = told.state.since;
                let before = |change: &Change| change.sequence <= since;
                (
                    ResourceState::told(kind, capacity, told),
                    told.state.sequence,
                    resource.changes.partition_point(before),
                )
            }
            None => {
                let state = ResourceState {
                    units: capacity,
                    ..ResourceState::default()
                };
                (state, 0, 0)
            }
        };
        Replay {
            resource,
            state: Arc::new(state),
            next,
            told,
        }
    }

    /// Takes in what came before `until`; what it is like then. It never goes back: where it was further already, it stays there.
    pub fn advance(&mut self, until: Nanos) -> &Arc<ResourceState> {
        let changes = &self.resource.changes[self.next..];
        let more = changes.iter().take_while(|change| change.at < until);
        let more = &changes[..more.count()];
        if !more.is_empty() {
            let state = Arc::make_mut(&mut self.state);
            for change in more {
                state.take_in(self.resource.kind, change, self.told);
            }
            // Seen at any time, it holds at all times.
            if self.resource.at_end.guards_move || state.guards_move {
                state.loosen();
            }
            self.next += more.len();
        }
        &self.state
    }
}
