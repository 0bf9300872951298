//! The history of one resource: its changes in their true order, and what follows from them.

use std::sync::Arc;

use super::{FutureId, OperationId, ResourceId, TaskId};
use crate::names::Location;
use crate::time::Nanos;

/// A lock or a channel.
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
    /// The task that made it.
    pub created_by: Option<TaskId>,
    /// Messages that a channel has room for; 1 for a mutex.
    pub capacity: u64,
    /// Its state cannot be known: it existed before the recording, or some of its changes are lost.
    pub uncertain: bool,
    /// Its changes, by sequence number.
    pub changes: Vec<Change>,
    /// When it was dropped.
    pub dropped: Option<Nanos>,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A lock with one holder.
    Mutex,
    /// A bounded channel.
    Channel,
    /// Something that a later version records.
    Unknown,
}

impl ResourceKind {
    /// Its name in texts and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ResourceKind::Mutex => "mutex",
            ResourceKind::Channel => "channel",
            ResourceKind::Unknown => "resource",
        }
    }
}

/// One change of a resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the order of changes.
    pub sequence: u64,
    /// When.
    pub at: Nanos,
    /// The task that did it; none where that is not recorded.
    pub by: Option<TaskId>,
    /// What.
    pub kind: ChangeKind,
}

/// What can happen to a resource.
#[derive(Clone, Debug)]
pub enum ChangeKind {
    /// It was locked.
    Acquired(Hold),
    /// It was unlocked.
    Released,
    /// A message was put in, through the end with this number.
    Sent(u64),
    /// The message was not put in after all.
    SendFailed,
    /// A message was taken out, through the end with this number.
    Received(u64),
    /// The channel was closed.
    Closed,
    /// An end was made.
    HandleNew(u64, HandleSide),
    /// An end was dropped.
    HandleDropped(u64),
}

/// How a lock is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The task that took it; none where that is not recorded.
    pub task: Option<TaskId>,
    /// The future inside which it was taken; none where that is the task itself.
    pub future: Option<FutureId>,
    /// Where in source.
    pub location: Option<Location>,
    /// When.
    pub since: Nanos,
    /// The operation that had to wait for it.
    pub operation: Option<OperationId>,
    /// The guard is taken to be still in the task: it was taken by a part of the task's own future, from a lock that is not static, and no
    /// task was ever seen to drop another's guard of this lock. (A program can move such a guard all the same, through a reference to
    /// the lock that outlives the task: to a leaked lock, or on an executor whose tasks borrow.)
    pub exact: bool,
}

/// One end of a channel, as of the end of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Its number in its channel.
    pub number: u64,
    /// What it does.
    pub side: HandleSide,
    /// The tasks that have used it to send or receive; none stands for a use that no recorded task made.
    pub users: Vec<Option<TaskId>>,
}

/// Which end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleSide {
    /// It sends.
    Sender,
    /// It receives.
    Receiver,
}

impl Resource {
    /// `mutex "a" (src/bank.rs:12:18)`.
    pub fn title(&self) -> String {
        let name = self.name.as_ref().map_or_else(
            || format!("#{}", self.id.0),
            |name| format!("{:?}", &**name),
        );
        let place = self
            .created_at
            .as_ref()
            .map_or_else(String::new, |place| format!(" ({place})"));
        format!("{} {name}{place}", self.kind.name())
    }

    /// `mutex "a"`.
    pub fn short_title(&self) -> String {
        let name = self.name.as_ref().map_or_else(
            || format!("#{}", self.id.0),
            |name| format!("{:?}", &**name),
        );
        format!("{} {name}", self.kind.name())
    }

    /// Who holds the lock at the end of the trace.
    pub fn holder(&self) -> Option<&Hold> {
        self.changes
            .iter()
            .rev()
            .find_map(|change| match &change.kind {
                ChangeKind::Acquired(hold) => Some(Some(hold)),
                ChangeKind::Released => Some(None),
                _ => None,
            })?
    }

    /// How many messages are queued at the end of the trace. Negative only while a message is on its way.
    pub fn queued(&self) -> i64 {
        self.changes
            .iter()
            .map(|change| match change.kind {
                ChangeKind::Sent(_) => 1,
                ChangeKind::SendFailed | ChangeKind::Received(_) => -1,
                _ => 0,
            })
            .sum()
    }

    /// The ends that are alive at the end of the trace.
    pub fn handles(&self) -> Vec<Handle> {
        let mut handles: Vec<Handle> = Vec::new();
        for change in &self.changes {
            match change.kind {
                ChangeKind::HandleNew(number, side) => {
                    handles.push(Handle {
                        number,
                        side,
                        users: Vec::new(),
                    });
                }
                ChangeKind::HandleDropped(number) => {
                    handles.retain(|handle| handle.number != number);
                }
                ChangeKind::Sent(number) | ChangeKind::Received(number) => {
                    if let Some(handle) = handles.iter_mut().find(|handle| handle.number == number)
                        && !handle.users.contains(&change.by)
                    {
                        handle.users.push(change.by);
                    }
                }
                _ => {}
            }
        }
        handles
    }

    /// Whether nothing more can be sent or nobody can receive: it was closed, or all ends of one side are gone.
    pub fn is_closed(&self) -> bool {
        let handles = self.handles();
        let has = |side| handles.iter().any(|handle| handle.side == side);
        self.changes
            .iter()
            .any(|change| matches!(change.kind, ChangeKind::Closed))
            || !has(HandleSide::Sender)
            || !has(HandleSide::Receiver)
    }
}
