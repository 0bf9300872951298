//! All other ways in which a program ends, or becomes two.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use ais_analyzer::history::TaskState;
use ais_analyzer::{Ending, Trace};
use recorded_tokio as tokio;

use super::child;

/// Runs a program to its end, which may be a signal.
fn run(program: &str, trace: &Path) -> ExitStatus {
    child::command(program, trace).output().unwrap().status
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A task with this name runs to its end.
fn run_task(name: &str) {
    let task = tokio::task::Builder::new().name(name);
    runtime().block_on(async { task.spawn(async {}).unwrap().await.unwrap() });
}

fn names(trace: &Trace) -> Vec<&str> {
    let tasks = trace.history.tasks.iter();
    tasks.map(|task| &*task.name).collect()
}

/// The traces in a folder, by name, as they are analysed.
fn traces(folder: &Path) -> Vec<(PathBuf, Trace)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let open = |path: PathBuf| {
        let trace = Trace::open(&path).unwrap();
        (path, trace)
    };
    paths.into_iter().map(open).collect()
}

#[test]
fn program_that_aborts() {
    if child::is("endings::program_that_aborts") {
        runtime().block_on(async {
            for number in 0..100 {
                let name = format!("step {number}");
                let task = tokio::task::Builder::new().name(&name);
                task.spawn(async {}).unwrap().await.unwrap();
            }
            std::process::abort();
        });
    }
}

#[test]
fn a_program_that_aborts_has_all_of_its_record_in_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    assert!(!run("endings::program_that_aborts", &path).success());
    let trace = child::recovered(&path);
    assert_eq!(trace.source.ending, Ending::Killed);
    assert_eq!(trace.history.loss.sentence(), None);
    for number in 0..100 {
        assert!(names(&trace).contains(&&*format!("step {number}")));
    }
}

#[test]
fn program_that_becomes_another() {
    if child::is("endings::program_that_becomes_another") {
        run_task("before");
        let next = child::command("endings::program_that_is_there_then", &trace_variable());
        // The file is closed by then, as always in Rust.
        let mut next = inherit_output(next);
        panic!("it did not become another: {}", next.exec());
    }
}

/// The same with the output of this process.
fn inherit_output(mut command: Command) -> Command {
    command.stdout(std::process::Stdio::inherit());
    command
}

fn trace_variable() -> PathBuf {
    PathBuf::from(std::env::var_os("AIS_TRACE").unwrap())
}

#[test]
fn program_that_is_there_then() {
    if child::is("endings::program_that_is_there_then") {
        run_task("after");
    }
}

#[test]
fn a_program_that_becomes_another_by_exec_leaves_both_traces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    assert!(run("endings::program_that_becomes_another", &path).success());
    let traces = traces(folder.path());
    let file_names: Vec<_> = traces
        .iter()
        .map(|(path, _)| path.file_name().unwrap())
        .collect();
    assert_eq!(file_names, ["trace.ais", "trace.previous.ais"]);
    let (after, before) = (&traces[0].1, &traces[1].1);
    assert_eq!(after.source.header.pid, before.source.header.pid);
    assert!(names(after).contains(&"after") && !names(after).contains(&"before"));
    assert!(names(before).contains(&"before"));
    assert_eq!(before.source.ending, Ending::Killed);
    assert_eq!(before.history.loss.sentence(), None);
}

#[test]
fn program_with_a_child() {
    if child::is("endings::program_with_a_child") {
        let child = child::command("endings::program_that_is_there_then", &trace_variable());
        let runtime = runtime();
        let task = tokio::task::Builder::new().name("parent");
        let task = task.spawn_on(async {}, runtime.handle()).unwrap();
        assert!(inherit_output(child).status().unwrap().success());
        runtime.block_on(async { task.await.unwrap() });
    }
}

#[test]
fn a_child_that_inherits_the_variable_has_a_trace_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    assert!(run("endings::program_with_a_child", &path).success());
    let traces = traces(folder.path());
    assert_eq!(traces.len(), 2);
    for (path, trace) in &traces {
        let name = path.file_name().unwrap().to_str().unwrap();
        let pid = trace.source.header.pid;
        let (expected, of) = match name {
            "trace.ais" => ("trace.ais".to_owned(), "parent"),
            _ => (format!("trace.{pid}.ais"), "after"),
        };
        assert_eq!(name, expected);
        assert!(names(trace).contains(&of), "{of}");
        assert_eq!(trace.source.ending, Ending::Finished);
    }
}

#[allow(unsafe_code)]
fn fork() -> i32 {
    unsafe extern "C" {
        fn fork() -> i32;
    }
    // SAFETY: it has no preconditions; the child only does what a child of a process with threads may do here: this test's, whose other
    // threads hold no lock that it needs.
    unsafe { fork() }
}

#[test]
fn program_that_forks() {
    if !child::is("endings::program_that_forks") {
        return;
    }
    let runtime = runtime();
    let spawn = |name: &str| {
        let task = tokio::task::Builder::new().name(name);
        drop(task.spawn_on(async {}, runtime.handle()).unwrap());
    };
    spawn("before the fork");
    match fork() {
        0 => {
            // Of the parent's runtime there is no thread here: this task goes nowhere, and must not go into the parent's trace.
            spawn("in the child, on the parent's runtime");
            run_task("in the child");
            std::mem::forget(runtime);
            std::process::exit(0);
        }
        child => {
            assert!(child > 0);
            std::thread::sleep(Duration::from_millis(300));
            spawn("in the parent");
        }
    }
}

#[test]
fn a_child_by_fork_goes_dark_until_it_makes_a_recording_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    assert!(run("endings::program_that_forks", &path).success());
    let traces = traces(folder.path());
    assert_eq!(traces.len(), 2);
    for (path, trace) in &traces {
        assert_eq!(trace.source.ending, Ending::Finished, "{path:?}");
        assert_eq!(trace.history.loss.sentence(), None);
        let mut names = names(trace);
        names.retain(|name| !name.contains("main"));
        if path.ends_with("trace.ais") {
            assert_eq!(names, ["before the fork", "in the parent"]);
        } else {
            let pid = trace.source.header.pid;
            assert!(path.ends_with(format!("trace.{pid}.ais")));
            assert!(names.contains(&"in the child"), "{names:?}");
            assert!(!names.contains(&"before the fork"), "{names:?}");
        }
    }
}

#[test]
fn program_that_never_comes_to_rest() {
    if !child::is("endings::program_that_never_comes_to_rest") {
        return;
    }
    let runtime = runtime();
    let (began, has_begun) = std::sync::mpsc::channel();
    let task = tokio::task::Builder::new().name("never returns");
    let never = async move {
        began.send(()).unwrap();
        loop {
            std::thread::sleep(Duration::from_secs(1));
        }
    };
    drop(task.spawn_on(never, runtime.handle()).unwrap());
    has_begun.recv().unwrap();
    // Main returns, the thread does not.
    std::mem::forget(runtime);
}

#[test]
fn a_poll_that_never_returns_is_in_the_trace_of_a_program_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    assert!(run("endings::program_that_never_comes_to_rest", &path).success());
    let trace = Trace::open(&path).unwrap();
    assert_eq!(trace.source.ending, Ending::Finished);
    let mut tasks = trace.history.tasks.iter();
    let task = tasks.find(|task| &*task.name == "never returns").unwrap();
    assert!(matches!(task.state(), TaskState::Running(_)), "{task:?}");
}

#[test]
fn program_that_waits() {
    if child::is("endings::program_that_waits") {
        let runtime = runtime();
        runtime.block_on(async {
            println!("it waits");
            std::future::pending::<()>().await;
        });
    }
}

#[test]
fn a_service_that_is_killed_and_started_anew_again_and_again_keeps_its_last_trace_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let mut lives = Vec::new();
    for _ in 0..3 {
        let mut command = child::command("endings::program_that_waits", &path);
        let mut child = child::start(&mut command, "it waits");
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let (header, _) = ais_format::frame::FileHeader::decode(&bytes).unwrap();
        lives.push((header.recording, path.with_file_name(header.live)));
    }
    let is_there: Vec<bool> = lives.iter().map(|(_, live)| live.exists()).collect();
    assert_eq!(is_there, [false, true, true], "what nobody can use is gone");
    let traces = traces(folder.path());
    let recordings: Vec<u64> = traces
        .iter()
        .map(|(_, trace)| trace.source.header.recording)
        .collect();
    assert_eq!(recordings, [lives[2].0, lives[1].0]);
    assert!(lives.iter().all(|(_, live)| !live.exists()));
}

#[test]
fn a_file_that_is_no_trace_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "mine").unwrap();
    let output = child::command("endings::program_that_is_there_then", &path)
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "the program runs on");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("is there already and is no trace"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

/// The live files of the processes with these numbers that recorded into memory.
fn of_memory(pids: &[u32]) -> usize {
    let folder = std::fs::read_dir("/dev/shm")
        .into_iter()
        .flatten()
        .flatten();
    let names = folder.map(|entry| entry.file_name().into_string().unwrap_or_default());
    names
        .filter(|name| {
            pids.iter()
                .any(|pid| name.starts_with(&format!("ais-{pid:08x}")))
        })
        .count()
}

#[test]
fn a_flight_recorder_that_is_killed_again_and_again_does_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let mut pids = Vec::new();
    for _ in 0..3 {
        let mut command = child::command("endings::program_that_waits", &path);
        let mut child = child::start(command.env("AIS_TRACE_MODE", "memory"), "it waits");
        child.kill().unwrap();
        child.wait().unwrap();
        pids.push(child.id());
    }
    assert!(
        of_memory(&pids) <= 1,
        "the last one is left to the next start"
    );
    assert!(!path.exists());
}

#[test]
fn program_with_many_threads() {
    /// More than three quarters of those that memory has room for: each keeps a piece of it for itself.
    const THREADS: usize = 26;
    if !child::is("endings::program_with_many_threads") {
        return;
    }
    let gates = Arc::new([(); 2].map(|()| Barrier::new(THREADS + 1)));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let gates = Arc::clone(&gates);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(async {});
                gates[0].wait();
                gates[1].wait();
            })
        })
        .collect();
    gates[0].wait();
    let task = tokio::task::Builder::new().name("polled");
    let yields = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    };
    runtime().block_on(async { task.spawn(yields).unwrap().await.unwrap() });
    gates[1].wait();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn threads_that_record_little_do_not_keep_polls_from_being_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let mut command = child::command("endings::program_with_many_threads", &path);
    let output = command.env("AIS_TRACE_BUFFER", "4MiB").output().unwrap();
    assert!(output.status.success());
    let trace = Trace::open(&path).unwrap();
    let mut tasks = trace.history.tasks.iter();
    let polled = tasks.find(|task| &*task.name == "polled").unwrap();
    assert_eq!(polled.polls.len(), 101);
}
