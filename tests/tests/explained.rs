//! Every program by which a kind of finding is explained builds as it stands, and has what it is to show.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ais_analyzer::findings::Kind;
use ais_analyzer::{Analysis, Trace};

/// How long a program runs that does not end by itself.
const LONG: Duration = Duration::from_millis(800);

/// The program in an explanation.
fn program(kind: Kind) -> &'static str {
    let (_, block) = kind.explanation().split_once("```rust\n").unwrap();
    block.split_once("```").unwrap().0
}

/// A project with a binary for each kind, which takes the recorded tokio in place of tokio.
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
        let source = folder.join(format!("src/bin/{}.rs", kind.name()));
        fs::write(source, program(kind)).unwrap();
    }
}

/// Runs a program until it ends or its time is over; the trace that it leaves.
fn record(program: &Path, trace: &Path) -> Trace {
    let mut child = Command::new(program)
        .env("AIS_TRACE", trace)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while begun.elapsed() < LONG && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(10));
    }
    // It may have ended meanwhile.
    let _ = child.kill();
    child.wait().unwrap();
    Trace::open(trace).unwrap()
}

#[test]
fn every_program_of_an_explanation_builds_and_has_what_it_explains() {
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

    for &kind in Kind::ALL {
        let name = kind.name();
        let program = target.join("debug").join(name);
        let trace = record(&program, &folder.join(format!("{name}.ais")));
        let found: Vec<Kind> = Analysis::of(&trace)
            .findings
            .iter()
            .map(|finding| finding.kind)
            .collect();
        assert!(found.contains(&kind), "{name}: {found:?}");
    }
}
