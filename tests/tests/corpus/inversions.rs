//! Locks that are taken in one order and in the other one at different times: nothing hangs, this time.

use std::sync::Arc;

use recorded_tokio::sync::{Mutex, RwLock};

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "lock-order-inversion" ends {
        async a_producer_and_a_consumer_resumed: Possible, ["producer", "consumer"], ["mutex@paused", "mutex@producer_paused"];
        async a_scale_and_then_a_link: Possible, ["scale", "link"], ["rwlock@actors", "rwlock@links"];
        async a_clear_and_then_a_status_page: Possible, ["clear", "status"], ["mutex@registry", "rwlock@cancellers"];
        async three_locks_in_a_ring:
            Possible, ["read", "write", "rename"], ["mutex@tree", "mutex@local", "mutex@global"];
    }
}

/// Takes the second lock while it has the first one.
/// Does that once the other tasks are there.
async fn nested(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    settled().await;
    let mut first = first.lock().await;
    *first += *second.lock().await;
}

/// Whoever resumes the producer takes its lock first, whoever resumes the consumer that of the consumer.
/// <https://github.com/versatica/mediasoup/pull/1605>
async fn a_producer_and_a_consumer_resumed(fixed: bool) {
    let paused = Arc::new(Mutex::new(0));
    let producer_paused = Arc::new(Mutex::new(1));
    let producer = named("producer", nested(producer_paused.clone(), paused.clone()));
    let consumer = named("consumer", async move {
        settled().await;
        let (first, second) = if fixed {
            (producer_paused, paused)
        } else {
            (paused, producer_paused)
        };
        nested(first, second).await;
    });
    producer.await.unwrap();
    consumer.await.unwrap();
}

/// One writes the actors and reads the links, the other writes the links and reads the actors; the second comes later.
/// <https://github.com/wasmCloud/wasmCloud/pull/813>
async fn a_scale_and_then_a_link(fixed: bool) {
    let actors = Arc::new(RwLock::new(vec!["echo"]));
    let links = Arc::new(RwLock::new(Vec::new()));
    let (scaled, linked) = (actors.clone(), links.clone());
    let scale = named("scale", async move {
        settled().await;
        let mut scaled = scaled.write().await;
        if linked.read().await.is_empty() {
            scaled.push("echo");
        }
    });
    let link = named("link", async move {
        settled().await;
        settled().await;
        let mut links = links.write().await;
        links.push("echo to http");
        if fixed {
            drop(links);
        }
        assert!(actors.read().await.contains(&"echo"));
    });
    scale.await.unwrap();
    link.await.unwrap();
}

/// One locks the registry and writes the workers, the other reads the workers and locks the registry; the second comes later.
/// <https://github.com/rustfs/rustfs/pull/4421>
async fn a_clear_and_then_a_status_page(fixed: bool) {
    let registry = Arc::new(Mutex::new(1));
    let cancellers = Arc::new(RwLock::new(1));
    let (cleared, stopped) = (registry.clone(), cancellers.clone());
    let clear = named("clear", async move {
        settled().await;
        let mut cleared = cleared.lock().await;
        *stopped.write().await = 0;
        *cleared = 0;
    });
    let status = named("status", async move {
        settled().await;
        settled().await;
        let workers = cancellers.read().await;
        if fixed {
            drop(workers);
        }
        assert!(*registry.lock().await < 2);
    });
    clear.await.unwrap();
    status.await.unwrap();
}

/// Three locks, of which each of three takes two, so that the orders make a ring.
/// <https://github.com/Agartha-Software/Wormhole/issues/132>
async fn three_locks_in_a_ring(fixed: bool) {
    let tree = Arc::new(Mutex::new(0));
    let local = Arc::new(Mutex::new(1));
    let global = Arc::new(Mutex::new(2));
    let later = |times: u32, first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>| async move {
        for _ in 0..times {
            settled().await;
        }
        nested(first, second).await;
    };
    let read = named("read", later(0, tree.clone(), local.clone()));
    let write = named("write", later(1, local, global.clone()));
    let (first, second) = if fixed {
        (tree, global)
    } else {
        (global, tree)
    };
    let rename = named("rename", later(2, first, second));
    read.await.unwrap();
    write.await.unwrap();
    rename.await.unwrap();
}
