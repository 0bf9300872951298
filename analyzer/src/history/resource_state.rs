//! What a resource is like after some of its changes.
//!
//! The changes are replayed in the order of their numbers. A trace that contradicts itself (units given back that nobody has, more of
//! them taken than there are) is not mended: the state says where it went wrong, and nothing is judged by such a resource.

use std::collections::BTreeSet;

use ais_format::event::resource_status;

use super::{
    Change, ChangeKind, Handle, HandleSide, Hold, NotifyMode, OperationId, ResourceKind, TaskId,
    Told,
};

/// What a resource is like at a moment.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceState {
    /// Who has units of it, by the order in which they were taken.
    pub holds: Vec<Hold>,
    /// How many units there are: those it was made with and those that were added, less those that are gone for good.
    pub units: u64,
    /// The operations that wait for it, by the order in which they came.
    pub queue: Vec<Queued>,
    /// Messages that were put in and not taken out.
    pub messages: u64,
    /// The ends that are alive, by number.
    pub handles: Vec<Handle>,
    /// The tasks that have changed it; none stands for a change that no recorded task made.
    pub users: BTreeSet<Option<TaskId>>,
    /// The tasks that have notified through it; none stands for code outside of recorded tasks.
    pub signallers: BTreeSet<Option<TaskId>>,
    /// The tasks that are in the set, by number.
    pub members: Vec<TaskId>,
    /// How many times a task came to the barrier.
    pub arrivals: u64,
    /// It was closed.
    pub is_closed: bool,
    /// The value that is waited for was set.
    pub is_set: bool,
    /// It, or an end of it, is used unrecorded.
    pub is_escaped: bool,
    /// Guards of it were seen to go from task to task: a guard can be anywhere.
    pub guards_move: bool,
    /// The number of the first change that cannot have happened after those before it.
    pub contradiction: Option<u64>,
}

/// An operation in the queue of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Which.
    pub operation: OperationId,
    /// How many units it wants.
    pub units: u64,
    /// Its place in the order of changes.
    pub sequence: u64,
    /// So many changes before its place may have come after it.
    pub overlap: u64,
    /// It is known to be in the queue by its place; one that was first polled without budget may have come there later.
    pub is_queued: bool,
}

/// A change that cannot have happened.
struct Contradiction;

impl ResourceState {
    /// Where guards go from task to task, any of them can be anywhere.
    pub(super) fn loosen(&mut self) {
        for hold in &mut self.holds {
            hold.exact = false;
            hold.loose = true;
        }
    }

    /// What a resource of this kind was like when that was told.
    pub(super) fn told(kind: ResourceKind, capacity: u64, told: &Told) -> ResourceState {
        // Who used it before is not known.
        let mut state = ResourceState {
            units: capacity,
            users: BTreeSet::from([None]),
            ..ResourceState::default()
        };
        for change in &told.alive {
            // What it was like is told: nothing in it can be contradicted.
            let _ = state.step(kind, change);
        }
        for handle in &mut state.handles {
            handle.users = vec![None];
        }
        let row = &told.state;
        state.units = row.units;
        state.messages = row.messages;
        state.is_closed = row.status & resource_status::CLOSED != 0;
        state.is_set = row.status & resource_status::SET != 0;
        state.is_escaped = row.status & resource_status::ESCAPED != 0;
        if row.status & resource_status::MESSAGES_UNKNOWN != 0 {
            state.contradiction = Some(row.sequence);
        }
        state
    }

    /// One change more, which may be in the state already where it comes no later than `told`.
    pub(super) fn take_in(&mut self, kind: ResourceKind, change: &Change, told: u64) {
        self.users.insert(change.by);
        let result = if change.sequence <= told {
            self.step_again(kind, change)
        } else {
            self.step(kind, change)
        };
        if result.is_err() && self.contradiction.is_none() {
            self.contradiction = Some(change.sequence);
        }
    }

    /// A change that may be in the state already.
    fn step_again(&mut self, kind: ResourceKind, change: &Change) -> Result<(), Contradiction> {
        match &change.kind {
            ChangeKind::Acquired(hold) if self.hold_at(hold.number).is_some() => Ok(()),
            ChangeKind::Acquired(hold) => {
                let index = self
                    .holds
                    .partition_point(|other| other.number < hold.number);
                self.holds.insert(index, (**hold).clone());
                Ok(())
            }
            &ChangeKind::Released { hold, units } => match self.hold_at(hold) {
                None => Ok(()),
                Some(index) if units == 0 || units == self.holds[index].units => {
                    self.holds.remove(index);
                    Ok(())
                }
                // Whether these are gone already cannot be told.
                Some(_) => Err(Contradiction),
            },
            ChangeKind::Split { .. } | ChangeKind::Merged { .. } => Err(Contradiction),
            ChangeKind::Began { operation, .. }
                if self
                    .queue
                    .iter()
                    .any(|queued| queued.operation == *operation) =>
            {
                Ok(())
            }
            ChangeKind::Ended { operation, .. } => {
                self.queue.retain(|queued| queued.operation != *operation);
                Ok(())
            }
            ChangeKind::HandleNew(number, _) if self.handle(*number).is_some() => Ok(()),
            ChangeKind::HandleDropped(number) => {
                self.handles.retain(|end| end.number != *number);
                Ok(())
            }
            ChangeKind::Began { .. } | ChangeKind::HandleNew(..) => self.step(kind, change),
            // Counted.
            _ => Ok(()),
        }
    }

    /// Whether nothing more can be sent or nobody can receive (it was closed, or all ends of one side are gone), or no units can be had.
    pub fn is_closed_as(&self, kind: ResourceKind) -> bool {
        let has = |side| self.handles.iter().any(|handle| handle.side == side);
        self.is_closed
            || (kind.is_channel() && !(has(HandleSide::Sender) && has(HandleSide::Receiver)))
    }

    /// How many messages are queued; in a channel whose receivers get each message, for the one that is furthest behind.
    pub fn queued_as(&self, kind: ResourceKind) -> u64 {
        match kind {
            ResourceKind::Watch | ResourceKind::Broadcast => self
                .handles
                .iter()
                .filter(|handle| handle.side == HandleSide::Receiver)
                .map(|handle| handle.unseen)
                .max()
                .unwrap_or(0),
            _ => self.messages,
        }
    }

    /// The operations that were certainly in the queue before this one came there, from its head.
    pub fn ahead_of(&self, operation: OperationId) -> impl Iterator<Item = &Queued> {
        let this = self
            .queue
            .iter()
            .find(|queued| queued.operation == operation);
        // The changes between these two happened while it came there.
        let came_after = this.map_or(0, |this| this.sequence.saturating_sub(this.overlap));
        self.queue
            .iter()
            .take_while(move |other| other.sequence < came_after)
            .filter(|other| other.is_queued)
    }

    /// Units that nobody has.
    pub fn free(&self) -> u64 {
        let held = self
            .holds
            .iter()
            .fold(0, |sum: u64, hold| sum.saturating_add(hold.units));
        self.units.saturating_sub(held)
    }

    fn step(&mut self, kind: ResourceKind, change: &Change) -> Result<(), Contradiction> {
        match &change.kind {
            ChangeKind::Acquired(_)
            | ChangeKind::Released { .. }
            | ChangeKind::Split { .. }
            | ChangeKind::Merged { .. }
            | ChangeKind::Forgotten { .. }
            | ChangeKind::Added { .. } => self.step_units(kind, change),
            ChangeKind::Sent { .. }
            | ChangeKind::SendFailed
            | ChangeKind::Received { .. }
            | ChangeKind::Lagged { .. }
            | ChangeKind::HandleNew(..)
            | ChangeKind::HandleDropped(_) => self.step_channel(kind, change),
            ChangeKind::Closed => {
                self.is_closed = true;
                Ok(())
            }
            ChangeKind::Notified { mode, .. } => {
                self.signallers.insert(change.by);
                self.is_set |= *mode == NotifyMode::Set;
                Ok(())
            }
            ChangeKind::Arrived(_) => {
                self.arrivals += 1;
                Ok(())
            }
            ChangeKind::MemberNew(task) => {
                let index = self.members.partition_point(|member| member < task);
                self.members.insert(index, *task);
                Ok(())
            }
            ChangeKind::MemberGone(None) => {
                self.members.clear();
                Ok(())
            }
            ChangeKind::MemberGone(Some(task)) => {
                let index = self
                    .members
                    .binary_search(task)
                    .map_err(|_| Contradiction)?;
                self.members.remove(index);
                Ok(())
            }
            ChangeKind::Escaped => {
                self.is_escaped = true;
                Ok(())
            }
            &ChangeKind::Began {
                operation,
                units,
                overlap,
                is_queued,
            } => {
                self.queue.push(Queued {
                    operation,
                    units,
                    sequence: change.sequence,
                    overlap,
                    is_queued,
                });
                Ok(())
            }
            ChangeKind::Ended { operation, .. } => {
                let is_this = |queued: &Queued| queued.operation == *operation;
                let index = self.queue.iter().position(is_this);
                self.queue.remove(index.ok_or(Contradiction)?);
                Ok(())
            }
        }
    }

    fn step_units(&mut self, kind: ResourceKind, change: &Change) -> Result<(), Contradiction> {
        match &change.kind {
            ChangeKind::Acquired(hold) => {
                let fits = !kind.has_units() || hold.units <= self.free();
                self.holds.push((**hold).clone());
                fits.then_some(()).ok_or(Contradiction)
            }
            &ChangeKind::Released { hold, units } => self.take(change, hold, units).map(|_| ()),
            &ChangeKind::Split { hold, units } => {
                let part = self.take(change, hold, units)?;
                self.holds.push(Hold {
                    number: change.sequence,
                    task: change.by.or(part.task),
                    exact: part.exact && change.by == part.task,
                    ..part
                });
                Ok(())
            }
            &ChangeKind::Merged { hold, gone } => {
                let gone = self.take(change, gone, 0)?;
                let index = self.hold_at(hold).ok_or(Contradiction)?;
                let hold = &mut self.holds[index];
                hold.units = hold.units.saturating_add(gone.units);
                hold.exact &= gone.exact && gone.task == hold.task;
                hold.loose |= gone.loose;
                self.guards_move |= change.by.is_some() && change.by != hold.task;
                Ok(())
            }
            &ChangeKind::Forgotten { hold, units } => {
                let there = if hold == 0 {
                    units <= self.free()
                } else {
                    self.take(change, hold, units)?;
                    true
                };
                self.units = self.units.saturating_sub(units);
                there.then_some(()).ok_or(Contradiction)
            }
            ChangeKind::Added { units, .. } => {
                self.units = self.units.saturating_add(*units);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn step_channel(&mut self, kind: ResourceKind, change: &Change) -> Result<(), Contradiction> {
        let is_per_receiver = matches!(kind, ResourceKind::Watch | ResourceKind::Broadcast);
        // A watch channel keeps one value, however often it was replaced.
        let most = if kind == ResourceKind::Watch {
            1
        } else {
            u64::MAX
        };
        match change.kind {
            ChangeKind::Sent { handle, .. } => {
                self.used(handle, change);
                self.messages += 1;
                if is_per_receiver {
                    for receiver in self.receivers() {
                        receiver.unseen = receiver.unseen.saturating_add(1).min(most);
                    }
                }
                Ok(())
            }
            ChangeKind::SendFailed => {
                // In a channel for each receiver this is next to never so: sending fails where there is none.
                for receiver in self.receivers() {
                    receiver.unseen = receiver.unseen.saturating_sub(1);
                }
                self.take_messages(1)
            }
            ChangeKind::Received { handle, messages } => {
                self.used(handle, change);
                self.see(handle, messages);
                if is_per_receiver {
                    Ok(())
                } else {
                    self.take_messages(messages)
                }
            }
            ChangeKind::Lagged { handle, messages } => {
                self.see(handle, messages);
                Ok(())
            }
            ChangeKind::HandleNew(number, side) => {
                let index = self.handles.partition_point(|end| end.number < number);
                let end = Handle {
                    number,
                    side,
                    made: change.at,
                    made_by: change.by,
                    users: Vec::new(),
                    unseen: 0,
                };
                self.handles.insert(index, end);
                Ok(())
            }
            ChangeKind::HandleDropped(number) => {
                let index = self.handles.binary_search_by_key(&number, |end| end.number);
                self.handles.remove(index.map_err(|_| Contradiction)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn receivers(&mut self) -> impl Iterator<Item = &mut Handle> {
        self.handles
            .iter_mut()
            .filter(|handle| handle.side == HandleSide::Receiver)
    }

    fn used(&mut self, handle: u64, change: &Change) {
        if let Some(end) = self.handle(handle)
            && !end.users.contains(&change.by)
        {
            end.users.push(change.by);
        }
    }

    fn see(&mut self, handle: u64, messages: u64) {
        if let Some(end) = self.handle(handle) {
            end.unseen = end.unseen.saturating_sub(messages);
        }
    }

    fn take_messages(&mut self, messages: u64) -> Result<(), Contradiction> {
        let left = self.messages.checked_sub(messages);
        self.messages = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Contradiction)
    }

    /// The place of a hold in the list, which is ordered by their numbers.
    fn hold_at(&self, number: u64) -> Option<usize> {
        self.holds
            .binary_search_by_key(&number, |hold| hold.number)
            .ok()
    }

    fn handle(&mut self, number: u64) -> Option<&mut Handle> {
        let index = self
            .handles
            .binary_search_by_key(&number, |end| end.number)
            .ok()?;
        Some(&mut self.handles[index])
    }

    /// Takes `units` of a hold away, all of them where that is zero, and gives them as a hold of their own.
    ///
    /// Files of before holds had numbers name none: then it is the only one there is.
    fn take(&mut self, change: &Change, number: u64, units: u64) -> Result<Hold, Contradiction> {
        let index = match number {
            0 if units == 0 && self.holds.len() == 1 => Some(0),
            0 => None,
            _ => self.hold_at(number),
        };
        let index = index.ok_or(Contradiction)?;
        let hold = &mut self.holds[index];
        // Outside of any poll it is dropped together with its task.
        if change.by.is_some() && change.by != hold.task {
            self.guards_move = true;
        }
        let units = if units == 0 { hold.units } else { units };
        let part = Hold {
            units: units.min(hold.units),
            ..hold.clone()
        };
        let fits = units <= hold.units;
        hold.units -= part.units;
        if hold.units == 0 {
            self.holds.remove(index);
        }
        if fits { Ok(part) } else { Err(Contradiction) }
    }
}
