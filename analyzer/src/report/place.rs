//! Where a task is: the words for it, in one place.

use serde::Serialize;

use crate::history::{Await, Future, FutureId, History, Operation, OperationKind, TaskId};
use crate::names::{Location, title_of};

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

impl AwaitFrame {
    /// How the function reads as what has states: `transfer()`, or `transfer::{block}` for an async block in it.
    pub fn title(&self) -> String {
        title_of(&self.function)
    }
}

/// The futures that a task is in at the end of the trace, outermost first.
///
/// Where a task runs several at once (`join!`), this is the way to its main wait, or else to its newest future.
pub fn await_path(history: &History, task: TaskId) -> Vec<AwaitFrame> {
    let operation = history.main_wait(task);
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
    place_as(history, operation, operation.call())
}

/// The same, but with the resource named where source is not known that tells what is waited for: `lock() of mutex "a" at …`.
pub(crate) fn place_and_resource(history: &History, operation: &Operation) -> String {
    let resource = operation
        .kind
        .resource()
        .and_then(|id| history.resource(id));
    let of = match (operation.kind, resource) {
        (OperationKind::Join(id), _) => match history.task(id) {
            Some(task) => format!(" of {}", task.title()),
            None => format!(" of task #{}", id.0),
        },
        (_, Some(resource)) => format!(" of {}", resource.short_title()),
        (_, None) => String::new(),
    };
    place_as(history, operation, operation.call() + &of)
}

/// `call` stands where the awaited expression is not known.
fn place_as(history: &History, operation: &Operation, call: String) -> String {
    let frame = path_to(history, operation.future).pop();
    let expression = frame.as_ref().and_then(|frame| frame.expression.clone());
    let mut text = expression.unwrap_or(call);
    // A join is awaited somewhere else than where its handle was made, which is all that the operation knows.
    let awaited_at = frame.as_ref().and_then(|frame| frame.location.as_ref());
    let place = match operation.kind {
        OperationKind::Join(_) => awaited_at.or(operation.location.as_ref()),
        _ => operation.location.as_ref(),
    };
    if let Some(place) = place {
        text += &format!(" at {place}");
    }
    if let Some(frame) = frame
        && let (Some(state), Some(states)) = (frame.state, frame.states)
    {
        text += &format!(", state {state} of {states} of {}", frame.title());
    }
    text
}
