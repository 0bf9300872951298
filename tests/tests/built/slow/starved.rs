//! Operations that are ready and not polled.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    OperationBegin, OperationEnd, OperationFired, operation_flag, operation_kind, outcome,
    resource_kind,
};
use ais_tests::build::Build;

use super::{MILLI, fire, none, only, poll_again, texts, wake};

/// A task waits for a lock, with an operation that has these flags; what comes then?
fn waits(flags: u64, then: impl FnOnce(&mut Build, u64)) -> Build {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    build.task(1);
    let operation = build.poll(1, 1, |build| {
        build.begin(OperationBegin {
            kind: operation_kind::LOCK,
            target: 1,
            units: 1,
            sequence: u64::MAX,
            flags,
            ..OperationBegin::default()
        })
    });
    then(&mut build, operation);
    build
}

/// So many polls within so many milliseconds.
fn polls(build: &mut Build, polls: u64, millis: u64) {
    for _ in 0..polls {
        build.poll(1, 1, |_| ());
        build.pass(millis * MILLI / polls);
    }
}

#[test]
fn what_is_ready_and_never_polled_starves() {
    let build = waits(operation_flag::INLINE, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 60, 600);
    });
    let finding = only(build, Kind::Starvation, Confidence::Likely);
    assert!(
        finding.title.starts_with("lock() of task #1"),
        "{}",
        finding.title
    );
    assert!(texts(&finding).contains("was polled 60 times after that, and never polled it"));
    assert_eq!(finding.resources[0].id.0, 1);
}

#[test]
fn it_takes_long_and_many_polls() {
    none(waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 60, 400);
    }));
    none(waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 40, 600);
    }));
}

#[test]
fn what_is_not_ready_does_not_starve() {
    none(waits(0, |build, _| polls(build, 60, 600)));
}

#[test]
fn what_is_polled_again_does_not_starve() {
    none(waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        build.poll(1, 1, |build| poll_again(build, operation, 1));
        polls(build, 60, 600);
    }));
    none(waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        build.poll(1, 1, |build| build.ready(operation, 1));
        polls(build, 60, 600);
    }));
}

#[test]
fn a_poll_between_a_wake_and_the_stamp_of_its_firing_counts() {
    none(waits(0, |build, operation| {
        build.on_thread(2);
        wake(build, 1, 1);
        // The task is quicker than the thread that wakes it.
        build.on_thread(1);
        build.poll(1, 1, |build| poll_again(build, operation, 0));
        build.on_thread(2);
        build.event(&OperationFired {
            operation,
            number: 1,
        });
        build.on_thread(1);
        polls(build, 60, 600);
    }));
}

#[test]
fn what_was_polled_in_the_end_is_possible() {
    let build = waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 60, 600);
        build.poll(1, 1, |build| build.ready(operation, 1));
    });
    only(build, Kind::Starvation, Confidence::Possible);
    let dropped = waits(0, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 60, 600);
        let sequence = build.change(1);
        build.event(&OperationEnd {
            operation,
            outcome: outcome::DROPPED,
            resource: 1,
            sequence,
        });
    });
    only(dropped, Kind::Starvation, Confidence::Possible);
}

#[test]
fn what_may_have_been_given_up_unseen_is_not_accused() {
    for flags in [operation_flag::NO_DROP, operation_flag::BLOCKING] {
        none(waits(flags, |build, operation| {
            fire(build, 1, operation, 1);
            polls(build, 60, 600);
        }));
    }
}

#[test]
fn an_executor_inside_the_task_is_told_of() {
    let build = waits(operation_flag::FOREIGN_WAKER, |build, operation| {
        fire(build, 1, operation, 1);
        polls(build, 60, 600);
    });
    let finding = only(build, Kind::Starvation, Confidence::Likely);
    assert!(texts(&finding).contains("polled by an executor inside of the task"));
}
