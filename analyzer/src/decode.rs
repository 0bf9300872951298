//! From chunks to events: decompression and decoding in parallel, then one list of batches for each thread, in its order.

use std::collections::BTreeMap;

use ais_format::chunk::{Chunk, EventBatch};
use ais_format::frame::{ChunkHeader, flag};
use rayon::prelude::*;

use crate::Error;
use crate::clock::Clock;
use crate::meter::{Meter, Stage};
use crate::names::Names;
use crate::source::{Loss, Source};

/// All events of a trace.
#[derive(Debug, Default)]
pub struct Decoded {
    /// What the numbers stand for.
    pub names: Names,
    /// The events of each thread, by its number, in the order in which the thread recorded them, with their generations.
    pub threads: BTreeMap<u64, Vec<(u32, EventBatch)>>,
    /// What was told again, at the beginnings of generations.
    pub keyframes: Vec<Keyframe>,
    /// The last tick up to which the events of all threads are there.
    pub cut: Option<u64>,
    /// What the ticks mean.
    pub clock: Clock,
    /// How many events there are.
    pub events: u64,
    /// What is missing.
    pub loss: Loss,
    /// It begins with a later generation: those before it are not kept.
    pub begins_late: bool,
    /// The number of the last chunk that is missing.
    pub last_gap: Option<u64>,
}

/// What was alive when a generation began, told again.
#[derive(Debug)]
pub struct Keyframe {
    /// The generation.
    pub generation: u32,
    /// When it began, in ticks.
    pub tick: u64,
    /// How many events had been lost before it.
    pub dropped: u64,
    /// All of it is there: what is not told in it was not alive.
    pub is_whole: bool,
    /// Its events.
    pub batches: Vec<EventBatch>,
    /// The number of its first chunk.
    first: u64,
    /// The number of its last chunk.
    last: u64,
}

impl Keyframe {
    /// The keyframe that a chunk with this header belongs to: the last of these, or a new one.
    fn of<'a>(keyframes: &'a mut Vec<Keyframe>, header: &ChunkHeader) -> Option<&'a mut Keyframe> {
        let is_known = keyframes
            .last()
            .is_some_and(|keyframe| keyframe.generation == header.generation);
        if !is_known {
            keyframes.push(Keyframe {
                generation: header.generation,
                tick: header.clock_tick,
                dropped: header.dropped,
                is_whole: false,
                batches: Vec::new(),
                first: header.sequence,
                last: header.sequence.wrapping_sub(1),
            });
        }
        keyframes.last_mut()
    }

    /// The number of its first chunk.
    pub fn first_chunk(&self) -> u64 {
        self.first
    }

    fn add(&mut self, header: &ChunkHeader, batches: Vec<EventBatch>) {
        let follows = header.sequence == self.last.wrapping_add(1);
        if follows {
            self.last = header.sequence;
        }
        self.is_whole = follows && header.flags & flag::KEYFRAME_END != 0;
        self.batches.extend(batches);
    }
}

/// Decodes the whole trace.
///
/// # Errors
/// There are chunks, and none of them can be read.
pub fn decode(source: &Source) -> Result<Decoded, Error> {
    decode_metered(source, &Meter::new())
}

/// The same; `meter` tells meanwhile how far it is.
///
/// # Errors
/// As [`decode`](fn@decode).
pub fn decode_metered(source: &Source, meter: &Meter) -> Result<Decoded, Error> {
    meter.begin(Stage::Reading);
    for chunk in &source.chunks {
        meter.expect(
            chunk.header.compressed_len.into(),
            chunk.header.events.into(),
        );
    }
    let chunks: Vec<Result<Chunk, ais_format::Error>> = source
        .chunks
        .par_iter()
        .map(|chunk| {
            let content = source.content(chunk);
            let decoded = content.and_then(|content| Chunk::decode(&content));
            meter.advance(
                chunk.header.compressed_len.into(),
                chunk.header.events.into(),
            );
            decoded
        })
        .collect();
    if let Some(Err(reason)) = chunks.first()
        && chunks.iter().all(Result::is_err)
    {
        return Err(Error::NothingReadable {
            path: source.path().to_owned(),
            reason: reason.to_string(),
        });
    }

    let readings = source
        .chunks
        .iter()
        .map(|chunk| (chunk.header.clock_tick, chunk.header.clock_ns));
    let (clock, backwards) = Clock::new(source.header.start_tick, readings);
    let mut decoded = Decoded {
        clock,
        cut: source.cut,
        loss: source.loss.clone(),
        begins_late: source.begins_late,
        last_gap: source.last_gap,
        ..Decoded::default()
    };
    if backwards > 0 {
        decoded.loss.notes.push(format!(
            "the clock ran backwards {backwards} times: times near there are uncertain"
        ));
    }
    for (chunk, place) in chunks.into_iter().zip(&source.chunks) {
        match chunk {
            Ok(chunk) => {
                decoded.names.add(&chunk);
                let header = &place.header;
                if header.flags & flag::KEYFRAME != 0
                    && let Some(keyframe) = Keyframe::of(&mut decoded.keyframes, header)
                {
                    keyframe.add(header, chunk.batches);
                    continue;
                }
                for batch in chunk.batches {
                    decoded.events += batch.len() as u64;
                    decoded
                        .threads
                        .entry(batch.head.thread)
                        .or_default()
                        .push((header.generation, batch));
                }
            }
            Err(error) => {
                decoded.loss.chunks += 1;
                let gap = Some(place.header.sequence);
                decoded.last_gap = decoded.last_gap.max(gap);
                decoded.loss.bytes += u64::from(place.header.compressed_len);
                let (sequence, at) = (place.header.sequence, place.offset);
                decoded.loss.notes.push(format!(
                    "chunk {sequence} at byte {at} cannot be read: {error}"
                ));
            }
        }
    }
    for batches in decoded.threads.values_mut() {
        batches.sort_by_key(|(_, batch)| batch.head.first);
    }
    Ok(decoded)
}
