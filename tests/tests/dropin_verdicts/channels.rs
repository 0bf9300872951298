//! Correct programs with channels.

use recorded_tokio as tokio;
use recorded_tokio::sync::mpsc;

use crate::{later, programs, unrecorded_while};

programs![
    a_receiver_to_a_thread,
    a_receiver_dropped_by_a_thread,
    a_receiver_to_an_unrecorded_task,
    a_receiver_made_one_of_tokio,
    a_slot_kept_free_by_a_thread,
    a_chain_that_a_thread_empties,
];

/// A channel with room for one, of which both ends were used by this task.
async fn used() -> (mpsc::Sender<u32>, mpsc::Receiver<u32>) {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.send(0).await.unwrap();
    receiver.recv().await.unwrap();
    (sender, receiver)
}

async fn fill(sender: mpsc::Sender<u32>) -> bool {
    sender.send(1).await.is_ok() && sender.send(2).await.is_ok()
}

async fn a_receiver_to_a_thread() {
    let (sender, mut receiver) = used().await;
    later(move || while receiver.blocking_recv().is_some() {});
    assert!(fill(sender).await);
}

async fn a_receiver_dropped_by_a_thread() {
    let (sender, receiver) = used().await;
    later(move || drop(receiver));
    assert!(!fill(sender).await);
}

async fn a_receiver_to_an_unrecorded_task() {
    let (sender, mut receiver) = used().await;
    ::tokio::spawn(async move {
        unrecorded_while().await;
        while receiver.recv().await.is_some() {}
    });
    assert!(fill(sender).await);
}

async fn a_receiver_made_one_of_tokio() {
    let (sender, receiver) = used().await;
    let mut receiver = receiver.into_inner();
    later(move || while receiver.blocking_recv().is_some() {});
    assert!(fill(sender).await);
}

async fn a_slot_kept_free_by_a_thread() {
    let (sender, _receiver) = used().await;
    let slot = sender.clone().reserve_owned().await.unwrap();
    later(move || drop(slot));
    sender.send(1).await.unwrap();
}

async fn a_chain_that_a_thread_empties() {
    let (sender, mut received) = mpsc::channel(1);
    let (doubled, mut receiver) = mpsc::channel(1);
    let doubles = tokio::spawn(async move {
        while let Some(number) = received.recv().await {
            doubled.send(number).await.unwrap();
            doubled.send(number).await.unwrap();
        }
    });
    later(move || while receiver.blocking_recv().is_some() {});
    for number in 0..5 {
        sender.send(number).await.unwrap();
    }
    drop(sender);
    doubles.await.unwrap();
}
