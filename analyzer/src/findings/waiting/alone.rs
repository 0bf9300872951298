//! The evidence about a task that nobody can help: who had what it waits for, and what became of that.

use super::Case;
use super::facts::{ago, at_place, last_change, short, what_is_awaited, what_sends};
use crate::findings::Fact;
use crate::history::{ChangeKind, Hold, NotifyMode, Operation, OperationKind, Task, TaskId};
use crate::report::what_is_held;
use crate::time::Nanos;

/// What a task waits for that nobody can help, and what shows that nobody can.
pub(super) fn of_one_alone(case: &Case<'_, '_>, task: TaskId) -> Vec<Fact> {
    let history = case.history;
    let operations = case.moment.awaited_by(task);
    if operations.is_empty() {
        return vec![without_operations(case, task)];
    }
    let mut facts = Vec::new();
    for operation in operations {
        if case.knot.tasks.first() == Some(&task) {
            let operation = history.operation(operation);
            facts.extend(operation.into_iter().flat_map(|it| who_had_it(case, it)));
        }
        facts.push(what_is_awaited(case, task, operation));
    }
    // Told once.
    if case.knot.tasks.last() != Some(&task) {
        return facts;
    }
    if let Some(resource) = facts.iter().find_map(|fact| fact.resource)
        && let Some(resource) = history.resource(resource)
        && resource.kind == crate::history::ResourceKind::Barrier
    {
        let come = resource.at_end.arrivals % resource.capacity.max(1);
        facts.push(Fact {
            text: format!(
                "{} of {} have come to {}",
                come,
                resource.capacity,
                resource.title()
            ),
            task: None,
            resource: Some(resource.id),
            location: resource.created_at.clone(),
            at: resource.changes.last().map_or(Nanos(0), |change| change.at),
        });
    }
    facts
}

fn without_operations(case: &Case<'_, '_>, task: TaskId) -> Fact {
    let record = case.history.task(task);
    let state = record.map(Task::state);
    let since = state.map_or(Nanos(0), crate::history::TaskState::since);
    let frame = crate::report::await_path(case.history, task).pop();
    let place = frame
        .as_ref()
        .and_then(|frame| frame.expression.clone())
        .map_or_else(String::new, |expression| format!(" at {expression}"));
    let gone = record.and_then(|task| task.wakers_gone.iter().rfind(|gone| gone.at >= since));
    let text = match (state, gone) {
        (Some(crate::history::TaskState::Idle(_)), Some(gone)) => format!(
            "{} waits{place}, and the last clone of its waker went {}, without waking it",
            short(task),
            ago(case, gone.at)
        ),
        (Some(crate::history::TaskState::Idle(_)), None) => format!(
            "{} returned Pending{place}, {}, and kept no clone of its waker anywhere",
            short(task),
            ago(case, since)
        ),
        _ => format!(
            "{} has been ready for {}",
            short(task),
            case.history.end.since(since)
        ),
    };
    Fact {
        text,
        task: Some(task),
        resource: record.and_then(|task| task.executor),
        location: frame.and_then(|frame| frame.location),
        at: since,
    }
}

/// Who had what an operation wants, or what became of it.
fn who_had_it(case: &Case<'_, '_>, operation: &Operation) -> Vec<Fact> {
    let history = case.history;
    let Some(resource) = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id))
    else {
        return Vec::new();
    };
    let has_ended = |task: Option<TaskId>| match task.and_then(|task| history.task(task)) {
        Some(task) if !task.state().is_live() => ", and has ended without giving it back",
        _ => "",
    };
    let held = resource.holders().iter().take(3).map(|hold: &Hold| Fact {
        text: format!(
            "{} took {}{}",
            hold.task
                .and_then(|task| history.task(task))
                .map_or_else(|| "code outside of recorded tasks".to_owned(), Task::title),
            what_is_held(resource, hold, history.end),
            has_ended(hold.task)
        ),
        task: hold.task,
        resource: Some(resource.id),
        location: hold.location.clone(),
        at: hold.since,
    });
    let mut facts: Vec<Fact> = held.collect();
    match operation.kind {
        OperationKind::Receive(..) | OperationKind::Changed(..) => {
            let senders = resource
                .handles()
                .iter()
                .filter(|end| end.side == crate::history::HandleSide::Sender);
            facts.extend(senders.take(3).map(|end| {
                let by = end.users.iter().flatten().last().copied().or(end.made_by);
                let mut fact = what_sends(case, by.unwrap_or(TaskId(0)), resource, end.number);
                fact.text += has_ended(by).trim_end_matches(" without giving it back");
                fact
            }));
        }
        OperationKind::Notified(_) => {
            let last = last_change(resource, |change| {
                change.sequence < operation.sequence
                    && matches!(change.kind, ChangeKind::Notified { .. })
            });
            facts.extend(last.map(|change| {
                let (mode, location) = match &change.kind {
                    ChangeKind::Notified { mode, location } => (*mode, location.clone()),
                    _ => (NotifyMode::Unknown, None),
                };
                Fact {
                    text: format!(
                        "{} called {} on {}{}, {} before this began to wait",
                        change
                            .by
                            .and_then(|task| history.task(task))
                            .map_or_else(|| "somebody".to_owned(), Task::title),
                        mode.call(),
                        resource.title(),
                        at_place(location.as_ref()),
                        operation.begun.since(change.at)
                    ),
                    task: change.by,
                    resource: Some(resource.id),
                    location,
                    at: change.at,
                }
            }));
        }
        _ => {}
    }
    facts
}
