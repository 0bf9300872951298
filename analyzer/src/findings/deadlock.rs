//! From cycles of waiting tasks to findings.

use super::{Confidence, Fact, Finding, Kind, ResourceRef, TaskRef};
use crate::history::{ChangeKind, History, Operation, OperationKind, Resource, Task, TaskId};
use crate::report::place_of;
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
        why_it_cannot_end: why(kind, cycle, &operations),
        advice: advice(kind, &operations).to_owned(),
    }
}

fn advice(kind: Kind, operations: &[&Operation]) -> &'static str {
    let joins = operations
        .iter()
        .any(|operation| matches!(operation.kind, OperationKind::Join(_)));
    if joins && kind == Kind::DeadlockCycle {
        "do not wait for a task while holding what it needs: release the lock before the join"
    } else {
        kind.advice()
    }
}

fn kind(history: &History, cycle: &Cycle) -> Kind {
    let through_full_channel = cycle.links.iter().any(|link| {
        let operation = history.operation(link.wait.operation);
        operation.is_some_and(|operation| matches!(operation.kind, OperationKind::Send(..)))
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
    if history.loss.is_gap() {
        let lost = history.loss.sentence().unwrap_or_default();
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
    let because = "a guard or an end of a channel could have been moved unseen, but every task that could have it is stuck";
    (Confidence::Likely, Some(because.to_owned()))
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
    match wanted.kind {
        OperationKind::Lock(_) => {
            let hold = resource.holder()?;
            let at = hold
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!(" at {place}"));
            let ago = history.end.since(hold.since);
            Some(Fact {
                text: format!(
                    "task #{} holds {}, taken{at}, {ago} ago",
                    task.0,
                    resource.title()
                ),
                task: Some(task),
                resource: Some(resource.id),
                location: hold.location.clone(),
                at: hold.since,
            })
        }
        OperationKind::Send(..) => Some(Fact {
            text: format!(
                "task #{} receives from {}, which is full: {} of {} messages queued",
                task.0,
                resource.title(),
                resource.queued().max(0),
                resource.capacity
            ),
            ..end_fact(resource, task, |kind| {
                matches!(kind, ChangeKind::Received(_))
            })
        }),
        OperationKind::Receive(..) => Some(Fact {
            text: format!(
                "task #{} sends into {}, which is empty",
                task.0,
                resource.title()
            ),
            ..end_fact(resource, task, |kind| matches!(kind, ChangeKind::Sent(_)))
        }),
        OperationKind::Join(_) | OperationKind::Unknown => None,
    }
}

/// A fact about the last time that `task` used a channel in some way.
fn end_fact(resource: &Resource, task: TaskId, used: impl Fn(&ChangeKind) -> bool) -> Fact {
    let last = resource
        .changes
        .iter()
        .rfind(|change| change.by == Some(task) && used(&change.kind));
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
    let wanted = match operation.kind {
        OperationKind::Lock(_) => resource.unwrap_or_default(),
        OperationKind::Send(..) => format!("room in {}", resource.unwrap_or_default()),
        OperationKind::Receive(..) => format!("a message from {}", resource.unwrap_or_default()),
        OperationKind::Join(target) => {
            format!(
                "the end of {}",
                history.task(target).map(Task::title).unwrap_or_default()
            )
        }
        OperationKind::Unknown => "something".to_owned(),
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

fn why(kind: Kind, cycle: &Cycle, operations: &[&Operation]) -> String {
    let all_locks = operations
        .iter()
        .all(|operation| matches!(operation.kind, OperationKind::Lock(_)));
    let who = match kind {
        Kind::SelfDeadlock => "the task can only go on when it has what it keeps from itself",
        _ if all_locks => "each holder waits for what the next one holds",
        _ => "each of them can only go on when the next one does",
    };
    if all_locks && cycle.exact {
        format!("{who}; only cancelling one of them ends it")
    } else {
        format!(
            "{who}, and no task outside of the circle can do it for them; only cancelling one of them ends it"
        )
    }
}
