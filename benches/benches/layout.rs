//! Rows against columns: which layout of the events inside a chunk is smaller and faster?
//!
//! ```text
//! cargo bench -p ais-benches --bench layout                  sample traces, and recordings made on the spot
//! cargo bench -p ais-benches --bench layout -- trace.ais …   your own
//! ```
//!
//! The events of real recordings are decoded, then encoded, compressed (zstd 1), decompressed and decoded again in each layout, chunk
//! by chunk as they were recorded. Definitions are left out: they would be the same in all.
//!
//! - `rows`: one MessagePack array per event, `[kind, tick since the event before, fields…]`;
//! - `rows, deltas`: the same, with the fields that the columns write as differences written as differences to the last event of the
//!   kind too;
//! - `columns`: what `ais-format` writes, and reads with all its checks.
//!
//! Rows are read by a loop made for the purpose, without a check beyond those that MessagePack itself needs. Each decoder must hand
//! every event, with all its fields, in order, to the same consumer; that consumer's sums are compared.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};

use ais_benches::programs::{chunks, mixed, record, yields};
use ais_benches::{arguments, for_row_type, median, print_table, time};
use ais_format::chunk::{Chunk, ChunkBuilder};
use ais_format::column::Encoding;
use ais_format::event::{Batch, Kind, Row};
use ais_format::msgpack::{Reader, write_array_len, write_int, write_uint};
use anyhow::{Result, ensure};
use zstd::bulk::{Compressor, Decompressor};

/// No kind has more columns.
const FIELDS: usize = 10;
/// How often everything is done; the medians count.
const ROUNDS: usize = 9;
/// A round repeats its work until it has touched so many events, so that small traces are timed well too.
const EVENTS_PER_ROUND: usize = 200_000;

/// An event with its fields as numbers.
#[derive(Clone, Copy)]
struct Event {
    kind: Kind,
    tick: u64,
    fields: [u64; FIELDS],
}

/// The events of a chunk, thread by thread.
type Batches = Vec<(Batch, Vec<Event>)>;

fn main() -> Result<()> {
    let mut traces: Vec<(String, Vec<Batches>)> = Vec::new();
    let mut paths: Vec<PathBuf> = arguments().into_iter().map(PathBuf::from).collect();
    if paths.is_empty() {
        paths = sample_traces();
        let folder = tempfile::tempdir()?;
        for (name, program) in [("mixed", mixed as fn()), ("yield", yields as fn())] {
            let path = folder.path().join(name);
            record(&path, program)?;
            traces.push((format!("{name} (made here)"), read(&path)?));
        }
    }
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        traces.push((name, read(&path)?));
    }
    let heading = "trace|events|chunks|layout|raw B/event|zstd 1 B/event|encode ns|compress ns|decompress ns|decode ns";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for (name, chunks) in &traces {
        let events: usize = chunks
            .iter()
            .flatten()
            .map(|(_, events)| events.len())
            .sum();
        ensure!(events > 0, "{name} holds no events");
        for (layout, figures) in ["rows", "rows, deltas", "columns"]
            .into_iter()
            .zip(measure(chunks, events)?)
        {
            let mut row = vec![
                name.clone(),
                events.to_string(),
                chunks.len().to_string(),
                layout.to_owned(),
            ];
            row.extend(figures.iter().map(|figure| format!("{figure:.2}")));
            table.push(row);
        }
    }
    println!("per event; medians of {ROUNDS} rounds\n");
    print_table(&table);
    Ok(())
}

fn sample_traces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "ais"))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<Vec<Batches>> {
    let batches = |chunk: &Chunk| {
        let batches = chunk.batches.iter();
        batches.map(|batch| (batch.head, events(batch))).collect()
    };
    Ok(chunks(path)?.iter().map(batches).collect())
}

#[inline]
fn fields<R: Row>(row: &R) -> [u64; FIELDS] {
    let mut fields = [0; FIELDS];
    row.each(|i, value| fields[i] = value);
    fields
}

fn events(batch: &ais_format::chunk::EventBatch) -> Vec<Event> {
    let mut events = Vec::with_capacity(batch.len());
    for event in batch.events() {
        let Some(kind) = event.kind else { continue };
        for_row_type!(kind, R => events.push(Event { kind, tick: event.tick, fields: fields(&event.row::<R>()) }));
    }
    events
}

/// What every decoder hands its events to.
#[derive(Default, PartialEq, Eq, Debug)]
struct Consumer {
    events: u64,
    sum: u64,
}

impl Consumer {
    #[inline]
    fn take(&mut self, kind: u64, tick: u64, fields: &[u64; FIELDS]) {
        self.events += 1;
        let fields = fields
            .iter()
            .fold(0u64, |sum, &field| sum.wrapping_mul(3).wrapping_add(field));
        self.sum = self.sum.rotate_left(1) ^ kind.wrapping_add(tick).wrapping_add(fields);
    }
}

struct Layout {
    encode: fn(&Batches, &mut ChunkBuilder) -> Vec<u8>,
    decode: fn(&[u8], &mut Consumer) -> Result<()>,
}

const LAYOUTS: [Layout; 3] = [
    Layout {
        encode: |batches, _| encode_rows::<false>(batches),
        decode: decode_rows::<false>,
    },
    Layout {
        encode: |batches, _| encode_rows::<true>(batches),
        decode: decode_rows::<true>,
    },
    Layout {
        encode: encode_columns,
        decode: decode_columns,
    },
];

/// For each layout: bytes raw and compressed, then nanoseconds to encode, compress, decompress and decode, all per event.
fn measure(chunks: &[Batches], events: usize) -> Result<[[f64; 6]; 3]> {
    let repeats = EVENTS_PER_ROUND.div_ceil(events);
    let (mut compressor, mut decompressor) = (Compressor::new(1)?, Decompressor::new()?);
    let mut builder = ChunkBuilder::new();
    let mut sizes = [[0.0; 2]; 3];
    let mut times: [Vec<[f64; 4]>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let mut sums = Vec::new();
        for (number, layout) in LAYOUTS.iter().enumerate() {
            let mut spent = [0.0; 4];
            for _ in 0..repeats {
                let (ns, raw) = time(|| {
                    chunks
                        .iter()
                        .map(|batches| (layout.encode)(batches, &mut builder))
                        .collect::<Vec<_>>()
                });
                spent[0] += ns;
                let (ns, compressed) = time(|| {
                    raw.iter()
                        .map(|raw| compressor.compress(raw))
                        .collect::<Result<Vec<_>, _>>()
                });
                spent[1] += ns;
                let compressed = compressed?;
                let pairs = || compressed.iter().zip(&raw);
                let (ns, back) = time(|| {
                    pairs()
                        .map(|(c, raw)| decompressor.decompress(c, raw.len()))
                        .collect::<Result<Vec<_>, _>>()
                });
                spent[2] += ns;
                let back = back?;
                let mut consumer = Consumer::default();
                let (ns, decoded) = time(|| {
                    back.iter()
                        .try_for_each(|raw| (layout.decode)(raw, &mut consumer))
                });
                spent[3] += ns;
                decoded?;
                let bytes = |all: &[Vec<u8>]| {
                    all.iter().map(Vec::len).sum::<usize>() as f64 / events as f64
                };
                sizes[number] = [bytes(&raw), bytes(&compressed)];
                sums.push(consumer);
            }
            times[number].push(spent.map(|ns| ns / (events * repeats) as f64));
        }
        ensure!(
            sums.windows(2).all(|pair| pair[0] == pair[1]),
            "the layouts do not give the same events"
        );
        ensure!(sums[0].events == events as u64, "events were lost");
    }
    Ok(std::array::from_fn(|layout| {
        let step = |i: usize| median(times[layout].iter().map(|round| round[i]));
        [
            sizes[layout][0],
            sizes[layout][1],
            step(0),
            step(1),
            step(2),
            step(3),
        ]
    }))
}

fn encode_columns(batches: &Batches, builder: &mut ChunkBuilder) -> Vec<u8> {
    for (head, events) in batches {
        for event in events {
            for_row_type!(event.kind, R => builder.event(event.tick, &R::from_columns(|i| event.fields[i])));
        }
        builder.end_batch(head.thread, head.first, head.dropped);
    }
    builder.finish().bytes
}

fn decode_columns(bytes: &[u8], consumer: &mut Consumer) -> Result<()> {
    for batch in &Chunk::decode(bytes)?.batches {
        for event in batch.events() {
            let Some(kind) = event.kind else { continue };
            for_row_type!(kind, R => consumer.take(kind as u64, event.tick, &fields(&event.row::<R>())));
        }
    }
    Ok(())
}

/// Which fields of a kind are written as differences, and how many it has.
fn shape(kind: Kind) -> (usize, [bool; FIELDS]) {
    let columns = kind.columns();
    let mut delta = [false; FIELDS];
    for (delta, column) in delta.iter_mut().zip(columns) {
        *delta = column.encoding != Encoding::Plain;
    }
    (columns.len(), delta)
}

/// The shapes of all kinds by number.
fn shapes() -> [(usize, [bool; FIELDS]); 256] {
    let mut shapes = [(0, [false; FIELDS]); 256];
    for &kind in Kind::ALL.iter().filter(|kind| kind.is_event()) {
        shapes[kind as usize] = shape(kind);
    }
    shapes
}

fn encode_rows<const DELTAS: bool>(batches: &Batches) -> Vec<u8> {
    let shapes = shapes();
    let mut out = Vec::new();
    for (head, events) in batches {
        write_array_len(&mut out, 4);
        fields(head)[..4]
            .iter()
            .for_each(|&value| write_uint(&mut out, value));
        let mut last = vec![[0u64; FIELDS]; 256];
        let mut tick = 0u64;
        for event in events {
            let (count, delta) = &shapes[event.kind as usize];
            write_array_len(&mut out, 2 + *count as u32);
            write_uint(&mut out, event.kind as u64);
            write_int(&mut out, event.tick.wrapping_sub(tick) as i64);
            tick = event.tick;
            let last = &mut last[event.kind as usize];
            for i in 0..*count {
                if DELTAS && delta[i] {
                    write_int(&mut out, event.fields[i].wrapping_sub(last[i]) as i64);
                    last[i] = event.fields[i];
                } else {
                    write_uint(&mut out, event.fields[i]);
                }
            }
        }
    }
    out
}

fn decode_rows<const DELTAS: bool>(bytes: &[u8], consumer: &mut Consumer) -> Result<()> {
    let shapes = shapes();
    let mut reader = Reader::new(bytes);
    while !reader.rest().is_empty() {
        reader.array_len()?;
        let (_thread, _first, _dropped, events) =
            (reader.int()?, reader.int()?, reader.int()?, reader.int()?);
        let mut last = vec![[0u64; FIELDS]; 256];
        let mut tick = 0u64;
        for _ in 0..events {
            let count = reader.array_len()?.saturating_sub(2).min(FIELDS);
            let kind = reader.int_up_to("a kind", 255)? as usize;
            tick = tick.wrapping_add(reader.int()?);
            let mut fields = [0; FIELDS];
            for field in &mut fields[..count] {
                *field = reader.int()?;
            }
            if DELTAS {
                let delta = &shapes[kind].1;
                for i in 0..count {
                    if delta[i] {
                        fields[i] = fields[i].wrapping_add(last[kind][i]);
                    }
                }
                last[kind] = fields;
            }
            consumer.take(kind as u64, tick, &fields);
        }
    }
    Ok(())
}
