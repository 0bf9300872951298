//! What all reports are made from.

use ais_analyzer::filter::{Filter, Selection};
use ais_analyzer::findings::{Finding, Thresholds};
use ais_analyzer::history::TaskId;
use ais_analyzer::report;
use ais_analyzer::waits::Verdict;
use ais_analyzer::{Error, Source, Trace, Window};

/// A trace, what was found in it, and what of that is shown.
pub(crate) struct Analysis {
    pub(crate) trace: Trace,
    pub(crate) verdict: Verdict,
    /// Those that are shown.
    pub(crate) findings: Vec<Finding>,
    pub(crate) selection: Selection,
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
            selection: Selection::everything(),
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
            selection: Selection::everything(),
        }
    }

    /// Shows only tasks that one of these filters matches, and findings that have one of them; all where there is no filter.
    pub(crate) fn select(&mut self, filters: &[Filter]) {
        let history = &self.trace.history;
        self.selection = Selection::new(filters, history, &self.verdict.progress);
        self.selection.restrict(&mut self.findings, history);
    }

    /// Tasks that wait for each other's locks where nothing was found; each may be woken otherwise.
    pub(crate) fn lock_circles(&self) -> Vec<Vec<TaskId>> {
        let mut circles = report::lock_circles(&self.trace.history);
        circles.retain(|circle| circle.iter().any(|&task| self.selection.has(task)));
        circles
    }

    /// Whether anything is shown about tasks that wait for ever, or did.
    pub(crate) fn has_hangs(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.kind.is_about_waiting())
    }
}
