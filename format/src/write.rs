//! A growing trace file: header, chunks, heartbeats, end.
//!
//! Each chunk reaches the file in one write, so that a reader, or a kill, sees it whole or not at all. While nothing happens a
//! *heartbeat* keeps the end of the trace moving, so that a hang of an hour is an hour long in the trace; the next chunk overwrites
//! it, so that idling costs no disk.

use std::io::{self, Seek, SeekFrom, Write};

use crate::MAX_RAW_LEN;
use crate::chunk::Content;
use crate::frame::{ChunkHeader, FileHeader, flag};

/// A reading of the recording's clock and of the monotonic clock at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockPair {
    /// In ticks of the recording's clock.
    pub tick: u64,
    /// In nanoseconds since the recording began.
    pub ns: u64,
}

/// The zstd level: more costs the recorded program time for a few percent of space.
const LEVEL: i32 = 1;

/// Writes a trace into `W`.
pub struct TraceWriter<W> {
    out: W,
    compressor: zstd::bulk::Compressor<'static>,
    sequence: u64,
    /// Where the next chunk goes.
    position: u64,
    generation: u32,
}

impl<W: Write + Seek> TraceWriter<W> {
    /// Begins a trace at the start of `out`.
    ///
    /// # Errors
    /// Writing fails.
    pub fn new(mut out: W, header: &FileHeader) -> io::Result<Self> {
        let bytes = header.encode();
        out.write_all(&bytes)?;
        let compressor = zstd::bulk::Compressor::new(LEVEL)?;
        Ok(TraceWriter {
            out,
            compressor,
            sequence: 0,
            position: bytes.len() as u64,
            generation: 0,
        })
    }

    /// Goes on with a trace that ends after `position` bytes, the next chunk of which has number `sequence`.
    ///
    /// # Errors
    /// There is no memory for compressing.
    pub fn resume(out: W, position: u64, sequence: u64) -> io::Result<Self> {
        Ok(TraceWriter {
            out,
            compressor: zstd::bulk::Compressor::new(LEVEL)?,
            sequence,
            position,
            generation: 0,
        })
    }

    /// Begins another generation: chunks from here on need nothing that is before them.
    pub fn begin_generation(&mut self) {
        self.generation += 1;
    }

    /// Goes on at the start of another `out`, a segment of the same recording; returns the one before.
    ///
    /// # Errors
    /// Writing fails. Then the trace goes on where it was.
    pub fn begin_segment(&mut self, mut out: W, header: &FileHeader) -> io::Result<W> {
        let bytes = header.encode();
        out.write_all(&bytes)?;
        self.position = bytes.len() as u64;
        Ok(std::mem::replace(&mut self.out, out))
    }

    /// What the trace is written into.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// The header of a chunk without content that would stand here, with these [`flag`] bits.
    #[must_use]
    pub fn mark(&self, clock: ClockPair, dropped: u64, flags: u32) -> Vec<u8> {
        ChunkHeader {
            flags,
            ..self.header(clock, dropped)
        }
        .encode()
    }

    /// The number of the next chunk.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// How many bytes the trace has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.position
    }

    /// Whether no chunk was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequence == 0
    }

    /// Writes a chunk. `clock` was read before the events of the chunk were collected; `dropped` events are lost so far; `flags` are
    /// [`flag`] bits.
    ///
    /// # Errors
    /// Compressing or writing fails. What was written before stays readable; the chunk may be tried again.
    pub fn chunk(
        &mut self,
        content: &Content,
        clock: ClockPair,
        dropped: u64,
        flags: u32,
    ) -> io::Result<()> {
        if content.bytes.len() > MAX_RAW_LEN {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a chunk is larger than a reader takes",
            ));
        }
        let compressed = if content.bytes.is_empty() {
            Vec::new()
        } else {
            self.compressor.compress(&content.bytes)?
        };
        let header = ChunkHeader {
            flags,
            first_tick: content.first_tick,
            last_tick: content.last_tick,
            events: content.events,
            raw_len: content.bytes.len() as u32,
            compressed_len: compressed.len() as u32,
            compressed_crc: crc32fast::hash(&compressed),
            ..self.header(clock, dropped)
        };
        let mut bytes = header.encode();
        bytes.extend_from_slice(&compressed);
        self.write(&bytes)?;
        self.sequence += 1;
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// Writes a sign of life, which the next chunk will overwrite.
    ///
    /// # Errors
    /// Writing fails.
    pub fn heartbeat(&mut self, clock: ClockPair, dropped: u64) -> io::Result<()> {
        let header = ChunkHeader {
            flags: flag::HEARTBEAT,
            ..self.header(clock, dropped)
        };
        self.write(&header.encode())
    }

    /// Ends the trace in good order.
    ///
    /// # Errors
    /// Writing fails.
    pub fn finish(mut self, clock: ClockPair, dropped: u64) -> io::Result<W> {
        let header = ChunkHeader {
            flags: flag::FINAL,
            ..self.header(clock, dropped)
        };
        self.write(&header.encode())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&self, clock: ClockPair, dropped: u64) -> ChunkHeader {
        ChunkHeader {
            sequence: self.sequence,
            generation: self.generation,
            clock_tick: clock.tick,
            clock_ns: clock.ns,
            dropped,
            ..ChunkHeader::default()
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(self.position))?;
        self.out.write_all(bytes)
    }
}
