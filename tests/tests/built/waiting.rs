//! The rules by which waits can end, one by one. Which test is that of which rule stands in `tests/rules/README.md`.

mod blocking;
mod broken;
mod channels;
mod executors;
mod grants;
mod handed;
mod harm;
mod idle;
mod local;
mod places;
mod signals;
mod told;
mod units;

use ais_analyzer::findings::{Confidence, Finding, Kind};
use ais_format::event::{
    Notify, OperationBegin, OperationFired, OperationPoll, PollBegin, Wake, operation_flag,
    operation_kind,
};
use ais_tests::build::Build;

use super::{findings, history};

/// A task that can go on: what it waits for is not recorded.
fn bystander(build: &mut Build) {
    build.task(99);
    build.poll(99, 1, |_| ());
}

fn tasks(tasks: u64) -> Build {
    let mut build = Build::new();
    (1..=tasks).for_each(|task| build.task(task));
    build
}

#[track_caller]
fn none(build: Build) {
    let found = findings(&history(build));
    assert!(found.is_empty(), "{found:#?}");
}

#[track_caller]
fn only(build: Build, kind: Kind, confidence: Confidence) -> Finding {
    let mut found = findings(&history(build));
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    assert_eq!(
        (finding.kind, finding.confidence),
        (kind, confidence),
        "{finding:#?}"
    );
    finding
}

fn ids(finding: &Finding) -> Vec<u64> {
    let mut ids: Vec<u64> = finding.tasks.iter().map(|task| task.id.0).collect();
    ids.sort_unstable();
    ids
}

/// A wake of a task, by whoever is polled.
fn wake(build: &mut Build, task: u64, number: u64) {
    build.event(&Wake {
        task,
        waker: 1,
        number,
    });
}

/// The waker of an operation is called for the first time, and so that of its task.
fn fire(build: &mut Build, task: u64, operation: u64, number: u64) {
    wake(build, task, number);
    build.event(&OperationFired {
        operation,
        number: 1,
    });
}

/// An operation that waits without a place in a queue.
fn wait_for(build: &mut Build, kind: u64, target: u64) -> u64 {
    build.begin(OperationBegin {
        kind,
        target,
        flags: operation_flag::INLINE,
        ..OperationBegin::default()
    })
}

/// An operation is polled, for the first time since it was made.
fn poll_operation(build: &mut Build, operation: u64) {
    build.event(&OperationPoll {
        operation,
        fires: 0,
        flags: operation_flag::INLINE,
    });
}

/// A poll that does not end.
fn open_poll(build: &mut Build, task: u64, poll: u64) {
    build.event(&PollBegin {
        task,
        poll,
        waker: 1,
        wakes: 0,
    });
}

/// An operation for a lock, with these flags, comes into its queue.
fn lock(build: &mut Build, lock: u64, flags: u64) -> u64 {
    build.begin(OperationBegin {
        kind: operation_kind::LOCK,
        target: lock,
        units: 1,
        sequence: u64::MAX,
        flags: operation_flag::INLINE | flags,
        ..OperationBegin::default()
    })
}

/// The thread blocks for lock 1.
fn block(build: &mut Build) -> u64 {
    lock(build, 1, operation_flag::BLOCKING)
}

/// Resource 1 notifies.
fn notify(build: &mut Build, mode: u64) {
    let sequence = build.change(1);
    build.event(&Notify {
        resource: 1,
        sequence,
        mode,
        location: 0,
    });
}
