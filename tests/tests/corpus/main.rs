//! Programs of known truth for every kind of finding, on the recorded tokio, each in a process of its own.
//!
//! The buggy ones follow public bug reports, which their comments name. Each has a twin that is repaired in one line: it is the same
//! function with `fixed`. The correct ones look guilty, and are not. What the analyzer has to say of each stands in the table of its
//! module, see [`table`]; how they are run is in [`run`], how what was found is compared with the truth in [`judge`].
//!
//! `AIS_TEST_ONLY=name` runs the programs alone whose names contain this, `AIS_TEST_SHOW=1` prints all that was found,
//! `AIS_TEST_KEEP=folder` leaves the traces there.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod backpressure;
mod busy_loops;
mod correct_channels;
mod correct_locks;
mod correct_tasks;
mod deadlocks;
mod futurelocks;
mod inversions;
mod judge;
mod leaked_waiters;
mod long_polls;
mod lost_wakeups;
mod run;
mod self_deadlocks;
mod starvation;
mod table;
mod witness;

use std::future::Future;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use ais_analyzer::findings::Confidence;
use ais_analyzer::{Analysis, Trace};
use ais_tests::glance::misses_nothing;
use ais_tests::profile::counts_what_happened;
use recorded_tokio::runtime::{Builder, Runtime};
use recorded_tokio::task::JoinHandle;

use run::{Ending, Run};
use table::{Buggy, Correct};

/// How long what only looks guilty lasts.
const WHILE: Duration = Duration::from_millis(400);
/// Long enough for the others to have come to where they wait.
const SETTLED: Duration = Duration::from_millis(30);

/// A finding, as far as the truth of a program says something of it.
struct Found {
    kind: String,
    confidence: Confidence,
    /// Why it is not surer.
    because: Option<String>,
    /// The names of the tasks in it.
    tasks: Vec<String>,
    /// The kinds of the resources in it, and the lines where they were made.
    resources: Vec<(String, Option<u64>)>,
    /// Something ended it.
    resolved: bool,
    title: String,
}

/// What the analyzer finds in a trace.
///
/// # Errors
/// It cannot be read, in words.
fn found(trace: &Path) -> Result<Vec<Found>, String> {
    let trace = Trace::open(trace).map_err(|error| error.to_string())?;
    let found = Analysis::of(&trace)
        .findings
        .into_iter()
        .map(|finding| Found {
            kind: finding.kind.name().to_owned(),
            confidence: finding.confidence,
            because: finding.confidence_because,
            tasks: finding.tasks.into_iter().map(|task| task.name).collect(),
            resources: finding
                .resources
                .into_iter()
                .map(|resource| {
                    let line = resource.created_at.map(|location| location.line);
                    (resource.kind.to_owned(), line)
                })
                .collect(),
            resolved: finding.resolved.is_some(),
            title: finding.title,
        });
    let found = found.collect();
    counts_what_happened(&trace);
    misses_nothing(trace);
    Ok(found)
}

/// A runtime with two workers.
fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// A task with a name.
#[track_caller]
fn named<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let builder = recorded_tokio::task::Builder::new();
    builder.name(name).spawn(future).unwrap()
}

/// As long as what only looks guilty lasts.
async fn a_while() {
    recorded_tokio::time::sleep(WHILE).await;
}

/// Done after that by a thread that nothing is recorded of.
fn later(act: impl FnOnce() + Send + 'static) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        std::thread::sleep(WHILE);
        act();
    })
}

/// Until the others wait.
async fn settled() {
    recorded_tokio::time::sleep(SETTLED).await;
}

/// What a child does: nothing, unless it is told to be one of the programs.
#[test]
fn program() {
    run::child();
}

fn buggy() -> impl Iterator<Item = &'static Buggy> {
    let all = [
        deadlocks::PROGRAMS,
        self_deadlocks::PROGRAMS,
        futurelocks::PROGRAMS,
        backpressure::PROGRAMS,
        lost_wakeups::PROGRAMS,
        leaked_waiters::PROGRAMS,
        starvation::PROGRAMS,
        inversions::PROGRAMS,
        long_polls::PROGRAMS,
        busy_loops::PROGRAMS,
    ];
    all.into_iter().flatten()
}

fn correct() -> impl Iterator<Item = &'static Correct> {
    let all = [
        correct_channels::PROGRAMS,
        correct_locks::PROGRAMS,
        correct_tasks::PROGRAMS,
    ];
    all.into_iter().flatten()
}

/// All programs are run once, in all the ways in which they are judged.
static RUNS: LazyLock<Vec<Run>> = LazyLock::new(run::all);

/// Calls `mismatch` with each run of a buggy program that ended so, and wants nothing from it.
#[track_caller]
fn each_buggy(ending: Ending, mismatch: impl Fn(&Buggy, &Run) -> Option<String>) {
    let mut wrong = Vec::new();
    for buggy in buggy() {
        let of = |run: &&Run| run.is_of(&buggy.program, ending);
        wrong.extend(RUNS.iter().filter(of).filter_map(|run| {
            let mismatch = mismatch(buggy, run)?;
            Some(format!("{}: {mismatch}", buggy.program.name))
        }));
    }
    none_of(&wrong);
}

#[track_caller]
fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), {
        wrong.join("\n")
    });
}

/// Before anything is judged: the programs are what they are said to be.
#[test]
fn every_program_is_what_it_is_said_to_be() {
    let mut wrong = Vec::new();
    for run in RUNS.iter() {
        if let Some(mismatch) = run.mismatch() {
            wrong.push(format!("{run}: {mismatch}"));
        }
    }
    none_of(&wrong);
    each_buggy(Ending::Exits, |_, run| run.unlike.clone());
}

#[test]
fn every_buggy_program_is_named() {
    each_buggy(Ending::Exits, |buggy, run| judge::named(buggy, &run.found));
}

#[test]
fn every_buggy_program_is_named_when_it_is_killed() {
    each_buggy(Ending::Killed, |buggy, run| judge::named(buggy, &run.found));
}

#[test]
fn what_is_said_of_a_cut_trace_is_not_surer_and_says_why() {
    each_buggy(Ending::Exits, judge::weaker);
}

#[test]
fn no_repaired_twin_is_accused() {
    each_buggy(Ending::Repaired, |buggy, run| {
        judge::acquitted(|kind| buggy.is_of(kind), &run.found)
    });
}

#[test]
fn no_correct_program_is_accused() {
    let mut wrong = Vec::new();
    for correct in correct() {
        for run in RUNS.iter().filter(|run| run.name == correct.program.name) {
            if let Some(mismatch) = judge::innocent(correct, run) {
                wrong.push(format!("{run}: {mismatch}"));
            }
        }
    }
    none_of(&wrong);
}
