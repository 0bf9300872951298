//! Tasks that are polled over and over for nothing.

use ais_analyzer::findings::{Confidence, Kind, Thresholds, slow_findings};
use ais_format::event::{
    OperationBegin, OperationEnd, TaskNew, Yield, operation_flag, operation_kind, outcome,
    resource_kind,
};
use ais_tests::build::Build;

use super::super::history;
use super::{MILLI, fire, none, only, poll_again, texts, wake};

const MICRO: u64 = 1_000;

/// A task that wakes itself in each of so many polls, which come `apart`; in each it does this.
fn spins(turns: u64, apart: u64, mut inside: impl FnMut(&mut Build, u64)) -> Build {
    let mut build = Build::new();
    build.resource(1, resource_kind::UNBOUNDED_CHANNEL, 0);
    build.resource(2, resource_kind::MUTEX, 1);
    build.task(1);
    build.task(2);
    for turn in 1..=turns {
        build.poll(1, 1, |build| {
            inside(build, turn);
            wake(build, 1, turn);
        });
        build.pass(apart);
    }
    build
}

/// Task 1 spawns a task.
fn spawn(build: &mut Build, task: u64) {
    build.event(&TaskNew {
        task,
        parent: 1,
        ..TaskNew::default()
    });
}

/// Something else that goes on for a while.
fn and_then(mut build: Build) -> Build {
    build.poll(1, 1, |_| ());
    build.pass(1_000 * MILLI);
    build.task(3);
    build
}

#[test]
fn a_task_that_wakes_itself_and_does_nothing_spins() {
    let finding = only(
        spins(2_000, 100 * MICRO, |_, _| ()),
        Kind::BusyLoop,
        Confidence::Likely,
    );
    assert!(
        finding
            .title
            .contains("has been polled 1,999 times within 200 ms"),
        "{}",
        finding.title
    );
    let ended = and_then(spins(2_000, 100 * MICRO, |_, _| ()));
    let finding = only(ended, Kind::BusyLoop, Confidence::Possible);
    assert!(
        finding
            .confidence_because
            .unwrap()
            .contains("the limits of 100 ms and 1,000 turns")
    );
}

#[test]
fn it_takes_many_turns_and_some_time() {
    none(spins(900, 1_000 * MICRO, |_, _| ()));
    none(spins(2_000, 10 * MICRO, |_, _| ()));
    // As many in all, but something else comes in between.
    let mut build = spins(900, 200 * MICRO, |_, _| ());
    for turn in 901..931 {
        build.poll(1, 1, |_| ());
        build.poll(2, 1, |build| wake(build, 1, turn));
    }
    for turn in 931..1_831 {
        build.poll(1, 1, |build| wake(build, 1, turn));
        build.pass(200 * MICRO);
    }
    build.poll(1, 1, |_| ());
    none(build);
}

#[test]
fn a_task_that_works_between_its_polls_does_not_spin() {
    none(spins(2_000, 0, |build, _| build.pass(90 * MICRO)));
}

#[test]
fn a_task_that_others_wake_does_not_spin() {
    let mut build = spins(1, 0, |_, _| ());
    for turn in 2..3_000 {
        build.poll(2, 1, |build| wake(build, 1, turn));
        build.poll(1, 1, |_| ());
        build.pass(100 * MICRO);
    }
    none(build);
    // From outside of any poll: I/O.
    let mut build = spins(1, 0, |_, _| ());
    for turn in 2..3_000 {
        wake(&mut build, 1, turn);
        build.poll(1, 1, |_| ());
        build.pass(100 * MICRO);
    }
    none(build);
}

#[test]
fn a_task_whose_operations_are_ready_does_not_spin() {
    none(spins(2_000, 100 * MICRO, |build, _| {
        let operation = build.wait(operation_kind::LOCK, 2, 1);
        build.ready(operation, 2);
    }));
    let mut build = spins(1, 0, |_, _| ());
    let timer = OperationBegin {
        kind: operation_kind::SLEEP,
        units: 50 * MICRO,
        ..OperationBegin::default()
    };
    for turn in 2..3_000 {
        let operation = build.poll(1, 1, |build| build.begin(timer));
        build.pass(100 * MICRO);
        fire(&mut build, 1, operation, turn);
    }
    none(build);
}

#[test]
fn a_task_that_takes_and_gives_does_not_spin() {
    none(spins(2_000, 100 * MICRO, |build, _| {
        let hold = build.acquire(2, 1);
        build.release(2, hold, 1);
    }));
    none(spins(2_000, 100 * MICRO, |build, turn| {
        spawn(build, 100 + turn);
    }));
}

#[test]
fn few_causes_among_many_turns_do_not_excuse_it_and_many_do() {
    let each = |n: u64| {
        spins(4_000, 100 * MICRO, move |build, turn| {
            if turn % n == n - 1 {
                let hold = build.acquire(2, 1);
                build.release(2, hold, 1);
            }
        })
    };
    let finding = only(each(500), Kind::BusyLoop, Confidence::Likely);
    assert!(
        texts(&finding).contains("in between had another cause"),
        "{}",
        texts(&finding)
    );
    none(each(20));
}

#[test]
fn giving_way_is_no_busy_loop_unless_it_is_asked_for() {
    let yields = || {
        spins(2_000, 100 * MICRO, |build, _| {
            build.event(&Yield::default());
        })
    };
    none(yields());
    let limits = Thresholds {
        busy_yields: true,
        ..Thresholds::default()
    };
    assert_eq!(slow_findings(&history(yields()), &limits).len(), 1);
}

/// Asks a channel again and again for as long as the budget lasts; it ends so.
fn asks(outcome: u64) -> Build {
    let mut build = spins(1, 0, |_, _| ());
    build.handle(1, 1, ais_format::event::handle_end::RECEIVER);
    let mut last = 0;
    for turn in 2..3_000 {
        wake(&mut build, 1, turn);
        last = build.poll(1, 1, |build| {
            if last != 0 {
                let sequence = build.change(1);
                build.event(&OperationEnd {
                    operation: last,
                    outcome,
                    resource: 1,
                    sequence,
                });
            }
            build.begin(OperationBegin {
                kind: operation_kind::RECEIVE,
                target: 1,
                handle: 1,
                units: 1,
                sequence: u64::MAX,
                flags: operation_flag::NO_BUDGET,
                ..OperationBegin::default()
            })
        });
        build.pass(100 * MICRO);
    }
    build
}

#[test]
fn a_closed_channel_that_is_asked_again_and_again_is_a_busy_loop() {
    let finding = only(asks(outcome::CLOSED), Kind::BusyLoop, Confidence::Possible);
    assert!(finding.advice.contains("when the channel is closed"));
    // What is there is received.
    none(asks(outcome::READY));
}

#[test]
fn an_operation_that_is_polled_over_and_over_in_one_poll_is_a_busy_loop() {
    let asked = |turns: u64, apart: u64, works: bool| {
        let mut build = spins(1, 0, |_, _| ());
        build.poll(1, 1, |build| {
            let operation = build.wait(operation_kind::LOCK, 2, 1);
            for _ in 0..turns {
                poll_again(build, operation, 0);
                build.pass(apart);
                if works {
                    let sequence = build.change(1);
                    build.event(&ais_format::event::Send {
                        resource: 1,
                        sequence,
                        ..ais_format::event::Send::default()
                    });
                }
            }
        });
        build
    };
    let of = |build: Build| {
        let mut kinds = super::found(build);
        kinds.retain(|finding| finding.kind == Kind::BusyLoop);
        kinds
    };
    let found = of(asked(10_000, 15 * MICRO, false));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].confidence, Confidence::Possible);
    assert!(
        found[0].title.contains("polled lock() 10,001 times"),
        "{}",
        found[0].title
    );
    // It computes in between.
    assert!(of(asked(3_000, 50 * MICRO, false)).is_empty());
    assert!(of(asked(10_000, 15 * MICRO, true)).is_empty());
    assert!(of(asked(900, 15 * MICRO, false)).is_empty());
}

#[test]
fn a_task_of_which_polls_are_missing_is_not_accused() {
    let mut build = spins(2_000, 100 * MICRO, |_, _| ());
    build.event(&ais_format::event::PollBegin {
        task: 1,
        poll: 5_000,
        waker: 1,
        ..ais_format::event::PollBegin::default()
    });
    none(build);
}
