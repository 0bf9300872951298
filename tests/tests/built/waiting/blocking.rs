//! Polls that go on: whether their thread blocks, and for what.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    OperationBegin, OperationFired, TaskNew, operation_flag, operation_kind, resource_kind,
    section_kind, task_flag,
};
use ais_tests::build::Build;

use super::{bystander, lock, none, only, open_poll, tasks, wake};

const RUNTIME: u64 = 10;
const FOREIGN: u64 = operation_flag::FOREIGN_WAKER;
const BLOCKING: u64 = operation_flag::BLOCKING;
const MILLI: u64 = 1_000_000;

/// A runtime with one thread; task 2 of it holds lock 1, and is ready; lock 2 is held by a task that can go on. Task 1 does something in a
/// poll before, and then does not come to the end of its second one.
fn runs(before: impl FnOnce(&mut Build), inside: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(0);
    build.resource(RUNTIME, resource_kind::RUNTIME, 1);
    for task in [1, 2] {
        build.event(&TaskNew {
            task,
            executor: RUNTIME,
            ..TaskNew::default()
        });
    }
    bystander(&mut build);
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
    });
    build.poll(99, 1, |build| build.acquire(2, 1));
    wake(&mut build, 2, 1);
    build.poll(1, 1, before);
    wake(&mut build, 1, 1);
    open_poll(&mut build, 1, 2);
    inside(&mut build);
    build
}

#[test]
fn a_blocking_operation_is_that_of_the_poll_that_runs() {
    let blocks = |build: &mut Build| _ = lock(build, 1, BLOCKING);
    only(runs(|_| (), blocks), Kind::Starvation, Confidence::Proven);
    none(runs(blocks, |_| ()));
}

#[test]
fn a_task_blocks_on_what_it_polls_in_the_poll_that_runs() {
    let blocks_on = |build: &mut Build| {
        build.event(&TaskNew {
            task: 3,
            flags: task_flag::BLOCK_ON,
            ..TaskNew::default()
        });
        build.poll(3, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    };
    only(
        runs(|_| (), blocks_on),
        Kind::Starvation,
        Confidence::Proven,
    );
    none(runs(blocks_on, |_| ()));
}

/// Afterwards, nothing more is heard of the first thread for so long.
fn silent(mut build: Build, millis: u64) -> Build {
    build.on_thread(2);
    build.pass(millis * MILLI);
    build.poll(99, 1, |_| ());
    build
}

#[test]
fn a_poll_that_falls_silent_over_a_foreign_waker_is_likely_to_block_on_that() {
    let blocks = || runs(|_| (), |build| _ = lock(build, 1, FOREIGN));
    // The task that goes on could have what a guess takes for granted: so it is only possible.
    let found = only(
        silent(blocks(), 200),
        Kind::Starvation,
        Confidence::Possible,
    );
    assert_eq!(super::ids(&found), [1, 2]);
    none(silent(blocks(), 50));
    // With the waker of its task it waits, and does not block.
    none(silent(
        runs(|_| (), |build| _ = build.wait(operation_kind::LOCK, 1, 1)),
        200,
    ));
    // It did something after that.
    let goes_on = runs(
        |_| (),
        |build| {
            lock(build, 1, FOREIGN);
            build.resource(7, resource_kind::MUTEX, 1);
        },
    );
    none(silent(goes_on, 200));
}

#[test]
fn a_silent_poll_blocks_on_nothing_that_was_polled_before_or_has_come() {
    let before = runs(
        |build| _ = lock(build, 2, FOREIGN),
        |build| _ = lock(build, 1, FOREIGN),
    );
    only(silent(before, 200), Kind::Starvation, Confidence::Possible);
    let come = runs(
        |_| (),
        |build| {
            let operation = lock(build, 2, FOREIGN);
            build.event(&OperationFired {
                operation,
                number: 1,
            });
            lock(build, 1, FOREIGN);
        },
    );
    only(silent(come, 200), Kind::Starvation, Confidence::Possible);
}

const WATCH: u64 = 5;

/// Task 1 holds a lock, and sends into a watch channel, which blocks its thread; meanwhile the value is borrowed on another thread, by task
/// 2, which blocks there for the lock.
fn sends_under_a_borrow(borrows: bool, in_a_task: bool) -> Build {
    let mut build = tasks(3);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(WATCH, resource_kind::WATCH, 1);
        build.acquire(1, 1);
    });
    build.poll(3, 1, |build| {
        super::wait_for(build, operation_kind::JOIN, 1)
    });
    build.on_thread(2);
    if in_a_task {
        open_poll(&mut build, 2, 1);
    }
    if borrows {
        build.enter(section_kind::BORROW, WATCH);
    }
    if in_a_task {
        lock(&mut build, 1, BLOCKING);
    }
    build.on_thread(1);
    open_poll(&mut build, 1, 2);
    build.begin(OperationBegin {
        kind: operation_kind::SEND,
        target: WATCH,
        flags: operation_flag::INLINE | BLOCKING,
        ..OperationBegin::default()
    });
    build
}

#[test]
fn a_borrowed_value_of_a_watch_channel_is_a_lock_that_its_sender_waits_for() {
    let found = only(
        sends_under_a_borrow(true, true),
        Kind::DeadlockCycle,
        Confidence::Proven,
    );
    assert_eq!(super::ids(&found), [1, 2]);
    none(sends_under_a_borrow(false, true));
}

#[test]
fn a_value_that_unrecorded_code_borrows_is_let_go_again() {
    none(sends_under_a_borrow(true, false));
}
