//! Correct programs that look guilty over channels: what they wait for comes late, from where nobody would look for it.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use recorded_tokio as tokio;
use recorded_tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::table::correct;
use crate::{WHILE, a_while, later, named, settled};

correct! {
    async an_idle_server_with_clients_in_a_thread;
    async a_receiver_whose_sender_sleeps_in_a_task;
    async a_receiver_whose_sender_is_in_a_static;
    async an_actor_that_a_global_handle_keeps;
    async a_pool_of_threads_that_replies;
    async a_ring_of_full_channels_with_credits;
    async two_actors_that_ask_each_other_in_turn;
    async a_sender_in_a_future_that_runs_later;
    async a_sender_in_a_message;
    async a_watch_whose_sender_is_silent;
    async a_broadcast_whose_sender_is_a_blocking_job;
    async a_client_that_waits_until_the_server_is_gone;
    async a_channel_of_futures_between_tasks;
    async a_channel_of_smol_to_a_thread;
    async a_slow_reader_of_a_full_channel;
    async a_loop_over_an_empty_channel_that_yields: never "busy-loop";
}

async fn an_idle_server_with_clients_in_a_thread() {
    let (requests, mut served) = mpsc::channel::<oneshot::Sender<u32>>(4);
    let server = named("server", async move {
        while let Some(reply) = served.recv().await {
            reply.send(1).unwrap();
        }
    });
    let client = later(move || {
        let (sender, reply) = oneshot::channel();
        requests.blocking_send(sender).unwrap();
        assert_eq!(reply.blocking_recv(), Ok(1));
    });
    server.await.unwrap();
    client.join().unwrap();
}

async fn a_receiver_whose_sender_sleeps_in_a_task() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    named("sender", async move {
        a_while().await;
        sender.send(1).unwrap();
    });
    let receiver = named("receiver", async move { receiver.recv().await });
    assert_eq!(receiver.await.unwrap(), Some(1));
}

async fn a_receiver_whose_sender_is_in_a_static() {
    static SENDER: OnceLock<mpsc::Sender<u32>> = OnceLock::new();
    let (sender, mut receiver) = mpsc::channel(1);
    SENDER.set(sender).unwrap();
    later(|| SENDER.get().unwrap().blocking_send(1).unwrap());
    let receiver = named("receiver", async move { receiver.recv().await });
    assert_eq!(receiver.await.unwrap(), Some(1));
}

/// The actor has nothing to do until somebody thinks of its handle, and is never told to end.
async fn an_actor_that_a_global_handle_keeps() {
    static HANDLE: OnceLock<mpsc::Sender<oneshot::Sender<u32>>> = OnceLock::new();
    let (handle, mut asked) = mpsc::channel(1);
    HANDLE.set(handle).unwrap();
    named("actor", async move {
        while let Some(reply) = asked.recv().await {
            reply.send(1).unwrap();
        }
    });
    let client = named("client", async {
        a_while().await;
        let (sender, reply) = oneshot::channel();
        HANDLE.get().unwrap().send(sender).await.unwrap();
        reply.await.unwrap()
    });
    assert_eq!(client.await.unwrap(), 1);
}

/// As a pool for heavy work does: the job is put into a queue that nothing is known of, and replies from a thread.
async fn a_pool_of_threads_that_replies() {
    let (jobs, queue) = std::sync::mpsc::channel::<oneshot::Sender<u32>>();
    let worker = std::thread::spawn(move || {
        for reply in queue {
            std::thread::sleep(WHILE / 2);
            reply.send(1).unwrap();
        }
    });
    let ask = |jobs: std::sync::mpsc::Sender<_>| async move {
        let (sender, reply) = oneshot::channel();
        jobs.send(sender).unwrap();
        reply.await.unwrap()
    };
    let first = named("first", ask(jobs.clone()));
    let second = named("second", ask(jobs));
    assert_eq!(first.await.unwrap() + second.await.unwrap(), 2);
    worker.join().unwrap();
}

/// Three hand around what there is, and never more than there is room for.
async fn a_ring_of_full_channels_with_credits() {
    let until = Instant::now() + WHILE;
    let pass = |mut from: mpsc::Receiver<u32>, to: mpsc::Sender<u32>| async move {
        while let Some(credit) = from.recv().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            if Instant::now() > until || to.send(credit).await.is_err() {
                break;
            }
        }
    };
    let (one, from_one) = mpsc::channel(1);
    let (two, from_two) = mpsc::channel(1);
    let (three, from_three) = mpsc::channel(1);
    for to in [&one, &two] {
        to.send(1).await.unwrap();
    }
    let stages = [
        named("stage 1", pass(from_one, two)),
        named("stage 2", pass(from_two, three)),
        named("stage 3", pass(from_three, one)),
    ];
    for stage in stages {
        stage.await.unwrap();
    }
}

/// Each asks the other one, and waits for the answer, but only when it has replied to what it was asked.
async fn two_actors_that_ask_each_other_in_turn() {
    type Question = oneshot::Sender<u32>;
    let until = Instant::now() + WHILE;
    let ask = |of: mpsc::Sender<Question>| async move {
        let (sender, answer) = oneshot::channel();
        settled().await;
        of.send(sender).await.is_ok() && answer.await.is_ok()
    };
    let (left, mut to_left) = mpsc::channel::<Question>(4);
    let (right, mut to_right) = mpsc::channel::<Question>(4);
    let one = named("left", async move {
        while Instant::now() < until && ask(right.clone()).await {
            to_left.recv().await.unwrap().send(1).unwrap();
        }
    });
    let two = named("right", async move {
        while let Some(question) = to_right.recv().await {
            question.send(1).unwrap();
            assert!(ask(left.clone()).await);
        }
    });
    one.await.unwrap();
    two.await.unwrap();
}

/// The only sender is in a future that nobody has polled yet.
async fn a_sender_in_a_future_that_runs_later() {
    let (sender, mut receiver) = mpsc::channel(1);
    let mut queue = VecDeque::new();
    queue.push_back(async move { sender.send(1).await.unwrap() });
    let runs = named("runs", async move {
        a_while().await;
        for job in queue {
            job.await;
        }
    });
    let receiver = named("receiver", async move { receiver.recv().await });
    assert_eq!(receiver.await.unwrap(), Some(1));
    runs.await.unwrap();
}

/// The only sender is in a message that waits in another channel.
async fn a_sender_in_a_message() {
    let (inner, mut receiver) = mpsc::channel(1);
    let (outer, mut messages) = mpsc::channel::<mpsc::Sender<u32>>(1);
    outer.send(inner).await.unwrap();
    let slow = named("slow", async move {
        a_while().await;
        messages.recv().await.unwrap().send(1).await.unwrap();
    });
    let receiver = named("receiver", async move { receiver.recv().await });
    assert_eq!(receiver.await.unwrap(), Some(1));
    slow.await.unwrap();
}

async fn a_watch_whose_sender_is_silent() {
    let (config, mut changes) = watch::channel(1);
    let reload = named("reload", async move {
        changes.changed().await.unwrap();
        *changes.borrow()
    });
    a_while().await;
    config.send(2).unwrap();
    assert_eq!(reload.await.unwrap(), 2);
}

async fn a_broadcast_whose_sender_is_a_blocking_job() {
    let (ticks, mut ticked) = broadcast::channel(4);
    let clock = tokio::task::spawn_blocking(move || {
        std::thread::sleep(WHILE);
        ticks.send(1).unwrap();
    });
    let listener = named("listener", async move { ticked.recv().await.unwrap() });
    assert_eq!(listener.await.unwrap(), 1);
    clock.await.unwrap();
}

async fn a_client_that_waits_until_the_server_is_gone() {
    let (requests, served) = mpsc::channel::<u32>(1);
    later(move || drop(served));
    let client = named("client", async move { requests.closed().await });
    client.await.unwrap();
}

async fn a_channel_of_futures_between_tasks() {
    use futures::{SinkExt as _, StreamExt as _};
    let (mut sender, mut receiver) = futures::channel::mpsc::channel(1);
    let slow = named("slow", async move {
        a_while().await;
        sender.send(1).await.unwrap();
    });
    let receiver = named("receiver", async move { receiver.next().await });
    assert_eq!(receiver.await.unwrap(), Some(1));
    slow.await.unwrap();
}

async fn a_channel_of_smol_to_a_thread() {
    let (sender, receiver) = smol::channel::bounded(1);
    later(move || sender.send_blocking(1).unwrap());
    let receiver = named("receiver", async move { receiver.recv().await });
    assert_eq!(receiver.await.unwrap(), Ok(1));
}

async fn a_slow_reader_of_a_full_channel() {
    let (sender, mut receiver) = mpsc::channel(1);
    let reader = named("reader", async move {
        let mut read = 0;
        while receiver.recv().await.is_some() {
            tokio::time::sleep(WHILE / 4).await;
            read += 1;
        }
        read
    });
    for number in 0..4 {
        sender.send(number).await.unwrap();
    }
    drop(sender);
    assert_eq!(reader.await.unwrap(), 4);
}

async fn a_loop_over_an_empty_channel_that_yields() {
    let (sender, mut receiver) = mpsc::channel(1);
    later(move || sender.blocking_send(1).unwrap());
    let reader = named("reader", async move {
        while receiver.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
    });
    reader.await.unwrap();
}
