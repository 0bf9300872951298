//! From chunks to events: decompression and decoding, chunks in parallel, a window of the file at a time.
//!
//! What the headers of the chunks tell comes first ([`Outline`]): what is missing, what the ticks mean, which keyframes there are. The
//! content comes in windows ([`Windows`]), so that of a trace of any size only that much is decoded at once; while one window is worked
//! on, the next is decoded.

use std::collections::BTreeMap;
use std::ops::Range;

use ais_format::chunk::{Chunk, Columns};
use ais_format::frame::{ChunkHeader, flag};
use rayon::prelude::*;

use crate::clock::Clock;
use crate::source::{ChunkRef, Loss, Part, Source};

/// About so many events are decoded at once.
const WINDOW: u64 = 1 << 18;

/// What the headers of a part of a trace tell.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// What was told again, at the beginnings of generations.
    pub(crate) keyframes: Vec<Keyframe>,
    /// The last tick up to which the events of all threads are there.
    pub(crate) cut: Option<u64>,
    /// What the ticks mean.
    pub(crate) clock: Clock,
    /// What is missing.
    pub(crate) loss: Loss,
    /// Of that: what only reading shows.
    pub(crate) unreadable: Loss,
    /// It begins with a later generation: those before it are not kept.
    pub(crate) begins_late: bool,
    /// The number of the last chunk that is missing.
    pub(crate) last_gap: Option<u64>,
}

/// Chunks that cannot be read, and why; by their places in the directory.
pub(crate) type Unreadable = BTreeMap<usize, ais_format::Error>;

/// What was alive when a generation began, told again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyframe {
    /// The generation.
    pub(crate) generation: u32,
    /// When it began, in ticks.
    pub(crate) tick: u64,
    /// How many events had been lost before it.
    pub(crate) dropped: u64,
    /// All of it is there: what is not told in it was not alive.
    pub(crate) is_whole: bool,
    /// The number of its first chunk.
    pub(crate) first: u64,
    /// The number of its last chunk.
    last: u64,
}

impl Outline {
    /// A part of a trace, of which these chunks cannot be read.
    pub(crate) fn of(source: &Source, part: &Part, unreadable: &Unreadable) -> Outline {
        let (clock, backwards) = readings(source);
        let chunks = &source.chunks[part.chunks.clone()];
        let mut outline = Outline {
            clock,
            begins_late: source.begins_late || part.chunks.start > 0,
            ..Outline::default()
        };
        if chunks.len() == source.chunks.len() {
            outline.loss = source.loss.clone();
            outline.last_gap = source.last_gap;
            // A moment that is asked for may lie in the last chunk.
            let until = part.until.into_iter();
            outline.cut = until.chain(source.cut).min();
        } else {
            (outline.loss, outline.last_gap) = missing(chunks);
            let cut = chunks.iter().rfind(|chunk| tells_cut(&chunk.header));
            outline.cut = part.until.or(cut.map(|chunk| chunk.header.clock_tick));
        }
        if backwards > 0 {
            outline.loss.notes.push(format!(
                "the clock ran backwards {backwards} times: times near there are uncertain"
            ));
        }
        outline.add(source, part, unreadable);
        outline
    }

    fn add(&mut self, source: &Source, part: &Part, unreadable: &Unreadable) {
        let chunks = &source.chunks[part.chunks.clone()];
        for (index, chunk) in part.chunks.clone().zip(chunks) {
            let header = &chunk.header;
            if let Some(error) = unreadable.get(&index) {
                self.last_gap = self.last_gap.max(Some(header.sequence));
                self.unreadable.add(&loss_of(chunk, error));
            } else if header.flags & flag::KEYFRAME != 0 {
                Keyframe::add(&mut self.keyframes, header);
            }
        }
        self.loss.add(&self.unreadable);
    }
}

impl Keyframe {
    /// One more chunk of a keyframe: of the last of these, or of a new one.
    fn add(keyframes: &mut Vec<Keyframe>, header: &ChunkHeader) {
        let is_known = keyframes
            .last()
            .is_some_and(|keyframe| keyframe.generation == header.generation);
        if !is_known {
            keyframes.push(Keyframe {
                generation: header.generation,
                tick: header.clock_tick,
                dropped: header.dropped,
                is_whole: false,
                first: header.sequence,
                last: header.sequence.wrapping_sub(1),
            });
        }
        if let Some(keyframe) = keyframes.last_mut() {
            let follows = header.sequence == keyframe.last.wrapping_add(1);
            if follows {
                keyframe.last = header.sequence;
            }
            keyframe.is_whole = follows && header.flags & flag::KEYFRAME_END != 0;
        }
    }
}

/// A stretch of the file, decoded.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// The chunks that can be read, in the order of the file, with their places in the directory.
    pub(crate) chunks: Vec<(usize, ChunkHeader, Chunk)>,
    /// Those that cannot.
    pub(crate) unreadable: Unreadable,
    /// Every event of every thread before this tick is in this window or in an earlier one.
    pub(crate) cut: Option<u64>,
}

/// The windows of a part of a trace, one after the other.
#[derive(Debug)]
pub(crate) struct Windows<'a> {
    source: &'a Source,
    left: Range<usize>,
    /// The chunks that the meter of the source is to tell of.
    told: Range<usize>,
    columns: Columns,
    /// Chunks that tell what is alive again are left out.
    skips_keyframes: bool,
}

impl<'a> Windows<'a> {
    pub(crate) fn of(source: &'a Source, part: &Part) -> Windows<'a> {
        Windows {
            source,
            left: part.chunks.start..part.chunks.end + part.more,
            told: 0..0,
            columns: Columns::ALL,
            skips_keyframes: false,
        }
    }

    /// The same, of which the meter of the source tells how far it is.
    pub(crate) fn metered(source: &'a Source, part: &Part) -> Windows<'a> {
        Windows {
            told: part.chunks.clone(),
            ..Windows::of(source, part)
        }
    }

    /// The same, of which these columns are enough.
    pub(crate) fn with_columns(self, columns: Columns) -> Windows<'a> {
        Windows { columns, ..self }
    }

    /// Whether from here on the chunks that tell again what is alive are left out.
    pub(crate) fn skip_keyframes(&mut self, skips: bool) {
        self.skips_keyframes = skips;
    }

    fn decode(&self, chunk: &ChunkRef) -> Result<Chunk, ais_format::Error> {
        if self.skips_keyframes && chunk.header.flags & flag::KEYFRAME != 0 {
            return Ok(Chunk::default());
        }
        let content = self.source.content(chunk)?;
        Chunk::decode_columns(&content, &self.columns)
    }
}

impl Iterator for Windows<'_> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let chunks = &self.source.chunks[self.left.clone()];
        let mut events = 0;
        let fits = |chunk: &&ChunkRef| {
            let fits = events < WINDOW;
            events += u64::from(chunk.header.events);
            fits
        };
        let taken = chunks.iter().take_while(fits).count();
        if taken == 0 {
            return None;
        }
        let (first, chunks) = (self.left.start, &chunks[..taken]);
        self.left.start += taken;
        let decoded: Vec<Result<Chunk, ais_format::Error>> = chunks
            .par_iter()
            .enumerate()
            .map(|(index, chunk)| {
                let decoded = self.decode(chunk);
                if self.told.contains(&(first + index)) {
                    self.source.advance(chunk);
                }
                decoded
            })
            .collect();
        let mut window = Window::default();
        for (index, (chunk, place)) in decoded.into_iter().zip(chunks).enumerate() {
            let header = &place.header;
            if tells_cut(header) {
                window.cut = window.cut.max(Some(header.clock_tick));
            }
            match chunk {
                Ok(chunk) => window.chunks.push((first + index, *header, chunk)),
                Err(error) => _ = window.unreadable.insert(first + index, error),
            }
        }
        Some(window)
    }
}

/// What is missing where a chunk cannot be read.
pub(crate) fn loss_of(chunk: &ChunkRef, error: &ais_format::Error) -> Loss {
    let (sequence, at) = (chunk.header.sequence, chunk.offset);
    Loss {
        chunks: 1,
        bytes: u64::from(chunk.header.compressed_len),
        events_dropped: 0,
        notes: vec![format!(
            "chunk {sequence} at byte {at} cannot be read: {error}"
        )],
    }
}

/// What the ticks of a trace mean.
pub(crate) fn clock_of(source: &Source) -> Clock {
    readings(source).0
}

fn readings(source: &Source) -> (Clock, usize) {
    let chunks = source.chunks.iter().map(|chunk| &chunk.header);
    let readings = chunks.map(|header| (header.clock_tick, header.clock_ns));
    Clock::new(source.header.start_tick, readings)
}

/// Whether chunks of a part are missing, or events that the recorder had to leave out of it.
pub(crate) fn is_missing_something(source: &Source, part: &Part) -> bool {
    missing(&source.chunks[part.chunks.clone()]).0.is_gap()
}

/// What is missing among chunks, and the number of the last one that is.
fn missing(chunks: &[ChunkRef]) -> (Loss, Option<u64>) {
    let mut loss = Loss::default();
    let mut last_gap = None;
    for pair in chunks.windows(2) {
        let (before, next) = (&pair[0].header, &pair[1].header);
        let is_sign = before.flags & flag::HEARTBEAT != 0;
        let expected = before.sequence.saturating_add(u64::from(!is_sign));
        let missing = next.sequence.saturating_sub(expected);
        if missing > 0 {
            loss.chunks = loss.chunks.saturating_add(missing);
            last_gap = Some(next.sequence - 1);
            loss.notes.push(match missing {
                1 => format!("chunk {expected} is missing"),
                _ => format!("chunks {expected} to {} are missing", next.sequence - 1),
            });
        }
    }
    let dropped = chunks.iter().map(|chunk| chunk.header.dropped);
    let before = chunks.first().map_or(0, |chunk| chunk.header.dropped);
    loss.events_dropped = dropped.max().unwrap_or(0).saturating_sub(before);
    (loss, last_gap)
}

/// Whether every event of every thread before this chunk's reading of the clock is in it, or in an earlier one.
pub(crate) fn tells_cut(header: &ChunkHeader) -> bool {
    let tells = flag::CUT | flag::HEARTBEAT | flag::FINAL | flag::SNAPSHOT;
    header.flags & tells != 0
}
