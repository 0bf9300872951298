//! A disk that is full.

use std::process::Command;

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

/// In a file system of its own, which has 256 KiB and is gone with the program.
#[test]
fn a_disk_that_is_full_ends_the_recording_and_not_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (small, copy) = (folder.path().join("small"), folder.path().join("copy.ais"));
    std::fs::create_dir(&small).unwrap();
    let program = child::command("disk::program_that_records_much", &small.join("trace.ais"));
    let script = "mount -t tmpfs -o size=256k none \"$0\" || exit 77; out=$1; shift; \"$@\"; status=$?; \
                  cp \"$AIS_TRACE\" \"$out\"; exit $status";
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", script])
        .arg(&small)
        .arg(&copy);
    command.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        command.env(name, value.unwrap());
    }
    let output = command.output();
    let Some(output) = output.ok().filter(|output| {
        output
            .status
            .code()
            .is_some_and(|code| code != 77 && code != 1)
    }) else {
        eprintln!("SKIPPED: a file system cannot be mounted here (that takes root, and unshare)");
        return;
    };
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
