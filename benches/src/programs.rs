//! Programs whose recordings several benchmarks use, and the events of such a recording.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ais_format::chunk::Chunk;
use ais_format::frame::{ChunkHeader, FileHeader};
use ais_recorder::{Recorder, spawn, sync};
use anyhow::{Context as _, Result, ensure};

/// Calls `$act` with the row type of a kind of event.
#[macro_export]
macro_rules! for_row_type {
    ($kind:expr, $row:ident => $act:expr) => {
        $crate::for_row_type!(@ $kind, $row, $act, TaskNew PollBegin PollEnd TaskDrop Wake FutureNew FutureBegin AwaitEnter
            AwaitLeave FutureEnd ResourceNew ResourceDrop OperationBegin OperationPoll OperationFired OperationEnd Acquire Release
            Send SendFailed Receive Close HandleNew HandleDrop)
    };
    (@ $kind:expr, $row:ident, $act:expr, $($name:ident)*) => {
        match $kind {
            $( ais_format::event::Kind::$name => { type $row = ais_format::event::$name; $act } )*
            _ => {}
        }
    };
}

/// Runs a program and records it into the file at `path`.
///
/// # Errors
/// Recording fails, or events were lost.
pub fn record(path: &Path, program: fn()) -> Result<()> {
    let recorder = Recorder::builder()
        .path(path)
        .memory_limit(256 << 20)
        .start()?;
    program();
    let status = recorder.stop()?;
    ensure!(status.dropped == 0, "the recording lost events");
    Ok(())
}

/// The chunks of a trace that hold events.
///
/// # Errors
/// The file cannot be read, or is no trace that was ended in good order.
pub fn chunks(path: &Path) -> Result<Vec<Chunk>> {
    let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
    let (_, mut at) = FileHeader::decode(&bytes)?;
    let mut chunks = Vec::new();
    while at < bytes.len() {
        let (header, len) = ChunkHeader::decode(&bytes[at..])?;
        let start = at + len;
        at = start + header.compressed_len as usize;
        let compressed = bytes.get(start..at).context("the last chunk is cut")?;
        let chunk = Chunk::decode(&header.decompress(compressed)?)?;
        if header.events > 0 {
            chunks.push(chunk);
        }
    }
    Ok(chunks)
}

/// Tasks that await, lock, send and receive.
///
/// # Panics
/// No runtime can be made.
pub fn mixed() {
    const ROUNDS: u64 = 20_000;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let total = Arc::new(sync::Mutex::new(0u64));
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let (sender, receiver) = sync::channel(4);
            tasks.push(spawn("produce", produce(sender, ROUNDS), tokio::spawn));
            tasks.push(spawn(
                "consume",
                consume(receiver, Arc::clone(&total)),
                tokio::spawn,
            ));
        }
        for task in tasks {
            task.await.expect("the task does not panic");
        }
    });
}

#[ais_recorder::trace(crate = ais_recorder)]
async fn produce(sender: sync::Sender<u64>, rounds: u64) {
    for number in 0..rounds {
        if sender.send(number).await.is_err() {
            return;
        }
        if number % 3 == 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[ais_recorder::trace(crate = ais_recorder)]
async fn consume(receiver: sync::Receiver<u64>, total: Arc<sync::Mutex<u64>>) {
    while let Ok(number) = receiver.recv().await {
        add(&total, number).await;
    }
}

#[ais_recorder::trace(crate = ais_recorder)]
async fn add(total: &sync::Mutex<u64>, number: u64) {
    *total.lock().await += number;
}

/// Nothing but polls and wakes.
///
/// # Panics
/// No runtime can be made.
pub fn yields() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let yields = || async {
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
        };
        let tasks: Vec<_> = (0..64)
            .map(|_| spawn("yields", yields(), tokio::spawn))
            .collect();
        for task in tasks {
            task.await.expect("the task does not panic");
        }
    });
}
