//! Resources of which something may be lost.

use ais_analyzer::history::Resource;

use super::{by, known};
use crate::compare::{self, Agreement, same};
use crate::expected;

/// What is said of a resource is so.
pub(super) fn resource(resource: &Resource, must: &expected::Resource) -> Agreement {
    known(
        "when it was dropped",
        resource.dropped.map(|at| at.0),
        must.dropped,
    )?;
    for change in &resource.changes {
        let is_it = |it: &&expected::Change| it.sequence == change.sequence;
        let Some(happened) = must.changes.iter().find(is_it) else {
            return Err(format!("it was not changed the {}th time", change.sequence));
        };
        same("a change's time", change.at.0, happened.at)?;
        let who = compare::by(change.by, change.foreign);
        by(who, happened.by)?;
        // What it says of who has units is looked at as the same.
        let same_by = expected::Change {
            by: who,
            ..*happened
        };
        if !compare::is_change(&change.kind, &same_by) {
            let (is, must) = (format!("{:?}", change.kind), format!("{:?}", happened.act));
            return same("a change", is, must);
        }
    }
    if resource.uncertain {
        return Ok(());
    }
    is_as_after_its_last_change(resource, must)
}

/// A resource that is not uncertain is as it was after the last of its changes that are known.
fn is_as_after_its_last_change(resource: &Resource, must: &expected::Resource) -> Agreement {
    same("whether it is late", false, must.is_late())?;
    let last = resource.changes.last().map_or(0, |change| change.sequence);
    let is_before = |change: &&expected::Change| change.sequence <= last;
    let then = must.after(must.changes.iter().filter(is_before).count());
    let state = &resource.at_end;
    let holds = state.holds.iter();
    let is: Vec<_> = holds
        .map(|hold| (hold.number, hold.units, hold.since.0))
        .collect();
    let holds = then.holds.iter();
    let must_be = holds.map(|hold| (hold.number, hold.units, hold.since));
    same("its holders", is, must_be.collect())?;
    for (is, must) in state.holds.iter().zip(&then.holds) {
        // Else it is a guess.
        if is.exact {
            by(compare::by(is.task, is.foreign), must.by)?;
        }
    }
    same("its units", state.units, then.units)?;
    let queue = state.queue.iter().map(|queued| queued.operation.0);
    let must_be = then.queue.iter().map(|begin| begin.operation);
    same("its queue", queue.collect::<Vec<_>>(), must_be.collect())?;
    same("its messages", state.messages, then.messages)?;
    let ends = state.handles.iter().map(|end| end.number);
    let must_be = then.handles.iter().map(|end| end.number);
    same("its ends", ends.collect::<Vec<_>>(), must_be.collect())?;
    same("whether it is closed", state.is_closed, then.is_closed)?;
    same("whether it is set", state.is_set, then.is_set)
}
