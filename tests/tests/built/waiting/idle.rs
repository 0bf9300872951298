//! Tasks that wait: who could wake them, and for which of their operations they do.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    OperationBegin, OperationEnd, OperationFired, OperationPoll, PollBegin, PollEnd, TaskNew,
    WakersGone, handle_end, operation_flag, operation_kind, outcome, resource_kind, task_flag,
};
use ais_tests::build::Build;

use super::{bystander, fire, lock, none, only, open_poll, poll_operation, tasks, wake};

/// Task 1, with these flags, and task 2 hold a lock each, and wait for each other's; the first, with so many clones of its waker alive,
/// after what it did before. Lock 3 is held by a task that can go on.
fn circle(flags: u64, wakers: u64, before: impl FnOnce(&mut Build)) -> Build {
    let mut build = Build::new();
    let first = TaskNew {
        task: 1,
        flags,
        ..TaskNew::default()
    };
    build.event(&first);
    build.task(2);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        (1..=3).for_each(|lock| build.resource(lock, resource_kind::MUTEX, 1));
        build.acquire(1, 1);
    });
    build.poll(2, 1, |build| build.acquire(2, 1));
    build.poll(99, 1, |build| build.acquire(3, 1));
    before(&mut build);
    build.poll(1, wakers, |build| build.wait(operation_kind::LOCK, 2, 1));
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build
}

fn proven(build: Build) {
    only(build, Kind::DeadlockCycle, Confidence::Proven);
}

fn possible(build: Build) {
    only(build, Kind::DeadlockCycle, Confidence::Possible);
}

/// An operation without a place in a queue.
fn begin(build: &mut Build, kind: u64, target: u64, flags: u64) -> u64 {
    build.begin(OperationBegin {
        kind,
        target,
        flags,
        ..OperationBegin::default()
    })
}

#[test]
fn a_task_whose_beginning_is_missing_may_wait_for_more() {
    proven(circle(0, 1, |_| ()));
    none(circle(task_flag::LATE, 1, |_| ()));
}

#[test]
fn a_task_of_which_polls_are_missing_may_wait_for_more() {
    let mut build = circle(0, 1, |_| ());
    build.event(&PollBegin {
        task: 1,
        poll: 7,
        waker: 1,
        wakes: 0,
    });
    build.event(&PollEnd {
        task: 1,
        poll: 7,
        wakers: 1,
        ..PollEnd::default()
    });
    none(build);
}

#[test]
fn a_clone_of_its_waker_that_no_operation_keeps_can_wake_it() {
    none(circle(0, 2, |_| ()));
}

#[test]
fn an_operation_without_budget_says_nothing_though_nobody_has_a_waker() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
    });
    build.poll(2, 0, |build| lock(build, 1, operation_flag::NO_BUDGET));
    build.poll(1, 1, |build| begin(build, operation_kind::JOIN, 2, 1));
    none(build);
}

#[test]
fn an_operation_of_which_nobody_sees_the_end_may_be_awaited_no_more() {
    let waits = |flags: u64| {
        let mut build = circle(0, 1, |_| ());
        build.task(3);
        build.poll(3, 1, |build| lock(build, 1, flags));
        build
    };
    let victims = |flags| {
        let found = only(waits(flags), Kind::DeadlockCycle, Confidence::Proven);
        found.victims.len()
    };
    assert_eq!(victims(0), 1);
    assert_eq!(victims(operation_flag::NO_DROP), 0);
}

#[test]
fn an_operation_is_that_of_the_task_which_polled_it_last() {
    proven(circle(0, 1, |build| {
        build.task(4);
        let moved = build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 3, 1));
        build.poll(4, 1, |build| poll_operation(build, moved));
    }));
    none(circle(0, 2, |build| {
        build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 3, 1));
    }));
}

#[test]
fn what_fired_before_its_last_poll_is_waited_for_still() {
    let mut build = circle(0, 1, |_| ());
    // The wait of task 1 is the first operation.
    build.event(&OperationFired {
        operation: 1,
        number: 1,
    });
    build.poll(1, 1, |build| {
        build.event(&OperationPoll {
            operation: 1,
            fires: 1,
            flags: operation_flag::INLINE,
        });
    });
    proven(build);
}

/// Task 1 awaits the end of task 99 with these flags, in a poll before its last one; or in that.
fn joins(flags: u64, wakers: u64, in_the_last: bool) -> Build {
    let flags = operation_flag::INLINE | flags;
    let mut handle = 0;
    let mut build = circle(0, wakers, |build| {
        handle = build.poll(1, 1, |build| begin(build, operation_kind::JOIN, 99, flags));
    });
    if in_the_last {
        build.poll(1, wakers, |build| {
            build.event(&OperationPoll {
                operation: handle,
                fires: 0,
                flags,
            });
        });
    }
    build
}

#[test]
fn a_join_handle_that_the_last_poll_passed_by_may_have_been_given_up() {
    possible(joins(operation_flag::NO_DROP, 2, false));
    none(joins(operation_flag::NO_DROP, 2, true));
    // That one is not given up would be seen.
    none(joins(0, 2, false));
    // It is polled when the executor inside of the task polls it.
    none(joins(
        operation_flag::NO_DROP | operation_flag::FOREIGN_WAKER,
        1,
        false,
    ));
}

#[test]
fn the_receiver_of_an_answer_is_judged_though_it_outlives_what_awaits_it() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
    });
    build.poll(2, 1, |build| {
        build.resource(2, resource_kind::ONESHOT, 1);
        build.handle(2, 1, handle_end::SENDER);
        build.handle(2, 2, handle_end::RECEIVER);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build.poll(1, 1, |build| {
        build.begin(OperationBegin {
            kind: operation_kind::RECEIVE,
            target: 2,
            handle: 2,
            flags: operation_flag::INLINE | operation_flag::NO_DROP,
            ..OperationBegin::default()
        })
    });
    possible(build);
}

fn gone(build: &mut Build, waker: u64) {
    build.event(&WakersGone { task: 1, waker });
}

/// A task that waits for nothing recorded, and one that waits for its end.
fn unknown(after: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    bystander(&mut build);
    build.poll(1, 1, |_| ());
    after(&mut build);
    build.poll(2, 1, |build| begin(build, operation_kind::JOIN, 1, 1));
    build
}

#[test]
fn a_waker_of_before_that_is_gone_says_nothing_of_the_one_of_the_last_poll() {
    let lost = unknown(|build| gone(build, 1));
    only(lost, Kind::LostWakeup, Confidence::Proven);
    none(unknown(|build| gone(build, 2)));
}

#[test]
fn a_waker_that_was_gone_before_the_last_poll_can_have_new_clones() {
    none(unknown(|build| {
        gone(build, 1);
        build.poll(1, 1, |_| ());
    }));
}

/// Task 1 asked for a message and gave up: the channel has its waker still. The sender is used by this task.
fn left_behind(sender: u64) -> Build {
    circle(0, 2, |build| {
        build.poll(1, 1, |build| {
            build.resource(5, resource_kind::UNBOUNDED_CHANNEL, 0);
            build.handle(5, 1, handle_end::SENDER);
            build.handle(5, 2, handle_end::RECEIVER);
        });
        build.poll(sender, 1, try_to_send);
        let receive = build.poll(1, 1, |build| {
            build.begin(OperationBegin {
                kind: operation_kind::RECEIVE,
                target: 5,
                handle: 2,
                flags: operation_flag::INLINE,
                ..OperationBegin::default()
            })
        });
        wake(build, 1, 1);
        build.poll(1, 1, |build| {
            build.event(&OperationEnd {
                operation: receive,
                outcome: outcome::DROPPED,
                ..OperationEnd::default()
            });
        });
    })
}

fn try_to_send(build: &mut Build) {
    let sequence = build.change(5);
    build.event(&ais_format::event::Send {
        resource: 5,
        sequence,
        handle: 1,
        ..ais_format::event::Send::default()
    });
    build.event(&ais_format::event::SendFailed {
        resource: 5,
        sequence: sequence + 1,
    });
    build.change(5);
}

#[test]
fn the_waker_that_a_given_up_receive_left_behind_wakes_its_task_when_a_message_comes() {
    // As long as anybody can send.
    none(left_behind(99));
}

#[test]
fn the_waker_that_a_given_up_receive_left_behind_is_nobody_elses() {
    let mut build = left_behind(2);
    // Nobody goes on any more who could send.
    build.last_poll(99, |build| build.release(3, 1, 1));
    let found = super::findings(&super::history(build));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_ne!(found[0].confidence, Confidence::Proven);
}

#[test]
fn an_answer_that_came_keeps_the_waker_until_it_is_taken() {
    let mut handle = 0;
    let build = circle(0, 2, |build| {
        build.task(4);
        handle = build.poll(1, 1, |build| {
            begin(
                build,
                operation_kind::JOIN,
                4,
                operation_flag::INLINE | operation_flag::NO_DROP,
            )
        });
        build.last_poll(4, |_| ());
        fire(build, 1, handle, 1);
    });
    // That the clone is this one is concluded.
    let found = super::findings(&super::history(build));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].confidence, Confidence::Possible, "{found:#?}");
}

/// The circle, in which task 1 has these flags and this executor, and is polled inside of a poll of task 3 that goes on.
fn inside(flags: u64, executor: u64) -> Build {
    let mut build = tasks(0);
    build.resource(10, resource_kind::LOCAL_SET, 0);
    build.event(&TaskNew {
        task: 1,
        flags,
        executor,
        ..TaskNew::default()
    });
    build.task(2);
    build.task(3);
    bystander(&mut build);
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        build.acquire(2, 1);
    });
    open_poll(&mut build, 3, 1);
    build.poll(1, 1, |build| {
        build.acquire(1, 1);
        build.wait(operation_kind::LOCK, 2, 1);
    });
    build.on_thread(2);
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build
}

#[test]
fn a_task_that_another_one_polls_as_a_part_of_itself_can_end_with_it() {
    none(inside(0, 0));
}

#[test]
fn what_a_thread_blocks_on_inside_of_a_poll_does_not_end_before_that() {
    proven(inside(task_flag::BLOCK_ON, 0));
}

#[test]
fn a_local_task_is_no_part_of_the_one_that_drives_its_set() {
    proven(inside(task_flag::LOCAL, 10));
}
