//! The panel of one task: where it is, why, since when, and how it came there.

use serde::Serialize;

use super::place::{AwaitFrame, await_path, place_of};
use super::reason::{executor, wait_reason, what_is_held};
use super::summary::whereabouts;
use crate::history::{
    History, Operation, OperationKind, Resource, Task, TaskId, TaskState, WokenBy,
};
use crate::names::Location;
use crate::time::Nanos;
use crate::waits::Progress;

/// Everything about one task that fits on a screen.
#[derive(Clone, Debug, Serialize)]
pub struct TaskPanel {
    /// Its number.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// The type of its future, where nobody gave it a name.
    pub type_name: Option<String>,
    /// What kind of task it is (`blocking job`, `runs block_on`, `bound to one thread`), where it is no plain one.
    pub kind: Option<&'static str>,
    /// The executor that it was handed to.
    pub executor: Option<String>,
    /// What it does at the end of the trace.
    pub state: PanelState,
    /// Since when.
    #[serde(rename = "since_ns")]
    pub since: Nanos,
    /// For how long: until the end of the trace, or, for a task that has ended, how long it lived.
    #[serde(rename = "for_ns")]
    pub long: Nanos,
    /// Where it is: the expression it awaits, its place, its state among all states. None once it has ended.
    pub at: Option<String>,
    /// Why it does not go on: what the chain of waits ends in, one step a line.
    pub because: Vec<String>,
    /// The futures it is in, outermost first.
    pub path: Vec<AwaitFrame>,
    /// Where it was spawned.
    pub spawned_at: Option<Location>,
    /// By which task.
    pub spawned_by: Option<TaskId>,
    /// When.
    #[serde(rename = "spawned_ns")]
    pub spawned: Nanos,
    /// It existed before the recording began.
    pub late: bool,
    /// The size of its future, in bytes.
    pub size: u64,
    /// How often it was polled.
    pub polls: usize,
    /// How long in all.
    #[serde(rename = "busy_ns")]
    pub busy: Nanos,
    /// The longest poll.
    #[serde(rename = "longest_poll_ns")]
    pub longest_poll: Nanos,
    /// How often it gave way to others of its own accord.
    pub yields: u64,
    /// When it was first asked to be cancelled.
    #[serde(rename = "abort_ns")]
    pub abort: Option<Nanos>,
    /// How often it was woken.
    pub wakes: usize,
    /// The last wake.
    pub last_wake: Option<WakeInfo>,
    /// The locks that it took and that are not released.
    pub holds: Vec<String>,
    /// The last states that its futures entered, oldest first.
    pub transitions: Vec<Transition>,
}

/// What a task does at the end of the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PanelState {
    /// A poll is under way.
    Running,
    /// Woken or new, not polled yet.
    Scheduled,
    /// It waits.
    Waiting,
    /// It waits for what can never come.
    Stuck,
    /// It has completed.
    Completed,
    /// It has panicked.
    Panicked,
    /// It was dropped before it had completed.
    Cancelled,
    /// It has ended, but how is not in the record.
    EndedUnseen,
}

/// A wake.
#[derive(Clone, Debug, Serialize)]
pub struct WakeInfo {
    /// When.
    #[serde(rename = "at_ns")]
    pub at: Nanos,
    /// By whom, in words.
    pub by: String,
    /// The operation whose resource woke it.
    pub operation: Option<String>,
}

/// A state that one of the task's futures entered.
#[derive(Clone, Debug, Serialize)]
pub struct Transition {
    /// When.
    #[serde(rename = "at_ns")]
    pub at: Nanos,
    /// How long it stayed there; until the end of the trace where it still does.
    #[serde(rename = "for_ns")]
    pub long: Nanos,
    /// `transfer()`.
    pub function: String,
    /// What it awaited.
    pub expression: String,
    /// Where.
    pub location: Option<Location>,
    /// How it left: `ready`, `dropped`, or none where it is still there.
    pub left: Option<&'static str>,
}

/// How many transitions a panel shows.
const TRANSITIONS: usize = 12;

/// How many operations a panel names beside the one that matters most.
const ALSO: usize = 4;

/// The panel of a task; none where there is no such task.
pub fn panel(history: &History, progress: &Progress, id: TaskId) -> Option<TaskPanel> {
    let task = history.task(id)?;
    let state = task.state();
    let long = if state.is_live() {
        history.end.since(state.since())
    } else {
        state.since().since(task.spawned)
    };
    let operation = history.main_wait(id);
    Some(TaskPanel {
        id,
        name: task.name.to_string(),
        type_name: task.type_name.as_deref().map(str::to_owned),
        kind: task.flags.in_words(),
        executor: task.executor.map(|id| executor(history, id)),
        state: panel_state(state, progress.stuck.contains(&id)),
        since: state.since(),
        long,
        at: state.is_live().then(|| whereabouts(history, task)),
        because: if state.is_live() && operation.is_some() {
            chain(history, id)
        } else {
            Vec::new()
        },
        path: if state.is_live() {
            await_path(history, id)
        } else {
            Vec::new()
        },
        spawned_at: task.spawned_at.clone(),
        spawned_by: task.spawned_by,
        spawned: task.spawned,
        late: task.late,
        size: task.size,
        polls: task.polls.len(),
        busy: task.busy(history.end),
        longest_poll: task
            .polls
            .iter()
            .map(|poll| poll.end.unwrap_or(history.end).since(poll.begin))
            .max()
            .unwrap_or_default(),
        yields: task.polls.iter().map(|poll| poll.yields).sum(),
        abort: task.aborts.first().map(|abort| abort.at),
        wakes: task.wakes.len(),
        last_wake: last_wake(history, task),
        holds: holds(history, id),
        transitions: transitions(history, id),
    })
}

fn panel_state(state: TaskState, stuck: bool) -> PanelState {
    match state {
        TaskState::Running(_) => PanelState::Running,
        TaskState::Scheduled(_) => PanelState::Scheduled,
        TaskState::Idle(_) if stuck => PanelState::Stuck,
        TaskState::Idle(_) => PanelState::Waiting,
        TaskState::Completed(_) => PanelState::Completed,
        TaskState::Panicked(_) => PanelState::Panicked,
        TaskState::Cancelled(_) => PanelState::Cancelled,
        TaskState::EndedUnseen(_) => PanelState::EndedUnseen,
    }
}

/// Follows the waits from a task: each line says why the one before does not go on.
pub(super) fn chain(history: &History, id: TaskId) -> Vec<String> {
    let mut lines = Vec::new();
    let main = history.main_wait(id).map(|operation| operation.id);
    let others = || {
        history
            .pending_operations(id)
            .filter(|operation| Some(operation.id) != main)
    };
    // Whether one of them is enough (`select!`) or it takes all (`join!`) is not recorded.
    let also = others()
        .filter(|operation| !operation.kind.is_timer())
        .map(|operation| {
            let reason = wait_reason(history, operation);
            format!("it also awaits {}: {reason}", place_of(history, operation))
        });
    let mut more: Vec<String> = also.take(ALSO).collect();
    // What limits how long the task waits.
    let limits = others().filter(|operation| operation.kind.is_timer());
    more.extend(limits.map(|operation| format!("or else {}", wait_reason(history, operation))));
    if history.waits_outside(id) {
        more.push("or else something wakes it that is not recorded: I/O, …".to_owned());
    }
    let mut seen = vec![id];
    let mut next = Some(id);
    while let Some(task) = next {
        let Some(operation) = history.main_wait(task) else {
            break;
        };
        let prefix = if lines.is_empty() {
            String::new()
        } else {
            format!("task #{} awaits {}: ", task.0, place_of(history, operation))
        };
        let is_first = lines.is_empty();
        lines.push(prefix + &wait_reason(history, operation));
        if is_first {
            lines.append(&mut more);
        }
        next = match operation.kind {
            OperationKind::Lock(id)
            | OperationKind::Read(id)
            | OperationKind::Write(id)
            | OperationKind::Init(id) => match history.resource(id).map(Resource::holders) {
                Some([hold]) => hold.task,
                _ => None,
            },
            OperationKind::Join(id) => Some(id),
            _ => None,
        };
        if let Some(task) = next {
            if seen.contains(&task) {
                lines.push(format!("and so on in a circle: back at task #{}", task.0));
                break;
            }
            seen.push(task);
        }
    }
    lines
}

fn last_wake(history: &History, task: &Task) -> Option<WakeInfo> {
    let wake = task.wakes.last()?;
    let by = match wake.by {
        WokenBy::Task(id) if id == task.id => "itself".to_owned(),
        WokenBy::Task(id) => history
            .task(id)
            .map_or_else(|| format!("task #{}", id.0), Task::title),
        WokenBy::Thread(id) => match history.threads.get(&id) {
            Some(name) => format!(
                "thread {:?}, outside of any recorded task (a timer, I/O, …)",
                &**name
            ),
            None => format!(
                "thread #{}, outside of any recorded task (a timer, I/O, …)",
                id.0
            ),
        },
    };
    let operation = wake.operation.and_then(|id| history.operation(id));
    Some(WakeInfo {
        at: wake.at,
        by,
        operation: operation.map(|operation| place_of_call(history, operation)),
    })
}

fn place_of_call(history: &History, operation: &Operation) -> String {
    let resource = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id));
    let of = resource.map_or_else(String::new, |resource| {
        format!(" of {}", resource.short_title())
    });
    let at = operation
        .location
        .as_ref()
        .map_or_else(String::new, |place| format!(" at {place}"));
    format!("{}{of}{at}", operation.call())
}

fn holds(history: &History, id: TaskId) -> Vec<String> {
    let held = history
        .resources
        .iter()
        .filter(|resource| !resource.uncertain && resource.dropped.is_none());
    held.flat_map(|resource| {
        resource
            .holders()
            .iter()
            .filter(|hold| hold.task == Some(id))
            .map(|hold| what_is_held(resource, hold, history.end))
    })
    .collect()
}

fn transitions(history: &History, id: TaskId) -> Vec<Transition> {
    let mut all: Vec<Transition> = history
        .futures_of(id)
        .flat_map(|future| future.awaits.iter().map(move |visit| (future, visit)))
        .filter_map(|(future, visit)| {
            let function = history.function_of(future)?;
            let point = function.points.as_ref()?.get(visit.point)?;
            Some(Transition {
                at: visit.entered,
                long: visit.left.unwrap_or(history.end).since(visit.entered),
                function: function.title(),
                expression: point.expression.to_string(),
                location: point.location.clone(),
                left: visit
                    .left
                    .map(|_| if visit.dropped { "dropped" } else { "ready" }),
            })
        })
        .collect();
    all.sort_by_key(|transition| transition.at);
    let skip = all.len().saturating_sub(TRANSITIONS);
    all.drain(..skip);
    all
}
