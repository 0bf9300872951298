//! What the recorded tokio costs over the real one: locks, channels, permits, timers, tasks.
//!
//! ```text
//! cargo bench -p ais-benches --bench tokio_cost                      time and bytes: 9 interleaved rounds, medians
//! cargo bench -p ais-benches --bench tokio_cost -- --rounds 3 lock
//! cargo bench -p ais-benches --bench tokio_cost -- --instructions    instructions, counted by valgrind's callgrind
//! ```
//!
//! The same source is built twice, against the real tokio and against the recorded one.
#![forbid(unsafe_code)]

use ais_benches::cost;
use ais_benches::options::Workload;
use anyhow::Result;

const fn workload(name: &'static str, what: &'static str, rounds: u64) -> Workload {
    Workload {
        name,
        what,
        rounds,
        has_threads: false,
    }
}

/// What the program does, always on one thread.
const WORKLOADS: [Workload; 6] = [
    workload("lock", "free mutex: lock + unlock", 2_000_000),
    workload("rwlock", "free rwlock: read + release", 2_000_000),
    workload("semaphore", "free permit: acquire + release", 2_000_000),
    workload("channel", "mpsc: send + recv", 2_000_000),
    workload("sleep", "sleep of 1 ms, clock paused", 200_000),
    workload("spawn", "spawn + join", 500_000),
];

fn main() -> Result<()> {
    cost::main(&WORKLOADS, |workload, wrapped, rounds| {
        if wrapped {
            recorded::run(workload, rounds)
        } else {
            plain::run(workload, rounds)
        }
    })
}

macro_rules! programs {
    ($name:ident: $tokio:ident) => {
        mod $name {
            use std::time::{Duration, Instant};

            use ::$tokio as tokio;
            use anyhow::{Result, bail};
            use tokio::sync::{Mutex, RwLock, Semaphore, mpsc};

            pub(crate) fn run(workload: &str, rounds: u64) -> Result<Duration> {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .start_paused(true)
                    .build()?;
                let workload = workload.to_owned();
                runtime.block_on(async move {
                    // In a task of its own, as most of a program is.
                    tokio::spawn(async move {
                        let start = Instant::now();
                        match &*workload {
                            "lock" => lock(rounds).await,
                            "rwlock" => rwlock(rounds).await,
                            "semaphore" => semaphore(rounds).await,
                            "channel" => channel(rounds).await,
                            "sleep" => sleep(rounds).await,
                            "spawn" => spawn(rounds).await?,
                            other => bail!("no such workload: {other}"),
                        }
                        Ok(start.elapsed())
                    })
                    .await?
                })
            }

            async fn lock(rounds: u64) {
                let mutex = Mutex::new(0_u64);
                for _ in 0..rounds {
                    *mutex.lock().await += 1;
                }
                assert_eq!(mutex.into_inner(), rounds);
            }

            async fn rwlock(rounds: u64) {
                let lock = RwLock::new(1_u64);
                let mut sum = 0;
                for _ in 0..rounds {
                    sum += *lock.read().await;
                }
                assert_eq!(sum, rounds);
            }

            async fn semaphore(rounds: u64) {
                let semaphore = Semaphore::new(3);
                for _ in 0..rounds {
                    drop(semaphore.acquire().await);
                }
                assert_eq!(semaphore.available_permits(), 3);
            }

            async fn channel(rounds: u64) {
                let (sender, mut receiver) = mpsc::channel(16);
                for number in 0..rounds {
                    assert!(sender.send(number).await.is_ok());
                    assert_eq!(receiver.recv().await, Some(number));
                }
            }

            async fn sleep(rounds: u64) {
                for _ in 0..rounds {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }

            async fn spawn(rounds: u64) -> Result<()> {
                for number in 0..rounds {
                    let task = tokio::spawn(async move { number });
                    assert_eq!(task.await?, number);
                }
                Ok(())
            }
        }
    };
}

programs!(plain: tokio);
programs!(recorded: recorded_tokio);
