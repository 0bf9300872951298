//! Tasks that wait for what they alone have.

use std::sync::Arc;

use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, OnceCell, RwLock, Semaphore, mpsc, oneshot};

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "self-deadlock" hangs {
        async a_sync_that_shares_under_its_own_lock: Proven, ["sync"], ["mutex@org"];
        async a_reader_that_writes: Proven, ["upgrade"], ["rwlock@value"];
        async a_sender_that_is_not_dropped: Likely, ["a_sender_that_is_not_dropped"], ["channel@sender"];
        async an_actor_that_asks_itself:
            Likely, ["actor"], ["oneshot channel@sender", "(channel@questions)"];
        async a_second_connection_from_a_pool_of_one: Likely, ["request"], ["semaphore@pool"];
        async a_weight_beyond_what_is_left: Likely, ["batch"], ["semaphore@memory"];
        async a_cell_that_needs_itself: Proven, ["config"], ["once cell@cell"];
    }
    // The circle leads through the queue of the lock.
    "self-deadlock|deadlock-cycle" hangs {
        async a_reader_that_reads_again: Proven, ["reader", "(writer)"], ["rwlock@value"];
    }
}

/// A sync tick has the lock of the organisation, and calls what takes the same lock as its first statement.
/// <https://github.com/murmur-io/murmur/pull/680>
async fn a_sync_that_shares_under_its_own_lock(fixed: bool) {
    async fn share(shared: &Mutex<u32>) {
        *shared.lock().await += 1;
    }
    let sync = named("sync", async move {
        let org = Mutex::new(0);
        let tick = org.lock().await;
        settled().await;
        if fixed {
            drop(tick);
        }
        share(&org).await;
    });
    sync.await.unwrap();
}

/// A reader reads once more behind a writer that waits. <https://github.com/tokio-rs/tokio/issues/2849>
async fn a_reader_that_reads_again(fixed: bool) {
    let value = Arc::new(RwLock::new(0));
    let written = value.clone();
    let reader = named("reader", async move {
        let first = value.read().await;
        settled().await;
        settled().await;
        if fixed {
            drop(first);
        }
        assert!(*value.read().await < 2);
    });
    settled().await;
    let writer = named("writer", async move { *written.write().await += 1 });
    reader.await.unwrap();
    writer.await.unwrap();
}

/// A read guard is still there when its task wants to write. <https://github.com/tokio-rs/tokio/pull/2733>
async fn a_reader_that_writes(fixed: bool) {
    let upgrade = named("upgrade", async move {
        let value = RwLock::new(0);
        let read = value.read().await;
        settled().await;
        let next = *read + 1;
        if fixed {
            drop(read);
        }
        *value.write().await = next;
    });
    upgrade.await.unwrap();
}

/// The main task receives until no sender is left, and keeps the one of which the others are clones.
/// <https://github.com/tokio-rs/tokio/issues/1761>
async fn a_sender_that_is_not_dropped(fixed: bool) {
    let (sender, mut receiver) = mpsc::channel(8);
    for name in ["foo", "bar"] {
        let sender = sender.clone();
        named(name, async move { sender.send(name).await.unwrap() });
    }
    let sender = Some(sender).filter(|_| !fixed);
    let mut received = 0;
    while receiver.recv().await.is_some() {
        received += 1;
    }
    assert_eq!(received, 2);
    drop(sender);
}

/// An actor puts a request into its own queue, and waits for the reply. <https://github.com/tqwewe/kameo/pull/87>
async fn an_actor_that_asks_itself(fixed: bool) {
    let (questions, mut asked) = mpsc::channel::<oneshot::Sender<u32>>(8);
    let own = questions.clone();
    let actor = named("actor", async move {
        let reply = asked.recv().await.unwrap();
        let (sender, answer) = oneshot::channel();
        own.send(sender).await.unwrap();
        if fixed {
            asked.recv().await.unwrap().send(1).unwrap();
        }
        reply.send(answer.await.unwrap()).unwrap();
    });
    let (sender, answer) = oneshot::channel();
    questions.send(sender).await.unwrap();
    assert!(answer.await.is_ok());
    actor.await.unwrap();
}

/// A request takes a connection, and then a second one for what it calls; there is only one.
/// <https://github.com/MagicStack/asyncpg/issues/5>
async fn a_second_connection_from_a_pool_of_one(fixed: bool) {
    let request = named("request", async move {
        let pool = Semaphore::new(if fixed { 2 } else { 1 });
        let _connection = pool.acquire().await.unwrap();
        settled().await;
        let _nested = pool.acquire().await.unwrap();
    });
    request.await.unwrap();
}

/// A batch has a part of the memory, and wants more than the rest of it. <https://github.com/zio/zio/issues/11187>
async fn a_weight_beyond_what_is_left(fixed: bool) {
    let memory = Arc::new(Semaphore::new(4));
    let batch = named("batch", async move {
        let _header = memory.acquire_many(2).await.unwrap();
        settled().await;
        let _body = memory
            .acquire_many(if fixed { 2 } else { 3 })
            .await
            .unwrap();
    });
    batch.await.unwrap();
}

/// What makes the value of a cell asks for that value. <https://github.com/BaseIntelligence/bounty-challenge/issues/15678>
async fn a_cell_that_needs_itself(fixed: bool) {
    let config = named("config", async move {
        let cell = OnceCell::new();
        let value = cell.get_or_init(|| async {
            settled().await;
            if fixed {
                return 1;
            }
            *cell.get_or_init(|| async { 2 }).await + 1
        });
        assert_eq!(*value.await, 1);
    });
    tokio::task::yield_now().await;
    config.await.unwrap();
}
