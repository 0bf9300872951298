//! Who is said to wait for ever, and how sure that is.

use std::path::Path;

use ais_analyzer::findings::{Confidence, Finding, Kind};
use ais_analyzer::history::History;
use ais_analyzer::{Source, Trace};
use ais_format::event::{
    Add, OperationBegin, Release, TaskAbort, operation_flag, operation_kind, resource_kind,
    section_kind,
};
use ais_tests::build::Build;

use super::{findings, history};

const READERS: u64 = 100;

/// So many tasks, and so many resources of a kind.
fn tasks_and(tasks: u64, kind: u64, capacities: &[u64]) -> Build {
    let mut build = Build::new();
    (1..=tasks).for_each(|task| build.task(task));
    // Made by a task: code that nobody recorded has no part in them.
    build.poll(1, 1, |build| {
        for (id, &capacity) in (1..).zip(capacities) {
            build.resource(id, kind, capacity);
        }
    });
    build
}

/// A task that can go on: what it waits for is not recorded.
fn bystander(build: &mut Build) {
    build.task(99);
    build.poll(99, 1, |_| ());
}

fn found(build: Build) -> Vec<Finding> {
    findings(&history(build))
}

#[track_caller]
fn only(build: Build, kind: Kind, confidence: Confidence) -> Finding {
    let mut found = found(build);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    assert_eq!((finding.kind, finding.confidence), (kind, confidence));
    finding
}

fn wait_with(build: &mut Build, kind: u64, resource: u64, units: u64, flags: u64) {
    build.begin(OperationBegin {
        kind,
        target: resource,
        units,
        sequence: u64::MAX,
        flags,
        ..OperationBegin::default()
    });
}

#[test]
fn a_reader_and_a_writer_of_two_locks_wait_for_each_other() {
    let mut build = tasks_and(2, resource_kind::RWLOCK, &[READERS, READERS]);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        build.wait(operation_kind::WRITE, 2, READERS);
    });
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::WRITE, 1, READERS);
    });
    let finding = only(build, Kind::DeadlockCycle, Confidence::Proven);
    assert!(finding.facts[0].text.contains("holds rwlock #1 to read"));
    assert!(finding.facts[1].text.contains("wants to write rwlock #2"));
}

#[test]
fn a_lock_is_free_when_all_its_readers_can_go() {
    let mut build = tasks_and(2, resource_kind::RWLOCK, &[READERS, READERS]);
    bystander(&mut build);
    // One reader that can go on does not help a writer while the other cannot.
    build.poll(99, 1, |build| build.acquire(1, 1));
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        build.wait(operation_kind::WRITE, 2, READERS);
    });
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::WRITE, 1, READERS);
    });
    let two = build;
    only(two, Kind::DeadlockCycle, Confidence::Proven);

    let mut build = tasks_and(2, resource_kind::RWLOCK, &[READERS]);
    bystander(&mut build);
    build.poll(99, 1, |build| build.acquire(1, 1));
    build.poll(1, 1, |build| build.wait(operation_kind::WRITE, 1, READERS));
    assert!(found(build).is_empty());
}

/// A task reads what it reads already, and a writer came in between.
fn reads_twice(overlap: u64, writer_flags: u64) -> Build {
    let mut build = tasks_and(2, resource_kind::RWLOCK, &[READERS]);
    bystander(&mut build);
    build.poll(1, 1, |build| build.acquire(1, 1));
    build.poll(2, 1, |build| {
        wait_with(build, operation_kind::WRITE, 1, READERS, writer_flags);
    });
    build.poll(1, 1, |build| {
        build.begin(OperationBegin {
            kind: operation_kind::READ,
            target: 1,
            units: 1,
            sequence: u64::MAX,
            flags: operation_flag::INLINE,
            overlap,
            ..OperationBegin::default()
        });
    });
    build
}

#[test]
fn a_second_read_behind_a_writer_waits_for_the_first() {
    let build = reads_twice(0, operation_flag::INLINE);
    let finding = only(build, Kind::DeadlockCycle, Confidence::Proven);
    assert!(finding.advice.contains("do not read-lock again"));
    let facts: Vec<&str> = finding.facts.iter().map(|fact| &*fact.text).collect();
    assert!(
        facts[0].contains("task #1 holds rwlock #1 to read"),
        "{facts:#?}"
    );
    assert!(
        facts[2].contains("task #2 stands before it in the queue"),
        "{facts:#?}"
    );

    assert!(
        found(reads_twice(1, operation_flag::INLINE)).is_empty(),
        "the order is unknown"
    );
    let no_budget = operation_flag::INLINE | operation_flag::NO_BUDGET;
    assert!(found(reads_twice(0, no_budget)).is_empty());
    // The writer may have been moved to somebody who gives up.
    let moved = reads_twice(0, 0);
    only(moved, Kind::DeadlockCycle, Confidence::Possible);
}

/// Two tasks with a lock each that want the other's; the first took its one with these flags.
fn abba(kind: u64, capacity: u64, operation: u64, flags: u64) -> Build {
    let mut build = tasks_and(2, kind, &[capacity, capacity]);
    build.poll(1, 1, |build| {
        build.acquire_as(1, capacity, flags);
        build.wait(operation, 2, capacity);
    });
    build.poll(2, 1, |build| {
        build.acquire(2, capacity);
        build.wait(operation, 1, capacity);
    });
    build
}

#[test]
fn a_guard_that_borrows_nothing_may_be_anywhere() {
    use operation_flag::{INLINE, MAYBE_STATIC, OWNED, STATIC};
    for flags in [INLINE | OWNED, INLINE | STATIC, INLINE | MAYBE_STATIC, 0] {
        let locks = || abba(resource_kind::MUTEX, 1, operation_kind::LOCK, flags);
        only(locks(), Kind::DeadlockCycle, Confidence::Likely);
        let mut beside = locks();
        bystander(&mut beside);
        // It could have the guard, though that is not what guards are for.
        only(beside, Kind::DeadlockCycle, Confidence::Possible);
    }
    let build = abba(resource_kind::MUTEX, 1, operation_kind::LOCK, INLINE);
    only(build, Kind::DeadlockCycle, Confidence::Proven);
}

#[test]
fn permits_are_at_most_likely_to_be_waited_for_in_vain() {
    let permits = || {
        abba(
            resource_kind::SEMAPHORE,
            2,
            operation_kind::ACQUIRE,
            operation_flag::INLINE,
        )
    };
    let finding = only(permits(), Kind::DeadlockCycle, Confidence::Likely);
    assert!(
        finding.facts[0]
            .text
            .contains("holds 2 permits of semaphore #1")
    );
    assert!(
        finding.facts[1]
            .text
            .contains("wants 2 permits of semaphore #2")
    );
    let mut beside = permits();
    bystander(&mut beside);
    // It could add some.
    only(beside, Kind::DeadlockCycle, Confidence::Possible);
    let mut added = permits();
    let sequence = added.change(1);
    added.event(&Add {
        resource: 1,
        sequence,
        units: 1,
        location: 0,
    });
    assert!(found(added).is_empty(), "code that is not recorded did");
}

#[test]
fn an_operation_without_budget_waits_for_nothing() {
    let mut build = tasks_and(2, resource_kind::MUTEX, &[1, 1]);
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        let flags = operation_flag::INLINE | operation_flag::NO_BUDGET;
        wait_with(build, operation_kind::LOCK, 2, 1, flags);
    });
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::LOCK, 1, 1);
    });
    assert!(found(build).is_empty());
}

#[test]
fn a_task_that_is_to_be_cancelled_gives_back_what_it_holds() {
    let mut build = abba(
        resource_kind::MUTEX,
        1,
        operation_kind::LOCK,
        operation_flag::INLINE,
    );
    build.event(&TaskAbort { task: 2 });
    assert!(found(build).is_empty());
}

/// Task 1 holds what task 2 wants, and has waited for the end of task 2, by a handle that outlives that; and for something more.
fn joins(and_more: impl FnOnce(&mut Build), wakers: u64) -> Build {
    let mut build = tasks_and(2, resource_kind::MUTEX, &[1]);
    bystander(&mut build);
    build.poll(1, wakers, |build| {
        build.acquire(1, 1);
        build.begin(OperationBegin {
            kind: operation_kind::JOIN,
            target: 2,
            flags: operation_flag::INLINE | operation_flag::NO_DROP,
            ..OperationBegin::default()
        });
        and_more(build);
    });
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build
}

#[test]
fn a_handle_that_may_not_be_awaited_any_more_proves_nothing_beside_another_wait() {
    only(joins(|_| (), 1), Kind::DeadlockCycle, Confidence::Proven);
    let again = |build: &mut Build| _ = build.wait(operation_kind::LOCK, 1, 1);
    let found_beside = found(joins(again, 2));
    assert!(
        found_beside
            .iter()
            .all(|finding| finding.confidence == Confidence::Likely),
        "{found_beside:#?}"
    );
    let sleeps = |build: &mut Build| {
        build.begin(OperationBegin {
            kind: operation_kind::SLEEP,
            units: 1000,
            ..OperationBegin::default()
        });
    };
    assert!(found(joins(sleeps, 2)).is_empty());
}

#[test]
fn a_lock_of_which_the_record_contradicts_itself_is_not_judged() {
    let mut build = abba(
        resource_kind::MUTEX,
        1,
        operation_kind::LOCK,
        operation_flag::INLINE,
    );
    let sequence = build.change(1);
    build.event(&Release {
        resource: 1,
        sequence,
        hold: 55,
        units: 1,
    });
    assert!(found(build).is_empty());
}

#[test]
fn where_something_is_missing_nothing_is_more_than_possible() {
    let circle = || {
        history(abba(
            resource_kind::MUTEX,
            1,
            operation_kind::LOCK,
            operation_flag::INLINE,
        ))
    };
    let confidence = |told: &History| {
        let found = findings(told);
        assert_eq!(found.len(), 1, "{found:#?}");
        (
            found[0].confidence,
            found[0].confidence_because.clone().unwrap_or_default(),
        )
    };
    assert_eq!(confidence(&circle()).0, Confidence::Proven);

    let mut lossy = circle();
    lossy.loss.events_dropped = 1;
    let (possible, because) = confidence(&lossy);
    assert_eq!(possible, Confidence::Possible);
    assert!(because.starts_with("the record is incomplete"), "{because}");
    // What was lost was told anew later.
    lossy.is_healed = true;
    assert_eq!(confidence(&lossy).0, Confidence::Proven);

    let mut partial = circle();
    partial.begins_whole = Some(false);
    let (possible, because) = confidence(&partial);
    assert_eq!(possible, Confidence::Possible);
    assert!(because.contains("at its beginning"), "{because}");

    let mut open = circle();
    open.has_cut = false;
    let (possible, because) = confidence(&open);
    assert_eq!(possible, Confidence::Possible);
    assert!(because.contains("known of all threads"), "{because}");
}

#[test]
fn what_came_after_the_last_moment_that_is_known_of_all_threads_is_not_judged() {
    let found = |is_all_known: bool| {
        let mut build = tasks_and(2, resource_kind::MUTEX, &[1, 1]);
        build.poll(1, 1, |build| {
            build.acquire(1, 1);
            build.wait(operation_kind::LOCK, 2, 1)
        });
        build.poll(2, 1, |build| build.acquire(2, 1));
        let known = build.enter(section_kind::BORROW, 0);
        build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
        let file = if is_all_known {
            build.finish()
        } else {
            build.finish_known_until(known)
        };
        let source = Source::from_bytes(Path::new("built.ais"), file).unwrap();
        findings(&Trace::from_source(source).unwrap().history)
    };
    assert_eq!(found(true).len(), 1);
    assert_eq!(found(false).len(), 0);
}
