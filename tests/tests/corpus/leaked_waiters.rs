//! Tasks that wait for what nobody can do any more, without a circle.

use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};

use recorded_tokio::sync::{Barrier, Mutex, RwLock, Semaphore, mpsc, oneshot};

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "leaked-waiter" hangs {
        async a_permit_that_a_panic_does_not_give_back: Likely, ["shutdown"], ["semaphore@limit"];
        async more_permits_than_there_are: Likely, ["import"], ["semaphore@limit"];
        async a_guard_that_is_forgotten: Likely, ["update"], ["mutex@updates"];
        async a_guard_in_a_box_that_is_leaked: Likely, ["reload"], ["rwlock@connection"];
        async a_sender_in_a_static: Likely, ["menu", "(a_sender_in_a_static)"], ["channel@events", "(oneshot channel)"];
        async a_barrier_at_which_one_does_not_arrive: Likely, ["one", "(two)"], ["barrier@barrier"];
    }
}

/// A job means to give its permit back by hand when it is done, and panics before that.
/// <https://github.com/anza-xyz/agave/pull/10478>
async fn a_permit_that_a_panic_does_not_give_back(fixed: bool) {
    let limit = Arc::new(Semaphore::new(1));
    let of_job = limit.clone();
    let job = named("job", async move {
        let permit = of_job.acquire().await.unwrap();
        settled().await;
        if fixed {
            drop(permit);
        } else {
            permit.forget();
        }
        resume_unwind(Box::new("on purpose"));
    });
    assert!(job.await.is_err());
    let shutdown = named(
        "shutdown",
        async move { drop(limit.acquire().await.unwrap()) },
    );
    shutdown.await.unwrap();
}

/// One asks for more permits than the semaphore ever has. <https://github.com/zio/zio/issues/11187>
async fn more_permits_than_there_are(fixed: bool) {
    let limit = Arc::new(Semaphore::new(2));
    let import = named("import", async move {
        drop(limit.acquire_many(if fixed { 2 } else { 5 }).await.unwrap());
    });
    import.await.unwrap();
}

/// What was taken for an operation is not given back on one of the ways out of it.
/// <https://github.com/eclipse-opensovd/classic-diagnostic-adapter/issues/525>
async fn a_guard_that_is_forgotten(fixed: bool) {
    let updates = Arc::new(Mutex::new(0));
    let blocked = updates.clone();
    let operation = named("operation", async move {
        let guard = blocked.lock().await;
        settled().await;
        if !fixed {
            std::mem::forget(guard);
        }
    });
    operation.await.unwrap();
    let update = named("update", async move { *updates.lock().await += 1 });
    update.await.unwrap();
}

/// A connection leaves its pool, and never comes back: what has it is leaked.
/// <https://github.com/djc/bb8/issues/67>
async fn a_guard_in_a_box_that_is_leaked(fixed: bool) {
    let connection = Arc::new(RwLock::new(0));
    let taken = connection.clone();
    let stream = named("stream", async move {
        let guard = Box::new(taken.write_owned().await);
        settled().await;
        if !fixed {
            Box::leak(guard);
        }
    });
    stream.await.unwrap();
    let reload = named("reload", async move { *connection.write().await += 1 });
    reload.await.unwrap();
}

/// The sender of a channel is in a static, so that the channel is never closed.
/// <https://github.com/tauri-apps/tray-icon/issues/244>
async fn a_sender_in_a_static(fixed: bool) {
    static EVENTS: OnceLock<mpsc::Sender<u32>> = OnceLock::new();
    let (ended, has_ended) = oneshot::channel();
    named("setup", async move {
        let (events, mut received) = mpsc::channel(8);
        named("menu", async move {
            while received.recv().await.is_some() {}
            ended.send(()).unwrap();
        });
        events.send(1).await.unwrap();
        if !fixed {
            EVENTS.set(events).unwrap();
        }
    });
    has_ended.await.unwrap();
}

/// Three have to come to a barrier, and one of them panics on its way.
/// <https://github.com/nearai/ironclaw/pull/6695>
async fn a_barrier_at_which_one_does_not_arrive(fixed: bool) {
    let barrier = Arc::new(Barrier::new(if fixed { 2 } else { 3 }));
    let arrive = |barrier: Arc<Barrier>| async move {
        barrier.wait().await;
    };
    let one = named("one", arrive(barrier.clone()));
    let two = named("two", arrive(barrier.clone()));
    let three = named("three", async move {
        let _for_later = barrier;
        settled().await;
        resume_unwind(Box::new("on purpose"));
    });
    assert!(three.await.is_err());
    one.await.unwrap();
    two.await.unwrap();
}
