//! What is said to be slow, to spin or to starve, and what looks like it and is not.

mod busy;
mod held;
mod long;
mod starved;
mod timers;

use ais_analyzer::findings::{Confidence, Finding, Kind, Thresholds, slow_findings};
use ais_format::event::{OperationFired, OperationPoll, Wake};
use ais_tests::build::Build;

use super::history;

const MILLI: u64 = 1_000_000;

fn found(build: Build) -> Vec<Finding> {
    slow_findings(&history(build), &Thresholds::default())
}

#[track_caller]
fn none(build: Build) {
    let found = found(build);
    assert!(found.is_empty(), "{found:#?}");
}

#[track_caller]
fn only(build: Build, kind: Kind, confidence: Confidence) -> Finding {
    let mut found = found(build);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    assert_eq!(
        (finding.kind, finding.confidence),
        (kind, confidence),
        "{finding:#?}"
    );
    assert!(!finding.title.is_empty() && !finding.facts.is_empty());
    assert!(finding.confidence_because.is_some() && !finding.why_it_cannot_end.is_empty());
    finding
}

fn texts(finding: &Finding) -> String {
    let facts: Vec<&str> = finding.facts.iter().map(|fact| &*fact.text).collect();
    facts.join("\n")
}

/// A wake of a task, by whoever is polled.
fn wake(build: &mut Build, task: u64, number: u64) {
    build.event(&Wake {
        task,
        waker: 1,
        number,
    });
}

/// The waker of an operation is called, and so that of its task.
fn fire(build: &mut Build, task: u64, operation: u64, number: u64) {
    wake(build, task, number);
    build.event(&OperationFired { operation, number });
}

fn poll_again(build: &mut Build, operation: u64, fires: u64) {
    build.event(&OperationPoll {
        operation,
        fires,
        ..OperationPoll::default()
    });
}
