//! From chunks to events: decompression and decoding in parallel, then one list of batches for each thread, in its order.

use std::collections::BTreeMap;

use ais_format::chunk::{Chunk, EventBatch};
use rayon::prelude::*;

use crate::Error;
use crate::clock::Clock;
use crate::names::Names;
use crate::source::{Loss, Source};

/// All events of a trace.
#[derive(Debug, Default)]
pub struct Decoded {
    /// What the numbers stand for.
    pub names: Names,
    /// The events of each thread, by its number, in the order in which the thread recorded them.
    pub threads: BTreeMap<u64, Vec<EventBatch>>,
    /// The last tick up to which the events of all threads are there.
    pub cut: Option<u64>,
    /// What the ticks mean.
    pub clock: Clock,
    /// How many events there are.
    pub events: u64,
    /// What is missing.
    pub loss: Loss,
}

/// Decodes the whole trace.
///
/// # Errors
/// There are chunks, and none of them can be read.
pub fn decode(source: &Source) -> Result<Decoded, Error> {
    let chunks: Vec<Result<Chunk, ais_format::Error>> = source
        .chunks
        .par_iter()
        .map(|chunk| {
            source
                .content(chunk)
                .and_then(|content| Chunk::decode(&content))
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
                for batch in chunk.batches {
                    decoded.events += batch.len() as u64;
                    decoded
                        .threads
                        .entry(batch.head.thread)
                        .or_default()
                        .push(batch);
                }
            }
            Err(error) => {
                decoded.loss.chunks += 1;
                decoded.loss.bytes += u64::from(place.header.compressed_len);
                let (sequence, at) = (place.header.sequence, place.offset);
                decoded.loss.notes.push(format!(
                    "chunk {sequence} at byte {at} cannot be read: {error}"
                ));
            }
        }
    }
    for batches in decoded.threads.values_mut() {
        batches.sort_by_key(|batch| batch.head.first);
    }
    Ok(decoded)
}
