//! Tasks that are polled again and again, although nothing has become ready for them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use recorded_tokio as tokio;
use recorded_tokio::sync::{Semaphore, mpsc, watch};

use crate::named;
use crate::table::buggy;

buggy! {
    "busy-loop" ends {
        async a_stream_that_wakes_itself: Possible, ["tee"], ["(channel@items)"];
        async a_queue_without_a_free_slot: Possible, ["submit"], ["(semaphore@slots)"];
        async a_channel_that_is_only_tried: Possible, ["idle"], ["(channel@messages)"];
        async a_branch_of_select_that_is_always_ready: Possible, ["ui"], ["(channel@restored)", "(channel@keys)"];
        async a_traced_select_that_is_always_ready: Possible, ["ui"], ["(channel@restored)", "(channel@keys)"];
        async a_watch_whose_sender_is_gone: Possible, ["buffer"], ["(watch channel@config)", "(channel@envelopes)"];
    }
}

/// How long there is nothing to do.
async fn quiet() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

/// A stream wakes its task each time that it has nothing. <https://github.com/jerry73204/par-stream/pull/4>
async fn a_stream_that_wakes_itself(fixed: bool) {
    let (items, mut received) = mpsc::channel(8);
    let tee = named("tee", async move {
        let item = poll_fn(|cx| {
            let item = received.poll_recv(cx);
            if item.is_pending() && !fixed {
                cx.waker().wake_by_ref();
            }
            item
        });
        assert_eq!(item.await, Some(1));
    });
    quiet().await;
    items.send(1).await.unwrap();
    tee.await.unwrap();
}

/// As long as there is no free slot, a task wakes itself to look again. <https://github.com/KuiBaDB/kbio/issues/1>
async fn a_queue_without_a_free_slot(fixed: bool) {
    let slots = Arc::new(Semaphore::new(1));
    let in_use = slots.clone().acquire_owned().await.unwrap();
    let submit = named("submit", async move {
        let mut wait = pin!(slots.acquire());
        poll_fn(|cx| {
            if fixed {
                return wait.as_mut().poll(cx).map(drop);
            }
            if slots.try_acquire().is_ok() {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    });
    quiet().await;
    drop(in_use);
    submit.await.unwrap();
}

/// A task tries to receive, and wakes itself to try again. <https://github.com/Eugeny/russh/pull/197>
async fn a_channel_that_is_only_tried(fixed: bool) {
    let (messages, mut received) = mpsc::channel(8);
    let idle = named("idle", async move {
        let message = poll_fn(|cx| {
            if fixed {
                return received.poll_recv(cx).map(Option::unwrap);
            }
            match received.try_recv() {
                Ok(message) => Poll::Ready(message),
                Err(_) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        });
        assert_eq!(message.await, 1);
    });
    quiet().await;
    messages.send(1).await.unwrap();
    idle.await.unwrap();
}

/// One branch of a loop receives from a channel whose senders are gone: it is ready each time, and has nothing.
/// <https://github.com/HaseebKhalid1507/Myx/issues/13>
async fn a_branch_of_select_that_is_always_ready(fixed: bool) {
    let (restored, mut states) = mpsc::channel::<u32>(1);
    let (keys, mut pressed) = mpsc::channel(8);
    drop(restored);
    let ui = named("ui", async move {
        loop {
            tokio::select! {
                biased;
                key = pressed.recv() => return key,
                _ = states.recv(), if !fixed => {}
            }
        }
    });
    quiet().await;
    keys.send('q').await.unwrap();
    assert_eq!(ui.await.unwrap(), Some('q'));
}

/// The same, with all that is awaited recorded: a `select!` that is left each time brings no task further.
#[ais_recorder::trace]
async fn a_traced_select_that_is_always_ready(fixed: bool) {
    let (restored, mut states) = mpsc::channel::<u32>(1);
    let (keys, mut pressed) = mpsc::channel(8);
    drop(restored);
    let ui = named("ui", async move {
        loop {
            tokio::select! {
                biased;
                key = pressed.recv() => return key,
                _ = states.recv(), if !fixed => {}
            }
        }
    });
    quiet().await;
    keys.send('q').await.unwrap();
    assert_eq!(ui.await.unwrap(), Some('q'));
}

/// One branch of a loop waits for a change of what cannot change any more. <https://github.com/getsentry/relay/pull/4071>
async fn a_watch_whose_sender_is_gone(fixed: bool) {
    let (config, mut changes) = watch::channel(1);
    let (envelopes, mut received) = mpsc::channel(8);
    drop(config);
    let buffer = named("buffer", async move {
        loop {
            tokio::select! {
                biased;
                envelope = received.recv() => return envelope,
                _ = changes.changed(), if !fixed => {}
            }
        }
    });
    quiet().await;
    envelopes.send(1).await.unwrap();
    assert_eq!(buffer.await.unwrap(), Some(1));
}
