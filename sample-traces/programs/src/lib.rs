//! What the sample programs share: how a program is run under the recorder, and the bank of the deadlock sample.
//!
//! Each program in `bin/` is a small service that a reader understands in one sitting, and whose trace shows one thing. They use
//! the recorder as any program would: the locks and channels of `async_inspect::sync`, `async_inspect::spawn` around
//! `tokio::spawn`, and `#[async_inspect::trace]` on their functions.

#![forbid(unsafe_code)]

pub mod bank;

use std::future::Future;

use anyhow::{Context, Result, ensure};
use async_inspect::Recorder;
use tokio::runtime;

/// Runs `program` as the recorded task `main` and writes its trace to the file that `AIS_TRACE` names.
///
/// Tasks that are still alive when `program` returns stay so to the end of the trace: the recording is stopped first, the runtime
/// after it.
///
/// # Errors
/// `AIS_TRACE` is not set, the trace cannot be written, an event was lost, or `program` failed.
pub fn record(program: impl Future<Output = Result<()>>) -> Result<()> {
    let recorder = Recorder::from_env()?.context(
        "AIS_TRACE is not set: it names the trace to write, as in `AIS_TRACE=trace.ais`",
    )?;
    // Two workers on every machine, so that traces look alike wherever they are made.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(async_inspect::task("main", program));
    let path = recorder.path().display().to_string();
    let status = recorder.stop()?;
    runtime.shutdown_background();
    result?;
    ensure!(
        status.dropped == 0,
        "{path} lacks {} events that came faster than they could be written",
        status.dropped
    );
    println!("{path}: {} events, {} bytes", status.events, status.bytes);
    Ok(())
}
