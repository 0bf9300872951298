//! Tasks that nobody can wake any more, although what they wait for has happened.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use futures::future::OptionFuture;
use recorded_tokio::sync::{Mutex, Notify, mpsc, oneshot};

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "lost-wakeup" hangs {
        async a_wait_after_all_were_notified: Possible, ["waiter"], ["notify@notify"];
        async a_poll_that_keeps_no_waker: Likely, ["ui"], [];
        async a_waker_in_the_place_of_another: Proven, ["first"], [];
        async a_lock_future_made_anew_in_each_poll: Likely, ["poller"], ["(mutex@lock)"];
        async a_poll_that_gives_up_after_a_part: Likely, ["body"], ["(channel@parts)"];
        async a_notification_for_a_waiter_that_is_gone: Possible, ["second"], ["notify@notify"];
        async a_notification_for_a_waiter_that_is_not_polled:
            Possible, ["second", "(first)"], ["notify@notify"];
    }
}

/// It is looked whether all have left; before that is waited for, the last one leaves, and notifies those that wait already.
/// <https://github.com/containerd/ttrpc-rust/pull/227>
async fn a_wait_after_all_were_notified(fixed: bool) {
    let (ended, has_ended) = oneshot::channel();
    named("last", async move {
        let notify = Arc::new(Notify::new());
        let left = Arc::new(AtomicBool::new(false));
        let (of_waiter, seen) = (notify.clone(), left.clone());
        named("waiter", async move {
            let early = fixed.then(|| of_waiter.notified());
            if !seen.load(Ordering::SeqCst) {
                settled().await;
                settled().await;
                match early {
                    Some(early) => early.await,
                    None => of_waiter.notified().await,
                }
            }
            ended.send(()).unwrap();
        });
        settled().await;
        left.store(true, Ordering::SeqCst);
        notify.notify_waiters();
    });
    has_ended.await.unwrap();
}

/// An event that tasks can wait for, made by hand.
#[derive(Default)]
struct Event {
    happened: AtomicBool,
    wakers: std::sync::Mutex<Vec<Waker>>,
}

impl Event {
    fn happens(&self) {
        self.happened.store(true, Ordering::SeqCst);
        let wakers = std::mem::take(&mut *self.wakers.lock().unwrap());
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Ready where it has happened, and else leaves it to `keep` what is done with the waker.
    fn poll(&self, cx: &Context<'_>, keep: impl FnOnce(&mut Vec<Waker>, Waker)) -> Poll<()> {
        let mut wakers = self.wakers.lock().unwrap();
        if self.happened.load(Ordering::SeqCst) {
            return Poll::Ready(());
        }
        keep(&mut wakers, cx.waker().clone());
        Poll::Pending
    }
}

/// A function that polls ignores its context. <https://github.com/chatmail/core/issues/1922>
async fn a_poll_that_keeps_no_waker(fixed: bool) {
    let event = Arc::new(Event::default());
    let awaited = event.clone();
    let ui = named("ui", async move {
        poll_fn(|cx| {
            awaited.poll(cx, |wakers, waker| {
                wakers.extend(Some(waker).filter(|_| fixed));
            })
        })
        .await;
    });
    settled().await;
    event.happens();
    ui.await.unwrap();
}

/// There is one place for a waker, and the second one who waits puts its own there. <https://github.com/embassy-rs/embassy/pull/4134>
async fn a_waker_in_the_place_of_another(fixed: bool) {
    let event = Arc::new(Event::default());
    let wait = |event: Arc<Event>| async move {
        poll_fn(|cx| {
            event.poll(cx, |wakers, waker| {
                if !fixed {
                    wakers.clear();
                }
                wakers.push(waker);
            })
        })
        .await;
    };
    let first = named("first", wait(event.clone()));
    settled().await;
    let second = named("second", wait(event.clone()));
    settled().await;
    event.happens();
    second.await.unwrap();
    first.await.unwrap();
}

/// Each poll makes a wait for the lock, and drops it: that takes it out of the queue.
/// <https://github.com/rust-lang/futures-rs/issues/1972>
async fn a_lock_future_made_anew_in_each_poll(fixed: bool) {
    let lock = Arc::new(Mutex::new(0));
    let held = lock.clone().lock_owned().await;
    let poller = named("poller", async move {
        let mut kept = pin!(lock.lock());
        poll_fn(|cx| {
            if fixed {
                return kept.as_mut().poll(cx).map(drop);
            }
            pin!(lock.lock()).poll(cx).map(drop)
        })
        .await;
    });
    settled().await;
    drop(held);
    poller.await.unwrap();
}

/// What is ready is only a part of what is needed, and nobody waits for the rest. <https://github.com/rusoto/rusoto/pull/1790>
async fn a_poll_that_gives_up_after_a_part(fixed: bool) {
    let (parts, mut received) = mpsc::channel(8);
    let body = named("body", async move {
        let mut bytes = 0;
        poll_fn(|cx| {
            let Poll::Ready(part) = received.poll_recv(cx) else {
                return Poll::Pending;
            };
            bytes += part.unwrap_or(2);
            if bytes >= 2 {
                return Poll::Ready(());
            }
            if fixed {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        })
        .await;
    });
    settled().await;
    parts.send(1).await.unwrap();
    parts.send(1).await.unwrap();
    body.await.unwrap();
}

/// A task waits, and ends without dropping that wait, which is the one that is notified.
/// <https://github.com/tokio-rs/tokio/issues/4618>
async fn a_notification_for_a_waiter_that_is_gone(fixed: bool) {
    let (ended, has_ended) = oneshot::channel();
    named("owner", async move {
        let notify: &'static Notify = Box::leak(Box::new(Notify::new()));
        let first = named("first", async move {
            let mut wait = Box::pin(notify.notified());
            assert!(futures::poll!(wait.as_mut()).is_pending());
            if fixed {
                drop(wait);
            } else {
                std::mem::forget(wait);
            }
        });
        first.await.unwrap();
        named("second", async move {
            notify.notified().await;
            ended.send(()).unwrap();
        });
        settled().await;
        notify.notify_one();
    });
    has_ended.await.unwrap();
}

/// A task waits, and goes over to something else without dropping that wait, which is the one that is notified.
/// <https://github.com/tokio-rs/tokio/issues/7965>
async fn a_notification_for_a_waiter_that_is_not_polled(fixed: bool) {
    let (ended, has_ended) = oneshot::channel();
    named("owner", async move {
        let notify: &'static Notify = Box::leak(Box::new(Notify::new()));
        named("first", async move {
            let mut wait = pin!(OptionFuture::from(Some(notify.notified())));
            assert!(futures::poll!(wait.as_mut()).is_pending());
            if fixed {
                wait.set(None.into());
            }
            std::future::pending::<()>().await;
        });
        settled().await;
        named("second", async move {
            notify.notified().await;
            ended.send(()).unwrap();
        });
        settled().await;
        notify.notify_one();
    });
    has_ended.await.unwrap();
}
