//! Where time goes, of traces whose times are known.

use std::path::PathBuf;

use ais_analyzer::filter::Filter;
use ais_analyzer::profile::{Profile, TaskTimes};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Source, Window};
use ais_format::event::{
    Location, TaskDrop, TaskNew, Wake, operation_kind, resource_kind, task_flag,
};
use ais_tests::build::Build;

const MILLI: u64 = 1_000_000;

fn profile_of(build: Build, window: Window, filters: &[&str]) -> Profile {
    let source = Source::from_bytes(&PathBuf::from("built.ais"), build.finish()).unwrap();
    let filters: Vec<Filter> = filters.iter().map(|text| text.parse().unwrap()).collect();
    Profile::of(&source, window, &filters).unwrap()
}

fn profile(build: Build) -> Profile {
    profile_of(build, Window::default(), &[])
}

fn only(profile: &Profile) -> &TaskTimes {
    let [tasks] = &profile.tasks[..] else {
        panic!("{:?}", profile.tasks);
    };
    tasks
}

fn named(build: &mut Build, id: u64, task: u64, name: &str, line: u64) {
    build.text(id, name);
    build.text(100, "src/main.rs");
    build.define(&Location {
        id: line,
        file: 100,
        line,
        column: 5,
    });
    build.event(&TaskNew {
        task,
        name: id,
        location: line,
        ..TaskNew::default()
    });
}

fn wake(build: &mut Build, task: u64, number: u64) {
    build.event(&Wake {
        task,
        waker: 1,
        number,
    });
}

/// A task that runs 1 ms, waits 10 ms, is due for 2 ms and runs 3 ms; then it waits.
fn one(build: &mut Build) {
    build.task(1);
    build.pass(4 * MILLI - 100);
    build.poll(1, 1, |build| build.pass(MILLI - 100));
    build.pass(10 * MILLI - 100);
    wake(build, 1, 1);
    build.pass(2 * MILLI - 100);
    build.poll(1, 1, |build| build.pass(3 * MILLI - 100));
}

#[test]
fn a_task_runs_is_due_and_waits_for_as_long_as_the_record_says() {
    let mut build = Build::new();
    one(&mut build);
    build.pass(5 * MILLI - 100);
    wake(&mut build, 1, 2);
    let profile = profile(build);
    let of = only(&profile);
    assert_eq!(profile.polls, 2);
    assert_eq!((of.running.count, of.running.total), (2, Nanos(4 * MILLI)));
    assert_eq!(of.running.max, Nanos(3 * MILLI));
    // From being spawned to the first poll; from the wake; and what goes on at the end.
    assert_eq!(of.scheduled.total.0 / MILLI, 6);
    assert_eq!(of.scheduled.max, Nanos(4 * MILLI));
    assert_eq!((of.waiting.count, of.waiting.total), (2, Nanos(15 * MILLI)));
    assert_eq!((of.wakes, of.needless_wakes, of.alive), (2, 0, 1));
}

#[test]
fn of_a_stretch_only_what_was_in_it_counts() {
    let mut build = Build::new();
    one(&mut build);
    build.pass(20 * MILLI);
    wake(&mut build, 1, 2);
    // From the middle of the first wait into the second poll.
    let window = Window {
        from: Some(Nanos(10 * MILLI)),
        to: Some(Nanos(18 * MILLI)),
    };
    let profile = profile_of(build, window, &[]);
    let of = only(&profile);
    assert_eq!((profile.from.0, profile.to.0), (10 * MILLI, 18 * MILLI));
    assert_eq!(of.waiting.total.0 / MILLI, 5);
    assert_eq!(of.scheduled.total.0 / MILLI, 2);
    assert_eq!((of.running.total.0 + 100) / MILLI, 1);
    assert_eq!((profile.polls, of.wakes), (1, 1));
    let whole = of.waiting.total.0 + of.scheduled.total.0 + of.running.total.0;
    assert_eq!(whole, 8 * MILLI, "it is always in one of the three");
}

#[test]
fn a_wake_for_a_task_that_is_due_already_is_needless_and_one_in_its_own_poll_is_by_itself() {
    let mut build = Build::new();
    build.task(1);
    build.poll(1, 1, |build| wake(build, 1, 1));
    wake(&mut build, 1, 2);
    build.poll(1, 1, |_| ());
    wake(&mut build, 1, 3);
    let profile = profile(build);
    let of = only(&profile);
    assert_eq!((of.wakes, of.needless_wakes, of.wakes_by_itself), (3, 1, 1));
    assert_eq!(of.waiting.count, 1);
}

#[test]
fn tasks_whose_names_differ_in_numbers_are_of_one_kind_where_they_were_spawned_at_one_place() {
    let mut build = Build::new();
    for (id, name) in [(1, "worker 1"), (2, "worker 22")] {
        named(&mut build, id, id, name, 7);
    }
    named(&mut build, 3, 3, "worker 3", 8);
    build.last_poll(2, |_| ());
    build.event(&TaskDrop { task: 3 });
    let profile = profile(build);
    let told = profile.tasks.iter().map(|of| {
        let place = of.spawned_at.as_ref().unwrap();
        (&*of.kind, place.line, of.tasks, of.completed, of.cancelled)
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    assert_eq!(told, [("worker N", 7, 2, 1, 0), ("worker N", 8, 1, 0, 1)]);
}

#[test]
fn with_a_filter_only_what_matching_tasks_did_counts() {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    named(&mut build, 1, 1, "holder", 7);
    named(&mut build, 2, 2, "waiter", 8);
    let hold = build.poll(1, 1, |build| build.acquire(1, 1));
    let operation = build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.pass(6 * MILLI);
    build.poll(1, 1, |build| build.release(1, hold, 1));
    build.poll(2, 1, |build| build.ready(operation, 1));
    let profile = profile_of(build, Window::default(), &["name=waiter"]);
    assert_eq!(only(&profile).kind, "waiter");
    let [lock] = &profile.resources[..] else {
        panic!("{:?}", profile.resources);
    };
    assert_eq!((lock.taken, lock.held.count), (0, 0), "others took it");
    assert_eq!((lock.waits.count, lock.waits.max.0 / MILLI), (1, 6));
}

#[test]
fn a_lock_says_who_held_it_for_how_long_and_how_many_waited() {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    (1..=4).for_each(|task| build.task(task));
    let hold = build.poll(1, 1, |build| build.acquire(1, 1));
    let waiting: Vec<u64> = (2..=4)
        .map(|task| build.poll(task, 1, |build| build.wait(operation_kind::LOCK, 1, 1)))
        .collect();
    build.pass(6 * MILLI);
    build.poll(1, 1, |build| build.release(1, hold, 1));
    let second = build.poll(2, 1, |build| {
        build.ready(waiting[0], 1);
        build.acquire(1, 1)
    });
    build.pass(MILLI);
    build.poll(2, 1, |build| build.release(1, second, 1));
    let profile = profile(build);
    let [lock] = &profile.resources[..] else {
        panic!("{:?}", profile.resources);
    };
    assert_eq!((lock.kind, lock.made, lock.taken), ("mutex", 1, 2));
    assert_eq!((lock.held.count, lock.held.max.0 / MILLI), (2, 6));
    assert_eq!((lock.waits.count, lock.longest_queue), (1, 3));
    assert_eq!((lock.holders.len(), lock.holders[0].times), (1, 2));
    let wait = profile
        .waits
        .iter()
        .find(|wait| wait.what == "lock()")
        .unwrap();
    assert_eq!((wait.ready.count, wait.open), (1, 2));
    assert_eq!(wait.resource.as_deref(), Some("mutex"));
}

#[test]
fn a_blocking_job_is_no_long_poll_and_says_how_long_it_was_queued() {
    let mut build = Build::new();
    build.event(&TaskNew {
        task: 1,
        flags: task_flag::BLOCKING,
        ..TaskNew::default()
    });
    build.pass(30 * MILLI);
    build.last_poll(1, |build| build.pass(200 * MILLI));
    build.task(2);
    build.last_poll(2, |build| build.pass(20 * MILLI));
    let profile = profile(build);
    let polls: Vec<_> = profile
        .longest_polls
        .iter()
        .map(|poll| poll.task.0)
        .collect();
    assert_eq!(polls, [2]);
    let job = &profile.tasks[0];
    assert_eq!(
        (job.what, job.scheduled.max.0 / MILLI),
        (Some("blocking job"), 30)
    );
}

#[test]
fn what_may_have_ended_in_a_loss_is_not_said_to_have_lasted() {
    let held = |loses: bool| {
        let mut build = Build::new();
        build.resource(1, resource_kind::MUTEX, 1);
        build.task(1);
        build.poll(1, 1, |build| build.acquire(1, 1));
        if loses {
            build.lose(3);
        }
        build.pass(50 * MILLI);
        build.poll(1, 1, |_| ());
        profile(build).resources[0].held.count
    };
    assert_eq!(held(false), 1);
    assert_eq!(held(true), 0);
}
