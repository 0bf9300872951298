//! Storms of polls and wakes: nothing but what a scheduler does, so that what recording adds is seen.
//!
//! Whoever spawns decides whether the tasks are recorded, and by whom: the rest is the same source in every program that is compared,
//! also in `benches/peers`, which takes this file by its path.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How many tasks share the polls.
const TASKS: u64 = 64;

/// How the tasks of a storm are started.
pub trait Spawn {
    /// Starts one on the runtime that this is called in.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()>;
}

/// As tokio does.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Spawn for Plain {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(task)
    }
}

/// The runtime that a storm wants: its name ends with the number of threads, `ct` or `mt2`.
#[must_use]
pub fn runtime(storm: &str) -> Builder {
    if storm.ends_with("-mt2") {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2);
        builder
    } else {
        Builder::new_current_thread()
    }
}

/// So many rounds of the storm with this name, each a poll and its wake, and how long they took.
///
/// # Errors
/// There is no such storm.
pub fn run(storm: &str, on: &Runtime, spawn: &impl Spawn, rounds: u64) -> Result<Duration> {
    let times = rounds / TASKS;
    on.block_on(async {
        let start = Instant::now();
        let tasks = match storm.split_once('-') {
            Some(("yield", _)) => yields(spawn, times),
            Some(("pair", _)) => pairs(spawn, times),
            _ => bail!("no such storm: {storm}"),
        };
        for task in tasks {
            task.await?;
        }
        Ok(start.elapsed())
    })
}

/// Every task wakes itself, and waits for its turn.
fn yields(spawn: &impl Spawn, times: u64) -> Vec<JoinHandle<()>> {
    let task = || async move {
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    };
    (0..TASKS).map(|_| spawn.spawn(task())).collect()
}

/// Every two tasks wake each other in turns. On one thread each hand-over is a wake and a poll; on several a task may find that it was
/// notified before it had to wait, and go on in the same poll.
fn pairs(spawn: &impl Spawn, times: u64) -> Vec<JoinHandle<()>> {
    let mut tasks = Vec::new();
    for _ in 0..TASKS / 2 {
        let (there, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (also_there, also_back) = (Arc::clone(&there), Arc::clone(&back));
        tasks.push(spawn.spawn(async move {
            for _ in 0..times {
                there.notify_one();
                back.notified().await;
            }
        }));
        tasks.push(spawn.spawn(async move {
            for _ in 0..times {
                also_there.notified().await;
                also_back.notify_one();
            }
        }));
    }
    tasks
}
