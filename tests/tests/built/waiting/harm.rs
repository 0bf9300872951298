//! Whether that a task is stuck is of any consequence; tasks that nobody can wake.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{WakersGone, operation_kind};
use ais_tests::build::Build;

use super::{bystander, none, only, tasks, wait_for};

/// A task of which so many wakers live at the end of its poll, and that waits for nothing recorded.
fn unknown_wait(wakers: u64, is_joined: bool) -> Build {
    let mut build = tasks(2);
    bystander(&mut build);
    build.poll(1, wakers, |_| ());
    if is_joined {
        build.poll(2, 1, |build| wait_for(build, operation_kind::JOIN, 1));
    } else {
        build.last_poll(2, |_| ());
    }
    build
}

fn gone(build: &mut Build) {
    build.event(&WakersGone { task: 1, waker: 1 });
}

#[test]
fn a_task_whose_last_waker_is_gone_is_never_woken() {
    let mut build = unknown_wait(1, true);
    gone(&mut build);
    let finding = only(build, Kind::LostWakeup, Confidence::Proven);
    assert_eq!((super::ids(&finding), finding.victims[0].0), (vec![1], 2));
    none(unknown_wait(1, true));
}

#[test]
fn a_task_that_never_kept_a_waker_may_be_meant_to_wait() {
    only(unknown_wait(0, true), Kind::LostWakeup, Confidence::Likely);
}

#[test]
fn a_task_that_nobody_waits_for_may_be_parked() {
    none(unknown_wait(0, false));
    let mut build = unknown_wait(1, false);
    gone(&mut build);
    none(build);
}
