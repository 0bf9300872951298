//! From knots of stuck tasks to findings: of what kind each is, how sure, which facts show it, why it cannot end, what to change.

mod alone;
mod broken;
mod confidence;
mod facts;
mod kinds;
mod texts;

use super::{Finding, ResourceRef, TaskRef};
use crate::history::{
    History, Operation, OperationId, OperationKind, ResourceId, ResourceKind, Task, TaskState,
};
use crate::time::Nanos;
use crate::waits::{Index, Knot, Link, Moment, Verdict, verdict_at};

pub use broken::broken_findings;
pub(crate) use broken::broken_in;

/// What a finding is made of: a knot, and the moment at which it is looked at.
pub(super) struct Case<'i, 'a> {
    pub(super) history: &'a History,
    pub(super) moment: &'i Moment<'i, 'a>,
    pub(super) knot: &'i Knot,
}

/// Who is stuck at the end of a history, and the findings about it.
pub fn wait_findings(history: &History) -> (Verdict, Vec<Finding>) {
    wait_findings_in(&Index::new(history))
}

pub(crate) fn wait_findings_in(index: &Index<'_>) -> (Verdict, Vec<Finding>) {
    findings_at(&Moment::end(index))
}

/// The same at a moment, at which a history ends.
pub(super) fn findings_at(moment: &Moment<'_, '_>) -> (Verdict, Vec<Finding>) {
    let verdict = verdict_at(moment);
    let findings = verdict.knots.iter().map(|knot| {
        let history = moment.history();
        finding(&Case {
            history,
            moment,
            knot,
        })
    });
    let findings = findings.collect();
    (verdict, findings)
}

fn finding(case: &Case<'_, '_>) -> Finding {
    let history = case.history;
    let kind = kinds::kind(case);
    let (confidence, confidence_because) = confidence::confidence(case);
    let since = case.since();
    Finding {
        kind,
        confidence,
        confidence_because,
        resolved: None,
        resolution: None,
        since,
        title: texts::title(case, kind, history.end.since(since)),
        tasks: case
            .knot
            .tasks
            .iter()
            .map(|&task| TaskRef::of(history, task))
            .collect(),
        resources: case
            .resources()
            .into_iter()
            .map(|resource| ResourceRef::of(history, resource))
            .collect(),
        facts: facts::facts(case),
        victims: case.knot.victims.clone(),
        why_it_cannot_end: texts::why(case, kind),
        advice: texts::advice(case, kind),
        weight: history.end.since(since),
    }
}

impl<'a> Case<'_, 'a> {
    /// The operations by which the tasks of the knot wait: those for each other, or, where nobody can help, all.
    pub(super) fn operations(&self) -> Vec<&'a Operation> {
        let mut ids: Vec<OperationId> = if self.knot.links.is_empty() {
            let tasks = self.knot.tasks.iter();
            tasks
                .flat_map(|&task| self.moment.awaited_by(task))
                .collect()
        } else {
            let links = self.knot.links.iter();
            links.filter_map(|link| link.wait.operation).collect()
        };
        ids.dedup();
        ids.into_iter()
            .filter_map(|id| self.history.operation(id))
            .collect()
    }

    /// Whether a task waits to be polled by an executor that has no threads of its own.
    fn waits_to_be_driven(&self) -> bool {
        self.knot.links.iter().any(|link| {
            let executor = self
                .history
                .task(link.waiter)
                .and_then(|task| task.executor);
            let executor = executor.and_then(|id| self.history.resource(id));
            let runs = self.history.task(link.on).map(Task::state);
            link.link == Link::Executes
                && executor.is_some_and(|executor| {
                    executor.kind == ResourceKind::LocalSet || executor.capacity == 0
                })
                && !matches!(runs, Some(TaskState::Running(_)))
        })
    }

    /// Whether it is a task that waits for nothing, and whose waker nobody ever had while it waited.
    fn may_be_parked(&self) -> bool {
        let waits = !self.operations().is_empty();
        let mut tasks = self.knot.tasks.iter();
        !waits
            && tasks.all(|&task| {
                self.history.task(task).is_some_and(|task| {
                    let last = task.polls.last().map_or(Nanos(0), |poll| poll.begin);
                    let is_idle = matches!(task.state(), TaskState::Idle(_));
                    is_idle && task.wakers_gone.iter().all(|gone| gone.at < last)
                })
            })
    }

    fn waits_for_permits(&self) -> bool {
        let mut operations = self.operations().into_iter();
        operations.any(|operation| matches!(operation.kind, OperationKind::Acquire(_)))
    }

    /// Since when it is so: since the last of them began to wait.
    fn since(&self) -> Nanos {
        let operations = self.operations();
        let begun = operations.iter().map(|operation| operation.begun).max();
        begun.unwrap_or_else(|| {
            let states = self.knot.tasks.iter();
            let states = states.filter_map(|&task| Some(self.history.task(task)?.state().since()));
            states.max().unwrap_or_default()
        })
    }

    fn resources(&self) -> Vec<ResourceId> {
        let mut resources: Vec<ResourceId> = self
            .operations()
            .iter()
            .filter_map(|operation| operation.kind.resource())
            .collect();
        // What is waited for may be a thread.
        let executors = self.knot.links.iter().filter_map(|link| {
            let is_executor = link.link == Link::Executes;
            self.history
                .task(link.waiter)?
                .executor
                .filter(|_| is_executor)
        });
        resources.extend(executors);
        resources.sort_unstable();
        resources.dedup();
        resources
    }
}
