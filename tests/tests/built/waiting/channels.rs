//! Room in channels, messages, and ends that are gone.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{
    Acquire, Close, HandleDrop, OperationBegin, OperationFired, Receive, Send, TaskNew, handle_end,
    operation_flag, operation_kind, resource_kind, send_flag,
};
use ais_tests::build::Build;

use super::{bystander, fire, ids, none, only, open_poll, tasks, wait_for};

const CHANNEL: u64 = 5;
const SENDER: u64 = 1;
const RECEIVER: u64 = 2;

fn send(build: &mut Build, handle: u64) {
    let sequence = build.change(CHANNEL);
    build.event(&Send {
        resource: CHANNEL,
        sequence,
        handle,
        ..Send::default()
    });
}

fn take(build: &mut Build, handle: u64) {
    let sequence = build.change(CHANNEL);
    build.event(&Receive {
        resource: CHANNEL,
        sequence,
        handle,
        messages: 1,
        ..Receive::default()
    });
}

fn ends(build: &mut Build, kind: u64, capacity: u64) {
    build.resource(CHANNEL, kind, capacity);
    build.handle(CHANNEL, SENDER, handle_end::SENDER);
    build.handle(CHANNEL, RECEIVER, handle_end::RECEIVER);
}

fn waits(build: &mut Build, kind: u64, handle: u64, flags: u64) -> u64 {
    build.begin(OperationBegin {
        kind,
        target: CHANNEL,
        handle,
        units: 1,
        sequence: u64::MAX,
        flags: operation_flag::INLINE | flags,
        ..OperationBegin::default()
    })
}

/// Task 1 holds a lock and sends into a channel with room for so many, in which there is a message; task 2, which receives, waits for the
/// lock. Something comes in between.
fn sends(capacity: u64, between: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(3);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        ends(build, resource_kind::CHANNEL, capacity);
        send(build, SENDER);
    });
    build.poll(2, 1, |build| {
        take(build, RECEIVER);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build.poll(1, 1, |build| send(build, SENDER));
    between(&mut build);
    build.poll(1, 1, |build| waits(build, operation_kind::SEND, SENDER, 0));
    build
}

fn slot(build: &mut Build) {
    let sequence = build.change(CHANNEL);
    build.event(&Acquire {
        resource: CHANNEL,
        sequence,
        flags: operation_flag::INLINE,
        units: 1,
        ..Acquire::default()
    });
}

fn over(build: &mut Build, task: u64) {
    build.last_poll(task, |_| ());
}

#[test]
fn who_sends_into_a_full_channel_waits_for_its_receiver() {
    let build = sends(1, |build| over(build, 3));
    let found = only(build, Kind::BackpressureCycle, Confidence::Likely);
    assert_eq!(ids(&found), [1, 2]);
    none(sends(2, |build| over(build, 3)));
    // Somebody else receives, too.
    none(sends(1, |build| {
        bystander(build);
        build.poll(99, 1, |build| take(build, RECEIVER));
        build.poll(99, 1, |build| send(build, SENDER));
    }));
}

#[test]
fn a_slot_that_is_kept_free_takes_room() {
    let build = sends(2, |build| {
        build.poll(2, 1, slot);
        over(build, 3);
    });
    only(build, Kind::BackpressureCycle, Confidence::Likely);
}

#[test]
fn a_slot_that_is_kept_free_can_be_given_back() {
    none(sends(2, |build| {
        bystander(build);
        build.poll(99, 1, slot);
        over(build, 3);
    }));
}

#[test]
fn room_that_was_given_to_a_send_is_taken_and_that_one_can_give_it_up() {
    // Task 3 was given room, does not take it, and waits for the lock, too.
    let granted = |is_stuck: bool| {
        sends(2, |build| {
            let given = build.poll(3, 1, |build| waits(build, operation_kind::SEND, SENDER, 0));
            fire(build, 3, given, 1);
            let wakers = if is_stuck { 1 } else { 2 };
            build.poll(3, wakers, |build| build.wait(operation_kind::LOCK, 1, 1));
        })
    };
    let found = super::findings(&super::history(granted(true)));
    assert_eq!(found.len(), 1, "{found:#?}");
    none(granted(false));
}

#[test]
fn a_closed_channel_answers_who_sends() {
    none(sends(1, |build| {
        over(build, 3);
        let sequence = build.change(CHANNEL);
        build.event(&Close {
            resource: CHANNEL,
            sequence,
        });
    }));
}

#[test]
fn a_thread_that_blocks_for_room_that_it_was_given_goes_on() {
    let sends = |is_given: bool| {
        let mut build = sends(1, |build| over(build, 3));
        open_poll(&mut build, 1, 4);
        let operation = waits(
            &mut build,
            operation_kind::SEND,
            SENDER,
            operation_flag::BLOCKING,
        );
        if is_given {
            build.on_thread(2);
            build.event(&OperationFired {
                operation,
                number: 1,
            });
        }
        build
    };
    only(sends(false), Kind::BackpressureCycle, Confidence::Likely);
    none(sends(true));
}

#[test]
fn a_receiver_that_nobody_has_used_may_be_with_a_thread() {
    let mut build = tasks(2);
    build.last_poll(2, |build| ends(build, resource_kind::CHANNEL, 1));
    build.poll(1, 1, |build| {
        send(build, SENDER);
        waits(build, operation_kind::SEND, SENDER, 0);
    });
    let found = only(build, Kind::LeakedWaiter, Confidence::Possible);
    let because = found.confidence_because.unwrap();
    assert!(because.starts_with("nothing tells"), "{because}");
}

#[test]
fn a_receiver_that_outlived_its_task_may_be_anywhere() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        ends(build, resource_kind::CHANNEL, 1);
        send(build, SENDER);
    });
    build.last_poll(2, |build| take(build, RECEIVER));
    build.poll(1, 1, |build| {
        send(build, SENDER);
        waits(build, operation_kind::SEND, SENDER, 0);
    });
    only(build, Kind::LeakedWaiter, Confidence::Possible);
}

#[test]
fn a_receiver_that_was_used_may_have_been_handed_on_since() {
    let handed = |spawns: bool| {
        sends(1, |build| {
            if spawns {
                build.event(&TaskNew {
                    task: 99,
                    parent: 2,
                    ..TaskNew::default()
                });
            } else {
                build.task(99);
            }
            build.poll(99, 1, |_| ());
            over(build, 3);
        })
    };
    only(handed(false), Kind::BackpressureCycle, Confidence::Possible);
    none(handed(true));
}

/// Task 1 holds a lock and asks for a message; task 2, which has used the sender, waits for the lock.
fn receives(kind: u64, operation: u64, between: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        ends(build, kind, 8);
    });
    build.poll(2, 1, |build| {
        send(build, SENDER);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build.poll(1, 1, |build| take(build, RECEIVER));
    between(&mut build);
    build.poll(1, 1, |build| waits(build, operation, RECEIVER, 0));
    build
}

#[test]
fn a_receive_ends_when_no_sender_is_left() {
    let channel = resource_kind::UNBOUNDED_CHANNEL;
    let receive = operation_kind::RECEIVE;
    let build = receives(channel, receive, |_| ());
    let found = only(build, Kind::DeadlockCycle, Confidence::Possible);
    assert_eq!(ids(&found), [1, 2]);
    none(receives(channel, receive, |build| {
        let sequence = build.change(CHANNEL);
        build.event(&HandleDrop {
            resource: CHANNEL,
            sequence,
            handle: SENDER,
        });
    }));
}

#[test]
fn of_a_broadcast_counts_what_this_receiver_has_not_seen() {
    let broadcast = resource_kind::BROADCAST;
    // Another receiver has not seen it.
    let build = receives(broadcast, operation_kind::RECEIVE, |build| {
        build.poll(1, 1, |build| {
            build.handle(CHANNEL, 3, handle_end::RECEIVER);
        });
    });
    only(build, Kind::DeadlockCycle, Confidence::Possible);
    none(receives(broadcast, operation_kind::RECEIVE, |build| {
        build.poll(2, 1, |build| send(build, SENDER));
    }));
}

#[test]
fn who_waits_for_the_other_end_to_go_waits_for_whoever_has_it() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        ends(build, resource_kind::CHANNEL, 8);
        send(build, SENDER);
    });
    build.poll(2, 1, |build| {
        take(build, RECEIVER);
        build.wait(operation_kind::LOCK, 1, 1)
    });
    build.poll(1, 1, |build| {
        wait_for(build, operation_kind::CLOSED, CHANNEL)
    });
    let found = only(build, Kind::DeadlockCycle, Confidence::Likely);
    assert_eq!(ids(&found), [1, 2]);
}

#[test]
fn a_sender_that_nobody_has_used_is_not_said_to_be_with_the_task_that_waits() {
    let mut build = tasks(1);
    build.poll(1, 1, |build| {
        ends(build, resource_kind::CHANNEL, 8);
        waits(build, operation_kind::RECEIVE, RECEIVER, 0)
    });
    let found = only(build, Kind::LeakedWaiter, Confidence::Possible);
    let because = found.confidence_because.unwrap();
    assert!(because.starts_with("nothing tells"), "{because}");
}

#[test]
fn a_sender_of_which_others_were_cloned_and_used_was_kept_by_its_maker() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| {
        ends(build, resource_kind::CHANNEL, 8);
        build.handle(CHANNEL, 3, handle_end::SENDER);
    });
    build.last_poll(2, |build| {
        send(build, 3);
        let sequence = build.change(CHANNEL);
        build.event(&HandleDrop {
            resource: CHANNEL,
            sequence,
            handle: 3,
        });
    });
    build.poll(1, 1, |build| {
        take(build, RECEIVER);
        waits(build, operation_kind::RECEIVE, RECEIVER, 0)
    });
    let found = only(build, Kind::SelfDeadlock, Confidence::Possible);
    assert_eq!(ids(&found), [1]);
}

/// Task 1 makes a channel of this kind and spawns tasks 2 and 3, and after that waits for what it held the lock for.
fn spawns(and_then: impl FnOnce(&mut Build)) -> Build {
    let mut build = tasks(1);
    build.poll(1, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        ends(build, resource_kind::BROADCAST, 8);
        build.handle(CHANNEL, 3, handle_end::RECEIVER);
        for task in [2, 3] {
            build.event(&TaskNew {
                task,
                parent: 1,
                ..TaskNew::default()
            });
        }
    });
    and_then(&mut build);
    build
}

#[test]
fn a_sender_that_nobody_has_used_went_with_what_its_maker_spawned() {
    let build = spawns(|build| {
        build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
        build.last_poll(3, |_| ());
        build.poll(1, 1, |build| {
            waits(build, operation_kind::RECEIVE, RECEIVER, 0)
        });
    });
    let found = only(build, Kind::DeadlockCycle, Confidence::Possible);
    assert_eq!(ids(&found), [1, 2]);
}

#[test]
fn it_did_not_go_with_the_task_that_works_on_the_other_side() {
    let build = spawns(|build| {
        build.poll(2, 1, |build| {
            // It receives, too.
            waits(build, operation_kind::RECEIVE, 3, 0)
        });
        build.poll(3, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
        build.poll(1, 1, |build| {
            waits(build, operation_kind::RECEIVE, RECEIVER, 0)
        });
    });
    let found = only(build, Kind::DeadlockCycle, Confidence::Possible);
    assert_eq!(ids(&found), [1, 3]);
}

#[test]
fn what_a_task_sent_to_itself_is_with_it() {
    let mut build = tasks(1);
    build.poll(1, 1, |build| {
        build.resource(6, resource_kind::ONESHOT, 1);
        build.handle(6, 1, handle_end::SENDER);
        build.handle(6, 2, handle_end::RECEIVER);
        ends(build, resource_kind::CHANNEL, 8);
    });
    build.poll(1, 1, |build| {
        send(build, SENDER);
        take(build, RECEIVER);
        // With the sender of the answer in it.
        let sequence = build.change(CHANNEL);
        build.event(&Send {
            resource: CHANNEL,
            sequence,
            handle: SENDER,
            flags: send_flag::CAN_HOLD,
            ..Send::default()
        });
        build.begin(OperationBegin {
            kind: operation_kind::RECEIVE,
            target: 6,
            handle: 2,
            flags: operation_flag::INLINE,
            ..OperationBegin::default()
        })
    });
    let found = only(build, Kind::SelfDeadlock, Confidence::Possible);
    assert_eq!(ids(&found), [1]);
}

#[test]
fn where_a_sender_went_from_tasks_that_have_ended_it_is_with_whom_these_handed_it_to() {
    let build = spawns(|build| {
        build.last_poll(3, |_| ());
        build.last_poll(2, |build| {
            build.event(&TaskNew {
                task: 4,
                parent: 2,
                ..TaskNew::default()
            });
        });
        build.poll(4, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
        build.poll(1, 1, |build| {
            waits(build, operation_kind::RECEIVE, RECEIVER, 0)
        });
    });
    let found = only(build, Kind::DeadlockCycle, Confidence::Possible);
    assert_eq!(ids(&found), [1, 4]);
}

#[test]
fn a_sender_that_outlived_its_task_may_be_anywhere() {
    let mut build = tasks(2);
    build.poll(1, 1, |build| ends(build, resource_kind::CHANNEL, 8));
    build.last_poll(2, |build| send(build, SENDER));
    build.poll(1, 1, |build| {
        take(build, RECEIVER);
        waits(build, operation_kind::RECEIVE, RECEIVER, 0)
    });
    only(build, Kind::LeakedWaiter, Confidence::Possible);
}
