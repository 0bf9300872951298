//! Channels: room, messages, and that the other side is gone.

use super::super::moment::{Moment, Pending};
use super::super::needs::{Elsewhere, Link, Needs, Place};
use crate::history::{HandleSide, Resource, ResourceId, ResourceKind, ResourceState, TaskId};

impl Moment<'_, '_> {
    /// Somebody with a receiver must act, or with a slot that is kept free for a message to come.
    ///
    /// Ends are used through shared references, so who uses one need not be the only one who has it: never certain. One that code outside of
    /// recorded tasks has used may be anywhere.
    pub(super) fn needs_room(
        &self,
        id: ResourceId,
        units: u64,
        pending: &Pending<'_>,
        waiter: TaskId,
    ) -> Needs {
        self.known(id, ResourceKind::Channel)
            .and_then(|(channel, state)| self.room(channel, &state, units, pending, waiter))
            .map_or(Needs::Nothing, Needs::One)
    }

    fn room(
        &self,
        channel: &Resource,
        state: &ResourceState,
        units: u64,
        pending: &Pending<'_>,
        waiter: TaskId,
    ) -> Option<Vec<Place>> {
        if pending.is_fired || state.is_closed_as(channel.kind) {
            return None;
        }
        let slots = state.holds.iter().map(|hold| hold.units);
        let granted = state.queue.iter().filter(|queued| self.is_granted(queued));
        let granted: Vec<_> = granted.collect();
        let given = granted.iter().map(|queued| queued.units.max(1));
        let taken = slots.chain(given).fold(state.messages, u64::saturating_add);
        if taken.saturating_add(units) <= channel.capacity {
            return None;
        }
        let mut places = Vec::new();
        let receivers = state.handles.iter();
        for end in receivers.filter(|end| end.side == HandleSide::Receiver) {
            let place = self.place_of_end(channel, end, waiter)?;
            let elsewhere = if place.named.is_empty() {
                Elsewhere::Unknown
            } else {
                place.elsewhere
            };
            places.push(Place { elsewhere, ..place });
        }
        for hold in &state.holds {
            let place = self.place_of_hold(hold)?;
            let elsewhere = place.elsewhere.max(Elsewhere::Rarely);
            places.push(Place { elsewhere, ..place });
        }
        for queued in granted {
            places.push(self.place_of_queued(queued.operation, Link::Granted(queued.operation))?);
        }
        Some(places)
    }

    pub(super) fn is_watch(&self, id: ResourceId) -> bool {
        self.resource(id)
            .is_some_and(|channel| channel.kind == ResourceKind::Watch)
    }

    /// All that borrow the value of a watch channel must let go of it. What they borrow with cannot leave its thread.
    pub(super) fn needs_no_borrow(&self, id: ResourceId) -> Needs {
        let borrows = self.index.borrows_of(id, self.at);
        let places: Option<Vec<Place>> = borrows
            .into_iter()
            .map(|borrow| {
                let task = borrow.task.filter(|&task| self.is_live(task))?;
                Some(Place {
                    named: vec![(task, Link::Borrows)],
                    handed: Vec::new(),
                    elsewhere: Elsewhere::No,
                })
            })
            .collect();
        // Each of them has to; that one can is taken to be enough.
        match places {
            Some(places) if !places.is_empty() => Needs::One(places),
            _ => Needs::Nothing,
        }
    }

    /// Somebody with a sender must send or go.
    pub(super) fn needs_message(&self, id: ResourceId, handle: u64, waiter: TaskId) -> Needs {
        let message = || {
            let channel = self.resource(id)?;
            let state = self.state(id)?;
            let queued = match channel.kind {
                ResourceKind::Watch | ResourceKind::Broadcast => {
                    let end = state.handles.iter().find(|end| end.number == handle)?;
                    end.unseen
                }
                _ => state.messages,
            };
            if queued > 0 {
                return None;
            }
            self.other_side(channel, &state, HandleSide::Sender, waiter)
        };
        message().map_or(Needs::Nothing, Needs::One)
    }

    /// All receivers must go, or one that closes.
    pub(super) fn needs_closed(&self, id: ResourceId, waiter: TaskId) -> Needs {
        let closed = || {
            let channel = self.resource(id)?;
            let state = self.state(id)?;
            self.other_side(channel, &state, HandleSide::Receiver, waiter)
        };
        closed().map_or(Needs::Nothing, Needs::One)
    }

    /// Where the ends of a side are; none where there is none, or where that cannot be told.
    fn other_side(
        &self,
        channel: &Resource,
        state: &ResourceState,
        side: HandleSide,
        waiter: TaskId,
    ) -> Option<Vec<Place>> {
        if state.is_closed_as(channel.kind) {
            return None;
        }
        let mut places = Vec::new();
        for end in state.handles.iter().filter(|end| end.side == side) {
            places.push(self.place_of_end(channel, end, waiter)?);
        }
        if side == HandleSide::Sender {
            for hold in &state.holds {
                let place = self.place_of_hold(hold)?;
                places.push(Place {
                    elsewhere: Elsewhere::Often,
                    ..place
                });
            }
        }
        Some(places)
    }
}
