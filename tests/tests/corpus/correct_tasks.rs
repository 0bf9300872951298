//! Correct programs that look guilty with tasks, notifications, wakers made by hand, and runtimes.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use recorded_tokio as tokio;
use recorded_tokio::runtime::Builder;
use recorded_tokio::sync::{Barrier, Notify, OnceCell, SetOnce, oneshot};
use recorded_tokio::task::{JoinSet, LocalSet};

use crate::table::correct;
use crate::{WHILE, a_while, later, named, settled};

correct! {
    async a_task_that_sleeps_long_and_is_joined;
    async a_task_that_is_parked_for_good;
    async a_branch_that_never_comes;
    async a_barrier_whose_last_one_comes_late;
    async a_notification_before_the_wait;
    async a_notification_from_a_thread;
    async waiters_notified_after_they_registered;
    async a_waker_in_a_slot_that_a_thread_wakes;
    async a_waker_that_is_replaced_by_its_own_task;
    async a_cell_that_is_made_slowly;
    async a_value_that_is_set_late;
    async a_local_set_driven_by_another_task;
    async a_job_that_waits_for_a_task;
    async a_runtime_that_a_job_blocks_on;
    fn a_task_on_one_thread_that_waits_for_its_children;
    fn a_queue_of_jobs_on_one_thread;
    async tasks_of_a_set_that_wait_for_their_siblings;
    async a_task_that_is_aborted_late;
    async a_loop_that_yields: never "busy-loop";
    async a_loop_that_sleeps_for_no_time: never "busy-loop";
    async a_loop_that_is_given_work_all_the_time: never "busy-loop";
    async a_blocking_job_that_takes_long: never "long-poll";
}

async fn a_task_that_sleeps_long_and_is_joined() {
    let sleeper = named("sleeper", a_while());
    let joiner = named("joiner", async move { sleeper.await.unwrap() });
    joiner.await.unwrap();
}

/// Nobody waits for it, and nothing is queued for it.
async fn a_task_that_is_parked_for_good() {
    named("parked", std::future::pending::<()>());
    a_while().await;
}

async fn a_branch_that_never_comes() {
    let task = named("task", async {
        tokio::select! {
            () = std::future::pending() => unreachable!(),
            () = a_while() => {}
        }
    });
    task.await.unwrap();
}

async fn a_barrier_whose_last_one_comes_late() {
    let barrier = Arc::new(Barrier::new(3));
    let mut arrivals = Vec::new();
    for name in ["first", "second"] {
        let barrier = barrier.clone();
        arrivals.push(named(name, async move { barrier.wait().await.is_leader() }));
    }
    arrivals.push(named("last", async move {
        a_while().await;
        barrier.wait().await.is_leader()
    }));
    for arrival in arrivals {
        arrival.await.unwrap();
    }
}

async fn a_notification_before_the_wait() {
    let notify = Arc::new(Notify::new());
    notify.notify_one();
    let waiter = named("waiter", async move {
        notify.notified().await;
        a_while().await;
    });
    waiter.await.unwrap();
}

async fn a_notification_from_a_thread() {
    let notify = Arc::new(Notify::new());
    let notifier = notify.clone();
    later(move || notifier.notify_one());
    let waiter = named("waiter", async move { notify.notified().await });
    waiter.await.unwrap();
}

/// The wait begins before it is looked whether it is needed.
async fn waiters_notified_after_they_registered() {
    let (notify, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let mut waiters = Vec::new();
    for name in ["one", "two"] {
        let (notify, done) = (notify.clone(), done.clone());
        waiters.push(named(name, async move {
            let notified = notify.notified();
            if !done.load(Ordering::SeqCst) {
                notified.await;
            }
        }));
    }
    a_while().await;
    done.store(true, Ordering::SeqCst);
    notify.notify_waiters();
    for waiter in waiters {
        waiter.await.unwrap();
    }
}

/// Waits until a flag is up that says so to whoever is in the slot.
async fn flagged(slot: Arc<(AtomicBool, AtomicWaker)>) {
    poll_fn(|cx| {
        slot.1.register(cx.waker());
        if slot.0.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
    .await;
}

async fn a_waker_in_a_slot_that_a_thread_wakes() {
    let slot = Arc::new((AtomicBool::new(false), AtomicWaker::new()));
    let flags = slot.clone();
    later(move || {
        flags.0.store(true, Ordering::SeqCst);
        flags.1.wake();
    });
    named("waiter", flagged(slot)).await.unwrap();
}

/// Two branches of one task put their wakers into one slot: each of them is that of the task.
async fn a_waker_that_is_replaced_by_its_own_task() {
    let slot = Arc::new((AtomicBool::new(false), std::sync::Mutex::new(None::<Waker>)));
    let flags = slot.clone();
    later(move || {
        flags.0.store(true, Ordering::SeqCst);
        flags.1.lock().unwrap().take().unwrap().wake();
    });
    let waiter = named("waiter", async move {
        let branch = || {
            poll_fn(|cx| {
                let mut waker = slot.1.lock().unwrap();
                if slot.0.load(Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                *waker = Some(cx.waker().clone());
                Poll::Pending
            })
        };
        tokio::join!(branch(), branch());
    });
    waiter.await.unwrap();
}

async fn a_cell_that_is_made_slowly() {
    let cell = Arc::new(OnceCell::new());
    let get = |cell: Arc<OnceCell<u32>>| async move {
        *cell
            .get_or_init(|| async {
                a_while().await;
                1
            })
            .await
    };
    let first = named("first", get(cell.clone()));
    let second = named("second", get(cell));
    assert_eq!(first.await.unwrap() + second.await.unwrap(), 2);
}

async fn a_value_that_is_set_late() {
    static VALUE: SetOnce<u32> = SetOnce::const_new();
    later(|| VALUE.set(1).unwrap());
    let waiter = named("waiter", async { *VALUE.wait().await });
    assert_eq!(waiter.await.unwrap(), 1);
}

/// The main task waits for a local task, and another branch of it drives the set.
async fn a_local_set_driven_by_another_task() {
    let set = LocalSet::new();
    let builder = tokio::task::Builder::new().name("local");
    let local = builder.spawn_local_on(a_while(), &set).unwrap();
    let drives = async {
        settled().await;
        set.run_until(async {
            while !local.is_finished() {
                settled().await;
            }
        })
        .await;
    };
    drives.await;
    local.await.unwrap();
}

async fn a_job_that_waits_for_a_task() {
    let (sender, receiver) = oneshot::channel();
    let builder = tokio::task::Builder::new().name("job");
    let job = builder
        .spawn_blocking(move || receiver.blocking_recv())
        .unwrap();
    named("sender", async move {
        a_while().await;
        sender.send(1).unwrap();
    });
    assert_eq!(job.await.unwrap(), Ok(1));
}

async fn a_runtime_that_a_job_blocks_on() {
    let sleeper = named("sleeper", a_while());
    let job = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(sleeper).unwrap();
    });
    job.await.unwrap();
}

fn a_task_on_one_thread_that_waits_for_its_children() {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(async {
        let parent = named("parent", async {
            let children = ["one", "two"].map(|name| named(name, a_while()));
            for child in children {
                child.await.unwrap();
            }
        });
        parent.await.unwrap();
    });
}

/// One thread for blocking jobs: each waits its turn.
fn a_queue_of_jobs_on_one_thread() {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).max_blocking_threads(1);
    builder.enable_all().build().unwrap().block_on(async {
        let mut set = JoinSet::new();
        for _ in 0..4 {
            set.spawn_blocking(|| std::thread::sleep(WHILE / 4));
        }
        while set.join_next().await.is_some() {}
    });
}

/// The one that is joined first ends last.
async fn tasks_of_a_set_that_wait_for_their_siblings() {
    let mut set = JoinSet::new();
    let mut before: Option<oneshot::Receiver<()>> = None;
    for name in ["one", "two", "three"] {
        let (sender, receiver) = oneshot::channel();
        let wait = before.replace(receiver);
        let work = async move {
            match wait {
                Some(wait) => wait.await.unwrap(),
                None => a_while().await,
            }
            let _ = sender.send(());
        };
        set.build_task().name(name).spawn(work).unwrap();
    }
    while set.join_next().await.is_some() {}
}

async fn a_task_that_is_aborted_late() {
    let waits = named("waits", std::future::pending::<()>());
    let abort = waits.abort_handle();
    named("aborts", async move {
        a_while().await;
        abort.abort();
    });
    assert!(waits.await.unwrap_err().is_cancelled());
}

async fn a_loop_that_yields() {
    let until = Instant::now() + WHILE;
    let task = named("task", async move {
        while Instant::now() < until {
            tokio::task::yield_now().await;
        }
    });
    task.await.unwrap();
}

async fn a_loop_that_sleeps_for_no_time() {
    let until = Instant::now() + WHILE;
    let task = named("task", async move {
        while Instant::now() < until {
            tokio::time::sleep(Duration::ZERO).await;
        }
    });
    task.await.unwrap();
}

/// Many short polls, each because there is a message.
async fn a_loop_that_is_given_work_all_the_time() {
    let until = Instant::now() + WHILE;
    let (work, mut done) = tokio::sync::mpsc::channel(1);
    let worker = named(
        "worker",
        async move { while done.recv().await.is_some() {} },
    );
    while Instant::now() < until {
        work.send(1).await.unwrap();
        tokio::task::yield_now().await;
    }
    drop(work);
    worker.await.unwrap();
}

async fn a_blocking_job_that_takes_long() {
    let builder = tokio::task::Builder::new().name("job");
    let job = builder.spawn_blocking(|| std::thread::sleep(WHILE));
    job.unwrap().await.unwrap();
}
