//! Notifications that were told to others, and those who could tell more; values, sets and ends that are there.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{MemberNew, notify_mode, operation_kind, resource_kind};
use ais_tests::build::Build;

use super::{fire, ids, none, notify, only, poll_operation, tasks, wait_for};

fn notified(build: &mut Build) -> u64 {
    let operation = build.wait(operation_kind::NOTIFIED, 1, 0);
    poll_operation(build, operation);
    operation
}

/// Task 1 waits to be notified after what comes before; the notify was made by it, or outside of all tasks.
fn waits(is_made_by_it: bool, before: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    if is_made_by_it {
        build.poll(1, 1, |build| build.resource(1, resource_kind::NOTIFY, 0));
    } else {
        build.resource(1, resource_kind::NOTIFY, 0);
    }
    before(&mut build);
    build.poll(1, 1, notified);
    build
}

#[test]
fn where_nobody_ever_notified_nothing_tells_who_would() {
    let because = |before: fn(&mut Build)| {
        let build = waits(true, before);
        let found = only(build, Kind::LeakedWaiter, Confidence::Possible);
        found.confidence_because.unwrap()
    };
    let never = because(|build| build.last_poll(2, |_| ()));
    assert!(never.starts_with("nothing tells"), "{never}");
    let once = because(|build| build.last_poll(2, |build| notify(build, notify_mode::ONE)));
    assert!(once.contains("a reference to what signals"), "{once}");
}

#[test]
fn code_outside_of_recorded_tasks_may_notify() {
    none(waits(false, |build| build.last_poll(2, |_| ())));
}

#[test]
fn a_task_that_notified_before_is_not_said_to_wait_for_itself() {
    let by_itself = |mode: u64| {
        waits(true, |build| {
            build.last_poll(2, |_| ());
            build.poll(1, 1, |build| notify(build, mode));
        })
    };
    let one = by_itself(notify_mode::ONE);
    only(one, Kind::LeakedWaiter, Confidence::Possible);
    // Nor to have missed what it told others.
    let all = by_itself(notify_mode::WAITERS);
    only(all, Kind::LeakedWaiter, Confidence::Possible);
}

#[test]
fn who_waits_for_what_was_told_before_does_not_wait_for_another_notification() {
    let told = |mode: u64| {
        let mut build = waits(true, |build| build.poll(2, 1, |build| notify(build, mode)));
        build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
        build
    };
    let lost = only(
        told(notify_mode::WAITERS),
        Kind::LostWakeup,
        Confidence::Possible,
    );
    assert_eq!((ids(&lost), lost.victims[0].0), (vec![1], 2));
    let circle = only(
        told(notify_mode::ONE),
        Kind::DeadlockCycle,
        Confidence::Possible,
    );
    assert_eq!(ids(&circle), [1, 2]);
}

#[test]
fn who_waits_for_what_another_one_was_given_does_not_wait_for_another_notification() {
    let mut build = tasks(3);
    let given = build.poll(1, 1, |build| {
        build.resource(1, resource_kind::NOTIFY, 0);
        build.resource(2, resource_kind::NOTIFY, 0);
        notified(build)
    });
    build.poll(3, 1, notified);
    build.poll(2, 1, |build| {
        notify(build, notify_mode::ONE);
        fire(build, 1, given, 1);
        wait_for(build, operation_kind::JOIN, 3);
    });
    // It waits for something else, and nobody is left to tell it that.
    build.poll(1, 1, |build| {
        let operation = build.wait(operation_kind::NOTIFIED, 2, 0);
        poll_operation(build, operation);
    });
    let found = only(build, Kind::LostWakeup, Confidence::Possible);
    assert_eq!((ids(&found), found.victims[0].0), (vec![1, 3], 2));
}

#[test]
fn a_notification_that_went_to_what_outlived_its_task_is_lost_on_the_others() {
    let mut build = tasks(3);
    let given = build.poll(1, 1, |build| {
        build.resource(1, resource_kind::NOTIFY, 0);
        notified(build)
    });
    build.poll(3, 1, notified);
    build.last_poll(2, |build| {
        notify(build, notify_mode::ONE);
        fire(build, 1, given, 1);
    });
    build.last_poll(1, |_| ());
    let found = only(build, Kind::LostWakeup, Confidence::Possible);
    assert_eq!(ids(&found), [3]);
}

#[test]
fn who_has_not_come_to_wait_for_a_notification_does_not_wait_yet() {
    let mut build = tasks(1);
    build.poll(1, 0, |build| {
        build.resource(1, resource_kind::NOTIFY, 0);
        build.wait(operation_kind::NOTIFIED, 1, 0)
    });
    none(build);
}

#[test]
fn a_value_that_is_set_is_waited_for_no_more_and_who_would_set_one_is_not_known() {
    let sets = |is_set: bool| {
        let mut build = tasks(2);
        build.poll(1, 1, |build| build.resource(1, resource_kind::SET_ONCE, 0));
        build.last_poll(2, |build| {
            if is_set {
                notify(build, notify_mode::SET);
            }
        });
        build.poll(1, 1, |build| build.wait(operation_kind::SET, 1, 0));
        build
    };
    none(sets(true));
    let found = only(sets(false), Kind::LeakedWaiter, Confidence::Possible);
    let because = found.confidence_because.unwrap();
    assert!(because.starts_with("nothing tells"), "{because}");
}

/// Task 1 waits for the first of these tasks that ends, in a set; task 2 waits for its end, and task 3 has ended.
fn joins_next(members: &[u64]) -> Build {
    let mut build = tasks(3);
    build.last_poll(3, |_| ());
    build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::TASK_SET, 0);
        for &task in members {
            let sequence = build.change(1);
            build.event(&MemberNew {
                resource: 1,
                sequence,
                task,
            });
        }
        build.wait(operation_kind::JOIN_NEXT, 1, 0)
    });
    build
}

#[test]
fn a_set_has_an_answer_where_one_of_its_tasks_has_ended_or_where_it_is_empty() {
    only(joins_next(&[2]), Kind::DeadlockCycle, Confidence::Proven);
    none(joins_next(&[2, 3]));
    none(joins_next(&[]));
}

#[test]
fn a_task_that_has_ended_is_waited_for_no_more() {
    let mut build = tasks(2);
    build.last_poll(2, |_| ());
    build.poll(1, 1, |build| wait_for(build, operation_kind::JOIN, 2));
    none(build);
}
