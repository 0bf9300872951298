//! Every program by which a kind of finding is explained builds as it stands, and has what it is to show; repaired as the explanation says it
//! builds, comes to its end, and has nothing of the kind any more.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use ais_analyzer::findings::{Confidence, Finding, Kind};
use ais_analyzer::{Analysis, Trace};

/// How long a program runs that does not end by itself.
const LONG: Duration = Duration::from_millis(800);
/// When one is ended that should have come to its end long since.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a program is tried that does not show what it is to, each time for longer: on a busy machine it may not come that far.
const TRIES: u32 = 3;
/// How many run at once: they sleep most of the time.
const AT_ONCE: usize = 4;

/// A block of an explanation, in this language.
fn block(kind: Kind, language: &str) -> &'static str {
    let begin = format!("```{language}\n");
    let (_, block) = kind.explanation().split_once(&begin).unwrap();
    block.split_once("```").unwrap().0
}

/// The program in an explanation.
fn program(kind: Kind) -> String {
    block(kind, "rust").to_owned()
}

/// The same with the changes that repair it: pieces between `@@`, each of which is there once.
fn repaired(kind: Kind) -> String {
    let mut program = program(kind);
    for piece in block(kind, "diff").split("@@\n") {
        let lines = |left_out: char| {
            let lines = piece.lines().filter(|line| !line.starts_with(left_out));
            lines
                .map(|line| format!("{}\n", &line[1..]))
                .collect::<String>()
        };
        let (before, after) = (lines('+'), lines('-'));
        let times = program.matches(&before).count();
        assert_eq!(times, 1, "{}: {before}", kind.name());
        program = program.replace(&before, &after);
    }
    program
}

/// The name of a program.
fn name(kind: Kind, is_repaired: bool) -> String {
    let repaired = if is_repaired { "-repaired" } else { "" };
    format!("{}{repaired}", kind.name())
}

/// A project with two binaries for each kind, which takes the recorded tokio in place of tokio.
fn project(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap();
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder.join("src/bin")).unwrap();
    let manifest = format!(
        "[package]\nname = \"explained\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         futures = \"0.3\"\ntokio = {{ package = \"ais-tokio\", path = \"{}\", features = [\"full\"] }}\n",
        root.join("recorder/tokio").display()
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    for &kind in Kind::ALL {
        let source = |is_repaired| folder.join(format!("src/bin/{}.rs", name(kind, is_repaired)));
        fs::write(source(false), program(kind)).unwrap();
        fs::write(source(true), repaired(kind)).unwrap();
    }
}

/// Runs a program until it ends or its time is over; the trace that it leaves, and whether it came to a good end by itself.
fn record(program: &Path, trace: &Path, long: Duration) -> (Trace, bool) {
    let mut child = Command::new(program)
        .env("AIS_TRACE", trace)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while begun.elapsed() < long && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(10));
    }
    // It may have ended meanwhile.
    let _ = child.kill();
    let has_ended = child.wait().unwrap().success();
    (Trace::open(trace).unwrap(), has_ended)
}

/// What is wrong with what is found in a program.
fn wrong(kind: Kind, is_repaired: bool, found: &[Finding], has_ended: bool) -> Option<String> {
    let is_of_kind = |finding: &Finding| finding.kind == kind;
    let is_sure = |finding: &Finding| finding.confidence > Confidence::Possible;
    let said: Vec<_> = found.iter().map(|it| (it.kind, it.confidence)).collect();
    if !is_repaired {
        let is_found = found.iter().any(is_of_kind);
        return (!is_found).then(|| format!("it is not found: {said:?}"));
    }
    if !has_ended {
        return Some("it did not come to its end".to_owned());
    }
    let is_there = found.iter().any(|it| is_of_kind(it) || is_sure(it));
    is_there.then(|| format!("it is still found: {said:?}"))
}

/// Why a program is not what it is to be, the last time that it was tried.
fn tried(kind: Kind, is_repaired: bool, programs: &Path, traces: &Path) -> Option<String> {
    let name = name(kind, is_repaired);
    let mut last = None;
    for number in 1..=TRIES {
        let trace = traces.join(format!("{name}-{number}.ais"));
        let long = if is_repaired { PATIENCE } else { LONG * number };
        let (trace, has_ended) = record(&programs.join(&name), &trace, long);
        last = wrong(kind, is_repaired, &Analysis::of(&trace).findings, has_ended);
        if last.is_none() {
            break;
        }
    }
    last.map(|wrong| format!("{name}: {wrong}"))
}

#[test]
fn every_program_of_an_explanation_has_what_it_explains_until_it_is_repaired() {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explained");
    let (folder, target) = (base.join("project"), base.join("target"));
    project(&folder);
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", "-D warnings")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let programs = Kind::ALL
        .iter()
        .flat_map(|&kind| [(kind, true), (kind, false)]);
    let (to_do, wrong) = (Mutex::new(programs), Mutex::new(Vec::new()));
    let next = || to_do.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((kind, is_repaired)) = next() {
                    let told = tried(kind, is_repaired, &target.join("debug"), &folder);
                    wrong.lock().unwrap().extend(told);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
