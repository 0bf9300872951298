//! Programs that are slow, spin, starve or take locks in both orders, and programs that only look like it, on the recorded tokio, each in a
//! process of its own that is ended in the middle.
//!
//! Whether a machine under load lets a poll be short cannot be promised: that a correct program's poll took long is left out where it is
//! only possible.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod guilty;
mod innocent;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use ais_analyzer::Trace;
use ais_analyzer::findings::{
    Confidence, Finding, Kind, Thresholds, lock_order_inversions, slow_findings,
};
use ais_tests::glance::misses_nothing;
use ais_tests::profile::counts_what_happened;
use recorded_tokio::runtime::{Builder, Runtime};

/// Tells a child which program it is.
const PROGRAM: &str = "AIS_TEST_PROGRAM";
/// When programs are ended.
const MIDDLE: Duration = Duration::from_millis(1_500);
const AT_ONCE: usize = 3;

/// A program by its name.
type Program = (&'static str, fn(&Runtime));

/// A list of programs out of functions.
macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        pub(crate) const PROGRAMS: &[crate::Program] =
            &[$((stringify!($name), |runtime| runtime.block_on($name()))),*];
    };
}
use programs;

/// Milliseconds.
const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What a child does: nothing, unless it is told to be one of the programs.
#[test]
fn program() {
    let Ok(wanted) = std::env::var(PROGRAM) else {
        return;
    };
    std::thread::spawn(|| {
        std::thread::sleep(MIDDLE);
        std::process::exit(0);
    });
    let mut programs = innocent::PROGRAMS.iter().chain(guilty::PROGRAMS);
    let (_, run) = programs.find(|(name, _)| *name == wanted).unwrap();
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build().unwrap();
    run(&runtime);
}

/// Runs a program, and gives what is found in its trace.
fn findings(program: &str, folder: &Path) -> Vec<Finding> {
    let trace = folder.join(format!("{program}.ais"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["program", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, program).env("AIS_TRACE", &trace);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    misses_nothing(Trace::open(&trace).unwrap());
    let trace = Trace::open(&trace).unwrap();
    counts_what_happened(&trace);
    let history = trace.history;
    assert!(history.tasks.iter().any(|task| !task.polls.is_empty()));
    let mut findings = slow_findings(&history, &Thresholds::default());
    findings.extend(lock_order_inversions(&history));
    findings
}

/// Calls `check` with each of `items`, on several threads: most programs sleep most of the time.
fn each<T: Send>(items: impl IntoIterator<Item = T>, check: impl Fn(T) + Sync) {
    let items = Mutex::new(items.into_iter().collect::<Vec<T>>());
    let next = || items.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = next() {
                    check(item);
                }
            });
        }
    });
}

#[test]
fn correct_programs_are_not_accused() {
    let folder = tempfile::tempdir().unwrap();
    let accused = Mutex::new(Vec::new());
    each(innocent::PROGRAMS, |(name, _)| {
        let wrong = findings(name, folder.path()).into_iter().filter(|finding| {
            finding.kind != Kind::LongPoll || finding.confidence >= Confidence::Likely
        });
        let wrong = wrong.map(|finding| (*name, finding.kind, finding.title));
        accused.lock().unwrap().extend(wrong);
    });
    let accused = accused.into_inner().unwrap();
    assert!(accused.is_empty(), "{accused:#?}");
}

#[test]
fn what_is_wrong_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let missed = Mutex::new(Vec::new());
    each(guilty::EXPECTED, |&(name, kind, confidence)| {
        let found = findings(name, folder.path());
        let is_this = |finding: &Finding| finding.kind == kind && finding.confidence == confidence;
        if !found.iter().any(is_this) {
            missed.lock().unwrap().push((name, kind, confidence, found));
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "{missed:#?}");
    // Each of them says what is expected of it.
    let expected: Vec<&str> = guilty::EXPECTED.iter().map(|(name, ..)| *name).collect();
    let programs: Vec<&str> = guilty::PROGRAMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(expected, programs);
}
