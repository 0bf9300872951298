//! All that is found in a trace.

use crate::Trace;
use crate::findings::{
    Finding, Kind, Thresholds, broken_findings, lock_order_inversions, slow_findings, wait_findings,
};
use crate::waits::Verdict;

/// What was found in a trace.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Who is stuck at its end.
    pub verdict: Verdict,
    /// What is wrong, and what was: what hangs at the end, what hung and was broken, what is slow, and what may go wrong another time.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Looks for everything, by the usual thresholds.
    pub fn of(trace: &Trace) -> Analysis {
        Analysis::with(trace, &Thresholds::default())
    }

    /// Looks for everything.
    pub fn with(trace: &Trace, thresholds: &Thresholds) -> Analysis {
        let history = &trace.history;
        let (verdict, mut findings) = wait_findings(history);
        findings.extend(broken_findings(trace));
        let slow = slow_findings(history, thresholds);
        let starves = explained_by(&findings);
        findings.extend(slow.into_iter().filter(|finding| !starves(finding)));
        findings.extend(lock_order_inversions(history));
        Analysis { verdict, findings }
    }
}

/// Whether a slow poll, or an operation that is not polled, is what a finding about waiting tells of already.
fn explained_by(findings: &[Finding]) -> impl Fn(&Finding) -> bool + use<> {
    let hung: Vec<_> = findings
        .iter()
        .filter(|finding| finding.resolved.is_none())
        .flat_map(|finding| finding.tasks.iter().map(|task| task.id))
        .collect();
    move |finding| {
        let is_told = finding.tasks.iter().any(|task| hung.contains(&task.id));
        is_told && matches!(finding.kind, Kind::LongPoll | Kind::Starvation)
    }
}
