//! Futures that were given what others wait for, and are polled no more.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
use futures::stream::FuturesUnordered;
use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, OnceCell, RwLock, Semaphore, mpsc, oneshot};

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "futurelock" hangs {
        async a_pinned_lock_beside_a_branch_that_locks: Proven, ["do stuff"], ["mutex@lock"];
        async a_boxed_lock_beside_a_branch_that_locks: Likely, ["do stuff"], ["mutex@lock"];
        async a_send_behind_one_that_is_not_polled: Possible, ["report", "(drain)"], ["channel@report"];
        async a_write_behind_one_that_is_not_polled: Likely, ["write"], ["rwlock@lock"];
        async a_stream_whose_body_needs_a_permit: Likely, ["consume"], ["semaphore@limit"];
        async a_set_whose_body_needs_a_lock: Likely, ["update"], ["mutex@lock"];
        async a_cell_whose_initialiser_is_not_polled: Likely, ["cache"], ["once cell@cell"];
    }
    // The one that waits for the lock is another task, of which the first waits for a reply.
    "futurelock|deadlock-cycle" hangs {
        async a_lock_kept_in_a_box_while_a_reply_is_awaited:
            Possible, ["front", "back"], ["mutex@lock", "oneshot channel@sender"];
    }
}

/// Has the lock until the others have come to wait for it.
async fn hold(lock: Arc<Mutex<u32>>) {
    let mut held = lock.lock().await;
    for _ in 0..3 {
        settled().await;
    }
    *held += 1;
}

/// Keeps something until it is told to let it go.
async fn keep<T>(kept: T, until: oneshot::Receiver<()>) {
    until.await.unwrap();
    drop(kept);
}

/// While another task has the lock, it is waited for no longer than a time, and then waited for anew; the first wait is still there, and
/// gets the lock. <https://rfd.shared.oxide.computer/rfd/0609>
async fn a_pinned_lock_beside_a_branch_that_locks(fixed: bool) {
    let lock = Arc::new(Mutex::new(0));
    let (release, until) = oneshot::channel();
    let held = lock.clone().lock_owned().await;
    let background = named("background", keep(held, until));
    let stuff = named("do stuff", async move {
        let mut first = pin!(OptionFuture::from(Some(lock.lock())));
        tokio::select! {
            _ = &mut first => unreachable!(),
            () = settled() => {
                if fixed {
                    first.set(None.into());
                }
                release.send(()).unwrap();
                *lock.lock().await += 1;
            }
        }
    });
    background.await.unwrap();
    stuff.await.unwrap();
}

/// The same with a future in a box, as it was in the service where it was seen first.
/// <https://github.com/oxidecomputer/omicron/issues/9259>
async fn a_boxed_lock_beside_a_branch_that_locks(fixed: bool) {
    async fn change(shared: Arc<Mutex<u32>>) {
        *shared.lock().await += 1;
    }
    let lock = Arc::new(Mutex::new(0));
    let (release, until) = oneshot::channel();
    let held = lock.clone().lock_owned().await;
    let background = named("background", keep(held, until));
    let stuff = named("do stuff", async move {
        let mut first: BoxFuture<'static, ()> = change(lock.clone()).boxed();
        tokio::select! {
            () = &mut first => unreachable!(),
            () = settled() => {
                if fixed {
                    drop(first);
                }
                release.send(()).unwrap();
                change(lock).await;
            }
        }
    });
    background.await.unwrap();
    stuff.await.unwrap();
}

/// A message is sent into a full channel while another one waits for room in it, and is polled no more.
/// <https://github.com/oxidecomputer/omicron/issues/9272>
async fn a_send_behind_one_that_is_not_polled(fixed: bool) {
    let (report, mut reports) = mpsc::channel(1);
    let (release, until) = oneshot::channel();
    let drain = named("drain", async move {
        until.await.unwrap();
        while reports.recv().await.is_some() {}
    });
    let report = named("report", async move {
        report.send(0).await.unwrap();
        let mut progress = pin!(OptionFuture::from(Some(report.send(1))));
        tokio::select! {
            _ = &mut progress => unreachable!(),
            () = settled() => {
                if fixed {
                    progress.set(None.into());
                }
                release.send(()).unwrap();
                report.send(2).await.unwrap();
            }
        }
    });
    report.await.unwrap();
    drain.await.unwrap();
}

/// One task waits twice for the same lock, and goes on with the second wait. <https://github.com/tokio-rs/tokio/issues/6450>
async fn a_write_behind_one_that_is_not_polled(fixed: bool) {
    let lock = Arc::new(RwLock::new(0));
    let (release, until) = oneshot::channel();
    let read = lock.clone().read_owned().await;
    let reader = named("reader", keep(read, until));
    let write = named("write", async move {
        let mut first = Box::pin(lock.write());
        assert!(futures::poll!(first.as_mut()).is_pending());
        if fixed {
            drop(first);
        }
        release.send(()).unwrap();
        *lock.write().await += 1;
    });
    reader.await.unwrap();
    write.await.unwrap();
}

/// A stream works on two things at a time, each with a permit; what is done with each result needs a permit too, and the stream is not
/// polled meanwhile. <https://github.com/rust-lang/futures-rs/issues/2387>
async fn a_stream_whose_body_needs_a_permit(fixed: bool) {
    let limit = Arc::new(Semaphore::new(if fixed { 3 } else { 1 }));
    let consume = named("consume", async move {
        let of_stream = limit.clone();
        let work = move |number: u32| {
            let limit = of_stream.clone();
            async move {
                let _permit = limit.acquire().await.unwrap();
                tokio::task::yield_now().await;
                number
            }
        };
        let mut results = pin!(futures::stream::iter(0..4).map(work).buffer_unordered(2));
        let mut sum = 0;
        while let Some(number) = results.next().await {
            let _permit = limit.acquire().await.unwrap();
            sum += number;
        }
        assert_eq!(sum, 6);
    });
    consume.await.unwrap();
}

/// Of a set of futures one has the lock when another one is done; the lock is needed to go on with that.
/// <https://github.com/clockworklabs/SpacetimeDB/pull/369>
async fn a_set_whose_body_needs_a_lock(fixed: bool) {
    let lock = Arc::new(Mutex::new(0));
    let update = named("update", async move {
        let mut queue = FuturesUnordered::new();
        queue.push(hold(lock.clone()).boxed());
        queue.push(settled().boxed());
        while queue.next().await.is_some() {
            while fixed && queue.next().await.is_some() {}
            *lock.lock().await += 1;
        }
    });
    update.await.unwrap();
}

/// A value is being made for the cache, and that is polled no more; who asks for it again waits for that.
/// <https://github.com/moka-rs/moka/issues/240>
async fn a_cell_whose_initialiser_is_not_polled(fixed: bool) {
    let cache = named("cache", async move {
        let cell = OnceCell::new();
        let mut first = Box::pin(cell.get_or_init(|| async {
            settled().await;
            1
        }));
        assert!(futures::poll!(first.as_mut()).is_pending());
        if fixed {
            drop(first);
        }
        settled().await;
        assert_eq!(*cell.get_or_init(|| async { 2 }).await, 2);
    });
    cache.await.unwrap();
}

/// The front has its wait for a lock in a box, and awaits a reply from the back, which needs the lock before it can reply.
/// <https://github.com/asomers/futures-locks/issues/3>
async fn a_lock_kept_in_a_box_while_a_reply_is_awaited(fixed: bool) {
    let lock = Arc::new(Mutex::new(0));
    let (release, until) = oneshot::channel();
    let held = lock.clone().lock_owned().await;
    let background = named("background", keep(held, until));
    let (sender, reply) = oneshot::channel();
    let of_front = lock.clone();
    let front = named("front", async move {
        let mut kept = Box::pin(of_front.lock_owned());
        assert!(futures::poll!(kept.as_mut()).is_pending());
        if fixed {
            *kept.await += 1;
        }
        assert!(reply.await.is_ok());
    });
    settled().await;
    let back = named("back", async move {
        let value = *lock.lock().await;
        sender.send(value).unwrap();
    });
    settled().await;
    release.send(()).unwrap();
    background.await.unwrap();
    front.await.unwrap();
    back.await.unwrap();
}
