//! What is signalled through a shared reference: notifications and arrivals; and the ends of the tasks of a set.
//!
//! Whoever can reach such a resource can act: who made it, who used it, and whoever may have got it from these.

use super::super::moment::{Moment, Pending};
use super::super::needs::{Elsewhere, Link, Needs, Place};
use super::end_of;
use crate::history::{
    Change, ChangeKind, NotifyMode, Operation, OperationKind, Resource, ResourceId, ResourceKind,
    ResourceState, TaskId,
};

impl Moment<'_, '_> {
    /// Somebody must notify.
    pub(super) fn needs_notice(
        &self,
        id: ResourceId,
        pending: &Pending<'_>,
        waiter: TaskId,
    ) -> Needs {
        let notice = || {
            let (notify, state) = self.known(id, ResourceKind::Notify)?;
            if pending.is_fired || !pending.is_polled {
                return None;
            }
            // What was given to an operation that is not polled is passed on when that is dropped.
            let granted = state.queue.iter().filter(|queued| self.is_granted(queued));
            let granted = granted.map(|queued| {
                self.place_of_queued(queued.operation, Link::Granted(queued.operation))
            });
            let mut places: Vec<Place> = granted.collect::<Option<_>>()?;
            let mut reach = self.reach(notify, &state, waiter)?;
            if state.signallers.is_empty() {
                // Where no recorded task ever did, nobody knows who would.
                reach.elsewhere = Elsewhere::Unknown;
            }
            if self.was_told_to_others(pending.operation) {
                // It is not for another notification that it waits.
                reach.named.clear();
            }
            places.push(reach);
            Some(places)
        };
        notice().map_or(Needs::Nothing, Needs::One)
    }

    /// Whether what an operation waits for has happened, and was told to others: all that waited were notified before it came, or one that
    /// is not polled any more was.
    pub(in super::super) fn was_told_to_others(&self, operation: &Operation) -> bool {
        let OperationKind::Notified(id) = operation.kind else {
            return false;
        };
        let (Some(notify), Some(state)) = (self.resource(id), self.state(id)) else {
            return false;
        };
        let to_one = state
            .queue
            .iter()
            .any(|queued| queued.operation != operation.id && self.is_granted(queued));
        let before = notify.changes.iter();
        let before = before.take_while(|change| change.sequence < operation.sequence);
        let is_to_all = |change: &Change| {
            matches!(
                change.kind,
                ChangeKind::Notified {
                    mode: NotifyMode::Waiters,
                    ..
                }
            )
        };
        to_one
            || before
                .filter(|change| change.by != operation.task)
                .any(is_to_all)
    }

    /// Somebody must set a value. Who would is not known before somebody does.
    pub(super) fn needs_setting(&self, id: ResourceId, waiter: TaskId) -> Needs {
        let setting = || {
            let (once, state) = self.known(id, ResourceKind::SetOnce)?;
            let reach = self.reach(once, &state, waiter).filter(|_| !state.is_set)?;
            Some(vec![Place {
                elsewhere: Elsewhere::Unknown,
                ..reach
            }])
        };
        setting().map_or(Needs::Nothing, Needs::One)
    }

    /// Others must come to a barrier.
    pub(super) fn needs_arrivals(&self, id: ResourceId, waiter: TaskId) -> Needs {
        let arrivals = || {
            let (barrier, state) = self.known(id, ResourceKind::Barrier)?;
            let reach = self.reach(barrier, &state, waiter)?;
            Some(vec![reach])
        };
        arrivals().map_or(Needs::Nothing, Needs::One)
    }

    /// One of the tasks of a set must end.
    pub(super) fn needs_end_of_one_of(&self, id: ResourceId) -> Needs {
        let ends = || {
            let (_, state) = self.known(id, ResourceKind::TaskSet)?;
            let all_live = state.members.iter().all(|&task| self.is_live(task));
            let is_empty = state.members.is_empty();
            (all_live && !is_empty)
                .then(|| state.members.iter().map(|&task| end_of(task)).collect())
        };
        ends().map_or(Needs::Nothing, Needs::One)
    }

    /// Who can signal through a resource; none where code outside of recorded tasks did so, or may have from the beginning.
    fn reach(&self, resource: &Resource, state: &ResourceState, waiter: TaskId) -> Option<Place> {
        let users: Option<Vec<TaskId>> = state
            .users
            .iter()
            .copied()
            .chain([resource.created_by])
            .collect();
        let users = users?;
        let handed = self.handed_since(users.iter().copied(), resource.made());
        let signallers = state.signallers.iter().flatten().copied();
        let named = signallers
            .filter(|&task| task != waiter && self.is_live(task))
            .map(|task| (task, Link::Signals));
        Some(Place {
            named: named.collect(),
            handed: users
                .iter()
                .copied()
                .chain(handed)
                .filter(|&task| self.is_live(task))
                .collect(),
            elsewhere: Elsewhere::Often,
        })
    }
}
