//! What could end a wait: the vocabulary in which the rules speak.

use std::rc::Rc;

use crate::history::{OperationId, ResourceId, TaskId};

/// How a task keeps another one waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// It holds units of what is wanted: a lock, permits, a slot.
    Holds,
    /// It borrows the value of a watch channel.
    Borrows,
    /// An operation of it was given what is wanted, and is not polled any more.
    Granted(OperationId),
    /// An operation of it stands before the other in the queue.
    Ahead(OperationId),
    /// It has the end that receives.
    Receives,
    /// It has an end, with this number, that sends.
    Sends(u64),
    /// It could signal: notify, arrive, add permits.
    Signals,
    /// Its end is waited for.
    Ends,
    /// Its poll keeps the thread on which the other would be polled.
    Executes,
}

/// Where else something may be than where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elsewhere {
    /// Nowhere: it follows from what is recorded.
    No,
    /// It may have been moved, though that is not what programs do with it.
    Rarely,
    /// It is made to be handed around.
    Often,
    /// Nothing tells where it is.
    Unknown,
}

/// Where something that a waiting operation needs can be.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The tasks that are known to have had it last, and that a finding names, and how they keep it.
    pub(super) named: Vec<(TaskId, Link)>,
    /// Others to which it may have been handed: any of all these could act.
    pub(super) handed: Vec<TaskId>,
    /// Whether it may be elsewhere.
    pub(super) elsewhere: Elsewhere,
}

/// What could end a wait.
pub(super) enum Needs {
    /// It can end: what it waits for is there, or comes from outside of what was recorded.
    Nothing,
    /// Somebody in one of these places must act; where there are none, nobody can.
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

/// One of the things that a task waits for.
pub(super) struct Needed {
    /// The operation; none where the task waits for no operation of its own (for a thread to be polled on).
    pub(super) operation: Option<OperationId>,
    /// The task is known to wait for this.
    pub(super) is_certain: bool,
    /// It looks as if nobody polled it any more, though nothing proves it.
    pub(super) is_dormant: bool,
    pub(super) needs: Needs,
}
