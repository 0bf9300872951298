//! The may-progress fixpoint over tasks.

use std::collections::{HashMap, HashSet};

use super::model::{Model, Needed};
use super::needs::{Needs, Place};
use crate::history::{History, OperationId, TaskId};

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
        let more: Vec<TaskId> = needs
            .iter()
            .filter(|(task, operations)| {
                !can.contains(task) && operations.iter().any(|needed| can_end(&needed.needs, &can))
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

fn can_end(needs: &Needs, can: &HashSet<TaskId>) -> bool {
    let acts = |place: &Place| can_act(place, can);
    match needs {
        Needs::Nothing => true,
        Needs::One(places) => places.iter().any(acts),
        Needs::Units(units) => {
            let back = units
                .kept
                .iter()
                .filter(|(_, place)| acts(place))
                .fold(0, |sum: u64, (units, _)| sum.saturating_add(*units));
            (back >= units.missing && units.ahead.iter().all(acts)) || units.others.iter().any(acts)
        }
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
    let places: Vec<&Place> = needs.places().collect();
    let mut on: Vec<TaskId> = places
        .iter()
        .flat_map(|place| place.named.iter().copied())
        .collect();
    on.sort_unstable();
    on.dedup();
    Wait {
        operation,
        on,
        exact: is_certain && places.iter().all(|place| place.exact),
    }
}
