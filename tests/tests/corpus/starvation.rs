//! Tasks that wait for others which could go on, had they a thread to do so.

use std::sync::{Arc, Barrier};

use futures::executor::block_on;
use recorded_tokio as tokio;
use recorded_tokio::runtime::{Builder, Handle};
use recorded_tokio::sync::{Mutex, oneshot};
use recorded_tokio::task::LocalSet;

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "starvation" hangs {
        fn a_task_that_blocks_the_only_thread: Likely, ["handler", "(query)"], ["(runtime)"];
        fn a_task_that_blocks_on_a_lock: Likely, ["handler", "(holder)"], ["(mutex@lock)", "(runtime)"];
        async two_tasks_that_block_both_workers:
            Likely, ["handler 1", "handler 2", "(query 1)", "(query 2)"], ["(runtime)"];
        fn a_job_that_waits_for_one_behind_it: Possible, ["consumer", "(producer)"], ["(runtime)", "(oneshot channel@sender)"];
        fn a_job_that_blocks_on_one_behind_it: Proven, ["outer", "JoinHandle", "(inner)"], ["(runtime)"];
        async a_local_set_that_nobody_drives:
            Likely, ["a_local_set_that_nobody_drives", "(local)"], ["(local set@set)"];
        fn a_handle_that_drives_nothing: Possible, ["JoinHandle", "(query)"], ["(runtime@idle)"];
    }
}

/// A task blocks on another one of its runtime, which has no thread but that.
/// <https://github.com/tokio-rs/tokio/issues/2376>
fn a_task_that_blocks_the_only_thread(fixed: bool) {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(async {
        let handler = named("handler", async move {
            let query = named("query", tokio::task::yield_now());
            if fixed {
                query.await.unwrap();
            } else {
                block_on(query).unwrap();
            }
        });
        handler.await.unwrap();
    });
}

/// A task blocks on a lock that another one of its runtime has, which has no thread but that.
/// <https://github.com/MaterializeInc/materialize/pull/13776>
fn a_task_that_blocks_on_a_lock(fixed: bool) {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(async {
        let lock = Arc::new(Mutex::new(0));
        let held = lock.clone();
        let holder = named("holder", async move {
            let mut held = held.lock().await;
            settled().await;
            *held += 1;
        });
        tokio::task::yield_now().await;
        let handler = named("handler", async move {
            let wait = lock.lock();
            let value = if fixed { wait.await } else { block_on(wait) };
            assert_eq!(*value, 1);
        });
        handler.await.unwrap();
        holder.await.unwrap();
    });
}

/// As many tasks as the runtime has workers block on others of it, which are queued.
/// <https://github.com/delta-io/delta-kernel-rs/issues/1605>
async fn two_tasks_that_block_both_workers(fixed: bool) {
    let both_run = Arc::new(Barrier::new(2));
    let handler = |query: &'static str, both_run: Arc<Barrier>| async move {
        both_run.wait();
        let query = named(query, tokio::task::yield_now());
        if fixed {
            query.await.unwrap();
        } else {
            block_on(query).unwrap();
        }
    };
    let one = named("handler 1", handler("query 1", both_run.clone()));
    let two = named("handler 2", handler("query 2", both_run));
    one.await.unwrap();
    two.await.unwrap();
}

/// The only thread for blocking jobs has one that waits for what the next one sends.
/// <https://github.com/tokio-rs/tokio/issues/2802>
fn a_job_that_waits_for_one_behind_it(fixed: bool) {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.max_blocking_threads(if fixed { 2 } else { 1 });
    builder.build().unwrap().block_on(async {
        let (sender, receiver) = oneshot::channel();
        let job = |name| tokio::task::Builder::new().name(name);
        let consumer = job("consumer");
        let consumer = consumer.spawn_blocking(move || receiver.blocking_recv());
        settled().await;
        let producer = job("producer");
        let producer = producer.spawn_blocking(move || sender.send(1));
        assert!(consumer.unwrap().await.unwrap().is_ok());
        assert!(producer.unwrap().await.unwrap().is_ok());
    });
}

/// The only thread for blocking jobs has one that blocks on the next one.
fn a_job_that_blocks_on_one_behind_it(fixed: bool) {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.max_blocking_threads(if fixed { 2 } else { 1 });
    builder.build().unwrap().block_on(async {
        let job = |name| tokio::task::Builder::new().name(name);
        let outer = job("outer").spawn_blocking(move || {
            let inner = job("inner").spawn_blocking(|| 42).unwrap();
            Handle::current().block_on(inner)
        });
        assert_eq!(outer.unwrap().await.unwrap().unwrap(), 42);
    });
}

/// A task is handed to a set of local tasks, and awaited outside of it. <https://github.com/tokio-rs/tokio/issues/7022>
async fn a_local_set_that_nobody_drives(fixed: bool) {
    let set = LocalSet::new();
    let builder = tokio::task::Builder::new().name("local");
    let local = builder.spawn_local_on(settled(), &set).unwrap();
    if fixed {
        set.run_until(local).await.unwrap();
    } else {
        local.await.unwrap();
    }
}

/// The handle of a runtime with one thread blocks on a task of it; that drives the runtime as little as anybody else does.
/// <https://github.com/ClickHouse/adbc_clickhouse/issues/25>
fn a_handle_that_drives_nothing(fixed: bool) {
    let idle = Builder::new_current_thread().enable_all().build().unwrap();
    let builder = tokio::task::Builder::new().name("query");
    let query = builder.spawn_on(tokio::task::yield_now(), idle.handle());
    let query = query.unwrap();
    if fixed {
        idle.block_on(query).unwrap();
    } else {
        idle.handle().block_on(query).unwrap();
    }
}
