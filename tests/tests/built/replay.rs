//! What resources are like after their changes.

use ais_analyzer::history::{ForeignId, OperationId, TaskId};
use ais_analyzer::time::Nanos;
use ais_format::event::{
    Acquire, Add, Arrive, Close, Escape, Foreign, Forget, HandleDrop, HoldMerge, HoldSplit, Lag,
    MemberGone, MemberNew, Notify, OperationBegin, Receive, Release, ResourceNew, Send, SendFailed,
    handle_end, notify_mode, operation_flag, operation_kind, resource_flag, resource_kind,
};
use ais_tests::build::Build;

use super::{first, history};

/// A semaphore with ten permits, and a task that takes three of them.
fn semaphore() -> (Build, u64) {
    let mut build = Build::new();
    build.task(1);
    build.resource(1, resource_kind::SEMAPHORE, 10);
    let hold = build.poll(1, 1, |build| build.acquire(1, 3));
    (build, hold)
}

/// Number and units of each hold, then free units, of resource number 1.
fn holds(build: Build) -> (Vec<(u64, u64)>, u64) {
    let history = history(build);
    let resource = first(&history);
    assert!(!resource.uncertain, "{resource:#?}");
    let holds = resource.holders().iter();
    (
        holds.map(|hold| (hold.number, hold.units)).collect(),
        resource.at_end.free(),
    )
}

fn is_uncertain(build: Build) -> bool {
    let history = history(build);
    let resource = first(&history);
    resource.uncertain
}

fn split(build: &mut Build, hold: u64, units: u64) -> u64 {
    let sequence = build.change(1);
    build.event(&HoldSplit {
        resource: 1,
        sequence,
        hold,
        units,
    });
    sequence
}

fn merge(build: &mut Build, hold: u64, gone: u64) {
    let sequence = build.change(1);
    build.event(&HoldMerge {
        resource: 1,
        sequence,
        hold,
        gone,
    });
}

fn forget(build: &mut Build, hold: u64, units: u64) {
    let sequence = build.change(1);
    build.event(&Forget {
        resource: 1,
        sequence,
        hold,
        units,
    });
}

#[test]
fn a_part_of_a_hold_becomes_a_hold_of_its_own() {
    let (mut build, hold) = semaphore();
    let part = build.poll(1, 1, |build| split(build, hold, 1));
    assert_eq!(holds(build), (vec![(hold, 2), (part, 1)], 7));

    let (mut build, hold) = semaphore();
    let part = split(&mut build, hold, 1);
    build.release(1, part, 1);
    assert_eq!(holds(build), (vec![(hold, 2)], 8));

    let (mut build, hold) = semaphore();
    split(&mut build, hold, 4);
    assert!(is_uncertain(build), "there were only three");
}

#[test]
fn a_hold_becomes_a_part_of_another() {
    let (mut build, hold) = semaphore();
    let second = build.acquire(1, 4);
    merge(&mut build, hold, second);
    assert_eq!(holds(build), (vec![(hold, 7)], 3));

    let (mut build, hold) = semaphore();
    merge(&mut build, hold, 99);
    assert!(is_uncertain(build), "there is no such hold");
}

#[test]
fn units_that_are_forgotten_never_come_back() {
    let (mut build, hold) = semaphore();
    forget(&mut build, hold, 3);
    assert_eq!(holds(build), (vec![], 7));

    let (mut build, hold) = semaphore();
    forget(&mut build, 0, 5);
    assert_eq!(holds(build), (vec![(hold, 3)], 2), "free ones");

    let (mut build, _) = semaphore();
    forget(&mut build, 0, 8);
    assert!(is_uncertain(build), "only seven were free");
}

#[test]
fn units_are_added() {
    let (mut build, hold) = semaphore();
    let sequence = build.change(1);
    build.event(&Add {
        resource: 1,
        sequence,
        units: 5,
        location: 0,
    });
    assert_eq!(holds(build), (vec![(hold, 3)], 12));
}

#[test]
fn a_writer_that_becomes_a_reader_lets_others_read() {
    let mut build = Build::new();
    build.resource(1, resource_kind::RWLOCK, 8);
    let writer = build.acquire(1, 8);
    build.release(1, writer, 7);
    let reader = build.acquire(1, 1);
    assert_eq!(holds(build), (vec![(writer, 1), (reader, 1)], 6));
}

#[test]
fn more_than_there_is_cannot_be_taken_or_given_back() {
    let (mut build, _) = semaphore();
    build.acquire(1, 8);
    assert!(is_uncertain(build));
    let (mut build, hold) = semaphore();
    build.release(1, hold, 4);
    assert!(is_uncertain(build));
    let (mut build, _) = semaphore();
    build.release(1, 77, 1);
    assert!(is_uncertain(build));
    let (mut build, hold) = semaphore();
    build.change(1);
    build.release(1, hold, 3);
    assert!(is_uncertain(build), "a change is missing");
}

#[test]
fn an_order_that_is_not_known_is_not_made_up() {
    let mut build = Build::new();
    build.task(1);
    build.resource(1, resource_kind::SEMAPHORE, 0);
    let overlapping = |flags, overlap| OperationBegin {
        kind: operation_kind::ACQUIRE,
        target: 1,
        units: 1,
        sequence: u64::MAX,
        flags,
        overlap,
        ..OperationBegin::default()
    };
    let (a, b, unsure, c) = build.poll(1, 4, |build| {
        (
            build.wait(operation_kind::ACQUIRE, 1, 1),
            build.begin(overlapping(0, 1)),
            build.begin(overlapping(operation_flag::NO_BUDGET, 0)),
            build.begin(overlapping(0, 0)),
        )
    });
    let told = history(build);
    let ahead_of = |operation| -> Vec<OperationId> {
        first(&told)
            .at_end
            .ahead_of(OperationId(operation))
            .map(|queued| queued.operation)
            .collect()
    };
    assert_eq!(ahead_of(a), []);
    assert_eq!(ahead_of(b), [], "it may have come before the first");
    assert_eq!(ahead_of(unsure), [OperationId(a), OperationId(b)]);
    assert_eq!(
        ahead_of(c),
        [OperationId(a), OperationId(b)],
        "one without budget may not be there"
    );
}

#[test]
fn an_operation_that_ended_waits_no_more() {
    let mut build = Build::new();
    build.resource(1, resource_kind::SEMAPHORE, 1);
    let operation = build.wait(operation_kind::ACQUIRE, 1, 1);
    build.ready(operation, 1);
    let hold = build.acquire(1, 1);
    let told = history(build);
    let resource = first(&told);
    assert!(!resource.uncertain && resource.at_end.queue.is_empty());
    assert_eq!(resource.holder().unwrap().number, hold);
}

#[test]
fn what_is_used_unrecorded_is_not_known() {
    let (mut build, _) = semaphore();
    let sequence = build.change(1);
    build.event(&Escape {
        resource: 1,
        sequence,
    });
    assert!(is_uncertain(build));
}

#[test]
fn a_constant_is_known_if_its_first_change_is() {
    let constant = |first_change: u64| {
        let mut build = Build::new();
        build.event(&ResourceNew {
            resource: 1,
            kind: resource_kind::MUTEX,
            capacity: 1,
            flags: resource_flag::CONST,
            ..ResourceNew::default()
        });
        (1..first_change).for_each(|_| _ = build.change(1));
        build.acquire(1, 1);
        is_uncertain(build)
    };
    assert!(!constant(1));
    assert!(constant(2), "it was used before the recording");
}

#[test]
fn only_the_next_event_is_an_unrecorded_tasks() {
    let mut build = Build::new();
    build.resource(1, resource_kind::SEMAPHORE, 3);
    build.event(&Foreign { task: 77 });
    build.acquire(1, 1);
    build.acquire(1, 1);
    let told = history(build);
    let [one, two] = first(&told).holders() else {
        panic!("two holds")
    };
    assert_eq!((one.task, one.foreign), (None, Some(ForeignId(77))));
    assert_eq!((two.task, two.foreign), (None, None));
    assert_eq!(
        first(&told).changes[0].foreign,
        Some(ForeignId(77)),
        "the change says so as well"
    );
}

#[test]
fn columns_that_older_files_lack_mean_what_they_meant() {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    let old_acquire = |build: &mut Build| {
        let sequence = build.change(1);
        build.event(&Acquire {
            resource: 1,
            sequence,
            ..Acquire::default()
        });
    };
    old_acquire(&mut build);
    let sequence = build.change(1);
    build.event(&Release {
        resource: 1,
        sequence,
        ..Release::default()
    });
    // Operations were not counted as changes.
    build.begin(OperationBegin {
        kind: operation_kind::LOCK,
        target: 1,
        ..OperationBegin::default()
    });
    old_acquire(&mut build);
    assert_eq!(holds(build), (vec![(3, 1)], 0));

    let mut build = Build::new();
    build.resource(1, resource_kind::CHANNEL, 4);
    build.handle(1, 1, handle_end::SENDER);
    build.handle(1, 2, handle_end::RECEIVER);
    (0..3).for_each(|_| send(&mut build, 1));
    receive(&mut build, 2, 0);
    let told = history(build);
    assert_eq!((first(&told).queued(), first(&told).uncertain), (2, false));
}

fn send(build: &mut Build, handle: u64) {
    let sequence = build.change(1);
    build.event(&Send {
        resource: 1,
        sequence,
        handle,
        ..Send::default()
    });
}

fn receive(build: &mut Build, handle: u64, messages: u64) {
    let sequence = build.change(1);
    build.event(&Receive {
        resource: 1,
        sequence,
        handle,
        messages,
        ..Receive::default()
    });
}

/// What is queued in a channel of a kind after two messages, of which the first receiver takes one.
fn queued_after_two(kind: u64, more: impl FnOnce(&mut Build)) -> u64 {
    let mut build = Build::new();
    build.resource(1, kind, 16);
    build.handle(1, 1, handle_end::SENDER);
    build.handle(1, 2, handle_end::RECEIVER);
    build.handle(1, 3, handle_end::RECEIVER);
    send(&mut build, 1);
    send(&mut build, 1);
    receive(&mut build, 2, 1);
    more(&mut build);
    let told = history(build);
    assert!(!first(&told).uncertain);
    first(&told).queued()
}

#[test]
fn messages_are_counted_as_their_kind_of_channel_keeps_them() {
    use resource_kind::{BROADCAST, CHANNEL, UNBOUNDED_CHANNEL, WATCH};
    assert_eq!(queued_after_two(CHANNEL, |_| ()), 1);
    assert_eq!(queued_after_two(UNBOUNDED_CHANNEL, |_| ()), 1);
    assert_eq!(queued_after_two(BROADCAST, |_| ()), 2, "for the other one");
    assert_eq!(queued_after_two(WATCH, |_| ()), 1, "the last value");
    let both = |build: &mut Build| receive(build, 3, 2);
    assert_eq!(queued_after_two(BROADCAST, both), 1);
    let lags = |build: &mut Build| {
        let sequence = build.change(1);
        build.event(&Lag {
            resource: 1,
            sequence,
            handle: 3,
            messages: 2,
        });
    };
    assert_eq!(queued_after_two(BROADCAST, lags), 1);
    let leaves = |build: &mut Build| {
        let sequence = build.change(1);
        build.event(&HandleDrop {
            resource: 1,
            sequence,
            handle: 3,
        });
    };
    assert_eq!(queued_after_two(BROADCAST, leaves), 1);
    let fails = |build: &mut Build| {
        send(build, 1);
        let sequence = build.change(1);
        build.event(&SendFailed {
            resource: 1,
            sequence,
        });
    };
    assert_eq!(queued_after_two(CHANNEL, fails), 1);
}

#[test]
fn more_messages_than_were_sent_cannot_come_out() {
    let mut build = Build::new();
    build.resource(1, resource_kind::CHANNEL, 4);
    build.handle(1, 2, handle_end::RECEIVER);
    receive(&mut build, 2, 1);
    assert!(is_uncertain(build));
}

#[test]
fn sets_barriers_and_values_are_replayed() {
    let mut build = Build::new();
    build.resource(1, resource_kind::TASK_SET, 0);
    let member = |build: &mut Build, task| {
        let sequence = build.change(1);
        build.event(&MemberNew {
            resource: 1,
            sequence,
            task,
        });
    };
    (5..9).for_each(|task| member(&mut build, task));
    let gone = |build: &mut Build, task| {
        let sequence = build.change(1);
        build.event(&MemberGone {
            resource: 1,
            sequence,
            task,
        });
    };
    gone(&mut build, 6);
    let told = history(build);
    let members = first(&told).at_end.members.iter().map(|task| task.0);
    assert_eq!(members.collect::<Vec<_>>(), [5, 7, 8]);

    let mut build = Build::new();
    build.resource(1, resource_kind::TASK_SET, 0);
    member(&mut build, 5);
    gone(&mut build, 0);
    let told = history(build);
    assert!(first(&told).at_end.members.is_empty(), "all are gone");

    let mut build = Build::new();
    build.task(1);
    build.resource(1, resource_kind::BARRIER, 2);
    build.poll(1, 1, |build| {
        let sequence = build.change(1);
        build.event(&Arrive {
            resource: 1,
            sequence,
            location: 0,
        });
        let sequence = build.change(1);
        build.event(&Notify {
            resource: 1,
            sequence,
            mode: notify_mode::SET,
            location: 0,
        });
        let sequence = build.change(1);
        build.event(&Close {
            resource: 1,
            sequence,
        });
    });
    let told = history(build);
    let end = &first(&told).at_end;
    assert_eq!((end.arrivals, end.is_set, end.is_closed), (1, true, true));
    assert_eq!(
        end.users.iter().copied().collect::<Vec<_>>(),
        [Some(TaskId(1))]
    );
}

#[test]
fn a_resource_is_known_at_any_moment() {
    let (mut build, hold) = semaphore();
    build.poll(1, 1, |build| build.release(1, hold, 1));
    let history = history(build);
    let resource = first(&history);
    let free: Vec<u64> = [0, 200, 401, 10_000]
        .map(|at| resource.state_at(Nanos(at)).free())
        .to_vec();
    assert_eq!(free, [10, 10, 7, 8]);
    assert_eq!(resource.state_at(history.end), resource.at_end);
}
