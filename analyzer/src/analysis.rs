//! All that is found in a trace.
//!
//! A trace of a few million events is rebuilt and looked at as a whole. Of a longer one, each part (see [`Part`]) is looked at by itself,
//! some of them at the same time, and forgotten: memory is for a part or two and not for the trace. What hangs at the end is seen in the
//! last part: a keyframe tells what was alive before. What is found in several parts is told once.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::decode::clock_of;
use crate::findings::{
    Fact, Finding, Kind, Thresholds, broken_in, lock_order_inversions, slow_findings,
    wait_findings_in,
};
use crate::history::{Totals, rebuild_as_told};
use crate::meter::Stage;
use crate::names::kind_of_name;
use crate::number::often;
use crate::scan::{Seen, glance};
use crate::source::{Part, Window};
use crate::waits::{Index, Verdict};
use crate::{Error, Source, Trace};

/// A trace of so many events is looked at as a whole.
const WHOLE: u64 = 3 << 20;
/// A part has about so many events at least.
const PART: u64 = 1 << 20;
/// So many parts are looked at at the same time, at most: each takes memory.
const AT_ONCE: usize = 4;

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
        trace.source.meter().begin(Stage::Judging);
        let history = &trace.history;
        let index = Index::new(history);
        let (verdict, mut findings) = wait_findings_in(&index);
        findings.extend(broken_in(&index, &trace.source));
        let slow = slow_findings(history, thresholds);
        let starves = explained_by(&findings);
        findings.extend(slow.into_iter().filter(|finding| !starves(finding)));
        findings.extend(lock_order_inversions(history));
        Analysis { verdict, findings }
    }

    /// Whether a first look shows that nothing can be found in a trace which goes on later: parts of a long trace that are so are not
    /// rebuilt. It looks at a fraction of the events' columns, and never says so of a trace in which something is found.
    pub fn is_dull(source: &Source, thresholds: &Thresholds) -> bool {
        let seen = glance(source, &source.whole(), &clock_of(source), thresholds);
        matches!(seen, Seen::Dull(_))
    }

    /// Reads a trace and looks for everything. Of a long one only the last part is rebuilt in the end.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn read(source: Source, thresholds: &Thresholds) -> Result<(Trace, Analysis), Error> {
        Analysis::read_window(source, Window::default(), thresholds)
    }

    /// The same, of a stretch of time: what hangs at its end, and what was wrong in it. Chunks in which nothing of it can be are not decoded.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn read_window(
        source: Source,
        window: Window,
        thresholds: &Thresholds,
    ) -> Result<(Trace, Analysis), Error> {
        Analysis::in_parts(source, window, thresholds, WHOLE, PART)
    }

    /// The same, with other limits: a trace of up to `whole` events is looked at as a whole, parts have `part` of them at least. What is
    /// rebuilt as a whole takes more memory, and can prove more: of what is older than a part less is known.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn in_parts(
        source: Source,
        window: Window,
        thresholds: &Thresholds,
        whole: u64,
        part: u64,
    ) -> Result<(Trace, Analysis), Error> {
        let mut parts = source.parts_in(window, part);
        if parts.iter().map(|part| part.events).sum::<u64>() <= whole {
            parts = vec![source.part_in(window)];
        }
        let last = parts.pop().unwrap_or_default();
        let mut totals = Totals::default();
        let mut earlier = Vec::new();
        let at_once = rayon::current_num_threads().clamp(1, AT_ONCE);
        // Most of it may be dull.
        let clock = clock_of(&source);
        source.meter().begin(Stage::Glancing);
        source.expect(&parts);
        let seen: Vec<Seen> = parts
            .par_iter()
            .map(|part| glance(&source, part, &clock, thresholds))
            .collect();
        let mut suspicious = Vec::new();
        for (part, seen) in parts.iter().zip(seen) {
            match seen {
                Seen::Dull(over) => totals.add(&over),
                Seen::Suspicious(_) => suspicious.push(part),
            }
        }
        source.meter().begin(Stage::Rebuilding);
        source.expect(suspicious.iter().copied().chain([&last]));
        for parts in suspicious.chunks(at_once) {
            let looked_at: Vec<_> = parts
                .par_iter()
                .map(|part| look_at(&source, part, thresholds))
                .collect();
            for found in looked_at {
                let (over, findings) = found?;
                totals.add(&over);
                earlier.extend(findings);
            }
        }
        let mut history = rebuild_as_told(&source, &last)?;
        history.before = totals;
        let trace = Trace { source, history };
        let mut analysis = Analysis::with(&trace, thresholds);
        if !earlier.is_empty() {
            analysis.findings = told_once(analysis.findings, earlier);
        }
        Ok((trace, analysis))
    }
}

/// What is over, and what was found, in a part of a trace that goes on.
fn look_at(
    source: &Source,
    part: &Part,
    thresholds: &Thresholds,
) -> Result<(Totals, Vec<Finding>), Error> {
    let mut history = rebuild_as_told(source, part)?;
    history.goes_on = true;
    let mut findings = broken_in(&Index::new(&history), source);
    findings.extend(slow_findings(&history, thresholds));
    findings.extend(lock_order_inversions(&history));
    Ok((Totals::over(&history), findings))
}

/// Findings of the end and of earlier parts, each only once: the one that counts most, with how often the like was seen elsewhere.
fn told_once(of_the_end: Vec<Finding>, earlier: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<(Finding, u64)> = Vec::new();
    let mut index: HashMap<Vec<String>, usize> = HashMap::new();
    for finding in of_the_end.into_iter().chain(earlier) {
        let at = *index.entry(like(&finding)).or_insert(told.len());
        let Some((known, times)) = told.get_mut(at) else {
            told.push((finding, 1));
            continue;
        };
        *times += 1;
        let weight = |finding: &Finding| {
            let goes_on = finding.kind.is_about_waiting() && finding.resolved.is_none();
            (goes_on, finding.confidence, finding.weight)
        };
        let seen = |finding: &Finding| finding.resolution.as_ref().map_or(0, |how| how.times);
        let times = seen(known) + seen(&finding);
        if weight(&finding) > weight(known) {
            *known = finding;
        }
        if let Some(resolution) = &mut known.resolution {
            resolution.times = times;
        }
    }
    told.into_iter()
        .map(|(mut finding, times)| {
            if times > 1 && finding.resolution.is_none() {
                let text = format!(
                    "the like was found {} elsewhere in the trace",
                    often(times - 1)
                );
                finding.facts.push(Fact {
                    text,
                    task: None,
                    resource: None,
                    location: None,
                    at: finding.since,
                });
            }
            finding
        })
        .collect()
}

/// What findings have in common that tell of the same: the kind, what the tasks are called, where it happens.
fn like(finding: &Finding) -> Vec<String> {
    let tasks = finding.tasks.iter().map(|task| {
        let place = task.spawned_at.as_ref().map(ToString::to_string);
        format!("{} {}", kind_of_name(&task.name), place.unwrap_or_default())
    });
    let made = finding.resources.iter().map(|resource| {
        let place = resource.created_at.as_ref().map(ToString::to_string);
        format!("{} {}", resource.kind, place.unwrap_or_default())
    });
    let facts = finding
        .facts
        .iter()
        .filter_map(|fact| fact.location.as_ref());
    let places = facts.map(ToString::to_string);
    let mut like: Vec<String> = tasks.chain(made).chain(places).collect();
    like.sort_unstable();
    like.dedup();
    like.push(finding.kind.name().to_owned());
    like
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
