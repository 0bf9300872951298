//! Correct programs with semaphores.

use std::sync::Arc;

use recorded_tokio as tokio;
use recorded_tokio::sync::Semaphore;

use crate::{WHILE, later, programs, unrecorded_while};

programs![
    a_limit_of_what_threads_do,
    two_that_share_a_limit_of_what_threads_do,
    a_part_of_a_permit_to_a_thread,
    permits_added_by_a_thread,
    permits_added_by_a_task_with_a_timer,
    permits_added_by_a_job,
    permits_added_by_an_unrecorded_task,
    a_forgotten_permit_added_again,
    a_semaphore_closed_by_a_thread,
];

/// A permit for each thing that a thread does, and no more of them than two at a time.
async fn work_in_threads(limit: Arc<Semaphore>) {
    for _ in 0..3 {
        let permit = limit.clone().acquire_owned().await.unwrap();
        later(move || drop(permit));
    }
}

async fn a_limit_of_what_threads_do() {
    work_in_threads(Arc::new(Semaphore::new(2))).await;
}

async fn two_that_share_a_limit_of_what_threads_do() {
    let limit = Arc::new(Semaphore::new(2));
    let other = tokio::spawn(work_in_threads(limit.clone()));
    work_in_threads(limit).await;
    other.await.unwrap();
}

async fn a_part_of_a_permit_to_a_thread() {
    let limit = Arc::new(Semaphore::new(4));
    let mut all = limit.clone().acquire_many_owned(4).await.unwrap();
    let half = all.split(2).unwrap();
    later(move || drop(half));
    drop(limit.acquire_many(2).await.unwrap());
    drop(all);
}

async fn permits_added_by_a_thread() {
    let limit = Arc::new(Semaphore::new(1));
    let _held = limit.acquire().await.unwrap();
    let added = limit.clone();
    later(move || added.add_permits(1));
    drop(limit.acquire().await.unwrap());
}

async fn permits_added_by_a_task_with_a_timer() {
    let limit = Arc::new(Semaphore::new(1));
    let _held = limit.acquire().await.unwrap();
    let added = limit.clone();
    tokio::spawn(async move {
        tokio::time::sleep(WHILE).await;
        added.add_permits(1);
    });
    drop(limit.acquire().await.unwrap());
}

async fn permits_added_by_a_job() {
    let limit = Arc::new(Semaphore::new(1));
    let _held = limit.acquire().await.unwrap();
    let added = limit.clone();
    tokio::task::spawn_blocking(move || {
        std::thread::sleep(WHILE);
        added.add_permits(1);
    });
    drop(limit.acquire().await.unwrap());
}

async fn permits_added_by_an_unrecorded_task() {
    let limit = Arc::new(Semaphore::new(1));
    let _held = limit.acquire().await.unwrap();
    let added = limit.clone();
    ::tokio::spawn(async move {
        unrecorded_while().await;
        added.add_permits(1);
    });
    drop(limit.acquire().await.unwrap());
}

async fn a_forgotten_permit_added_again() {
    let limit = Arc::new(Semaphore::new(1));
    limit.acquire().await.unwrap().forget();
    let added = limit.clone();
    later(move || added.add_permits(1));
    drop(limit.acquire().await.unwrap());
}

async fn a_semaphore_closed_by_a_thread() {
    let limit = Arc::new(Semaphore::new(1));
    let _held = limit.acquire().await.unwrap();
    let closed = limit.clone();
    later(move || closed.close());
    assert!(limit.acquire().await.is_err());
}
