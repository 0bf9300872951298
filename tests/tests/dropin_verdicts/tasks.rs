//! Correct programs with runtimes, sets of tasks, and other ways to run them.

use std::rc::Rc;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, oneshot};
use recorded_tokio::task::{JoinSet, LocalSet};

use crate::{WHILE, later, programs, runtime, settled, unrecorded_while};

programs![
    a_set_of_futures_on_one_lock,
    a_set_of_futures_beside_a_lock,
    a_set_of_tasks_on_one_lock,
    a_local_set_whose_task_holds,
    a_local_set_that_nobody_drives_for_a_while,
    a_runtime_in_a_runtime,
    a_job_in_place_that_blocks_on_a_future,
    a_task_without_budget,
    a_reply_that_is_awaited_with_a_lock_held,
];

async fn hold(lock: Arc<Mutex<()>>) {
    let _held = lock.lock().await;
    unrecorded_while().await;
}

async fn a_set_of_futures_on_one_lock() {
    let lock = Arc::new(Mutex::new(()));
    let mut set: FuturesUnordered<_> = (0..2).map(|_| hold(lock.clone())).collect();
    while set.next().await.is_some() {}
}

async fn a_set_of_futures_beside_a_lock() {
    let lock = Arc::new(Mutex::new(()));
    let mut set: FuturesUnordered<_> = (0..2).map(|_| hold(lock.clone())).collect();
    let all = async { while set.next().await.is_some() {} };
    tokio::join!(all, async { drop(lock.lock().await) });
}

async fn a_set_of_tasks_on_one_lock() {
    let lock = Arc::new(Mutex::new(()));
    let mut set: JoinSet<()> = (0..2).map(|_| hold(lock.clone())).collect();
    while set.join_next().await.is_some() {}
}

async fn a_local_set_whose_task_holds() {
    let set = LocalSet::new();
    let lock = Arc::new(Mutex::new(()));
    let taken = lock.clone();
    set.run_until(async {
        let task = tokio::task::spawn_local(hold(taken));
        tokio::task::yield_now().await;
        drop(lock.lock().await);
        task.await.unwrap();
    })
    .await;
}

async fn a_local_set_that_nobody_drives_for_a_while() {
    let set = LocalSet::new();
    let lock = Rc::new(Mutex::new(()));
    let held = lock.lock().await;
    let wanted = lock.clone();
    let task = set.spawn_local(async move { drop(wanted.lock().await) });
    set.run_until(settled()).await;
    assert!(tokio::time::timeout(WHILE, lock.lock()).await.is_err());
    drop(held);
    set.run_until(task).await.unwrap();
}

async fn a_runtime_in_a_runtime() {
    let lock = Arc::new(Mutex::new(()));
    let taken = lock.clone();
    let thread = std::thread::spawn(move || runtime().block_on(hold(taken)));
    settled().await;
    drop(lock.lock().await);
    thread.join().unwrap();
}

async fn a_job_in_place_that_blocks_on_a_future() {
    let lock = Arc::new(Mutex::new(()));
    let taken = lock.clone();
    let task = tokio::spawn(async move {
        let _held = taken.lock().await;
        let handle = tokio::runtime::Handle::current();
        tokio::task::block_in_place(|| handle.block_on(unrecorded_while()));
    });
    settled().await;
    drop(lock.lock().await);
    task.await.unwrap();
}

async fn a_task_without_budget() {
    let lock = Arc::new(Mutex::new(()));
    let task = tokio::spawn(tokio::task::unconstrained(hold(lock.clone())));
    settled().await;
    drop(tokio::task::unconstrained(lock.lock()).await);
    task.await.unwrap();
}

async fn a_reply_that_is_awaited_with_a_lock_held() {
    let lock = Arc::new(Mutex::new(()));
    let (sender, reply) = oneshot::channel();
    later(move || sender.send(()).unwrap());
    let taken = lock.clone();
    let asks = tokio::spawn(async move {
        let _held = taken.lock().await;
        reply.await.unwrap();
    });
    settled().await;
    drop(lock.lock().await);
    asks.await.unwrap();
}
