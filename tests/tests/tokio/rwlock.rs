//! Locks with many readers or one writer.

use std::sync::Arc;

use ais_format::event::{
    Acquire, Kind, Release, operation_flag, operation_kind, outcome, resource_kind,
};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, RwLockWriteGuard};

use crate::in_both_flavours;
use crate::locks::{
    abort_with, changes, give_up, outcomes, panic_with, taken_by, use_up_budget, waited_in,
};

const ALL: u64 = (u32::MAX >> 3) as u64;

#[test]
fn a_reader_takes_one_unit_and_a_writer_all() {
    in_both_flavours(
        || async {
            let lock = RwLock::new(1);
            {
                let one = lock.read().await;
                let other = lock.try_read().unwrap();
                assert_eq!((*one, *other), (1, 1));
                assert!(lock.try_write().is_err());
            }
            *lock.write().await += 1;
            *lock.try_write().unwrap() += 1;
        },
        |events| {
            let lock = events.resource(resource_kind::RWLOCK);
            assert_eq!(lock.capacity, ALL);
            assert!(events.place(lock.location).contains("tokio/rwlock.rs:"));
            let (acquire, release) = (Kind::Acquire, Kind::Release);
            let expected = [
                acquire, acquire, release, release, acquire, release, acquire, release,
            ];
            assert_eq!(changes(events, resource_kind::RWLOCK), expected);
            let units: Vec<u64> = events.rows::<Acquire>().iter().map(|a| a.units).collect();
            assert_eq!(units, [1, 1, ALL, ALL]);
            let mut released: Vec<(u64, u64)> = events
                .rows::<Release>()
                .iter()
                .map(|r| (r.hold, r.units))
                .collect();
            released.sort_unstable();
            assert_eq!(released, [(1, 1), (2, 1), (5, ALL), (7, ALL)]);
            assert!(events.operations(operation_kind::READ).is_empty());
            assert!(events.operations(operation_kind::WRITE).is_empty());
        },
    );
}

#[test]
fn a_writer_waits_for_a_reader() {
    in_both_flavours(
        || async {
            let lock = RwLock::with_max_readers((), 3);
            let reads = async {
                let _reader = lock.read().await;
                tokio::task::yield_now().await;
            };
            tokio::join!(
                task("reads", reads),
                task("writes", async { drop(lock.write().await) })
            );
        },
        |events| {
            let begin = waited_in(events, operation_kind::WRITE, "writes");
            assert_eq!(begin.units, 3);
            assert_eq!(taken_by(events, begin.operation).units, 3);
            let expected = [
                Kind::Acquire,
                Kind::OperationBegin,
                Kind::Release,
                Kind::OperationEnd,
                Kind::Acquire,
                Kind::Release,
            ];
            assert_eq!(changes(events, resource_kind::RWLOCK), expected);
        },
    );
}

#[test]
fn what_is_given_up_ends_as_dropped_or_as_never_polled() {
    in_both_flavours(
        || async {
            let lock = RwLock::new(());
            let reader = lock.read().await;
            give_up(lock.write()).await;
            drop(lock.write());
            drop(reader);
            let writer = lock.write().await;
            give_up(lock.read()).await;
            drop(lock.read());
            drop(writer);
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes(events, operation_kind::READ), expected);
            assert_eq!(outcomes(events, operation_kind::WRITE), expected);
            changes(events, resource_kind::RWLOCK);
        },
    );
}

#[test]
fn a_writer_that_becomes_a_reader_gives_back_all_but_one_unit_of_its_hold() {
    in_both_flavours(
        || async {
            let lock = Arc::new(RwLock::with_max_readers((1, 2), 4));
            drop(lock.write().await.downgrade());
            let writer = lock.write().await;
            let writer = RwLockWriteGuard::try_downgrade_map(writer, |_| None::<&u8>).unwrap_err();
            let reader = RwLockWriteGuard::downgrade_map(writer, |pair| &pair.1);
            assert_eq!((*reader, lock.read().await.0), (2, 1));
            drop(reader);
            let writer = Arc::clone(&lock).write_owned().await;
            let reader = OwnedRwLockWriteGuard::downgrade_map(writer, |pair| &pair.0);
            assert_eq!((*reader, lock.try_read().unwrap().1), (1, 2));
            drop(reader);
            drop(lock.try_write_owned().unwrap().downgrade());
        },
        |events| {
            let acquires = events.rows::<Acquire>();
            let releases = events.rows::<Release>();
            let mut downgraded = 0;
            for acquire in acquires.iter().filter(|acquire| acquire.units == 4) {
                let of = releases.iter().filter(|r| r.hold == acquire.sequence);
                let units: Vec<u64> = of.map(|release| release.units).collect();
                assert_eq!(units, [3, 1]);
                downgraded += 1;
            }
            assert_eq!(downgraded, 4);
            let owned = acquires
                .iter()
                .filter(|a| a.flags & operation_flag::OWNED != 0);
            assert_eq!(owned.count(), 2);
            changes(events, resource_kind::RWLOCK);
        },
    );
}

#[test]
fn a_guard_is_given_back_when_its_holder_panics_or_is_aborted() {
    in_both_flavours(
        || async {
            let lock = Arc::new(RwLock::new(()));
            panic_with(lock.write()).await;
            abort_with(Arc::clone(&lock).read_owned()).await;
            assert!(lock.try_write().is_ok());
        },
        |events| {
            let pair = [Kind::Acquire, Kind::Release];
            assert_eq!(changes(events, resource_kind::RWLOCK), pair.repeat(3));
        },
    );
}

#[test]
fn a_thread_blocks_until_it_can_write() {
    in_both_flavours(
        || async {
            let lock = Arc::new(RwLock::new(0));
            let reader = lock.read().await;
            let blocks = {
                let lock = Arc::clone(&lock);
                tokio::task::spawn_blocking(move || *lock.blocking_write() += 1)
            };
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            drop(reader);
            blocks.await.unwrap();
            assert_eq!(*lock.read().await, 1);
        },
        |events| {
            let (begin, _, end) = events.operations(operation_kind::WRITE)[0];
            assert!(begin.flags & operation_flag::BLOCKING != 0);
            assert_eq!(end, Some(outcome::READY));
            assert_eq!(taken_by(events, begin.operation).units, ALL);
            changes(events, resource_kind::RWLOCK);
        },
    );
}

#[test]
fn a_wait_that_begins_without_budget_is_a_wait() {
    in_both_flavours(
        || async {
            let lock = RwLock::new(());
            let reader = lock.read().await;
            let waits = async {
                use_up_budget().await;
                drop(lock.write().await);
            };
            let releases = async {
                tokio::task::yield_now().await;
                drop(reader);
            };
            tokio::join!(biased; task("waits", waits), releases);
        },
        |events| {
            let begin = waited_in(events, operation_kind::WRITE, "waits");
            assert_eq!(begin.flags & operation_flag::NO_BUDGET, 0);
        },
    );
}

#[test]
fn a_lock_becomes_tokios_own_and_back() {
    in_both_flavours(
        || async {
            let lock: ::tokio::sync::RwLock<u8> = RwLock::new(7).into();
            assert_eq!(*lock.read().await, 7);
            let lock = RwLock::<u8>::from(lock);
            assert_eq!(format!("{lock:?}"), "RwLock { data: 7 }");
        },
        |events| {
            let made = events.resources(resource_kind::RWLOCK);
            assert_eq!(made.len(), 2, "{made:?}");
        },
    );
}
