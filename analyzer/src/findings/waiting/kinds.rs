//! What kind of bug a knot is: by the way in which its tasks keep each other waiting.

use super::Case;
use crate::findings::Kind;
use crate::history::OperationKind;
use crate::waits::{KnotLink, Link};

pub(super) fn kind(case: &Case<'_, '_>) -> Kind {
    if case.knot.links.is_empty() {
        return without_a_circle(case);
    }
    let links = &case.knot.links;
    let is = |link: &KnotLink, is: fn(OperationKind) -> bool| {
        let operation = link
            .wait
            .operation
            .and_then(|id| case.history.operation(id));
        operation.is_some_and(|operation| is(operation.kind))
    };
    if links.iter().any(|link| is_given_up(case, link)) {
        // A notification that nobody takes is not kept from others as a lock is: it is lost on them.
        let is_notice = links.iter().any(|link| {
            matches!(link.link, Link::Granted(_))
                && is(link, |kind| matches!(kind, OperationKind::Notified(_)))
        });
        return if is_notice {
            Kind::LostWakeup
        } else {
            Kind::Futurelock
        };
    }
    if links.iter().any(|link| link.link == Link::Executes) {
        return Kind::Starvation;
    }
    let is_room = |link: &KnotLink| {
        let sends = is(link, |kind| {
            matches!(kind, OperationKind::Send(..) | OperationKind::Reserve(..))
        });
        // Under a borrow, a watch channel is a lock.
        sends && link.link != Link::Borrows
    };
    if links.iter().any(is_room) {
        Kind::BackpressureCycle
    } else if case.knot.tasks.len() == 1 {
        Kind::SelfDeadlock
    } else {
        Kind::DeadlockCycle
    }
}

/// Whether what is wanted is kept by something that its task does not poll any more: an operation that was given it, or a future that has
/// it and waits for something that came.
fn is_given_up(case: &Case<'_, '_>, link: &KnotLink) -> bool {
    match link.link {
        Link::Granted(_) => true,
        Link::Holds => {
            // The task waits itself for what a part of it holds.
            link.on == link.waiter && !case.moment.given_up_by(link.on).is_empty()
        }
        _ => false,
    }
}

fn without_a_circle(case: &Case<'_, '_>) -> Kind {
    let Some(&task) = case.knot.tasks.first() else {
        return Kind::LeakedWaiter;
    };
    let operations = case.operations();
    if operations.is_empty() {
        let is_idle = case
            .history
            .task(task)
            .is_some_and(|task| matches!(task.state(), crate::history::TaskState::Idle(_)));
        // Ready, but nobody polls it; or nobody has its waker.
        return if is_idle {
            Kind::LostWakeup
        } else {
            Kind::Starvation
        };
    }
    if operations
        .iter()
        .all(|operation| case.moment.is_lost_on(operation))
    {
        Kind::LostWakeup
    } else {
        Kind::LeakedWaiter
    }
}
