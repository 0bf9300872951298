//! Where a task is, and why: the words for it, in one place.

use serde::Serialize;

use crate::history::{
    Await, Future, FutureId, HandleSide, History, Operation, OperationKind, ResourceId, Task,
    TaskId, TaskState,
};
use crate::names::Location;

/// One future on the way from a task to what it waits for.
#[derive(Clone, Debug, Serialize)]
pub struct AwaitFrame {
    /// The function's name, or the name that was given to the future.
    pub function: String,
    /// What it awaits, as it stands in source.
    pub expression: Option<String>,
    /// Where the `await` stands.
    pub location: Option<Location>,
    /// Which of its await points this is, from 1.
    pub state: Option<usize>,
    /// How many await points it has.
    pub states: Option<usize>,
}

/// The futures that a task is in at the end of the trace, outermost first.
///
/// Where a task runs several at once (`join!`), this is the way to its oldest pending operation, or else to its newest future.
pub fn await_path(history: &History, task: TaskId) -> Vec<AwaitFrame> {
    let operation = history
        .pending_operations(task)
        .min_by_key(|operation| operation.begun);
    let innermost = match operation {
        Some(operation) => operation.future,
        None => history
            .futures_of(task)
            .filter(|future| future.ended.is_none() && future.begun.is_some())
            .max_by_key(|future| (future.begun, future.id))
            .map(|future| future.id),
    };
    path_to(history, innermost)
}

fn path_to(history: &History, innermost: Option<FutureId>) -> Vec<AwaitFrame> {
    /// Deeper nesting than this is damage, or not for people to read.
    const DEEPEST: usize = 1000;
    let mut path = Vec::new();
    let mut next = innermost;
    while let Some(future) = next
        .and_then(|id| history.future(id))
        .filter(|_| path.len() < DEEPEST)
    {
        path.push(frame(history, future));
        next = future.parent;
    }
    path.reverse();
    path
}

fn frame(history: &History, future: &Future) -> AwaitFrame {
    let function = history.function_of(future);
    let points = function.and_then(|function| function.points.as_deref());
    let visit: Option<&Await> = future.waits_at();
    let point = visit.and_then(|visit| points?.get(visit.point));
    AwaitFrame {
        function: function.map_or_else(
            || "?".to_owned(),
            |function| function.short_name().to_owned(),
        ),
        expression: point.map(|point| point.expression.to_string()),
        location: point.and_then(|point| point.location.clone()),
        state: point.and(visit).map(|visit| visit.point + 1),
        states: points.map(<[_]>::len),
    }
}

/// `a.lock() at src/bank.rs:43:22, state 2 of 4 of transfer()`: what an operation waits at, as one finds it in source.
pub fn place_of(history: &History, operation: &Operation) -> String {
    let frame = path_to(history, operation.future).pop();
    let expression = frame.as_ref().and_then(|frame| frame.expression.clone());
    let mut text = expression.unwrap_or_else(|| operation.kind.call().to_owned());
    // A join is awaited somewhere else than where its handle was made, which is all that the operation knows.
    let awaited_at = frame.as_ref().and_then(|frame| frame.location.as_ref());
    let place = match operation.kind {
        OperationKind::Join(_) => awaited_at.or(operation.location.as_ref()),
        _ => operation.location.as_ref(),
    };
    if let Some(place) = place {
        text += &format!(" at {place}");
    }
    if let Some(AwaitFrame {
        function,
        state: Some(state),
        states: Some(states),
        ..
    }) = frame
    {
        text += &format!(", state {state} of {states} of {function}()");
    }
    text
}

/// Why an operation has not come to an end: `mutex "a" (src/bank.rs:12:18) is held by task #8 "transfer", taken at …, 2.3 s ago`.
pub fn wait_reason(history: &History, operation: &Operation) -> String {
    match operation.kind {
        OperationKind::Lock(id) => lock_reason(history, id),
        OperationKind::Send(id, _) => channel_reason(history, id, HandleSide::Receiver),
        OperationKind::Receive(id, _) => channel_reason(history, id, HandleSide::Sender),
        OperationKind::Join(id) => match history.task(id) {
            Some(task) => format!("{} {}", task.title(), has_not_ended(task)),
            None => format!("task #{} has not ended", id.0),
        },
        OperationKind::Unknown => "a later version of inspect-analyze knows".to_owned(),
    }
}

fn has_not_ended(task: &Task) -> &'static str {
    match task.state() {
        TaskState::Running(_) => "has not ended: it runs",
        TaskState::Scheduled(_) => "has not ended: it is scheduled to run",
        TaskState::Idle(_) => "has not ended: it waits itself",
        TaskState::Completed(_) | TaskState::Panicked(_) | TaskState::Cancelled(_) => "has ended",
    }
}

fn lock_reason(history: &History, id: ResourceId) -> String {
    let Some(mutex) = history.resource(id) else {
        return format!("resource #{} is unknown", id.0);
    };
    let title = mutex.title();
    if mutex.uncertain {
        return format!("{title}: who holds it is not known, since part of its history is missing");
    }
    let Some(hold) = mutex.holder() else {
        return format!("{title} is free");
    };
    let who = hold
        .task
        .and_then(|task| history.task(task))
        .map_or_else(|| "code outside of recorded tasks".to_owned(), Task::title);
    let at = hold
        .location
        .as_ref()
        .map_or_else(String::new, |place| format!(" at {place}"));
    format!(
        "{title} is held by {who}, taken{at}, {} ago",
        history.end.since(hold.since)
    )
}

fn channel_reason(history: &History, id: ResourceId, other_side: HandleSide) -> String {
    let Some(channel) = history.resource(id) else {
        return format!("resource #{} is unknown", id.0);
    };
    let mut users: Vec<String> = Vec::new();
    for handle in channel
        .handles()
        .iter()
        .filter(|handle| handle.side == other_side)
    {
        for user in handle.users.iter().flatten() {
            let text = format!("#{}", user.0);
            if !users.contains(&text) {
                users.push(text);
            }
        }
    }
    let (state, whose) = match other_side {
        HandleSide::Receiver => ("is full", "received from"),
        HandleSide::Sender => ("is empty", "sent into"),
    };
    let so_far = match users.len() {
        0 => format!("no task that lives is known to have {whose} it"),
        1..=8 => format!("{whose} so far by task {}", users.join(", ")),
        n => format!("{whose} so far by {n} tasks"),
    };
    format!(
        "{} {state} ({} of {} queued); {so_far}",
        channel.title(),
        channel.queued().max(0),
        channel.capacity
    )
}
