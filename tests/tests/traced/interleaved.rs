//! Tasks that take turns on one thread, that are aborted, that panic: each call belongs to its own task and has its own end.

use std::collections::HashMap;

use ais_analyzer::history::{FutureEnd, TaskState};
use ais_recorder::{spawn, trace};
use tokio::task::yield_now;

use crate::{call, end, recorded, task_called};

#[trace]
async fn outer(rounds: usize) {
    for _ in 0..rounds {
        middle().await;
    }
}

#[trace]
async fn middle() {
    yield_now().await;
    tokio::join!(inner(), inner());
}

#[trace]
async fn inner() {
    yield_now().await;
}

#[test]
fn calls_of_tasks_that_take_turns_do_not_mix() {
    const ROUNDS: usize = 5;
    let history = recorded(async {
        let tasks: Vec<_> = (0..3)
            .map(|i| spawn(format!("task {i}"), outer(ROUNDS), tokio::spawn))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    for i in 0..3 {
        let task = task_called(&history, &format!("task {i}")).id;
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for future in history.futures_of(task) {
            let name = history.function_of(future).unwrap().short_name();
            *counts.entry(name).or_default() += 1;
            // What it is inside of is in the same task, and is what calls it in source.
            let caller = future.parent.map(|parent| {
                let parent = history.future(parent).unwrap();
                assert_eq!(parent.task, Some(task));
                history.function_of(parent).unwrap().short_name()
            });
            let expected = HashMap::from([
                ("outer", None),
                ("middle", Some("outer")),
                ("inner", Some("middle")),
            ]);
            assert_eq!(caller, expected[name]);
        }
        assert_eq!(
            (counts["outer"], counts["middle"], counts["inner"]),
            (1, ROUNDS, 2 * ROUNDS)
        );
    }
}

#[trace]
async fn waits_for_ever() {
    std::future::pending::<()>().await;
}

#[trace]
async fn panics_later() {
    yield_now().await;
    panic!("as it should");
}

#[test]
fn calls_in_tasks_that_are_aborted_or_panic_end_as_they_do() {
    let history = recorded(async {
        let aborted = spawn("aborted", waits_for_ever(), tokio::spawn);
        let panicked = spawn("panicked", panics_later(), tokio::spawn);
        yield_now().await;
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        assert!(panicked.await.unwrap_err().is_panic());
    });
    let of = |task: &str| task_called(&history, task);
    assert_eq!(
        end(call(&history, "waits_for_ever")),
        Some(FutureEnd::Dropped)
    );
    assert!(call(&history, "waits_for_ever").awaits[0].dropped);
    assert_eq!(
        end(call(&history, "panics_later")),
        Some(FutureEnd::Panicked)
    );
    assert!(matches!(of("aborted").state(), TaskState::Cancelled(_)));
    assert!(matches!(of("panicked").state(), TaskState::Panicked(_)));
}
