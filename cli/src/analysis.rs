//! What all reports are made from.

use ais_analyzer::Trace;
use ais_analyzer::findings::{Finding, wait_findings};
use ais_analyzer::waits::{Progress, progress};

/// A trace, and what was found in it.
pub(crate) struct Analysis {
    pub(crate) trace: Trace,
    pub(crate) progress: Progress,
    pub(crate) findings: Vec<Finding>,
}

impl Analysis {
    /// Analyses a trace.
    pub(crate) fn of(trace: Trace) -> Analysis {
        let progress = progress(&trace.history);
        let findings = wait_findings(&trace.history, &progress);
        Analysis {
            trace,
            progress,
            findings,
        }
    }
}
