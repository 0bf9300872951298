//! Locks that a task keeps while it waits for something else, and others wait for the lock: whatever the guard is for, all of them take as
//! long as that.
//!
//! What counts is the time in which the holder was not polled and one of the others waited. Guards that go from task to task are held by
//! nobody in particular, and a holder that itself waits for a lock at the end is not the one to blame.

use std::collections::HashMap;

use super::{Class, Instance, Thresholds, at_place, classes, confidence, fact, finding};
use crate::findings::{Finding, Kind, ResourceRef};
use crate::history::{
    ChangeKind, History, Hold, Operation, OperationId, OperationKind, PollOutcome, Resource,
    ResourceKind, Task, TaskId,
};
use crate::number::counted;
use crate::time::Nanos;

/// A lock that was held for long.
struct Held<'a> {
    resource: &'a Resource,
    hold: &'a Hold,
    task: &'a Task,
    long: Nanos,
    /// The others that waited meanwhile: how long the longest of them did.
    waiters: Vec<TaskId>,
    waited: Nanos,
    is_open: bool,
}

impl Instance for Held<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        Nanos(self.hold.since.0.saturating_add(self.long.0))
    }

    fn long(&self) -> Nanos {
        self.long
    }
}

pub(super) fn held_locks(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let found = history
        .resources
        .iter()
        .filter(|resource| {
            matches!(resource.kind, ResourceKind::Mutex | ResourceKind::RwLock)
                && !resource.uncertain
                && !resource.at_end.guards_move
        })
        .flat_map(|resource| held(history, thresholds, resource))
        .map(|held| {
            let made = held.resource.created_at.clone();
            ((made, held.hold.location.clone()), held)
        });
    classes(history, found)
        .iter()
        .map(|class| one(history, thresholds, class))
        .collect()
}

fn held<'a>(
    history: &'a History,
    thresholds: &Thresholds,
    resource: &'a Resource,
) -> Vec<Held<'a>> {
    let mut open: Vec<&Hold> = Vec::new();
    let mut long: Vec<(&Hold, Nanos, bool)> = Vec::new();
    for change in &resource.changes {
        match &change.kind {
            ChangeKind::Acquired(hold) => open.push(hold),
            ChangeKind::Released { hold, .. } | ChangeKind::Forgotten { hold, .. } => {
                // A writer that becomes a reader has released, too: from then on others can read.
                let index = open.iter().position(|known| known.number == *hold);
                if let Some(hold) = index.map(|index| open.swap_remove(index)) {
                    long.push((hold, change.at, false));
                }
            }
            _ => {}
        }
    }
    long.extend(open.into_iter().map(|hold| (hold, history.end, true)));
    long.retain(|(hold, until, _)| until.since(hold.since) >= thresholds.held_for);
    if long.is_empty() {
        return Vec::new();
    }
    let waits = waits(history, resource);
    long.into_iter()
        .filter_map(|(hold, until, is_open)| {
            let task = history.task(hold.task?)?;
            // What goes on is told of where it ends.
            let is_another = is_open && (history.goes_on || waits_for_a_lock(history, task.id));
            if task.has_gaps
                || is_another
                || suspended(task, hold.since, until) < thresholds.held_for
            {
                return None;
            }
            let mut waiters = Vec::new();
            let mut waited = Nanos(0);
            for &(waiter, from, to) in &waits {
                let overlap = to.min(until).since(from.max(hold.since));
                if waiter != task.id && overlap > Nanos(0) {
                    waiters.push(waiter);
                    waited = waited.max(overlap);
                }
            }
            waiters.sort_unstable();
            waiters.dedup();
            (waited >= thresholds.held_for).then_some(Held {
                resource,
                hold,
                task,
                long: until.since(hold.since),
                waiters,
                waited,
                is_open,
            })
        })
        .collect()
}

/// Who waited for a lock, and when.
fn waits(history: &History, resource: &Resource) -> Vec<(TaskId, Nanos, Nanos)> {
    let mut begun: HashMap<OperationId, Nanos> = HashMap::new();
    let mut waits = Vec::new();
    let mut add = |operation: OperationId, from, to| {
        if let Some(task) = history.operation(operation).and_then(|known| known.task) {
            waits.push((task, from, to));
        }
    };
    for change in &resource.changes {
        match change.kind {
            ChangeKind::Began { operation, .. } => _ = begun.insert(operation, change.at),
            ChangeKind::Ended { operation, .. } => {
                if let Some(from) = begun.remove(&operation) {
                    add(operation, from, change.at);
                }
            }
            _ => {}
        }
    }
    for (operation, from) in begun {
        add(operation, from, history.end);
    }
    waits
}

fn waits_for_a_lock(history: &History, task: TaskId) -> bool {
    history.pending_operations(task).any(is_for_a_lock)
}

fn is_for_a_lock(operation: &Operation) -> bool {
    matches!(
        operation.kind,
        OperationKind::Lock(_) | OperationKind::Read(_) | OperationKind::Write(_)
    )
}

/// For how long a task was suspended within a stretch of time.
fn suspended(task: &Task, from: Nanos, to: Nanos) -> Nanos {
    let first = task.polls.partition_point(|poll| poll.begin <= from);
    let around = first.saturating_sub(1);
    let mut suspended = Nanos(0);
    for (index, poll) in task.polls[around..].iter().enumerate() {
        let Some(end) = poll.end.filter(|&end| end < to) else {
            break;
        };
        if poll.outcome == PollOutcome::Pending {
            let next = task.polls.get(around + index + 1);
            let until = next.map_or(to, |next| next.begin.min(to));
            suspended.0 += until.since(end.max(from)).0;
        }
    }
    suspended
}

fn one(history: &History, thresholds: &Thresholds, class: &Class<Held<'_>>) -> Finding {
    let held = &class.worst;
    let Held {
        resource,
        hold,
        task,
        long,
        ..
    } = held;
    let verb = if held.is_open { "has held" } else { "held" };
    let waiters = counted(held.waiters.len() as u64, "task");
    let because = format!(
        "it rests on the limit of {} for what others wait, and may be meant",
        thresholds.held_for
    );
    let (confidence, confidence_because) = confidence(history, false, because);
    let named: Vec<String> = held
        .waiters
        .iter()
        .take(8)
        .map(|waiter| format!("#{}", waiter.0))
        .collect();
    let more = match held.waiters.len().saturating_sub(8) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let mut facts = vec![
        fact(
            task.id,
            format!(
                "task #{} took {}{} {} after the start, and {verb} it for {long}",
                task.id.0,
                resource.title(),
                at_place(hold.location.as_ref()),
                hold.since
            ),
            hold.location.clone(),
            hold.since,
        ),
        fact(
            task.id,
            format!(
                "it was suspended for {} of that",
                suspended(task, hold.since, Nanos(hold.since.0 + long.0))
            ),
            None,
            hold.since,
        ),
        fact(
            task.id,
            format!(
                "meanwhile {waiters} waited for it ({}{more}), for up to {}",
                named.join(", "),
                held.waited
            ),
            None,
            hold.since,
        ),
    ];
    for fact in &mut facts {
        fact.resource = Some(resource.id);
    }
    if class.times > 1 {
        facts.push(fact(
            task.id,
            format!(
                "so it was {} at this place, by {}, for {} in all",
                counted(class.times, "time"),
                counted(class.tasks.len() as u64, "task"),
                class.total
            ),
            hold.location.clone(),
            hold.since,
        ));
    }
    Finding {
        confidence,
        confidence_because,
        since: hold.since,
        title: format!(
            "{} {verb} {} for {long} across an await while {waiters} waited",
            task.title(),
            resource.short_title()
        ),
        resources: vec![ResourceRef::of(history, resource.id)],
        facts,
        victims: if held.is_open { held.waiters.clone() } else { Vec::new() },
        why_it_cannot_end: "whoever wants the lock waits for what its holder awaits, too: they take their turns one after the other"
            .to_owned(),
        advice: "narrow the guard's scope: drop it before what takes long is awaited, or copy out what is needed"
            .to_owned(),
        ..finding(history, Kind::Starvation, class)
    }
}
