//! What all reports are made from.

use ais_analyzer::findings::{Finding, Thresholds};
use ais_analyzer::waits::Verdict;
use ais_analyzer::{Error, Source, Trace, Window};

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

    /// Reads a stretch of time of a trace and analyses it; of a long one only the last part is kept.
    pub(crate) fn read(
        source: Source,
        window: Window,
        thresholds: &Thresholds,
    ) -> Result<Analysis, Error> {
        let (trace, analysis) = ais_analyzer::Analysis::read_window(source, window, thresholds)?;
        let ais_analyzer::Analysis { verdict, findings } = analysis;
        Ok(Analysis {
            trace,
            verdict,
            findings,
        })
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
