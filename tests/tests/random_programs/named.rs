//! Programs of which it is known what must be said of them: those that were once judged wrongly, and some that show that what is wrong
//! is noticed.

use std::collections::HashSet;

use ais_analyzer::findings::{Confidence, Finding};

use crate::judge::{Fault, Judged, compare, found};
use crate::program::Program;
use crate::simulate::{Ran, Schedule, simulate};
use crate::truth::who_can_progress;

const OPPOSITE_ORDERS: &str = "
    with: mutex, mutex
    0: spawn 1, spawn 2, spawn 3
    1: lock 0, yield, lock 1
    2: lock 1, yield, lock 0
    3: yield, yield
";

/// Runs a program; these tasks are polled one after the other.
fn ran(text: &str, polled: &[usize]) -> (Ran, Vec<Finding>) {
    let program: Program = text.parse().expect("it is a program");
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let path = folder.path().join("trace.ais");
    let ran = simulate(&program, &Schedule::of(polled), &path).expect("the model is right");
    (ran, found(&path))
}

fn judged(ran: &Ran, findings: &[Finding]) -> Judged {
    let mut judged = Judged::default();
    compare(&mut judged, ran, findings);
    judged
}

fn can_progress(text: &str, polled: &[usize]) -> HashSet<usize> {
    let (ran, _) = ran(text, polled);
    who_can_progress(&ran.model, &ran.state).expect("it is small")
}

#[test]
fn a_deadlock_beside_somebody_who_goes_on_is_found() {
    let (ran, findings) = ran(OPPOSITE_ORDERS, &[0, 1, 2, 1, 2, 3]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].confidence, Confidence::Proven);
    assert!(judged(&ran, &findings).faults.is_empty());
    assert_eq!(
        who_can_progress(&ran.model, &ran.state),
        Some(HashSet::from([3]))
    );
}

#[test]
fn a_finding_about_a_task_that_can_progress_is_noticed() {
    let (stuck, findings) = ran(OPPOSITE_ORDERS, &[0, 1, 2, 1, 2, 3]);
    let mut wrong = findings;
    wrong[0].tasks[1].id.0 = stuck.recorded(3).expect("it was spawned");
    assert!(judged(&stuck, &wrong).has(Fault::Accused(Confidence::Proven)));
}

#[test]
fn a_finding_that_comes_too_early_is_noticed() {
    // One has its lock, and the other has not begun: it could still go well.
    assert_eq!(
        can_progress(OPPOSITE_ORDERS, &[0, 1]),
        HashSet::from([1, 2, 3])
    );
}

#[test]
fn a_hang_that_is_not_found_is_noticed() {
    let (ran, _) = ran(OPPOSITE_ORDERS, &[0, 1, 2, 1, 2, 3, 3, 3]);
    assert!(judged(&ran, &[]).has(Fault::Missed));
}

#[test]
fn whoever_has_a_permit_and_does_not_poll_for_it_keeps_it() {
    let futurelock = "
        with: mutex, oneshot
        0: spawn 1, lock 0, answer 0, yield, release 0
        1: keep lock 0 | question 0, lock 0
    ";
    assert_eq!(can_progress(futurelock, &[0, 1, 0, 1]), HashSet::from([]));
    let dropped = futurelock.replace("question 0, lock", "question 0, drop-kept, lock");
    assert_eq!(can_progress(&dropped, &[0, 1]), HashSet::from([0, 1]));
}

#[test]
fn a_notification_that_nobody_takes_is_handed_on() {
    let text = "
        with: notify, oneshot
        0: spawn 1, spawn 2, notify-one 0, answer 0
        1: select question 0 | notified 0
        2: notified 0
    ";
    let (ran, findings) = ran(text, &[0, 1, 2]);
    assert!(ran.state.live().is_empty() && findings.is_empty());
}

#[test]
fn whoever_is_stuck_in_a_greater_circle_around_a_proven_one_is_named() {
    let text = "
        with: rwlock 3, semaphore 3
        0: spawn 1, spawn 2, acquire 1 1, join 1
        1: both read 0 | write 0
        2: read 0, acquire 1 3
    ";
    let (ran, findings) = ran(text, &[0, 2, 1]);
    assert!(!judged(&ran, &findings).has(Fault::Missed), "{findings:#?}");
}
