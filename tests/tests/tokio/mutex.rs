//! Mutexes.

use std::sync::Arc;

use ais_format::event::{
    Acquire, Kind, Release, operation_flag, operation_kind, outcome, resource_kind,
};
use recorded_tokio as tokio;
use tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard};

use crate::in_both_flavours;

#[test]
fn a_free_mutex_is_taken_and_released_without_an_operation_that_waits() {
    in_both_flavours(
        || async {
            let mutex = Mutex::new(1);
            *mutex.lock().await += 1;
            assert_eq!(*mutex.try_lock().unwrap(), 2);
        },
        |events| {
            let mutex = events.resource(resource_kind::MUTEX);
            assert!(events.place(mutex.location).contains("mutex.rs:"));
            let changes = events.changes(mutex.resource);
            let kinds: Vec<Kind> = changes.iter().map(|change| change.0).collect();
            let expected = [Kind::Acquire, Kind::Release, Kind::Acquire, Kind::Release];
            assert_eq!(kinds, expected);
            let holds: Vec<(u64, u64)> = events
                .rows::<Acquire>()
                .iter()
                .map(|acquire| (acquire.sequence, acquire.units))
                .collect();
            assert_eq!(holds, [(1, 1), (3, 1)]);
            let released: Vec<(u64, u64)> = events
                .rows::<Release>()
                .iter()
                .map(|release| (release.hold, release.units))
                .collect();
            assert_eq!(released, holds);
            assert!(events.operations(operation_kind::LOCK).is_empty());
        },
    );
}

#[test]
fn a_lock_that_is_given_up_ends_as_dropped_and_one_that_is_never_polled_as_such() {
    in_both_flavours(
        || async {
            let mutex = Mutex::new(());
            let held = mutex.lock().await;
            let waiting = tokio::time::timeout(std::time::Duration::from_millis(5), mutex.lock());
            assert!(waiting.await.is_err());
            drop(mutex.lock());
            drop(held);
        },
        |events| {
            let outcomes: Vec<Option<u64>> = events
                .operations(operation_kind::LOCK)
                .iter()
                .map(|(_, _, outcome)| *outcome)
                .collect();
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)];
            assert_eq!(outcomes, expected);
            let mutex = events.resource(resource_kind::MUTEX).resource;
            assert_eq!(events.changes(mutex).len(), 6);
        },
    );
}

#[test]
fn an_owned_guard_is_marked_and_keeps_its_hold_when_it_is_mapped() {
    in_both_flavours(
        || async {
            let mutex = Arc::new(Mutex::new((1, 2)));
            let guard = Arc::clone(&mutex).lock_owned().await;
            assert_eq!(
                OwnedMutexGuard::mutex(&guard).try_lock().map(|_| ()).ok(),
                None
            );
            let mut second = OwnedMutexGuard::map(guard, |pair| &mut pair.1);
            *second += 1;
            drop(mutex);
            drop(second);
            let mutex = Mutex::new((1, 2));
            drop(MutexGuard::map(mutex.lock().await, |pair| &mut pair.0));
        },
        |events| {
            let holds = events.rows::<Acquire>();
            let owned = holds[0].flags & operation_flag::OWNED != 0;
            assert!(owned && holds[1].flags & operation_flag::OWNED == 0);
            let mut released: Vec<(u64, u64)> = events
                .rows::<Release>()
                .iter()
                .map(|release| (release.resource, release.hold))
                .collect();
            released.sort_unstable();
            let mut taken: Vec<(u64, u64)> = holds
                .iter()
                .map(|acquire| (acquire.resource, acquire.sequence))
                .collect();
            taken.sort_unstable();
            assert_eq!(released, taken);
        },
    );
}

#[test]
fn a_static_mutex_is_known_from_its_first_use() {
    static MUTEX: Mutex<u8> = Mutex::const_new(0);
    in_both_flavours(
        || async {
            *MUTEX.lock().await += 1;
        },
        |events| {
            let mutex = events.resource(resource_kind::MUTEX);
            assert_eq!(mutex.flags, ais_format::event::resource_flag::CONST);
            assert!(events.place(mutex.location).contains("mutex.rs:"));
            let flags = events.rows::<Acquire>()[0].flags;
            assert!(flags & (operation_flag::STATIC | operation_flag::MAYBE_STATIC) != 0);
        },
    );
}

#[test]
fn a_wait_that_begins_without_budget_is_a_wait() {
    in_both_flavours(
        || async {
            let mutex = Mutex::new(());
            let held = mutex.lock().await;
            let waits = async {
                crate::locks::use_up_budget().await;
                drop(mutex.lock().await);
            };
            tokio::join!(biased; ais_recorder::task("waits", waits), async { drop(held) });
        },
        |events| {
            let begin = crate::locks::waited_in(events, operation_kind::LOCK, "waits");
            assert_eq!(begin.flags & operation_flag::NO_BUDGET, 0);
        },
    );
}
