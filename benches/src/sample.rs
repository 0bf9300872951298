//! What a measured child process says: time, events, bytes.
//!
//! One line of numbers on its output, written and read here, so that a child which was built elsewhere (`benches/peers`, which takes this
//! file by its path) measures and says the same things in the same way. A stopwatch holds the clocks that a child reads for it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Tells a child that its instructions are counted, so that it leaves its time alone.
pub const COUNTED_VARIABLE: &str = "AIS_BENCH_COUNTED";

/// What a child measured: nanoseconds, events, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// How long the work took.
    pub wall: f64,
    /// Processor time of all threads, those of a recorder included, with what it writes after the work.
    pub cpu: f64,
    /// Processor time of the thread that does the work; without meaning where there are several.
    pub thread: f64,
    /// How many events are in the file.
    pub events: f64,
    /// How many found no room.
    pub dropped: f64,
    /// The size of the file, or of all files.
    pub bytes: f64,
}

impl Sample {
    /// Reads what a child has said.
    ///
    /// # Errors
    /// It has failed, or has said something else.
    pub fn of(child: &std::process::Output) -> Result<Self> {
        if !child.status.success() {
            bail!(
                "the child failed: {}",
                String::from_utf8_lossy(&child.stderr)
            );
        }
        let text = String::from_utf8_lossy(&child.stdout);
        let numbers = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<Vec<f64>, _>>();
        let numbers = numbers.with_context(|| format!("the child said {text:?}"))?;
        let [wall, cpu, thread, events, dropped, bytes] = numbers[..] else {
            bail!("the child said {text:?}");
        };
        Ok(Self {
            wall,
            cpu,
            thread,
            events,
            dropped,
            bytes,
        })
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            wall,
            cpu,
            thread,
            events,
            dropped,
            bytes,
        } = self;
        write!(f, "{wall} {cpu} {thread} {events} {dropped} {bytes}")
    }
}

/// The clocks of processor time, from when it was started.
#[derive(Debug)]
pub struct Stopwatch {
    process: Option<Duration>,
    thread: Option<Duration>,
}

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            process: Clock::Process.now(),
            thread: Clock::Thread.now(),
        }
    }

    /// Nanoseconds that all threads of this process have used since, those that ended included; zero where nobody knows.
    #[must_use]
    pub fn process(&self) -> f64 {
        since(self.process, Clock::Process)
    }

    /// Nanoseconds that this thread has used since; zero where nobody knows.
    #[must_use]
    pub fn thread(&self) -> f64 {
        since(self.thread, Clock::Thread)
    }
}

/// Whether this process has been told that its instructions are counted.
#[must_use]
pub fn is_counted() -> bool {
    std::env::var_os(COUNTED_VARIABLE).is_some()
}

fn since(start: Option<Duration>, clock: Clock) -> f64 {
    let elapsed = clock.now().zip(start);
    elapsed.map_or(0.0, |(now, start)| {
        now.saturating_sub(start).as_nanos() as f64
    })
}

#[derive(Clone, Copy)]
enum Clock {
    Process,
    Thread,
}

impl Clock {
    /// None where the platform does not tell, or must not be asked: the clocks' crate looks for the kernel's page of clock functions,
    /// which valgrind hides, and crashes.
    fn now(self) -> Option<Duration> {
        if is_counted() {
            return None;
        }
        #[cfg(unix)]
        {
            use rustix::time::{ClockId, clock_gettime};
            Duration::try_from(clock_gettime(match self {
                Self::Process => ClockId::ProcessCPUTime,
                Self::Thread => ClockId::ThreadCPUTime,
            }))
            .ok()
        }
        #[cfg(not(unix))]
        None
    }
}
