//! Locks that are held across an await.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{operation_kind, resource_kind};
use ais_tests::build::Build;

use super::{MILLI, none, only, texts};

/// Task 1 takes a lock and does this with it; others wait for it meanwhile.
fn holds(kind: u64, waiters: u64, then: impl FnOnce(&mut Build, u64)) -> Build {
    let mut build = Build::new();
    build.resource(1, kind, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    build.task(1);
    let hold = build.poll(1, 1, |build| build.acquire(1, 1));
    let waiting: Vec<u64> = (2..2 + waiters)
        .map(|task| {
            build.task(task);
            build.poll(task, 1, |build| build.wait(operation_kind::LOCK, 1, 1))
        })
        .collect();
    then(&mut build, hold);
    for (task, operation) in (2..).zip(waiting) {
        build.poll(task, 1, |build| build.ready(operation, 1));
    }
    build
}

/// Gives it back after so many milliseconds in which it waits for something.
fn awaits(millis: u64) -> impl FnOnce(&mut Build, u64) {
    move |build, hold| {
        build.pass(millis * MILLI);
        build.poll(1, 1, |build| build.release(1, hold, 1));
    }
}

#[test]
fn a_lock_that_is_held_across_an_await_while_others_wait_is_told_of() {
    let build = holds(resource_kind::MUTEX, 3, awaits(1_200));
    let finding = only(build, Kind::Starvation, Confidence::Possible);
    assert_eq!(
        finding.title,
        "task #1 held mutex #1 for 1.20 s across an await while 3 tasks waited"
    );
    assert!(texts(&finding).contains("3 tasks waited for it (#2, #3, #4), for up to 1.20 s"));
    assert!(finding.advice.contains("narrow the guard's scope"));
}

#[test]
fn short_holds_and_those_that_nobody_waits_for_are_none() {
    none(holds(resource_kind::MUTEX, 3, awaits(200)));
    none(holds(resource_kind::MUTEX, 0, awaits(1_200)));
    // For permits it is the rule.
    none(holds(resource_kind::SEMAPHORE, 3, awaits(1_200)));
}

#[test]
fn who_came_late_did_not_wait() {
    let mut build = holds(resource_kind::MUTEX, 0, |_, _| ());
    build.pass(1_000 * MILLI);
    build.task(2);
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.pass(10 * MILLI);
    build.poll(1, 1, |build| build.release(1, 1, 1));
    none(build);
}

#[test]
fn a_holder_that_works_all_the_time_holds_it_across_no_await() {
    none(holds(resource_kind::MUTEX, 2, |build, hold| {
        for _ in 0..20 {
            build.poll(1, 1, |build| build.pass(50 * MILLI));
        }
        build.poll(1, 1, |build| build.release(1, hold, 1));
    }));
}

/// Task 1 holds a lock to the end, and waits for something else in between, or for another lock.
fn to_the_end(waits_for_a_lock: bool) -> Build {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    build.task(1);
    build.task(2);
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        if waits_for_a_lock {
            build.wait(operation_kind::LOCK, 2, 1);
        }
    });
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.pass(500 * MILLI);
    build.task(3);
    build
}

#[test]
fn who_waits_for_another_lock_is_not_the_one_to_blame() {
    let finding = only(to_the_end(false), Kind::Starvation, Confidence::Possible);
    assert!(
        finding.title.contains("has held mutex #1"),
        "{}",
        finding.title
    );
    assert_eq!(finding.victims.len(), 1);
    none(to_the_end(true));
}
