//! Correct programs that look slow, busy, or careless with their locks.

use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, Notify, RwLock, mpsc, oneshot};
use recorded_tokio::time::{interval, sleep, timeout};

use crate::{millis, programs};

programs![
    an_idle_server,
    a_ticker_beside_messages,
    time_outs_that_are_not_needed,
    a_storm_of_yields,
    sleeps_of_no_time,
    much_to_compute_with_pauses,
    jobs_that_block,
    a_thread_that_blocks_in_place,
    a_main_that_sleeps_its_thread,
    a_flood_of_messages,
    ping_and_pong,
    a_lock_that_many_want,
    a_deadline_beside_messages,
    many_futures_in_one_task,
    bytes_through_a_pipe_that_is_not_recorded,
    bytes_through_a_pipe_beside_a_closed_channel,
    a_gate_before_two_orders,
    one_order_after_the_other,
    branches_that_take_the_same_locks,
    readers_in_both_orders,
];

const LONG: Duration = Duration::from_secs(10);

async fn an_idle_server() {
    let (sender, mut receiver) = mpsc::channel::<u8>(1);
    let stop = Arc::new(Notify::new());
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = receiver.recv() => {},
            () = stopped.notified() => {}
        }
    });
    sleep(LONG).await;
    drop(sender);
    stop.notify_one();
}

async fn a_ticker_beside_messages() {
    let (sender, mut receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        let mut ticks = interval(millis(30));
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Some(()) = receiver.recv() => sleep(millis(1)).await,
            }
        }
    });
    loop {
        sleep(millis(2)).await;
        sender.send(()).await.unwrap();
    }
}

async fn time_outs_that_are_not_needed() {
    let (sender, mut receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok(Some(())) = timeout(millis(3_000), receiver.recv()).await {}
    });
    loop {
        sleep(millis(10)).await;
        sender.send(()).await.unwrap();
    }
}

async fn a_storm_of_yields() {
    let begun = Instant::now();
    let yields = || async move {
        while begun.elapsed() < millis(700) {
            tokio::task::yield_now().await;
        }
    };
    let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(yields())).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn sleeps_of_no_time() {
    tokio::spawn(async {
        for _ in 0..2_000 {
            sleep(Duration::ZERO).await;
        }
    })
    .await
    .unwrap();
}

/// Keeps its thread for as long.
fn computes(long: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < long {
        std::hint::spin_loop();
    }
}

async fn much_to_compute_with_pauses() {
    let works = |pause: bool| async move {
        for _ in 0..2_000 {
            computes(Duration::from_micros(300));
            if pause {
                tokio::task::yield_now().await;
            } else {
                // By somebody who does not know of tokio.
                let mut is_first = true;
                futures::future::poll_fn(|cx| {
                    if std::mem::take(&mut is_first) {
                        cx.waker().wake_by_ref();
                        return std::task::Poll::Pending;
                    }
                    std::task::Poll::Ready(())
                })
                .await;
            }
        }
    };
    let other = tokio::spawn(works(false));
    tokio::spawn(works(true)).await.unwrap();
    other.await.unwrap();
}

async fn jobs_that_block() {
    let job = tokio::task::spawn_blocking(|| {
        let handle = tokio::runtime::Handle::current();
        handle.block_on(async {
            sleep(millis(20)).await;
            thread::sleep(millis(300));
        });
        thread::sleep(LONG);
    });
    job.await.unwrap();
}

async fn a_thread_that_blocks_in_place() {
    tokio::spawn(async {
        tokio::task::block_in_place(|| thread::sleep(millis(500)));
        sleep(millis(10)).await;
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(sleep(millis(300)));
            thread::sleep(LONG);
        });
    })
    .await
    .unwrap();
}

#[allow(clippy::unused_async, reason = "all programs are")]
async fn a_main_that_sleeps_its_thread() {
    tokio::spawn(async {
        loop {
            sleep(millis(20)).await;
        }
    });
    thread::sleep(LONG);
}

async fn a_flood_of_messages() {
    let (sender, mut receiver) = mpsc::channel(64);
    let begun = Instant::now();
    tokio::spawn(async move {
        while begun.elapsed() < millis(500) {
            sender.send(1_u8).await.unwrap();
        }
    });
    let mut sum = 0_u64;
    while let Some(message) = receiver.recv().await {
        sum += u64::from(message);
    }
    assert!(sum > 0);
}

async fn ping_and_pong() {
    let (ping, mut pinged) = mpsc::channel(1);
    let (pong, mut ponged) = mpsc::channel(1);
    tokio::spawn(async move {
        while pinged.recv().await.is_some() {
            pong.send(()).await.unwrap();
        }
    });
    let begun = Instant::now();
    while begun.elapsed() < millis(500) {
        ping.send(()).await.unwrap();
        ponged.recv().await.unwrap();
    }
}

async fn a_lock_that_many_want() {
    let lock = Arc::new(Mutex::new(0_u64));
    for _ in 0..8 {
        let lock = lock.clone();
        tokio::spawn(async move {
            loop {
                let mut held = lock.lock().await;
                *held += 1;
                sleep(millis(5)).await;
            }
        });
    }
    sleep(LONG).await;
}

async fn a_deadline_beside_messages() {
    let (sender, mut receiver) = mpsc::channel(8);
    tokio::spawn(async move {
        loop {
            let mut deadline = pin!(sleep(millis(200)));
            loop {
                tokio::select! {
                    () = &mut deadline => break,
                    Some(()) = receiver.recv() => sleep(millis(2)).await,
                }
            }
        }
    });
    loop {
        sleep(millis(1)).await;
        sender.send(()).await.unwrap();
    }
}

async fn many_futures_in_one_task() {
    let lock = Arc::new(Mutex::new(()));
    let requests = || {
        let lock = lock.clone();
        async move {
            for n in 0..50 {
                drop(lock.lock().await);
                sleep(millis(n % 7)).await;
            }
        }
    };
    let mut all: FuturesUnordered<_> = (0..100).map(|_| requests()).collect();
    while all.next().await.is_some() {}
}

/// Copies through a pipe in memory, of which nothing is recorded, until `stop` has something to say.
async fn copies(stop: Option<mpsc::Receiver<()>>) {
    use ::tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut writes, mut reads) = ::tokio::io::duplex(1024);
    let begun = Instant::now();
    ::tokio::spawn(async move {
        while begun.elapsed() < millis(600) {
            writes.write_all(&[1; 256]).await.unwrap();
        }
    });
    tokio::spawn(async move {
        let mut stop = stop;
        let mut bytes = [0; 128];
        loop {
            let read = reads.read(&mut bytes);
            let n = match &mut stop {
                None => read.await.unwrap(),
                Some(stop) => tokio::select! {
                    n = read => n.unwrap(),
                    Some(()) = stop.recv() => break,
                },
            };
            if n == 0 {
                break;
            }
        }
    })
    .await
    .unwrap();
}

async fn bytes_through_a_pipe_that_is_not_recorded() {
    let (sender, receiver) = mpsc::channel(1);
    copies(None).await;
    copies(Some(receiver)).await;
    drop(sender);
}

async fn bytes_through_a_pipe_beside_a_closed_channel() {
    let (_, receiver) = mpsc::channel(1);
    copies(Some(receiver)).await;
}

async fn a_gate_before_two_orders() {
    let gate = Arc::new(Mutex::new(()));
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    for (first, second) in [(a.clone(), b.clone()), (b, a)] {
        let gate = gate.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                let _gate = gate.lock().await;
                let _first = first.lock().await;
                sleep(millis(1)).await;
                let _second = second.lock().await;
            }
        });
    }
    sleep(LONG).await;
}

async fn one_order_after_the_other() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let both = |first: &Arc<Mutex<()>>, second: &Arc<Mutex<()>>| {
        let (first, second) = (first.clone(), second.clone());
        async move {
            let _first = first.lock().await;
            let _second = second.lock().await;
        }
    };
    both(&a, &b).await;
    // Spawned after that, and joined before the next.
    tokio::spawn(both(&b, &a)).await.unwrap();
    both(&a, &b).await;
    let (sender, receiver) = oneshot::channel();
    let (waits, goes) = (both(&b, &a), both(&a, &b));
    let later = tokio::spawn(async move {
        receiver.await.unwrap();
        waits.await;
    });
    tokio::spawn(async move {
        goes.await;
        sender.send(()).unwrap();
        sleep(LONG).await;
    });
    later.await.unwrap();
    sleep(LONG).await;
}

async fn branches_that_take_the_same_locks() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let both = || async {
        for _ in 0..20 {
            let first = a.lock().await;
            sleep(millis(1)).await;
            let second = b.lock().await;
            drop(first);
            sleep(millis(1)).await;
            drop(second);
        }
    };
    tokio::join!(both(), both(), both());
    let (c, d) = (a.clone(), b.clone());
    let other = tokio::spawn(async move {
        for _ in 0..20 {
            let _first = c.lock().await;
            let _second = d.lock().await;
            sleep(millis(1)).await;
        }
    });
    tokio::join!(both(), both());
    other.await.unwrap();
}

async fn readers_in_both_orders() {
    let (a, b) = (Arc::new(RwLock::new(())), Arc::new(RwLock::new(())));
    for (first, second) in [(a.clone(), b.clone()), (b, a)] {
        tokio::spawn(async move {
            for _ in 0..20 {
                let _first = first.read().await;
                sleep(millis(1)).await;
                let _second = second.read().await;
            }
        });
    }
    sleep(LONG).await;
}
