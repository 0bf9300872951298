//! How sure a finding about waiting is, and why it is not surer.

use super::Case;
use crate::findings::Confidence;
use crate::history::{Resource, ResourceKind};
use crate::waits::{Elsewhere, KnotLink, Level, Link};

pub(super) fn confidence(case: &Case<'_, '_>) -> (Confidence, Option<String>) {
    let history = case.history;
    let is_partial = history.begins_whole == Some(false);
    if (history.loss.is_gap() || is_partial) && !history.is_healed {
        let partial = "not all that was alive at its beginning is known";
        let lost = history
            .loss
            .sentence()
            .unwrap_or_else(|| partial.to_owned());
        return (
            Confidence::Possible,
            Some(format!("the record is incomplete: {lost}")),
        );
    }
    if !history.has_cut {
        let because = "the trace ends before a moment that is known of all threads".to_owned();
        return (Confidence::Possible, Some(because));
    }
    if case.may_be_parked() {
        let because = "it never kept a clone of its waker, as a task does that is parked on purpose, to be aborted";
        return (Confidence::Likely, Some(because.to_owned()));
    }
    match case.knot.level {
        Level::Proven if case.knot.elsewhere == Elsewhere::No => (Confidence::Proven, None),
        Level::Possible => (Confidence::Possible, Some(guess(case))),
        Level::Guess => {
            let because = "nothing tells who could give what is waited for: a thread that is not recorded may";
            (Confidence::Possible, Some(because.to_owned()))
        }
        _ if case.knot.links.iter().any(|link| may_have_left(case, link)) => {
            let because = "a task waits for what it had itself, and could have handed on to a thread or a task that is not recorded";
            (Confidence::Possible, Some(because.to_owned()))
        }
        // Anybody can add permits, and nobody in the trace has any.
        _ if !case.knot.is_circle && case.waits_for_permits() => {
            (Confidence::Possible, Some(unseen(case)))
        }
        // Such things are made to be handed around, to threads that nobody records, too.
        _ if case.knot.elsewhere == Elsewhere::Often => (Confidence::Possible, Some(unseen(case))),
        _ => (Confidence::Likely, Some(unseen(case))),
    }
}

/// What could have been moved unseen.
fn unseen(case: &Case<'_, '_>) -> String {
    if case.waits_to_be_driven() {
        return "that nobody polls it is concluded from the silence since".to_owned();
    }
    let mut what: Vec<&str> = Vec::new();
    for operation in case.operations() {
        let kind = operation
            .kind
            .resource()
            .and_then(|id| case.history.resource(id))
            .map(|resource| resource.kind);
        let thing = match kind {
            Some(ResourceKind::Mutex | ResourceKind::RwLock | ResourceKind::OnceCell) => "a guard",
            Some(ResourceKind::Semaphore) => "a permit",
            Some(kind) if kind.is_channel() => "an end of a channel",
            Some(ResourceKind::Notify | ResourceKind::Barrier) => "a reference to what signals",
            _ => continue,
        };
        if !what.contains(&thing) {
            what.push(thing);
        }
    }
    if what.is_empty() {
        return "whether its thread blocks there is concluded from its silence".to_owned();
    }
    format!(
        "{} could have been moved unseen, to a thread that is not recorded for instance, but every task that could have it is stuck",
        what.join(" or ")
    )
}

/// What was taken for granted.
fn guess(case: &Case<'_, '_>) -> String {
    let has_join = case.history.operations.iter().any(|operation| {
        let is_of_knot = operation
            .task
            .is_some_and(|task| case.knot.tasks.contains(&task));
        let is_join = matches!(operation.kind, crate::history::OperationKind::Join(_));
        is_of_knot && is_join && operation.ended.is_none()
    });
    if has_join {
        "tasks that could help go on, if what the circle waits for was moved to them unseen; or a task of the circle still awaits a task \
         that it seems to have given up"
            .to_owned()
    } else {
        "other tasks go on, and could help if what the circle waits for was moved to them unseen"
            .to_owned()
    }
}

/// Whether a task waits for more of what it had itself, and that need not be with it any more. So does whoever keeps a limit: it takes a
/// permit, hands it to a worker, and waits for the next. Where the workers are threads or unrecorded tasks, that is all there is to see.
fn may_have_left(case: &Case<'_, '_>, link: &KnotLink) -> bool {
    if link.wait.elsewhere == Elsewhere::No || link.waiter != link.on {
        return false;
    }
    match link.link {
        Link::Holds => {}
        // The end of a channel that it alone has used.
        Link::Receives => return case.knot.tasks.len() == 1,
        // An operation that is not polled any more is with it.
        _ => return false,
    }
    let resource = link
        .wait
        .operation
        .and_then(|id| case.history.operation(id))
        .and_then(|operation| operation.kind.resource())
        .and_then(|id| case.history.resource(id));
    let mut own = resource
        .into_iter()
        .flat_map(Resource::holders)
        .filter(|hold| hold.task == Some(link.waiter))
        .peekable();
    if case.knot.tasks.len() > 1 {
        return own.any(|hold| hold.loose);
    }
    // Alone it waits in vain for what it is sure to keep: not for permits, which anybody can add.
    let is_lock = resource.is_some_and(|resource| {
        matches!(
            resource.kind,
            ResourceKind::Mutex | ResourceKind::RwLock | ResourceKind::OnceCell
        )
    });
    !is_lock || own.peek().is_none() || own.any(|hold| hold.loose)
}
