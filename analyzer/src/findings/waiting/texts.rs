//! The sentences of a finding about waiting: its headline, why it cannot end, what to change.

use super::Case;
use crate::findings::Kind;
use crate::history::{Hold, Operation, OperationKind, ResourceKind, Task, TaskId};
use crate::time::Nanos;
use crate::waits::{Elsewhere, KnotLink, Link};

/// Who waits, for how long.
pub(super) fn title(case: &Case<'_, '_>, kind: Kind, long: Nanos) -> String {
    let name = |id: &TaskId| {
        case.history
            .task(*id)
            .map_or_else(|| format!("task #{}", id.0), Task::title)
    };
    let tasks = &case.knot.tasks;
    if let ([waiters @ .., given], false, false) =
        (&tasks[..], case.knot.is_circle, case.knot.links.is_empty())
    {
        let waiters: Vec<String> = waiters.iter().map(name).collect();
        let verb = if waiters.len() == 1 { "has" } else { "have" };
        return format!(
            "{} {verb} waited {long} for what went to a future that {} does not poll",
            waiters.join(", "),
            name(given)
        );
    }
    if !case.knot.is_circle {
        let task = tasks.first().map(name).unwrap_or_default();
        return match kind {
            Kind::LostWakeup if case.operations().is_empty() => {
                format!("{task} has waited for {long}, and nobody has its waker")
            }
            Kind::LostWakeup => {
                format!("{task} has waited for {long} to be notified, which happened before")
            }
            Kind::Starvation => format!("{task} has been ready for {long}, and nobody polls it"),
            _ => format!("{task} has waited for {long} for what nobody can do any more"),
        };
    }
    match (&tasks[..], kind) {
        ([task], Kind::Futurelock) => format!(
            "{} has waited {long} for what a future of its own keeps, which it does not poll",
            name(task)
        ),
        ([task], Kind::LostWakeup) => format!(
            "{} has waited {long} for a notification that went to a future which it does not poll",
            name(task)
        ),
        ([task], _) => format!(
            "{} has waited {long} for what only it could give",
            name(task)
        ),
        ([a, b], _) => format!(
            "{} and {} have waited for each other for {long}",
            name(a),
            name(b)
        ),
        (tasks, _) => {
            let names: Vec<String> = tasks.iter().map(name).collect();
            format!(
                "{} tasks have waited for each other for {long}: {}",
                tasks.len(),
                names.join(", ")
            )
        }
    }
}

/// Why nothing can end it.
pub(super) fn why(case: &Case<'_, '_>, kind: Kind) -> String {
    if case.knot.links.is_empty() {
        return why_without_a_circle(case, kind);
    }
    let links = &case.knot.links;
    let is_held = |link: &KnotLink| matches!(link.link, Link::Holds | Link::Borrows);
    let all_held = links.iter().all(is_held);
    let who = match kind {
        Kind::Futurelock | Kind::LostWakeup if case.knot.is_circle => {
            "what is waited for was given to a future that is not polled any more, and the task that would have to poll or drop it waits \
             itself"
        }
        Kind::Futurelock | Kind::LostWakeup => {
            "what is waited for was given to a future that is not polled any more, and the task that would have to poll or drop it never \
             wakes"
        }
        Kind::Starvation => {
            "what is waited for must be polled, and the thread that would do it waits itself"
        }
        Kind::SelfDeadlock => "the task can only go on when it has what it keeps from itself",
        _ if all_held => "each holder waits for what the next one holds",
        _ => "each of them can only go on when the next one does",
    };
    if all_held && case.knot.elsewhere == Elsewhere::No || kind == Kind::Futurelock {
        format!("{who}; only cancelling one of them ends it")
    } else if !case.knot.is_circle {
        format!("{who}, and nobody else can do it")
    } else {
        format!(
            "{who}, and no task outside of the circle can do it for them; only cancelling one of them ends it"
        )
    }
}

fn why_without_a_circle(case: &Case<'_, '_>, kind: Kind) -> String {
    let operations = case.operations();
    let text = match (kind, operations.first().map(|operation| operation.kind)) {
        (Kind::LostWakeup, None) => {
            "it returned Pending and no clone of its waker is alive: nobody can ever wake it"
        }
        (Kind::LostWakeup, _) => {
            "a notification reaches those that wait when it is made (or one that comes next, for notify_one), and every task that could \
             make another one has ended or is stuck"
        }
        (Kind::Starvation, _) => "no thread polls it, and every task that could is stuck",
        (_, Some(OperationKind::Receive(..) | OperationKind::Changed(..))) => {
            "a sender is alive, so the channel is not closed, but every task that could have it has ended or is stuck"
        }
        (_, Some(OperationKind::Barrier(_))) => {
            "every task that could still come to the barrier has ended or waits there"
        }
        _ => "every task that could give it has ended or is stuck",
    };
    text.to_owned()
}

/// What to change.
pub(super) fn advice(case: &Case<'_, '_>, kind: Kind) -> String {
    let operations = case.operations();
    let any = |is: fn(OperationKind) -> bool| operations.iter().any(|operation| is(operation.kind));
    let joins = any(|kind| matches!(kind, OperationKind::Join(_) | OperationKind::JoinNext(_)));
    let receives = any(|kind| matches!(kind, OperationKind::Receive(..)));
    let reads_twice = operations.iter().any(|operation| {
        matches!(operation.kind, OperationKind::Read(_))
            && operation
                .task
                .is_some_and(|task| hold_of(case, task, operation).is_some())
    });
    let text = if reads_twice {
        "do not read-lock again what the task has read-locked already: a writer that waits in between stops both"
    } else if kind == Kind::SelfDeadlock && receives {
        "drop the sender that the task keeps itself before it waits for the channel to end (drop(tx)), or answer itself without going \
         through its own queue"
    } else if joins && receives && kind == Kind::DeadlockCycle {
        "drop the sender before waiting for the end of the task that receives until all senders are gone"
    } else if joins && kind == Kind::DeadlockCycle {
        "do not wait for a task while holding what it needs: release the lock before the join"
    } else if receives && kind == Kind::DeadlockCycle {
        "do not wait for an answer from a task that waits for one from here: handle messages while waiting (select!), or make one of the \
         two calls a message without an answer"
    } else if kind == Kind::Starvation && case.waits_to_be_driven() {
        "drive what the task was given to: await the LocalSet (or local.run_until(…)), or block on the runtime itself and not on its handle"
    } else if kind == Kind::LostWakeup && operations.is_empty() {
        "before a future returns Pending it must have put a clone of the waker of this very poll where what it waits for will find it; \
         with several waiters, each needs a place of its own"
    } else {
        kind.advice()
    };
    text.to_owned()
}

/// The hold by which `task` keeps what `wanted` asks for.
pub(super) fn hold_of<'a>(
    case: &Case<'_, 'a>,
    task: TaskId,
    wanted: &Operation,
) -> Option<&'a Hold> {
    let resource = case.history.resource(wanted.kind.resource()?)?;
    resource
        .holders()
        .iter()
        .find(|hold| hold.task == Some(task))
}

/// What an operation of this kind wants of its resource: `2 permits of semaphore "limit"`.
pub(super) fn what_is_wanted(case: &Case<'_, '_>, operation: &Operation) -> String {
    use crate::number::counted;
    let history = case.history;
    let resource = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id));
    let title = resource
        .map(crate::history::Resource::short_title)
        .unwrap_or_default();
    match operation.kind {
        OperationKind::Read(_) => format!("to read {title}"),
        OperationKind::Write(_) => format!("to write {title}"),
        OperationKind::Acquire(_) => format!("{} of {title}", counted(operation.units, "permit")),
        OperationKind::Send(..) | OperationKind::Reserve(..) => format!("room in {title}"),
        OperationKind::Receive(..) => match resource.map(|resource| resource.kind) {
            Some(ResourceKind::Oneshot) => format!("the answer through {title}"),
            _ => format!("a message from {title}"),
        },
        OperationKind::Changed(..) => format!("another value in {title}"),
        OperationKind::Closed(..) => format!("that nobody is at the other end of {title}"),
        OperationKind::Notified(_) => format!("to be notified by {title}"),
        OperationKind::Barrier(_) => format!("others to come to {title}"),
        OperationKind::Init(_) => format!("the value of {title}"),
        OperationKind::JoinNext(_) => format!("the end of any task in {title}"),
        OperationKind::Sleep | OperationKind::Timeout | OperationKind::Tick => {
            "a time to come, which a thread of its runtime has to tell it".to_owned()
        }
        OperationKind::Join(target) => format!(
            "the end of {}",
            history
                .task(target)
                .map_or_else(|| format!("task #{}", target.0), Task::title)
        ),
        _ if title.is_empty() => "something".to_owned(),
        _ => title,
    }
}
