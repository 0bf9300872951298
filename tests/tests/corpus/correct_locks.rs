//! Correct programs that look guilty over locks and permits: guards and permits go elsewhere, orders are turned around where that is harmless.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, OwnedMutexGuard, RwLock, Semaphore, mpsc, oneshot};

use crate::table::correct;
use crate::{WHILE, a_while, named, settled};

correct! {
    async many_that_take_one_lock_in_turn;
    async readers_and_writers_in_turn;
    async permits_handed_to_other_tasks;
    async a_guard_that_a_task_returns;
    async a_guard_that_a_blocking_job_drops;
    async a_lock_that_a_thread_blocks_on;
    async a_circle_that_a_time_breaks: resolved "deadlock-cycle";
    async two_orders_behind_a_gate: never "lock-order-inversion";
    async two_orders_one_after_the_end_of_the_other: never "lock-order-inversion";
    async two_orders_of_reads: never "lock-order-inversion";
    async a_lock_future_resumed_in_another_task;
    async a_lock_future_parked_and_resumed;
    async two_branches_where_one_frees_the_other;
    async a_set_of_futures_over_many_locks;
    async a_disabled_branch_that_would_lock_again;
    async a_limit_that_a_timer_refills;
    async a_semaphore_that_is_closed_late;
    async a_lock_of_futures_in_turn;
    async a_reply_awaited_under_a_lock;
}

/// Has the lock for a while.
async fn hold(lock: Arc<Mutex<u32>>) {
    let mut held = lock.lock().await;
    a_while().await;
    *held += 1;
}

async fn a_short_while() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn many_that_take_one_lock_in_turn() {
    let until = Instant::now() + WHILE;
    let lock = Arc::new(Mutex::new(0));
    let takes = |lock: Arc<Mutex<u32>>| async move {
        while Instant::now() < until {
            let mut held = lock.lock().await;
            a_short_while().await;
            *held += 1;
        }
    };
    let tasks: Vec<_> = (0..6)
        .map(|_| named("takes", takes(lock.clone())))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn readers_and_writers_in_turn() {
    let until = Instant::now() + WHILE;
    let lock = Arc::new(RwLock::new(0));
    let reads = |lock: Arc<RwLock<u32>>| async move {
        while Instant::now() < until {
            let read = lock.read().await;
            a_short_while().await;
            std::hint::black_box(*read);
        }
    };
    let readers: Vec<_> = (0..3)
        .map(|_| named("reads", reads(lock.clone())))
        .collect();
    let writer = named("writes", async move {
        while Instant::now() < until {
            *lock.write().await += 1;
            a_short_while().await;
        }
    });
    for reader in readers {
        reader.await.unwrap();
    }
    writer.await.unwrap();
}

/// Whoever takes the permits waits for the next one, and others give them back.
async fn permits_handed_to_other_tasks() {
    let limit = Arc::new(Semaphore::new(2));
    let (sender, mut receiver) = mpsc::channel(8);
    let worker = named("worker", async move {
        while let Some(permit) = receiver.recv().await {
            tokio::time::sleep(WHILE / 4).await;
            drop(permit);
        }
    });
    for _ in 0..5 {
        let permit = limit.clone().acquire_owned().await.unwrap();
        sender.send(permit).await.unwrap();
    }
    drop(sender);
    worker.await.unwrap();
}

/// A guard is the result of a task, and waits there until that is joined.
async fn a_guard_that_a_task_returns() {
    let lock = Arc::new(Mutex::new(0));
    let taker = named("taker", lock.clone().lock_owned());
    settled().await;
    let joiner = named("joiner", async move {
        a_while().await;
        drop(taker.await.unwrap());
    });
    *lock.lock().await += 1;
    joiner.await.unwrap();
}

async fn a_guard_that_a_blocking_job_drops() {
    let lock = Arc::new(Mutex::new(0));
    let guard = lock.clone().lock_owned().await;
    let job = tokio::task::spawn_blocking(move || {
        std::thread::sleep(WHILE);
        drop(guard);
    });
    *lock.lock().await += 1;
    job.await.unwrap();
}

async fn a_lock_that_a_thread_blocks_on() {
    let lock = Arc::new(Mutex::new(0));
    let holder = named("holder", hold(lock.clone()));
    settled().await;
    let wanted = lock.clone();
    let thread = std::thread::spawn(move || *wanted.blocking_lock() += 1);
    *lock.lock().await += 1;
    holder.await.unwrap();
    thread.join().unwrap();
}

/// Opposite orders, in which one of the two gives up after a while, and comes again.
async fn a_circle_that_a_time_breaks() {
    let a = Arc::new(Mutex::new(0));
    let b = Arc::new(Mutex::new(0));
    let (first, second) = (a.clone(), b.clone());
    let patient = named("patient", async move {
        let _first = first.lock().await;
        settled().await;
        *second.lock().await += 1;
    });
    let hasty = named("hasty", async move {
        loop {
            let _first = b.lock().await;
            settled().await;
            if tokio::time::timeout(Duration::from_millis(100), a.lock())
                .await
                .is_ok()
            {
                break;
            }
        }
    });
    patient.await.unwrap();
    hasty.await.unwrap();
}

/// Takes one lock after the other, with time in between.
async fn both(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    let mut first = first.lock().await;
    settled().await;
    *first += *second.lock().await;
}

async fn two_orders_behind_a_gate() {
    let gate = Arc::new(Mutex::new(()));
    let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let gated = |first, second, gate: Arc<Mutex<()>>| async move {
        let _gate = gate.lock().await;
        both(first, second).await;
    };
    let one = named("one", gated(a.clone(), b.clone(), gate.clone()));
    let other = named("other", gated(b, a, gate));
    one.await.unwrap();
    other.await.unwrap();
}

async fn two_orders_one_after_the_end_of_the_other() {
    let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    named("one", both(a.clone(), b.clone())).await.unwrap();
    named("other", both(b, a)).await.unwrap();
}

async fn two_orders_of_reads() {
    let (a, b) = (Arc::new(RwLock::new(0)), Arc::new(RwLock::new(0)));
    let reads = |first: Arc<RwLock<u32>>, second: Arc<RwLock<u32>>| async move {
        let first = first.read().await;
        settled().await;
        assert_eq!(*first, *second.read().await);
    };
    let one = named("one", reads(a.clone(), b.clone()));
    let other = named("other", reads(b, a));
    one.await.unwrap();
    other.await.unwrap();
}

/// A wait for a lock begins in one task, and is gone on with in another one, long after the lock was given to it.
async fn a_lock_future_resumed_in_another_task() {
    let lock = Arc::new(Mutex::new(0));
    let held = lock.clone().lock_owned().await;
    let mut wait = Box::pin(lock.clone().lock_owned());
    assert!(futures::poll!(wait.as_mut()).is_pending());
    drop(held);
    let (sender, receiver) = oneshot::channel();
    let heir = named("heir", async move {
        a_while().await;
        let guard: OwnedMutexGuard<u32> = wait.await;
        drop(guard);
        sender.send(()).unwrap();
    });
    *lock.lock().await += 1;
    receiver.await.unwrap();
    heir.await.unwrap();
}

/// A wait for a lock is not polled while its task sleeps, and another one waits behind it; then it is gone on with.
async fn a_lock_future_parked_and_resumed() {
    let lock = Arc::new(Mutex::new(0));
    let held = lock.clone().lock_owned().await;
    let of_parker = lock.clone();
    let parker = named("parker", async move {
        let mut wait = pin!(of_parker.lock());
        assert!(futures::poll!(wait.as_mut()).is_pending());
        a_while().await;
        *wait.await += 1;
    });
    settled().await;
    drop(held);
    *lock.lock().await += 1;
    parker.await.unwrap();
}

/// One branch has the lock until the other one, which waits for it, has sent its message.
async fn two_branches_where_one_frees_the_other() {
    let lock = Arc::new(Mutex::new(0));
    let (sender, receiver) = oneshot::channel();
    let task = named("task", async move {
        let holds = async {
            let held = lock.lock().await;
            receiver.await.unwrap();
            a_while().await;
            drop(held);
        };
        let wants = async {
            sender.send(()).unwrap();
            *lock.lock().await += 1;
        };
        tokio::join!(holds, wants);
    });
    task.await.unwrap();
}

async fn a_set_of_futures_over_many_locks() {
    let locks: Arc<[Mutex<u32>]> = (0..4).map(Mutex::new).collect();
    let task = named("task", async move {
        let step = |number: usize| {
            let locks = locks.clone();
            async move {
                let first = locks[number % 3].lock().await;
                let second = locks[3].lock().await;
                tokio::time::sleep(WHILE / 8).await;
                *first + *second
            }
        };
        let set: FuturesUnordered<_> = (0..8).map(step).collect();
        set.count().await
    });
    assert_eq!(task.await.unwrap(), 8);
}

/// The branch that would wait for what the task itself has is switched off.
async fn a_disabled_branch_that_would_lock_again() {
    let task = named("task", async {
        let lock = Mutex::new(0);
        let held = lock.lock().await;
        tokio::select! {
            _ = lock.lock(), if *held > 0 => unreachable!(),
            () = a_while() => {}
        }
    });
    task.await.unwrap();
}

/// Nobody gives permits back: there are new ones from time to time.
async fn a_limit_that_a_timer_refills() {
    let limit = Arc::new(Semaphore::new(0));
    let refilled = limit.clone();
    let refill = named("refill", async move {
        let mut interval = tokio::time::interval(WHILE / 4);
        for _ in 0..5 {
            interval.tick().await;
            refilled.add_permits(1);
        }
    });
    let caller = named("caller", async move {
        for _ in 0..5 {
            limit.acquire().await.unwrap().forget();
        }
    });
    caller.await.unwrap();
    refill.await.unwrap();
}

async fn a_semaphore_that_is_closed_late() {
    let limit = Arc::new(Semaphore::new(0));
    let closed = limit.clone();
    named("shutdown", async move {
        a_while().await;
        closed.close();
    });
    let waiter = named("waiter", async move { limit.acquire().await.is_err() });
    assert!(waiter.await.unwrap());
}

async fn a_lock_of_futures_in_turn() {
    let lock = Arc::new(futures::lock::Mutex::new(0));
    let held = lock.clone();
    let holder = named("holder", async move {
        let _held = held.lock().await;
        a_while().await;
    });
    settled().await;
    let waiter = named("waiter", async move { *lock.lock().await += 1 });
    waiter.await.unwrap();
    holder.await.unwrap();
}

/// A lock is held until a reply comes from one who does not need that lock.
async fn a_reply_awaited_under_a_lock() {
    let lock = Arc::new(Mutex::new(0));
    let (questions, mut asked) = mpsc::channel::<oneshot::Sender<u32>>(1);
    let server = named("server", async move {
        while let Some(reply) = asked.recv().await {
            a_while().await;
            reply.send(1).unwrap();
        }
    });
    let asks = lock.clone();
    let client = named("client", async move {
        let mut held = asks.lock().await;
        let (sender, reply) = oneshot::channel();
        questions.send(sender).await.unwrap();
        *held = reply.await.unwrap();
    });
    settled().await;
    assert_eq!(*lock.lock().await, 1);
    client.await.unwrap();
    server.await.unwrap();
}
