//! The history of one resource: its changes in their true order, and what it was like after them.

use std::sync::Arc;

use super::{Change, Handle, Hold, Replay, ResourceId, ResourceKind, ResourceState, TaskId, Told};
use crate::names::Location;
use crate::time::Nanos;

/// A lock, a channel, an executor, …
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its number.
    pub id: ResourceId,
    /// What it is.
    pub kind: ResourceKind,
    /// Its name, where it has one.
    pub name: Option<Arc<str>>,
    /// Where it was made.
    pub created_at: Option<Location>,
    /// The task that made it. For a constant: that used it first.
    pub created_by: Option<TaskId>,
    /// When it was made, where that is recorded.
    pub created: Option<Nanos>,
    /// Units that it had at first: permits, messages that a channel has room for; 1 for a mutex.
    pub capacity: u64,
    /// Of a runtime, how many threads it may have for blocking jobs, where that is recorded.
    pub pool: Option<u64>,
    /// It existed before it was first seen: its beginning is missing.
    pub late: bool,
    /// Its state cannot be known: it existed before the recording, it can be used unrecorded, some of its changes are lost, or they
    /// contradict each other.
    pub uncertain: bool,
    /// Its changes, by sequence number.
    pub changes: Vec<Change>,
    /// What is told of it at the beginning of a generation, where it is known from there on only.
    pub(crate) told: Option<Box<Told>>,
    /// What it is like after its changes, at the end of the history.
    pub at_end: Arc<ResourceState>,
    /// When it was dropped.
    pub dropped: Option<Nanos>,
}

impl Resource {
    /// When it was made; the beginning of time where that is not recorded.
    pub fn made(&self) -> Nanos {
        self.created.unwrap_or_default()
    }

    /// `mutex "a" (src/bank.rs:12:18)`.
    pub fn title(&self) -> String {
        let place = self
            .created_at
            .as_ref()
            .map_or_else(String::new, |place| format!(" ({place})"));
        format!("{}{place}", self.short_title())
    }

    /// `mutex "a"`.
    pub fn short_title(&self) -> String {
        let name = self.name.as_ref().map_or_else(
            || format!("#{}", self.id.0),
            |name| format!("{:?}", &**name),
        );
        format!("{} {name}", self.kind.name())
    }

    /// What it was like just before `at`, as far as is known: see [`Resource::uncertain`]. All of its changes until then are taken in; for
    /// several moments, one after the other, a [`Replay`] takes in each only once.
    pub fn state_at(&self, at: Nanos) -> Arc<ResourceState> {
        Arc::clone(Replay::new(self).advance(at))
    }

    /// Who holds units of it at the end of the trace, by the order in which they were taken.
    pub fn holders(&self) -> &[Hold] {
        &self.at_end.holds
    }

    /// Who holds it at the end of the trace, where one does, or several: the first of them.
    pub fn holder(&self) -> Option<&Hold> {
        self.holders().first()
    }

    /// How many messages are queued at the end of the trace; in a channel whose receivers get each message, for the one that is
    /// furthest behind.
    pub fn queued(&self) -> u64 {
        self.at_end.queued_as(self.kind)
    }

    /// The ends that are alive at the end of the trace.
    pub fn handles(&self) -> &[Handle] {
        &self.at_end.handles
    }

    /// Whether nothing more can be sent or nobody can receive (it was closed, or all ends of one side are gone), or no units can be had.
    pub fn is_closed(&self) -> bool {
        self.at_end.is_closed_as(self.kind)
    }
}
