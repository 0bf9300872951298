//! What recording costs the recorded program: time, instructions, bytes.
//!
//! ```text
//! cargo bench -p ais-benches --bench poll_cost                      time and bytes: 9 interleaved rounds, medians
//! cargo bench -p ais-benches --bench poll_cost -- --rounds 3 yield-ct
//! cargo bench -p ais-benches --bench poll_cost -- --instructions    instructions, counted by valgrind's callgrind
//! ```
//!
//! Every measurement is a child process of its own (`--once WORKLOAD MODE COUNT MEMORY`), so that none finds caches, allocations or
//! threads of another, and the modes of a workload take turns, so that a slow minute of the machine meets all of them alike. The cost
//! of a mode is the median over the rounds of its difference to the plain child of the same round. Instructions are the difference of
//! two runs of different lengths, which takes start and stop out.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use ais_benches::{arguments, median, print_table, process_time, thread_time};
use ais_recorder::{Recorder, Status, sync, task};
use anyhow::{Context as _, Result, bail};

/// How many tasks share the polls.
const TASKS: u64 = 64;
/// How many polls (or rounds of lock and unlock, send and receive) a timed run makes.
const COUNT: u64 = 2_000_000;
/// The lengths of the two runs whose instructions are subtracted.
const COUNTED: (u64, u64) = (200_000, 400_000);
/// What a recorder may use by itself, and what holds everything that a run records.
const MEMORY: [u64; 2] = [64 << 20, 256 << 20];

/// Tells a child that its instructions are counted, so that it leaves its time alone.
const COUNTED_VARIABLE: &str = "AIS_BENCH_COUNTED";

/// What the program does.
const WORKLOADS: [(&str, &str); 4] = [
    ("yield-ct", "64 tasks yield, one thread: poll + wake"),
    ("yield-mt2", "64 tasks yield, two workers: poll + wake"),
    ("lock", "one task, free mutex: lock + unlock"),
    ("channel", "one task, channel: send + receive"),
];

/// How it is recorded: `plain` uses nothing of ours, `off` the recorded types with no recording under way.
const MODES: [&str; 3] = ["plain", "off", "on"];

fn main() -> Result<()> {
    let mut arguments = arguments();
    if arguments.first().is_some_and(|a| a == "--once") {
        return run_once(&arguments[1..]);
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
    let wanted: Vec<_> = WORKLOADS
        .into_iter()
        .filter(|(name, _)| arguments.is_empty() || arguments.iter().any(|a| a == name))
        .collect();
    if wanted.is_empty() {
        bail!(
            "no such workload; there are: {}",
            WORKLOADS.map(|(name, _)| name).join(", ")
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

fn sample(workload: &str, mode: &str, memory: u64) -> Result<Sample> {
    let output = child(workload, mode, COUNT, memory)?.output()?;
    if !output.status.success() {
        bail!(
            "{workload} {mode}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<Vec<f64>, _>>()?;
    let [wall, cpu, thread, events, dropped, bytes] = numbers[..] else {
        bail!("{workload} {mode} said {text:?}");
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

fn measure_times(workloads: &[(&str, &str)], rounds: usize) -> Result<()> {
    println!(
        "{COUNT} rounds each, {rounds} interleaved runs, medians; ns per round, added to plain\n"
    );
    let heading =
        "workload|memory|plain wall|off: wall|cpu|on: wall|cpu|own thread|events|dropped|B/event";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for &(workload, what) in workloads {
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
                let difference = |s: &[Sample; 4]| (of(&s[mode]) - of(&s[0])) / COUNT as f64;
                format!("{:.1}", median(samples.iter().map(difference)))
            };
            let per_round =
                |of: fn(&Sample) -> f64| median(samples.iter().map(|s| of(&s[on]) / COUNT as f64));
            table.push(vec![
                what.to_owned(),
                format!("{} MiB", memory >> 20),
                format!(
                    "{:.1}",
                    median(samples.iter().map(|s| s[0].wall / COUNT as f64))
                ),
                added(1, |s| s.wall),
                added(1, |s| s.cpu),
                added(on, |s| s.wall),
                added(on, |s| s.cpu),
                if workload.ends_with("mt2") {
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

fn count_instructions(workloads: &[(&str, &str)]) -> Result<()> {
    println!(
        "instructions per round, from runs of {} and {} rounds\n",
        COUNTED.0, COUNTED.1
    );
    let heading = "workload|plain|off: added|on: added, program|recorder's thread";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    let folder = tempfile::tempdir()?;
    for &(workload, what) in workloads {
        let mut per_round = Vec::new();
        for mode in MODES {
            let short = instructions(workload, mode, COUNTED.0, folder.path())?;
            let long = instructions(workload, mode, COUNTED.1, folder.path())?;
            let rounds = (COUNTED.1 - COUNTED.0) as f64;
            per_round.push(((long.0 - short.0) / rounds, (long.1 - short.1) / rounds));
        }
        let plain = per_round[0].0;
        table.push(vec![
            what.to_owned(),
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
fn run_once(arguments: &[String]) -> Result<()> {
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

fn run(workload: &str, wrapped: bool, count: u64) -> Result<Duration> {
    let runtime = match workload {
        "yield-mt2" => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()?,
        _ => tokio::runtime::Builder::new_current_thread().build()?,
    };
    Ok(runtime.block_on(async {
        let start = Instant::now();
        match (workload, wrapped) {
            ("lock", false) => plain_lock(count).await,
            ("lock", true) => task("lock", recorded_lock(count)).await,
            ("channel", false) => plain_channel(count).await,
            ("channel", true) => task("channel", recorded_channel(count)).await,
            _ => yield_in_tasks(wrapped, count / TASKS).await,
        }
        start.elapsed()
    }))
}

async fn yield_in_tasks(wrapped: bool, times: u64) {
    let yields = || async move {
        for _ in 0..times {
            tokio::task::yield_now().await;
        }
    };
    let handles: Vec<_> = (0..TASKS)
        .map(|_| {
            if wrapped {
                tokio::spawn(task("yields", yields()))
            } else {
                tokio::spawn(yields())
            }
        })
        .collect();
    for handle in handles {
        handle.await.expect("the task does not panic");
    }
}

async fn plain_lock(times: u64) {
    let mutex = Arc::new(async_lock::Mutex::new(0u64));
    for _ in 0..times {
        *mutex.lock().await += 1;
    }
    assert_eq!(*mutex.lock().await, times);
}

async fn recorded_lock(times: u64) {
    let mutex = Arc::new(sync::Mutex::new(0u64));
    for _ in 0..times {
        *mutex.lock().await += 1;
    }
    assert_eq!(*mutex.lock().await, times);
}

async fn plain_channel(times: u64) {
    let (sender, receiver) = async_channel::bounded(16);
    for number in 0..times {
        sender.send(number).await.expect("there is a receiver");
        assert_eq!(receiver.recv().await, Ok(number));
    }
}

async fn recorded_channel(times: u64) {
    let (sender, receiver) = sync::channel(16);
    for number in 0..times {
        sender.send(number).await.expect("there is a receiver");
        assert_eq!(receiver.recv().await, Ok(number));
    }
}
