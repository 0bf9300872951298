//! Why a wait has not come to an end: the words for it, in one place.

use super::place::place_of;
use crate::history::{
    ChangeKind, HandleSide, History, Hold, Operation, OperationKind, Resource, ResourceId,
    ResourceKind, Task, TaskId, TaskState,
};
use crate::number::{counted, grouped};
use crate::time::Nanos;

/// So many tasks are named.
const NAMED: usize = 8;

/// Why an operation has not come to an end: `mutex "a" (src/bank.rs:12:18) is held by task #8 "transfer", taken at …, 2.3 s ago`.
pub fn wait_reason(history: &History, operation: &Operation) -> String {
    match operation.kind {
        OperationKind::Join(id) => match history.task(id) {
            Some(task) => format!("{} {}", task.title(), has_not_ended(task)),
            None => format!("task #{} has not ended", id.0),
        },
        OperationKind::Sleep => timer_reason(history, operation, "the time comes"),
        OperationKind::Timeout => timer_reason(history, operation, "it gives up"),
        OperationKind::Tick => timer_reason(history, operation, "the next tick comes"),
        OperationKind::Unknown => "a later version of inspect-analyze knows".to_owned(),
        kind => match kind.resource() {
            Some(id) => match history.resource(id) {
                Some(resource) => resource_reason(history, operation, resource),
                None => format!("resource #{} is unknown", id.0),
            },
            None => String::new(),
        },
    }
}

fn has_not_ended(task: &Task) -> &'static str {
    match task.state() {
        TaskState::Running(_) => "has not ended: it runs",
        TaskState::Scheduled(_) => "has not ended: it is scheduled to run",
        TaskState::Idle(_) => "has not ended: it waits itself",
        TaskState::Completed(_)
        | TaskState::Panicked(_)
        | TaskState::Cancelled(_)
        | TaskState::EndedUnseen(_) => "has ended",
    }
}

/// `the time comes in 2.31 s, 5.00 s after the start`.
fn timer_reason(history: &History, operation: &Operation, what: &str) -> String {
    let Some(deadline) = operation.deadline else {
        return format!("{what} at a time that is not known");
    };
    let left = deadline.since(history.end);
    if left == Nanos(0) {
        let ago = history.end.since(deadline);
        return format!("{what} {deadline} after the start: that was {ago} before the end");
    }
    format!("{what} in {left}, {deadline} after the start")
}

fn resource_reason(history: &History, operation: &Operation, resource: &Resource) -> String {
    match operation.kind {
        OperationKind::Lock(_)
        | OperationKind::Read(_)
        | OperationKind::Write(_)
        | OperationKind::Acquire(_) => units_reason(history, operation, resource),
        OperationKind::Send(..) | OperationKind::Reserve(..) => {
            channel_reason(resource, HandleSide::Receiver)
        }
        OperationKind::Receive(..) | OperationKind::Changed(..) => {
            channel_reason(resource, HandleSide::Sender)
        }
        OperationKind::Closed(_, handle) => still_open(resource, handle),
        OperationKind::Notified(_) => last_notified(history, resource),
        OperationKind::Barrier(_) => {
            let come = resource.at_end.arrivals % resource.capacity.max(1);
            format!(
                "{}: {} of {} have come",
                resource.title(),
                grouped(come),
                grouped(resource.capacity)
            )
        }
        OperationKind::Init(_) => match resource.holder() {
            Some(hold) => format!(
                "the value of {} is being made by {}",
                resource.title(),
                holder(history, hold)
            ),
            None => format!("{} has no value yet", resource.title()),
        },
        OperationKind::Set(_) => format!("{} is not set yet", resource.title()),
        OperationKind::JoinNext(_) => none_ended(resource),
        OperationKind::Join(_)
        | OperationKind::Sleep
        | OperationKind::Timeout
        | OperationKind::Tick
        | OperationKind::Unknown => String::new(),
    }
}

/// Who keeps the units that an operation wants.
fn units_reason(history: &History, operation: &Operation, resource: &Resource) -> String {
    let title = resource.title();
    if resource.uncertain {
        return format!(
            "{title}: who holds it is not known, since {}",
            why_uncertain(resource)
        );
    }
    let holders = resource.holders();
    let free = resource.at_end.free();
    let ahead = resource.at_end.ahead_of(operation.id).count() as u64;
    let queue = if ahead == 0 || resource.kind == ResourceKind::Mutex {
        String::new()
    } else {
        format!("; {} served before", are(ahead))
    };
    match (resource.kind, holders) {
        (ResourceKind::Semaphore, _) => format!(
            "{title} has {} free of {}; held by {}{queue}",
            grouped(free),
            grouped(resource.at_end.units),
            those(history, holders)
        ),
        (_, []) => match given_to(history, operation, resource) {
            Some(given) => format!("{title} {given}{queue}"),
            None => format!("{title} is free{queue}"),
        },
        (_, [hold]) => format!("{title} is {}{queue}", held_by(history, resource, hold)),
        (_, [first, ..]) => format!(
            "{title} is held by {}, the first of them {}{queue}",
            those(history, holders),
            taken(first, history.end)
        ),
    }
}

/// `was given to lock() at src/bank.rs:41:22, which task #7 "transfer" does not poll`: where another operation has been told to take it.
fn given_to(history: &History, wanted: &Operation, resource: &Resource) -> Option<String> {
    let queue = resource.at_end.queue.iter();
    let mut queue = queue.filter_map(|queued| history.operation(queued.operation));
    let given = queue.find(|other| other.id != wanted.id && other.is_fired())?;
    Some(format!(
        "was given to {}, which {} has not polled since",
        place_of(history, given),
        who(history, given.task)
    ))
}

fn are(n: u64) -> String {
    if n == 1 {
        "1 other is".to_owned()
    } else {
        format!("{} others are", grouped(n))
    }
}

fn why_uncertain(resource: &Resource) -> &'static str {
    if resource.at_end.is_escaped {
        "it is used by code that is not recorded, too"
    } else if resource.at_end.contradiction.is_some() {
        "the record of it contradicts itself"
    } else {
        "part of its history is missing"
    }
}

/// `held by task #8 "transfer", taken at src/bank.rs:41:22, 2.3 s ago`.
fn held_by(history: &History, resource: &Resource, hold: &Hold) -> String {
    format!(
        "held by {}{}, {}",
        holder(history, hold),
        to_what_end(resource, hold),
        taken(hold, history.end)
    )
}

/// `rwlock "a" (src/bank.rs:12:18) to write, taken at src/bank.rs:41:22, 2.3 s ago`: what a task holds.
pub(crate) fn what_is_held(resource: &Resource, hold: &Hold, end: Nanos) -> String {
    let units = match resource.kind {
        ResourceKind::Semaphore => format!("{} of ", counted(hold.units, "permit")),
        ResourceKind::Channel => format!("room for {} in ", counted(hold.units, "message")),
        _ => String::new(),
    };
    format!(
        "{units}{}{}, {}",
        resource.title(),
        to_what_end(resource, hold),
        taken(hold, end)
    )
}

fn to_what_end(resource: &Resource, hold: &Hold) -> &'static str {
    match resource.kind {
        ResourceKind::RwLock if hold.units < resource.capacity => " to read",
        ResourceKind::RwLock => " to write",
        _ => "",
    }
}

/// `taken at src/bank.rs:41:22, 2.3 s ago`.
fn taken(hold: &Hold, end: Nanos) -> String {
    let at = hold
        .location
        .as_ref()
        .map_or_else(String::new, |place| format!(" at {place}"));
    format!("taken{at}, {} ago", end.since(hold.since))
}

fn who(history: &History, task: Option<TaskId>) -> String {
    task.and_then(|task| history.task(task))
        .map_or_else(|| "code outside of recorded tasks".to_owned(), Task::title)
}

/// Who has a hold: a task by its title, one that is not recorded by its runtime's number.
fn holder(history: &History, hold: &Hold) -> String {
    match (hold.task, hold.foreign) {
        (None, Some(foreign)) => {
            format!("a task that is not recorded (its runtime's #{})", foreign.0)
        }
        (task, _) => who(history, task),
    }
}

/// The tasks that have these holds: `tasks #3, #4 and 2 more`.
fn those(history: &History, holds: &[Hold]) -> String {
    let mut tasks: Vec<Option<TaskId>> = holds.iter().map(|hold| hold.task).collect();
    tasks.sort_unstable();
    tasks.dedup();
    match tasks[..] {
        [] => "nobody".to_owned(),
        [_] => holder(history, &holds[0]),
        _ => {
            let names = tasks.iter().take(NAMED).map(|task| match task {
                Some(id) => format!("#{}", id.0),
                None => "code outside of recorded tasks".to_owned(),
            });
            let names = names.collect::<Vec<_>>().join(", ");
            match tasks.len().saturating_sub(NAMED) {
                0 => format!("tasks {names}"),
                more => format!("tasks {names} and {more} more"),
            }
        }
    }
}

/// The tasks that use the ends of one side.
fn users(channel: &Resource, side: HandleSide) -> Vec<TaskId> {
    let mut users = Vec::new();
    for handle in channel.handles().iter().filter(|end| end.side == side) {
        for &user in handle.users.iter().flatten() {
            if !users.contains(&user) {
                users.push(user);
            }
        }
    }
    users
}

fn channel_reason(channel: &Resource, other_side: HandleSide) -> String {
    let users = users(channel, other_side);
    let (state, whose) = match (other_side, channel.kind) {
        (HandleSide::Receiver, _) => ("is full", "received from"),
        (HandleSide::Sender, ResourceKind::Watch) => ("has no new value", "sent into"),
        (HandleSide::Sender, _) => ("is empty", "sent into"),
    };
    let count = match channel.kind {
        ResourceKind::Channel => format!(" ({} of {} queued)", channel.queued(), channel.capacity),
        _ => String::new(),
    };
    let so_far = match users.len() {
        0 => format!("no task that lives is known to have {whose} it"),
        1..=NAMED => {
            let names: Vec<String> = users.iter().map(|user| format!("#{}", user.0)).collect();
            format!("{whose} so far by task {}", names.join(", "))
        }
        n => format!("{whose} so far by {n} tasks"),
    };
    format!("{} {state}{count}; {so_far}", channel.title())
}

fn still_open(channel: &Resource, handle: u64) -> String {
    let ends = channel.handles();
    let waits_on =
        ends.iter()
            .find(|end| end.number == handle)
            .map_or(HandleSide::Receiver, |end| match end.side {
                HandleSide::Sender => HandleSide::Receiver,
                HandleSide::Receiver => HandleSide::Sender,
            });
    let n = ends.iter().filter(|end| end.side == waits_on).count() as u64;
    let what = match waits_on {
        HandleSide::Receiver => "receiver",
        HandleSide::Sender => "sender",
    };
    format!("{} is open: it has {}", channel.title(), counted(n, what))
}

fn last_notified(history: &History, notify: &Resource) -> String {
    let last = notify
        .changes
        .iter()
        .rfind(|change| matches!(change.kind, ChangeKind::Notified { .. }));
    match last {
        Some(last) => format!(
            "{} was last notified {} ago, by {}",
            notify.title(),
            history.end.since(last.at),
            who(history, last.by)
        ),
        None => format!("{} was never notified", notify.title()),
    }
}

fn none_ended(set: &Resource) -> String {
    let members = &set.at_end.members;
    let names: Vec<String> = members
        .iter()
        .take(NAMED)
        .map(|task| format!("#{}", task.0))
        .collect();
    let more = match members.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if members.is_empty() {
        return format!("{} has no tasks", set.title());
    }
    let were = if members.len() == 1 { "was" } else { "were" };
    format!(
        "{} has {} that {were} not joined yet: {}{more}",
        set.title(),
        counted(members.len() as u64, "task"),
        names.join(", ")
    )
}

/// An executor as a panel names it.
pub(crate) fn executor(history: &History, id: ResourceId) -> String {
    match history.resource(id) {
        Some(executor) if executor.kind == ResourceKind::Runtime && executor.capacity > 0 => {
            format!(
                "{}, {}",
                executor.title(),
                counted(executor.capacity, "thread")
            )
        }
        Some(executor) => executor.title(),
        None => format!("resource #{}", id.0),
    }
}
