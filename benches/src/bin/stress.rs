//! A program that has as much to record as anybody wishes: what the analyzer is measured with.
//!
//! Ten thousand tasks on two workers serve requests all the time: they wait for a time, take a lock that others want, take a permit,
//! ask a worker through a channel and await its answer, through `async fn`s whose await points are recorded.
//!
//!     stress OUT.ais EVENTS [TASKS]
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ais_recorder::{Recorder, trace};
use anyhow::{Context as _, Result};
use recorded_tokio as tokio;
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

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "stress OUT.ais EVENTS [TASKS]";
    let path: PathBuf = arguments.next().context(usage)?.into();
    let events: u64 = arguments.next().context(usage)?.parse().context(usage)?;
    let tasks: usize = match arguments.next() {
        Some(tasks) => tasks.parse().context(usage)?,
        None => 10_000,
    };
    let recorder = Recorder::builder().path(&path).start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(stress(&recorder, events, tasks))?;
    let status = recorder.stop()?;
    println!(
        "{} events, {} bytes, {} dropped",
        status.events, status.bytes, status.dropped
    );
    Ok(())
}

/// Until so many events are recorded.
async fn stress(recorder: &Recorder, events: u64, tasks: usize) -> Result<()> {
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
        all.push(tokio::spawn(work(requests)));
        let clients = GROUP.min(tasks - group * GROUP);
        all.extend((1..clients).map(|client| tokio::spawn(client_of(Arc::clone(&shared), client))));
    }
    while recorder.status().events < events {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for task in all {
        task.await?;
    }
    Ok(())
}

#[trace]
async fn work(mut requests: mpsc::Receiver<Request>) {
    while let Some(request) = requests.recv().await {
        // Whoever asked may have given up.
        let _ = request.answer.send(request.number + 1);
    }
}

#[trace]
async fn client_of(shared: Arc<Shared>, client: usize) {
    let mut number = client as u64;
    while !shared.is_over.load(Ordering::Relaxed) {
        // Not all at once.
        let pause = Duration::from_millis(20 + number * 7 % 61);
        tokio::time::sleep(pause).await;
        number = serve(&shared, number).await;
    }
}

#[trace]
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

#[trace]
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
