//! Resources: their changes, and what they are like after them.

use std::collections::BTreeSet;

use ais_format::event::{
    Acquire, OperationBegin, ResourceNew, handle_end, notify_mode, resource_flag, resource_kind,
};

use super::By;
use crate::model::{Act, Event};

/// One change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) sequence: u64,
    pub(crate) at: u64,
    pub(crate) by: By,
    pub(crate) act: Act,
}

/// Units that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) number: u64,
    pub(crate) units: u64,
    pub(crate) by: By,
    pub(crate) future: u64,
    pub(crate) operation: u64,
    pub(crate) since: u64,
    /// How it was taken, if perhaps as a part of a larger one.
    pub(crate) acquire: Acquire,
}

/// An end of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) number: u64,
    pub(crate) is_receiver: bool,
    pub(crate) made: u64,
    pub(crate) made_by: Option<u64>,
    pub(crate) users: BTreeSet<Option<u64>>,
    pub(crate) unseen: u64,
}

/// A resource, after all its changes so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource {
    pub(crate) new: ResourceNew,
    pub(crate) made: u64,
    pub(crate) made_by: Option<u64>,
    pub(crate) dropped: Option<u64>,
    pub(crate) changes: Vec<Change>,
    pub(crate) units: u64,
    pub(crate) holds: Vec<Hold>,
    pub(crate) queue: Vec<OperationBegin>,
    pub(crate) messages: u64,
    pub(crate) handles: Vec<Handle>,
    pub(crate) users: BTreeSet<Option<u64>>,
    pub(crate) signallers: BTreeSet<Option<u64>>,
    pub(crate) members: BTreeSet<u64>,
    pub(crate) arrivals: u64,
    pub(crate) is_closed: bool,
    pub(crate) is_set: bool,
    pub(crate) is_escaped: bool,
}

/// The change of a resource that an event is, and of which.
pub(super) fn change(event: &Event, by: By) -> Option<(u64, Change)> {
    let (resource, sequence) = match event.act {
        Act::OperationBegin(row) => (row.target, row.sequence),
        Act::OperationEnd(row) => (row.resource, row.sequence),
        Act::Acquire(row) => (row.resource, row.sequence),
        Act::Release(row) => (row.resource, row.sequence),
        Act::Send(row) => (row.resource, row.sequence),
        Act::SendFailed(row) => (row.resource, row.sequence),
        Act::Receive(row) => (row.resource, row.sequence),
        Act::Close(row) => (row.resource, row.sequence),
        Act::HandleNew(row) => (row.resource, row.sequence),
        Act::HandleDrop(row) => (row.resource, row.sequence),
        Act::HoldSplit(row) => (row.resource, row.sequence),
        Act::HoldMerge(row) => (row.resource, row.sequence),
        Act::Forget(row) => (row.resource, row.sequence),
        Act::Add(row) => (row.resource, row.sequence),
        Act::Notify(row) => (row.resource, row.sequence),
        Act::Arrive(row) => (row.resource, row.sequence),
        Act::MemberNew(row) => (row.resource, row.sequence),
        Act::MemberGone(row) => (row.resource, row.sequence),
        Act::Escape(row) => (row.resource, row.sequence),
        Act::Lag(row) => (row.resource, row.sequence),
        _ => return None,
    };
    let change = Change {
        sequence,
        at: event.at,
        by,
        act: event.act,
    };
    (sequence != 0).then_some((resource, change))
}

impl Resource {
    pub(super) fn make(&mut self, new: ResourceNew, at: u64, by: By) {
        self.new = new;
        self.made = at;
        self.made_by = by.task;
        self.units = new.capacity;
    }

    /// Nothing is known of what it was like before it was recorded.
    pub(crate) fn is_late(&self) -> bool {
        self.new.flags & resource_flag::LATE != 0
    }

    /// What it was like after its first `count` changes.
    pub(crate) fn after(&self, count: usize) -> Resource {
        let mut earlier = Resource::default();
        let by = By {
            task: self.made_by,
            foreign: None,
        };
        earlier.make(self.new, self.made, by);
        for change in &self.changes[..count] {
            earlier.step(*change);
        }
        earlier
    }

    /// The number of the change by which an end was made.
    pub(crate) fn born(&self, handle: u64) -> u64 {
        let is_birth =
            |change: &&Change| matches!(change.act, Act::HandleNew(row) if row.handle == handle);
        let birth = self.changes.iter().find(is_birth);
        birth.map_or(0, |change| change.sequence)
    }

    fn is_for_each_receiver(&self) -> bool {
        matches!(
            self.new.kind,
            resource_kind::WATCH | resource_kind::BROADCAST
        )
    }

    fn hold(&mut self, number: u64) -> Option<&mut Hold> {
        self.holds.iter_mut().find(|hold| hold.number == number)
    }

    fn lose(&mut self, number: u64, units: u64) {
        if let Some(hold) = self.hold(number) {
            hold.units -= units;
        }
        self.holds.retain(|hold| hold.units > 0);
    }

    fn used(&mut self, number: u64, by: By) {
        let used = self.handles.iter_mut().find(|end| end.number == number);
        if let Some(end) = used {
            end.users.insert(by.task);
        }
    }

    fn see(&mut self, number: u64, messages: u64) {
        let seeing = self.handles.iter_mut().find(|end| end.number == number);
        if let Some(end) = seeing {
            end.unseen -= messages.min(end.unseen);
        }
    }

    pub(super) fn step(&mut self, change: Change) {
        self.changes.push(change);
        self.users.insert(change.by.task);
        match change.act {
            Act::OperationBegin(row) => self.queue.push(row),
            Act::OperationEnd(row) => self.queue.retain(|begin| begin.operation != row.operation),
            Act::Notify(row) => {
                self.signallers.insert(change.by.task);
                self.is_set |= row.mode == notify_mode::SET;
            }
            Act::Arrive(_) => self.arrivals += 1,
            Act::MemberNew(row) => {
                self.members.insert(row.task);
            }
            Act::MemberGone(row) if row.task == 0 => self.members.clear(),
            Act::MemberGone(row) => {
                self.members.remove(&row.task);
            }
            Act::Escape(_) => self.is_escaped = true,
            Act::Close(_) => self.is_closed = true,
            Act::Add(row) => self.units += row.units,
            _ => {
                self.step_holds(change);
                self.step_channel(change);
            }
        }
    }

    fn step_holds(&mut self, change: Change) {
        match change.act {
            Act::Acquire(row) => self.holds.push(Hold {
                number: row.sequence,
                units: row.units,
                by: change.by,
                future: row.future,
                operation: row.operation,
                since: change.at,
                acquire: row,
            }),
            Act::Release(row) => self.lose(row.hold, row.units),
            Act::HoldSplit(row) => {
                // Whoever divides it has the part; everything else is as it was taken.
                if let Some(of) = self.hold(row.hold).cloned() {
                    let task = change.by.task.or(of.by.task);
                    let by = By { task, ..of.by };
                    self.holds.push(Hold {
                        number: row.sequence,
                        units: row.units,
                        by,
                        ..of
                    });
                }
                self.lose(row.hold, row.units);
            }
            Act::HoldMerge(row) => {
                let gone = self.hold(row.gone).map_or(0, |hold| hold.units);
                self.lose(row.gone, gone);
                if let Some(hold) = self.hold(row.hold) {
                    hold.units += gone;
                }
            }
            Act::Forget(row) => {
                self.units -= row.units;
                self.lose(row.hold, row.units);
            }
            _ => {}
        }
    }

    fn step_channel(&mut self, change: Change) {
        let is_for_each = self.is_for_each_receiver();
        let keeps_one = self.new.kind == resource_kind::WATCH;
        match change.act {
            Act::Send(row) => {
                self.messages += 1;
                self.used(row.handle, change.by);
                for end in &mut self.handles {
                    if end.is_receiver && is_for_each {
                        end.unseen = if keeps_one { 1 } else { end.unseen + 1 };
                    }
                }
            }
            Act::SendFailed(_) => self.messages -= 1,
            Act::Receive(row) => {
                self.used(row.handle, change.by);
                if is_for_each {
                    self.see(row.handle, row.messages);
                } else {
                    self.messages -= row.messages;
                }
            }
            Act::Lag(row) => self.see(row.handle, row.messages),
            Act::HandleNew(row) => self.handles.push(Handle {
                number: row.handle,
                is_receiver: row.end == handle_end::RECEIVER,
                made: change.at,
                made_by: change.by.task,
                users: BTreeSet::new(),
                unseen: 0,
            }),
            Act::HandleDrop(row) => self.handles.retain(|end| end.number != row.handle),
            _ => {}
        }
    }
}
