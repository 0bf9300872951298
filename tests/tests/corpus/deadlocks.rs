//! Tasks that wait for each other in a circle: over locks, permits, joins, channels and replies.

use std::sync::Arc;

use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, RwLock, Semaphore, mpsc, oneshot};
use recorded_tokio::task::JoinSet;

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "deadlock-cycle" hangs {
        async a_link_in_both_directions: Proven, ["link ab", "link ba"], ["mutex@alice", "mutex@bob"];
        async a_status_page_while_all_is_cleared:
            Proven, ["status", "clear"], ["mutex@registry", "rwlock@cancellers"];
        async an_actor_scaled_while_its_link_is_put:
            Proven, ["scale", "link"], ["rwlock@actors", "rwlock@links"];
        async two_requests_that_need_two_connections_each:
            Likely, ["request 1", "request 2"], ["semaphore@pool"];
        async a_join_while_a_sender_is_kept:
            Likely, ["a_join_while_a_sender_is_kept", "processor"], ["channel@incoming"];
        async two_actors_that_ask_each_other:
            Likely, ["left", "right"], ["oneshot channel", "oneshot channel", "(channel@left)", "(channel@right)"];
        async a_service_stopped_under_its_own_lock:
            Proven, ["a_service_stopped_under_its_own_lock", "service"], ["rwlock@state"];
        async a_set_of_workers_joined_under_their_lock:
            Proven, ["supervisor", "worker 1", "worker 2"], ["mutex@state", "task set@set"];
    }
}

/// Takes one lock after the other, with time in between.
async fn both(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    let mut first = first.lock().await;
    settled().await;
    let mut second = second.lock().await;
    std::mem::swap(&mut *first, &mut *second);
}

/// Two actors are linked from both sides at the same time; each side locks itself first.
/// <https://github.com/tqwewe/kameo/issues/220>
async fn a_link_in_both_directions(fixed: bool) {
    let alice = Arc::new(Mutex::new(1));
    let bob = Arc::new(Mutex::new(2));
    let one = named("link ab", both(alice.clone(), bob.clone()));
    let (first, second) = if fixed { (alice, bob) } else { (bob, alice) };
    let other = named("link ba", both(first, second));
    one.await.unwrap();
    other.await.unwrap();
}

/// The status page reads the workers and then locks the registry; whoever clears all locks the registry and then writes the workers.
/// <https://github.com/rustfs/rustfs/pull/4421>
async fn a_status_page_while_all_is_cleared(fixed: bool) {
    let registry = Arc::new(Mutex::new(1));
    let cancellers = Arc::new(RwLock::new(1));
    let (cleared, stopped) = (registry.clone(), cancellers.clone());
    let clear = named("clear", async move {
        let mut cleared = cleared.lock().await;
        settled().await;
        *stopped.write().await = 0;
        *cleared = 0;
    });
    let status = named("status", async move {
        let workers = cancellers.read().await;
        settled().await;
        if fixed {
            drop(workers);
        }
        assert!(*registry.lock().await < 2);
    });
    clear.await.unwrap();
    status.await.unwrap();
}

/// An actor is scaled, which writes the actors and then reads the links, while a link is put, which writes the links and then reads the
/// actors. <https://github.com/wasmCloud/wasmCloud/pull/813>
async fn an_actor_scaled_while_its_link_is_put(fixed: bool) {
    let actors = Arc::new(RwLock::new(vec!["echo"]));
    let links = Arc::new(RwLock::new(Vec::new()));
    let (scaled, linked) = (actors.clone(), links.clone());
    let scale = named("scale", async move {
        let mut scaled = scaled.write().await;
        settled().await;
        if linked.read().await.is_empty() {
            scaled.push("echo");
        }
    });
    let link = named("link", async move {
        let mut links = links.write().await;
        settled().await;
        links.push("echo to http");
        if fixed {
            drop(links);
        }
        assert!(actors.read().await.contains(&"echo"));
    });
    scale.await.unwrap();
    link.await.unwrap();
}

/// Each of two requests has one of the two connections of a pool, and wants one more.
/// <https://github.com/authgear/authgear-server/issues/1724>
async fn two_requests_that_need_two_connections_each(fixed: bool) {
    let pool = Arc::new(Semaphore::new(if fixed { 3 } else { 2 }));
    let request = |pool: Arc<Semaphore>| async move {
        let _transaction = pool.acquire().await.unwrap();
        settled().await;
        let _nested = pool.acquire().await.unwrap();
    };
    let one = named("request 1", request(pool.clone()));
    let other = named("request 2", request(pool));
    one.await.unwrap();
    other.await.unwrap();
}

/// The main task joins the one that processes what comes in until no sender is left, and has a sender itself.
/// <https://github.com/openai/codex/pull/2747>
async fn a_join_while_a_sender_is_kept(fixed: bool) {
    let (incoming, mut processed) = mpsc::channel(8);
    let processor = named("processor", async move {
        let mut sum = 0;
        while let Some(number) = processed.recv().await {
            sum += number;
        }
        sum
    });
    for number in 0..3 {
        incoming.send(number).await.unwrap();
    }
    let kept = if fixed { None } else { Some(incoming.clone()) };
    drop(incoming);
    assert_eq!(processor.await.unwrap(), 3);
    drop(kept);
}

/// What an actor is asked, and how it replies.
type Question = (u32, oneshot::Sender<u32>);

/// An actor that asks the other one before it replies.
async fn asks(other: mpsc::Sender<Question>, mut questions: mpsc::Receiver<Question>) {
    while let Some((depth, reply)) = questions.recv().await {
        let mut answer = 1;
        if depth > 0 {
            let (sender, asked) = oneshot::channel();
            other.send((depth - 1, sender)).await.unwrap();
            answer += asked.await.unwrap();
        }
        reply.send(answer).unwrap();
    }
}

/// An actor asks another, which asks the first one before it replies. <https://github.com/Restioson/xtra/issues/13>
async fn two_actors_that_ask_each_other(fixed: bool) {
    let (left, left_questions) = mpsc::channel(8);
    let (right, right_questions) = mpsc::channel(8);
    named("left", asks(right.clone(), left_questions));
    named("right", asks(left.clone(), right_questions));
    let (sender, reply) = oneshot::channel();
    left.send((if fixed { 1 } else { 2 }, sender))
        .await
        .unwrap();
    drop((left, right));
    assert!(reply.await.is_ok());
}

/// A service is stopped, and joined, by whoever has the write lock; before it ends, it reads once more.
/// <https://github.com/rustdesk/rustdesk/pull/622>
async fn a_service_stopped_under_its_own_lock(fixed: bool) {
    let state = Arc::new(RwLock::new(true));
    let read = state.clone();
    let service = named("service", async move {
        settled().await;
        while *read.read().await {
            settled().await;
        }
    });
    let mut active = state.write().await;
    *active = false;
    if fixed {
        drop(active);
    }
    service.await.unwrap();
}

/// A supervisor waits for all its workers while it has the lock that each of them takes at its end.
/// <https://github.com/fedimint/fedimint/issues/1576>
async fn a_set_of_workers_joined_under_their_lock(fixed: bool) {
    let supervisor = named("supervisor", async move {
        let state = Arc::new(Mutex::new(0));
        let mut set = JoinSet::new();
        for name in ["worker 1", "worker 2"] {
            let state = state.clone();
            let work = async move {
                settled().await;
                *state.lock().await += 1;
            };
            set.build_task().name(name).spawn(work).unwrap();
        }
        let held = state.lock().await;
        tokio::task::yield_now().await;
        if fixed {
            drop(held);
        }
        while set.join_next().await.is_some() {}
    });
    supervisor.await.unwrap();
}
