//! Locks and permits that must come back.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    Close, Forget, Notify, TaskNew, notify_mode, operation_flag, operation_kind, resource_kind,
};
use ais_tests::build::Build;

use super::{bystander, fire, lock, none, only, tasks, wait_for};

fn acquire(build: &mut Build, resource: u64, units: u64) -> u64 {
    build.wait(operation_kind::ACQUIRE, resource, units)
}

/// All permits of a semaphore are forgotten, and task 1 wants one; task 2 waits for its end.
fn forgotten(and_then: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::SEMAPHORE, 1);
        let hold = build.acquire(1, 1);
        let sequence = build.change(1);
        build.event(&Forget {
            resource: 1,
            sequence,
            hold,
            units: 1,
        });
    });
    and_then(&mut build);
    build.poll(1, 1, |build| acquire(build, 1, 1));
    build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
    build
}

#[test]
fn whoever_reaches_a_semaphore_can_add_permits() {
    only(forgotten(|_| ()), Kind::LeakedWaiter, Confidence::Possible);
    none(forgotten(bystander));
}

#[test]
fn a_closed_semaphore_answers_who_waits() {
    none(forgotten(|build| {
        build.poll(1, 1, |build| {
            let sequence = build.change(1);
            build.event(&Close {
                resource: 1,
                sequence,
            });
        });
    }));
}

#[test]
fn a_semaphore_may_have_been_handed_to_who_adds_permits() {
    let circle = |parent: u64| {
        let mut build = tasks(2);
        build.poll(1, 1, |build| {
            build.resource(1, resource_kind::SEMAPHORE, 1);
            build.resource(2, resource_kind::SEMAPHORE, 1);
        });
        build.event(&TaskNew {
            task: 99,
            parent,
            ..TaskNew::default()
        });
        build.poll(99, 1, |_| ());
        build.poll(1, 1, |build| {
            build.acquire(1, 1);
            acquire(build, 2, 1)
        });
        build.poll(2, 1, |build| {
            build.acquire(2, 1);
            acquire(build, 1, 1)
        });
        build
    };
    only(circle(0), Kind::DeadlockCycle, Confidence::Possible);
    none(circle(1));
}

#[test]
fn a_task_that_wants_more_of_what_it_had_may_have_handed_that_to_a_thread() {
    let mut build = tasks(1);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::SEMAPHORE, 1);
        build.acquire_as(1, 1, operation_flag::INLINE | operation_flag::OWNED);
        acquire(build, 1, 1)
    });
    let found = only(build, Kind::SelfDeadlock, Confidence::Possible);
    let because = found.confidence_because.unwrap();
    assert!(because.contains("what it had itself"), "{because}");
}

#[test]
fn a_task_that_wants_the_lock_it_keeps_waits_for_itself() {
    let mut build = tasks(1);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    only(build, Kind::SelfDeadlock, Confidence::Proven);
}

#[test]
fn a_future_that_was_told_to_go_on_and_is_not_polled_keeps_what_its_task_wants() {
    let mut build = tasks(1);
    bystander(&mut build);
    let sleep = build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        wait_for(build, operation_kind::SLEEP, 0)
    });
    fire(&mut build, 1, sleep, 1);
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    only(build, Kind::Futurelock, Confidence::Proven);
}

#[test]
fn who_was_granted_what_it_wants_is_ahead_of_nobody() {
    let mut build = tasks(4);
    build.poll(4, 1, |build| {
        build.resource(1, resource_kind::SEMAPHORE, 2);
        build.resource(2, resource_kind::MUTEX, 1);
    });
    let holds = build.poll(4, 1, |build| [build.acquire(1, 1), build.acquire(1, 1)]);
    let first = build.poll(1, 1, |build| acquire(build, 1, 1));
    // It was granted one, and waits for something else meanwhile, which task 2 keeps: that one wants the other permit.
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        acquire(build, 1, 1)
    });
    build.last_poll(3, |_| ());
    build.last_poll(4, |build| {
        build.release(1, holds[0], 1);
        fire(build, 1, first, 1);
        build.release(1, holds[1], 1);
    });
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
    none(build);
}

#[test]
fn an_operation_in_the_queue_that_outlived_its_task_may_be_anywhere() {
    let mut build = tasks(3);
    bystander(&mut build);
    let hold = build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1)
    });
    build.poll(3, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.last_poll(3, |_| ());
    build.poll(1, 1, |build| {
        build.release(1, hold, 1);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
    none(build);
}

#[test]
fn what_was_given_to_an_operation_of_which_the_end_is_not_seen_may_be_gone_from_there() {
    let given = |flags: u64| {
        let mut build = tasks(3);
        bystander(&mut build);
        let hold = build.poll(3, 1, |build| {
            build.resource(1, resource_kind::MUTEX, 1);
            build.resource(2, resource_kind::MUTEX, 1);
            build.acquire(1, 1)
        });
        let given = build.poll(1, 1, |build| lock(build, 1, flags));
        build.last_poll(3, |build| {
            build.release(1, hold, 1);
            fire(build, 1, given, 1);
        });
        build.poll(2, 1, |build| {
            build.acquire(2, 1);
            build.wait(operation_kind::LOCK, 1, 1);
        });
        build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
        build
    };
    only(given(0), Kind::Futurelock, Confidence::Proven);
    let unseen = given(operation_flag::NO_DROP);
    only(unseen, Kind::Futurelock, Confidence::Possible);
}

#[test]
fn a_value_that_is_there_is_waited_for_no_more() {
    let mut build = tasks(2);
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::ONCE_CELL, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        let sequence = build.change(1);
        build.event(&Notify {
            resource: 1,
            sequence,
            mode: notify_mode::SET,
            location: 0,
        });
    });
    build.poll(1, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::INIT, 1, 1)
    });
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
    none(build);
}

#[test]
fn what_code_outside_of_recorded_tasks_holds_can_come_back() {
    let held = |outside: bool| {
        let mut build = tasks(2);
        build.poll(1, 1, |build| {
            build.resource(1, resource_kind::MUTEX, 1);
        });
        if outside {
            build.acquire(1, 1);
        } else {
            build.last_poll(2, |build| build.acquire(1, 1));
        }
        build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
        build
    };
    only(held(false), Kind::LeakedWaiter, Confidence::Likely);
    let mut build = held(true);
    build.last_poll(2, |_| ());
    none(build);
}

#[test]
fn a_guard_that_outlived_its_task_may_be_anywhere() {
    let mut build = tasks(3);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
    });
    build.last_poll(3, |build| build.acquire(1, 1));
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
    none(build);
}
