//! Circles that something broke, or is going to.

use std::path::PathBuf;

use ais_analyzer::findings::{Confidence, Ended, Finding, Kind, broken_findings};
use ais_analyzer::{Source, Trace};
use ais_format::event::{
    OperationBegin, OperationEnd, SectionEnd, TaskAbort, TaskDrop, operation_flag, operation_kind,
    outcome, resource_kind, section_kind,
};
use ais_tests::build::Build;
use ais_tests::glance::misses_nothing;

use super::{bystander, fire, none, tasks, wake};

const LIMIT: u64 = 1_000_000;

fn broken(build: Build) -> Vec<Finding> {
    let (path, bytes) = (PathBuf::from("built.ais"), build.finish());
    let trace = || Trace::from_source(Source::from_bytes(&path, bytes.clone()).unwrap()).unwrap();
    misses_nothing(trace());
    broken_findings(&trace())
}

#[track_caller]
fn only(build: Build, ended: Ended) -> Finding {
    let mut found = broken(build);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    assert_eq!(
        (finding.kind, finding.confidence, finding.resolved),
        (Kind::DeadlockCycle, Confidence::Proven, Some(ended)),
        "{finding:#?}"
    );
    finding
}

/// Two tasks that wait for each other's lock: what each holds, and by what it waits; and the time-out of the first.
struct Circle {
    holds: [u64; 2],
    waits: [u64; 2],
    limit: u64,
}

fn locks() -> Build {
    let mut build = tasks(2);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
    });
    build.poll(2, 1, |_| ());
    build
}

fn circle(build: &mut Build, limit: Option<u64>) -> Circle {
    let first = build.poll(1, 1, |build| build.acquire(1, 1));
    let second = build.poll(2, 1, |build| build.acquire(2, 1));
    let (limit, waits) = build.poll(1, 1 + u64::from(limit.is_some()), |build| {
        let limit = limit.map(|kind| {
            build.begin(OperationBegin {
                kind,
                units: LIMIT,
                flags: operation_flag::INLINE,
                ..OperationBegin::default()
            })
        });
        (
            limit.unwrap_or_default(),
            build.wait(operation_kind::LOCK, 2, 1),
        )
    });
    Circle {
        holds: [first, second],
        waits: [
            waits,
            build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1)),
        ],
        limit,
    }
}

/// The first task gives up.
fn give_up(build: &mut Build, circle: &Circle) {
    let sequence = build.change(2);
    build.event(&OperationEnd {
        operation: circle.waits[0],
        outcome: outcome::DROPPED,
        resource: 2,
        sequence,
    });
    build.release(1, circle.holds[0], 1);
}

/// Its time-out passes; the other one goes on. These are the wakes with this number.
fn time_out(build: &mut Build, circle: &Circle, number: u64) {
    build.pass(LIMIT);
    fire(build, 1, circle.limit, number);
    build.poll(1, 1, |build| {
        build.event(&OperationEnd {
            operation: circle.limit,
            outcome: outcome::READY,
            ..OperationEnd::default()
        });
        give_up(build, circle);
        fire(build, 2, circle.waits[1], number);
    });
    build.poll(2, 1, |build| {
        build.ready(circle.waits[1], 1);
        let hold = build.acquire(1, 1);
        build.release(1, hold, 1);
        build.release(2, circle.holds[1], 1);
    });
}

#[test]
fn a_circle_broken_by_a_time_out_around_all_of_a_task_is_found_though_the_task_completed_first() {
    let mut build = locks();
    let once = circle(&mut build, Some(operation_kind::TIMEOUT));
    build.pass(LIMIT);
    fire(&mut build, 1, once.limit, 1);
    build.last_poll(1, |build| {
        build.event(&OperationEnd {
            operation: once.limit,
            outcome: outcome::READY,
            ..OperationEnd::default()
        });
    });
    // What it was made of is dropped after that.
    give_up(&mut build, &once);
    fire(&mut build, 2, once.waits[1], 1);
    build.poll(2, 1, |build| {
        build.ready(once.waits[1], 1);
        let hold = build.acquire(1, 1);
        build.release(1, hold, 1);
        build.release(2, once.holds[1], 1);
    });
    only(build, Ended::Timeout);
}

#[test]
fn a_circle_that_a_time_out_broke_is_found() {
    let mut build = locks();
    let once = circle(&mut build, Some(operation_kind::TIMEOUT));
    time_out(&mut build, &once, 1);
    let finding = only(build, Ended::Timeout);
    let how = finding.resolution.unwrap();
    assert_eq!(how.times, 1);
    assert!(how.lasted.0 >= LIMIT && how.lasted.0 < LIMIT + 1000);
    assert!(how.text.contains("task #1"), "{}", how.text);
    assert!(finding.why_it_cannot_end.starts_with("without that, "));
}

#[test]
fn a_sleep_that_a_task_raced_against_its_wait_is_a_time_out_once_it_ended_that() {
    let mut build = locks();
    let once = circle(&mut build, Some(operation_kind::SLEEP));
    time_out(&mut build, &once, 1);
    only(build, Ended::Timeout);

    let mut build = locks();
    circle(&mut build, Some(operation_kind::SLEEP));
    assert!(broken(build).is_empty(), "it may do something else");
}

#[test]
fn circles_of_one_kind_are_told_once_and_counted() {
    let mut build = locks();
    for number in 1..=3 {
        let again = circle(&mut build, Some(operation_kind::TIMEOUT));
        build.pass(number * LIMIT);
        time_out(&mut build, &again, number);
    }
    let how = only(build, Ended::Timeout).resolution.unwrap();
    assert_eq!(how.times, 3);
    assert!(how.lasted.0 >= 4 * LIMIT, "the longest is told");
}

#[test]
fn a_circle_of_which_a_task_was_cancelled_is_found() {
    let mut build = locks();
    let broken = circle(&mut build, None);
    build.event(&TaskAbort { task: 1 });
    give_up(&mut build, &broken);
    build.event(&TaskDrop { task: 1 });
    let how = only(build, Ended::Cancelled).resolution.unwrap();
    assert_eq!(how.times, 1);
    assert!(how.text.starts_with("task #1 ") && how.text.ends_with("was cancelled"));
}

#[test]
fn a_task_that_something_else_than_a_timer_woke_was_not_stuck() {
    let mut build = locks();
    let woken = circle(&mut build, None);
    wake(&mut build, 1, 1);
    build.poll(1, 1, |build| give_up(build, &woken));
    assert!(broken(build).is_empty());

    let mut build = locks();
    let told = circle(&mut build, Some(operation_kind::TIMEOUT));
    fire(&mut build, 1, told.waits[0], 1);
    build.poll(1, 1, |build| give_up(build, &told));
    assert!(broken(build).is_empty());
}

#[test]
fn a_circle_that_a_time_out_is_going_to_break_is_found_at_the_end() {
    let soon = || {
        let mut build = locks();
        circle(&mut build, Some(operation_kind::TIMEOUT));
        build
    };
    none(soon());
    let how = only(soon(), Ended::Timeout).resolution.unwrap();
    assert_eq!(how.times, 1);
    assert!(how.text.ends_with("after the end of the trace"), "{how:?}");

    // One that nothing is going to break is not broken.
    let mut build = locks();
    circle(&mut build, None);
    assert!(broken(build).is_empty());
}

#[test]
fn a_task_that_a_timer_of_another_task_woke_was_not_stuck() {
    let mut build = locks();
    let sleep = build.poll(99, 1, |build| {
        build.begin(OperationBegin {
            kind: operation_kind::SLEEP,
            units: LIMIT,
            ..OperationBegin::default()
        })
    });
    let woken = circle(&mut build, None);
    fire(&mut build, 1, sleep, 1);
    build.poll(1, 1, |build| give_up(build, &woken));
    assert!(broken(build).is_empty());
}

const RUNTIME: u64 = 10;

fn shut_down(build: &mut Build) {
    build.enter(section_kind::SHUTDOWN, RUNTIME);
}

fn is_shut_down(build: &mut Build) {
    build.event(&SectionEnd {
        kind: section_kind::SHUTDOWN,
        resource: RUNTIME,
    });
}

/// A circle of which a task is dropped, with this before and after that; the program goes on.
fn dropped(before: impl FnOnce(&mut Build), after: impl FnOnce(&mut Build)) -> Build {
    let mut build = locks();
    let broken = circle(&mut build, None);
    before(&mut build);
    give_up(&mut build, &broken);
    build.event(&TaskDrop { task: 1 });
    after(&mut build);
    build.poll(99, 1, |_| ());
    build
}

#[test]
fn a_circle_that_the_shutdown_of_a_runtime_broke_is_found() {
    let build = dropped(shut_down, is_shut_down);
    let how = only(build, Ended::Shutdown).resolution.unwrap();
    assert_eq!(how.text, "a runtime was shut down");
}

#[test]
fn a_shutdown_at_another_time_broke_nothing() {
    let before = |build: &mut Build| {
        shut_down(build);
        is_shut_down(build);
    };
    only(dropped(before, |_| ()), Ended::Cancelled);
    let after = |build: &mut Build| {
        shut_down(build);
        is_shut_down(build);
    };
    only(dropped(|_| (), after), Ended::Cancelled);
}

#[test]
fn a_task_is_cancelled_when_that_is_asked_for() {
    let mut asked = 0;
    let build = dropped(
        |build| {
            build.pass(LIMIT);
            asked = build.event(&TaskAbort { task: 1 });
            build.pass(LIMIT);
        },
        |_| (),
    );
    let how = only(build, Ended::Cancelled).resolution.unwrap();
    assert_eq!(how.at.0, asked);
    assert!(how.lasted.0 < 2 * LIMIT);
}

#[test]
fn who_gave_up_behind_a_circle_has_not_broken_it() {
    let mut build = locks();
    build.task(3);
    circle(&mut build, None);
    let [limit, waits] = build.poll(3, 2, |build| {
        let limit = build.begin(OperationBegin {
            kind: operation_kind::TIMEOUT,
            units: LIMIT,
            flags: operation_flag::INLINE,
            ..OperationBegin::default()
        });
        [limit, build.wait(operation_kind::LOCK, 1, 1)]
    });
    build.pass(LIMIT);
    fire(&mut build, 3, limit, 1);
    build.poll(3, 0, |build| {
        build.event(&OperationEnd {
            operation: limit,
            outcome: outcome::READY,
            ..OperationEnd::default()
        });
        let sequence = build.change(1);
        build.event(&OperationEnd {
            operation: waits,
            outcome: outcome::DROPPED,
            resource: 1,
            sequence,
        });
    });
    assert!(broken(build).is_empty());
}
