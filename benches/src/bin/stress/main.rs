//! A program that has as much to record as anybody wishes: what the analyzer is measured with.
//!
//! What it does is in [`workload`], which `benches/peers` takes by its path to have it recorded by another recorder.
//!
//!     stress OUT.ais EVENTS [TASKS]
#![forbid(unsafe_code)]

mod workload;

use std::path::PathBuf;

use ais_recorder::Recorder;
use anyhow::{Context as _, Result};
use recorded_tokio as tokio;
use tokio::spawn;

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
    let is_enough = || recorder.status().events >= events;
    runtime.block_on(workload::stress(is_enough, tasks))?;
    let status = recorder.stop()?;
    println!(
        "{} events, {} bytes, {} dropped",
        status.events, status.bytes, status.dropped
    );
    Ok(())
}
