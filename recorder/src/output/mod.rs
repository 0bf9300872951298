//! Where a recording goes: one growing file, a ring of segment files, or memory.
//!
//! Each of them gets the same chunks, in generations that stand alone. A file keeps all of them; a ring and a flight recorder drop the
//! oldest when they are full.

mod medium;
pub(crate) mod ring;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Write as _};
use std::path::{Path, PathBuf};

use ais_format::chunk::Content;
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};

use crate::destination;
use medium::Medium;
use ring::Ring;

/// How a recording is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In one file that grows, to so many bytes at most.
    File(u64),
    /// In segment files of so many bytes together; the oldest go.
    Ring(u64),
    /// In so many bytes of memory, until they are asked for; the oldest go.
    Memory(u64),
}

/// A ring, and a flight recorder, has at least so many generations when it is full.
const GENERATIONS: u64 = 4;

/// A recording's chunks, on their way to where it is kept.
pub(crate) struct Output {
    trace: TraceWriter<Medium>,
    header: FileHeader,
    kept: Kept,
    /// No generation is longer than this, in bytes before compression, save that it is eight times as long as its keyframe.
    generation: u64,
    /// Bytes of this generation before compression, and those of its keyframe.
    raw: u64,
    keyframe: u64,
    /// Where the chunks of this generation begin in the file.
    begin: u64,
    /// Bytes written in all.
    written: u64,
}

/// What is kept of generations that are over.
enum Kept {
    /// All, in the file, up to so many bytes.
    All(u64),
    Ring(Ring),
    /// Those that have room, in so many bytes.
    Newest(u64, VecDeque<Vec<u8>>),
}

impl Output {
    /// Begins one.
    pub(crate) fn new(
        mode: Mode,
        generation: u64,
        path: &Path,
        file: Option<File>,
        header: FileHeader,
    ) -> io::Result<Output> {
        let (medium, kept) = match (mode, file) {
            (Mode::Ring(limit), Some(file)) => {
                (Medium::File(file), Kept::Ring(Ring::new(path, limit)))
            }
            (Mode::File(limit), Some(file)) => (Medium::File(file), Kept::All(limit)),
            (Mode::File(limit) | Mode::Ring(limit) | Mode::Memory(limit), None)
            | (Mode::Memory(limit), Some(_)) => (
                Medium::Memory(Cursor::new(Vec::new())),
                Kept::Newest(limit, VecDeque::new()),
            ),
        };
        let trace = TraceWriter::new(medium, &header)?;
        Ok(Output {
            begin: trace.len(),
            trace,
            header,
            kept,
            generation,
            raw: 0,
            keyframe: 0,
            written: 0,
        })
    }

    /// The number of the next chunk.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.trace.next_sequence()
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.written + self.trace.len()
    }

    /// Whether the generation is as long as one may be.
    pub(crate) fn is_full(&self) -> bool {
        let by_raw = self.raw > self.generation.max(8 * self.keyframe);
        let share = match &self.kept {
            Kept::All(_) => return by_raw,
            Kept::Ring(ring) => ring.limit() / GENERATIONS,
            Kept::Newest(limit, _) => limit / GENERATIONS,
        };
        by_raw || self.trace.len() - self.begin > share
    }

    /// Begins another generation.
    pub(crate) fn begin_generation(&mut self) -> io::Result<()> {
        match &mut self.kept {
            Kept::All(_) => {}
            Kept::Ring(ring) => {
                let next = Medium::File(ring.begin_segment(self.trace.len())?);
                self.written += self.trace.len();
                self.trace.begin_segment(next, &self.header)?;
            }
            Kept::Newest(limit, before) => {
                let next = Medium::Memory(Cursor::new(Vec::new()));
                self.written += self.trace.len();
                if let Medium::Memory(full) = self.trace.begin_segment(next, &self.header)? {
                    before.push_back(full.into_inner());
                }
                let most = *limit - *limit / GENERATIONS;
                while before.iter().map(|bytes| bytes.len() as u64).sum::<u64>() > most {
                    before.pop_front();
                }
            }
        }
        self.trace.begin_generation();
        self.begin = self.trace.len();
        (self.raw, self.keyframe) = (0, 0);
        Ok(())
    }

    /// Writes a chunk, see [`TraceWriter::chunk`].
    pub(crate) fn chunk(
        &mut self,
        content: &Content,
        clock: ClockPair,
        dropped: u64,
        flags: u32,
    ) -> io::Result<()> {
        self.trace.chunk(content, clock, dropped, flags)?;
        self.raw += content.bytes.len() as u64;
        if flags & flag::KEYFRAME != 0 {
            self.keyframe += content.bytes.len() as u64;
        }
        match &mut self.kept {
            Kept::All(limit) if self.trace.len() > *limit => Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("the trace has come to its limit of {limit} bytes"),
            )),
            Kept::Ring(ring) => {
                ring.make_room(self.trace.len());
                Ok(())
            }
            Kept::All(_) | Kept::Newest(..) => Ok(()),
        }
    }

    /// Writes a sign of life, see [`TraceWriter::heartbeat`].
    pub(crate) fn heartbeat(&mut self, clock: ClockPair, dropped: u64) -> io::Result<()> {
        self.trace.heartbeat(clock, dropped)
    }

    /// Ends the recording in good order, and returns how many bytes there are.
    pub(crate) fn finish(self, clock: ClockPair, dropped: u64) -> io::Result<u64> {
        let written = self.written;
        match self.trace.finish(clock, dropped)? {
            Medium::File(file) => {
                let len = file.metadata()?.len();
                file.sync_data()?;
                Ok(written + len)
            }
            Medium::Memory(bytes) => Ok(written + bytes.into_inner().len() as u64),
        }
    }

    /// Writes what a flight recorder has in memory into a file at `path`; returns its path, which is another one where another process
    /// writes there. A file that is being recorded into has it all already.
    pub(crate) fn dump(&self, path: &Path, clock: ClockPair, dropped: u64) -> io::Result<PathBuf> {
        let (Kept::Newest(_, before), Medium::Memory(current)) = (&self.kept, self.trace.get_ref())
        else {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "the recording goes to a file as it is made: there is nothing else to be written",
            ));
        };
        let (path, mut file) = destination::open(path)?;
        let mut write = || -> io::Result<()> {
            for bytes in before {
                file.write_all(bytes)?;
            }
            // A sign of life, which is not there to stay, may follow what is counted.
            let current = &current.get_ref()[..self.trace.len() as usize];
            file.write_all(current)?;
            file.write_all(&self.trace.mark(clock, dropped, flag::SNAPSHOT))?;
            file.sync_data()
        };
        write().map_err(|error| crate::recorder::cannot_write(&path, &error))?;
        Ok(path)
    }
}
