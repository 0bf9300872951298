//! A storm of the benchmarks, plain or recorded by dial9: one run, one line of numbers.
//!
//! ```text
//! ais-peers STORM plain|dial9 ROUNDS
//! ```
//!
//! `cargo bench -p ais-benches --bench peer_cost` builds and runs this beside its own children. The storms and the numbers are the very
//! source files of those, taken by their paths. dial9 is set up as its documentation shows for a trace on disk: a writer with the budget
//! that its variables give by themselves (1 GiB), nothing but tokio as a source, tasks spawned so that their wakes are seen.
#![forbid(unsafe_code)]

#[path = "../../src/sample.rs"]
#[allow(dead_code, reason = "half of it is for who reads the line")]
mod sample;
#[path = "../../src/storms.rs"]
mod storms;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use dial9::format::Decoder;
use dial9::{Dial9HandleTokioExt as _, DiskBuffer, TokioAttachOptions};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::sample::{Sample, Stopwatch};
use crate::storms::{Plain, Spawn};

#[cfg(not(tokio_unstable))]
compile_error!("build this in its own folder, where .cargo/config.toml sets tokio_unstable");

/// What the trace may take on disk: dial9's own default where its variables do not say.
const BUDGET: u64 = 1024 << 20;

/// How many events dial9 has of a poll and its wake: its begin, its end, the wake.
const EVENTS_PER_POLL: f64 = 3.0;

struct Dial9;

impl Spawn for Dial9 {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        dial9::spawn(task)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [storm, mode, rounds] = &arguments[..] else {
        bail!("the arguments are a storm, plain or dial9, and how many rounds");
    };
    let rounds = rounds.parse()?;
    let sample = match &**mode {
        "plain" => plain(storm, rounds)?,
        "dial9" => recorded(storm, rounds)?,
        other => bail!("no such mode: {other}"),
    };
    println!("{sample}");
    Ok(())
}

fn plain(storm: &str, rounds: u64) -> Result<Sample> {
    let stopwatch = Stopwatch::start();
    let runtime = storms::runtime(storm).build()?;
    let wall = storms::run(storm, &runtime, &Plain, rounds)?;
    drop(runtime);
    Ok(Sample {
        wall: wall.as_nanos() as f64,
        cpu: stopwatch.process(),
        thread: stopwatch.thread(),
        events: 0.0,
        dropped: 0.0,
        bytes: 0.0,
    })
}

fn recorded(storm: &str, rounds: u64) -> Result<Sample> {
    let folder = tempfile::tempdir()?;
    let writer = DiskBuffer::builder()
        .base_path(folder.path())
        .max_total_size(BUDGET)
        .build()?;
    let recorder = dial9::recorder(writer).build();
    let stopwatch = Stopwatch::start();
    let options = TokioAttachOptions::builder()
        .task_tracking_enabled(true)
        .build();
    let runtime = recorder
        .handle()
        .attach_tokio_runtime(storms::runtime(storm), options)?;
    let wall = storms::run(storm, &runtime, &Dial9, rounds)?;
    let polls = polls(&runtime);
    drop(runtime);
    let thread = stopwatch.thread();
    // What is still to be written is part of the process's time, not of the wall time.
    recorder.graceful_shutdown(Duration::from_secs(60));
    let cpu = stopwatch.process();
    // Reading what was written is no part of what it costs.
    let found = if sample::is_counted() {
        Found::default()
    } else {
        Found::in_folder(folder.path())?
    };
    let lost = if found.events > 0.0 {
        (polls - found.polls).max(0.0)
    } else {
        0.0
    };
    Ok(Sample {
        wall: wall.as_nanos() as f64,
        cpu,
        thread,
        events: found.events,
        dropped: lost * EVENTS_PER_POLL,
        bytes: found.bytes,
    })
}

/// How many times the runtime has polled a task, as it counts by itself.
fn polls(runtime: &Runtime) -> f64 {
    let metrics = runtime.metrics();
    let of = |worker| metrics.worker_poll_count(worker) as f64;
    (0..metrics.num_workers()).map(of).sum()
}

/// What is in the files.
#[derive(Default)]
struct Found {
    events: f64,
    polls: f64,
    bytes: f64,
}

impl Found {
    fn in_folder(folder: &Path) -> Result<Self> {
        let mut found = Self::default();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                let inner = Self::in_folder(&path)?;
                found.events += inner.events;
                found.polls += inner.polls;
                found.bytes += inner.bytes;
                continue;
            }
            let bytes = fs::read(&path)?;
            found.bytes += bytes.len() as f64;
            let mut decoder = Decoder::new(&bytes)
                .with_context(|| format!("{} is not a trace", path.display()))?;
            decoder.for_each_event(|event| {
                found.events += 1.0;
                if event.name == "PollStartEvent" {
                    found.polls += 1.0;
                }
            })?;
        }
        Ok(found)
    }
}
