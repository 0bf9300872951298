//! Tasks that are ready, and threads that do not come to poll them.

use ais_analyzer::filter::Selection;
use ais_analyzer::findings::{Confidence, Kind};
use ais_analyzer::report::summary;
use ais_analyzer::waits::verdict;
use ais_format::event::{
    OperationFired, TaskNew, operation_kind, resource_kind, section_kind, task_flag,
};
use ais_tests::build::Build;

use super::{block, none, only, open_poll, tasks, wake};

const RUNTIME: u64 = 10;

/// A runtime with so many threads, task 1 of it with these flags, and task 2, which holds a lock and is ready. Task 1 is polled.
fn ready_behind(threads: u64, flags: u64) -> Build {
    let mut build = tasks(0);
    build.resource(RUNTIME, resource_kind::RUNTIME, threads);
    for (task, flags) in [(1, flags), (2, 0)] {
        build.event(&TaskNew {
            task,
            flags,
            executor: RUNTIME,
            ..TaskNew::default()
        });
    }
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
    });
    wake(&mut build, 2, 1);
    open_poll(&mut build, 1, 1);
    build
}

#[test]
fn a_thread_that_blocks_for_what_it_was_given_goes_on() {
    let mut build = ready_behind(2, 0);
    let operation = block(&mut build);
    build.on_thread(2);
    build.last_poll(2, |build| {
        build.release(1, 1, 1);
        build.event(&OperationFired {
            operation,
            number: 1,
        });
    });
    none(build);
}

#[test]
fn a_task_that_blocks_its_thread_keeps_others_from_it() {
    let mut build = ready_behind(1, 0);
    block(&mut build);
    let finding = only(build, Kind::Starvation, Confidence::Proven);
    assert_eq!(super::ids(&finding), [1, 2]);
    none(ready_behind(1, 0));
}

#[test]
fn a_task_that_is_stuck_and_does_not_wait_is_counted_as_what_it_does() {
    let mut build = ready_behind(1, 0);
    block(&mut build);
    let history = super::history(build);
    let progress = verdict(&history).progress;
    assert_eq!(progress.stuck.len(), 2);
    let counts = summary(&history, &progress, &Selection::everything()).tasks;
    assert_eq!((counts.running, counts.scheduled), (1, 1));
    assert_eq!((counts.waiting, counts.stuck), (0, 0));
}

#[test]
fn another_thread_of_the_runtime_polls_what_is_ready() {
    let mut build = ready_behind(2, 0);
    block(&mut build);
    none(build);
}

#[test]
fn a_thread_that_gives_way_before_it_blocks_keeps_nobody() {
    let mut build = ready_behind(1, 0);
    build.enter(section_kind::BLOCK_IN_PLACE, 0);
    block(&mut build);
    none(build);
}

#[test]
fn a_runtime_without_threads_has_the_one_that_blocks_on_it() {
    let mut build = ready_behind(0, task_flag::BLOCK_ON);
    block(&mut build);
    only(build, Kind::Starvation, Confidence::Proven);
    // That one is no worker of a runtime which has its own.
    let mut build = ready_behind(1, task_flag::BLOCK_ON);
    block(&mut build);
    none(build);
}

#[test]
fn a_task_that_blocks_on_another_one_waits_for_its_end() {
    let blocks_on = |waits: bool| {
        let mut build = ready_behind(1, 0);
        build.event(&TaskNew {
            task: 3,
            flags: task_flag::BLOCK_ON,
            ..TaskNew::default()
        });
        build.poll(3, 1, |build| {
            if waits {
                build.wait(operation_kind::LOCK, 1, 1);
            }
        });
        build
    };
    let finding = only(blocks_on(true), Kind::Starvation, Confidence::Proven);
    assert_eq!(super::ids(&finding), [1, 2, 3]);
    none(blocks_on(false));
}
