//! Tasks, their handles, and what runs beside them.

use std::time::Duration;

use ais_format::event::{
    Kind, OperationEnd, PollBegin, PollEnd, SectionBegin, TaskAbort, TaskDrop, TaskNew, Yield,
    operation_kind, outcome, poll_outcome, resource_kind, section_kind, task_flag,
};
use ais_tests::events::Events;
use ais_tests::events_of;
use recorded_tokio as tokio;
use tokio::runtime::Builder as Runtimes;
use tokio::task::Builder;

use crate::in_both_flavours;

/// The task with this name, whole.
fn task(events: &Events, name: &str) -> TaskNew {
    let number = events.task(name);
    let all = events.rows::<TaskNew>();
    *all.iter().find(|task| task.task == number).unwrap()
}

/// How the polls of a task ended.
fn polls(events: &Events, task: u64) -> Vec<u64> {
    let ends = events.rows::<PollEnd>();
    let of_task = ends.iter().filter(|end| end.task == task);
    of_task.map(|end| end.outcome).collect()
}

fn named<F>(name: &str, future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    Builder::new().name(name).spawn(future).unwrap()
}

#[test]
fn a_spawned_task_is_known_with_its_parent_place_executor_and_size() {
    in_both_flavours(
        || async {
            let child = named("child", async {
                tokio::task::yield_now().await;
                [0_u8; 64].len()
            });
            assert_eq!(child.await.unwrap(), 64);
        },
        |events| {
            let runtime = events.resource(resource_kind::RUNTIME);
            let child = task(events, "child");
            let main = events.rows::<TaskNew>()[0];
            assert_eq!(main.flags & task_flag::BLOCK_ON, task_flag::BLOCK_ON);
            assert_eq!(main.flags & task_flag::UNNAMED, task_flag::UNNAMED);
            assert!(
                events.text(main.name).contains("task::a_spawned_task"),
                "{}",
                events.text(main.name)
            );
            assert_eq!(
                (child.parent, child.executor),
                (main.task, runtime.resource)
            );
            assert_eq!(main.executor, runtime.resource);
            assert!(events.place(child.location).contains("tokio/task.rs:"));
            assert!(child.size > 0);
            let outcomes = polls(events, child.task);
            assert_eq!(outcomes, [poll_outcome::PENDING, poll_outcome::READY]);
            // A yield, and what it was in.
            let yields = events.told::<Yield>();
            assert_eq!(yields.len(), 1);
            assert_eq!(yields[0].0.task, child.task);
            // The join: an operation of the main future.
            let joins = events.operations(operation_kind::JOIN);
            assert_eq!(joins.len(), 1);
            let (join, by, ended) = joins[0];
            assert_eq!(
                (join.target, by, ended),
                (child.task, main.task, Some(outcome::READY))
            );
            events.assert_complete();
        },
    );
}

#[test]
fn what_a_future_can_hold_and_return_is_said_of_its_task() {
    in_both_flavours(
        || async {
            named("plain", std::future::ready(1)).await.unwrap();
            let text = String::from("held");
            named("holds", async move { text.len() }).await.unwrap();
            named("returns", async { String::new() }).await.unwrap();
        },
        |events| {
            const BOTH: u64 = task_flag::CAN_HOLD | task_flag::CAN_RETURN;
            assert_eq!(task(events, "plain").flags & BOTH, 0);
            assert_eq!(task(events, "holds").flags & BOTH, task_flag::CAN_HOLD);
            assert_eq!(
                task(events, "returns").flags & task_flag::CAN_RETURN,
                task_flag::CAN_RETURN
            );
        },
    );
}

#[test]
fn an_aborted_task_says_who_asked_and_that_it_was_dropped() {
    in_both_flavours(
        || async {
            let stuck = named("stuck", std::future::pending::<()>());
            tokio::task::yield_now().await;
            stuck.abort_handle().abort();
            assert!(stuck.await.unwrap_err().is_cancelled());
        },
        |events| {
            let stuck = events.task("stuck");
            let aborts = events.told::<TaskAbort>();
            assert_eq!(aborts.len(), 1);
            assert_eq!(aborts[0].1.task, stuck);
            assert_ne!(aborts[0].0.task, 0, "by the main future");
            let drops = events.rows::<TaskDrop>();
            assert!(drops.iter().any(|drop| drop.task == stuck));
        },
    );
}

#[test]
fn a_panic_ends_the_poll_and_what_the_task_waits_in() {
    in_both_flavours(
        || async {
            let lock = std::sync::Arc::new(tokio::sync::Mutex::new(()));
            let held = std::sync::Arc::clone(&lock);
            let panics = named("panics", async move {
                let _guard = held.lock().await;
                std::panic::resume_unwind(Box::new("on purpose"));
            });
            assert!(panics.await.unwrap_err().is_panic());
            drop(lock.lock().await);
        },
        |events| {
            let panics = events.task("panics");
            assert_eq!(polls(events, panics), [poll_outcome::PANICKED]);
            let mutex = events.resource(resource_kind::MUTEX).resource;
            let kinds: Vec<Kind> = events.changes(mutex).iter().map(|c| c.0).collect();
            let expected = [Kind::Acquire, Kind::Release, Kind::Acquire, Kind::Release];
            assert_eq!(kinds, expected);
        },
    );
}

#[test]
fn a_handle_that_is_no_longer_awaited_ends_its_wait_when_it_is_dropped() {
    in_both_flavours(
        || async {
            let mut slow = named("slow", tokio::time::sleep(Duration::from_secs(100)));
            let short = Duration::from_millis(2);
            assert!(tokio::time::timeout(short, &mut slow).await.is_err());
            drop(slow);
        },
        |events| {
            let (join, _, ended) = events.operations(operation_kind::JOIN)[0];
            assert_eq!(ended, Some(outcome::DROPPED));
            assert_ne!(
                join.flags & ais_format::event::operation_flag::NO_DROP,
                0,
                "that it is not awaited any more was not seen"
            );
        },
    );
}

#[test]
fn a_blocking_job_is_queued_run_and_joined() {
    in_both_flavours(
        || async {
            let job = Builder::new().name("job").spawn_blocking(|| 7).unwrap();
            assert_eq!(job.await.unwrap(), 7);
            let job: fn() = || std::panic::resume_unwind(Box::new("on purpose"));
            let panics = tokio::task::spawn_blocking(job).await;
            assert!(panics.unwrap_err().is_panic());
        },
        |events| {
            let job = task(events, "job");
            assert_eq!(job.flags & task_flag::BLOCKING, task_flag::BLOCKING);
            assert_eq!(polls(events, job.task), [poll_outcome::READY]);
            let spawned = events.told::<TaskNew>();
            let on = |kind: Kind, of: u64| {
                let found = events
                    .all
                    .iter()
                    .find(|t| t.kind == kind && t.columns[0] == of);
                found.unwrap().thread
            };
            assert_ne!(on(Kind::TaskNew, job.task), on(Kind::PollBegin, job.task));
            let panicked = spawned[2].1.task;
            assert_eq!(polls(events, panicked), [poll_outcome::PANICKED]);
        },
    );
}

#[test]
fn block_in_place_is_a_section_of_its_task() {
    let events = events_of(|| {
        let runtime = Runtimes::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            let blocks = named("blocks", async {
                tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(1)));
            });
            blocks.await.unwrap();
        });
    })
    .unwrap();
    let sections = events.told::<SectionBegin>();
    let (told, section) = sections
        .iter()
        .find(|(_, section)| section.kind == section_kind::BLOCK_IN_PLACE)
        .unwrap();
    assert_eq!(told.task, events.task("blocks"));
    assert!(events.place(section.location).contains("task.rs:"));
}

#[test]
fn a_runtime_that_is_dropped_says_so_before_its_tasks_go() {
    in_both_flavours(
        || async {
            drop(named("left behind", std::future::pending::<()>()));
            tokio::task::yield_now().await;
        },
        |events| {
            let left = events.task("left behind");
            let shutdown = events.told::<SectionBegin>();
            let (begin, section) = shutdown
                .iter()
                .find(|(_, section)| section.kind == section_kind::SHUTDOWN)
                .unwrap();
            let runtime = events.resource(resource_kind::RUNTIME).resource;
            assert_eq!(section.resource, runtime);
            let drops = events.told::<TaskDrop>();
            let (dropped, _) = drops.iter().find(|(_, drop)| drop.task == left).unwrap();
            assert!(begin.tick <= dropped.tick);
        },
    );
}

#[test]
fn a_poll_inside_of_another_nests() {
    let events = events_of(|| {
        let runtime = Runtimes::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        runtime.block_on(async {
            let inner = named("outer", async {
                tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current().block_on(async { 3 })
                })
            });
            assert_eq!(inner.await.unwrap(), 3);
        });
    })
    .unwrap();
    let outer = events.task("outer");
    let begins = events.told::<PollBegin>();
    let nested = begins.iter().filter(|(told, _)| told.task == outer).count();
    assert_eq!(nested, 1);
    events.assert_complete();
}

#[test]
fn unconstrained_work_and_work_without_budget_are_told_apart() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            for i in 0..1000 {
                sender.send(i).unwrap();
            }
            named("greedy", async move {
                for _ in 0..1000 {
                    receiver.recv().await.unwrap();
                }
                receiver
            })
            .await
            .unwrap();
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            (0..1000).for_each(|i| sender.send(i).unwrap());
            let all = tokio::task::unconstrained(async move {
                for _ in 0..1000 {
                    receiver.recv().await.unwrap();
                }
                receiver
            });
            named("unconstrained", all).await.unwrap();
        },
        |events| {
            let unconstrained = events.task("unconstrained");
            assert_eq!(polls(events, unconstrained), [poll_outcome::READY]);
            // 128 operations in a turn, then the task gives way although a message is there.
            let greedy = events.task("greedy");
            assert!(polls(events, greedy).len() > 5);
            let without: Vec<u64> = events
                .operations(operation_kind::RECEIVE)
                .iter()
                .filter(|(begin, ..)| {
                    begin.flags & ais_format::event::operation_flag::NO_BUDGET != 0
                })
                .map(|(begin, ..)| begin.operation)
                .collect();
            assert!(without.len() >= 5, "{without:?}");
            let ends = events.rows::<OperationEnd>();
            for operation in without {
                assert!(
                    ends.iter()
                        .any(|end| end.operation == operation && end.outcome == outcome::READY)
                );
            }
        },
    );
}
