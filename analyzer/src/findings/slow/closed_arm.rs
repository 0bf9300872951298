//! A loop over `select!` in which one branch is a channel that has ended: it is ready at once, time after time.
//!
//! To ask a channel that has ended leaves no event, so the loop is seen by its other branches: operations of one task that begin and are
//! given up, a thousand in a row, while nothing else comes of the task. A loop that is fed all the time from something unrecorded looks the
//! same; so there must be such a channel, which the task can have, and the finding is never more than possible.

use std::collections::HashMap;

use super::doings::Doings;
use super::{Class, Instance, TaskKind, Thresholds, classes, confidence, fact, finding};
use crate::findings::{Fact, Finding, Kind, ResourceRef};
use crate::history::{HandleSide, History, Operation, Outcome, Replay, Resource, Task, TaskId};
use crate::number::{counted, grouped};
use crate::report::place_of;
use crate::time::Nanos;

/// A turn of such a loop may take so many times as long as one that only polls.
const WORK: u64 = 5;
/// After so long a pause it is another loop.
const PAUSE: Nanos = Nanos(50_000_000);
/// An operation that is given up later was waited for.
const AT_ONCE: Nanos = Nanos(1_000_000);

/// A stretch of turns.
struct Loop<'a> {
    task: &'a Task,
    /// The branch that is seen.
    seen: &'a Operation,
    /// The channel that has ended.
    ended: &'a Resource,
    from: Nanos,
    to: Nanos,
    turns: u64,
}

impl Instance for Loop<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        self.to
    }

    fn long(&self) -> Nanos {
        self.to.since(self.from)
    }
}

pub(super) fn loops_over_what_has_ended(
    history: &History,
    thresholds: &Thresholds,
) -> Vec<Finding> {
    let mut given_up: HashMap<TaskId, Vec<&Operation>> = HashMap::new();
    for operation in &history.operations {
        let Some((ended, Outcome::Dropped)) = operation.ended else {
            continue;
        };
        let is_at_once = ended.since(operation.begun) <= AT_ONCE && !operation.kind.is_timer();
        if let Some(task) = operation.task.filter(|_| is_at_once) {
            given_up.entry(task).or_default().push(operation);
        }
    }
    given_up.retain(|_, operations| operations.len() as u64 >= thresholds.busy_turns);
    let windows = given_up
        .keys()
        .map(|&task| (task, (Nanos(0), history.end)))
        .collect();
    let doings = Doings::within(history, windows);
    let mut found = Vec::new();
    for (id, mut operations) in given_up {
        let Some(task) = history.task(id).filter(|task| !task.has_gaps) else {
            continue;
        };
        operations.sort_by_key(|operation| operation.begun);
        for run in runs(&operations) {
            let (from, to) = (run[0].begun, run[run.len() - 1].begun);
            let turns = run.len() as u64;
            let long = to.since(from);
            let is_loop = turns >= thresholds.busy_turns
                && long >= thresholds.busy_for
                && long.0 / turns <= thresholds.busy_turn.0 * WORK
                && !comes_of_it(&doings, id, from, to);
            if !is_loop {
                continue;
            }
            if let Some(ended) = ended_channel(history, task, from, to) {
                let key = (TaskKind::of(task), run[0].location.clone());
                found.push((
                    key,
                    Loop {
                        task,
                        seen: run[run.len() - 1],
                        ended,
                        from,
                        to,
                        turns,
                    },
                ));
            }
        }
    }
    classes(history, found)
        .iter()
        .map(|class| one(history, thresholds, class))
        .collect()
}

/// Operations that came one right after the other.
fn runs<'s, 'a>(operations: &'s [&'a Operation]) -> impl Iterator<Item = &'s [&'a Operation]> {
    operations.chunk_by(|a, b| b.begun.since(a.begun) <= PAUSE)
}

/// Whether a task did something between two moments that is recorded, and no mere question. That a traced loop gets past its `select!`
/// each time is none.
fn comes_of_it(doings: &Doings<'_>, task: TaskId, from: Nanos, to: Nanos) -> bool {
    let doings = doings.of(task);
    let first = doings.partition_point(|doing| doing.at < from);
    let last = doings.partition_point(|doing| doing.at <= to);
    doings[first..last]
        .iter()
        .any(|doing| doing.is_progress() && !doing.is_of_a_future())
}

/// A channel without a sender or a message all the time, whose receiver the task has used, or can have got from the task that made it.
fn ended_channel<'a>(
    history: &'a History,
    task: &Task,
    from: Nanos,
    to: Nanos,
) -> Option<&'a Resource> {
    let channels = history.resources.iter();
    let mut channels =
        channels.filter(|resource| resource.kind.is_channel() && !resource.uncertain);
    channels.find(|channel| {
        let mut replay = Replay::new(channel);
        let has_ended = replay.advance(from).clone();
        let senders = |side| has_ended.handles.iter().filter(move |end| end.side == side);
        if senders(HandleSide::Sender).next().is_some() || has_ended.queued_as(channel.kind) > 0 {
            return false;
        }
        let later = replay.advance(to);
        let mut receivers = later.handles.iter();
        receivers.any(|end| {
            let is_there = has_ended
                .handles
                .iter()
                .any(|then| then.number == end.number);
            let is_its = end.users.contains(&Some(task.id))
                || (end.users.is_empty() && comes_from(history, task, end.made_by));
            end.side == HandleSide::Receiver && is_there && is_its
        })
    })
}

/// Whether a task was made by another one, or by one that this has made, and so on.
fn comes_from(history: &History, task: &Task, maker: Option<TaskId>) -> bool {
    /// Deeper families than this are damage.
    const DEEPEST: usize = 1000;
    let mut at = Some(task.id);
    for _ in 0..DEEPEST {
        if at.is_none() || at == maker {
            return at.is_some();
        }
        at = at
            .and_then(|id| history.task(id))
            .and_then(|task| task.spawned_by);
    }
    false
}

fn one(history: &History, thresholds: &Thresholds, class: &Class<Loop<'_>>) -> Finding {
    let worst = &class.worst;
    let (task, long) = (worst.task, worst.long());
    let turns = grouped(worst.turns);
    let because = format!(
        "it rests on the limits of {} and {}, and something unrecorded may have kept the task busy",
        thresholds.busy_for,
        counted(thresholds.busy_turns, "turn")
    );
    let (confidence, confidence_because) = confidence(history, false, because);
    let seen = Fact {
        resource: worst.seen.kind.resource(),
        ..fact(
            task.id,
            format!(
                "task #{} began to wait and gave up at once {turns} times in {long}: {}",
                task.id.0,
                place_of(history, worst.seen)
            ),
            worst.seen.location.clone(),
            worst.from,
        )
    };
    let ended = Fact {
        resource: Some(worst.ended.id),
        ..fact(
            task.id,
            format!(
                "{} has no sender any more, and its receiver is still there",
                worst.ended.title()
            ),
            worst.ended.created_at.clone(),
            worst.from,
        )
    };
    let resources = [worst.seen.kind.resource(), Some(worst.ended.id)];
    let mut found = finding(history, Kind::BusyLoop, class);
    "leave the loop when the channel is closed (recv() gives None, changed() an error), or switch the branch off: it is ready at once for ever"
        .clone_into(&mut found.advice);
    Finding {
        confidence,
        confidence_because,
        since: worst.from,
        title: format!(
            "{} went round a loop {turns} times within {long} though nothing happened",
            task.title()
        ),
        resources: resources
            .into_iter()
            .flatten()
            .map(|id| ResourceRef::of(history, id))
            .collect(),
        facts: vec![seen, ended],
        why_it_cannot_end: "each turn takes a processor's time and the budget of its task, and brings the task no further"
            .to_owned(),
        ..found
    }
}
