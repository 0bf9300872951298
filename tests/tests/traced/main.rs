//! `#[trace]` and `traced!` with the real recorder: what the analyzer reads of every shape that code can have, how large the futures
//! become, and whether they can be sent.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]
#![allow(
    clippy::unused_async,
    reason = "functions that await nothing are traced as well"
)]

mod interleaved;
mod macros;
mod once;
mod pending;
mod send;
mod shapes;
mod size;

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ais_analyzer::Trace;
use ais_analyzer::history::{self, FutureEnd, History, Task};
use ais_analyzer::names::Function;
use ais_recorder::task;

/// One recording at a time, its end included.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records `main` on a runtime of its own. What it leaves pending still is at the end of the recording.
fn recorded<F: Future>(main: F) -> History {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let ((), status) = ais_tests::record(&path, || {
        runtime.block_on(task("main", main));
    })
    .unwrap();
    assert_eq!(status.dropped, 0);
    Trace::open(&path).unwrap().history
}

/// The one function of this name.
#[track_caller]
fn function<'a>(history: &'a History, name: &str) -> &'a Function {
    let mut all = history.functions.values();
    let found = all.find(|function| function.short_name() == name);
    assert!(
        !all.any(|function| function.short_name() == name),
        "{name} is defined twice"
    );
    found.unwrap_or_else(|| panic!("no function {name}"))
}

/// Its calls.
fn calls<'a>(history: &'a History, name: &str) -> Vec<&'a history::Future> {
    let is_of = |future: &&history::Future| {
        let function = history.function_of(future);
        function.is_some_and(|function| function.short_name() == name)
    };
    history.futures.iter().filter(is_of).collect()
}

/// Its one call.
#[track_caller]
fn call<'a>(history: &'a History, name: &str) -> &'a history::Future {
    let calls = calls(history, name);
    assert_eq!(calls.len(), 1, "{name} is called once");
    calls[0]
}

/// How a future ended.
fn end(future: &history::Future) -> Option<FutureEnd> {
    future.ended.map(|(_, how)| how)
}

/// The await points that a future has visited, in order.
fn visited(future: &history::Future) -> Vec<usize> {
    future.awaits.iter().map(|visit| visit.point).collect()
}

fn task_called<'a>(history: &'a History, name: &str) -> &'a Task {
    let mut tasks = history.tasks.iter();
    let found = tasks.find(|task| &*task.name == name);
    found.unwrap_or_else(|| panic!("no task {name}"))
}

/// The expressions of a function's await points, and where they stand: `line:column`.
fn points(function: &Function) -> Vec<(String, String)> {
    let points = function.points.as_ref().expect("it has a table").iter();
    let place = |point: &ais_analyzer::names::AwaitPoint| {
        let place = point.location.as_ref().unwrap();
        format!("{}:{}:{}", place.file, place.line, place.column)
    };
    points
        .map(|point| (point.expression.to_string(), place(point)))
        .collect()
}

/// `file:line:column` of the last `needle` in the one line of `source` that ends in the comment `// marker`.
#[track_caller]
fn place_in(file: &str, source: &str, needle: &str, marker: &str) -> String {
    let comment = format!("// {marker}");
    let mut lines = source.lines().zip(1..);
    let mut lines = lines.by_ref().filter(|(line, _)| line.ends_with(&comment));
    let (line, number) = lines.next().expect("no such line");
    assert!(lines.next().is_none(), "more than one such line");
    let code = line.strip_suffix(&comment).unwrap();
    let column = code.rfind(needle).expect("not in that line") + 1;
    format!("{file}:{number}:{column}")
}

/// What [`place_in`] says of the file that calls it.
macro_rules! marked {
    ($file:literal, $needle:expr, $marker:expr) => {
        $crate::place_in(file!(), include_str!($file), $needle, $marker)
    };
}
pub(crate) use marked;
