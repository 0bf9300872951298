//! From cycles of waiting tasks to findings.

use super::{Confidence, Fact, Finding, Kind, ResourceRef, TaskRef};
use crate::history::{
    ChangeKind, History, Hold, Operation, OperationKind, Resource, ResourceKind, Task, TaskId,
};
use crate::number::counted;
use crate::report::{place_of, what_is_held};
use crate::time::Nanos;
use crate::waits::{Cycle, CycleLink, Progress, cycles};

/// The findings about tasks that can never go on.
pub fn wait_findings(history: &History, progress: &Progress) -> Vec<Finding> {
    cycles(progress)
        .iter()
        .map(|cycle| finding(history, cycle))
        .collect()
}

fn finding(history: &History, cycle: &Cycle) -> Finding {
    let kind = kind(history, cycle);
    let (confidence, confidence_because) = confidence(history, cycle);
    let operations: Vec<&Operation> = cycle
        .links
        .iter()
        .filter_map(|link| history.operation(link.wait.operation))
        .collect();
    let since = operations
        .iter()
        .map(|operation| operation.begun)
        .max()
        .unwrap_or_default();
    let mut resources: Vec<_> = operations
        .iter()
        .filter_map(|operation| operation.kind.resource())
        .collect();
    resources.sort_unstable();
    resources.dedup();
    Finding {
        kind,
        confidence,
        confidence_because,
        resolved: None,
        since,
        title: title(history, cycle, history.end.since(since)),
        tasks: cycle
            .tasks
            .iter()
            .map(|&task| TaskRef::of(history, task))
            .collect(),
        resources: resources
            .into_iter()
            .map(|resource| ResourceRef::of(history, resource))
            .collect(),
        facts: facts(history, cycle),
        victims: cycle.victims.clone(),
        why_it_cannot_end: why(history, kind, cycle),
        advice: advice(history, kind, &operations).to_owned(),
    }
}

fn advice(history: &History, kind: Kind, operations: &[&Operation]) -> &'static str {
    let joins = operations
        .iter()
        .any(|operation| matches!(operation.kind, OperationKind::Join(_)));
    let reads_twice = operations.iter().any(|operation| {
        matches!(operation.kind, OperationKind::Read(_))
            && operation
                .task
                .is_some_and(|task| hold_of(history, task, operation).is_some())
    });
    if reads_twice {
        "do not read-lock again what the task has read-locked already: a writer that waits in between stops both"
    } else if joins && kind == Kind::DeadlockCycle {
        "do not wait for a task while holding what it needs: release the lock before the join"
    } else {
        kind.advice()
    }
}

/// The hold by which `task` keeps what `wanted` asks for.
fn hold_of<'a>(history: &'a History, task: TaskId, wanted: &Operation) -> Option<&'a Hold> {
    let resource = history.resource(wanted.kind.resource()?)?;
    resource
        .holders()
        .iter()
        .find(|hold| hold.task == Some(task))
}

fn kind(history: &History, cycle: &Cycle) -> Kind {
    let through_full_channel = cycle.links.iter().any(|link| {
        let operation = history.operation(link.wait.operation);
        operation.is_some_and(|operation| {
            matches!(
                operation.kind,
                OperationKind::Send(..) | OperationKind::Reserve(..)
            )
        })
    });
    if through_full_channel {
        Kind::BackpressureCycle
    } else if cycle.tasks.len() == 1 {
        Kind::SelfDeadlock
    } else {
        Kind::DeadlockCycle
    }
}

fn confidence(history: &History, cycle: &Cycle) -> (Confidence, Option<String>) {
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
    if cycle.exact {
        return (Confidence::Proven, None);
    }
    if cycle
        .links
        .iter()
        .any(|link| may_have_left(history, cycle, link))
    {
        let because = "a task waits for what it had itself, and could have handed on to a thread or a task that is not recorded";
        return (Confidence::Possible, Some(because.to_owned()));
    }
    let because = "a guard or an end of a channel could have been moved unseen, but every task that could have it is stuck";
    (Confidence::Likely, Some(because.to_owned()))
}

/// Whether a task waits for more of what it had itself, and that need not be with it any more. So does whoever keeps a limit: it takes a
/// permit, hands it to a worker, and waits for the next. Where the workers are threads or unrecorded tasks, that is all there is to see.
fn may_have_left(history: &History, cycle: &Cycle, link: &CycleLink) -> bool {
    if link.wait.exact || link.waiter != link.on {
        return false;
    }
    let resource = history
        .operation(link.wait.operation)
        .and_then(|operation| operation.kind.resource())
        .and_then(|id| history.resource(id));
    let mut own = resource
        .into_iter()
        .flat_map(Resource::holders)
        .filter(|hold| hold.task == Some(link.waiter))
        .peekable();
    if cycle.tasks.len() > 1 {
        return own.any(|hold| hold.loose);
    }
    // Alone it waits in vain for what it is sure to keep: not for permits, which anybody can add, or the end of a channel.
    let is_lock = resource.is_some_and(|resource| {
        matches!(resource.kind, ResourceKind::Mutex | ResourceKind::RwLock)
    });
    !is_lock || own.peek().is_none() || own.any(|hold| hold.loose)
}

fn title(history: &History, cycle: &Cycle, long: Nanos) -> String {
    let name = |id: &TaskId| {
        history
            .task(*id)
            .map_or_else(|| format!("task #{}", id.0), Task::title)
    };
    match &cycle.tasks[..] {
        [task] => format!(
            "{} has waited {long} for what only it could give",
            name(task)
        ),
        [a, b] => format!(
            "{} and {} have waited for each other for {long}",
            name(a),
            name(b)
        ),
        tasks => {
            let names: Vec<String> = tasks.iter().map(name).collect();
            format!(
                "{} tasks have waited for each other for {long}: {}",
                tasks.len(),
                names.join(", ")
            )
        }
    }
}

/// For each task of the cycle: what it keeps from the one before, then what it waits for.
fn facts(history: &History, cycle: &Cycle) -> Vec<Fact> {
    let mut facts = Vec::new();
    for &task in &cycle.tasks {
        let mut kept = Vec::new();
        for link in cycle.links.iter().filter(|link| link.on == task) {
            let Some(operation) = history.operation(link.wait.operation) else {
                continue;
            };
            let what = operation.kind.resource();
            if !kept.contains(&what) {
                kept.push(what);
                facts.extend(what_is_kept(history, task, operation));
            }
        }
        let mut told = Vec::new();
        for link in cycle.links.iter().filter(|link| link.waiter == task) {
            if !told.contains(&link.wait.operation) {
                told.push(link.wait.operation);
                facts.extend(what_is_awaited(history, link));
            }
        }
    }
    facts
}

fn what_is_kept(history: &History, task: TaskId, wanted: &Operation) -> Option<Fact> {
    let resource = history.resource(wanted.kind.resource()?)?;
    if let Some(hold) = hold_of(history, task, wanted) {
        return Some(Fact {
            text: format!(
                "task #{} holds {}",
                task.0,
                what_is_held(resource, hold, history.end)
            ),
            task: Some(task),
            resource: Some(resource.id),
            location: hold.location.clone(),
            at: hold.since,
        });
    }
    match wanted.kind {
        OperationKind::Send(..) | OperationKind::Reserve(..) => Some(Fact {
            text: format!(
                "task #{} receives from {}, which is full: {} of {} messages queued",
                task.0,
                resource.title(),
                resource.queued(),
                resource.capacity
            ),
            ..end_fact(resource, task)
        }),
        OperationKind::Read(_) | OperationKind::Write(_) | OperationKind::Acquire(_) => {
            let ahead = resource
                .ahead_of(wanted.id)
                .filter_map(|id| history.operation(id))
                .find(|operation| operation.task == Some(task))?;
            Some(Fact {
                text: format!(
                    "task #{} stands first in the queue of {}: its {} is served before",
                    task.0,
                    resource.title(),
                    ahead.call()
                ),
                task: Some(task),
                resource: Some(resource.id),
                location: ahead.location.clone(),
                at: ahead.begun,
            })
        }
        _ => None,
    }
}

/// A fact about the last time that `task` took a message out of a channel.
fn end_fact(resource: &Resource, task: TaskId) -> Fact {
    let last = resource.changes.iter().rfind(|change| {
        change.by == Some(task) && matches!(change.kind, ChangeKind::Received { .. })
    });
    Fact {
        text: String::new(),
        task: Some(task),
        resource: Some(resource.id),
        location: resource.created_at.clone(),
        at: last.map_or(Nanos(0), |change| change.at),
    }
}

fn what_is_awaited(history: &History, link: &CycleLink) -> Option<Fact> {
    let operation = history.operation(link.wait.operation)?;
    let place = place_of(history, operation);
    let resource = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id))
        .map(Resource::short_title);
    let resource = resource.unwrap_or_default();
    let wanted = match operation.kind {
        OperationKind::Read(_) => format!("to read {resource}"),
        OperationKind::Write(_) => format!("to write {resource}"),
        OperationKind::Acquire(_) => {
            format!("{} of {resource}", counted(operation.units, "permit"))
        }
        OperationKind::Send(..) | OperationKind::Reserve(..) => format!("room in {resource}"),
        OperationKind::Receive(..) => format!("a message from {resource}"),
        OperationKind::Join(target) => {
            format!(
                "the end of {}",
                history.task(target).map(Task::title).unwrap_or_default()
            )
        }
        _ if resource.is_empty() => "something".to_owned(),
        _ => resource,
    };
    let long = history.end.since(operation.begun);
    Some(Fact {
        text: format!(
            "task #{} wants {wanted}: awaits {place}, for {long}",
            link.waiter.0
        ),
        task: Some(link.waiter),
        resource: operation.kind.resource(),
        location: operation.location.clone(),
        at: operation.begun,
    })
}

fn why(history: &History, kind: Kind, cycle: &Cycle) -> String {
    let all_held = cycle.links.iter().all(|link| {
        history
            .operation(link.wait.operation)
            .is_some_and(|operation| hold_of(history, link.on, operation).is_some())
    });
    let who = match kind {
        Kind::SelfDeadlock => "the task can only go on when it has what it keeps from itself",
        _ if all_held => "each holder waits for what the next one holds",
        _ => "each of them can only go on when the next one does",
    };
    if all_held && cycle.exact {
        format!("{who}; only cancelling one of them ends it")
    } else {
        format!(
            "{who}, and no task outside of the circle can do it for them; only cancelling one of them ends it"
        )
    }
}
