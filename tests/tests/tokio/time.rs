//! Timers.

use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use ais_format::event::{
    Kind, OperationBegin, OperationFired, TimerSet, operation_flag, operation_kind, outcome,
};
use ais_tests::events::Events;
use ais_tests::events_of;
use recorded_tokio as tokio;
use tokio::runtime::Builder;
use tokio::time::{
    Instant, Interval, MissedTickBehavior, Sleep, interval, interval_at, sleep, timeout,
};

use crate::in_both_flavours;

const SHORT: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_hours(1);

/// The only operation of a kind, and how it ended.
fn only(events: &Events, kind: u64) -> (OperationBegin, Option<u64>) {
    let found = events.operations(kind);
    assert_eq!(found.len(), 1, "{found:?}");
    (found[0].0, found[0].2)
}

fn outcomes(events: &Events, kind: u64) -> Vec<Option<u64>> {
    let operations = events.operations(kind);
    operations.iter().map(|(_, _, outcome)| *outcome).collect()
}

/// Polls `future` once, with the waker of the task.
async fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    let mut future = Some(future);
    poll_fn(move |cx| Poll::Ready(future.take().unwrap().poll(cx))).await
}

#[test]
fn a_sleep_waits_is_woken_and_ends() {
    in_both_flavours(
        || async { sleep(SHORT).await },
        |events| {
            let (begin, outcome) = only(events, operation_kind::SLEEP);
            assert_eq!(outcome, Some(outcome::READY));
            assert_eq!((begin.target, begin.sequence), (0, 0));
            assert!(
                begin.units > 4_000_000 && begin.units <= 5_000_000,
                "{begin:?}"
            );
            assert!(events.place(begin.location).contains("time.rs:"));
            let fired: Vec<u64> = events
                .rows::<OperationFired>()
                .iter()
                .map(|fired| fired.operation)
                .collect();
            assert_eq!(fired, [begin.operation]);
            events.assert_complete();
        },
    );
}

#[test]
fn a_sleep_that_has_elapsed_does_not_wait() {
    in_both_flavours(
        || async {
            let mut past = pin!(tokio::time::sleep_until(Instant::now() - SHORT));
            assert!(!past.is_elapsed());
            past.as_mut().await;
            assert!(past.is_elapsed());
        },
        |events| assert!(events.operations(operation_kind::SLEEP).is_empty()),
    );
}

#[test]
fn a_sleep_is_given_up_while_it_waits_or_before_it_was_polled() {
    in_both_flavours(
        || async {
            let mut waiting = Box::pin(sleep(LONG));
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            drop(waiting);
            drop(sleep(LONG));
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::SLEEP), expected);
            let hour = LONG.as_nanos() as u64;
            for (begin, ..) in events.operations(operation_kind::SLEEP) {
                assert!(begin.units > hour - 1_000_000_000 && begin.units <= hour);
            }
        },
    );
}

#[test]
fn a_sleep_that_is_reset_says_so_where_it_waits() {
    in_both_flavours(
        || async {
            let mut sleep = pin!(sleep(LONG));
            // It does not wait yet.
            sleep.as_mut().reset(Instant::now() + 2 * LONG);
            assert!(poll_once(sleep.as_mut()).await.is_pending());
            let deadline = Instant::now() + SHORT;
            sleep.as_mut().reset(deadline);
            assert_eq!(sleep.deadline(), deadline);
            sleep.as_mut().await;
            // And again, as another operation.
            sleep.as_mut().reset(Instant::now() + SHORT);
            sleep.await;
        },
        |events| {
            let sleeps = events.operations(operation_kind::SLEEP);
            assert_eq!(
                outcomes(events, operation_kind::SLEEP),
                [Some(outcome::READY); 2]
            );
            assert!(sleeps[0].0.units > LONG.as_nanos() as u64);
            let set = events.rows::<TimerSet>();
            assert_eq!(set.len(), 1);
            assert_eq!(set[0].operation, sleeps[0].0.operation);
            assert!(set[0].delay <= SHORT.as_nanos() as u64);
        },
    );
}

#[test]
fn a_sleep_becomes_tokios_own_and_is_over_for_the_trace() {
    in_both_flavours(
        || async {
            let sleep = sleep(SHORT);
            let unwrapped: ::tokio::time::Sleep = sleep.into();
            unwrapped.await;
            Sleep::from(::tokio::time::sleep(SHORT)).await;
        },
        |events| {
            let (_, outcome) = only(events, operation_kind::SLEEP);
            assert_eq!(outcome, Some(outcome::READY));
        },
    );
}

#[test]
fn the_ticks_of_an_interval_are_operations() {
    in_both_flavours(
        || async {
            let start = Instant::now() + SHORT;
            let mut interval = interval_at(start, 2 * SHORT);
            assert_eq!(interval.tick().await, start);
            assert_eq!(interval.tick().await, start + 2 * SHORT);
            assert_eq!(interval.period(), 2 * SHORT);
            interval.reset_after(LONG);
            let mut waiting = Box::pin(interval.tick());
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            drop(waiting);
            drop(interval.tick());
        },
        |events| {
            let ticks = events.operations(operation_kind::TICK);
            let expected = [
                outcome::READY,
                outcome::READY,
                outcome::DROPPED,
                outcome::NEVER_POLLED,
            ];
            assert_eq!(outcomes(events, operation_kind::TICK), expected.map(Some));
            assert!(ticks[0].0.units <= SHORT.as_nanos() as u64);
            assert!(ticks[1].0.units <= 2 * SHORT.as_nanos() as u64);
            assert!(ticks[2].0.units > LONG.as_nanos() as u64 / 2);
            assert!(ticks[0].0.location != ticks[1].0.location);
        },
    );
}

#[test]
fn a_tick_that_is_polled_for_through_a_function_can_be_reset_and_given_up_with_its_interval() {
    async fn poll_tick(interval: &mut Interval) -> Poll<Instant> {
        poll_fn(|cx| Poll::Ready(interval.poll_tick(cx))).await
    }
    in_both_flavours(
        || async {
            let mut interval = interval_at(Instant::now() - SHORT, LONG);
            assert!(poll_tick(&mut interval).await.is_ready());
            assert!(poll_tick(&mut interval).await.is_pending());
            interval.reset_immediately();
            poll_fn(|cx| interval.poll_tick(cx)).await;
            assert!(poll_tick(&mut interval).await.is_pending());
        },
        |events| {
            let ticks = events.operations(operation_kind::TICK);
            let expected = [Some(outcome::READY), Some(outcome::DROPPED)];
            assert_eq!(outcomes(events, operation_kind::TICK), expected);
            assert!(ticks[0].0.flags & operation_flag::NO_DROP != 0);
            let set = events.rows::<TimerSet>();
            assert_eq!(set.len(), 1);
            assert_eq!(set[0].operation, ticks[0].0.operation);
        },
    );
}

#[test]
fn a_time_out_that_comes_first_ends_ready() {
    in_both_flavours(
        || async {
            assert!(timeout(SHORT, sleep(LONG)).await.is_err());
        },
        |events| {
            let (begin, ended) = only(events, operation_kind::TIMEOUT);
            assert_eq!(ended, Some(outcome::READY));
            assert!(begin.units <= SHORT.as_nanos() as u64);
            assert!(begin.flags & operation_flag::NO_BUDGET == 0);
            let (sleep, ended) = only(events, operation_kind::SLEEP);
            assert_eq!(ended, Some(outcome::DROPPED));
            assert_eq!(
                sleep.flags & operation_flag::FOREIGN_WAKER,
                begin.flags & operation_flag::FOREIGN_WAKER
            );
            let fired = events.rows::<OperationFired>();
            assert_eq!(fired.len(), 1);
            assert_eq!(fired[0].operation, begin.operation);
        },
    );
}

#[test]
fn a_time_out_whose_value_comes_first_is_given_up() {
    in_both_flavours(
        || async {
            assert!(timeout(LONG, sleep(SHORT)).await.is_ok());
            // At once: nothing waits.
            assert_eq!(timeout(LONG, async { 1 }).await, Ok(1));
            // Too far away to come.
            assert!(timeout(Duration::MAX, sleep(SHORT)).await.is_ok());
        },
        |events| {
            let (_, outcome) = only(events, operation_kind::TIMEOUT);
            assert_eq!(outcome, Some(outcome::DROPPED));
            assert_eq!(
                outcomes(events, operation_kind::SLEEP),
                [Some(outcome::READY); 2]
            );
            events.assert_complete();
        },
    );
}

#[test]
fn a_time_out_is_dropped_unwrapped_or_never_polled() {
    in_both_flavours(
        || async {
            let mut waiting = Box::pin(timeout(LONG, pending::<()>()));
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            assert!(poll_once(waiting.as_mut()).await.is_pending());
            drop(waiting);
            drop(timeout(LONG, pending::<()>()));
            let mut unwrapped = timeout(LONG, ready(1));
            *unwrapped.get_mut() = ready(2);
            assert_eq!(format!("{:?}", unwrapped.get_ref()), "Ready(Some(2))");
            assert_eq!(unwrapped.into_inner().await, 2);
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::TIMEOUT), expected);
            let polls = events
                .all
                .iter()
                .filter(|told| told.kind == Kind::OperationPoll);
            assert_eq!(polls.count(), 1);
        },
    );
}

#[test]
fn a_time_out_ends_what_uses_up_all_budget() {
    in_both_flavours(
        || async {
            let busy = async {
                loop {
                    tokio::task::coop::consume_budget().await;
                }
            };
            assert!(timeout(SHORT, busy).await.is_err());
        },
        |events| {
            let (begin, outcome) = only(events, operation_kind::TIMEOUT);
            assert_eq!(outcome, Some(outcome::READY));
            // The timer itself was polled without regard to the budget.
            assert!(begin.flags & operation_flag::NO_BUDGET == 0);
        },
    );
}

#[test]
fn what_waits_by_a_paused_clock_says_how_long_by_that_clock() {
    let events = events_of(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            sleep(LONG).await;
            let mut interval = interval(LONG);
            interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
            interval.tick().await;
            tokio::time::advance(LONG + LONG / 2).await;
            interval.tick().await;
            interval.tick().await;
        });
    })
    .unwrap();
    let (sleep, ended) = only(&events, operation_kind::SLEEP);
    assert_eq!(
        (sleep.units, ended),
        (LONG.as_nanos() as u64, Some(outcome::READY))
    );
    let (tick, ended) = only(&events, operation_kind::TICK);
    assert_eq!(
        (tick.units, ended),
        (LONG.as_nanos() as u64 / 2, Some(outcome::READY))
    );
}
