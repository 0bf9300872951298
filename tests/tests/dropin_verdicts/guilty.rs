//! Programs that hang.

use std::sync::Arc;

use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, RwLock};

use crate::{programs, settled};

programs![
    opposite_orders,
    taken_after_a_wake_from_another_thread,
    a_lock_taken_twice,
    a_reader_that_reads_again_behind_a_writer,
];

async fn opposite_orders() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let take = |first: Arc<Mutex<()>>, second: Arc<Mutex<()>>| async move {
        let _first = first.lock().await;
        settled().await;
        let _second = second.lock().await;
    };
    let one = tokio::spawn(take(a.clone(), b.clone()));
    tokio::spawn(take(b, a)).await.unwrap();
    one.await.unwrap();
}

/// The thread that wakes it is still at that when it waits again: its waker looked like one that nobody knows.
async fn taken_after_a_wake_from_another_thread() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let _held = b.lock().await;
    let (taken, wanted) = (a.clone(), b.clone());
    tokio::spawn(async move {
        let _taken = taken.lock().await;
        let _wanted = wanted.lock().await;
    });
    settled().await;
    let _both = a.lock().await;
}

async fn a_lock_taken_twice() {
    let lock = Mutex::new(());
    let _held = lock.lock().await;
    settled().await;
    let _again = lock.lock().await;
}

async fn a_reader_that_reads_again_behind_a_writer() {
    let lock = Arc::new(RwLock::new(()));
    let _read = lock.read().await;
    let written = lock.clone();
    tokio::spawn(async move { drop(written.write().await) });
    settled().await;
    let _again = lock.read().await;
}
