//! What a program takes: wall time, processor time, the most memory that it had.
//!
//! The system tells a process what all children together took that it has waited for. So each program that is measured is started by a
//! child of the benchmark that does nothing else: the benchmark itself, with [`MEASURE`] and the program as its arguments, which ends by
//! printing one line of numbers. What the program prints goes nowhere.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail, ensure};

use crate::median;

/// The argument that makes a benchmark the child that starts a program, as [`measure`] does.
pub const MEASURE: &str = "--measure";

/// What a program took.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Nanoseconds from its start to its end.
    pub wall: f64,
    /// Nanoseconds of processor time that all its threads spent in its own code.
    pub user: f64,
    /// Nanoseconds that they spent in the system.
    pub system: f64,
    /// The most bytes that it had in memory at once, with those of mapped files that it has looked at. A program of less than a few
    /// megabytes is told as the benchmark's own size, since it begins as a copy of that.
    pub peak: f64,
}

impl Usage {
    /// What a program takes; `command` is its path and its arguments.
    ///
    /// # Errors
    /// It cannot be started, or ends with a status above `highest_status`.
    pub fn of(command: &[OsString], highest_status: i32) -> Result<Self> {
        let output = Command::new(env::current_exe()?)
            .arg(MEASURE)
            .args(command)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<&str> = said.split_whitespace().collect();
        let failed = || {
            let complaint = String::from_utf8_lossy(&output.stderr);
            format!("{command:?} failed: {}", complaint.trim())
        };
        let [status, wall, user, system, peak] = numbers[..] else {
            bail!(failed());
        };
        ensure!(i32::from_str(status)? <= highest_status, failed());
        Ok(Self {
            wall: wall.parse()?,
            user: user.parse()?,
            system: system.parse()?,
            peak: peak.parse()?,
        })
    }

    /// Nanoseconds of processor time.
    #[must_use]
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// A program that is measured, and what it took in each round.
#[derive(Clone, Debug)]
pub struct Job {
    /// What it is, for a table.
    pub what: &'static str,
    /// How many events it reads.
    pub events: u64,
    /// The size of the file that it reads.
    pub bytes: u64,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The highest status that is no failure.
    pub highest_status: i32,
    /// What it took, round by round.
    pub took: Vec<Usage>,
}

impl Job {
    /// Runs it once more.
    ///
    /// # Errors
    /// As [`Usage::of`].
    pub fn measure(&mut self) -> Result<()> {
        self.took
            .push(Usage::of(&self.command, self.highest_status)?);
        Ok(())
    }

    /// The median over the rounds.
    #[must_use]
    pub fn middle(&self, of: fn(&Usage) -> f64) -> f64 {
        median(self.took.iter().map(of))
    }

    /// The median over the rounds of how many times as long as another it took.
    #[must_use]
    pub fn ratio_to(&self, other: &Job) -> f64 {
        let both = self.took.iter().zip(&other.took);
        median(both.map(|(took, other)| took.wall / other.wall))
    }

    /// How many events it reads in a second.
    #[must_use]
    pub fn events_per_second(&self) -> f64 {
        self.events as f64 / self.middle(|usage| usage.wall) * 1e9
    }
}

/// The child: runs a program and says what it took.
///
/// # Errors
/// The program cannot be started, or is killed.
pub fn measure(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("a program is missing")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null());
    let (wall, status) = crate::time(|| command.status());
    let status = status.with_context(|| format!("{program} cannot be run"))?;
    let status = status
        .code()
        .with_context(|| format!("{program} was killed"))?;
    let [user, system, peak] = of_children()?;
    println!("{status} {wall} {user} {system} {peak}");
    Ok(())
}

/// Nanoseconds in code, nanoseconds in the system, most bytes, of all children that have ended.
#[cfg(unix)]
fn of_children() -> Result<[f64; 3]> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;

    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let unit = if cfg!(target_vendor = "apple") {
        1
    } else {
        1024
    };
    Ok([
        usage.user_time().num_microseconds() as f64 * 1e3,
        usage.system_time().num_microseconds() as f64 * 1e3,
        usage.max_rss() as f64 * f64::from(unit),
    ])
}

#[cfg(not(unix))]
fn of_children() -> Result<[f64; 3]> {
    bail!("what a child took is known on Unix only")
}
