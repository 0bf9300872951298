//! The cost of recording: a workload plain, with recorded types switched off, and recorded.
//!
//! Every measurement is a child process of its own (`--once WORKLOAD MODE COUNT MEMORY`), so that none finds caches, allocations or
//! threads of another, and the modes of a workload take turns, so that a slow minute of the machine meets all of them alike. The cost
//! of a mode is the median over the rounds of its difference to the plain child of the same round. Instructions are the difference of
//! two runs of different lengths, which takes start and stop out.

use std::env;
use std::process::Command;
use std::time::Duration;

use ais_recorder::{Recorder, Status, task};
use anyhow::{Context as _, Result, bail};
use tokio::task::JoinHandle;

use crate::callgrind::{self, Counts};
use crate::options::{Options, Workload};
use crate::sample::{Sample, Stopwatch};
use crate::storms::{self, Plain, Spawn};
use crate::{arguments, median, print_table};

/// Does so many rounds of the workload with this name, with recorded types or without any, and says how long that took.
pub type Run = fn(workload: &str, wrapped: bool, rounds: u64) -> Result<Duration>;

/// What a recorder may use by itself, and what holds everything that a run records.
pub const MEMORY: [u64; 2] = [64 << 20, 256 << 20];

/// How it is recorded: `plain` uses nothing of ours, `off` the recorded types with no recording under way.
const MODES: [&str; 3] = ["plain", "off", "on"];

/// A benchmark of these workloads: reads its arguments, measures, prints a table.
///
/// # Errors
/// An argument is wrong, or a child fails.
pub fn main(workloads: &[Workload], run: Run) -> Result<()> {
    let arguments = arguments();
    if let Some(("--once", once)) = arguments.split_first().map(|(a, rest)| (a.as_str(), rest)) {
        return run_once(once, run);
    }
    let options = Options::parse(arguments, workloads)?;
    if options.instructions {
        count_instructions(&options.workloads)
    } else {
        measure_times(&options.workloads, options.rounds)
    }
}

/// This very program as the child that [`run_once`] is in.
///
/// # Errors
/// Nobody knows where this program is.
pub fn child(workload: &str, mode: &str, count: u64, memory: u64) -> Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args([
        "--once",
        workload,
        mode,
        &count.to_string(),
        &memory.to_string(),
    ]);
    Ok(command)
}

/// What a run of this workload takes.
///
/// # Errors
/// The child fails.
pub fn sample(workload: Workload, mode: &str, memory: u64) -> Result<Sample> {
    let Workload { name, rounds, .. } = workload;
    let output = child(name, mode, rounds, memory)?.output()?;
    Sample::of(&output).with_context(|| format!("{name} {mode}"))
}

fn measure_times(workloads: &[Workload], rounds: usize) -> Result<()> {
    println!("{rounds} interleaved runs, medians; ns per round, added to plain\n");
    let heading = "workload|rounds|memory|plain wall|off: wall|cpu|on: wall|cpu|own thread|events|dropped|B/event";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for &workload in workloads {
        let count = workload.rounds as f64;
        // The last is recorded with memory enough for everything.
        let variants = [
            (MODES[0], MEMORY[0]),
            (MODES[1], MEMORY[0]),
            (MODES[2], MEMORY[0]),
            (MODES[2], MEMORY[1]),
        ];
        let mut samples: Vec<[Sample; 4]> = Vec::new();
        for _ in 0..rounds {
            let mut round = Vec::new();
            for (mode, memory) in variants {
                round.push(sample(workload, mode, memory)?);
            }
            samples.extend(<[Sample; 4]>::try_from(round).ok());
        }
        for (on, memory) in [(2, MEMORY[0]), (3, MEMORY[1])] {
            let added = |mode: usize, of: fn(&Sample) -> f64| {
                let difference = |s: &[Sample; 4]| (of(&s[mode]) - of(&s[0])) / count;
                format!("{:.1}", median(samples.iter().map(difference)))
            };
            let per_round =
                |of: fn(&Sample) -> f64| median(samples.iter().map(|s| of(&s[on]) / count));
            table.push(vec![
                workload.what.to_owned(),
                workload.rounds.to_string(),
                format!("{} MiB", memory >> 20),
                format!("{:.1}", median(samples.iter().map(|s| s[0].wall / count))),
                added(1, |s| s.wall),
                added(1, |s| s.cpu),
                added(on, |s| s.wall),
                added(on, |s| s.cpu),
                if workload.has_threads {
                    "–".to_owned()
                } else {
                    added(on, |s| s.thread)
                },
                format!("{:.2}", per_round(|s| s.events)),
                format!(
                    "{:.0} %",
                    100.0
                        * median(
                            samples
                                .iter()
                                .map(|s| s[on].dropped / (s[on].events + s[on].dropped))
                        )
                ),
                format!(
                    "{:.2}",
                    median(samples.iter().map(|s| s[on].bytes / s[on].events))
                ),
            ]);
        }
    }
    print_table(&table);
    Ok(())
}

/// Instructions of one round of a workload, with memory for all that is recorded.
///
/// # Errors
/// There is no valgrind, or the child fails.
pub fn instructions(workload: Workload, mode: &str) -> Result<Counts> {
    let name = workload.name;
    callgrind::per_round(workload.counted_rounds(), |count| {
        let child = child(name, mode, count, MEMORY[1])?;
        // The recorder's own thread is known by its code.
        let of_recorder = [
            "ais_recorder::writer::Writer>::run",
            "ais_recorder::writer::Writer::run",
        ];
        let (counts, output) = callgrind::run(&child, &of_recorder)?;
        let sample = Sample::of(&output)?;
        if sample.dropped > 0.0 {
            eprintln!("{name} {mode}: events were dropped ({sample})");
        }
        Ok(counts)
    })
}

fn count_instructions(workloads: &[Workload]) -> Result<()> {
    println!("instructions per round, the difference of two runs of different lengths\n");
    let heading = "workload|runs|plain|off: added|on: added, program|recorder's thread";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for &workload in workloads {
        let [plain, off, on] = MODES.map(|mode| instructions(workload, mode));
        let (plain, off, on) = (plain?, off?, on?);
        let [short, long] = workload.counted_rounds();
        table.push(vec![
            workload.what.to_owned(),
            format!("{short}, {long}"),
            format!("{:.0}", plain.program),
            format!("{:.0}", off.program - plain.program),
            format!("{:.0}", on.program - plain.program),
            format!("{:.0}", on.recorder),
        ]);
    }
    print_table(&table);
    Ok(())
}

/// The child: does the work once, and says what that took.
///
/// # Errors
/// An argument is wrong, or the recording fails.
pub fn run_once(arguments: &[String], run: Run) -> Result<()> {
    let [workload, mode, count, memory] = arguments else {
        bail!("--once needs a workload, a mode, a count and how much memory the recorder may use");
    };
    let count: u64 = count.parse()?;
    let folder = tempfile::tempdir()?;
    let recorder = if mode == "on" {
        let builder = Recorder::builder().path(folder.path().join("trace.ais"));
        Some(builder.memory_limit(memory.parse()?).start()?)
    } else {
        None
    };
    let stopwatch = Stopwatch::start();
    let wall = run(workload, mode != "plain", count)?;
    let thread = stopwatch.thread();
    // What the recorder still has to write is part of the process's time, not of the wall time.
    let status: Option<Status> = recorder.map(Recorder::stop).transpose()?;
    let cpu = stopwatch.process();
    let (events, dropped, bytes) = status.map_or((0, 0, 0), |s| (s.events, s.dropped, s.bytes));
    let sample = Sample {
        wall: wall.as_nanos() as f64,
        cpu,
        thread,
        events: events as f64,
        dropped: dropped as f64,
        bytes: bytes as f64,
    };
    println!("{sample}");
    Ok(())
}

/// As tokio does, with a recorded task.
struct Recorded;

impl Spawn for Recorded {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        tokio::spawn(task("storm", future))
    }
}

/// A [`Run`] of one of the [`STORMS`](crate::options::STORMS).
///
/// # Errors
/// There is no such storm, or no runtime.
pub fn run_storm(storm: &str, wrapped: bool, rounds: u64) -> Result<Duration> {
    let runtime = storms::runtime(storm).build()?;
    if wrapped {
        storms::run(storm, &runtime, &Recorded, rounds)
    } else {
        storms::run(storm, &runtime, &Plain, rounds)
    }
}
