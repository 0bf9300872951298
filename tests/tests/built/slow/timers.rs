//! Timers that are made anew before they can fire.

use ais_analyzer::findings::{Confidence, Kind};
use ais_format::event::{Location, OperationBegin, OperationEnd, operation_kind, outcome};
use ais_tests::build::Build;

use super::{MILLI, none, only, texts};

/// One timer: how long it is to wait, after how long it ends, and how.
type Timer = (u64, u64, u64);

/// These timers of one kind, one after the other at the same place.
fn timers(kind: u64, timers: &[Timer]) -> Build {
    let mut build = Build::new();
    build.text(1, "src/heartbeat.rs");
    build.define(&Location {
        id: 1,
        file: 1,
        line: 12,
        column: 17,
    });
    build.task(1);
    for &(units, after, outcome) in timers {
        let operation = build.poll(1, 1, |build| {
            build.begin(OperationBegin {
                kind,
                units: units * MILLI,
                location: 1,
                ..OperationBegin::default()
            })
        });
        build.pass(after * MILLI);
        build.poll(1, 1, |build| {
            build.event(&OperationEnd {
                operation,
                outcome,
                ..OperationEnd::default()
            })
        });
    }
    build
}

const DROPPED: Timer = (1_000, 900, outcome::DROPPED);

#[test]
fn a_sleep_that_begins_again_before_its_time_never_fires() {
    let finding = only(
        timers(operation_kind::SLEEP, &[DROPPED; 6]),
        Kind::Starvation,
        Confidence::Possible,
    );
    assert!(
        finding
            .title
            .contains("made sleep(1.00 s) anew 6 times before its time came"),
        "{}",
        finding.title
    );
    assert!(texts(&finding).contains("src/heartbeat.rs:12:17"));
    assert!(
        finding
            .advice
            .contains("make the sleep once outside of the loop and pin it")
    );
}

#[test]
fn it_takes_several_times_and_deadlines_that_went_by() {
    none(timers(operation_kind::SLEEP, &[DROPPED; 4]));
    let short = (1_000, 100, outcome::DROPPED);
    none(timers(operation_kind::SLEEP, &[short; 29]));
    only(
        timers(operation_kind::SLEEP, &[short; 31]),
        Kind::Starvation,
        Confidence::Possible,
    );
}

#[test]
fn a_sleep_that_fires_once_in_a_while_is_none() {
    let fired = (1_000, 1_001, outcome::READY);
    let mut row = vec![DROPPED; 4];
    row.push(fired);
    row.extend([DROPPED; 4]);
    none(timers(operation_kind::SLEEP, &row));
}

#[test]
fn a_time_out_that_its_work_comes_before_is_none() {
    none(timers(operation_kind::TIMEOUT, &[DROPPED; 20]));
}

#[test]
fn a_ticker_beside_other_work_is_none() {
    none(timers(operation_kind::TICK, &[DROPPED; 20]));
    // A time that stays where it is comes nearer each time.
    // It was ready at once in between, which leaves no trace.
    let row: Vec<Timer> = (0..100)
        .map(|n| (1_000 - n % 20 * 40, 40, outcome::DROPPED))
        .collect();
    none(timers(operation_kind::SLEEP, &row));
}
