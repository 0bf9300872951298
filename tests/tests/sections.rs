//! What a thread is in the middle of (a value that it borrows, `block_in_place`) is known in every generation, not only in the one in which
//! it began.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ais_analyzer::Trace;
use ais_analyzer::findings::wait_findings;
use ais_analyzer::history::SectionKind;
use ais_recorder::Recorder;
use recorded_tokio as tokio;
use tokio::sync::watch;

/// More than is recorded: every generation is kept, each in a file of its own.
const RING: u64 = 64 << 20;
/// Small: many go by.
const GENERATION: u64 = 8 << 10;

/// Records `program` on a runtime with one thread of its own; the files of the generations.
fn recorded(folder: &Path, program: impl Future<Output = ()>) -> Vec<PathBuf> {
    // One recording at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = Recorder::builder()
        .path(folder.join("trace.ais"))
        .ring(RING)
        .generation(GENERATION)
        .start()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(program);
    recorder.stop().unwrap();
    // What hangs goes on.
    std::mem::forget(runtime);
    segments(folder)
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut segments: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "ais"));
    segments
}

/// Until there are some generations more.
async fn generations_go_by(folder: &Path) {
    let wanted = segments(folder).len() + 4;
    let began = Instant::now();
    while segments(folder).len() < wanted {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "no generation began"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Nothing that is wrong, but much of it, until the recording ends.
fn yields() {
    for _ in 0..16 {
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
    }
}

/// What is found, with the names of the tasks.
fn found(trace: &Trace) -> Vec<String> {
    let mut found: Vec<String> = wait_findings(&trace.history)
        .1
        .iter()
        .map(|finding| {
            let names: Vec<&str> = finding.tasks.iter().map(|task| &*task.name).collect();
            format!("{} {:?} {names:?}", finding.kind.name(), finding.confidence)
        })
        .collect();
    found.sort();
    found
}

/// The whole trace, and its last generation alone.
fn whole_and_last(folder: &Path, segments: &[PathBuf]) -> (Trace, Trace) {
    let whole = folder.join("whole");
    let bytes = segments
        .iter()
        .flat_map(|path| std::fs::read(path).unwrap());
    std::fs::write(&whole, bytes.collect::<Vec<u8>>()).unwrap();
    let (whole, last) = (
        Trace::open(&whole).unwrap(),
        Trace::open(&segments[segments.len() - 1]).unwrap(),
    );
    assert!(!whole.history.begins_late);
    assert_eq!(last.history.begins_whole, Some(true));
    (whole, last)
}

fn sections(trace: &Trace, kind: SectionKind) -> Vec<String> {
    let open = trace.history.open_sections();
    open.filter(|section| section.kind == kind)
        .map(|section| {
            let place = section.location.as_ref().unwrap();
            format!("{:?} {:?} {place:?}", section.task, section.resource)
        })
        .collect()
}

#[test]
fn a_borrow_of_an_earlier_generation_still_keeps_the_sender() {
    let folder = tempfile::tempdir().unwrap();
    let segments = recorded(folder.path(), async {
        let (sender, receiver) = watch::channel(0);
        // On a thread of its own: it never comes back.
        tokio::task::spawn_blocking(move || {
            let value = receiver.borrow();
            sender.send(*value + 1).unwrap();
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        yields();
        generations_go_by(folder.path()).await;
    });
    let (whole, last) = whole_and_last(folder.path(), &segments);
    let borrows = sections(&whole, SectionKind::Borrow);
    assert_eq!(borrows.len(), 1);
    assert_eq!(sections(&last, SectionKind::Borrow), borrows);
    let stuck = found(&whole);
    assert!(
        stuck
            .iter()
            .any(|finding| finding.starts_with("self-deadlock")),
        "{stuck:?}"
    );
    assert_eq!(found(&last), stuck);
}

#[test]
fn a_thread_that_gave_way_in_an_earlier_generation_starves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let segments = recorded(folder.path(), async {
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        let held = Arc::clone(&lock).lock_owned().await;
        tokio::spawn(async move {
            // Gives way, and blocks for good on what is never given back.
            tokio::task::block_in_place(|| drop(lock.blocking_lock()));
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        yields();
        generations_go_by(folder.path()).await;
        std::mem::forget(held);
    });
    let (whole, last) = whole_and_last(folder.path(), &segments);
    let in_place = sections(&whole, SectionKind::BlockInPlace);
    assert_eq!(in_place.len(), 1);
    assert_eq!(sections(&last, SectionKind::BlockInPlace), in_place);
    assert_eq!(found(&last), found(&whole));
    assert!(
        found(&last)
            .iter()
            .all(|finding| !finding.starts_with("starvation"))
    );
}

/// Whoever is asked to end will, whatever it waits for.
#[test]
fn a_task_that_was_asked_to_end_in_an_earlier_generation_is_known_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let segments = recorded(folder.path(), async {
        let busy = tokio::spawn(async move {
            let _ = tokio::task::block_in_place(|| wait.recv());
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        busy.abort();
        yields();
        generations_go_by(folder.path()).await;
    });
    drop(go_on);
    let (whole, last) = whole_and_last(folder.path(), &segments);
    for trace in [whole, last] {
        let tasks = trace.history.tasks.iter();
        let aborted = tasks.filter(|task| !task.aborts.is_empty());
        assert_eq!(aborted.count(), 1);
    }
}
