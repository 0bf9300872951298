//! Records the sample traces anew: runs each sample program and checks what it wrote.
//!
//! Run it with `cargo run --release -p ais-samples --bin record-samples`. The programs are built and run through cargo, always
//! optimised, so that the one command is enough on any platform.

#![forbid(unsafe_code)]

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

const PROGRAMS: [&str; 3] = ["abba", "http", "pipeline"];

/// The samples lie in the repository: each must stay below this many bytes.
const MAX_BYTES: u64 = 300_000;

fn main() -> Result<()> {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR"));
    let traces = programs.parent().context("the programs lie in no folder")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    for program in PROGRAMS {
        let trace = traces.join(program).with_extension("ais");
        println!("== {program}");
        let status = Command::new(&cargo)
            .args(["run", "--quiet", "--release", "--bin", program])
            .current_dir(programs)
            .env("AIS_TRACE", &trace)
            .status()
            .context("cannot run cargo")?;
        ensure!(status.success(), "{program} failed: {status}");
        let bytes = trace
            .metadata()
            .with_context(|| format!("{program} wrote no {}", trace.display()))?
            .len();
        ensure!(
            bytes < MAX_BYTES,
            "{program}.ais has {bytes} bytes; a sample must have less than {MAX_BYTES}"
        );
    }
    Ok(())
}
