//! Ten thousand tasks on two workers serve requests all the time: they wait for a time, take a lock that others want, take a permit, ask
//! a worker through a channel and await its answer, through `async fn`s whose await points are recorded.
//!
//! The program around it says what `tokio` is, how a task is started, and when it is enough. A build with `tokio_unstable` is that of
//! another recorder (`benches/peers`), which knows nothing of await points.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(not(tokio_unstable))]
use ais_recorder::trace;
use anyhow::Result;

use super::{spawn, tokio};
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};

/// So many tasks share a lock, permits, and a worker that they ask.
const GROUP: usize = 100;

/// What the tasks of a group share.
struct Shared {
    accounts: Mutex<u64>,
    connections: Semaphore,
    worker: mpsc::Sender<Request>,
    is_over: Arc<AtomicBool>,
}

/// What a worker is asked.
struct Request {
    number: u64,
    answer: oneshot::Sender<u64>,
}

/// So many tasks, until it is enough.
pub(crate) async fn stress(is_enough: impl Fn() -> bool, tasks: usize) -> Result<()> {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut all = Vec::new();
    for group in 0..tasks.div_ceil(GROUP) {
        let (worker, requests) = mpsc::channel(16);
        let shared = Arc::new(Shared {
            accounts: Mutex::new(0),
            connections: Semaphore::new(8),
            worker,
            is_over: Arc::clone(&is_over),
        });
        all.push(spawn(work(requests)));
        let clients = GROUP.min(tasks - group * GROUP);
        all.extend((1..clients).map(|client| spawn(client_of(Arc::clone(&shared), client))));
    }
    while !is_enough() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in all {
        task.await?;
    }
    Ok(())
}

#[cfg_attr(not(tokio_unstable), trace)]
async fn work(mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        // Whoever asked may have given up.
        let _ = request.answer.send(request.number + 1);
    }
}

#[cfg_attr(not(tokio_unstable), trace)]
async fn client_of(shared: Arc<Shared>, client: usize) {
    let mut number = client as u64;
    while !shared.is_over.load(Ordering::Relaxed) {
        // Not all at once.
        let pause = Duration::from_millis(20 + number * 7 % 61);
        tokio::time::sleep(pause).await;
        number = serve(&shared, number).await;
    }
}

#[cfg_attr(not(tokio_unstable), trace)]
async fn serve(shared: &Shared, number: u64) -> u64 {
    {
        let mut accounts = shared.accounts.lock().await;
        *accounts += 1;
        if number.is_multiple_of(8) {
            tokio::task::yield_now().await;
        }
    }
    let answer = ask(shared, number);
    if number.is_multiple_of(16) {
        let limited = tokio::time::timeout(Duration::from_millis(50), answer).await;
        return limited.unwrap_or(number + 3);
    }
    answer.await
}

#[cfg_attr(not(tokio_unstable), trace)]
async fn ask(shared: &Shared, number: u64) -> u64 {
    let Ok(_permit) = shared.connections.acquire().await else {
        return number;
    };
    let (answer, answered) = oneshot::channel();
    let request = Request { number, answer };
    if shared.worker.send(request).await.is_err() {
        return number;
    }
    answered.await.unwrap_or(number)
}
