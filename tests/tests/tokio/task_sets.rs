//! Sets of tasks: `JoinSet`, `LocalSet`, and runtimes on one thread.

use ais_format::event::{
    Kind, MemberGone, MemberNew, TaskAbort, TaskNew, operation_kind, outcome, resource_kind,
    task_flag,
};
use recorded_tokio as tokio;
use tokio::runtime::{Builder as Runtimes, LocalOptions};
use tokio::task::{JoinSet, LocalSet};

use crate::in_both_flavours;

#[test]
fn a_join_set_knows_its_members_until_they_are_joined() {
    in_both_flavours(
        || async {
            let mut set = JoinSet::new();
            set.build_task().name("one").spawn(async { 1 }).unwrap();
            set.spawn(async { 2 });
            set.spawn_blocking(|| 3);
            let mut sum = 0;
            while let Some(result) = set.join_next().await {
                sum += result.unwrap();
            }
            assert_eq!(sum, 6);
        },
        |events| {
            let set = events.resource(resource_kind::TASK_SET);
            let mut members: Vec<u64> = events
                .rows::<MemberNew>()
                .iter()
                .map(|member| member.task)
                .collect();
            assert!(members.contains(&events.task("one")));
            let mut joined: Vec<u64> = events
                .rows::<MemberGone>()
                .iter()
                .map(|member| member.task)
                .collect();
            members.sort_unstable();
            joined.sort_unstable();
            assert_eq!((members.len(), &members), (3, &joined));
            assert!(!events.changes(set.resource).is_empty());
            events.assert_complete();
        },
    );
}

#[test]
fn a_set_that_waits_has_an_operation_and_a_dropped_set_aborts_its_tasks() {
    in_both_flavours(
        || async {
            let mut set = JoinSet::new();
            set.build_task()
                .name("never")
                .spawn(std::future::pending::<()>())
                .unwrap();
            let short = std::time::Duration::from_millis(2);
            assert!(tokio::time::timeout(short, set.join_next()).await.is_err());
        },
        |events| {
            let waits = events.operations(operation_kind::JOIN_NEXT);
            assert_eq!(waits.len(), 1);
            let set = events.resource(resource_kind::TASK_SET).resource;
            assert_eq!(
                (waits[0].0.target, waits[0].2),
                (set, Some(outcome::DROPPED))
            );
            let aborts = events.rows::<TaskAbort>();
            assert_eq!(aborts.len(), 1);
            assert_eq!(aborts[0].task, events.task("never"));
        },
    );
}

#[test]
fn tasks_of_a_local_set_say_which_and_are_polled_inside_of_who_drives_it() {
    in_both_flavours(
        || async {
            let set = LocalSet::new();
            set.spawn_local(async { tokio::task::yield_now().await });
            set.run_until(async {
                tokio::task::spawn_local(async { 2 }).await.unwrap();
            })
            .await;
            set.spawn_local(async {
                let builder = tokio::task::Builder::new().name("sent away");
                builder.spawn(async {}).unwrap().await.unwrap();
            });
            set.await;
        },
        |events| {
            let set = events.resource(resource_kind::LOCAL_SET).resource;
            let tasks = events.rows::<TaskNew>();
            let local: Vec<&TaskNew> = tasks
                .iter()
                .filter(|task| task.flags & task_flag::LOCAL != 0)
                .collect();
            assert_eq!(local.len(), 3);
            assert!(local.iter().all(|task| task.executor == set), "{local:?}");
            let main = tasks[0].task;
            let sent = events.task("sent away");
            let runtime = events.resource(resource_kind::RUNTIME).resource;
            let of = tasks.iter().find(|task| task.task == sent).unwrap();
            assert_eq!(of.executor, runtime);
            for told in &events.all {
                if told.kind == Kind::PollBegin && ![main, sent].contains(&told.columns[0]) {
                    assert_eq!(told.task, main, "driven by the main future");
                }
            }
        },
    );
}

#[test]
fn a_runtime_on_one_thread_is_an_executor_of_local_tasks() {
    let events = ais_tests::events_of(|| {
        let runtime = Runtimes::new_current_thread()
            .name("single")
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            tokio::task::spawn_local(async {}).await.unwrap();
        });
        assert_eq!(runtime.handle().name(), Some("single"));
    })
    .unwrap();
    let runtime = events.resource(resource_kind::RUNTIME);
    assert_eq!(events.text(runtime.name), "single");
    let tasks = events.rows::<TaskNew>();
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|task| task.executor == runtime.resource));
}
