//! The evidence of a finding about waiting: for each task what it keeps from the one before, then what it waits for.

use super::Case;
use super::alone::of_one_alone;
use super::texts::{hold_of, what_is_wanted};
use crate::findings::Fact;
use crate::history::{Change, ChangeKind, OperationId, OperationKind, Resource, Task, TaskId};
use crate::report::{place_of, what_is_held};
use crate::time::Nanos;
use crate::waits::{KnotLink, Link};

pub(super) fn facts(case: &Case<'_, '_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for &task in &case.knot.tasks {
        let mut kept = Vec::new();
        for link in case.knot.links.iter().filter(|link| link.on == task) {
            let what = (
                link.link,
                link.wait
                    .operation
                    .and_then(|id| case.history.operation(id))
                    .and_then(|operation| operation.kind.resource()),
            );
            if !kept.contains(&what) {
                kept.push(what);
                facts.extend(what_is_kept(case, link));
            }
        }
        facts.extend(what_is_given_up(case, task));
        let waits_here = case.knot.links.iter().any(|link| link.waiter == task);
        if waits_here {
            let mut told = Vec::new();
            for link in case.knot.links.iter().filter(|link| link.waiter == task) {
                if !told.contains(&link.wait.operation) {
                    told.push(link.wait.operation);
                    facts.push(match link.wait.operation {
                        Some(operation) => what_is_awaited(case, task, operation),
                        None => what_runs_nowhere(case, link),
                    });
                }
            }
        } else {
            facts.extend(of_one_alone(case, task));
        }
    }
    facts
}

/// `task #7`.
pub(super) fn short(task: TaskId) -> String {
    format!("task #{}", task.0)
}

pub(super) fn ago(case: &Case<'_, '_>, at: Nanos) -> String {
    format!("{} ago", case.history.end.since(at))
}

pub(super) fn at_place(place: Option<&crate::names::Location>) -> String {
    place.map_or_else(String::new, |place| format!(" at {place}"))
}

/// What the task `link.on` keeps, and how.
fn what_is_kept(case: &Case<'_, '_>, link: &KnotLink) -> Option<Fact> {
    let history = case.history;
    let task = link.on;
    if link.link == Link::Executes {
        return Some(what_keeps_the_thread(case, link));
    }
    let wanted = history.operation(link.wait.operation?)?;
    let resource = history.resource(wanted.kind.resource()?)?;
    let fact = |text: String, location, at| Fact {
        text,
        task: Some(task),
        resource: Some(resource.id),
        location,
        at,
    };
    Some(match link.link {
        Link::Holds => {
            let hold = hold_of(case, task, wanted)?;
            let text = format!(
                "{} holds {}",
                short(task),
                what_is_held(resource, hold, history.end)
            );
            fact(text, hold.location.clone(), hold.since)
        }
        Link::Borrows => return what_is_borrowed(case, task, resource),
        Link::Granted(id) => {
            let granted = history.operation(id)?;
            let fired = granted
                .firings
                .last()
                .map_or(granted.begun, |firing| firing.at);
            let given = match granted.kind {
                OperationKind::Notified(_) => format!("the notification of {}", resource.title()),
                _ => what_is_wanted(case, granted),
            };
            let text = format!(
                "{given} went to {}, {}: {} keeps that and has not polled it since{}",
                place_of(history, granted),
                ago(case, fired),
                short(task),
                polls_since(case, task, fired),
            );
            fact(text, granted.location.clone(), fired)
        }
        Link::Ahead(id) => {
            let ahead = history.operation(id)?;
            let text = format!(
                "{} stands before it in the queue of {}: its {} is served first",
                short(task),
                resource.title(),
                ahead.call()
            );
            fact(text, ahead.location.clone(), ahead.begun)
        }
        Link::Receives => {
            let text = format!(
                "{} receives from {}, which is full: {} of {} messages queued",
                short(task),
                resource.title(),
                resource.queued(),
                resource.capacity
            );
            let last = last_change(resource, |change| {
                change.by == Some(task) && matches!(change.kind, ChangeKind::Received { .. })
            });
            fact(
                text,
                resource.created_at.clone(),
                last.map_or(Nanos(0), |change| change.at),
            )
        }
        Link::Sends(handle) => return Some(what_sends(case, task, resource, handle)),
        Link::Signals => {
            let last = last_change(resource, |change| {
                change.by == Some(task) && matches!(change.kind, ChangeKind::Notified { .. })
            })?;
            let ChangeKind::Notified { location, .. } = &last.kind else {
                return None;
            };
            let text = format!(
                "{} is who notifies {}: last{}, {}",
                short(task),
                resource.title(),
                at_place(location.as_ref()),
                ago(case, last.at)
            );
            fact(text, location.clone(), last.at)
        }
        Link::Ends | Link::Executes => return None,
    })
}

/// That a task borrows the value of a watch channel.
fn what_is_borrowed(case: &Case<'_, '_>, task: TaskId, channel: &Resource) -> Option<Fact> {
    let mut open = case.history.open_sections();
    let borrow =
        open.find(|section| section.task == Some(task) && section.resource == Some(channel.id))?;
    Some(Fact {
        text: format!(
            "{} has borrowed the value of {}{}, {}: no other value can be sent meanwhile",
            short(task),
            channel.title(),
            at_place(borrow.location.as_ref()),
            ago(case, borrow.begun)
        ),
        task: Some(task),
        resource: Some(channel.id),
        location: borrow.location.clone(),
        at: borrow.begun,
    })
}

/// `; it was polled 3 times meanwhile`.
fn polls_since(case: &Case<'_, '_>, task: TaskId, since: Nanos) -> String {
    let polls = case.history.task(task).map_or(0, |task| {
        let first = task.polls.partition_point(|poll| poll.begin < since);
        task.polls.len() - first
    });
    match polls {
        0 => String::new(),
        1 => ", though the task itself was polled".to_owned(),
        n => format!(", though the task itself was polled {n} times"),
    }
}

pub(super) fn last_change(resource: &Resource, is: impl Fn(&Change) -> bool) -> Option<&Change> {
    resource.changes.iter().rfind(|change| is(change))
}

/// Who has a sender, as far as is known.
pub(super) fn what_sends(
    case: &Case<'_, '_>,
    task: TaskId,
    channel: &Resource,
    handle: u64,
) -> Fact {
    let sent = last_change(channel, |change| {
        change.by == Some(task)
            && matches!(change.kind, ChangeKind::Sent { handle: by, .. } if by == handle)
    });
    let made = last_change(
        channel,
        |change| matches!(change.kind, ChangeKind::HandleNew(number, _) if number == handle),
    );
    let (text, at) = match (sent, made) {
        (Some(sent), _) => (
            format!(
                "{} has a sender of {}: it sent last {}",
                short(task),
                channel.title(),
                ago(case, sent.at)
            ),
            sent.at,
        ),
        (None, Some(made)) if made.by == Some(task) => (
            format!(
                "{} made a sender of {}, {}, that is alive and that nobody has used",
                short(task),
                channel.title(),
                ago(case, made.at)
            ),
            made.at,
        ),
        (None, made) => {
            let at = made.map_or(Nanos(0), |made| made.at);
            let text = format!(
                "{} may have got the sender of {}: it was made {} and handed on",
                short(task),
                channel.title(),
                ago(case, at)
            );
            (text, at)
        }
    };
    Fact {
        text,
        task: Some(task),
        resource: Some(channel.id),
        location: channel.created_at.clone(),
        at,
    }
}

/// That the poll of a task keeps the thread on which another one would be polled.
fn what_keeps_the_thread(case: &Case<'_, '_>, link: &KnotLink) -> Fact {
    let history = case.history;
    let since = history
        .task(link.on)
        .map_or(Nanos(0), |task| task.state().since());
    let executor = history.task(link.waiter).and_then(|task| task.executor);
    let of = executor
        .and_then(|id| history.resource(id))
        .map_or_else(String::new, |executor| format!(" of {}", executor.title()));
    let runs = history
        .task(link.on)
        .is_some_and(|task| matches!(task.state(), crate::history::TaskState::Running(_)));
    let text = if runs {
        format!(
            "{} has kept a thread{of} for {}: that poll has not returned",
            short(link.on),
            history.end.since(since)
        )
    } else {
        format!("{} would have to poll the tasks{of}", short(link.on))
    };
    Fact {
        text,
        task: Some(link.on),
        resource: executor,
        location: None,
        at: since,
    }
}

/// That a task waits for no operation of its own, but for a thread, or for a task that it blocks on.
fn what_runs_nowhere(case: &Case<'_, '_>, link: &KnotLink) -> Fact {
    let state = case.history.task(link.waiter).map(Task::state);
    let since = state.map_or(Nanos(0), crate::history::TaskState::since);
    let text = if link.link == Link::Ends {
        format!(
            "{} blocks its thread until {} ends (block_on), for {}",
            short(link.waiter),
            case.history
                .task(link.on)
                .map_or_else(|| short(link.on), Task::title),
            case.history.end.since(since)
        )
    } else {
        format!(
            "{} is ready, and has waited for {} to be polled",
            short(link.waiter),
            case.history.end.since(since)
        )
    };
    Fact {
        text,
        task: Some(link.waiter),
        resource: None,
        location: case
            .history
            .task(link.waiter)
            .and_then(|task| task.spawned_at.clone()),
        at: since,
    }
}

pub(super) fn what_is_awaited(case: &Case<'_, '_>, task: TaskId, id: OperationId) -> Fact {
    let history = case.history;
    let Some(operation) = history.operation(id) else {
        return Fact {
            text: format!("{} waits", short(task)),
            task: Some(task),
            resource: None,
            location: None,
            at: Nanos(0),
        };
    };
    Fact {
        text: format!(
            "{} wants {}: awaits {}, for {}",
            short(task),
            what_is_wanted(case, operation),
            place_of(history, operation),
            history.end.since(operation.begun)
        ),
        task: Some(task),
        resource: operation.kind.resource(),
        location: operation.location.clone(),
        at: operation.begun,
    }
}

/// What a task has given up, where that is not told as what it keeps: it is what shows that a guard is in a future that is not polled.
fn what_is_given_up(case: &Case<'_, '_>, task: TaskId) -> Vec<Fact> {
    let history = case.history;
    let holds_itself = case
        .knot
        .links
        .iter()
        .any(|link| (link.waiter, link.on, link.link) == (task, task, Link::Holds));
    if !holds_itself {
        return Vec::new();
    }
    let given_up = case.moment.given_up_by(task).into_iter();
    let given_up = given_up.filter_map(|id| history.operation(id));
    given_up
        .map(|operation| {
            let fired = operation.firings.last();
            let at = fired.map_or(operation.begun, |firing| firing.at);
            Fact {
                text: format!(
                    "{} keeps {} and does not poll it any more, which could have gone on {}{}",
                    short(task),
                    place_of(history, operation),
                    ago(case, at),
                    polls_since(case, task, at),
                ),
                task: Some(task),
                resource: operation.kind.resource(),
                location: operation.location.clone(),
                at,
            }
        })
        .collect()
}
