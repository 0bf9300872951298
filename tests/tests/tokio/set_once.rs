//! Values that are set once.

use ais_format::event::{Kind, Notify, notify_mode, operation_kind, outcome, resource_kind};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::SetOnce;

use crate::in_both_flavours;
use crate::locks::{changes, give_up, outcomes, use_up_budget, waited_in};

#[test]
fn a_value_that_is_set_is_not_waited_for() {
    in_both_flavours(
        || async {
            let once = SetOnce::new();
            once.set(1).unwrap();
            assert!(once.set(2).is_err());
            assert_eq!(*once.wait().await, 1);
        },
        |events| {
            let once = events.resource(resource_kind::SET_ONCE);
            assert_eq!(once.capacity, 1);
            assert_eq!(changes(events, resource_kind::SET_ONCE), [Kind::Notify]);
            let set = events.rows::<Notify>()[0];
            assert_eq!(set.mode, notify_mode::SET);
            for place in [once.location, set.location] {
                assert!(events.place(place).contains("tokio/set_once.rs:"));
            }
        },
    );
}

#[test]
fn one_waits_until_it_is_set_with_budget_or_without() {
    in_both_flavours(
        || async {
            let once = SetOnce::new();
            let waits = async {
                use_up_budget().await;
                assert_eq!(*once.wait().await, 1);
            };
            let sets = async { once.set(1).unwrap() };
            tokio::join!(biased; task("waits", waits), sets);
        },
        |events| {
            waited_in(events, operation_kind::SET, "waits");
            let expected = [Kind::OperationBegin, Kind::Notify, Kind::OperationEnd];
            assert_eq!(changes(events, resource_kind::SET_ONCE), expected);
        },
    );
}

#[test]
fn what_is_given_up_ends_as_dropped_or_as_never_polled() {
    in_both_flavours(
        || async {
            let once = SetOnce::<u8>::new();
            give_up(once.wait()).await;
            drop(once.wait());
            let set: ::tokio::sync::SetOnce<u8> = SetOnce::from(3).into();
            assert_eq!(SetOnce::<u8>::from(set).into_inner(), Some(3));
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::SET), expected);
            let made = events.resources(resource_kind::SET_ONCE);
            let capacities: Vec<u64> = made.iter().map(|once| once.capacity).collect();
            assert_eq!(capacities, [1, 0, 0]);
            assert_eq!(events.changes(made[0].resource).len(), 4);
        },
    );
}
