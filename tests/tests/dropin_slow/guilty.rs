//! Programs that are slow, spin, starve, or may deadlock one day.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use ais_analyzer::findings::{Confidence, Kind};
use futures::stream::{FuturesUnordered, StreamExt};
use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, RwLock, mpsc};
use recorded_tokio::time::sleep;

use crate::{millis, programs};

programs![
    a_task_that_sleeps_its_thread,
    a_task_that_slept_its_thread,
    a_lock_of_std_across_an_await,
    a_future_that_wakes_itself,
    a_future_that_woke_itself,
    a_closed_channel_in_a_loop,
    a_lock_that_is_polled_in_a_loop,
    an_arm_that_never_has_its_turn,
    a_stream_that_nobody_drives,
    a_sleep_made_anew_for_each_message,
    a_lock_held_across_a_request,
    two_locks_in_both_orders,
    three_locks_in_a_circle,
    readers_and_writers_in_both_orders,
];

/// What is to be found in each.
pub(crate) const EXPECTED: &[(&str, Kind, Confidence)] = {
    use Confidence::{Likely, Possible};
    use Kind::{BusyLoop, LockOrderInversion, LongPoll, Starvation};
    &[
        ("a_task_that_sleeps_its_thread", LongPoll, Likely),
        ("a_task_that_slept_its_thread", LongPoll, Possible),
        ("a_lock_of_std_across_an_await", LongPoll, Likely),
        ("a_future_that_wakes_itself", BusyLoop, Likely),
        ("a_future_that_woke_itself", BusyLoop, Possible),
        ("a_closed_channel_in_a_loop", BusyLoop, Possible),
        ("a_lock_that_is_polled_in_a_loop", BusyLoop, Possible),
        ("an_arm_that_never_has_its_turn", Starvation, Likely),
        ("a_stream_that_nobody_drives", Starvation, Likely),
        ("a_sleep_made_anew_for_each_message", Starvation, Possible),
        ("a_lock_held_across_a_request", Starvation, Possible),
        ("two_locks_in_both_orders", LockOrderInversion, Possible),
        ("three_locks_in_a_circle", LockOrderInversion, Possible),
        (
            "readers_and_writers_in_both_orders",
            LockOrderInversion,
            Possible,
        ),
    ]
};

const LONG: Duration = Duration::from_secs(10);

async fn a_task_that_sleeps_its_thread() {
    tokio::spawn(async { thread::sleep(LONG) }).await.unwrap();
}

async fn a_task_that_slept_its_thread() {
    tokio::spawn(async { thread::sleep(millis(300)) })
        .await
        .unwrap();
    sleep(LONG).await;
}

#[allow(clippy::await_holding_lock, reason = "that is the bug")]
async fn a_lock_of_std_across_an_await() {
    let lock = Arc::new(std::sync::Mutex::new(()));
    let taken = lock.clone();
    // No task that is spawned can hold such a guard across an await: the main one can.
    let held = lock.lock().unwrap();
    let blocked = tokio::spawn(async move { drop(taken.lock()) });
    sleep(LONG).await;
    drop(held);
    blocked.await.unwrap();
}

async fn wakes_itself(until: Duration) {
    let begun = Instant::now();
    poll_fn(|cx| {
        if begun.elapsed() > until {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn a_future_that_wakes_itself() {
    tokio::spawn(wakes_itself(LONG)).await.unwrap();
}

async fn a_future_that_woke_itself() {
    tokio::spawn(wakes_itself(millis(300))).await.unwrap();
    sleep(LONG).await;
}

async fn a_closed_channel_in_a_loop() {
    let (sender, mut receiver) = mpsc::channel::<()>(1);
    drop(sender);
    tokio::spawn(async move {
        loop {
            _ = receiver.recv().await;
        }
    });
    sleep(LONG).await;
}

async fn a_lock_that_is_polled_in_a_loop() {
    let lock = Arc::new(Mutex::new(()));
    let held = lock.clone().lock_owned().await;
    let spins = tokio::spawn(async move {
        let mut locked = pin!(lock.lock());
        while futures::poll!(locked.as_mut()).is_pending() {
            std::hint::spin_loop();
        }
    });
    sleep(millis(500)).await;
    drop(held);
    spins.await.unwrap();
    sleep(LONG).await;
}

async fn an_arm_that_never_has_its_turn() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let consumer = tokio::spawn(async move {
        let mut stop = pin!(sleep(millis(60)));
        loop {
            tokio::select! {
                biased;
                Some(()) = receiver.recv() => sleep(millis(2)).await,
                () = &mut stop => break,
            }
        }
    });
    sleep(millis(20)).await;
    for _ in 0..10_000 {
        sender.send(()).unwrap();
    }
    consumer.await.unwrap();
}

async fn a_stream_that_nobody_drives() {
    tokio::spawn(async {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut answers = FuturesUnordered::new();
        answers.push(async move { receiver.recv().await });
        assert!(futures::poll!(answers.next()).is_pending());
        sender.send(()).await.unwrap();
        for _ in 0..1_000 {
            sleep(millis(5)).await;
        }
        answers.next().await.unwrap().unwrap();
    })
    .await
    .unwrap();
}

async fn a_sleep_made_anew_for_each_message() {
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = receiver.recv() => {}
                () = sleep(millis(80)) => panic!("it never comes"),
            }
        }
    });
    loop {
        sleep(millis(15)).await;
        sender.send(()).await.unwrap();
    }
}

async fn a_lock_held_across_a_request() {
    let lock = Arc::new(Mutex::new(()));
    for _ in 0..3 {
        let lock = lock.clone();
        tokio::spawn(async move {
            let _held = lock.lock().await;
            sleep(millis(400)).await;
        });
    }
    sleep(LONG).await;
}

async fn takes_both(first: Arc<Mutex<()>>, second: Arc<Mutex<()>>, after: Duration) {
    sleep(after).await;
    let _first = first.lock().await;
    let _second = second.lock().await;
}

async fn two_locks_in_both_orders() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    tokio::spawn(takes_both(a.clone(), b.clone(), millis(50)));
    tokio::spawn(takes_both(b, a, millis(100)));
    sleep(LONG).await;
}

async fn three_locks_in_a_circle() {
    let locks: Vec<_> = (0..3).map(|_| Arc::new(Mutex::new(()))).collect();
    for i in 0..3 {
        let (first, second) = (locks[i].clone(), locks[(i + 1) % 3].clone());
        tokio::spawn(takes_both(first, second, millis(50 * i as u64)));
    }
    sleep(LONG).await;
}

async fn readers_and_writers_in_both_orders() {
    let (a, b) = (Arc::new(RwLock::new(())), Arc::new(RwLock::new(())));
    let (c, d) = (a.clone(), b.clone());
    tokio::spawn(async move {
        sleep(millis(50)).await;
        let _read = a.read().await;
        let _write = b.write().await;
    });
    tokio::spawn(async move {
        sleep(millis(100)).await;
        let _read = d.read().await;
        let _write = c.write().await;
    });
    sleep(LONG).await;
}
