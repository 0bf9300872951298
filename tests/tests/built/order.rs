//! Locks that are taken in both orders, and what keeps the two apart.

mod many;

use ais_analyzer::findings::{Confidence, Finding, Kind, lock_order_inversions};
use ais_format::event::{
    FutureBegin, FutureEnd, OperationBegin, OperationEnd, Receive, Send, TaskNew, operation_flag,
    operation_kind, outcome, resource_kind,
};
use ais_tests::build::Build;

use super::history;

const READERS: u64 = 100;

fn found(build: Build) -> Vec<Finding> {
    lock_order_inversions(&history(build))
}

#[track_caller]
fn none(build: Build) {
    let found = found(build);
    assert!(found.is_empty(), "{found:#?}");
}

#[track_caller]
fn only(build: Build) -> Finding {
    let mut found = found(build);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    assert_eq!(
        (finding.kind, finding.confidence),
        (Kind::LockOrderInversion, Confidence::Possible)
    );
    finding
}

fn texts(finding: &Finding) -> String {
    let facts: Vec<&str> = finding.facts.iter().map(|fact| &*fact.text).collect();
    facts.join("\n")
}

/// So many locks of a kind.
fn locks(kind: u64, capacity: u64, locks: u64) -> Build {
    let mut build = Build::new();
    for lock in 1..=locks {
        build.resource(lock, kind, capacity);
    }
    build
}

/// So many mutexes, and two tasks that live from the beginning.
fn mutexes(n: u64) -> Build {
    let mut build = locks(resource_kind::MUTEX, 1, n);
    build.task(1);
    build.task(2);
    build
}

fn spawn(build: &mut Build, task: u64, parent: u64) {
    build.event(&TaskNew {
        task,
        parent,
        ..TaskNew::default()
    });
}

/// Takes these locks one after the other, then gives them back.
fn take(build: &mut Build, locks: &[(u64, u64)]) {
    let holds: Vec<u64> = locks
        .iter()
        .map(|&(lock, units)| build.acquire(lock, units))
        .collect();
    for (&(lock, _), hold) in locks.iter().zip(holds).rev() {
        build.release(lock, hold, 0);
    }
}

fn takes(build: &mut Build, task: u64, locks: &[u64]) {
    let locks: Vec<(u64, u64)> = locks.iter().map(|&lock| (lock, 1)).collect();
    build.poll(task, 1, |build| take(build, &locks));
}

fn ends(build: &mut Build, task: u64) {
    build.last_poll(task, |_| ());
}

/// An operation that waits for something that has no queue.
fn begin(build: &mut Build, kind: u64, target: u64) -> u64 {
    build.begin(OperationBegin {
        kind,
        target,
        ..OperationBegin::default()
    })
}

fn end(build: &mut Build, operation: u64) {
    build.event(&OperationEnd {
        operation,
        outcome: outcome::READY,
        ..OperationEnd::default()
    });
}

#[test]
fn two_tasks_that_take_two_locks_in_opposite_orders_are_told_of() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2, 1]);
    let finding = only(build);
    assert_eq!(
        finding.title,
        "task #1 and task #2 took mutex #1 and mutex #2 in opposite orders"
    );
    let told = texts(&finding);
    assert!(told.contains("task #1 took mutex #1, "), "{told}");
    assert!(
        told.contains("task #1 held it still when it took mutex #2, "),
        "{told}"
    );
    assert!(told.contains("task #2 took mutex #2, "), "{told}");
    let locks: Vec<u64> = finding.resources.iter().map(|lock| lock.id.0).collect();
    assert_eq!(locks, [1, 2]);
}

#[test]
fn one_order_is_none() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[1, 2]);
    none(build);
}

#[test]
fn what_was_given_back_before_is_not_held() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2]);
    takes(&mut build, 2, &[1]);
    none(build);
}

#[test]
fn a_task_that_does_both_by_itself_is_none_and_two_of_its_kind_are() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 1, &[2, 1]);
    none(build);
    let mut build = mutexes(2);
    for task in 1..=2 {
        takes(&mut build, task, &[1, 2]);
        takes(&mut build, task, &[2, 1]);
    }
    only(build);
}

#[test]
fn a_gate_keeps_them_apart() {
    let mut build = mutexes(3);
    takes(&mut build, 1, &[3, 1, 2]);
    takes(&mut build, 2, &[3, 2, 1]);
    none(build);
    // Only one of them goes through it.
    let mut build = mutexes(3);
    takes(&mut build, 1, &[3, 1, 2]);
    takes(&mut build, 2, &[2, 1]);
    only(build);
    // Readers pass together.
    let gated = |units| {
        let mut build = mutexes(2);
        build.resource(3, resource_kind::RWLOCK, READERS);
        for (task, first, second) in [(1, 1, 2), (2, 2, 1)] {
            build.poll(task, 1, |build| {
                take(build, &[(3, units), (first, 1), (second, 1)]);
            });
        }
        build
    };
    only(gated(1));
    none(gated(READERS));
}

/// Two tasks take two rwlocks in opposite orders, each of the four times with so many units.
fn rwlocks(units: [u64; 4]) -> Build {
    let mut build = locks(resource_kind::RWLOCK, READERS, 2);
    build.task(1);
    build.task(2);
    build.poll(1, 1, |build| take(build, &[(1, units[0]), (2, units[1])]));
    build.poll(2, 1, |build| take(build, &[(2, units[2]), (1, units[3])]));
    build
}

#[test]
fn readers_do_not_exclude_each_other_unless_a_writer_comes() {
    none(rwlocks([1, 1, 1, 1]));
    // One of the locks is only ever read.
    none(rwlocks([1, READERS, READERS, 1]));
    let finding = only(rwlocks([1, READERS, 1, READERS]));
    assert!(
        texts(&finding).contains("took rwlock #1 to read, "),
        "{}",
        texts(&finding)
    );
    only(rwlocks([READERS; 4]));
    // Somebody else writes: a second reader waits behind it.
    let mut build = rwlocks([1, 1, 1, 1]);
    build.task(3);
    for lock in [1, 2] {
        build.poll(3, 1, |build| take(build, &[(lock, READERS)]));
    }
    only(build);
}

#[test]
fn a_task_that_was_spawned_after_the_first_order_comes_after_it() {
    let spawned = |before: bool, by: u64| {
        let mut build = locks(resource_kind::MUTEX, 1, 2);
        build.task(1);
        if before {
            spawn(&mut build, 2, by);
        }
        takes(&mut build, 1, &[1, 2]);
        if !before {
            spawn(&mut build, 2, by);
        }
        takes(&mut build, 2, &[2, 1]);
        build
    };
    none(spawned(false, 1));
    only(spawned(true, 1));
    only(spawned(false, 0));
    // By one that was.
    let mut build = locks(resource_kind::MUTEX, 1, 2);
    build.task(1);
    takes(&mut build, 1, &[1, 2]);
    spawn(&mut build, 2, 1);
    spawn(&mut build, 3, 2);
    takes(&mut build, 3, &[2, 1]);
    none(build);
}

#[test]
fn a_task_that_waited_for_the_end_of_the_other_comes_after_it() {
    // A sibling, by a join that is recorded.
    let joined = |joins: bool| {
        let mut build = mutexes(2);
        takes(&mut build, 1, &[1, 2]);
        let join = joins.then(|| build.poll(2, 1, |build| begin(build, operation_kind::JOIN, 1)));
        ends(&mut build, 1);
        build.poll(2, 1, |build| {
            if let Some(join) = join {
                end(build, join);
            }
            take(build, &[(2, 1), (1, 1)]);
        });
        build
    };
    none(joined(true));
    only(joined(false));
    // Its parent may have joined it without waiting, which leaves no trace.
    let mut build = locks(resource_kind::MUTEX, 1, 2);
    build.task(2);
    spawn(&mut build, 1, 2);
    takes(&mut build, 1, &[1, 2]);
    ends(&mut build, 1);
    takes(&mut build, 2, &[2, 1]);
    none(build);
}

#[test]
fn tasks_that_never_lived_at_the_same_time_do_not_meet() {
    let mut build = locks(resource_kind::MUTEX, 1, 2);
    build.task(1);
    takes(&mut build, 1, &[1, 2]);
    ends(&mut build, 1);
    build.task(2);
    takes(&mut build, 2, &[2, 1]);
    none(build);
}

#[test]
fn a_message_orders_them() {
    let told = |sends: bool, receives: bool| {
        let mut build = mutexes(2);
        build.resource(3, resource_kind::ONESHOT, 1);
        build.poll(1, 1, |build| {
            take(build, &[(1, 1), (2, 1)]);
            if sends {
                let sequence = build.change(3);
                build.event(&Send {
                    resource: 3,
                    sequence,
                    ..Send::default()
                });
            }
        });
        build.poll(2, 1, |build| {
            if receives {
                let sequence = build.change(3);
                build.event(&Receive {
                    resource: 3,
                    sequence,
                    messages: 1,
                    ..Receive::default()
                });
            }
            take(build, &[(2, 1), (1, 1)]);
        });
        build
    };
    none(told(true, true));
    only(told(true, false));
    only(told(false, true));
    // Once is not each time.
    let mut again = told(true, true);
    takes(&mut again, 1, &[1, 2]);
    only(again);
}

#[test]
fn a_circle_of_three_locks_is_told_as_one() {
    let mut build = mutexes(3);
    build.task(3);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2, 3]);
    takes(&mut build, 3, &[3, 1]);
    let finding = only(build);
    assert!(
        finding
            .title
            .starts_with("3 tasks took 3 locks in orders that make a circle")
    );
    assert_eq!(finding.facts.len(), 6);
    // Two of them by one task: it is never at both at once.
    let mut build = mutexes(3);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 1, &[2, 3]);
    takes(&mut build, 2, &[3, 1]);
    none(build);
}

#[test]
fn what_became_a_deadlock_is_told_as_that() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2, 1]);
    for (task, has, wants) in [(1, 1, 2), (2, 2, 1)] {
        build.poll(task, 1, |build| {
            build.acquire(has, 1);
            build.wait(operation_kind::LOCK, wants, 1);
        });
    }
    none(build);
}

/// Takes a lock within a future, after this operation waited for it.
fn acquire_in(build: &mut Build, resource: u64, future: u64, operation: u64) -> u64 {
    let sequence = build.change(resource);
    build.event(&ais_format::event::Acquire {
        resource,
        sequence,
        future,
        operation,
        units: 1,
        flags: operation_flag::INLINE,
        ..ais_format::event::Acquire::default()
    });
    sequence
}

#[test]
fn branches_of_one_task_hold_nothing_for_each_other() {
    // A lock that was asked for before the other one was taken: by another branch of the same function.
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    let hold = build.poll(1, 1, |build| build.acquire(1, 1));
    let operation = build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    let other = build.poll(2, 1, |build| acquire_in(build, 2, 7, 0));
    build.poll(1, 1, |build| build.release(1, hold, 1));
    build.poll(2, 1, |build| {
        build.ready(operation, 1);
        let sequence = acquire_in(build, 1, 7, operation);
        build.release(1, sequence, 0);
        build.release(2, other, 0);
    });
    none(build);
    // Or a task that takes and gives back while it waits runs several futures: what it does is not in one order.
    let mut build = mutexes(3);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 1, &[3]);
    let waits = build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 3, 1));
    takes(&mut build, 2, &[2, 1]);
    build.poll(2, 1, |build| build.ready(waits, 3));
    none(build);
}

#[test]
fn futures_of_one_task_hold_nothing_for_each_other() {
    let in_futures = |parent: u64, ends: bool| {
        let mut build = mutexes(2);
        takes(&mut build, 1, &[1, 2]);
        build.poll(2, 1, |build| {
            for (future, parent) in [(1, 0), (2, parent)] {
                build.event(&FutureBegin {
                    future,
                    parent,
                    ..FutureBegin::default()
                });
            }
            for (lock, future) in [(2, 1), (1, 2)] {
                let sequence = build.change(lock);
                build.event(&ais_format::event::Acquire {
                    resource: lock,
                    sequence,
                    future,
                    units: 1,
                    ..ais_format::event::Acquire::default()
                });
                if ends && future == 1 {
                    build.event(&FutureEnd {
                        future,
                        outcome: outcome::READY,
                    });
                }
            }
        });
        build
    };
    none(in_futures(0, false));
    only(in_futures(1, false));
    // It returned the guard.
    only(in_futures(0, true));
}

#[test]
fn guards_that_go_from_task_to_task_are_held_by_nobody() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2, 1]);
    let hold = build.poll(1, 1, |build| build.acquire(2, 1));
    build.poll(2, 1, |build| build.release(2, hold, 1));
    none(build);
}

#[test]
fn a_lock_of_which_something_is_missing_is_not_judged() {
    let mut build = mutexes(2);
    takes(&mut build, 1, &[1, 2]);
    takes(&mut build, 2, &[2, 1]);
    build.change(1);
    takes(&mut build, 2, &[1]);
    none(build);
}
