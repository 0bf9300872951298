//! Timers that are made anew before they can fire: a `sleep` as an arm of a `select!` within a loop begins again whenever another arm
//! comes first, and where that is more often than its time, it never comes.
//!
//! Only sleeps of always the same length count. A time-out that its work came before has done what it is for. An interval keeps its time
//! though its `tick()` is made anew, and so does a `sleep_until` of a fixed time: what is left to wait is less each time. A limit of idle
//! time, and a time-out written with `select!`, look just the same as the bug: so it is never more than possible.

use std::collections::HashMap;

use super::{Class, Instance, TaskKind, Thresholds, classes, confidence, fact, finding};
use crate::findings::{Finding, Kind};
use crate::history::{History, Operation, OperationKind, Outcome, Task, TaskId};
use crate::names::Location;
use crate::number::counted;
use crate::report::place_of;
use crate::time::Nanos;

/// A timer that was made anew again and again.
struct Restarted<'a> {
    task: &'a Task,
    first: &'a Operation,
    last_end: Nanos,
    times: u64,
    /// So many times its own length.
    lengths: u64,
    /// The last of them waits at the end of the history.
    is_open: bool,
}

impl Instance for Restarted<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        self.last_end
    }

    fn long(&self) -> Nanos {
        self.last_end.since(self.first.begun)
    }
}

pub(super) fn restarted_timers(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let mut timers: HashMap<(TaskId, &Location), Vec<&Operation>> = HashMap::new();
    for operation in &history.operations {
        if let (OperationKind::Sleep, Some(task), Some(place)) =
            (operation.kind, operation.task, &operation.location)
        {
            timers.entry((task, place)).or_default().push(operation);
        }
    }
    let mut found = Vec::new();
    for ((task, place), mut timers) in timers {
        let enough = timers.len() as u64 >= thresholds.timer_restarts;
        let Some(task) = history.task(task).filter(|task| enough && !task.has_gaps) else {
            continue;
        };
        timers.sort_by_key(|timer| (timer.begun, timer.id));
        let longest = rows(&timers)
            .into_iter()
            .map(|row| restarted(history, task, row))
            .filter(|row| {
                row.times >= thresholds.timer_restarts && row.lengths >= thresholds.timer_lengths
            })
            .max_by_key(Instance::long);
        found.extend(longest.map(|row| ((TaskKind::of(task), place), row)));
    }
    // They come out of a map.
    found.sort_by_key(|(_, row)| row.first.id);
    classes(history, found)
        .iter()
        .map(|class| one(history, thresholds, class))
        .collect()
}

/// The timers that follow each other, each made anew after the one before was dropped before its time.
fn rows<'a, 'b>(timers: &'b [&'a Operation]) -> Vec<&'b [&'a Operation]> {
    timers
        .chunk_by(|before, next| is_given_up(before) && is_same_again(before, next))
        .collect()
}

/// It was dropped before its time.
fn is_given_up(timer: &Operation) -> bool {
    matches!((timer.ended, timer.deadline), (Some((at, Outcome::Dropped)), Some(deadline)) if at < deadline)
}

/// It was made after the one before had been dropped, to wait for as long.
fn is_same_again(before: &Operation, next: &Operation) -> bool {
    /// What is left of a time that stays where it is becomes less by more than this.
    const ROUNDING: u64 = 100;
    let one_after_the_other = before.ended.is_some_and(|(at, _)| at <= next.begun);
    one_after_the_other && before.units.abs_diff(next.units) <= before.units / ROUNDING
}

fn restarted<'a>(history: &History, task: &'a Task, row: &[&'a Operation]) -> Restarted<'a> {
    let last = row[row.len() - 1];
    let last_end = last.ended.map_or(history.end, |(at, _)| at);
    let first = row[0];
    Restarted {
        task,
        first,
        last_end,
        times: row.iter().filter(|timer| is_given_up(timer)).count() as u64,
        lengths: last_end.since(first.begun).0 / first.units.max(1),
        is_open: last.ended.is_none() && !history.goes_on,
    }
}

fn one(history: &History, thresholds: &Thresholds, class: &Class<Restarted<'_>>) -> Finding {
    let row = &class.worst;
    let Restarted { task, first, .. } = row;
    let long = row.long();
    let verb = if row.is_open { "has made" } else { "made" };
    let because = format!(
        "it rests on the limits of {} times in a row within {} times its length, and a time limit for each of the other branches is \
         written in the same way",
        thresholds.timer_restarts, thresholds.timer_lengths
    );
    let (confidence, confidence_because) = confidence(history, false, because);
    let mut facts = vec![
        fact(
            task.id,
            format!(
                "task #{} made {} for the first time {} after the start, and dropped it before its time",
                task.id.0,
                place_of(history, first),
                first.begun
            ),
            first.location.clone(),
            first.begun,
        ),
        fact(
            task.id,
            format!(
                "it did so {} in a row, within {long}: that is {} times as long as it was to wait",
                counted(row.times, "time"),
                row.lengths
            ),
            first.location.clone(),
            row.last_end,
        ),
    ];
    if class.tasks.len() > 1 {
        facts.push(fact(
            task.id,
            format!(
                "so did {} in all",
                counted(class.tasks.len() as u64, "such task")
            ),
            task.spawned_at.clone(),
            first.begun,
        ));
    }
    Finding {
        confidence,
        confidence_because,
        since: first.begun,
        title: format!(
            "{} {verb} {} anew {} before its time came: it never fires",
            task.title(),
            first.call(),
            counted(row.times, "time")
        ),
        facts,
        why_it_cannot_end: format!(
            "each time that another branch comes first, the time begins again: as long as that is more often than every {}, it never comes",
            Nanos(first.units)
        ),
        advice: "make the sleep once outside of the loop and pin it, or use interval; where it is meant to limit how long nothing happens, \
                 it is right as it is"
            .to_owned(),
        ..finding(history, Kind::Starvation, class)
    }
}
