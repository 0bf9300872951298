//! A runtime that is shut down cancels its tasks: judged is the moment before.

use ais_analyzer::findings::Confidence;
use ais_analyzer::time::Nanos;
use ais_format::event::{TaskDrop, TaskNew, operation_kind, resource_kind, section_kind};
use ais_tests::build::Build;

use super::{findings, history};

const RUNTIME: u64 = 10;
const OTHER: u64 = 11;

/// Two tasks of one runtime that wait for each other's lock, and one of another runtime. Gives when the first is shut down.
fn gives_up(and_then: impl FnOnce(&mut Build)) -> (Build, u64) {
    let mut build = Build::new();
    for (task, executor) in [(1, RUNTIME), (2, RUNTIME), (3, OTHER)] {
        build.event(&TaskNew {
            task,
            executor,
            ..TaskNew::default()
        });
    }
    build.resource(1, resource_kind::MUTEX, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    build.poll(1, 1, |build| build.acquire(1, 1));
    build.poll(2, 1, |build| build.acquire(2, 1));
    build.poll(1, 1, |build| build.wait(operation_kind::LOCK, 2, 1));
    build.poll(2, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    build.last_poll(3, |_| ());
    let at = build.enter(section_kind::SHUTDOWN, RUNTIME);
    build.event(&TaskDrop { task: 1 });
    build.event(&TaskDrop { task: 2 });
    and_then(&mut build);
    (build, at)
}

#[test]
fn a_deadlock_that_the_program_gave_up_on_is_found() {
    let (build, at) = gives_up(|_| ());
    let told = history(build);
    assert_eq!((told.shutdown, told.end), (Some(Nanos(at)), Nanos(at)));
    assert!(told.recorded_until > told.end);
    let found = findings(&told);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].confidence, Confidence::Proven);
}

#[test]
fn several_runtimes_that_are_shut_down_in_a_row_are_one_end() {
    let (build, at) = gives_up(|build| {
        build.enter(section_kind::SHUTDOWN, OTHER);
    });
    let told = history(build);
    assert_eq!(told.shutdown, Some(Nanos(at)));
    assert_eq!(findings(&told).len(), 1);
}

#[test]
fn a_runtime_that_is_shut_down_in_the_middle_is_not_the_end() {
    let mut last = 0;
    let (build, first) = gives_up(|build| {
        build.poll(3, 0, |_| ());
        last = build.enter(section_kind::SHUTDOWN, OTHER);
    });
    let told = history(build);
    assert!(first < last);
    assert_eq!(told.shutdown, Some(Nanos(last)));
    assert!(
        findings(&told).is_empty(),
        "what it cancelled let the other one go on"
    );
}

#[test]
fn a_program_that_goes_on_is_judged_at_its_end() {
    let (build, _) = gives_up(|build| build.task(4));
    let told = history(build);
    assert_eq!(told.shutdown, None);
    assert!(
        findings(&told).is_empty(),
        "its tasks are cancelled by then"
    );

    let (build, _) = gives_up(|build| build.poll(3, 0, |_| ()));
    assert_eq!(history(build).shutdown, None, "a task of another runtime");

    let (build, at) = gives_up(|build| build.poll(1, 0, |_| ()));
    let told = history(build);
    assert_eq!(told.shutdown, Some(Nanos(at)), "one of its own");
}
