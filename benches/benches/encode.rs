//! What the recorder's own thread does with what it finds in segments, and what that costs: records → columns → MessagePack → zstd.
//!
//! ```text
//! cargo bench -p ais-benches --bench encode                     time and bytes
//! cargo bench -p ais-benches --bench encode -- --instructions   instructions, counted by valgrind's callgrind
//! cargo bench -p ais-benches --bench encode -- trace.ais …      the events of your own traces
//! ```
//!
//! - `yield, one thread` and `yield, two workers`: 64 tasks that do nothing but yield, in the order in which tokio polls and wakes
//!   them, made here by a small model of its queues, so that two versions of the encoder can be compared to the instruction. Times
//!   between events are drawn as they were measured.
//! - `mixed`: the program of the same name in the benchmark of layouts, recorded on the spot.
//!
//! The words of all events lie in segments as the recorder's threads leave them; the loop over them is that of its writer.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::io::{Cursor, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use ais_benches::programs::{chunks, mixed, record};
use ais_benches::{arguments, for_row_type, median, print_table, time};
use ais_format::chunk::{Chunk, ChunkBuilder};
use ais_format::event::{PollBegin, PollEnd, Wake};
use ais_format::frame::FileHeader;
use ais_format::live::{Record, first_word, move_all};
use ais_format::write::{ClockPair, TraceWriter};
use anyhow::{Context as _, Result, bail, ensure};

/// How often everything is done; the medians count.
const ROUNDS: usize = 15;
/// As in the recorder.
const SEGMENT_WORDS: usize = 8192;
/// As in the recorder.
const BATCH: usize = 1 << 16;
/// How many events are made for a workload.
const EVENTS: usize = 1_200_000;
/// So many events of a thread are written before those of the next one are: as many as happen between two visits of the writer.
const VISIT: usize = 200_000;

/// A segment: its thread, and whole records.
type Segment = (u64, Vec<u64>);

fn main() -> Result<()> {
    let mut arguments = arguments();
    if arguments.first().is_some_and(|a| a == "--once") {
        return once(&arguments[1..]);
    }
    let instructions = arguments.first().is_some_and(|a| a == "--instructions");
    if instructions {
        arguments.remove(0);
    }
    let folder = tempfile::tempdir()?;
    let mut workloads = Vec::new();
    if arguments.is_empty() {
        workloads.push(("yield, one thread".to_owned(), yields(1)));
        workloads.push(("yield, two workers".to_owned(), yields(2)));
        let path = folder.path().join("mixed.ais");
        record(&path, mixed)?;
        workloads.push(("mixed".to_owned(), segments(&chunks(&path)?)));
    }
    for path in arguments.iter().map(PathBuf::from) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        workloads.push((name.into_owned(), segments(&chunks(&path)?)));
    }
    if instructions {
        count_instructions(&workloads, folder.path())
    } else {
        measure_times(&workloads)
    }
}

fn measure_times(workloads: &[(String, Vec<Segment>)]) -> Result<()> {
    let heading = "workload|events|raw B/event|zstd 1 B/event|encode ns|encode + write ns";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for (name, segments) in workloads {
        let mut times = [Vec::new(), Vec::new()];
        let mut sizes = Sizes::default();
        for _ in 0..ROUNDS {
            for (compress, times) in [false, true].into_iter().zip(&mut times) {
                let mut sink = Sink::new(compress)?;
                let (ns, done) = time(|| encode(segments, &mut sink));
                done?;
                times.push(ns / sink.sizes.events as f64);
                sizes = sink.sizes;
            }
        }
        table.push(vec![
            name.clone(),
            sizes.events.to_string(),
            format!("{:.3}", sizes.raw as f64 / sizes.events as f64),
            format!("{:.3}", sizes.written as f64 / sizes.events as f64),
            format!("{:.2}", median(times[0].iter().copied())),
            format!("{:.2}", median(times[1].iter().copied())),
        ]);
    }
    println!("per event; medians of {ROUNDS} rounds\n");
    print_table(&table);
    Ok(())
}

fn count_instructions(workloads: &[(String, Vec<Segment>)], folder: &Path) -> Result<()> {
    let heading = "workload|records to content|crc, zstd, file|sum|raw B/event|zstd 1 B/event";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for (name, segments) in workloads {
        let file = folder.join("segments");
        keep(segments, &file)?;
        let mut sink = Sink::new(true)?;
        encode(segments, &mut sink)?;
        let events = sink.sizes.events as f64;
        let mut counts = [0.0; 2];
        for (what, count) in ["encode", "write"].into_iter().zip(&mut counts) {
            let of = |rounds: u64| counted(what, &file, rounds, folder);
            *count = (of(2)? - of(1)?) / events;
        }
        table.push(vec![
            name.clone(),
            format!("{:.1}", counts[0]),
            format!("{:.1}", counts[1] - counts[0]),
            format!("{:.1}", counts[1]),
            format!("{:.3}", sink.sizes.raw as f64 / events),
            format!("{:.3}", sink.sizes.written as f64 / events),
        ]);
    }
    println!("instructions per event, the difference of two runs of different lengths\n");
    print_table(&table);
    Ok(())
}

/// Instructions of a child that does the work so many times.
fn counted(what: &str, file: &Path, rounds: u64, folder: &Path) -> Result<f64> {
    let out = folder.join("counts");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .args(["--once", what])
        .arg(file)
        .arg(rounds.to_string())
        .output()
        .context("valgrind cannot be run")?;
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = fs::read_to_string(&out)?;
    let total = text
        .lines()
        .filter_map(|line| line.strip_prefix("totals: "))
        .find_map(|total| total.parse::<f64>().ok());
    total.context("callgrind tells no total")
}

/// The child: `encode` or `write`, the file with the segments, and how often.
fn once(arguments: &[String]) -> Result<()> {
    let [what, file, rounds] = arguments else {
        bail!("--once needs what to do, a file and a number of rounds");
    };
    let segments = kept(Path::new(file))?;
    for _ in 0..rounds.parse()? {
        encode(&segments, &mut Sink::new(what == "write")?)?;
    }
    Ok(())
}

/// Segments in a file of words: thread, length and words of each.
fn keep(segments: &[Segment], file: &Path) -> Result<()> {
    let words = segments.iter().flat_map(|(thread, words)| {
        [*thread, words.len() as u64]
            .into_iter()
            .chain(words.clone())
    });
    fs::write(file, words.flat_map(u64::to_le_bytes).collect::<Vec<u8>>())?;
    Ok(())
}

fn kept(file: &Path) -> Result<Vec<Segment>> {
    let bytes = fs::read(file)?;
    let (words, _) = bytes.as_chunks::<8>();
    let mut words = words.iter().map(|&word| u64::from_le_bytes(word));
    let mut segments = Vec::new();
    while let (Some(thread), Some(len)) = (words.next(), words.next()) {
        segments.push((thread, words.by_ref().take(len as usize).collect()));
    }
    Ok(segments)
}

/// A file that forgets what is written into it.
#[derive(Default)]
struct Nowhere(u64);

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seek for Nowhere {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        Cursor::new(Vec::<u8>::new()).seek(to)
    }
}

#[derive(Clone, Copy, Default)]
struct Sizes {
    events: u64,
    raw: u64,
    written: u64,
}

/// Where chunks go.
struct Sink {
    trace: Option<TraceWriter<Nowhere>>,
    sizes: Sizes,
}

impl Sink {
    fn new(compress: bool) -> Result<Sink> {
        let trace = compress
            .then(|| TraceWriter::new(Nowhere::default(), &FileHeader::default()))
            .transpose()?;
        Ok(Sink {
            trace,
            sizes: Sizes::default(),
        })
    }

    fn take(&mut self, builder: &mut ChunkBuilder) -> Result<()> {
        let content = builder.finish();
        self.sizes.events += u64::from(content.events);
        self.sizes.raw += content.bytes.len() as u64;
        if let Some(trace) = &mut self.trace {
            trace.chunk(&content, ClockPair::default(), 0, 0)?;
            self.sizes.written = trace.len();
        }
        Ok(())
    }
}

/// What the recorder's writer does with segments.
fn encode(segments: &[Segment], sink: &mut Sink) -> Result<()> {
    let mut builder = ChunkBuilder::new();
    let mut open = None;
    for (thread, words) in segments {
        if open.is_some_and(|open| open != *thread) {
            end_batch(&mut builder, open);
        }
        open = Some(*thread);
        let mut words = &words[..];
        while !words.is_empty() {
            let room = BATCH - builder.batch_events();
            let used = move_all(&mut builder, words, room);
            ensure!(used > 0, "a segment holds what is no record");
            words = &words[used..];
            if builder.batch_events() >= BATCH {
                end_batch(&mut builder, open);
                if builder.is_large() {
                    sink.take(&mut builder)?;
                }
            }
        }
    }
    end_batch(&mut builder, open);
    sink.take(&mut builder)
}

fn end_batch(builder: &mut ChunkBuilder, thread: Option<u64>) {
    if builder.batch_events() > 0 {
        builder.end_batch(thread.unwrap_or_default(), 0, 0);
    }
}

/// Adds a record to the last of a thread's segments, or to a new one.
fn push<R: Record>(segments: &mut Vec<Segment>, thread: u64, tick: u64, row: &R) {
    let (mut words, used) = row.pack();
    words[0] = first_word(R::KIND, tick);
    match segments.last_mut() {
        Some((_, segment)) if segment.len() + used <= SEGMENT_WORDS => {
            segment.extend_from_slice(&words[..used]);
        }
        _ => segments.push((thread, words[..used].to_vec())),
    }
}

/// The events of a trace as they lay in segments.
fn segments(chunks: &[Chunk]) -> Vec<Segment> {
    let mut all = Vec::new();
    for batch in chunks.iter().flat_map(|chunk| &chunk.batches) {
        let mut segments = Vec::new();
        for event in batch.events() {
            let Some(kind) = event.kind else { continue };
            for_row_type!(kind, R => push(&mut segments, batch.head.thread, event.tick, &event.row::<R>()));
        }
        all.append(&mut segments);
    }
    all
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// Cycles between two events, as they were measured.
struct Steps {
    begin_end: u64,
    end_begin: u64,
    end_wake: u64,
    wake_wake: u64,
    wake_begin: u64,
    /// How many of a hundred steps take [`Steps::MISS`] longer, and then perhaps again.
    misses: u64,
}

impl Steps {
    /// The processor's counter moves by so many cycles at once.
    const QUANTUM: u64 = 26;
    /// What a step takes longer when memory, or the other thread, keeps it waiting.
    const MISS: u64 = 270;

    fn time(&self, cycles: u64, random: &mut Random) -> u64 {
        let mut time = cycles + random.below(9);
        while random.below(100) < self.misses {
            time += Steps::MISS + random.below(40);
        }
        if random.below(1000) < 3 {
            time += 3500 + random.below(1000);
        }
        time
    }
}

const ONE_THREAD: Steps = Steps {
    begin_end: 34,
    end_begin: 61,
    end_wake: 132,
    wake_wake: 64,
    wake_begin: 202,
    misses: 3,
};

const TWO_WORKERS: Steps = Steps {
    begin_end: 34,
    end_begin: 72,
    end_wake: 260,
    wake_wake: 76,
    wake_begin: 285,
    misses: 30,
};

/// Polls and wakes of a task so far.
#[derive(Clone, Copy, Default)]
struct Task {
    polls: u64,
    wakes: u64,
}

struct Worker {
    thread: u64,
    queue: VecDeque<u64>,
    /// In cycles.
    now: u64,
    events: usize,
    segments: Vec<Segment>,
}

impl Worker {
    fn record<R: Record>(&mut self, row: &R) {
        let tick = (self.now / Steps::QUANTUM * Steps::QUANTUM) >> 4;
        push(&mut self.segments, self.thread, tick, row);
        self.events += 1;
    }

    /// As tokio's workers: polls what is in the queue, but not more than 61 tasks; then wakes those that yielded, the last one first.
    fn turn(&mut self, tasks: &mut [Task], steps: &Steps, random: &mut Random) {
        let polled: Vec<u64> = (0..61).map_while(|_| self.queue.pop_front()).collect();
        for (i, &task) in polled.iter().enumerate() {
            let state = &mut tasks[task as usize];
            state.polls += 1;
            let (poll, wakes) = (state.polls, state.wakes);
            self.now += steps.time(
                if i == 0 {
                    steps.wake_begin
                } else {
                    steps.end_begin
                },
                random,
            );
            self.record(&PollBegin {
                task,
                poll,
                wakes,
                waker: 1,
            });
            self.now += steps.time(steps.begin_end, random);
            self.record(&PollEnd {
                task,
                poll,
                outcome: 0,
                wakers: 1,
            });
        }
        for (i, &task) in polled.iter().rev().enumerate() {
            let state = &mut tasks[task as usize];
            state.wakes += 1;
            let number = state.wakes;
            self.now += steps.time(
                if i == 0 {
                    steps.end_wake
                } else {
                    steps.wake_wake
                },
                random,
            );
            self.record(&Wake {
                task,
                waker: 1,
                number,
            });
            self.queue.push_back(task);
        }
    }
}

/// 64 tasks that yield, on so many workers.
fn yields(workers: u64) -> Vec<Segment> {
    const TASKS: u64 = 64;
    let mut random = Random(1);
    // Where tasks move between workers, some soon are far ahead of others.
    let ahead = if workers == 1 { 2 } else { 1000 };
    let tasks = (0..=TASKS).map(|_| random.below(ahead));
    let mut tasks: Vec<Task> = tasks
        .map(|polls| Task {
            polls,
            wakes: polls,
        })
        .collect();
    let steps = if workers == 1 {
        &ONE_THREAD
    } else {
        &TWO_WORKERS
    };
    let mut all: Vec<Worker> = (0..workers)
        .map(|worker| Worker {
            thread: 1 + worker,
            queue: (1..=TASKS)
                .filter(|task| task % workers == worker)
                .collect(),
            now: 2_042_272_046_994 << 4,
            events: 0,
            segments: Vec::new(),
        })
        .collect();
    let mut segments = Vec::new();
    let mut events = 0;
    while events < EVENTS {
        let next = (0..all.len())
            .min_by_key(|&i| all[i].now)
            .unwrap_or_default();
        let other = (next + 1) % all.len();
        // Now and then a worker has nothing to do, and takes of what the other one has.
        if other != next && random.below(3) > 0 {
            let most = all[other].queue.len() / 2;
            let stolen = random.below(1 + most as u64) as usize;
            let from = random.below(1 + (most - stolen) as u64) as usize;
            let stolen: Vec<u64> = all[other].queue.drain(from..from + stolen).collect();
            all[next].queue.extend(stolen);
            all[next].now += Steps::MISS;
        }
        all[next].turn(&mut tasks, steps, &mut random);
        if all[next].events >= VISIT {
            for worker in &mut all {
                events += worker.events;
                worker.events = 0;
                segments.append(&mut worker.segments);
            }
        }
    }
    segments
}
