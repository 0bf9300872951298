//! Operations that are ready and not polled although their task is: an arm of a `select!` that is never looked at because others always come
//! first, a future that is kept while its task awaits something else, a stream whose futures nobody drives.
//!
//! An operation is ready when its own waker was called. Which executor polls it does not matter: inside of a `FuturesUnordered` it is that
//! one which is not polled. Handles that outlive what awaits them (a join handle behind a time-out) may have been given up unseen, and
//! are never accused.

use super::{Class, Instance, TaskKind, Thresholds, classes, confidence, fact, finding};
use crate::findings::{Fact, Finding, Kind, ResourceRef};
use crate::history::{Firing, History, Operation, Task, TaskId};
use crate::number::counted;
use crate::report::place_of;
use crate::time::Nanos;

/// An operation that was ready for long.
struct Starved<'a> {
    operation: &'a Operation,
    task: &'a Task,
    firing: Firing,
    long: Nanos,
    /// How often its task was polled meanwhile.
    polls: u64,
    /// It is so at the end of the history.
    is_open: bool,
}

impl Instance for Starved<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        Nanos(self.firing.at.0.saturating_add(self.long.0))
    }

    fn long(&self) -> Nanos {
        self.long
    }

    fn weight(&self) -> (bool, Nanos) {
        (self.is_open, self.long)
    }
}

pub(super) fn starved_operations(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let found = history
        .operations
        .iter()
        .filter_map(|operation| starved(history, thresholds, operation))
        .map(|starved| {
            let place = starved.operation.location.clone();
            let call = starved.operation.kind.call(0);
            ((TaskKind::of(starved.task), call, place), starved)
        });
    classes(history, found)
        .iter()
        .map(|class| one(history, thresholds, class))
        .collect()
}

/// The longest time that an operation was ready and not polled.
fn starved<'a>(
    history: &'a History,
    thresholds: &Thresholds,
    operation: &'a Operation,
) -> Option<Starved<'a>> {
    if operation.flags.is_no_drop() || operation.flags.is_blocking() || !operation.is_polled {
        return None;
    }
    let over = operation.ended.map_or(history.end, |(at, _)| at);
    let mut longest: Option<Starved<'_>> = None;
    for &firing in &operation.firings {
        let next = operation.polls.partition_point(|poll| poll.at <= firing.at);
        let until = operation.polls.get(next).map_or(over, |poll| poll.at);
        let long = until.since(firing.at);
        if long < thresholds.starved_for || longest.as_ref().is_some_and(|known| known.long >= long)
        {
            continue;
        }
        // Only a poll registers a waker: before the first there is none to be called.
        let last_poll = operation.polls[..next].last()?;
        let Some(task) = last_poll.task.and_then(|id| history.task(id)) else {
            continue;
        };
        let polls = polls_between(task, firing.at, until);
        if polls < thresholds.starved_polls
            || task.has_gaps
            || was_seen(operation, task, firing, last_poll.at)
        {
            continue;
        }
        longest = Some(Starved {
            operation,
            task,
            firing,
            long,
            polls,
            is_open: operation.ended.is_none() && next == operation.polls.len() && !history.goes_on,
        });
    }
    longest
}

/// The polls of a task that began after `from` and had ended before `to`.
fn polls_between(task: &Task, from: Nanos, to: Nanos) -> u64 {
    let first = task.polls.partition_point(|poll| poll.begin <= from);
    let later = task.polls[first..]
        .iter()
        .take_while(|poll| poll.end.is_some_and(|end| end <= to));
    later.count() as u64
}

/// Whether the poll before a firing has seen it all the same: a firing is stamped after the wake that comes with it.
fn was_seen(operation: &Operation, task: &Task, firing: Firing, last_poll: Nanos) -> bool {
    let before = task.wakes.partition_point(|wake| wake.at <= firing.at);
    let wake = task.wakes[..before]
        .iter()
        .rfind(|wake| wake.operation == Some(operation.id));
    wake.is_some_and(|wake| wake.at <= last_poll)
}

fn one(history: &History, thresholds: &Thresholds, class: &Class<Starved<'_>>) -> Finding {
    let Starved {
        operation,
        task,
        firing,
        long,
        is_open,
        ..
    } = &class.worst;
    let limit = thresholds.starved_for;
    let call = operation.call();
    let title = if *is_open {
        format!(
            "{call} of {} has been ready for {long}, and is not polled",
            task.title()
        )
    } else {
        format!(
            "{call} of {} was ready for {long}, and was not polled",
            task.title()
        )
    };
    let because = if *is_open {
        format!(
            "it rests on the limits of {limit} and {} polls: the task could still come back to it",
            thresholds.starved_polls
        )
    } else {
        format!(
            "it rests on the limits of {limit} and {} polls, and the task did come back to it in the end",
            thresholds.starved_polls
        )
    };
    let (confidence, confidence_because) = confidence(history, *is_open, because);
    let what = operation.kind.resource();
    Finding {
        confidence,
        confidence_because,
        since: firing.at,
        title,
        resources: what.map(|id| ResourceRef::of(history, id)).into_iter().collect(),
        facts: facts(history, class),
        why_it_cannot_end: "only its own task can poll it, and the task does something else each time: what was ready is not taken, and \
                            what it holds or was given others go without"
            .to_owned(),
        advice: "poll it each time that its task is polled: do not put it behind a branch that is always ready (biased), do not await \
                 something else while it is kept (join! or a task of its own)"
            .to_owned(),
        ..finding(history, Kind::Starvation, class)
    }
}

fn facts(history: &History, class: &Class<Starved<'_>>) -> Vec<Fact> {
    let Starved {
        operation,
        task,
        firing,
        polls,
        ..
    } = &class.worst;
    let id = task.id.0;
    let what = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id));
    let mut facts = vec![
        fact(
            task.id,
            format!(
                "task #{id} awaits {}, since {} after the start",
                place_of(history, operation),
                operation.begun
            ),
            operation.location.clone(),
            operation.begun,
        ),
        fact(
            task.id,
            match what {
                Some(resource) => format!(
                    "{} told it to come back {} after the start",
                    resource.title(),
                    firing.at
                ),
                None => format!("it was told to come back {} after the start", firing.at),
            },
            None,
            firing.at,
        ),
        fact(
            task.id,
            format!(
                "task #{id} was polled {} after that, and never polled it",
                counted(*polls, "time")
            ),
            task.spawned_at.clone(),
            firing.at,
        ),
    ];
    for other in &mut facts {
        other.resource = what.map(|resource| resource.id);
    }
    if operation.flags.has_foreign_waker() {
        facts.push(fact(
            task.id,
            "it is polled by an executor inside of the task (FuturesUnordered, buffered, …): that one is not polled".to_owned(),
            None,
            firing.at,
        ));
    }
    if class.times > 1 {
        facts.push(fact(
            task.id,
            format!(
                "so were {} of {} at this place, {} in all",
                counted(class.times, "operation"),
                counted(class.tasks.len() as u64, "task"),
                class.total
            ),
            operation.location.clone(),
            firing.at,
        ));
    }
    facts
}
