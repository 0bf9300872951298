//! All that is found in a trace.

use crate::Trace;
use crate::findings::{Finding, broken_findings, wait_findings};
use crate::waits::Verdict;

/// What was found in a trace.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Who is stuck at its end.
    pub verdict: Verdict,
    /// What is wrong, and what was: what hangs at the end first, then what hung and was broken.
    pub findings: Vec<Finding>,
}

impl Analysis {
    /// Looks for everything.
    pub fn of(trace: &Trace) -> Analysis {
        let (verdict, mut findings) = wait_findings(&trace.history);
        findings.extend(broken_findings(trace));
        Analysis { verdict, findings }
    }
}
