//! What could end a wait.

use std::rc::Rc;

use crate::history::{ResourceId, TaskId};

/// Where something that a waiting operation needs can be.
pub(super) struct Place {
    /// The task that is known to have had it last, and that a finding names.
    pub(super) named: Vec<TaskId>,
    /// Others to which it may have been handed: any of all these could act.
    pub(super) handed: Vec<TaskId>,
    /// It is nowhere else.
    pub(super) exact: bool,
}

/// What could end a wait.
pub(super) enum Needs {
    /// It can end: what it waits for is there, or comes from outside of what was recorded.
    Nothing,
    /// Somebody in one of these places must act.
    One(Vec<Place>),
    /// Units must come back, in the order of a queue.
    Units(Units),
}

/// Units of a resource that a waiting operation needs.
pub(super) struct Units {
    /// Of which.
    pub(super) resource: ResourceId,
    /// How many more than are free.
    pub(super) missing: u64,
    /// Who has units, and how many: the same for all that wait for this resource.
    pub(super) kept: Rc<[(u64, Place)]>,
    /// Operations that are served before: all of them must get what they want, or give up.
    pub(super) ahead: Vec<Place>,
    /// Who could help in another way: add units, or close it.
    pub(super) others: Vec<Place>,
}

impl Needs {
    /// All places from which help could come.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        let (one, units) = match self {
            Needs::Nothing => (&[][..], None),
            Needs::One(places) => (&places[..], None),
            Needs::Units(units) => (&[][..], Some(units)),
        };
        let of_units = units.into_iter().flat_map(|units| {
            let kept = units.kept.iter().map(|(_, place)| place);
            kept.chain(&units.ahead).chain(&units.others)
        });
        one.iter().chain(of_units)
    }
}
