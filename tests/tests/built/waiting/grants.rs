//! What was given to an operation that nobody polls.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{operation_kind, resource_kind};
use ais_tests::build::Build;

use super::{bystander, fire, none, only, tasks};

/// Task 1 waits for a lock, is given it, does not take it, and waits for the lock anew; so many wakers of it live then. Or it waits for
/// something else, and task 2 for the lock.
fn given_and_not_taken(wakers: u64, by_others: bool) -> Build {
    let mut build = tasks(3);
    bystander(&mut build);
    let hold = build.poll(3, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        build.acquire(1, 1)
    });
    let given_up = build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.last_poll(3, |build| {
        build.release(1, hold, 1);
        fire(build, 1, given_up, 1);
    });
    if by_others {
        build.poll(2, 1, |build| {
            build.acquire(2, 1);
            build.wait(operation_kind::LOCK, 1, 1);
        });
        build.poll(1, wakers, |build| build.wait(operation_kind::LOCK, 2, 1));
    } else {
        build.poll(1, wakers, |build| build.wait(operation_kind::LOCK, 1, 1));
    }
    build
}

#[test]
fn an_operation_that_was_given_a_lock_and_is_not_polled_keeps_it() {
    let alone = only(
        given_and_not_taken(1, false),
        Kind::Futurelock,
        Confidence::Proven,
    );
    assert_eq!(super::ids(&alone), [1]);
    let both = only(
        given_and_not_taken(1, true),
        Kind::Futurelock,
        Confidence::Proven,
    );
    assert_eq!(super::ids(&both), [1, 2]);
}

#[test]
fn it_can_be_taken_as_long_as_its_task_can_be_woken_otherwise() {
    none(given_and_not_taken(2, false));
    none(given_and_not_taken(2, true));
}

#[test]
fn an_operation_that_was_given_a_lock_is_about_to_take_it() {
    let mut build = tasks(2);
    let hold = build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1)
    });
    let waits = build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.last_poll(2, |build| {
        build.release(1, hold, 1);
        fire(build, 1, waits, 1);
    });
    none(build);
}
