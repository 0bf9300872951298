//! What is known of tasks, operations and threads.

use ais_analyzer::history::{Outcome, ResourceId, Section, SectionKind, TaskId, TaskState};
use ais_analyzer::time::Nanos;
use ais_format::event::{
    OperationBegin, OperationEnd, OperationPoll, SectionEnd, TaskAbort, TaskNew, TimerSet,
    WakersGone, Yield, operation_flag, operation_kind, outcome, section_kind, task_flag,
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
