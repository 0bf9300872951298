//! Findings, written as rustc writes a diagnostic: headline, numbered facts, why, advice.

use std::collections::HashSet;

use ais_analyzer::findings::{Confidence, Finding, Resolution};
use ais_analyzer::history::{History, TaskId};
use ais_analyzer::number::grouped;

use super::{ALARM, BOLD, WARN, count, styled};
use crate::analysis::Analysis;
use crate::output::clean;

/// How many tasks behind a finding are named.
const VICTIMS: usize = 8;
/// How many circles that are not proven are named.
const CIRCLES: usize = 4;

/// All findings about waiting.
pub(crate) fn findings(analysis: &Analysis) -> String {
    let history = &analysis.trace.history;
    let nothing_hangs = (!analysis.has_hangs()).then(|| none_found(analysis));
    let mut told = HashSet::new();
    let findings = analysis.findings.iter();
    nothing_hangs
        .into_iter()
        .chain(findings.map(|finding| {
            let mut text = one(finding, history);
            if told.insert(finding.kind) {
                let name = finding.kind.name();
                text += &format!("  more: inspect-analyze --explain {name}\n");
            }
            text
        }))
        .collect::<Vec<_>>()
        .join("\n")
}

/// That nothing was found, what that is worth, and what looks like something all the same.
pub(super) fn none_found(analysis: &Analysis) -> String {
    let mut text = verdict(analysis);
    for circle in analysis.lock_circles().iter().take(CIRCLES) {
        let names: Vec<String> = circle
            .iter()
            .chain(circle.first())
            .map(|id| format!("#{}", id.0))
            .collect();
        text += &format!(
            "  but look at {}: each waits for a lock that the next one holds; that it cannot end is not proven, since they may be woken \
             otherwise (--task {} says by what)\n",
            names.join(" → "),
            circle.first().map_or(0, |id| id.0)
        );
    }
    text
}

fn verdict(analysis: &Analysis) -> String {
    let history = &analysis.trace.history;
    let none = match analysis.selection.restriction() {
        Some(_) => "no deadlocks found among the tasks that match",
        None => "no deadlocks found",
    };
    match history.loss.sentence() {
        None if history.has_cut || history.events == 0 => format!("{none}\n"),
        None => {
            format!("{none}, but the trace ends before a moment that is known of all threads\n")
        }
        Some(lost) => format!(
            "{none} in what is left of the trace ({lost}): there may be some all the same\n"
        ),
    }
}

/// `deadlock-cycle, proven: task #7 "transfer b→a" and …`
pub(super) fn headline(finding: &Finding) -> String {
    let style = if finding.confidence == Confidence::Possible {
        WARN
    } else {
        ALARM
    };
    let resolved = finding
        .resolved
        .map_or_else(String::new, |ended| format!(", {}", ended.in_words()));
    let kind = format!(
        "{}, {}{resolved}",
        finding.kind.name(),
        finding.confidence.name()
    );
    format!(
        "{}: {}",
        styled(style, &kind),
        styled(BOLD, &clean(&finding.title))
    )
}

fn one(finding: &Finding, history: &History) -> String {
    let mut text = headline(finding) + "\n\n";
    for (index, fact) in finding.facts.iter().enumerate() {
        text += &format!("{:>3}  {}\n", index + 1, clean(&fact.text));
    }
    if !finding.facts.is_empty() {
        text += "\n";
    }
    let why = finding.kind.why();
    text += &format!("  {why}: {}\n", clean(&finding.why_it_cannot_end));
    if let Some(resolution) = &finding.resolution {
        text += &format!("  {}\n", clean(&ended_by(resolution, history)));
    }
    if let Some(because) = &finding.confidence_because {
        text += &format!("  {} only: {}\n", finding.confidence.name(), clean(because));
    }
    if !finding.victims.is_empty() {
        text += &format!("  {}\n", victims(finding, history));
    }
    text + &format!("  advice: {}\n", clean(&finding.advice))
}

/// `it ended 3.31 s after the start, having lasted 1.00 s: timeout(1.00 s) at src/bank.rs:41:22, of task #7 "transfer"`.
fn ended_by(resolution: &Resolution, history: &History) -> String {
    if resolution.at > history.end {
        return format!("a time-out will end it: {}", resolution.text);
    }
    let times = if resolution.times > 1 {
        format!(
            "; {} times in this trace, of which this one lasted longest",
            grouped(resolution.times)
        )
    } else {
        String::new()
    };
    format!(
        "it ended {} after the start, having lasted {}: {}{times} (the facts are as of just before)",
        resolution.at, resolution.lasted, resolution.text
    )
}

fn victims(finding: &Finding, history: &History) -> String {
    let name = |id: TaskId| {
        history
            .task(id)
            .map_or_else(String::new, |task| id.and_name(&task.name))
    };
    let mut names: Vec<String> = finding
        .victims
        .iter()
        .take(VICTIMS)
        .map(|&id| clean(&name(id)))
        .collect();
    let more = finding.victims.len().saturating_sub(VICTIMS);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    let verb = if finding.victims.len() == 1 {
        "waits"
    } else {
        "wait"
    };
    format!(
        "{} {verb} behind it: {}",
        count(finding.victims.len(), "more task"),
        names.join(", ")
    )
}
