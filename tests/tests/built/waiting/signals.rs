//! Notifications, arrivals, the tasks of a set, and values that one task makes for all.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    MemberNew, OperationPoll, notify_mode, operation_flag, operation_kind, resource_kind,
};
use ais_tests::build::Build;

use super::{bystander, fire, none, notify, only, poll_operation, tasks};

/// Task 1 waits to be notified by task 2, which ends; the mode says how that notifies, if at all, before.
fn notified_before(mode: Option<u64>) -> Build {
    let mut build = tasks(2);
    build.poll(1, 1, |build| build.resource(1, resource_kind::NOTIFY, 0));
    build.last_poll(2, |build| {
        if let Some(mode) = mode {
            notify(build, mode);
        }
    });
    build.poll(1, 1, |build| {
        let operation = build.wait(operation_kind::NOTIFIED, 1, 0);
        poll_operation(build, operation);
    });
    build
}

#[test]
fn who_waits_after_all_that_waited_were_notified_was_late() {
    only(
        notified_before(Some(notify_mode::WAITERS)),
        Kind::LostWakeup,
        Confidence::Possible,
    );
    only(
        notified_before(None),
        Kind::LeakedWaiter,
        Confidence::Possible,
    );
    let mut beside = notified_before(Some(notify_mode::WAITERS));
    bystander(&mut beside);
    none(beside);
}

#[test]
fn a_notification_that_is_not_taken_is_lost_on_the_others() {
    let given = |is_taken: bool| {
        let mut build = tasks(2);
        let [first, second] = build.poll(1, 2, |build| {
            build.resource(1, resource_kind::NOTIFY, 0);
            [0; 2].map(|_| {
                let operation = build.wait(operation_kind::NOTIFIED, 1, 0);
                poll_operation(build, operation);
                operation
            })
        });
        build.last_poll(2, |build| {
            notify(build, notify_mode::ONE);
            fire(build, 1, first, 1);
        });
        if is_taken {
            build.poll(1, 1, |build| {
                build.ready(first, 1);
                poll_operation(build, second);
            });
        } else {
            build.poll(1, 1, |build| {
                build.event(&OperationPoll {
                    operation: second,
                    fires: 0,
                    flags: operation_flag::INLINE,
                });
            });
        }
        build
    };
    let finding = only(given(false), Kind::LostWakeup, Confidence::Possible);
    assert_eq!(super::ids(&finding), [1]);
    only(given(true), Kind::LeakedWaiter, Confidence::Possible);
}

#[test]
fn who_does_not_take_a_notification_keeps_it_from_others() {
    let mut build = tasks(3);
    let notified = |build: &mut Build| {
        let operation = build.wait(operation_kind::NOTIFIED, 1, 0);
        poll_operation(build, operation);
        operation
    };
    let given = build.poll(1, 1, |build| {
        build.resource(1, resource_kind::NOTIFY, 0);
        build.resource(2, resource_kind::MUTEX, 1);
        notified(build)
    });
    build.poll(3, 1, |build| {
        build.acquire(2, 1);
        notified(build);
    });
    build.last_poll(2, |build| {
        notify(build, notify_mode::ONE);
        fire(build, 1, given, 1);
    });
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
    let finding = only(build, Kind::LostWakeup, Confidence::Possible);
    assert_eq!(super::ids(&finding), [1, 3]);
}

#[test]
fn nobody_comes_to_a_barrier_whose_other_tasks_have_ended() {
    let comes = |has_ended: bool| {
        let mut build = tasks(2);
        build.poll(2, 1, |build| build.resource(1, resource_kind::BARRIER, 2));
        build.poll(1, 1, |build| build.wait(operation_kind::BARRIER, 1, 0));
        if has_ended {
            build.last_poll(2, |_| ());
        }
        build
    };
    only(comes(true), Kind::LeakedWaiter, Confidence::Possible);
    none(comes(false));
}

#[test]
fn a_set_waits_for_the_first_of_its_tasks_that_ends() {
    let joins = |more: &[u64]| {
        let mut build = tasks(2);
        bystander(&mut build);
        build.poll(1, 1, |build| {
            build.resource(1, resource_kind::TASK_SET, 0);
            build.resource(2, resource_kind::MUTEX, 1);
            build.acquire(2, 1);
            for &task in [2].iter().chain(more) {
                let sequence = build.change(1);
                build.event(&MemberNew {
                    resource: 1,
                    sequence,
                    task,
                });
            }
            build.wait(operation_kind::JOIN_NEXT, 1, 0);
        });
        build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
        build
    };
    only(joins(&[]), Kind::DeadlockCycle, Confidence::Proven);
    none(joins(&[99]));
}

#[test]
fn a_value_is_made_by_the_task_that_has_the_turn() {
    let makes = |waits: bool| {
        let mut build = tasks(2);
        bystander(&mut build);
        build.poll(1, 1, |build| {
            build.resource(1, resource_kind::ONCE_CELL, 1);
            build.resource(2, resource_kind::MUTEX, 1);
            build.acquire(2, 1);
        });
        build.poll(2, 1, |build| {
            build.acquire(1, 1);
            if waits {
                build.wait(operation_kind::LOCK, 2, 1);
            }
        });
        build.poll(1, 1, |build| build.wait(operation_kind::INIT, 1, 1));
        build
    };
    only(makes(true), Kind::DeadlockCycle, Confidence::Proven);
    none(makes(false));
}
