//! Recordings that keep only what is newest, or that lost something: what was alive is known all the same.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod flight_recorder;
mod limits;
mod losses;
mod ring;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use ais_analyzer::Trace;
use ais_analyzer::findings::{Confidence, Finding, wait_findings};
use ais_recorder::sync::Mutex as Lock;
use ais_recorder::{Builder, Recorder, spawn, task, trace};
use tokio::runtime::Runtime;

/// One recording at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[trace]
async fn take_both(first: Arc<Lock<u32>>, second: Arc<Lock<u32>>) {
    let _one = first.lock().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let _two = second.lock().await;
}

/// Two tasks that wait for each other's locks, for good.
async fn deadlock() {
    let (a, b) = (Arc::new(Lock::named("a", 0)), Arc::new(Lock::named("b", 0)));
    drop(spawn(
        "a then b",
        take_both(a.clone(), b.clone()),
        tokio::spawn,
    ));
    drop(spawn("b then a", take_both(b, a), tokio::spawn));
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// A task that is polled so many times at once, and keeps a lock meanwhile.
async fn storm(name: &'static str, polls: u64) {
    let lock = Lock::named(name, 0);
    let storms = async move {
        let _held = lock.lock().await;
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
    };
    spawn(name, storms, tokio::spawn).await.unwrap();
}

/// Polls a task by hand, faster than that can be recorded, until events are lost.
fn flood(name: &'static str, recorder: &Recorder) {
    let before = recorder.status().dropped;
    let lock = Lock::named(name, 0);
    let floods = async move {
        let _held = lock.lock().await;
        std::future::pending::<()>().await;
    };
    let mut floods = std::pin::pin!(task(name, floods));
    let mut cx = Context::from_waker(Waker::noop());
    while recorder.status().dropped == before {
        for _ in 0..10_000 {
            assert!(floods.as_mut().poll(&mut cx).is_pending());
        }
    }
}

/// Records `program` and what it does until `end`, and returns the trace at `path` then.
fn recorded(
    builder: Builder,
    path: &Path,
    program: impl AsyncFnOnce(&Recorder),
) -> (Trace, Recorder) {
    let recorder = builder.path(path).start().unwrap();
    let runtime = runtime();
    runtime.block_on(task("main", program(&recorder)));
    // The deadlock goes on.
    std::mem::forget(runtime);
    let dumped = recorder.dump(path);
    if let Err(error) = dumped {
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    }
    // What is written by now can be read while the recording goes on.
    (Trace::open(path).unwrap(), recorder)
}

fn found(trace: &Trace) -> Vec<Finding> {
    wait_findings(&trace.history).1
}

/// The deadlock is found, and all that is to be said of it.
fn assert_deadlock_is_proven(trace: &Trace) {
    let found = found(trace);
    let [finding] = &found[..] else {
        let tasks = trace
            .history
            .tasks
            .iter()
            .filter(|task| task.state().is_live());
        let tasks: Vec<String> = tasks
            .map(|task| {
                let polls = task.polls.last().map(|poll| (poll.number, poll.wakers));
                let waits: Vec<String> = trace
                    .history
                    .pending_operations(task.id)
                    .map(|operation| format!("{} {:?}", operation.call(), operation.flags))
                    .collect();
                format!(
                    "{} {:?} late {} gaps {} polls {polls:?} waits {waits:?}",
                    task.title(),
                    task.state(),
                    task.late,
                    task.has_gaps
                )
            })
            .collect();
        let locks: Vec<String> = trace
            .history
            .resources
            .iter()
            .map(|lock| format!("{} {} {:?}", lock.title(), lock.uncertain, lock.at_end))
            .collect();
        panic!(
            "{} findings\n{}\n{}",
            found.len(),
            tasks.join("\n"),
            locks.join("\n")
        );
    };
    for lock in &trace.history.resources {
        eprintln!("{} {} {:?}", lock.title(), lock.uncertain, lock.at_end);
    }
    assert_eq!(
        finding.confidence,
        Confidence::Proven,
        "{:?}",
        finding.confidence_because
    );
    let mut names: Vec<&str> = finding.tasks.iter().map(|task| &*task.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["a then b", "b then a"]);
    let facts: Vec<&str> = finding.facts.iter().map(|fact| &*fact.text).collect();
    let all = facts.join("\n");
    for part in ["mutex \"a\"", "mutex \"b\"", "second.lock()", "take_both()"] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
}
