//! What is known of tasks, operations and threads.

use ais_analyzer::history::{Outcome, ResourceId, Section, SectionKind, TaskId, TaskState};
use ais_analyzer::report::{lock_circles, panel};
use ais_analyzer::time::Nanos;
use ais_analyzer::waits::verdict;
use ais_format::event::{
    Function, FutureBegin, Location, OperationBegin, OperationEnd, OperationPoll, SectionEnd,
    TaskAbort, TaskDrop, TaskNew, TimerSet, Wake, WakersGone, Yield, operation_flag,
    operation_kind, outcome, resource_kind, section_kind, task_flag,
};
use ais_tests::build::Build;

use super::history;

#[test]
fn a_task_knows_what_it_is_and_what_was_done_to_it() {
    let mut build = Build::new();
    build.text(1, "bank::transfer<u8>::{{closure}}");
    build.event(&TaskNew {
        task: 1,
        name: 1,
        flags: task_flag::UNNAMED | task_flag::BLOCK_ON,
        executor: 9,
        ..TaskNew::default()
    });
    build.poll(1, 0, |build| {
        build.event(&Yield::default());
        build.event(&Yield::default());
    });
    build.poll(1, 0, |_| ());
    let gone = build.event(&WakersGone { task: 1, waker: 1 });
    let abort = build.event(&TaskAbort { task: 1 });
    let told = history(build);
    let task = told.task(TaskId(1)).unwrap();
    assert_eq!(&*task.name, "bank::transfer");
    let full = task.type_name.as_deref();
    assert_eq!(full, Some("bank::transfer<u8>::{{closure}}"));
    assert!(task.flags.is_block_on() && !task.flags.is_blocking());
    assert_eq!(task.executor, Some(ResourceId(9)));
    let yields: Vec<u64> = task.polls.iter().map(|poll| poll.yields).collect();
    assert_eq!(yields, [2, 0]);
    assert_eq!(
        (task.wakers_gone[0].at, task.aborts[0].at),
        (Nanos(gone), Nanos(abort))
    );
    assert!(matches!(task.state(), TaskState::Idle(_)));
}

#[test]
fn the_states_of_a_task_are_what_it_did_at_each_moment() {
    let mut build = Build::new();
    build.task(1);
    let wake = |build: &mut Build, number| {
        let (task, waker) = (1, 1);
        build.event(&Wake {
            task,
            waker,
            number,
        });
    };
    build.poll(1, 1, |_| ());
    wake(&mut build, 1);
    build.poll(1, 1, |build| wake(build, 2));
    build.poll(1, 1, |_| ());
    build.event(&TaskDrop { task: 1 });
    let told = history(build);
    let task = told.task(TaskId(1)).unwrap();
    let states = task.states();
    assert_eq!(
        states,
        [
            TaskState::Scheduled(Nanos(100)),
            TaskState::Running(Nanos(200)),
            TaskState::Idle(Nanos(300)),
            TaskState::Scheduled(Nanos(400)),
            TaskState::Running(Nanos(500)),
            TaskState::Scheduled(Nanos(700)),
            TaskState::Running(Nanos(800)),
            TaskState::Idle(Nanos(900)),
            TaskState::Cancelled(Nanos(1000)),
        ]
    );
    for at in (0..1200).step_by(50).map(Nanos) {
        let last = states.iter().rfind(|state| state.since() < at);
        assert_eq!(task.state_at(at), last.copied(), "at {at}");
    }
    assert_eq!(states[2].to_string(), "waiting");
    assert_eq!(told.live_tasks().count(), 0);
}

#[test]
fn a_timer_knows_its_time_and_where_it_was_moved() {
    let sleep = OperationBegin {
        kind: operation_kind::SLEEP,
        units: 5000,
        ..OperationBegin::default()
    };
    let mut build = Build::new();
    build.task(1);
    let (stays, moves) = build.poll(1, 2, |build| (build.begin(sleep), build.begin(sleep)));
    let moved = build.event(&TimerSet {
        operation: moves,
        delay: 9000,
    });
    let told = history(build);
    let of = |operation| {
        told.operation(ais_analyzer::history::OperationId(operation))
            .unwrap()
    };
    assert_eq!(of(stays).deadline, Some(Nanos(of(stays).begun.0 + 5000)));
    assert_eq!(of(moves).deadline, Some(Nanos(moved + 9000)));
    assert_eq!(of(stays).call(), "sleep(5.00 µs)");
}

#[test]
fn an_operation_is_as_it_was_last_polled() {
    let mut build = Build::new();
    build.task(1);
    let notified = OperationBegin {
        kind: operation_kind::NOTIFIED,
        target: 1,
        sequence: u64::MAX,
        flags: operation_flag::OWNED,
        ..OperationBegin::default()
    };
    let (polled, unpolled, dropped) = build.poll(1, 1, |build| {
        let operation = build.begin(notified);
        build.event(&OperationPoll {
            operation,
            fires: 0,
            flags: operation_flag::NO_BUDGET,
        });
        (operation, build.begin(notified), build.begin(notified))
    });
    build.event(&OperationEnd {
        operation: dropped,
        outcome: outcome::NEVER_POLLED,
        ..OperationEnd::default()
    });
    let told = history(build);
    let of = |operation| {
        told.operation(ais_analyzer::history::OperationId(operation))
            .unwrap()
    };
    assert!(of(polled).is_polled && of(polled).flags.had_no_budget());
    assert!(!of(unpolled).is_polled && !of(unpolled).keeps_a_waker());
    assert_eq!(of(dropped).ended.unwrap().1, Outcome::NeverPolled);
}

#[test]
fn threads_are_in_the_sections_that_they_entered_and_did_not_leave() {
    let mut build = Build::new();
    build.task(1);
    build.poll(1, 0, |build| {
        build.enter(section_kind::BLOCK_IN_PLACE, 0);
        build.enter(section_kind::BORROW, 7);
        build.event(&SectionEnd {
            kind: section_kind::BLOCK_IN_PLACE,
            resource: 0,
        });
    });
    build.on_thread(2);
    build.enter(section_kind::BORROW, 8);
    build.lose(3);
    build.task(2);
    let told = history(build);
    let open: Vec<&Section> = told.open_sections().collect();
    assert_eq!(open.len(), 1, "of the other thread it is not known");
    assert_eq!(open[0].kind, SectionKind::Borrow);
    assert_eq!(
        (open[0].resource, open[0].task),
        (Some(ResourceId(7)), Some(TaskId(1)))
    );
    assert_eq!(told.sections.len(), 3);
}

/// Where a task is, and why, in words.
fn place_and_reasons(build: Build) -> (String, Vec<String>) {
    let told = history(build);
    let panel = panel(&told, &verdict(&told).progress, TaskId(1)).unwrap();
    (panel.at.unwrap(), panel.because)
}

/// A `select!` over two channels, and over so many things that are not recorded.
fn selects(outside: u64) -> Build {
    let mut build = Build::new();
    build.resource(1, resource_kind::BROADCAST, 1);
    build.resource(2, resource_kind::BROADCAST, 1);
    build.task(1);
    build.poll(1, 2 + outside, |build| {
        build.wait(operation_kind::RECEIVE, 1, 1);
        build.wait(operation_kind::RECEIVE, 2, 1);
    });
    build
}

#[test]
fn a_task_that_awaits_several_things_is_told_with_all_of_them() {
    let (place, reasons) = place_and_reasons(selects(0));
    assert_eq!(place, "recv() of broadcast channel #1");
    let [first, second] = &reasons[..] else {
        panic!("{reasons:?}")
    };
    assert!(first.starts_with("broadcast channel #1 is empty; "));
    let also = "it also awaits recv(): broadcast channel #2 is empty; ";
    assert!(second.starts_with(also), "{second}");
}

/// Two handlers of a server as axum and hyper run them: each has a lock that the other wants, and waits for its connection and for the
/// shutdown of the server, too.
fn handlers() -> Build {
    let mut build = Build::new();
    build.resource(1, resource_kind::MUTEX, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    build.resource(3, resource_kind::WATCH, 1);
    for (task, has, wants) in [(1, 1, 2), (2, 2, 1)] {
        build.task(task);
        build.poll(task, 3, |build| {
            build.wait(operation_kind::CLOSED, 3, 1);
            build.acquire(has, 1);
            build.wait(operation_kind::LOCK, wants, 1);
        });
    }
    build
}

#[test]
fn handlers_that_want_each_others_locks_are_shown_though_nothing_is_proven() {
    let told = history(handlers());
    assert!(verdict(&told).progress.stuck.is_empty());
    assert_eq!(lock_circles(&told), [[TaskId(1), TaskId(2)]]);
    // That a server shuts down is the last thing that such a task waits for.
    let (place, reasons) = place_and_reasons(handlers());
    assert_eq!(place, "lock() of mutex #2, or something not recorded");
    let last = reasons.last().unwrap();
    assert_eq!(last, "and so on in a circle: back at task #1");
}

#[test]
fn a_lock_whose_holder_waits_for_something_else_is_in_no_circle() {
    let mut build = handlers();
    build.task(3);
    build.poll(3, 1, |build| {
        build.wait(operation_kind::LOCK, 1, 1);
    });
    // Behind the circle, not in it.
    assert_eq!(lock_circles(&history(build)), [[TaskId(1), TaskId(2)]]);
    assert!(lock_circles(&history(selects(0))).is_empty());
}

#[test]
fn a_waker_that_no_recorded_operation_keeps_is_told_of() {
    let (place, reasons) = place_and_reasons(selects(1));
    assert_eq!(
        place,
        "recv() of broadcast channel #1, or something not recorded"
    );
    let last = reasons.last().unwrap();
    assert_eq!(
        last,
        "or else something wakes it that is not recorded: I/O, …"
    );
}

#[test]
fn a_task_that_awaits_nothing_recorded_says_what_that_can_be() {
    let waits = |wakers| {
        let mut build = Build::new();
        build.text(1, "src/server.rs");
        build.define(&Location {
            id: 1,
            file: 1,
            line: 67,
            column: 13,
        });
        build.event(&TaskNew {
            task: 1,
            location: 1,
            ..TaskNew::default()
        });
        build.poll(1, wakers, |_| ());
        place_and_reasons(build).0
    };
    assert_eq!(
        waits(1),
        "something not recorded (I/O, …): no #[trace] in it, spawned at src/server.rs:67:13"
    );
    assert_eq!(
        waits(0),
        "not recorded: no #[trace] in it, spawned at src/server.rs:67:13"
    );
}

#[test]
fn a_task_without_a_name_is_told_by_its_number_and_by_the_function_that_it_runs() {
    let mut build = Build::new();
    build.text(1, "bank::transfer");
    build.define(&Function {
        id: 1,
        name: 1,
        ..Function::default()
    });
    build.task(1);
    build.task(2);
    build.poll(2, 1, |build| {
        build.event(&FutureBegin {
            future: 5,
            function: 1,
            ..FutureBegin::default()
        });
    });
    let told = history(build);
    let title = |id| told.task(TaskId(id)).unwrap().title();
    assert_eq!(title(1), "task #1");
    assert_eq!(title(2), "task #2 \"transfer\"");
    assert_eq!(TaskId(1).label(""), "#1");
    assert_eq!(TaskId(2).label("transfer"), "#2 transfer");
}
