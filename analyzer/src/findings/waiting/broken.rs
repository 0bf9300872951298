//! Findings about circles that something broke: they could not have ended by themselves.

use super::findings_at;
use crate::findings::{Ended, Finding, Resolution};
use crate::history::{History, OperationKind, Task, rebuild_until};
use crate::time::Nanos;
use crate::waits::{Breaker, Broken, Index, Moment, broken};
use crate::{Source, Trace};

/// Of so many kinds of broken circles findings are made.
const KINDS: usize = 32;

/// Findings about the circles of a trace that something broke, or is going to. Each is told as of the moment before that.
pub fn broken_findings(trace: &Trace) -> Vec<Finding> {
    broken_in(&Index::new(&trace.history), &trace.source)
}

pub(crate) fn broken_in(index: &Index<'_>, source: &Source) -> Vec<Finding> {
    let history = index.history();
    let mut findings = if history.goes_on {
        Vec::new()
    } else {
        soon_broken(index)
    };
    let mut circles = broken(index);
    circles.retain(|circle| circle.at >= history.from);
    for circle in circles.iter().take(KINDS) {
        // It was read before.
        let Ok(then) = rebuild_until(source, history, circle.at) else {
            continue;
        };
        let index = Index::new(&then);
        let moment = Moment::end(&index).without(circle.left_out.iter().copied());
        let (_, found) = findings_at(&moment);
        let same = found.into_iter().find(|finding| names_all(finding, circle));
        if let Some(mut finding) = same {
            let (ended, resolution) = resolution(history, circle);
            finding.resolved = Some(ended);
            finding.resolution = Some(resolution);
            finding.why_it_cannot_end = format!("without that, {}", finding.why_it_cannot_end);
            findings.push(finding);
        }
    }
    findings
}

fn names_all(finding: &Finding, circle: &Broken) -> bool {
    let tasks = &circle.knot.tasks;
    tasks.len() == finding.tasks.len() && finding.tasks.iter().all(|task| tasks.contains(&task.id))
}

fn resolution(history: &History, circle: &Broken) -> (Ended, Resolution) {
    let title = |id| history.task(id).map(Task::title).unwrap_or_default();
    let (ended, text, location) = match circle.by {
        Breaker::Timer(task, timer) => {
            let timer = history.operation(timer);
            let call = timer.map_or_else(String::new, |timer| {
                let place = timer.location.as_ref();
                let at = place.map_or_else(String::new, |place| format!(" at {place}"));
                format!("{}{at}", timer.call())
            });
            (
                Ended::Timeout,
                format!("{call}, of {}", title(task)),
                timer.and_then(|timer| timer.location.clone()),
            )
        }
        Breaker::Cancelled(task) => (
            Ended::Cancelled,
            format!("{} was cancelled", title(task)),
            None,
        ),
        Breaker::Shutdown => (Ended::Shutdown, "a runtime was shut down".to_owned(), None),
    };
    let resolution = Resolution {
        text,
        location,
        at: circle.at,
        lasted: circle.at.since(circle.since),
        times: circle.times,
    };
    (ended, resolution)
}

/// Circles that are whole at the end of the trace, and that a time-out is going to break.
fn soon_broken(index: &Index<'_>) -> Vec<Finding> {
    let plain = crate::waits::verdict_at(&Moment::end(index));
    let without = Moment::end(index).without([]);
    let (verdict, findings) = findings_at(&without);
    let history = without.history();
    let mut told = Vec::new();
    for (knot, mut finding) in verdict.knots.iter().zip(findings) {
        let is_known = plain
            .knots
            .iter()
            .any(|known| knot.tasks.iter().any(|task| known.tasks.contains(task)));
        let timers = history.operations.iter().filter(|operation| {
            let is_of_knot = operation
                .task
                .is_some_and(|task| knot.tasks.contains(&task));
            operation.ended.is_none() && operation.kind == OperationKind::Timeout && is_of_knot
        });
        let first = timers.min_by_key(|timer| timer.deadline);
        let Some(timer) = first.filter(|_| knot.is_circle && !is_known) else {
            continue;
        };
        let at = timer.deadline.unwrap_or(Nanos(u64::MAX));
        let place = timer.location.as_ref();
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        let task = timer.task.and_then(|task| history.task(task));
        finding.resolved = Some(Ended::Timeout);
        finding.resolution = Some(Resolution {
            text: format!(
                "{}{place}, of {}, {} after the end of the trace",
                timer.call(),
                task.map(Task::title).unwrap_or_default(),
                at.since(history.end)
            ),
            location: timer.location.clone(),
            at,
            lasted: at.since(finding.since),
            times: 1,
        });
        finding.why_it_cannot_end = format!("without that, {}", finding.why_it_cannot_end);
        told.push(finding);
    }
    told
}
