//! What recording costs the recorded program: time, instructions, bytes.
//!
//! ```text
//! cargo bench -p ais-benches --bench poll_cost                      time and bytes: 9 interleaved rounds, medians
//! cargo bench -p ais-benches --bench poll_cost -- --rounds 3 yield-ct
//! cargo bench -p ais-benches --bench poll_cost -- --instructions    instructions, counted by valgrind's callgrind
//! ```
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ais_benches::cost;
use ais_benches::options::{STORMS, Workload};
use ais_recorder::{sync, task};
use anyhow::Result;

/// What the program does.
const WORKLOADS: [Workload; 6] = [
    STORMS[0],
    STORMS[1],
    STORMS[2],
    STORMS[3],
    Workload {
        name: "lock",
        what: "one task, free mutex: lock + unlock",
        rounds: 2_000_000,
        has_threads: false,
    },
    Workload {
        name: "channel",
        what: "one task, channel: send + receive",
        rounds: 2_000_000,
        has_threads: false,
    },
];

fn main() -> Result<()> {
    cost::main(&WORKLOADS, run)
}

fn run(workload: &str, wrapped: bool, count: u64) -> Result<Duration> {
    if STORMS.iter().any(|storm| storm.name == workload) {
        return cost::run_storm(workload, wrapped, count);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(async {
        let start = Instant::now();
        match (workload, wrapped) {
            ("lock", false) => plain_lock(count).await,
            ("lock", true) => task("lock", recorded_lock(count)).await,
            (_, false) => plain_channel(count).await,
            (_, true) => task("channel", recorded_channel(count)).await,
        }
        start.elapsed()
    }))
}

async fn plain_lock(times: u64) {
    let mutex = Arc::new(async_lock::Mutex::new(0u64));
    for _ in 0..times {
        *mutex.lock().await += 1;
    }
    assert_eq!(*mutex.lock().await, times);
}

async fn recorded_lock(times: u64) {
    let mutex = Arc::new(sync::Mutex::new(0u64));
    for _ in 0..times {
        *mutex.lock().await += 1;
    }
    assert_eq!(*mutex.lock().await, times);
}

async fn plain_channel(times: u64) {
    let (sender, receiver) = async_channel::bounded(16);
    for number in 0..times {
        sender.send(number).await.expect("there is a receiver");
        assert_eq!(receiver.recv().await, Ok(number));
    }
}

async fn recorded_channel(times: u64) {
    let (sender, receiver) = sync::channel(16);
    for number in 0..times {
        sender.send(number).await.expect("there is a receiver");
        assert_eq!(receiver.recv().await, Ok(number));
    }
}
