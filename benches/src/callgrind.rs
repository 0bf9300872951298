//! Instructions that a child process executes, counted by valgrind's callgrind, the recorder's threads apart from the program's.

use std::fs;
use std::ops::Sub;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use crate::sample::COUNTED_VARIABLE;

/// Instructions of one run, or of one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// On the threads of the program.
    pub program: f64,
    /// On those of the recorder.
    pub recorder: f64,
}

impl Counts {
    /// On all threads.
    #[must_use]
    pub fn total(self) -> f64 {
        self.program + self.recorder
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            program: self.program - other.program,
            recorder: self.recorder - other.recorder,
        }
    }
}

/// The instructions of a child, and what it said. A thread on which one of these functions has run is the recorder's.
///
/// # Errors
/// There is no valgrind, or the child fails.
pub fn run(child: &Command, recorder: &[&str]) -> Result<(Counts, Output)> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--separate-threads=yes",
            "--fair-sched=yes",
        ])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.path().join("counts").display()
        ))
        .arg(child.get_program())
        .args(child.get_args())
        .env(COUNTED_VARIABLE, "1")
        .output()
        .context("valgrind cannot be run")?;
    if !output.status.success() {
        bail!(
            "{child:?} under valgrind: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut counts = Counts::default();
    for thread in fs::read_dir(folder.path())? {
        let text = fs::read_to_string(thread?.path())?;
        let total = text
            .lines()
            .filter_map(|line| line.strip_prefix("totals: "))
            .find_map(|total| total.parse::<f64>().ok());
        // Threads have no name there, but the names of what ran on them.
        let of = if recorder.iter().any(|function| text.contains(function)) {
            &mut counts.recorder
        } else {
            &mut counts.program
        };
        *of += total.unwrap_or_default();
    }
    Ok((counts, output))
}

/// The instructions of one round: the difference between a run of `rounds[1]` and one of `rounds[0]`, which takes start and stop out.
///
/// # Errors
/// Those of `run`, which counts one run.
pub fn per_round(rounds: [u64; 2], run: impl Fn(u64) -> Result<Counts>) -> Result<Counts> {
    let difference = run(rounds[1])? - run(rounds[0])?;
    let rounds = (rounds[1] - rounds[0]) as f64;
    Ok(Counts {
        program: difference.program / rounds,
        recorder: difference.recorder / rounds,
    })
}
