//! The programs as child processes: each is run in every way in which it is judged, several at a time, since they sleep most of the time.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::judge;
use crate::table::{Buggy, Program};
use crate::{Found, buggy, correct, found, witness};

/// Tells a child which program it is.
const PROGRAM: &str = "AIS_TEST_PROGRAM";
/// Tells it how to end.
const ENDING: &str = "AIS_TEST_ENDING";
/// Only the programs whose names contain this are run.
const ONLY: &str = "AIS_TEST_ONLY";
/// All that was found is printed.
const SHOW: &str = "AIS_TEST_SHOW";
/// The traces stay in this folder.
const KEEP: &str = "AIS_TEST_KEEP";

/// Tells it when, in milliseconds after its beginning.
const AFTER: &str = "AIS_TEST_AFTER";

/// When a program is ended that hangs by then, or looks so.
const MIDDLE: Duration = Duration::from_millis(250);
/// When one is ended that should have come to its end long since.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a program is tried that is not what it is said to be, each time for longer: on a busy machine, it may not come that far, and what
/// has to be together may come apart.
const TRIES: u32 = 3;
/// How many run at once.
const AT_ONCE: usize = 6;

/// What a child says when it begins, and when its program came to its end.
const BEGINS: &str = "the program begins";
const ENDED: &str = "the program came to its end";

/// How a program is run, and ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// As it is; it exits in the middle.
    Exits,
    /// As it is; it is killed in the middle.
    Killed,
    /// Repaired; it comes to its end by itself.
    Repaired,
    /// As it is; it comes to its end by itself.
    ByItself,
}

/// A program that was run.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) ending: Ending,
    /// It must not come to its end.
    hangs: bool,
    /// It came to its end by itself.
    ended: bool,
    /// How the process ended, where that is wrong.
    failed: Option<String>,
    /// How its tasks did something else than its bug; only where it is ended in the middle.
    pub(crate) unlike: Option<String>,
    pub(crate) found: Result<Vec<Found>, String>,
    /// The same where the end of the file is missing, see [`cut`]; only where it exits in the middle.
    pub(crate) cut: Vec<Result<Vec<Found>, String>>,
}

impl Run {
    pub(crate) fn is_of(&self, program: &Program, ending: Ending) -> bool {
        self.name == program.name && self.ending == ending
    }

    /// How it was not what it is said to be.
    pub(crate) fn mismatch(&self) -> Option<String> {
        if let Some(failed) = &self.failed {
            return Some(failed.clone());
        }
        let ends_by_itself = matches!(self.ending, Ending::Repaired | Ending::ByItself);
        match (self.ended, self.hangs) {
            (true, true) => Some("expected to hang, came to its end".to_owned()),
            (false, _) if ends_by_itself => Some("did not come to its end".to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.ending)
    }
}

/// What a child does: it is the program that it is told to be, if any.
pub(crate) fn child() {
    let Ok(wanted) = std::env::var(PROGRAM) else {
        return;
    };
    let ending = std::env::var(ENDING).unwrap();
    let mut programs = buggy()
        .map(|buggy| buggy.program)
        .chain(correct().map(|correct| correct.program));
    let program = programs.find(|program| program.name == wanted).unwrap();
    println!("\n{BEGINS}");
    let after = std::env::var(AFTER).unwrap().parse().unwrap();
    let (after, code) = match ending.as_str() {
        "Exits" => (Duration::from_millis(after), 0),
        _ => (PATIENCE, 3),
    };
    std::thread::spawn(move || {
        std::thread::sleep(after);
        std::process::exit(code);
    });
    (program.run)(ending == "Repaired");
    println!("\n{ENDED}");
    if ending == "Killed" {
        std::thread::sleep(PATIENCE);
    }
}

/// Runs all the programs in all their ways.
pub(crate) fn all() -> Vec<Run> {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os(KEEP).map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).unwrap();
    let only = std::env::var(ONLY).unwrap_or_default();
    let show = std::env::var_os(SHOW).is_some() || !only.is_empty();

    let buggy = buggy().flat_map(|buggy| {
        let endings = [Ending::Exits, Ending::Killed, Ending::Repaired];
        endings.map(|ending| (buggy.program, ending, Some(buggy)))
    });
    let correct = correct().flat_map(|correct| {
        [Ending::Exits, Ending::ByItself].map(|ending| (correct.program, ending, None))
    });
    let to_do = buggy.chain(correct);
    let mut to_do: Vec<_> = to_do
        .filter(|(program, ..)| program.name.contains(&only))
        .collect();
    to_do.reverse();

    let (to_do, done) = (Mutex::new(to_do), Mutex::new(Vec::new()));
    let next = || to_do.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((program, ending, buggy)) = next() {
                    let run = tried(&program, ending, buggy, folder);
                    if show {
                        print!("{}", shown(&run));
                    }
                    done.lock().unwrap().push(run);
                }
            });
        }
    });
    done.into_inner().unwrap()
}

fn tried(program: &Program, ending: Ending, buggy: Option<&Buggy>, folder: &Path) -> Run {
    let tries = (1..=TRIES).map(|number| {
        let trace = folder.join(format!("{}-{ending:?}-{number}.ais", program.name));
        run(program, ending, buggy, &trace, MIDDLE * number)
    });
    let mut last = None;
    for run in tries {
        // On a busy machine a task spins less, and that is told by how much it does.
        let spins = buggy.filter(|buggy| ending != Ending::Repaired && buggy.is_of("busy-loop"));
        let is_missed = spins.is_some_and(|buggy| judge::named(buggy, &run.found).is_some());
        let is_it = run.mismatch().is_none() && run.unlike.is_none() && !is_missed;
        last = Some(run);
        if is_it {
            break;
        }
    }
    last.unwrap()
}

fn run(
    program: &Program,
    ending: Ending,
    buggy: Option<&Buggy>,
    trace: &Path,
    middle: Duration,
) -> Run {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["program", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, program.name);
    command.env(ENDING, format!("{ending:?}"));
    command.env(AFTER, middle.as_millis().to_string());
    command.env("AIS_TRACE", trace);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());

    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut heard = String::new();
    while !heard.contains(BEGINS) && said.read_line(&mut heard).unwrap() > 0 {}
    if ending == Ending::Killed {
        std::thread::sleep(middle);
        child.kill().unwrap();
    }
    said.read_to_string(&mut heard).unwrap();
    let output = child.wait_with_output().unwrap();
    let failed = (ending != Ending::Killed && !output.status.success()).then(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let complaint = complaint.lines().find(|line| !line.is_empty());
        format!("{}: {}", output.status, complaint.unwrap_or_default())
    });
    // First the whole one: what the process left elsewhere is put into the file by that.
    let found = judged(trace);
    let cut = match ending {
        Ending::Exits => cut(trace),
        _ => Vec::new(),
    };
    let unlike = buggy.filter(|_| ending != Ending::Repaired);
    Run {
        name: program.name,
        ending,
        hangs: ending != Ending::Repaired && buggy.is_some_and(|buggy| buggy.hangs),
        unlike: unlike.and_then(|buggy| witness::unlike(buggy, trace)),
        ended: heard.contains(ENDED),
        failed,
        found,
        cut,
    }
}

/// What is found in a trace whose last third is missing, and with that most of what happened, and in one that lacks its very end, so that
/// it is not known that this was the end.
fn cut(trace: &Path) -> Vec<Result<Vec<Found>, String>> {
    let bytes = std::fs::read(trace).unwrap_or_default();
    let lengths = [bytes.len() * 2 / 3, bytes.len().saturating_sub(8)];
    let judged = lengths.map(|length| {
        let cut = trace.with_extension(format!("cut-{length}.ais"));
        std::fs::write(&cut, &bytes[..length]).map_err(|error| error.to_string())?;
        judged(&cut)
    });
    judged.into()
}

/// What is found in a trace; that the analyzer panics is one more thing that can be wrong.
fn judged(trace: &Path) -> Result<Vec<Found>, String> {
    catch_unwind(AssertUnwindSafe(|| found(trace)))
        .unwrap_or_else(|_| Err("the analyzer panicked".to_owned()))
}

fn shown(run: &Run) -> String {
    let mut text = format!("{run}\n");
    let all = std::iter::once(("", &run.found)).chain(run.cut.iter().map(|cut| ("cut: ", cut)));
    for (of, found) in all {
        match found {
            Ok(found) => {
                for found in found {
                    text += &format!("    {of}{found}: {}\n", found.title);
                }
            }
            Err(error) => text += &format!("    {of}{error}\n"),
        }
    }
    text
}
