//! The summary: what this trace is, and what state its tasks were in at its end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::coverage::{Coverage, coverage};
use super::place::{AwaitFrame, await_path, place_and_resource};
use crate::Trace;
use crate::filter::Selection;
use crate::history::{History, Task, TaskId, TaskState, Totals, polls};
use crate::names::Location;
use crate::source::{Ending, Loss};
use crate::time::Nanos;
use crate::waits::Progress;

/// What a trace is: the `trace` object of every JSON answer.
#[derive(Clone, Debug, Serialize)]
pub struct TraceInfo {
    /// The file.
    pub path: String,
    /// The recorded program.
    pub program: String,
    /// Its process id.
    pub pid: u64,
    /// When the recording began, in nanoseconds since 1970 UTC.
    pub started_unix_ns: u64,
    /// How long it is.
    #[serde(rename = "duration_ns")]
    pub duration: Nanos,
    /// When the program shut its runtime down as its last act: states and findings are as of then. None where it did not.
    #[serde(rename = "shutdown_ns")]
    pub shutdown: Option<Nanos>,
    /// How many events it has.
    pub events: u64,
    /// How many tasks.
    pub tasks: usize,
    /// What is missing.
    pub lost: Lost,
    /// Whether the recording ended in good order; not so where the program was killed, or still runs.
    pub ended: bool,
    /// How the recording ended.
    pub ending: Ending,
    /// What recorded it.
    pub recorder: String,
    /// What of the program was recorded, and what was not.
    pub coverage: Coverage,
}

/// What is missing from a trace, as JSON has it.
#[derive(Clone, Debug, Serialize)]
pub struct Lost {
    /// Chunks.
    pub chunks: u64,
    /// Bytes that could not be read.
    pub bytes: u64,
    /// Events that the recorder could not keep.
    pub events_dropped: u64,
    /// What happened, in words.
    pub notes: Vec<String>,
}

impl From<&Loss> for Lost {
    fn from(loss: &Loss) -> Self {
        Lost {
            chunks: loss.chunks,
            bytes: loss.bytes,
            events_dropped: loss.events_dropped,
            notes: loss.notes.clone(),
        }
    }
}

/// What a trace is.
pub fn trace_info(trace: &Trace) -> TraceInfo {
    let header = &trace.source.header;
    TraceInfo {
        path: trace.source.path().display().to_string(),
        program: header.program.clone(),
        pid: header.pid,
        started_unix_ns: header.started_unix_ns,
        duration: trace.source.known_until().max(trace.history.recorded_until),
        shutdown: trace.history.shutdown,
        events: trace.history.before.events + trace.history.events,
        tasks: trace.history.before.tasks() + trace.history.own_tasks().count(),
        lost: Lost::from(&trace.loss()),
        ended: trace.source.ending == Ending::Finished,
        ending: trace.source.ending,
        recorder: header.recorder.clone(),
        coverage: coverage(trace),
    }
}

/// What state the tasks were in at the end of the trace.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// How many were in which state.
    pub tasks: TaskCounts,
    /// Polls of all tasks.
    pub polls: u64,
    /// The tasks that were alive at the end, those longest in their state first.
    pub live: Vec<LiveTask>,
    /// How many resources there were, by kind.
    pub resources: BTreeMap<&'static str, usize>,
}

/// How many tasks were in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// A poll was under way.
    pub running: usize,
    /// Woken or new, not yet polled.
    pub scheduled: usize,
    /// Waiting.
    pub waiting: usize,
    /// Of those that wait: can never go on.
    pub stuck: usize,
    /// Ended well.
    pub completed: usize,
    /// Ended by a panic.
    pub panicked: usize,
    /// Dropped before they had completed.
    pub cancelled: usize,
    /// Ended, but how is not in the record.
    pub ended_unseen: usize,
}

/// A task that was alive at the end.
#[derive(Clone, Debug, Serialize)]
pub struct LiveTask {
    /// Its number.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// What kind of task it is (`blocking job`, `runs block_on`, `bound to one thread`), where it is no plain one.
    pub kind: Option<&'static str>,
    /// `running`, `scheduled`, `waiting` or `stuck`.
    pub state: &'static str,
    /// How long it had been so.
    #[serde(rename = "for_ns")]
    pub long: Nanos,
    /// Where it was.
    pub at: String,
}

/// Sums up a trace. Of a selection, only its tasks and their polls are counted, and of what was over before nothing.
pub fn summary(history: &History, progress: &Progress, selection: &Selection) -> Summary {
    let nothing = Totals::default();
    let before = match selection.restriction() {
        Some(_) => &nothing,
        None => &history.before,
    };
    let mut counts = TaskCounts {
        completed: before.completed,
        panicked: before.panicked,
        cancelled: before.cancelled,
        ended_unseen: before.ended_unseen,
        ..TaskCounts::default()
    };
    let mut live = Vec::new();
    for task in history.own_tasks().filter(|task| selection.has(task.id)) {
        let state = task.state();
        let stuck = progress.stuck.contains(&task.id);
        let (count, name) = match state {
            TaskState::Running(_) => (&mut counts.running, "running"),
            TaskState::Scheduled(_) => (&mut counts.scheduled, "scheduled"),
            TaskState::Idle(_) if stuck => (&mut counts.waiting, "stuck"),
            TaskState::Idle(_) => (&mut counts.waiting, "waiting"),
            TaskState::Completed(_) => (&mut counts.completed, "completed"),
            TaskState::Panicked(_) => (&mut counts.panicked, "panicked"),
            TaskState::Cancelled(_) => (&mut counts.cancelled, "cancelled"),
            TaskState::EndedUnseen(_) => (&mut counts.ended_unseen, "ended unseen"),
        };
        *count += 1;
        counts.stuck += usize::from(name == "stuck");
        if state.is_live() {
            live.push(LiveTask {
                id: task.id,
                name: task.name.to_string(),
                kind: task.flags.in_words(),
                state: name,
                long: history.end.since(state.since()),
                at: whereabouts(history, task),
            });
        }
    }
    live.sort_by_key(|task| (task.state != "stuck", std::cmp::Reverse(task.long), task.id));
    let mut resources = history.before.resources.clone();
    for resource in history.own_resources() {
        *resources.entry(resource.kind.name()).or_default() += 1;
    }
    let selected = history.tasks.iter().filter(|task| selection.has(task.id));
    let polls = selected.map(|task| polls(history, task));
    let polls = before.polls + polls.sum::<u64>();
    Summary {
        tasks: counts,
        polls,
        live,
        resources,
    }
}

/// Where a live task is, in few words: `to.lock(), bank.rs:43`.
pub(crate) fn whereabouts_in_short(history: &History, task: &Task) -> String {
    let short = |place: &Location| {
        let file = place.file.rsplit('/').next().unwrap_or(&place.file);
        format!(", {file}:{}", place.line)
    };
    let frame = await_path(history, task.id).pop();
    let operation = history.main_wait(task.id);
    let (what, place) = match (frame, operation) {
        (
            Some(AwaitFrame {
                expression: Some(expression),
                location,
                ..
            }),
            _,
        ) => (expression, location),
        (_, Some(operation)) => (operation.call(), operation.location.clone()),
        (Some(frame), None) => (frame.title(), frame.location),
        (None, None) if task.flags.is_blocking() => return "a blocking job".to_owned(),
        (None, None) => return "something that is not recorded".to_owned(),
    };
    what + &place.as_ref().map(short).unwrap_or_default()
}

/// Where a live task is, as far as it is known.
pub(crate) fn whereabouts(history: &History, task: &Task) -> String {
    let is_outside = history.waits_outside(task.id);
    if let Some(operation) = history.main_wait(task.id) {
        let or = if is_outside {
            ", or something not recorded"
        } else {
            ""
        };
        return place_and_resource(history, operation) + or;
    }
    match await_path(history, task.id).pop() {
        Some(frame) => {
            let title = frame.title();
            let place = frame
                .location
                .map_or_else(String::new, |place| format!(" at {place}"));
            match (frame.expression, frame.state, frame.states) {
                (Some(expression), Some(state), Some(states)) => {
                    format!("{expression}{place}, state {state} of {states} of {title}")
                }
                _ => format!("in {}{place}", frame.function),
            }
        }
        None => match &task.spawned_at {
            Some(place) if task.flags.is_blocking() => format!("its function, spawned at {place}"),
            Some(place) if is_outside => {
                format!("something not recorded (I/O, …): no #[trace] in it, spawned at {place}")
            }
            Some(place) => format!("not recorded: no #[trace] in it, spawned at {place}"),
            None => "not recorded".to_owned(),
        },
    }
}
