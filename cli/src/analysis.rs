//! What all reports are made from.

use ais_analyzer::Trace;
use ais_analyzer::findings::{Finding, Thresholds};
use ais_analyzer::waits::Verdict;

/// A trace, and what was found in it.
pub(crate) struct Analysis {
    pub(crate) trace: Trace,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
}

impl Analysis {
    /// Analyses a trace, by the usual thresholds.
    pub(crate) fn of(trace: Trace) -> Analysis {
        Analysis::with(trace, &Thresholds::default())
    }

    /// Analyses a trace.
    pub(crate) fn with(trace: Trace, thresholds: &Thresholds) -> Analysis {
        let ais_analyzer::Analysis { verdict, findings } =
            ais_analyzer::Analysis::with(&trace, thresholds);
        Analysis {
            trace,
            verdict,
            findings,
        }
    }

    /// Whether anything was found about tasks that wait for ever, or did.
    pub(crate) fn has_hangs(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.kind.is_about_waiting())
    }
}
