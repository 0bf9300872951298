//! The history of one resource: its changes in their true order, and what it was like after them.

use std::sync::Arc;

use super::{
    Change, Handle, HandleSide, Hold, OperationId, ResourceId, ResourceKind, ResourceState, TaskId,
};
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
    /// Units that it had at first: permits, messages that a channel has room for; 1 for a mutex.
    pub capacity: u64,
    /// It existed before it was first seen: its beginning is missing.
    pub late: bool,
    /// Its state cannot be known: it existed before the recording, it can be used unrecorded, some of its changes are lost, or they
    /// contradict each other.
    pub uncertain: bool,
    /// Its changes, by sequence number.
    pub changes: Vec<Change>,
    /// What it is like after them, at the end of the history.
    pub at_end: ResourceState,
    /// When it was dropped.
    pub dropped: Option<Nanos>,
}

impl Resource {
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
        match self.kind {
            ResourceKind::Watch | ResourceKind::Broadcast => self
                .handles()
                .iter()
                .filter(|handle| handle.side == HandleSide::Receiver)
                .map(|handle| handle.unseen)
                .max()
                .unwrap_or(0),
            _ => self.at_end.messages,
        }
    }

    /// The ends that are alive at the end of the trace.
    pub fn handles(&self) -> &[Handle] {
        &self.at_end.handles
    }

    /// Whether nothing more can be sent or nobody can receive (it was closed, or all ends of one side are gone), or no units can be had.
    pub fn is_closed(&self) -> bool {
        let has = |side| self.handles().iter().any(|handle| handle.side == side);
        self.at_end.is_closed
            || (self.kind.is_channel() && !(has(HandleSide::Sender) && has(HandleSide::Receiver)))
    }

    /// The operations that were certainly in the queue before this one came there, from its head.
    pub fn ahead_of(&self, operation: OperationId) -> impl Iterator<Item = OperationId> {
        let queue = &self.at_end.queue;
        let this = queue.iter().find(|queued| queued.operation == operation);
        // The changes between these two happened while it came there.
        let came_after = this.map_or(0, |this| this.sequence.saturating_sub(this.overlap));
        queue
            .iter()
            .take_while(move |other| other.sequence < came_after)
            .filter(|other| other.is_queued)
            .map(|other| other.operation)
    }
}
