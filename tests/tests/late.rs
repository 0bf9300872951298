//! A recording that begins in the middle of things. In a process of its own: what happens before the recording must not fall into
//! that of another test.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use ais_analyzer::Trace;
use ais_analyzer::filter::Selection;
use ais_analyzer::findings::wait_findings;
use ais_analyzer::report::{Lack, LackKind, diagnosis, trace_info};
use ais_recorder::sync::Mutex;
use ais_recorder::{Recorder, spawn};
use tokio::time::sleep;

const MOMENT: Duration = Duration::from_millis(40);
/// A recording that begins so long after its program is said to have begun late.
const LATE: Duration = Duration::from_millis(1200);

async fn take_both(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    let mut one = first.lock().await;
    sleep(MOMENT).await;
    let mut two = second.lock().await;
    *one += 1;
    *two += 1;
}

#[test]
fn who_held_a_lock_before_the_recording_is_not_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (a, b) = (
        Arc::new(Mutex::named("a", 0)),
        Arc::new(Mutex::named("b", 0)),
    );
    // A deadlock that nobody records.
    runtime.block_on(async {
        spawn("a then b", take_both(a.clone(), b.clone()), tokio::spawn);
        spawn("b then a", take_both(b.clone(), a.clone()), tokio::spawn);
        sleep(LATE).await;
    });
    let recorder = Recorder::builder().path(&path).start().unwrap();
    runtime.block_on(async {
        spawn("late", take_both(a, b), tokio::spawn);
        sleep(MOMENT).await;
    });
    recorder.stop().unwrap();
    runtime.shutdown_background();

    let trace = Trace::open(&path).unwrap();
    let late = trace
        .history
        .tasks
        .iter()
        .find(|task| &*task.name == "late")
        .unwrap();
    let waits: Vec<_> = trace.history.pending_operations(late.id).collect();
    assert_eq!(
        waits.len(),
        1,
        "it waits for a lock whose holder the trace does not know"
    );
    assert!(
        trace
            .history
            .resource(waits[0].kind.resource().unwrap())
            .unwrap()
            .uncertain
    );
    let found = wait_findings(&trace.history).1;
    assert!(found.is_empty(), "{found:#?}");
    let coverage = trace_info(&trace).coverage;
    assert_eq!(coverage.late_resources, 1, "one of the locks is used again");
    assert_eq!(
        coverage.way_in.as_deref(),
        Some("what the program itself marks")
    );
    assert_eq!(coverage.begins_at, None);
    assert_eq!(coverage.is_healed, None);
    let lack = lacks(&trace)
        .into_iter()
        .find(|lack| lack.kind == LackKind::BeganLate);
    let lack = lack.expect("it lacks its beginning");
    assert_eq!(lack.title, "the beginning of 1 resource");
    if cfg!(target_os = "linux") {
        let late = coverage.began_late.expect("it began late");
        assert!(u128::from(late.0) >= LATE.as_nanos() - MOMENT.as_nanos());
    }
}

fn lacks(trace: &Trace) -> Vec<Lack> {
    diagnosis(trace, &Selection::everything()).lacks
}

#[test]
fn a_second_recording_of_a_process_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Mutex::named("shared", 0);
    let mut names = Vec::new();
    for round in 0..2 {
        let path = folder.path().join(format!("{round}.ais"));
        let recorder = loop {
            // The other test of this process may be recording.
            match Recorder::builder().path(&path).start() {
                Ok(recorder) => break recorder,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists),
            }
            std::thread::sleep(MOMENT);
        };
        let work = async {
            *lock.lock().await += 1;
        };
        futures::executor::block_on(ais_recorder::task(format!("round {round}"), work));
        recorder.stop().unwrap();
        let trace = Trace::open(&path).unwrap();
        names.extend(
            trace
                .history
                .tasks
                .iter()
                .map(|task| task.name.to_string())
                .filter(|name| name.starts_with("round")),
        );
        let shared = trace
            .history
            .resources
            .iter()
            .find(|r| r.name.as_deref() == Some("shared"));
        assert_eq!(
            shared
                .expect("it is defined in each recording")
                .changes
                .len(),
            2
        );
    }
    assert_eq!(names, ["round 0", "round 1"]);
}
