//! Traces that were never recorded: each says just what one rule of the analysis is about.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doctor;
mod events;
mod graph;
mod order;
mod profile;
mod replay;
mod reports;
mod shutdown;
mod slow;
mod tasks;
mod verdicts;
mod waiting;

use std::path::PathBuf;

use ais_analyzer::findings::{Finding, wait_findings};
use ais_analyzer::history::{History, Resource, ResourceId};
use ais_analyzer::{Source, Trace};
use ais_tests::build::Build;
use ais_tests::glance::misses_nothing;

/// The history that a trace tells.
fn history(build: Build) -> History {
    let path = PathBuf::from("built.ais");
    let bytes = build.finish();
    let trace = || Trace::from_source(Source::from_bytes(&path, bytes.clone()).unwrap()).unwrap();
    misses_nothing(trace());
    trace().history
}

/// What is found in it.
fn findings(history: &History) -> Vec<Finding> {
    wait_findings(history).1
}

/// Resource number 1.
fn first(history: &History) -> &Resource {
    history.resource(ResourceId(1)).unwrap()
}
