//! The workload of the analyzer's benchmark, recorded by dial9 and read with what dial9 has to read.
//!
//! ```text
//! peer-stress record FOLDER EVENTS
//! peer-stress read trace-reader|typed|raw FOLDER
//! ```
//!
//! `cargo bench -p ais-benches --bench analyze` builds and runs this. The workload is the very source file of the program `stress`, taken
//! by its path, with tokio's own locks and channels: dial9 records polls, wakes and workers, not them. Reading counts the events:
//! `trace-reader` as `TraceReader` gives them, all in memory with what it looks up; `typed` one after the other, each made into dial9's
//! own type; `raw` as the decoder visits them, field by field but without such a type. Both print how many events and bytes there are.
#![forbid(unsafe_code)]

#[path = "../../../src/bin/stress/workload.rs"]
mod workload;

use std::fs;
use std::future::poll_fn;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::tokio::{self, task::JoinHandle};
use anyhow::{Context as _, Result, bail, ensure};
use dial9::analysis::TraceReader;
use dial9::analysis::analysis_events::Dial9Event;
use dial9::format::Decoder;
use dial9::{Dial9HandleTokioExt as _, DiskBuffer, TokioAttachOptions};

#[cfg(not(tokio_unstable))]
compile_error!("build this in its own folder, where .cargo/config.toml sets tokio_unstable");

/// What the trace may take on disk: dial9's own default where its variables do not say.
const BUDGET: u64 = 1024 << 20;

/// As many as `stress` has by itself.
const TASKS: usize = 10_000;

/// How many events dial9 has of a poll and its wake: its begin, its end, the wake.
const EVENTS_PER_POLL: u64 = 3;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let found = match arguments[..] {
        ["record", folder, events] => record(Path::new(folder), events.parse()?)?,
        ["read", how, folder] => read(How::of(how)?, Path::new(folder))?,
        _ => bail!("peer-stress record FOLDER EVENTS | read trace-reader|typed|raw FOLDER"),
    };
    println!("{} events, {} bytes", found.events, found.bytes);
    Ok(())
}

/// So many times was a task of the workload polled. Tokio's own count leaves out a task that runs right after the one that woke it.
static POLLS: AtomicU64 = AtomicU64::new(0);

/// Starts a task of the workload, recorded and counted.
#[track_caller]
fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut task = Box::pin(task);
    dial9::spawn(poll_fn(move |context| {
        POLLS.fetch_add(1, Ordering::Relaxed);
        task.as_mut().poll(context)
    }))
}

/// Records until there are about so many events.
fn record(folder: &Path, events: u64) -> Result<Found> {
    fs::create_dir_all(folder)?;
    let writer = DiskBuffer::builder()
        .base_path(folder)
        .max_total_size(BUDGET)
        .build()?;
    let recorder = dial9::recorder(writer).build();
    let options = TokioAttachOptions::builder()
        .task_tracking_enabled(true)
        .build();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    let runtime = recorder.handle().attach_tokio_runtime(builder, options)?;
    let is_enough = || POLLS.load(Ordering::Relaxed) * EVENTS_PER_POLL >= events;
    runtime.block_on(workload::stress(is_enough, TASKS))?;
    drop(runtime);
    let polls = POLLS.load(Ordering::Relaxed);
    recorder.graceful_shutdown(Duration::from_secs(60));
    let found = read(How::Raw, folder)?;
    if found.polls < polls {
        eprintln!("dial9 has {} of {polls} polls", found.polls);
    }
    Ok(found)
}

/// With what a trace is read.
#[derive(Clone, Copy)]
enum How {
    TraceReader,
    Typed,
    Raw,
}

impl How {
    fn of(name: &str) -> Result<Self> {
        Ok(match name {
            "trace-reader" => Self::TraceReader,
            "typed" => Self::Typed,
            "raw" => Self::Raw,
            _ => bail!("no such way to read: {name}"),
        })
    }
}

/// What is in the files.
#[derive(Default)]
struct Found {
    events: u64,
    /// Counted by [`How::Raw`].
    polls: u64,
    bytes: u64,
}

fn read(how: How, folder: &Path) -> Result<Found> {
    let mut found = Found::default();
    let mut files = Vec::new();
    find_files(folder, &mut files)?;
    ensure!(!files.is_empty(), "{} has no files", folder.display());
    for path in files {
        found.bytes += fs::metadata(&path)?.len();
        found
            .read(how, &path)
            .with_context(|| format!("{}", path.display()))?;
    }
    Ok(found)
}

/// All files in a folder and the folders in it.
fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_files(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

impl Found {
    fn read(&mut self, how: How, path: &Path) -> Result<()> {
        if let How::TraceReader = how {
            let name = path.to_str().context("not a name in UTF-8")?;
            self.events += black_box(TraceReader::new(name)?).all_events.len() as u64;
            return Ok(());
        }
        let bytes = fs::read(path)?;
        let mut decoder = Decoder::new(&bytes).context("this is no trace")?;
        if let How::Typed = how {
            decoder.for_each_event(|event| {
                // What it has no type for is an event all the same.
                let _ = black_box(event.deserialize::<Dial9Event>());
                self.events += 1;
            })?;
        } else {
            decoder.for_each_event(|event| {
                self.events += 1;
                if event.name == "PollStartEvent" {
                    self.polls += 1;
                }
                black_box(event);
            })?;
        }
        Ok(())
    }
}
