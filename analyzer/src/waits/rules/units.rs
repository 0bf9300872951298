//! Locks and permits: units that must come back, in the order of a queue.

use std::rc::Rc;

use super::super::moment::{Moment, Pending};
use super::super::needs::{Elsewhere, Link, Needs, Place, Units};
use crate::history::{
    OperationId, Queued, Resource, ResourceId, ResourceKind, ResourceState, TaskId,
};

/// So many operations that are served first are looked at, from the head of the queue: those behind them wait for the same. To look at
/// fewer can only hide that a task is stuck.
const AHEAD: usize = 32;

/// Units of a resource, and where they are.
pub(in super::super) type Kept = Rc<[(u64, Place)]>;

impl Moment<'_, '_> {
    /// A lock of this kind must be given back.
    pub(super) fn needs_lock(
        &self,
        id: ResourceId,
        kind: ResourceKind,
        pending: &Pending<'_>,
    ) -> Needs {
        self.known(id, kind)
            .and_then(|(resource, state)| self.needs_units(resource, &state, pending, Vec::new()))
            .unwrap_or(Needs::Nothing)
    }

    /// Permits must be given back, or added.
    pub(super) fn needs_permits(&self, id: ResourceId, pending: &Pending<'_>) -> Needs {
        self.known(id, ResourceKind::Semaphore)
            .filter(|(_, state)| !state.is_closed)
            .and_then(|(semaphore, state)| {
                let others = self.whoever_reaches(semaphore, &state)?;
                self.needs_units(semaphore, &state, pending, vec![others])
            })
            .unwrap_or(Needs::Nothing)
    }

    /// A value is made by another task, which has the turn.
    pub(super) fn needs_value(&self, id: ResourceId) -> Needs {
        let turn = self
            .known(id, ResourceKind::OnceCell)
            .filter(|(_, state)| !state.is_set)
            .and_then(|(_, state)| self.place_of_hold(state.holds.first()?));
        turn.map_or(Needs::Nothing, |turn| Needs::One(vec![turn]))
    }

    /// A resource of this kind whose state is known.
    pub(super) fn known(
        &self,
        id: ResourceId,
        kind: ResourceKind,
    ) -> Option<(&Resource, std::sync::Arc<ResourceState>)> {
        let resource = self.resource(id).filter(|resource| resource.kind == kind)?;
        Some((resource, self.state(id)?))
    }

    /// Who must give units back, and who is served first. None where the units are there and nobody is, or where that cannot be told.
    fn needs_units(
        &self,
        resource: &Resource,
        state: &ResourceState,
        pending: &Pending<'_>,
        others: Vec<Place>,
    ) -> Option<Needs> {
        // It has what it wants: its task is about to take it.
        if pending.is_fired {
            return None;
        }
        let operation = pending.operation;
        let granted: u64 = state
            .queue
            .iter()
            .filter(|queued| self.is_granted(queued))
            .fold(0, |sum, queued| sum.saturating_add(queued.units));
        // Files of before this column say nothing, and mean one.
        let wanted = operation.units.max(1);
        let missing = wanted.saturating_sub(state.free().saturating_sub(granted));
        let mut ahead = Vec::new();
        for queued in state.ahead_of(operation.id).take(AHEAD) {
            if !self.is_granted(queued) {
                ahead.push(self.place_of_queued(queued.operation, Link::Ahead(queued.operation))?);
            }
        }
        if missing == 0 && ahead.is_empty() {
            return None;
        }
        let kept = if missing == 0 {
            Rc::default()
        } else {
            self.kept(resource, state)?
        };
        Some(Needs::Units(Units {
            resource: resource.id,
            missing,
            kept,
            ahead,
            others,
        }))
    }

    /// Whether an operation in a queue was given what it wants, and has not taken it.
    pub(super) fn is_granted(&self, queued: &Queued) -> bool {
        self.operation(queued.operation)
            .is_some_and(|(pending, _)| pending.is_fired)
    }

    /// Where an operation in a queue is; none where that is outside of recorded tasks.
    pub(super) fn place_of_queued(&self, id: OperationId, link: Link) -> Option<Place> {
        let (pending, owner) = self.operation(id)?;
        let task = owner?;
        if !self.is_live(task) {
            // It outlived its task: somebody may have it, or nobody.
            return Some(Place {
                named: Vec::new(),
                handed: self.handed_since([task], pending.operation.begun),
                elsewhere: Elsewhere::Often,
            });
        }
        let is_exact = pending.flags.is_inline() && !pending.flags.is_no_drop();
        Some(Place {
            named: vec![(task, link)],
            handed: Vec::new(),
            elsewhere: if is_exact {
                Elsewhere::No
            } else {
                Elsewhere::Rarely
            },
        })
    }

    /// Where the units of a resource are that somebody has; none where some are outside of recorded tasks.
    fn kept(&self, resource: &Resource, state: &ResourceState) -> Option<Kept> {
        if let Some(known) = self.kept.borrow().get(&resource.id) {
            return known.clone();
        }
        // Where units can be added, that those which are held come back is not the only way.
        let may_grow = resource.kind == ResourceKind::Semaphore;
        let held = state
            .holds
            .iter()
            .map(|hold| Some((hold.units, self.place_of_hold(hold)?)));
        let granted = state.queue.iter().filter(|queued| self.is_granted(queued));
        let granted = granted.map(|queued| {
            let link = Link::Granted(queued.operation);
            Some((queued.units, self.place_of_queued(queued.operation, link)?))
        });
        let places = held.chain(granted).map(|place| {
            let (units, place) = place?;
            let elsewhere = if may_grow {
                place.elsewhere.max(Elsewhere::Rarely)
            } else {
                place.elsewhere
            };
            Some((units, Place { elsewhere, ..place }))
        });
        let kept: Option<Kept> = places.collect();
        self.kept.borrow_mut().insert(resource.id, kept.clone());
        kept
    }

    /// Who could add permits to a semaphore, or close it: whoever made it or used it, and whoever may have got it from these. None where
    /// code outside of recorded tasks did.
    fn whoever_reaches(&self, semaphore: &Resource, state: &ResourceState) -> Option<Place> {
        let users = state.users.iter().copied();
        let tasks: Option<Vec<TaskId>> = users.chain([semaphore.created_by]).collect();
        let tasks = tasks?;
        let handed = self.handed_since(tasks.iter().copied(), semaphore.made());
        Some(Place {
            named: Vec::new(),
            handed: tasks
                .into_iter()
                .chain(handed)
                .filter(|&task| self.is_live(task))
                .collect(),
            elsewhere: Elsewhere::Rarely,
        })
    }
}
