//! Polls that take long.

use ais_analyzer::findings::{Confidence, Kind, Thresholds, slow_findings};
use ais_analyzer::time::Nanos;
use ais_format::event::{
    Location, PollBegin, SectionEnd, TaskNew, operation_kind, resource_kind, section_kind,
    task_flag,
};
use ais_tests::build::Build;

use super::super::history;
use super::{MILLI, found, none, only, texts, wake};

fn task_with(build: &mut Build, task: u64, flags: u64) {
    build.event(&TaskNew {
        task,
        flags,
        ..TaskNew::default()
    });
}

/// A task with these flags has one poll of so many milliseconds.
fn polled(flags: u64, millis: u64) -> Build {
    let mut build = Build::new();
    task_with(&mut build, 1, flags);
    build.poll(1, 1, |build| build.pass(millis * MILLI));
    build
}

fn begin(build: &mut Build, task: u64, poll: u64) {
    build.event(&PollBegin {
        task,
        poll,
        waker: 1,
        ..PollBegin::default()
    });
}

#[test]
fn a_poll_is_long_from_the_limit_on() {
    let finding = only(polled(0, 120), Kind::LongPoll, Confidence::Possible);
    assert_eq!(
        finding.title,
        "task #1 kept its thread for 120 ms in one poll"
    );
    assert!(
        finding
            .confidence_because
            .unwrap()
            .contains("the limit of 100 ms")
    );
    none(polled(0, 99));
    let limits = Thresholds {
        long_poll: Nanos(90 * MILLI),
        ..Thresholds::default()
    };
    assert_eq!(slow_findings(&history(polled(0, 99)), &limits).len(), 1);
}

#[test]
fn a_poll_that_goes_on_at_the_end_is_likely_to_hang() {
    let mut build = Build::new();
    build.task(1);
    begin(&mut build, 1, 1);
    build.pass(3_000 * MILLI);
    build.task(2);
    build.on_thread(2);
    build.pass(2_000 * MILLI);
    build.task(3);
    let finding = only(build, Kind::LongPoll, Confidence::Likely);
    assert!(
        finding.title.contains("has kept its thread for 5.00 s"),
        "{}",
        finding.title
    );
    assert!(texts(&finding).contains("nothing is recorded of its thread for the last 2.00 s"));
}

#[test]
fn what_is_missing_makes_an_open_poll_possible_only() {
    let mut build = Build::new();
    build.task(1);
    begin(&mut build, 1, 1);
    build.pass(300 * MILLI);
    build.task(2);
    let mut told = history(build);
    told.loss.events_dropped = 3;
    let found = slow_findings(&told, &Thresholds::default());
    assert_eq!(found[0].confidence, Confidence::Possible);
    let because = found[0].confidence_because.as_deref().unwrap();
    assert!(
        because.starts_with("the record is incomplete: "),
        "{because}"
    );
}

#[test]
fn a_poll_of_which_the_end_may_be_lost_is_not_accused() {
    let mut build = Build::new();
    build.task(1);
    begin(&mut build, 1, 1);
    build.pass(300 * MILLI);
    begin(&mut build, 1, 3);
    none(build);
}

#[test]
fn jobs_that_may_block_are_not_accused() {
    none(polled(task_flag::BLOCKING, 500));
    // Nor what they block on.
    let mut build = Build::new();
    task_with(&mut build, 1, task_flag::BLOCKING);
    build.task(2);
    build.poll(1, 0, |build| {
        build.poll(2, 0, |build| build.pass(300 * MILLI));
    });
    none(build);
}

#[test]
fn who_blocks_on_a_future_keeps_nobody_from_a_thread_that_nobody_else_uses() {
    none(polled(task_flag::BLOCK_ON, 500));
    let mut shared = polled(task_flag::BLOCK_ON, 500);
    shared.task(2);
    shared.poll(2, 1, |_| ());
    only(shared, Kind::LongPoll, Confidence::Possible);
    // Something else in the same future was ready.
    let mut build = Build::new();
    task_with(&mut build, 1, task_flag::BLOCK_ON);
    begin(&mut build, 1, 1);
    build.pass(200 * MILLI);
    build.on_thread(2);
    wake(&mut build, 1, 1);
    build.pass(200 * MILLI);
    build.task(2);
    only(build, Kind::LongPoll, Confidence::Likely);
}

#[test]
fn the_innermost_poll_is_to_blame() {
    let nested = |outer: u64, inner: u64| {
        let mut build = Build::new();
        build.task(1);
        build.task(2);
        build.poll(1, 1, |build| {
            build.pass(outer * MILLI);
            build.poll(2, 1, |build| build.pass(inner * MILLI));
        });
        build
    };
    let finding = only(nested(10, 150), Kind::LongPoll, Confidence::Possible);
    assert_eq!(finding.tasks[0].id.0, 2);
    let finding = only(nested(150, 10), Kind::LongPoll, Confidence::Possible);
    assert_eq!(finding.tasks[0].id.0, 1);
    assert!(
        texts(&finding).contains("150 ms of that by itself"),
        "{}",
        texts(&finding)
    );
    none(nested(60, 60));
}

#[test]
fn what_blocks_in_place_keeps_nobody() {
    let in_place = |blocks: u64, then: u64| {
        let mut build = Build::new();
        build.task(1);
        build.poll(1, 1, |build| {
            build.enter(section_kind::BLOCK_IN_PLACE, 0);
            build.pass(blocks * MILLI);
            build.event(&SectionEnd {
                kind: section_kind::BLOCK_IN_PLACE,
                resource: 0,
            });
            build.pass(then * MILLI);
        });
        build
    };
    none(in_place(500, 50));
    only(in_place(50, 150), Kind::LongPoll, Confidence::Possible);
    let mut open = Build::new();
    open.task(1);
    begin(&mut open, 1, 1);
    open.enter(section_kind::BLOCK_IN_PLACE, 0);
    open.pass(500 * MILLI);
    open.task(2);
    none(open);
}

#[test]
fn tasks_of_one_kind_are_one_finding() {
    let mut build = Build::new();
    for task in 1..=3 {
        build.task(task);
        build.poll(task, 1, |build| build.pass(100 * task * MILLI));
        build.poll(task, 1, |_| ());
    }
    let finding = only(build, Kind::LongPoll, Confidence::Possible);
    assert!(finding.title.contains("task #3 kept its thread for 300 ms"));
    assert!(
        texts(&finding).contains("3 polls of 3 such tasks took longer than 100 ms, 600 ms in all")
    );
}

#[test]
fn what_it_did_before_and_after_is_told() {
    let mut build = Build::new();
    build.text(1, "src/cache.rs");
    build.define(&Location {
        id: 1,
        file: 1,
        line: 30,
        column: 9,
    });
    build.resource(1, resource_kind::MUTEX, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    build.task(1);
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        build.pass(150 * MILLI);
        build.begin(ais_format::event::OperationBegin {
            kind: operation_kind::LOCK,
            target: 2,
            units: 1,
            sequence: u64::MAX,
            location: 1,
            ..ais_format::event::OperationBegin::default()
        });
        build.pass(10 * MILLI);
    });
    let finding = &found(build)[0];
    let told = texts(finding);
    assert!(
        told.contains("the last thing before that: task #1 took mutex #1"),
        "{told}"
    );
    assert!(
        told.contains("the next thing, 150 ms later: task #1 asked for lock() of mutex #2 at src/cache.rs:30:9"),
        "{told}"
    );
}

#[test]
fn long_waits_are_no_polls() {
    let mut build = Build::new();
    build.task(1);
    for _ in 0..5 {
        build.poll(1, 1, |_| ());
        build.pass(10_000 * MILLI);
    }
    none(build);
}
