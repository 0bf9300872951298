//! Barriers.

use ais_format::event::{Arrive, Kind, operation_kind, outcome, resource_kind};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::Barrier;

use crate::in_both_flavours;
use crate::locks::{changes, give_up, outcomes, use_up_budget, waited_in};

#[test]
fn the_last_one_to_arrive_lets_the_others_go_on() {
    in_both_flavours(
        || async {
            let barrier = Barrier::new(2);
            let first = async { assert!(!barrier.wait().await.is_leader()) };
            let last = async { assert!(barrier.wait().await.is_leader()) };
            tokio::join!(biased; task("first", first), task("last", last));
        },
        |events| {
            let barrier = events.resource(resource_kind::BARRIER);
            assert_eq!(barrier.capacity, 2);
            assert!(events.place(barrier.location).contains("tokio/barrier.rs:"));
            waited_in(events, operation_kind::BARRIER, "first");
            let arrivals: Vec<u64> = events.told::<Arrive>().iter().map(|a| a.0.task).collect();
            assert_eq!(arrivals, [events.task("first"), events.task("last")]);
            let expected = [
                Kind::Arrive,
                Kind::OperationBegin,
                Kind::Arrive,
                Kind::OperationEnd,
            ];
            assert_eq!(changes(events, resource_kind::BARRIER), expected);
        },
    );
}

#[test]
fn an_arrival_that_is_given_up_was_one_and_one_that_is_never_polled_was_none() {
    in_both_flavours(
        || async {
            let barrier = Barrier::new(2);
            give_up(barrier.wait()).await;
            drop(barrier.wait());
            assert!(barrier.wait().await.is_leader());
            assert!(Barrier::new(0).wait().await.is_leader());
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::BARRIER), expected);
            let made = events.resources(resource_kind::BARRIER);
            assert_eq!(made.iter().map(|b| b.capacity).collect::<Vec<_>>(), [2, 1]);
            let changes = events.changes(made[0].resource);
            let arrivals = changes.iter().filter(|c| c.0 == Kind::Arrive);
            assert_eq!(arrivals.count(), 2);
        },
    );
}

#[test]
fn it_arrives_once_also_where_it_has_no_budget_to_wait() {
    in_both_flavours(
        || async {
            let barrier = Barrier::new(2);
            let first = async {
                use_up_budget().await;
                barrier.wait().await;
            };
            let last = async {
                tokio::task::yield_now().await;
                barrier.wait().await;
            };
            tokio::join!(biased; task("first", first), task("last", last));
        },
        |events| assert_eq!(events.rows::<Arrive>().len(), 2),
    );
}
