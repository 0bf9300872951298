//! Values that the first one who asks for them makes.

use std::sync::Arc;

use ais_format::event::{
    Acquire, Kind, Notify, Release, notify_mode, operation_kind, outcome, resource_flag,
    resource_kind,
};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::OnceCell;

use crate::in_both_flavours;
use crate::locks::{abort_with, changes, give_up, outcomes, panic_with, taken_by, waited_in};

#[test]
fn the_first_one_has_a_turn_and_makes_the_value() {
    in_both_flavours(
        || async {
            let cell = OnceCell::new();
            assert_eq!(*cell.get_or_init(|| async { 1 }).await, 1);
            assert_eq!(*cell.get_or_init(|| async { 2 }).await, 1);
            assert!(cell.set(3).unwrap_err().is_already_init_err());
        },
        |events| {
            let cell = events.resource(resource_kind::ONCE_CELL);
            assert_eq!(cell.capacity, 1);
            let expected = [Kind::Acquire, Kind::Notify, Kind::Release];
            assert_eq!(changes(events, resource_kind::ONCE_CELL), expected);
            let set = events.rows::<Notify>()[0];
            assert_eq!(set.mode, notify_mode::SET);
            let acquire = events.rows::<Acquire>()[0];
            for place in [cell.location, set.location, acquire.location] {
                assert!(events.place(place).contains("tokio/once_cell.rs:"));
            }
            assert!(events.operations(operation_kind::INIT).is_empty());
        },
    );
}

#[test]
fn others_wait_until_the_value_is_made_and_its_maker_is_polled_once_at_a_time() {
    in_both_flavours(
        || async {
            let cell = OnceCell::new();
            let mut polls = 0;
            let value = std::future::poll_fn(|cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                if polls == 3 {
                    std::task::Poll::Ready(7)
                } else {
                    std::task::Poll::Pending
                }
            });
            let makes = async { *cell.get_or_init(|| value).await };
            let waits = async { *cell.get_or_init(|| async { unreachable!() }).await };
            let values = tokio::join!(biased; task("makes", makes), task("waits", waits));
            assert_eq!((values, polls), ((7, 7), 3));
        },
        |events| {
            waited_in(events, operation_kind::INIT, "waits");
            let expected = [
                Kind::Acquire,
                Kind::OperationBegin,
                Kind::Notify,
                Kind::Release,
                Kind::OperationEnd,
            ];
            assert_eq!(changes(events, resource_kind::ONCE_CELL), expected);
        },
    );
}

#[test]
fn the_next_one_has_its_turn_where_the_first_one_fails() {
    in_both_flavours(
        || async {
            let cell = OnceCell::new();
            let fails = async {
                let failed = cell.get_or_try_init(|| async {
                    tokio::task::yield_now().await;
                    Err::<u8, ()>(())
                });
                assert!(failed.await.is_err());
            };
            let makes = async { assert_eq!(*cell.get_or_init(|| async { 1 }).await, 1) };
            tokio::join!(biased; task("fails", fails), task("makes", makes));
            let mut cell = cell;
            assert_eq!(cell.take(), Some(1));
        },
        |events| {
            let begin = waited_in(events, operation_kind::INIT, "makes");
            let acquire = taken_by(events, begin.operation);
            let expected = [
                Kind::Acquire,
                Kind::OperationBegin,
                Kind::Release,
                Kind::OperationEnd,
                Kind::Acquire,
                Kind::Notify,
                Kind::Release,
            ];
            let found: Vec<Kind> = events
                .changes(acquire.resource)
                .iter()
                .map(|c| c.0)
                .collect();
            assert_eq!(found, expected);
        },
    );
}

#[test]
fn what_is_given_up_ends_as_dropped_or_as_never_polled() {
    in_both_flavours(
        || async {
            let cell = OnceCell::new();
            let makes = cell.get_or_init(std::future::pending::<u8>);
            let others = async {
                give_up(cell.get_or_init(|| async { 1 })).await;
                drop(cell.get_or_init(|| async { 1 }));
                assert!(cell.set(1).unwrap_err().is_initializing_err());
            };
            tokio::select! { biased; _ = makes => {} () = others => {} }
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::INIT), expected);
            assert_eq!(events.rows::<Release>().len(), 1);
            assert_eq!(changes(events, resource_kind::ONCE_CELL).len(), 6);
        },
    );
}

#[test]
fn a_turn_is_given_back_when_its_maker_panics_or_is_aborted() {
    in_both_flavours(
        || async {
            let cell = Arc::new(OnceCell::<u8>::new());
            panic_with(cell.get_or_init(|| async { std::panic::resume_unwind(Box::new(1)) })).await;
            let aborted = Arc::clone(&cell);
            abort_with(async move { Box::pin(async move { aborted.set(2) }).await }).await;
            assert_eq!(cell.get(), Some(&2));
        },
        |events| {
            let expected = [
                Kind::Acquire,
                Kind::Release,
                Kind::Acquire,
                Kind::Notify,
                Kind::Release,
            ];
            assert_eq!(changes(events, resource_kind::ONCE_CELL), expected);
        },
    );
}

#[test]
fn a_static_cell_that_has_its_value_has_no_turn_to_give() {
    static CELL: OnceCell<u8> = OnceCell::const_new_with(5);
    in_both_flavours(
        || async {
            assert_eq!(*CELL.get_or_init(|| async { 1 }).await, 5);
            drop(CELL.get_or_init(|| async { 1 }));
        },
        |events| {
            let cell = events.resource(resource_kind::ONCE_CELL);
            assert_eq!((cell.capacity, cell.flags), (0, resource_flag::CONST));
        },
    );
}
