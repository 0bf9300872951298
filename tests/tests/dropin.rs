//! A program on the recorded tokio as its users run it: a process of its own that knows nothing of recording, and one variable.
//!
//! The programs are in this very binary: each is a test that does nothing unless it is started by another one, in a child process.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use ais_analyzer::filter::Selection;
use ais_analyzer::report::diagnosis;
use ais_format::event::{TaskNew, resource_kind};
use ais_tests::Trace;
use ais_tests::events::Events;
use recorded_tokio as tokio;
use tokio::sync::Mutex;
use tokio::task::Builder;

/// Tells a child which program it is.
const PROGRAM: &str = "AIS_TEST_PROGRAM";

/// Runs one of the programs below with `AIS_TRACE` set to `trace`.
fn run(program: &str, trace: Option<&Path>) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([program, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, program).env_remove("AIS_TRACE");
    if let Some(trace) = trace {
        command.env("AIS_TRACE", trace);
    }
    command.output().unwrap()
}

fn is_child(program: &str) -> bool {
    std::env::var(PROGRAM).is_ok_and(|wanted| wanted == program)
}

fn events(trace: &Path) -> Events {
    Events::of(&Trace::read(&std::fs::read(trace).unwrap()).unwrap())
}

/// Program: two tasks take two locks in opposite orders; main gives up after a while and returns.
#[test]
fn program_that_deadlocks_and_returns() {
    if !is_child("program_that_deadlocks_and_returns") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
        let transfer = |from: Arc<Mutex<i32>>, to: Arc<Mutex<i32>>| async move {
            let mut source = from.lock().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut target = to.lock().await;
            *source -= 1;
            *target += 1;
        };
        let there = Builder::new().name("a to b");
        let there = there
            .spawn(transfer(Arc::clone(&a), Arc::clone(&b)))
            .unwrap();
        let back = Builder::new().name("b to a").spawn(transfer(b, a)).unwrap();
        let both = async { (there.await, back.await) };
        let patience = Duration::from_millis(300);
        assert!(tokio::time::timeout(patience, both).await.is_err());
    });
}

/// The transfer between two accounts, with `#[trace]` on it.
#[ais_recorder::trace]
async fn transfer(from: Arc<Mutex<i32>>, to: Arc<Mutex<i32>>) {
    let mut source = from.lock().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut target = to.lock().await;
    *source -= 1;
    *target += 1;
}

/// The same, without.
async fn untraced(from: Arc<Mutex<i32>>, to: Arc<Mutex<i32>>) {
    let mut source = from.lock().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut target = to.lock().await;
    *source -= 1;
    *target += 1;
}

/// Program: a transfer, without `#[trace]` on anything.
#[test]
fn program_without_trace() {
    if is_child("program_without_trace") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let accounts = (Arc::default(), Arc::default());
        let task = runtime.spawn(untraced(accounts.0, accounts.1));
        while !task.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Program: the same with it.
#[test]
fn program_with_trace() {
    if is_child("program_with_trace") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let accounts = (Arc::default(), Arc::default());
        let task = runtime.spawn(transfer(accounts.0, accounts.1));
        while !task.is_finished() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn the_attribute_that_the_doctor_asks_for_is_what_was_lacking() {
    let folder = tempfile::tempdir().unwrap();
    let lacks = |program: &str| {
        let path = folder.path().join(format!("{program}.ais"));
        let output = run(program, Some(&path));
        assert!(output.status.success(), "{output:?}");
        let trace = ais_analyzer::Trace::open(&path).unwrap();
        diagnosis(&trace, &Selection::everything()).lacks
    };
    let without = lacks("program_without_trace");
    assert_eq!(without.len(), 1, "{without:#?}");
    assert_eq!(without[0].title, "the await points of 1 of 1 task");
    let change = &without[0].change;
    let asks_for = "#[ais_recorder::trace] on the async fn dropin::untraced, which is spawned at tests/tests/dropin.rs:";
    assert!(change.contains(asks_for), "{change}");
    assert!(change.contains("in Cargo.toml"), "{change}");
    assert_eq!(lacks("program_with_trace"), []);
}

/// Program: ends by `exit`, in the middle of a task.
#[test]
fn program_that_exits_inside_a_task() {
    if !is_child("program_that_exits_inside_a_task") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let lock = Mutex::new(());
        let _held = lock.lock().await;
        std::process::exit(7);
    });
}

/// Program: uses a lock before it makes a runtime.
#[test]
fn program_that_locks_before_it_has_a_runtime() {
    if !is_child("program_that_locks_before_it_has_a_runtime") {
        return;
    }
    let lock = Mutex::new(1);
    assert_eq!(*lock.blocking_lock(), 1);
    println!("done");
}

#[test]
fn a_program_is_recorded_by_one_variable_and_its_deadlock_found() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.ais");
    let output = run("program_that_deadlocks_and_returns", Some(&trace));
    assert!(output.status.success(), "{output:?}");
    let events = events(&trace);
    let names: Vec<&str> = events
        .rows::<TaskNew>()
        .iter()
        .map(|task| events.text(task.name).to_owned().leak() as &str)
        .collect();
    assert!(
        names.contains(&"a to b") && names.contains(&"b to a"),
        "{names:?}"
    );
    let trace = ais_analyzer::Trace::open(&trace).unwrap();
    let (_, findings) = ais_analyzer::findings::wait_findings(&trace.history);
    assert_eq!(findings.len(), 1, "{findings:?}");
    let mut tasks: Vec<&str> = findings[0].tasks.iter().map(|task| &*task.name).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, ["a to b", "b to a"]);
    assert_eq!(
        findings[0].confidence,
        ais_analyzer::findings::Confidence::Proven
    );
}

#[test]
fn a_program_that_exits_has_its_last_events_in_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.ais");
    let output = run("program_that_exits_inside_a_task", Some(&trace));
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let events = events(&trace);
    let mutex = events.resource(resource_kind::MUTEX).resource;
    assert_eq!(events.changes(mutex).len(), 1, "taken, and never released");
}

#[test]
fn a_lock_that_is_used_before_there_is_a_runtime_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.ais");
    let output = run("program_that_locks_before_it_has_a_runtime", Some(&trace));
    assert!(output.status.success(), "{output:?}");
    let events = events(&trace);
    let mutex = events.resource(resource_kind::MUTEX);
    assert_eq!(mutex.flags, 0);
    assert_eq!(events.changes(mutex.resource).len(), 4);
}

#[test]
fn without_the_variable_nothing_is_written_and_with_a_bad_one_the_program_runs_on() {
    let output = run("program_that_locks_before_it_has_a_runtime", None);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let nowhere = Path::new("/nonexistent/folder/trace.ais");
    let output = run("program_that_locks_before_it_has_a_runtime", Some(nowhere));
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("done"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("/nonexistent/folder/trace.ais"), "{said}");
}
