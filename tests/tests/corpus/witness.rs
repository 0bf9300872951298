//! Whether a program with a bug did what it is said to do, told from the history of its tasks alone, and not from any finding.

use std::path::Path;

use ais_analyzer::Trace;
use ais_analyzer::history::{History, Operation, Task, TaskState};
use ais_analyzer::time::Nanos;

use crate::table::Buggy;

/// How long a poll is at least that is long, and a loop that is busy.
const LONG: Nanos = Nanos(100_000_000);
/// How long a task has hung at least when its program is ended.
const HUNG: Nanos = Nanos(50_000_000);
/// How often a task that is busy goes round at least.
const OFTEN: usize = 1_000;

/// How the trace of a program that is ended in the middle shows that it is not what it is said to be.
pub(crate) fn unlike(buggy: &Buggy, trace: &Path) -> Option<String> {
    let trace = match Trace::open(trace) {
        Ok(trace) => trace,
        Err(error) => return Some(error.to_string()),
    };
    let needed = buggy.tasks.iter().filter(|name| !name.starts_with('('));
    needed
        .map(|name| {
            let of = |task: &&Task| task.name.rsplit("::").next() == Some(name);
            let tasks = trace.history.tasks.iter().filter(of);
            let unlike: Vec<_> = tasks
                .map(|task| unlike_of(buggy, &trace.history, task))
                .collect();
            // Where several are called so, one of them is enough.
            if unlike.contains(&None) {
                return None;
            }
            let none = || Some(format!("there is no task {name:?}"));
            unlike.into_iter().next().unwrap_or_else(none)
        })
        .find_map(|unlike| unlike)
}

fn unlike_of(buggy: &Buggy, history: &History, task: &Task) -> Option<String> {
    let since = match task.state() {
        TaskState::Idle(at) | TaskState::Running(at) | TaskState::Scheduled(at) => Some(at),
        TaskState::Completed(_)
        | TaskState::Panicked(_)
        | TaskState::Cancelled(_)
        | TaskState::EndedUnseen(_) => None,
    };
    let has_hung = since.map(|since| history.end.since(since) >= HUNG);
    let has_long_poll = task
        .polls
        .iter()
        .any(|poll| poll.end.unwrap_or(history.end).since(poll.begin) >= LONG);
    // A loop over a branch that is always ready goes round within a poll: each time it drops what it waited for in the others.
    let is_its = |operation: &&Operation| operation.task == Some(task.id);
    let turns = task.polls.len() + history.operations.iter().filter(is_its).count();
    let first = task.polls.first().map_or(history.end, |poll| poll.begin);
    let last = task.polls.last().map_or(history.end, |poll| poll.begin);
    let spins = turns >= OFTEN && last.since(first) >= LONG;
    let wrong = if buggy.hangs && has_hung.is_none() {
        "has ended"
    } else if buggy.hangs && has_hung == Some(false) {
        "has not hung for long"
    } else if buggy.is_of("long-poll") && !has_long_poll {
        "has no long poll"
    } else if buggy.is_of("busy-loop") && !spins {
        "is not busy"
    } else {
        return None;
    };
    let (name, polls) = (&task.name, task.polls.len());
    Some(format!(
        "task {name:?} {wrong}, in {polls} polls and {turns} turns"
    ))
}
