//! What the analysis says of a run, and what is true of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use ais_analyzer::Trace;
use ais_analyzer::findings::{Confidence, Finding, wait_findings};
use ais_tests::glance::misses_nothing;
use ais_tests::profile::counts_what_happened;

use crate::features::{Feature, features};
use crate::program::Program;
use crate::simulate::{Ran, Schedule, simulate};
use crate::truth::who_can_progress;

/// What is found in a trace.
pub(crate) fn found(path: &Path) -> Vec<Finding> {
    let trace = Trace::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found = wait_findings(&trace.history).1;
    counts_what_happened(&trace);
    misses_nothing(trace);
    found
}

/// What is wrong with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The model is not what happens.
    Model,
    /// A finding of this confidence names a task that can progress.
    Accused(Confidence),
    /// A task in a hang is in no finding, and all that the hang is made of is judged.
    Missed,
}

/// A run, as it was judged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged {
    pub(crate) faults: BTreeMap<Fault, String>,
    pub(crate) polled: Vec<usize>,
    /// Titles, with their kinds.
    pub(crate) found: Vec<String>,
    /// What there is to count.
    pub(crate) counts: Vec<String>,
}

impl Judged {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains_key(&fault)
    }

    fn count(&mut self, what: impl Into<String>) {
        self.counts.push(what.into());
    }

    fn fault(&mut self, fault: Fault, text: &str) {
        let texts = self.faults.entry(fault).or_default();
        *texts += text;
        *texts += "\n";
    }
}

/// Runs a program, and judges what is found in its trace.
pub(crate) fn judge(program: &Program, schedule: &Schedule) -> Judged {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let path = folder.path().join("trace.ais");
    let mut judged = Judged::default();
    judged.count("programs");
    match simulate(program, schedule, &path) {
        Err(fault) => judged.fault(Fault::Model, &fault),
        Ok(ran) => {
            judged.polled.clone_from(&ran.polled);
            let findings = found(&path);
            compare(&mut judged, &ran, &findings);
        }
    }
    judged
}

/// The tasks that a finding is about, those that wait behind it included. One that the program does not have is its own kind of wrong.
fn named(ran: &Ran, finding: &Finding) -> BTreeSet<Option<usize>> {
    let tasks = finding.tasks.iter().map(|task| task.id);
    let all = tasks.chain(finding.victims.iter().copied());
    all.map(|id| ran.number_of(id.0)).collect()
}

pub(crate) fn compare(judged: &mut Judged, ran: &Ran, findings: &[Finding]) {
    judged.found = findings
        .iter()
        .map(|finding| {
            format!(
                "{}, {}: {}",
                finding.kind.name(),
                finding.confidence.name(),
                finding.title
            )
        })
        .collect();
    for finding in findings {
        judged.count(format!(
            "findings: {}, {}",
            finding.kind.name(),
            finding.confidence.name()
        ));
    }
    let Some(can) = who_can_progress(&ran.model, &ran.state) else {
        judged.count("programs with too many states");
        return;
    };
    for finding in findings {
        accusation(judged, ran, finding, &can);
    }
    let live: BTreeSet<usize> = ran.state.live().into_iter().collect();
    let covered: BTreeSet<usize> = findings
        .iter()
        .flat_map(|finding| named(ran, finding))
        .flatten()
        .collect();
    if ran.state.woken().is_empty() {
        if !live.is_empty() {
            hang(judged, ran, &(&live - &covered));
        }
    } else {
        judged.count("programs cut in the middle");
        let stuck = live.iter().filter(|task| !can.contains(task));
        for task in stuck {
            judged.count("tasks stuck in the middle");
            if covered.contains(task) {
                judged.count("tasks stuck in the middle, found");
            }
        }
    }
}

/// Whether a finding accuses somebody who can progress.
fn accusation(judged: &mut Judged, ran: &Ran, finding: &Finding, can: &HashSet<usize>) {
    let live = ran.state.live();
    let is_wrong =
        |task: &Option<usize>| task.is_none_or(|task| can.contains(&task) || !live.contains(&task));
    let wrong: Vec<String> = named(ran, finding)
        .into_iter()
        .filter(is_wrong)
        .map(|task| task.map_or_else(|| "?".to_owned(), |task| task.to_string()))
        .collect();
    if !wrong.is_empty() {
        judged.count(format!("false findings, {}", finding.confidence.name()));
        let text = format!("{} can progress: {finding:#?}", wrong.join(", "));
        judged.fault(Fault::Accused(finding.confidence), &text);
    }
}

/// Everybody waits, and nobody can be polled: all must be found.
fn hang(judged: &mut Judged, ran: &Ran, missed: &BTreeSet<usize>) {
    let features = features(&ran.model, &ran.state);
    let unjudged: Vec<Feature> = features
        .iter()
        .copied()
        .filter(|feature| !feature.is_judged())
        .collect();
    judged.count("hangs");
    for feature in &features {
        judged.count(format!("hangs with {feature:?}"));
    }
    if missed.is_empty() {
        judged.count("hangs, found");
        for feature in &features {
            judged.count(format!("hangs with {feature:?}, found"));
        }
    }
    if unjudged.is_empty() {
        judged.count("hangs that must be found");
        if !missed.is_empty() {
            let text = format!("{missed:?} are in no finding; the hang has {features:?}");
            judged.fault(Fault::Missed, &text);
        }
    } else if let ([only], false) = (&unjudged[..], missed.is_empty()) {
        judged.count(format!("hangs not found, and only {only:?} is not judged"));
    }
}
