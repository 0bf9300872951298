//! Programs whose truth is known, on the recorded tokio, each in a process of its own: no correct one may be accused, however guilty it
//! looks for a while, and none that hangs may be missed.
//!
//! The programs are in this very binary, see [`program`]. A correct one is judged when it is ended in the middle, where it looks worst, and
//! when it came to its end by itself.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod cancels;
mod channels;
mod guards;
mod guilty;
mod permits;
mod tasks;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ais_analyzer::Trace;
use ais_analyzer::findings::{Confidence, Finding, wait_findings};
use recorded_tokio::runtime::{Builder, Runtime};

/// Tells a child which program it is.
const PROGRAM: &str = "AIS_TEST_PROGRAM";
/// Tells it to end in the middle.
const ENDS: &str = "AIS_TEST_ENDS";
/// How long what looks guilty lasts.
const WHILE: Duration = Duration::from_millis(400);
/// When a program is ended that is in the middle of that.
const MIDDLE: Duration = Duration::from_millis(250);
/// Long enough for the others to have come to where they wait.
const SETTLED: Duration = Duration::from_millis(30);
const AT_ONCE: usize = 6;

/// Blocks on the future itself, and not on one in a box: what that takes is in no task's own memory.
type Program = (&'static str, fn(&Runtime));

/// A list of programs out of functions.
macro_rules! programs {
    ($($name:ident),* $(,)?) => {
        pub(crate) const PROGRAMS: &[crate::Program] =
            &[$((stringify!($name), |runtime| runtime.block_on($name()))),*];
    };
}
use programs;

/// Done by a thread that nothing is recorded of.
fn later(act: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        std::thread::sleep(WHILE);
        act();
    });
}

/// The time by a timer that is not recorded.
async fn unrecorded_while() {
    tokio::time::sleep(WHILE).await;
}

/// Until the others wait.
async fn settled() {
    recorded_tokio::time::sleep(SETTLED).await;
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

/// What a child does: nothing, unless it is told to be one of the programs.
#[test]
fn program() {
    let Ok(wanted) = std::env::var(PROGRAM) else {
        return;
    };
    if std::env::var_os(ENDS).is_some() {
        std::thread::spawn(|| {
            std::thread::sleep(MIDDLE);
            std::process::exit(0);
        });
    }
    let mut programs = innocent()
        .chain(cancels::PROGRAMS.iter().copied())
        .chain(guilty::PROGRAMS.iter().copied());
    let (_, run) = programs.find(|(name, _)| *name == wanted).unwrap();
    run(&runtime());
}

fn innocent() -> impl Iterator<Item = Program> {
    let all = [
        channels::PROGRAMS,
        guards::PROGRAMS,
        permits::PROGRAMS,
        tasks::PROGRAMS,
    ];
    all.into_iter().flatten().copied()
}

/// How much of a program's trace is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Keep {
    /// All of it.
    All,
    /// The last tenth of a second, and what was alive at its beginning.
    Last,
}

/// How many traces began in the middle of the recording: those of which only the last is kept, but where all ran too quickly for that.
static BEGAN_LATE: AtomicUsize = AtomicUsize::new(0);

/// Runs a program, and gives what is found in its trace.
fn findings(program: &str, ends: bool, keep: Keep, folder: &Path) -> Vec<Finding> {
    let trace = folder.join(format!("{program}-{ends}-{keep:?}.ais"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["program", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, program).env("AIS_TRACE", &trace);
    if ends {
        command.env(ENDS, "yes");
    }
    if keep == Keep::Last {
        // Each time that something is written a segment of its own, and none before it.
        command.env("AIS_TRACE_MODE", "ring");
        command.env("AIS_TRACE_LIMIT", "1");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program}: {output:?}");
    let trace = Trace::open(&trace).unwrap();
    let mut tasks = trace.history.tasks.iter();
    // Of the last there may be none.
    assert!(keep == Keep::Last || tasks.any(|task| !task.polls.is_empty()));
    if keep == Keep::Last && trace.history.begins_late {
        BEGAN_LATE.fetch_add(1, Ordering::Relaxed);
    }
    wait_findings(&trace.history).1
}

/// Calls `check` with each of `items`, on several threads: the programs sleep most of the time.
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

/// The correct programs that are accused all the same.
fn accused(keep: Keep) -> Vec<(&'static str, bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let accused = Mutex::new(Vec::new());
    let runs = innocent().flat_map(|(name, _)| [(name, true), (name, false)]);
    // Until these cancel something, nobody could tell.
    let runs = runs.chain(cancels::PROGRAMS.iter().map(|(name, _)| (*name, false)));
    each(runs, |(name, ends)| {
        let found = findings(name, ends, keep, folder.path());
        let wrong = found
            .into_iter()
            .filter(|finding| finding.confidence >= Confidence::Likely);
        accused
            .lock()
            .unwrap()
            .extend(wrong.map(|finding| (name, ends, finding.title)));
    });
    accused.into_inner().unwrap()
}

#[test]
fn no_correct_program_is_accused() {
    assert_eq!(accused(Keep::All), []);
}

#[test]
fn no_correct_program_is_accused_where_only_the_last_of_it_is_kept() {
    assert_eq!(accused(Keep::Last), []);
    assert!(BEGAN_LATE.load(Ordering::Relaxed) > 20, "most of them do");
}

#[test]
fn no_hang_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    each(guilty::PROGRAMS, |(name, _)| {
        let found = findings(name, true, Keep::All, folder.path());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].confidence, Confidence::Proven, "{name}: {found:?}");
    });
}

#[test]
fn no_hang_is_missed_where_only_the_last_of_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    each(guilty::PROGRAMS, |(name, _)| {
        let found = findings(name, true, Keep::Last, folder.path());
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].confidence, Confidence::Proven, "{name}: {found:?}");
    });
}
