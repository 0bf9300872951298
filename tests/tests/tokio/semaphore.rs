//! Semaphores.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use ais_format::event::{
    Acquire, Add, Forget, HoldMerge, HoldSplit, Kind, Release, operation_flag, operation_kind,
    outcome, resource_kind,
};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::Semaphore;

use crate::in_both_flavours;
use crate::locks::{
    abort_with, changes, give_up, outcomes, panic_with, taken_by, use_up_budget, waited_in,
};

#[test]
fn permits_are_taken_and_given_back_without_an_operation_that_waits() {
    in_both_flavours(
        || async {
            let semaphore = Arc::new(Semaphore::new(5));
            let two = semaphore.acquire_many(2).await.unwrap();
            assert_eq!(two.num_permits(), 2);
            let owned = Arc::clone(&semaphore).acquire_owned().await.unwrap();
            assert!(Arc::ptr_eq(owned.semaphore(), &semaphore));
            assert_eq!(semaphore.available_permits(), 2);
            assert!(semaphore.try_acquire_many(3).is_err());
            drop((two, owned));
            assert_eq!(semaphore.available_permits(), 5);
        },
        |events| {
            let semaphore = events.resource(resource_kind::SEMAPHORE);
            assert_eq!(semaphore.capacity, 5);
            let expected = [Kind::Acquire, Kind::Acquire, Kind::Release, Kind::Release];
            assert_eq!(changes(events, resource_kind::SEMAPHORE), expected);
            let acquires = events.rows::<Acquire>();
            let units: Vec<(u64, u64)> = acquires
                .iter()
                .map(|a| (a.units, a.flags & operation_flag::OWNED))
                .collect();
            assert_eq!(units, [(2, 0), (1, operation_flag::OWNED)]);
            let released: Vec<(u64, u64)> = events
                .rows::<Release>()
                .iter()
                .map(|r| (r.hold, r.units))
                .collect();
            assert_eq!(released, [(1, 2), (2, 1)]);
            assert!(events.operations(operation_kind::ACQUIRE).is_empty());
        },
    );
}

#[test]
fn one_waits_until_permits_are_added() {
    in_both_flavours(
        || async {
            let semaphore = Semaphore::new(1);
            let waits = async { drop(semaphore.acquire_many(3).await.unwrap()) };
            let adds = async { semaphore.add_permits(2) };
            tokio::join!(biased; task("waits", waits), task("adds", adds));
        },
        |events| {
            let begin = waited_in(events, operation_kind::ACQUIRE, "waits");
            assert_eq!(begin.units, 3);
            assert_eq!(taken_by(events, begin.operation).units, 3);
            let adds = events.told::<Add>();
            assert_eq!(adds[0].1.units, 2);
            assert_eq!(adds[0].0.task, events.task("adds"));
            let place = events.place(adds[0].1.location);
            assert!(place.contains("tokio/semaphore.rs:"), "{place}");
            let expected = [
                Kind::OperationBegin,
                Kind::Add,
                Kind::OperationEnd,
                Kind::Acquire,
                Kind::Release,
            ];
            assert_eq!(changes(events, resource_kind::SEMAPHORE), expected);
        },
    );
}

#[test]
fn a_permit_is_split_merged_and_forgotten_by_its_holds() {
    in_both_flavours(
        || async {
            let semaphore = Arc::new(Semaphore::new(6));
            let mut three = semaphore.acquire_many(3).await.unwrap();
            assert!(three.split(4).is_none());
            let one = three.split(1).unwrap();
            let mut other = semaphore.try_acquire().unwrap();
            other.merge(one);
            assert_eq!((three.num_permits(), other.num_permits()), (2, 2));
            other.forget();
            drop(three);
            let mut owned = semaphore.clone().try_acquire_many_owned(2).unwrap();
            let part = owned.split(1).unwrap();
            owned.merge(part);
            owned.forget();
            assert_eq!(semaphore.forget_permits(9), 2);
            assert_eq!(semaphore.forget_permits(9), 0);
        },
        |events| {
            let expected = [
                Kind::Acquire,
                Kind::HoldSplit,
                Kind::Acquire,
                Kind::HoldMerge,
                Kind::Forget,
                Kind::Release,
                Kind::Acquire,
                Kind::HoldSplit,
                Kind::HoldMerge,
                Kind::Forget,
                Kind::Forget,
            ];
            assert_eq!(changes(events, resource_kind::SEMAPHORE), expected);
            let splits = events.rows::<HoldSplit>();
            let splits: Vec<(u64, u64)> = splits.iter().map(|s| (s.hold, s.units)).collect();
            assert_eq!(splits, [(1, 1), (7, 1)]);
            let merges = events.rows::<HoldMerge>();
            let merges: Vec<(u64, u64)> = merges.iter().map(|m| (m.hold, m.gone)).collect();
            assert_eq!(merges, [(3, 2), (7, 8)]);
            let forgotten = events.rows::<Forget>();
            let forgotten: Vec<(u64, u64)> = forgotten.iter().map(|f| (f.hold, f.units)).collect();
            assert_eq!(forgotten, [(3, 2), (7, 2), (0, 2)]);
            let released = events.rows::<Release>();
            assert_eq!((released[0].hold, released[0].units), (1, 2));
        },
    );
}

#[test]
fn permits_of_different_semaphores_are_not_merged_and_each_goes_back_to_its_own() {
    in_both_flavours(
        || async {
            let (one, other) = (Semaphore::new(1), Semaphore::new(1));
            let merged = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let mut permit = one.try_acquire().unwrap();
                permit.merge(other.try_acquire().unwrap());
            }));
            let message = *merged.unwrap_err().downcast::<&str>().unwrap();
            assert_eq!(
                message,
                "merging permits from different semaphore instances"
            );
            assert_eq!((one.available_permits(), other.available_permits()), (1, 1));
        },
        |events| {
            assert!(events.rows::<HoldMerge>().is_empty());
            assert_eq!(events.rows::<Release>().len(), 2);
        },
    );
}

#[test]
fn a_wait_ends_when_the_semaphore_is_closed() {
    in_both_flavours(
        || async {
            let semaphore = Semaphore::new(0);
            let waits = async { assert!(semaphore.acquire().await.is_err()) };
            let closes = async { semaphore.close() };
            tokio::join!(biased; task("waits", waits), closes);
            assert!(semaphore.is_closed());
        },
        |events| {
            let closed = [Some(outcome::CLOSED)];
            assert_eq!(outcomes(events, operation_kind::ACQUIRE), closed);
            let expected = [Kind::OperationBegin, Kind::Close, Kind::OperationEnd];
            assert_eq!(changes(events, resource_kind::SEMAPHORE), expected);
        },
    );
}

#[test]
fn what_is_given_up_ends_as_dropped_or_as_never_polled() {
    in_both_flavours(
        || async {
            let semaphore = Arc::new(Semaphore::new(0));
            give_up(semaphore.acquire()).await;
            drop(semaphore.acquire_many(2));
            give_up(semaphore.clone().acquire_owned()).await;
            drop(semaphore.acquire_many_owned(2));
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)].repeat(2);
            assert_eq!(outcomes(events, operation_kind::ACQUIRE), expected);
            assert_eq!(changes(events, resource_kind::SEMAPHORE).len(), 8);
        },
    );
}

#[test]
fn a_permit_is_given_back_when_its_holder_panics_or_is_aborted() {
    in_both_flavours(
        || async {
            let semaphore = Arc::new(Semaphore::new(1));
            panic_with(semaphore.acquire()).await;
            abort_with(Arc::clone(&semaphore).acquire_owned()).await;
            assert_eq!(semaphore.available_permits(), 1);
        },
        |events| {
            let pair = [Kind::Acquire, Kind::Release];
            assert_eq!(changes(events, resource_kind::SEMAPHORE), pair.repeat(2));
        },
    );
}

#[test]
fn what_has_its_permits_but_no_budget_is_woken_by_itself() {
    in_both_flavours(
        || async {
            let semaphore = Semaphore::new(1);
            let takes = async {
                use_up_budget().await;
                drop(semaphore.acquire().await.unwrap());
            };
            task("takes", takes).await;
        },
        |events| {
            let begin = waited_in(events, operation_kind::ACQUIRE, "takes");
            taken_by(events, begin.operation);
        },
    );
}

#[test]
fn a_semaphore_becomes_tokios_own_and_back_with_the_permits_that_it_has() {
    in_both_flavours(
        || async {
            let semaphore: ::tokio::sync::Semaphore = Semaphore::const_new(4).into();
            semaphore.forget_permits(1);
            let semaphore = Semaphore::from(semaphore);
            assert_eq!(semaphore.available_permits(), 3);
        },
        |events| assert_eq!(events.resource(resource_kind::SEMAPHORE).capacity, 3),
    );
}
