//! What a task is recorded to have done, and what was done to it, by time: the places between which it ran for long, and whether anything
//! came of a poll.

use std::collections::HashMap;

use crate::history::{
    Change, ChangeKind, Future, FutureEnd, History, Operation, OperationFlags, Outcome, Resource,
    Section, Task, TaskId,
};
use crate::names::{AwaitPoint, Function, Location};
use crate::time::Nanos;

/// One thing that a task did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doing<'a> {
    pub(super) at: Nanos,
    what: What<'a>,
}

#[derive(Clone, Copy, Debug)]
enum What<'a> {
    /// A future began to run.
    Begun(&'a Future),
    /// It came to an await point, by the index of the visit.
    Entered(&'a Future, usize),
    /// It got past one.
    Left(&'a Future, usize),
    /// It ended.
    Ended(&'a Future, FutureEnd),
    /// An operation began to wait.
    Asked(&'a Operation),
    /// It was polled again, and waits still.
    Polled(&'a Operation, OperationFlags),
    /// It ended.
    Answered(&'a Operation, Outcome),
    /// Something was done to a resource.
    Changed(&'a Resource, &'a Change),
    /// A task was spawned.
    Spawned(&'a Task),
    /// A section of the thread began.
    Section(&'a Section),
}

/// What tasks did within stretches of time, by task and time.
pub(super) struct Doings<'a> {
    history: &'a History,
    of: HashMap<TaskId, Vec<Doing<'a>>>,
}

impl<'a> Doings<'a> {
    /// All that these tasks did, each between two moments.
    pub(super) fn within(history: &'a History, windows: HashMap<TaskId, (Nanos, Nanos)>) -> Self {
        let mut collect = Collect {
            windows,
            of: HashMap::new(),
        };
        if !collect.windows.is_empty() {
            collect.all(history);
        }
        for doings in collect.of.values_mut() {
            doings.sort_by_key(|doing| doing.at);
        }
        Doings {
            history,
            of: collect.of,
        }
    }

    /// What a task did, by time.
    pub(super) fn of(&self, task: TaskId) -> &[Doing<'a>] {
        self.of.get(&task).map_or(&[], Vec::as_slice)
    }

    /// What it was, in words, and where in source: `asked for lock() of mutex "a" at src/bank.rs:41:22`.
    pub(super) fn in_words(&self, doing: &Doing<'_>) -> (String, Option<Location>) {
        let (text, place) = match doing.what {
            What::Begun(future) => (format!("began {}()", self.name(future)), None),
            What::Entered(future, visit) => self.await_in_words("came to", future, visit),
            What::Left(future, visit) => self.await_in_words("got past", future, visit),
            What::Ended(future, end) => {
                let how = match end {
                    FutureEnd::Returned => "returned from",
                    FutureEnd::Dropped | FutureEnd::NeverPolled => "dropped",
                    FutureEnd::Panicked => "panicked in",
                    FutureEnd::Unseen => "was done with",
                };
                (format!("{how} {}()", self.name(future)), None)
            }
            What::Asked(operation) => self.operation_in_words("asked for", operation),
            What::Polled(operation, _) => self.operation_in_words("asked again for", operation),
            What::Answered(operation, Outcome::Ready | Outcome::Closed) => {
                self.operation_in_words("got the answer to", operation)
            }
            What::Answered(operation, _) => self.operation_in_words("gave up", operation),
            What::Changed(resource, change) => change_in_words(resource, change),
            What::Spawned(task) => (format!("spawned {}", task.title()), task.spawned_at.clone()),
            What::Section(section) => (
                "began to block its thread".to_owned(),
                section.location.clone(),
            ),
        };
        match &place {
            Some(at) => (format!("{text} at {at}"), place),
            None => (text, None),
        }
    }

    fn name(&self, future: &Future) -> &'a str {
        let function = self.history.function_of(future);
        function.map_or("a function", |function| function.short_name())
    }

    fn await_in_words(
        &self,
        verb: &str,
        future: &Future,
        visit: usize,
    ) -> (String, Option<Location>) {
        let visit = &future.awaits[visit];
        let points = self
            .history
            .function_of(future)
            .and_then(|function| function.points.as_deref());
        let point: Option<&AwaitPoint> = points.and_then(|points| points.get(visit.point));
        let expression = point.map_or("an await point", |point| &point.expression);
        let function = self.history.function_of(future);
        let function = function.map_or_else(|| "a function".to_owned(), Function::title);
        (
            format!("{verb} {expression} in {function}"),
            point.and_then(|point| point.location.clone()),
        )
    }

    fn operation_in_words(&self, verb: &str, operation: &Operation) -> (String, Option<Location>) {
        let resource = operation
            .kind
            .resource()
            .and_then(|id| self.history.resource(id))
            .map_or_else(String::new, |resource| {
                format!(" of {}", resource.short_title())
            });
        (
            format!("{verb} {}{resource}", operation.call()),
            operation.location.clone(),
        )
    }
}

fn change_in_words(resource: &Resource, change: &Change) -> (String, Option<Location>) {
    let (verb, location) = match &change.kind {
        ChangeKind::Acquired(hold) => ("took", hold.location.clone()),
        ChangeKind::Released { .. } => ("gave back", None),
        ChangeKind::Sent { .. } => ("sent into", None),
        ChangeKind::Received { .. } => ("received from", None),
        ChangeKind::Notified { location, .. } => ("notified", location.clone()),
        ChangeKind::Arrived(location) => ("came to", location.clone()),
        ChangeKind::Added { location, .. } => ("added to", location.clone()),
        ChangeKind::Closed => ("closed", None),
        ChangeKind::HandleNew(..) => ("made an end of", None),
        ChangeKind::HandleDropped(_) => ("dropped an end of", None),
        _ => ("changed", None),
    };
    (format!("{verb} {}", resource.short_title()), location)
}

impl Doing<'_> {
    /// Something came of it: there was a reason for the poll in which it was done. To ask is none, nor is it to be told again and again
    /// that a channel is closed, or to give up.
    pub(super) fn is_progress(&self) -> bool {
        match self.what {
            What::Asked(_) | What::Polled(..) | What::Section(_) => false,
            // No more comes, however often it is asked for.
            What::Answered(operation, outcome) => {
                outcome == Outcome::Ready && !(operation.kind.is_timer() && operation.units == 0)
            }
            What::Changed(_, change) => !matches!(
                change.kind,
                ChangeKind::Began { .. } | ChangeKind::Ended { .. } | ChangeKind::SendFailed
            ),
            What::Begun(_)
            | What::Entered(..)
            | What::Left(..)
            | What::Ended(..)
            | What::Spawned(_) => true,
        }
    }

    /// It is about futures alone: one began, ended, came to an await point or got past it.
    pub(super) fn is_of_a_future(&self) -> bool {
        matches!(
            self.what,
            What::Begun(_) | What::Entered(..) | What::Left(..) | What::Ended(..)
        )
    }

    /// It was told that a channel is closed.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.what, What::Answered(_, Outcome::Closed))
    }

    /// The task had used up its budget for this turn: it is told to come again.
    pub(super) fn is_out_of_budget(&self) -> bool {
        match self.what {
            What::Asked(operation) => operation
                .polls
                .first()
                .is_some_and(|poll| poll.flags.had_no_budget()),
            What::Polled(_, flags) => flags.had_no_budget(),
            _ => false,
        }
    }
}

struct Collect<'a> {
    windows: HashMap<TaskId, (Nanos, Nanos)>,
    of: HashMap<TaskId, Vec<Doing<'a>>>,
}

impl<'a> Collect<'a> {
    fn all(&mut self, history: &'a History) {
        let tasks: Vec<TaskId> = self.windows.keys().copied().collect();
        for task in tasks {
            for future in history.futures_of(task) {
                self.future(task, future);
            }
        }
        for operation in &history.operations {
            self.operation(operation);
        }
        for resource in &history.resources {
            for change in &resource.changes {
                // An operation tells of these itself.
                let is_told = matches!(
                    change.kind,
                    ChangeKind::Began { .. } | ChangeKind::Ended { .. }
                );
                if !is_told {
                    self.add(change.by, change.at, What::Changed(resource, change));
                }
            }
        }
        for task in &history.tasks {
            self.add(task.spawned_by, task.spawned, What::Spawned(task));
        }
        for section in &history.sections {
            self.add(section.task, section.begun, What::Section(section));
        }
    }

    fn add(&mut self, task: Option<TaskId>, at: Nanos, what: What<'a>) {
        let Some(task) = task else { return };
        let Some(&(from, to)) = self.windows.get(&task) else {
            return;
        };
        if from <= at && at <= to {
            self.of.entry(task).or_default().push(Doing { at, what });
        }
    }

    fn future(&mut self, task: TaskId, future: &'a Future) {
        if let Some(at) = future.begun {
            self.add(Some(task), at, What::Begun(future));
        }
        for (index, visit) in future.awaits.iter().enumerate() {
            self.add(Some(task), visit.entered, What::Entered(future, index));
            if let Some(at) = visit.left {
                self.add(Some(task), at, What::Left(future, index));
            }
        }
        if let Some((at, end)) = future.ended {
            self.add(Some(task), at, What::Ended(future, end));
        }
    }

    fn operation(&mut self, operation: &'a Operation) {
        for (index, poll) in operation.polls.iter().enumerate() {
            let what = if index == 0 {
                What::Asked(operation)
            } else {
                What::Polled(operation, poll.flags)
            };
            self.add(poll.task, poll.at, what);
        }
        if let Some((at, outcome)) = operation.ended {
            self.add(operation.task, at, What::Answered(operation, outcome));
        }
    }
}
