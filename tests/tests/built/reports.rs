//! What a reader is told of tasks and of what they wait for.

use ais_analyzer::history::TaskId;
use ais_analyzer::report::{TaskPanel, panel};
use ais_analyzer::waits::verdict;
use ais_format::event::{
    Foreign, Location, MemberNew, OperationBegin, OperationPoll, ResourceNew, TaskAbort, TaskNew,
    operation_flag, operation_kind, resource_kind, task_flag,
};
use ais_tests::build::Build;

use super::history;

/// A trace with one place in source and two names.
fn build() -> Build {
    let mut build = Build::new();
    build.text(1, "src/main.rs");
    build.text(2, "accounts");
    build.text(3, "bank::main::{{closure}}");
    build.define(&Location {
        id: 1,
        file: 1,
        line: 12,
        column: 9,
    });
    build
}

/// The panel of task number 1, which waits for this.
fn waits_for(kind: u64, capacity: u64, operation: u64, units: u64) -> TaskPanel {
    waits_after(kind, capacity, operation, units, |_| ())
}

fn waits_after(
    kind: u64,
    capacity: u64,
    operation: u64,
    units: u64,
    before: impl FnOnce(&mut Build),
) -> TaskPanel {
    let mut build = build();
    build.task(1);
    if kind != 0 {
        build.event(&ResourceNew {
            resource: 1,
            kind,
            capacity,
            location: 1,
            name: 2,
            ..ResourceNew::default()
        });
    }
    before(&mut build);
    build.poll(1, 1, |build| {
        let number = build.begin(OperationBegin {
            kind: operation,
            target: u64::from(kind != 0),
            units,
            sequence: u64::from(kind != 0),
            location: 1,
            flags: operation_flag::INLINE,
            ..OperationBegin::default()
        });
        // It counts from when it was made; that it was polled, too, is told.
        if operation == operation_kind::NOTIFIED {
            build.event(&OperationPoll {
                operation: number,
                fires: 0,
                flags: operation_flag::INLINE,
            });
        }
        number
    });
    let told = history(build);
    panel(&told, &verdict(&told).progress, TaskId(1)).unwrap()
}

#[track_caller]
fn check(panel: &TaskPanel, at: &str, because: &str) {
    assert_eq!(panel.at.as_deref(), Some(at));
    assert!(panel.because[0].contains(because), "{:?}", panel.because);
}

#[test]
fn each_kind_of_wait_has_its_words() {
    use operation_kind::{ACQUIRE, BARRIER, JOIN_NEXT, LOCK, NOTIFIED, READ, SET, SLEEP, WRITE};
    let holds_all = |build: &mut Build| _ = build.acquire(1, 8);
    check(
        &waits_after(resource_kind::RWLOCK, 8, READ, 1, holds_all),
        r#"read() of rwlock "accounts" at src/main.rs:12:9"#,
        "is held by code outside of recorded tasks to write, taken",
    );
    let two_read = |build: &mut Build| {
        build.acquire(1, 1);
        build.acquire(1, 1);
    };
    check(
        &waits_after(resource_kind::RWLOCK, 8, WRITE, 8, two_read),
        r#"write() of rwlock "accounts" at src/main.rs:12:9"#,
        "is held by code outside of recorded tasks, the first of them taken",
    );
    let two_of_three = |build: &mut Build| _ = build.acquire(1, 2);
    check(
        &waits_after(resource_kind::SEMAPHORE, 3, ACQUIRE, 2, two_of_three),
        r#"acquire(2) of semaphore "accounts" at src/main.rs:12:9"#,
        "has 1 free of 3; held by code outside of recorded tasks",
    );
    let by_another = |build: &mut Build| {
        build.event(&Foreign { task: 12 });
        build.acquire(1, 1);
    };
    check(
        &waits_after(resource_kind::MUTEX, 1, LOCK, 1, by_another),
        r#"lock() of mutex "accounts" at src/main.rs:12:9"#,
        "is held by a task that is not recorded (its runtime's #12), taken",
    );
    check(
        &waits_for(resource_kind::NOTIFY, 0, NOTIFIED, 0),
        r#"notified() of notify "accounts" at src/main.rs:12:9"#,
        "was never notified",
    );
    check(
        &waits_for(resource_kind::BARRIER, 3, BARRIER, 0),
        r#"wait() of barrier "accounts" at src/main.rs:12:9"#,
        "0 of 3 have come",
    );
    check(
        &waits_for(resource_kind::SET_ONCE, 0, SET, 0),
        r#"wait() of set-once cell "accounts" at src/main.rs:12:9"#,
        "is not set yet",
    );
    let member = |build: &mut Build| {
        let sequence = build.change(1);
        build.event(&MemberNew {
            resource: 1,
            sequence,
            task: 8,
        });
    };
    check(
        &waits_after(resource_kind::TASK_SET, 0, JOIN_NEXT, 0, member),
        r#"join_next() of task set "accounts" at src/main.rs:12:9"#,
        "has 1 task that was not joined yet: #8",
    );
    check(
        &waits_for(0, 0, SLEEP, 2_000_000_000),
        "sleep(2.00 s) at src/main.rs:12:9",
        "the time comes in 2.00 s, 2.00 s after the start",
    );
}

#[test]
fn a_time_out_limits_a_wait_and_is_not_what_is_waited_for() {
    let mut build = build();
    build.task(1);
    build.resource(1, resource_kind::MUTEX, 1);
    build.acquire(1, 1);
    build.poll(1, 2, |build| {
        build.begin(OperationBegin {
            kind: operation_kind::TIMEOUT,
            units: 5_000_000_000,
            ..OperationBegin::default()
        });
        build.wait(operation_kind::LOCK, 1, 1);
    });
    let told = history(build);
    let panel = panel(&told, &verdict(&told).progress, TaskId(1)).unwrap();
    assert_eq!(panel.at.as_deref(), Some("lock() of mutex #1"));
    assert!(panel.because[1].starts_with("or else it gives up in 5.00 s"));
}

#[test]
fn a_panel_says_what_kind_of_task_it_is() {
    let mut build = build();
    build.event(&ResourceNew {
        resource: 9,
        kind: resource_kind::RUNTIME,
        capacity: 4,
        location: 1,
        ..ResourceNew::default()
    });
    build.event(&TaskNew {
        task: 1,
        name: 3,
        flags: task_flag::UNNAMED | task_flag::BLOCKING,
        executor: 9,
        ..TaskNew::default()
    });
    build.event(&TaskAbort { task: 1 });
    let told = history(build);
    let panel = panel(&told, &verdict(&told).progress, TaskId(1)).unwrap();
    assert_eq!(panel.name, "bank::main");
    assert_eq!(panel.type_name.as_deref(), Some("bank::main::{{closure}}"));
    assert_eq!(panel.kind, Some("blocking job"));
    let executor = panel.executor.as_deref();
    assert_eq!(executor, Some("runtime #9 (src/main.rs:12:9), 4 threads"));
    assert!(panel.abort.is_some());
}
