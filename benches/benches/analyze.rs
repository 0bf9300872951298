//! How fast the analyzer is, and how much memory it takes: whole runs of `inspect-analyze` on traces of a million events and more.
//!
//! ```text
//! cargo bench -p ais-benches --bench analyze                                 1M and 10M: 5 interleaved rounds, medians
//! cargo bench -p ais-benches --bench analyze -- --rounds 3 --traces DIR 1M   only this size; traces are kept in DIR and used again
//! cargo bench -p ais-benches --bench analyze -- --huge                       1M, 10M and 100M
//! cargo bench -p ais-benches --bench analyze -- --no-peers                   without dial9
//! ```
//!
//! What takes turns in each round: `inspect-analyze` with several questions; this program as a child that only decodes, on one core and
//! on all, each chunk as a whole; the program `zstd`, where there is one, since a trace is a file of zstd frames, which says how fast the
//! machine is; and the readers of dial9 on what dial9 recorded of the same workload, up to 10M. Before that all files have been read
//! once. Each is a process of its own, measured from its start to its end (see [`ais_benches::usage`]). Processor time is exact, but which
//! part of it is the system's is a guess of the system's, made some hundred times a second. Memory is given with the file, which may be
//! mapped or read as a whole, and without: less than nothing where the program never had all of it.
#![forbid(unsafe_code)]

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ais_analyzer::Source;
use ais_analyzer::source::ChunkRef;
use ais_benches::traces::{DialTrace, SIZES, Size, Trace};
use ais_benches::usage::{self, Job, Usage};
use ais_benches::{arguments, peers, print_table};
use ais_format::chunk::{Chunk, EventBatch};
use anyhow::{Context as _, Result, bail, ensure};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

/// The argument that makes this program a child that decodes.
const DECODE: &str = "--decode";

/// What our side of the comparison with dial9 is.
const DEADLOCKS: &str = "inspect-analyze --deadlocks";

/// The largest trace of which all histories are kept at once: that takes some hundred bytes of memory for each event.
const MOST_EVENTS_AS_A_WHOLE: u64 = 10_000_000;

/// The largest trace that dial9 is asked to record.
const MOST_EVENTS_OF_PEER: u64 = 10_000_000;

fn main() -> Result<()> {
    let arguments = arguments();
    match arguments.split_first() {
        Some((first, program)) if first == usage::MEASURE => return usage::measure(program),
        Some((first, rest)) if first == DECODE => return decode(rest),
        _ => {}
    }
    let options = Options::parse(arguments)?;
    let temporary = tempfile::tempdir()?;
    let folder = options.traces.as_deref().unwrap_or(temporary.path());
    let analyzer = analyzer()?;
    let peer = options
        .peers
        .then(|| peers::program("peer-stress"))
        .transpose()?;
    let mut runs = Vec::new();
    for &size in &options.sizes {
        runs.push(Run::prepare(size, folder, &analyzer, peer.as_deref())?);
    }
    for round in 1..=options.rounds {
        for run in &mut runs {
            eprintln!("round {round} of {}, {}", options.rounds, run.size.name);
            run.measure()?;
        }
    }
    println!("\n{} interleaved rounds, medians\n", options.rounds);
    print_table(&table(&runs));
    if peer.is_some() {
        println!("\nBeside dial9: M events/s, each on its own trace of the same workload\n");
        print_table(&comparison(&runs));
    }
    Ok(())
}

/// What is wanted.
struct Options {
    traces: Option<PathBuf>,
    rounds: usize,
    peers: bool,
    sizes: Vec<Size>,
}

impl Options {
    fn parse(arguments: Vec<String>) -> Result<Self> {
        let mut options = Self {
            traces: None,
            rounds: 5,
            peers: true,
            sizes: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        let mut huge = false;
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--traces" => {
                    let folder = arguments.next().context("--traces needs a folder")?;
                    options.traces = Some(folder.into());
                }
                "--rounds" => {
                    let number = arguments.next().context("--rounds needs a number")?;
                    options.rounds = number.parse()?;
                }
                "--huge" => huge = true,
                "--no-peers" => options.peers = false,
                name => match SIZES.iter().find(|size| size.name == name) {
                    Some(&size) => options.sizes.push(size),
                    None => bail!("neither an option nor a size (1M, 10M, 100M): {name}"),
                },
            }
        }
        if options.sizes.is_empty() {
            let wanted = if huge { SIZES.len() } else { SIZES.len() - 1 };
            options.sizes.extend(&SIZES[..wanted]);
        }
        Ok(options)
    }
}

/// Where `inspect-analyze` is, beside the other programs of this build; built where it is not of this source.
fn analyzer() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_stress"))
        .parent()
        .context("no folder")?;
    let target = folder.parent().context("no folder")?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--quiet", "-p", "ais-cli"])
        .args(["--bin", "inspect-analyze", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cargo cannot be run")?;
    ensure!(status.success(), "inspect-analyze cannot be built");
    let name = format!("inspect-analyze{}", env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}

/// All that is measured of one size.
struct Run {
    size: Size,
    jobs: Vec<Job>,
}

impl Run {
    /// Records what is not there, says what there is, and reads it once.
    fn prepare(size: Size, folder: &Path, analyzer: &Path, peer: Option<&Path>) -> Result<Self> {
        let trace = Trace::in_folder(folder, size, Path::new(env!("CARGO_BIN_EXE_stress")))?;
        println!("{trace}");
        drop(fs::read(&trace.path)?);
        let this = env::current_exe()?;
        let job = |what, program: &Path, arguments: &[&str], highest_status| {
            let mut command = vec![program.into()];
            command.extend(arguments.iter().map(OsString::from));
            command.push(trace.path.clone().into());
            Job {
                what,
                events: trace.events,
                bytes: trace.bytes,
                command,
                highest_status,
                took: Vec::new(),
            }
        };
        let at_end = "inspect-analyze --deadlocks --at end";
        let mut jobs = vec![
            job(DEADLOCKS, analyzer, &["--deadlocks"], 1),
            job("inspect-analyze", analyzer, &[], 1),
            job(at_end, analyzer, &["--deadlocks", "--at", "end"], 1),
            job("inspect-analyze --perf", analyzer, &["--perf"], 0),
        ];
        if size.events <= MOST_EVENTS_AS_A_WHOLE {
            // What a panel tells of one task rests on the histories of all.
            jobs.push(job(WHOLE, analyzer, &["--task", "1"], 1));
        }
        jobs.extend([
            job("decode, one core", &this, &[DECODE, "one"], 0),
            job("decode, all cores", &this, &[DECODE, "all"], 0),
        ]);
        if Command::new("zstd").arg("--version").output().is_ok() {
            jobs.push(job(ZSTD, Path::new("zstd"), &["-dc"], 0));
        } else {
            println!("there is no program zstd to compare with");
        }
        if let Some(peer) = peer.filter(|_| size.events <= MOST_EVENTS_OF_PEER) {
            let trace = DialTrace::in_folder(folder, size, peer)?;
            println!("{trace}");
            jobs.extend(PEER_READERS.map(|(what, how)| Job {
                what,
                events: trace.events,
                bytes: trace.bytes,
                command: trace.read_command(peer, how),
                highest_status: 0,
                took: Vec::new(),
            }));
        }
        Ok(Self { size, jobs })
    }

    fn measure(&mut self) -> Result<()> {
        for job in &mut self.jobs {
            job.measure()?;
        }
        Ok(())
    }

    fn job(&self, what: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.what == what)
    }
}

/// What needs all histories at once.
const WHOLE: &str = "inspect-analyze --task 1";

/// What is the measure of all.
const ZSTD: &str = "zstd -dc";

/// What dial9's readers are called here and there.
const PEER_READERS: [(&str, &str); 3] = [
    ("dial9: TraceReader", "trace-reader"),
    ("dial9: decoder, typed", "typed"),
    ("dial9: decoder, raw", "raw"),
];

fn table(runs: &[Run]) -> Vec<Vec<String>> {
    const MIB: f64 = 1024.0 * 1024.0;
    let heading = "trace|what|events|wall s|M events/s|core-ns/event|user-ns/event|peak MiB|without file|wall/zstd";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for run in runs {
        let zstd = run.job(ZSTD);
        for job in &run.jobs {
            let events = job.events as f64;
            let peak = job.middle(|usage| usage.peak);
            let zstd = zstd.filter(|zstd| zstd.bytes == job.bytes);
            let ratio = zstd.map(|zstd| format!("{:.2}", job.ratio_to(zstd)));
            table.push(vec![
                run.size.name.to_owned(),
                job.what.to_owned(),
                job.events.to_string(),
                format!("{:.3}", job.middle(|usage| usage.wall) / 1e9),
                format!("{:.2}", job.events_per_second() / 1e6),
                format!("{:.1}", job.middle(Usage::cpu) / events),
                format!("{:.1}", job.middle(|usage| usage.user) / events),
                format!("{:.1}", peak / MIB),
                format!("{:.1}", (peak - job.bytes as f64) / MIB),
                ratio.unwrap_or_else(|| "–".to_owned()),
            ]);
        }
    }
    table
}

/// This analyzer and dial9's readers.
fn comparison(runs: &[Run]) -> Vec<Vec<String>> {
    let mut heading = vec!["trace".to_owned(), DEADLOCKS.to_owned()];
    heading.extend(PEER_READERS.map(|(what, _)| what.to_owned()));
    heading.extend(["ais/TraceReader", "ais/typed", "ais/raw"].map(str::to_owned));
    let mut table = vec![heading];
    for run in runs {
        let Some(ours) = run.job(DEADLOCKS) else {
            continue;
        };
        let theirs = PEER_READERS.map(|(what, _)| run.job(what));
        let theirs: Vec<&Job> = theirs.into_iter().flatten().collect();
        if theirs.is_empty() {
            continue;
        }
        let mut row = vec![run.size.name.to_owned()];
        let all = [ours].into_iter().chain(theirs.iter().copied());
        row.extend(all.map(|job| format!("{:.2}", job.events_per_second() / 1e6)));
        for job in theirs {
            // Twice the events in the same time is twice as fast.
            let ratio = ours.events as f64 / job.events as f64 / ours.ratio_to(job);
            row.push(format!("{ratio:.2}"));
        }
        table.push(row);
    }
    table
}

/// The child: decodes every chunk of a trace and drops it.
fn decode(arguments: &[String]) -> Result<()> {
    let [how, path] = arguments else {
        bail!("{DECODE} needs `one` or `all` cores, and a trace");
    };
    let source = Source::open(Path::new(path))?;
    let events_of = |chunk: &ChunkRef| -> Result<u64> {
        let chunk = Chunk::decode(&source.content(chunk)?)?;
        Ok(chunk.batches.iter().map(EventBatch::len).sum::<usize>() as u64)
    };
    let events = match &**how {
        "one" => source.chunks.iter().map(events_of).sum::<Result<u64>>()?,
        "all" => source
            .chunks
            .par_iter()
            .map(events_of)
            .sum::<Result<u64>>()?,
        _ => bail!("not a number of cores: {how}"),
    };
    println!("{events} events");
    Ok(())
}
