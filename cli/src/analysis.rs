//! What all reports are made from.

use ais_analyzer::Trace;
use ais_analyzer::findings::Finding;
use ais_analyzer::waits::Verdict;

/// A trace, and what was found in it.
pub(crate) struct Analysis {
    pub(crate) trace: Trace,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
}

impl Analysis {
    /// Analyses a trace.
    pub(crate) fn of(trace: Trace) -> Analysis {
        let ais_analyzer::Analysis { verdict, findings } = ais_analyzer::Analysis::of(&trace);
        Analysis {
            trace,
            verdict,
            findings,
        }
    }
}
