//! Where guards and ends of channels can be.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    OperationBegin, Send, TaskNew, handle_end, operation_flag, operation_kind, resource_kind,
    send_flag,
};
use ais_tests::build::Build;

use super::{bystander, none, only, tasks};

const CHANNEL: u64 = 5;

fn channel(build: &mut Build) {
    build.resource(CHANNEL, resource_kind::UNBOUNDED_CHANNEL, 0);
    build.handle(CHANNEL, 1, handle_end::SENDER);
    build.handle(CHANNEL, 2, handle_end::RECEIVER);
}

fn send(build: &mut Build, flags: u64) {
    let sequence = build.change(CHANNEL);
    build.event(&Send {
        resource: CHANNEL,
        sequence,
        handle: 1,
        location: 0,
        flags,
    });
}

fn take(build: &mut Build) {
    let sequence = build.change(CHANNEL);
    build.event(&ais_format::event::Receive {
        resource: CHANNEL,
        sequence,
        handle: 2,
        location: 0,
        messages: 1,
    });
}

fn receive(build: &mut Build) {
    build.begin(OperationBegin {
        kind: operation_kind::RECEIVE,
        target: CHANNEL,
        handle: 2,
        sequence: u64::MAX,
        flags: operation_flag::INLINE,
        ..OperationBegin::default()
    });
}

/// Task 1 holds a lock that task 2, which has sent to it, wants; and receives, after what comes in between.
fn receives(between: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        channel(build);
        build.acquire(1, 1);
    });
    build.poll(2, 1, |build| {
        send(build, 0);
        build.wait(operation_kind::LOCK, 1, 1);
    });
    build.poll(1, 1, take);
    between(&mut build);
    build.poll(1, 1, receive);
    build
}

#[test]
fn a_sender_is_with_the_task_that_used_it_though_it_may_have_left() {
    let finding = only(receives(|_| ()), Kind::DeadlockCycle, Confidence::Possible);
    assert_eq!(super::ids(&finding), [1, 2]);
    none(receives(bystander));
}

#[test]
fn a_sender_that_unrecorded_code_has_used_may_send_again() {
    none(receives(|build| {
        send(build, 0);
        build.poll(1, 1, take);
    }));
}

#[test]
fn a_message_that_is_queued_can_be_received() {
    none(receives(|build| {
        build.poll(2, 1, |build| send(build, 0));
    }));
}

/// Two tasks with a lock each that want the other's, the first with these flags; it does something in between.
fn holds(flags: u64, before: impl FnOnce(&mut Build), after: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    bystander(&mut build);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.resource(2, resource_kind::MUTEX, 1);
        channel(build);
    });
    build.poll(99, 1, receive);
    build.poll(1, 1, |build| {
        before(build);
        build.acquire_as(1, 1, flags);
        after(build);
        build.wait(operation_kind::LOCK, 2, 1);
    });
    build.poll(2, 1, |build| {
        build.acquire(2, 1);
        build.wait(operation_kind::LOCK, 1, 1);
    });
    build
}

#[test]
fn a_message_hands_on_what_its_type_can_hold() {
    let owned = operation_flag::INLINE | operation_flag::OWNED;
    let gift = |build: &mut Build| send(build, send_flag::CAN_HOLD);
    let plain = |build: &mut Build| send(build, 0);
    none(holds(owned, |_| (), gift));
    let possible = (Kind::DeadlockCycle, Confidence::Possible);
    only(holds(owned, |_| (), plain), possible.0, possible.1);
    // What was sent before it was taken does not hold it.
    only(holds(owned, gift, |_| ()), possible.0, possible.1);
    // What borrows cannot be sent.
    only(
        holds(operation_flag::INLINE, |_| (), gift),
        Kind::DeadlockCycle,
        Confidence::Proven,
    );
}

#[test]
fn a_task_that_was_spawned_since_may_have_taken_a_guard_along() {
    let spawn = |build: &mut Build| {
        build.event(&TaskNew {
            task: 50,
            parent: 1,
            ..TaskNew::default()
        });
    };
    none(holds(operation_flag::INLINE, |_| (), spawn));
    only(
        holds(operation_flag::INLINE, spawn, |_| ()),
        Kind::DeadlockCycle,
        Confidence::Proven,
    );
}
