//! The cost of recording: a workload plain, with recorded types switched off, and recorded.
//!
//! Every measurement is a child process of its own (`--once WORKLOAD MODE COUNT MEMORY`), so that none finds caches, allocations or
//! threads of another, and the modes of a workload take turns, so that a slow minute of the machine meets all of them alike. The cost
//! of a mode is the median over the rounds of its difference to the plain child of the same round. Instructions are the difference of
//! two runs of different lengths, which takes start and stop out.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use ais_recorder::{Recorder, Status};
use anyhow::{Context as _, Result, bail};

use crate::{arguments, median, print_table, process_time, thread_time};

/// Something that a program does many times.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What one round of it is.
    pub what: &'static str,
    /// How many rounds a timed run makes. Those whose instructions are counted make a tenth and a fifth.
    pub rounds: u64,
    /// Several threads do it, so that none can be called its own.
    pub has_threads: bool,
}

/// Does so many rounds of the workload with this name, with recorded types or without any, and says how long that took.
pub type Run = fn(workload: &str, wrapped: bool, rounds: u64) -> Result<Duration>;

/// What a recorder may use by itself, and what holds everything that a run records.
const MEMORY: [u64; 2] = [64 << 20, 256 << 20];

/// Tells a child that its instructions are counted, so that it leaves its time alone.
const COUNTED_VARIABLE: &str = "AIS_BENCH_COUNTED";

/// How it is recorded: `plain` uses nothing of ours, `off` the recorded types with no recording under way.
const MODES: [&str; 3] = ["plain", "off", "on"];

/// A benchmark of these workloads: reads its arguments, measures, prints a table.
///
/// # Errors
/// An argument is wrong, or a child fails.
pub fn main(workloads: &[Workload], run: Run) -> Result<()> {
    let mut arguments = arguments();
    if arguments.first().is_some_and(|a| a == "--once") {
        return run_once(&arguments[1..], run);
    }
    let instructions = arguments.first().is_some_and(|a| a == "--instructions");
    if instructions {
        arguments.remove(0);
    }
    let mut rounds = 9;
    if arguments.first().is_some_and(|a| a == "--rounds") {
        rounds = arguments
            .get(1)
            .context("--rounds needs a number")?
            .parse()?;
        arguments.drain(..2);
    }
    let wanted: Vec<Workload> = workloads
        .iter()
        .filter(|workload| arguments.is_empty() || arguments.iter().any(|a| a == workload.name))
        .copied()
        .collect();
    if wanted.is_empty() {
        bail!(
            "no such workload; there are: {}",
            workloads
                .iter()
                .map(|workload| workload.name)
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    if instructions {
        count_instructions(&wanted)
    } else {
        measure_times(&wanted, rounds)
    }
}

/// What a child measured.
#[derive(Clone, Copy)]
struct Sample {
    wall: f64,
    /// Processor time of all threads, the recorder's included.
    cpu: f64,
    /// Processor time of the thread that does the work; without meaning where there are several.
    thread: f64,
    events: f64,
    dropped: f64,
    bytes: f64,
}

fn child(workload: &str, mode: &str, count: u64, memory: u64) -> Result<Command> {
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

fn sample(workload: Workload, mode: &str, memory: u64) -> Result<Sample> {
    let Workload { name, rounds, .. } = workload;
    let output = child(name, mode, rounds, memory)?.output()?;
    if !output.status.success() {
        bail!("{name} {mode}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<Vec<f64>, _>>()?;
    let [wall, cpu, thread, events, dropped, bytes] = numbers[..] else {
        bail!("{name} {mode} said {text:?}");
    };
    Ok(Sample {
        wall,
        cpu,
        thread,
        events,
        dropped,
        bytes,
    })
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

/// Instructions of a child: on the program's threads, and on the recorder's.
fn instructions(workload: &str, mode: &str, count: u64, folder: &Path) -> Result<(f64, f64)> {
    let out = folder.join("counts");
    let child = child(workload, mode, count, MEMORY[1])?;
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--separate-threads=yes",
            "--fair-sched=yes",
        ])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(child.get_program())
        .args(child.get_args())
        .env(COUNTED_VARIABLE, "1")
        .output()
        .context("valgrind cannot be run")?;
    if !output.status.success() {
        bail!(
            "{workload} {mode} under valgrind: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let said = String::from_utf8(output.stdout)?;
    if said.split_whitespace().nth(4) != Some("0") {
        eprintln!("{workload} {mode}: events were dropped ({})", said.trim());
    }
    let (mut program, mut recorder) = (0.0, 0.0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let text = fs::read_to_string(&path)?;
        fs::remove_file(&path)?;
        let total = text
            .lines()
            .filter_map(|line| line.strip_prefix("totals: "))
            .find_map(|total| total.parse::<f64>().ok());
        // The recorder's own thread is known by its code.
        let of = if text.contains("ais_recorder::writer::Writer>::run")
            || text.contains("ais_recorder::writer::Writer::run")
        {
            &mut recorder
        } else {
            &mut program
        };
        *of += total.unwrap_or_default();
    }
    Ok((program, recorder))
}

fn count_instructions(workloads: &[Workload]) -> Result<()> {
    println!("instructions per round, the difference of two runs of different lengths\n");
    let heading = "workload|runs|plain|off: added|on: added, program|recorder's thread";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    let folder = tempfile::tempdir()?;
    for &Workload {
        name, what, rounds, ..
    } in workloads
    {
        let mut per_round = Vec::new();
        let counted = (rounds / 10, rounds / 5);
        for mode in MODES {
            let short = instructions(name, mode, counted.0, folder.path())?;
            let long = instructions(name, mode, counted.1, folder.path())?;
            let rounds = (counted.1 - counted.0) as f64;
            per_round.push(((long.0 - short.0) / rounds, (long.1 - short.1) / rounds));
        }
        let plain = per_round[0].0;
        table.push(vec![
            what.to_owned(),
            format!("{}, {}", counted.0, counted.1),
            format!("{plain:.0}"),
            format!("{:.0}", per_round[1].0 - plain),
            format!("{:.0}", per_round[2].0 - plain),
            format!("{:.0}", per_round[2].1),
        ]);
    }
    print_table(&table);
    Ok(())
}

/// The child: does the work once and prints wall, process and thread time in nanoseconds, events, drops and bytes.
fn run_once(arguments: &[String], run: Run) -> Result<()> {
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
    // The clocks' crate looks for the kernel's page of clock functions, which valgrind hides, and crashes.
    let is_counted = env::var_os(COUNTED_VARIABLE).is_some();
    let clocks = || {
        if is_counted {
            None
        } else {
            process_time().zip(thread_time())
        }
    };
    let before = clocks();
    let wall = run(workload, mode != "plain", count)?;
    let thread = clocks().zip(before).map_or(0, |(after, before)| {
        after.1.saturating_sub(before.1).as_nanos()
    });
    // What the recorder still has to write is part of the process's time, not of the wall time.
    let status: Option<Status> = recorder.map(Recorder::stop).transpose()?;
    let cpu = clocks().zip(before).map_or(0, |(after, before)| {
        after.0.saturating_sub(before.0).as_nanos()
    });
    let (events, dropped, bytes) = status.map_or((0, 0, 0), |s| (s.events, s.dropped, s.bytes));
    println!(
        "{} {cpu} {thread} {events} {dropped} {bytes}",
        wall.as_nanos()
    );
    Ok(())
}
