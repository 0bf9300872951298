//! A disk that is full, and one that hangs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ais_analyzer::{Ending, Trace};
use recorded_tokio as tokio;

use super::child;

/// Program: more than the disk has room for.
#[test]
fn program_that_records_much() {
    if !child::is("disk::program_that_records_much") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        for round in 0..20 {
            let name = format!("round {round}");
            let task = tokio::task::Builder::new().name(&name);
            let yields = async {
                for _ in 0..50_000 {
                    tokio::task::yield_now().await;
                }
            };
            task.spawn(yields).unwrap().await.unwrap();
        }
    });
    println!("all rounds are done");
}

/// Runs a program by a shell script with a folder, where it mounts a file system that is gone with it; `$AIS_TRACE` is the trace in that,
/// `$out` a file for a copy of it. None where that cannot be done here.
fn run(program: &str, script: &str, folder: &Path) -> Option<(Output, PathBuf)> {
    let (mounted, copy) = (folder.join("mounted"), folder.join("copy.ais"));
    std::fs::create_dir(&mounted).unwrap();
    let program = child::command(program, &mounted.join("trace.ais"));
    let mut command = Command::new("unshare");
    let script = format!("dir=$0; out=$1; shift; {script}");
    command.args(["--mount", "sh", "-c", &script]);
    command.arg(&mounted).arg(&copy);
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap());
    }
    // What `unshare` says where it cannot, and what the scripts say.
    let cannot = |output: &Output| matches!(output.status.code(), None | Some(1 | 77));
    let output = command.output().ok().filter(|output| !cannot(output));
    if output.is_none() {
        eprintln!("SKIPPED: a file system cannot be mounted here (that takes root)");
    }
    output.map(|output| (output, copy))
}

/// In a file system that has 256 KiB.
#[test]
fn a_disk_that_is_full_ends_the_recording_and_not_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=256k none \"$dir\" || exit 77; \"$@\"; status=$?; \
                  cp \"$AIS_TRACE\" \"$out\"; exit $status";
    let ran = run("disk::program_that_records_much", script, folder.path());
    let Some((output, copy)) = ran else { return };
    let (said, warned) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(said.contains("all rounds are done"), "{said}{warned}");
    let warnings: Vec<&str> = warned
        .lines()
        .filter(|line| line.starts_with("ais-recorder: "))
        .collect();
    assert_eq!(warnings.len(), 1, "{warned}");
    assert!(warnings[0].contains("No space left on device"), "{warned}");
    let trace = Trace::open(&copy).unwrap();
    assert_ne!(trace.source.ending, Ending::Finished);
    assert!(trace.history.events > 1000);
    assert_eq!(trace.history.loss.chunks, 0);
}

/// Program: works for three seconds, and says how long the slowest of its short rounds took.
#[test]
fn program_that_measures_itself() {
    if !child::is("disk::program_that_measures_itself") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    runtime.block_on(async {
        while begun.elapsed() < Duration::from_secs(3) {
            let round = Instant::now();
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            slowest = slowest.max(round.elapsed());
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    println!("slowest {}", slowest.as_millis());
}

/// In a file system on which every write blocks for a second and a half.
#[test]
fn a_disk_that_hangs_does_not_make_the_program_wait() {
    let folder = tempfile::tempdir().unwrap();
    let script = "truncate -s 16M \"$out.disk\" && mkfs.ext4 -q \"$out.disk\" \
                  && mount -o loop \"$out.disk\" \"$dir\" || exit 77; \
                  trap 'fsfreeze -u \"$dir\" 2>/dev/null' EXIT; \"$@\" & pid=$!; sleep 0.7; \
                  fsfreeze -f \"$dir\" || { kill $pid; exit 77; }; sleep 1.5; fsfreeze -u \"$dir\"; \
                  wait $pid; status=$?; cp \"$AIS_TRACE\" \"$out\"; exit $status";
    let ran = run("disk::program_that_measures_itself", script, folder.path());
    let Some((output, copy)) = ran else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    let slowest = said.split_once("slowest ").unwrap().1;
    let slowest: u64 = slowest.split_whitespace().next().unwrap().parse().unwrap();
    assert!(slowest < 1000, "a round of microseconds took {slowest} ms");
    let trace = Trace::open(&copy).unwrap();
    assert_eq!(trace.source.ending, Ending::Finished);
    assert_eq!(trace.history.loss.sentence(), None);
    assert!(trace.history.recorded_until.0 > 2_900_000_000);
}
