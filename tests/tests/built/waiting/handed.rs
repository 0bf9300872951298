//! What was handed on: by tasks that ended, over several, and to receivers that nobody has used yet.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    OperationBegin, Receive, Send, TaskNew, WakersGone, handle_end, operation_flag, operation_kind,
    resource_kind, send_flag, task_flag,
};
use ais_tests::build::Build;

use super::{bystander, none, only, tasks, wait_for};

const CHANNEL: u64 = 5;

fn spawn(build: &mut Build, task: u64, parent: u64, flags: u64) {
    build.event(&TaskNew {
        task,
        parent,
        flags,
        ..TaskNew::default()
    });
}

/// A task that can never go on, and that nobody waits for.
fn parked(build: &mut Build, task: u64) {
    build.poll(task, 1, |_| ());
    build.event(&WakersGone { task, waker: 1 });
}

/// Two tasks that want each other's lock; the guard of the first one is owned, and may be handed on in what comes in between. Task 99 can
/// go on, and has made the channel.
fn owns(between: impl FnOnce(&mut Build)) -> Build {
    owns_after(|_| (), between)
}

/// The same after something else.
fn owns_after(before: impl FnOnce(&mut Build), between: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    bystander(&mut build);
    build.poll(99, 1, channel);
    before(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        build.acquire_as(1, 1, operation_flag::INLINE | operation_flag::OWNED);
    });
    between(&mut build);
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build
}

fn channel(build: &mut Build) {
    build.resource(CHANNEL, resource_kind::UNBOUNDED_CHANNEL, 0);
    build.handle(CHANNEL, 1, handle_end::SENDER);
    build.handle(CHANNEL, 2, handle_end::RECEIVER);
}

fn gift(build: &mut Build) {
    let sequence = build.change(CHANNEL);
    build.event(&Send {
        resource: CHANNEL,
        sequence,
        handle: 1,
        flags: send_flag::CAN_HOLD,
        location: 0,
    });
}

fn possible(build: Build) {
    only(build, Kind::DeadlockCycle, Confidence::Possible);
}

/// Task 1 spawns task 3, with these flags, of which task 99 awaits the end; which has come, or not.
fn joined(flags: u64, has_ended: bool) -> Build {
    owns(|build| {
        spawn(build, 3, 1, flags);
        if has_ended {
            build.last_poll(3, |_| ());
        } else {
            parked(build, 3);
        }
        build.poll(99, 1, |build| wait_for(build, operation_kind::JOIN, 3));
        build.poll(99, 2, |_| ());
    })
}

#[test]
fn what_a_task_returns_goes_to_who_awaits_its_end_if_it_can_hold_something() {
    none(joined(task_flag::CAN_RETURN, true));
    possible(joined(0, true));
    possible(joined(task_flag::CAN_RETURN, false));
}

#[test]
fn what_a_task_returns_may_go_to_the_one_that_spawned_it() {
    let spawned_by = |parent: u64| {
        owns(|build| {
            spawn(build, 3, parent, task_flag::CAN_RETURN);
            build.poll(1, 1, gift);
            build.last_poll(3, |build| {
                let sequence = build.change(CHANNEL);
                build.event(&Receive {
                    resource: CHANNEL,
                    sequence,
                    handle: 2,
                    messages: 1,
                    location: 0,
                });
            });
        })
    };
    none(spawned_by(99));
    possible(spawned_by(0));
}

#[test]
fn things_are_handed_on_over_several_tasks() {
    let spawned_by = |parent: u64| {
        owns(|build| {
            spawn(build, 3, 1, 0);
            parked(build, 3);
            spawn(build, 4, parent, 0);
            build.poll(4, 1, |_| ());
        })
    };
    none(spawned_by(3));
    possible(spawned_by(0));
}

#[test]
fn a_receiver_that_nobody_has_used_went_with_a_task_that_its_maker_spawned() {
    let spawned_by = |parent: u64| {
        let made = |build: &mut Build| {
            build.task(3);
            build.poll(3, 1, |build| {
                build.resource(6, resource_kind::UNBOUNDED_CHANNEL, 0);
                build.handle(6, 1, handle_end::SENDER);
                build.handle(6, 2, handle_end::RECEIVER);
            });
            spawn(build, 4, parent, 0);
            build.poll(4, 1, |_| ());
            parked(build, 3);
        };
        owns_after(made, |build| {
            build.poll(1, 1, |build| {
                let sequence = build.change(6);
                build.event(&Send {
                    resource: 6,
                    sequence,
                    handle: 1,
                    flags: send_flag::CAN_HOLD,
                    location: 0,
                });
            });
        })
    };
    none(spawned_by(3));
    possible(spawned_by(0));
}

#[test]
fn an_end_is_with_the_task_that_waits_with_it() {
    // Which has not made it: what is sent goes there.
    none(owns(|build| {
        build.task(4);
        build.poll(4, 1, |build| {
            build.begin(OperationBegin {
                kind: operation_kind::RECEIVE,
                target: CHANNEL,
                handle: 2,
                sequence: u64::MAX,
                flags: operation_flag::INLINE,
                ..OperationBegin::default()
            })
        });
        // It can be woken otherwise.
        build.poll(4, 2, |_| ());
        build.poll(1, 1, gift);
    }));
}
