//! The JSON answer: one object. Scripts rely on it, so keys are only ever added.

use ais_analyzer::filter::Restriction;
use ais_analyzer::findings::Finding;
use ais_analyzer::history::TaskId;
use ais_analyzer::profile::Profile;
use ais_analyzer::report::{self, Diagnosis, StuckGroup, Summary, TaskPanel, TraceInfo};
use serde::Serialize;

use crate::analysis::Analysis;

/// The answer. Reports that were not asked for are left out, save the findings, which are always there.
#[derive(Serialize)]
struct Answer<'a> {
    trace: TraceInfo,
    /// What is shown, where that is not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a Restriction>,
    findings: &'a [Finding],
    /// Tasks that wait for each other's locks where nothing was found; each may be woken otherwise.
    lock_circles: Vec<Vec<TaskId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck: Option<&'a [StuckGroup]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doctor: Option<&'a Diagnosis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    perf: Option<&'a Profile>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tasks: &'a [TaskPanel],
}

/// The answer as text, ending in a new line.
pub(crate) fn answer(
    analysis: &Analysis,
    summary: bool,
    stuck: Option<&[StuckGroup]>,
    doctor: Option<&Diagnosis>,
    perf: Option<&Profile>,
    panels: &[TaskPanel],
) -> serde_json::Result<String> {
    let (history, selection) = (&analysis.trace.history, &analysis.selection);
    let answer = Answer {
        trace: report::trace_info(&analysis.trace),
        filter: selection.restriction(),
        findings: &analysis.findings,
        lock_circles: if analysis.has_hangs() {
            Vec::new()
        } else {
            analysis.lock_circles()
        },
        summary: summary.then(|| report::summary(history, &analysis.verdict.progress, selection)),
        stuck,
        doctor,
        perf,
        tasks: panels,
    };
    serde_json::to_string_pretty(&answer).map(|text| text + "\n")
}
