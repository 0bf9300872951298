//! The may-progress fixpoint over tasks.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};

use super::model::{Model, Needed};
use super::needs::{Needs, Place, Units};
use crate::history::{History, OperationId, ResourceId, TaskId};

/// So many of the tasks that keep something from a waiting one are named, so that thousands which wait for what thousands hold do not
/// make millions of edges.
const NAMED: usize = 1000;

/// Which tasks can progress, and what the others wait for.
#[derive(Debug, Default)]
pub struct Progress {
    /// Tasks that are alive and can never progress again, unless somebody cancels them.
    pub stuck: HashSet<TaskId>,
    /// What each stuck task waits for: nothing of it can ever come.
    pub waits: HashMap<TaskId, Vec<Wait>>,
}

/// A pending operation of a stuck task, and the tasks that alone could end the wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The operation.
    pub operation: OperationId,
    /// The tasks that hold what is wanted, stand before it in the queue, or could send or receive it.
    pub on: Vec<TaskId>,
    /// These tasks are known to be the only ones: no guard or handle can be elsewhere.
    pub exact: bool,
}

/// The fixpoint at the end of the trace.
pub fn progress(history: &History) -> Progress {
    let model = Model::new(history);
    let live: Vec<TaskId> = model.live.iter().copied().collect();
    let needs: HashMap<TaskId, Vec<Needed>> = live
        .iter()
        .filter_map(|&task| model.needs_of_task(task).map(|needs| (task, needs)))
        .collect();
    // Whoever needs nothing of others can progress.
    let mut can: HashSet<TaskId> = live
        .iter()
        .copied()
        .filter(|task| !needs.contains_key(task))
        .collect();
    loop {
        let round = Round {
            can: &can,
            back: RefCell::default(),
        };
        let more: Vec<TaskId> = needs
            .iter()
            .filter(|(task, operations)| {
                !can.contains(task) && operations.iter().any(|needed| round.can_end(&needed.needs))
            })
            .map(|(&task, _)| task)
            .collect();
        if more.is_empty() {
            break;
        }
        can.extend(more);
    }
    let stuck: HashSet<TaskId> = live
        .into_iter()
        .filter(|task| !can.contains(task))
        .collect();
    let waits = needs
        .into_iter()
        .filter(|(task, _)| stuck.contains(task))
        .map(|(task, operations)| {
            let waits = operations
                .iter()
                .map(|needed| wait(needed.operation, needed.is_certain, &needed.needs));
            (task, waits.collect())
        });
    Progress {
        waits: waits.collect(),
        stuck,
    }
}

/// The tasks that can progress by now, and how many units of each resource those have.
struct Round<'a> {
    can: &'a HashSet<TaskId>,
    back: RefCell<HashMap<ResourceId, u64>>,
}

impl Round<'_> {
    fn can_end(&self, needs: &Needs) -> bool {
        let acts = |place: &Place| can_act(place, self.can);
        match needs {
            Needs::Nothing => true,
            Needs::One(places) => places.iter().any(acts),
            Needs::Units(units) => {
                let comes_back = || units.missing == 0 || self.back(units) >= units.missing;
                (comes_back() && units.ahead.iter().all(acts)) || units.others.iter().any(acts)
            }
        }
    }

    /// The units that can come back. Many may wait for one resource, and many have units of it: it is counted once.
    fn back(&self, units: &Units) -> u64 {
        let mut back = self.back.borrow_mut();
        *back.entry(units.resource).or_insert_with(|| {
            units
                .kept
                .iter()
                .filter(|(_, place)| can_act(place, self.can))
                .fold(0, |sum: u64, (units, _)| sum.saturating_add(*units))
        })
    }
}

/// Whether somebody who can have it can move. A thing that may be anywhere can be moved by anybody.
fn can_act(place: &Place, can: &HashSet<TaskId>) -> bool {
    place
        .named
        .iter()
        .chain(&place.handed)
        .any(|task| can.contains(task))
        || (!place.exact && !can.is_empty())
}

fn wait(operation: OperationId, is_certain: bool, needs: &Needs) -> Wait {
    let named = needs.places().flat_map(|place| &place.named);
    let on: BTreeSet<TaskId> = named.copied().take(NAMED).collect();
    Wait {
        operation,
        on: on.into_iter().collect(),
        exact: is_certain && needs.places().all(|place| place.exact),
    }
}
