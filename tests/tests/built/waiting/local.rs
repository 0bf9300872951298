//! Executors without threads of their own, and threads that see to timers.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{ResourceNew, TaskNew, operation_kind, resource_kind, task_flag};
use ais_tests::build::Build;

use super::{block, ids, none, only, open_poll, tasks, wait_for, wake};

const EXECUTOR: u64 = 10;
const MILLI: u64 = 1_000_000;

fn spawn(build: &mut Build, task: u64, flags: u64) {
    build.event(&TaskNew {
        task,
        flags,
        executor: EXECUTOR,
        ..TaskNew::default()
    });
}

/// Time passes, in which another thread is heard of.
fn pass(build: &mut Build, millis: u64) {
    build.on_thread(2);
    build.pass(millis * MILLI);
    build.task(50);
    build.last_poll(50, |_| ());
}

/// Task 1 makes a set of local tasks, with task 2 in it, and waits for the end of that.
fn local_set(more: impl FnOnce(&mut Build), millis: u64) -> Build {
    let mut build = tasks(1);
    build.poll(1, 1, |build| {
        build.resource(EXECUTOR, resource_kind::LOCAL_SET, 0);
        spawn(build, 2, task_flag::LOCAL);
        wait_for(build, operation_kind::JOIN, 2);
    });
    more(&mut build);
    pass(&mut build, millis);
    build
}

#[test]
fn a_local_set_that_nobody_drives_starves_its_tasks() {
    let found = only(local_set(|_| (), 200), Kind::Starvation, Confidence::Likely);
    assert_eq!(ids(&found), [1, 2]);
    // It may be about to.
    none(local_set(|_| (), 50));
}

#[test]
fn a_local_set_of_which_a_task_was_polled_is_driven() {
    let driven = |build: &mut Build| {
        spawn(build, 3, task_flag::LOCAL);
        build.last_poll(3, |_| ());
    };
    none(local_set(driven, 200));
}

#[test]
fn a_local_set_may_be_with_a_task_that_its_maker_spawned() {
    let handed = |build: &mut Build| {
        build.event(&TaskNew {
            task: 4,
            parent: 1,
            ..TaskNew::default()
        });
        build.poll(4, 1, |_| ());
    };
    none(local_set(handed, 200));
}

/// A runtime without threads, on which task 1 blocks by its handle; it waits for the end of task 2 of that runtime, which is ready.
fn by_handle(millis: u64) -> Build {
    let mut build = tasks(0);
    build.resource(EXECUTOR, resource_kind::RUNTIME, 0);
    spawn(&mut build, 1, task_flag::BLOCK_ON);
    spawn(&mut build, 2, 0);
    build.poll(1, 1, |build| wait_for(build, operation_kind::JOIN, 2));
    pass(&mut build, millis);
    build
}

#[test]
fn a_runtime_on_which_one_blocks_by_its_handle_alone_is_driven_by_nobody() {
    let found = only(by_handle(200), Kind::Starvation, Confidence::Possible);
    assert_eq!(ids(&found), [1, 2]);
    none(by_handle(50));
}

#[test]
fn a_task_that_is_ready_for_a_short_time_may_be_about_to_be_polled() {
    let mut build = tasks(0);
    build.resource(EXECUTOR, resource_kind::RUNTIME, 0);
    spawn(&mut build, 1, task_flag::BLOCK_ON);
    spawn(&mut build, 2, 0);
    build.poll(2, 1, |_| ());
    build.poll(1, 1, |build| wait_for(build, operation_kind::JOIN, 2));
    pass(&mut build, 200);
    wake(&mut build, 2, 1);
    none(build);
}

/// A runtime of which it is known that it may have so many threads for blocking jobs, or not known. A job of it runs, and blocks on the next
/// one, which is ready, for so long.
fn jobs(pool: u64, millis: u64) -> Build {
    let mut build = tasks(0);
    build.event(&ResourceNew {
        resource: EXECUTOR,
        kind: resource_kind::RUNTIME,
        capacity: 4,
        pool,
        ..ResourceNew::default()
    });
    spawn(&mut build, 1, task_flag::BLOCKING);
    open_poll(&mut build, 1, 1);
    spawn(&mut build, 2, task_flag::BLOCKING);
    spawn(&mut build, 3, task_flag::BLOCK_ON);
    build.poll(3, 1, |build| wait_for(build, operation_kind::JOIN, 2));
    pass(&mut build, millis);
    build
}

#[test]
fn a_job_that_blocks_on_one_behind_it_starves_where_the_pool_has_no_other_thread() {
    let found = only(jobs(1, 0), Kind::Starvation, Confidence::Proven);
    assert_eq!(ids(&found), [1, 2, 3]);
    none(jobs(2, 200));
}

#[test]
fn where_the_size_of_the_pool_is_not_known_it_is_concluded_from_how_long_a_job_waits() {
    only(jobs(0, 200), Kind::Starvation, Confidence::Likely);
    none(jobs(0, 50));
}

/// A runtime with so many threads; task 2 of it holds a lock, and is ready. Task 1, with these flags, blocks for the lock on a thread on
/// which nothing else was polled.
fn blocks(threads: u64, flags: u64) -> Build {
    let mut build = tasks(0);
    build.resource(EXECUTOR, resource_kind::RUNTIME, threads);
    spawn(&mut build, 1, flags);
    spawn(&mut build, 2, 0);
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
    });
    wake(&mut build, 2, 1);
    build.on_thread(2);
    open_poll(&mut build, 1, 1);
    block(&mut build);
    build
}

#[test]
fn a_blocking_job_has_a_thread_of_its_own() {
    only(blocks(1, 0), Kind::Starvation, Confidence::Proven);
    none(blocks(1, task_flag::BLOCKING));
}

#[test]
fn that_it_is_the_one_who_drives_a_runtime_is_proven_only_of_who_has_polled_others() {
    let flags = task_flag::BLOCK_ON;
    only(blocks(0, flags), Kind::Starvation, Confidence::Likely);
}

#[test]
fn a_timer_needs_a_thread_of_its_runtime() {
    let mut build = tasks(0);
    build.resource(EXECUTOR, resource_kind::RUNTIME, 1);
    spawn(&mut build, 1, 0);
    spawn(&mut build, 2, 0);
    build.poll(2, 1, |build| {
        build.resource(1, resource_kind::MUTEX, 1);
        build.acquire(1, 1);
        wait_for(build, operation_kind::SLEEP, 0);
    });
    open_poll(&mut build, 1, 1);
    block(&mut build);
    // It may be a timer of another runtime.
    let found = only(build, Kind::Starvation, Confidence::Likely);
    assert_eq!(ids(&found), [1, 2]);
}
