//! From a path to a directory of chunks: which there are, which are missing, without decompressing any.
//!
//! A trace is read front to back by hopping from header to header. Where a header makes no sense, the search goes on at the next
//! place that looks like one; what lies between is lost, and counted.

mod bytes;
mod parts;
mod recover;
mod ring;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ais_format::frame::{ChunkHeader, Decompressor, FileHeader, find_chunk_header, flag};

use serde::Serialize;

use crate::Error;
use crate::meter::{Meter, Stage};
pub use bytes::Access;
use bytes::Bytes;
pub use parts::{Part, Window};
use recover::{Killed, Leftover};

/// The bytes of a trace, and where its chunks are.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Bytes,
    meter: Arc<Meter>,
    /// What the file says of itself.
    pub header: FileHeader,
    /// The chunks in the order of the file.
    pub chunks: Vec<ChunkRef>,
    /// What is missing, as far as headers tell.
    pub loss: Loss,
    /// The last tick up to which the events of all threads are in the file: beyond it, those of some may be missing.
    pub cut: Option<u64>,
    /// How the recording ended.
    pub ending: Ending,
    /// It begins with a later generation: those before it are not kept.
    pub begins_late: bool,
    /// The number of the last chunk that is missing.
    pub last_gap: Option<u64>,
}

/// How a recording ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// In good order.
    Finished,
    /// It did not: the program still runs and records.
    Running,
    /// It went on: this is what a flight recorder had in memory.
    Snapshot,
    /// The program was killed. What it had recorded until then is there.
    Killed,
    /// The program was killed, or still runs elsewhere: what it recorded at last may be missing.
    #[default]
    Unknown,
}

/// Where a chunk is.
#[derive(Clone, Debug)]
pub struct ChunkRef {
    /// Its header.
    pub header: ChunkHeader,
    /// Where its header begins in the file.
    pub offset: usize,
    payload: Range<usize>,
}

/// What is missing from a trace. Nothing that is missing is passed over in silence: each entry is a sentence for the reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Chunks that are not there, or damaged.
    pub chunks: u64,
    /// Bytes of the file that could not be read.
    pub bytes: u64,
    /// Events that the recorder could not keep, because they came faster than it could write.
    pub events_dropped: u64,
    /// What happened, in words, in the order of the file.
    pub notes: Vec<String>,
}

impl Ending {
    /// What is to be said of a recording that did not end in good order; none of one that did.
    pub fn sentence(self) -> Option<&'static str> {
        match self {
            Ending::Finished => None,
            Ending::Running => Some("it goes on: the program still runs"),
            Ending::Snapshot => Some("what a flight recorder had in memory; the program went on"),
            Ending::Killed => {
                Some("the program was killed; what it had recorded until then is here")
            }
            Ending::Unknown => {
                Some("it did not end in good order: the program was killed, or still runs")
            }
        }
    }
}

impl Loss {
    /// Adds what is missing elsewhere.
    pub(crate) fn add(&mut self, other: &Loss) {
        self.chunks = self.chunks.saturating_add(other.chunks);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.events_dropped = self.events_dropped.saturating_add(other.events_dropped);
        self.notes.extend_from_slice(&other.notes);
    }

    /// Whether something is missing from the middle of the record: what an analysis says may then rest on an incomplete picture.
    pub fn is_gap(&self) -> bool {
        self.chunks > 0 || self.events_dropped > 0
    }

    /// One sentence for a header; none where nothing is missing.
    pub fn sentence(&self) -> Option<String> {
        let mut parts = Vec::new();
        let plural = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        if self.chunks > 0 {
            parts.push(format!("{} lost", plural(self.chunks, "chunk")));
        }
        if self.bytes > 0 {
            parts.push(format!("{} unreadable", plural(self.bytes, "byte")));
        }
        if self.events_dropped > 0 {
            parts.push(format!(
                "{} dropped by the recorder",
                plural(self.events_dropped, "event")
            ));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl Source {
    /// Opens a trace and finds its chunks.
    ///
    /// # Errors
    /// The file cannot be read, or does not begin as a trace does.
    pub fn open(path: &Path) -> Result<Source, Error> {
        Source::open_with(path, Access::default())
    }

    /// The same, with a say in whether the file is mapped.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_with(path: &Path, access: Access) -> Result<Source, Error> {
        Source::open_metered(path, access, &Arc::default())
    }

    /// The same; `meter` tells meanwhile, and whenever the trace is read later, how far that is.
    ///
    /// # Errors
    /// As [`Source::open`].
    pub fn open_metered(path: &Path, access: Access, meter: &Arc<Meter>) -> Result<Source, Error> {
        let io = |reason| Error::Io {
            path: path.to_owned(),
            reason,
        };
        let mut segments = if path.exists() {
            Vec::new()
        } else {
            ring::open(path).map_err(io)?
        };
        // What is being written, or was when the program was killed; what comes before it is complete.
        let (last, opened) = match segments.pop() {
            Some(segment) => (segment.path, Some(segment.file)),
            None => (path.to_owned(), None),
        };
        meter.begin(Stage::Loading);
        for segment in &segments {
            meter.expect(segment.file.metadata().map_err(io)?.len(), 0);
        }
        let mut before = Vec::new();
        for segment in segments {
            bytes::read_on(segment.file, &mut before, meter).map_err(io)?;
        }
        let file = opened.map_or_else(|| File::open(&last), Ok).map_err(io)?;
        let bytes = Bytes::of(file, access, meter).map_err(io)?.after(&before);
        let mut source = Source::new(path.to_owned(), bytes)?;
        source.meter = Arc::clone(meter);
        if source.ending != Ending::Unknown {
            return Ok(source);
        }
        match recover::find(&last, &source.header) {
            Leftover::None => Ok(source),
            Leftover::Running => Ok(Source {
                ending: Ending::Running,
                ..source
            }),
            Leftover::Left(killed) => {
                // What was written since it was opened is there now, and nothing more will be.
                let whole = Bytes::open(&last, access, meter).map_err(io)?;
                let recovered = Source::new(last, whole)?.recover(&killed, access, meter)?;
                let whole = recovered.bytes.after(&before);
                Ok(Source {
                    meter: Arc::clone(meter),
                    ..Source::new(path.to_owned(), whole)?
                })
            }
        }
    }

    /// Adds what a killed program left behind.
    fn recover(self, killed: &Killed, access: Access, meter: &Meter) -> Result<Source, Error> {
        let all = self.bytes.as_slice();
        let (_, start) = FileHeader::decode(all).map_err(|reason| Error::Format {
            path: self.path.clone(),
            reason,
        })?;
        let mut directory = Directory::of(&self.header, start);
        directory.read(all);
        let tail = match killed.tail(all, &directory) {
            Ok(tail) => tail,
            Err(reason) => {
                let path = self.path;
                return Err(Error::Io { path, reason });
            }
        };
        let bytes = if killed.write(&tail) {
            Bytes::open(&self.path, access, meter).map_err(|reason| Error::Io {
                path: self.path.clone(),
                reason,
            })?
        } else {
            Bytes::Read([&all[..tail.position], &tail.bytes].concat())
        };
        Source::new(self.path, bytes)
    }

    /// A trace from bytes in memory; `path` is what messages call it.
    ///
    /// # Errors
    /// The bytes do not begin as a trace does.
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Source, Error> {
        Source::new(path.to_owned(), Bytes::Read(bytes))
    }

    fn new(path: PathBuf, bytes: Bytes) -> Result<Source, Error> {
        let all = bytes.as_slice();
        let (header, start) = FileHeader::decode(all).map_err(|reason| Error::Format {
            path: path.clone(),
            reason,
        })?;
        let mut directory = Directory::of(&header, start);
        directory.read(all);
        let Directory {
            chunks,
            loss,
            ending,
            begins_late,
            last_gap,
            ..
        } = directory;
        let tells_cut = |chunk: &&ChunkRef| {
            let tells = flag::CUT | flag::HEARTBEAT | flag::FINAL | flag::SNAPSHOT;
            chunk.header.flags & tells != 0
        };
        let cut = chunks
            .iter()
            .rfind(tells_cut)
            .map(|chunk| chunk.header.clock_tick);
        Ok(Source {
            path,
            bytes,
            meter: Arc::default(),
            header,
            chunks,
            loss,
            cut,
            ending,
            begins_late,
            last_gap,
        })
    }

    /// What the file is called.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells how far the reading of it is.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The same as [`Source::content`], in memory that is used again.
    pub(crate) fn content_in<'d>(
        &self,
        chunk: &ChunkRef,
        decompressor: &'d mut Decompressor,
    ) -> Result<&'d [u8], ais_format::Error> {
        let compressed = &self.bytes.as_slice()[chunk.payload.clone()];
        decompressor.decompress(&chunk.header, compressed)
    }

    /// Checks and decompresses the content of a chunk.
    ///
    /// # Errors
    /// It is damaged.
    ///
    /// # Panics
    /// It is a chunk of another trace, which is longer.
    pub fn content(&self, chunk: &ChunkRef) -> Result<Vec<u8>, ais_format::Error> {
        chunk
            .header
            .decompress(&self.bytes.as_slice()[chunk.payload.clone()])
    }
}

/// Collects chunks while the file is walked.
struct Directory<'a> {
    header: &'a FileHeader,
    chunks: Vec<ChunkRef>,
    loss: Loss,
    ending: Ending,
    next_sequence: u64,
    begins_late: bool,
    last_gap: Option<u64>,
    /// Where the first chunk is.
    start: usize,
}

impl<'a> Directory<'a> {
    fn of(header: &'a FileHeader, start: usize) -> Self {
        Directory {
            header,
            chunks: Vec::new(),
            loss: Loss::default(),
            ending: Ending::Unknown,
            next_sequence: 0,
            begins_late: false,
            last_gap: None,
            start,
        }
    }

    fn read(&mut self, all: &[u8]) {
        let mut at = self.start;
        while at < all.len() {
            match ChunkHeader::decode(&all[at..]) {
                Ok((header, len)) => {
                    let payload = at + len..at + len + header.compressed_len as usize;
                    if payload.end > all.len() {
                        self.lose_tail(all.len() - at, at);
                        return;
                    }
                    let end = payload.end;
                    self.add(ChunkRef {
                        header,
                        offset: at,
                        payload,
                    });
                    at = end;
                }
                Err(_)
                    if FileHeader::decode(&all[at..])
                        .is_ok_and(|(next, _)| next.recording == self.header.recording) =>
                {
                    // The next segment of the same recording.
                    at += FileHeader::decode(&all[at..]).map_or(1, |(_, len)| len);
                }
                Err(error) => match find_chunk_header(&all[at + 1..]) {
                    Some(skipped) => {
                        self.loss.bytes += skipped as u64 + 1;
                        self.loss.notes.push(format!(
                            "{} bytes at byte {at} cannot be read: {error}",
                            skipped + 1
                        ));
                        at += skipped + 1;
                    }
                    None => {
                        self.lose_tail(all.len() - at, at);
                        return;
                    }
                },
            }
        }
    }

    /// The last chunk, signs of life left aside, that is whole: a process may be killed while it writes one.
    fn last_whole(&self, all: &[u8]) -> Option<&ChunkRef> {
        self.chunks.iter().rev().find(|chunk| {
            chunk.header.flags & flag::HEARTBEAT == 0
                && chunk.header.decompress(&all[chunk.payload.clone()]).is_ok()
        })
    }

    fn lose_tail(&mut self, bytes: usize, at: usize) {
        self.loss.bytes += bytes as u64;
        self.loss.notes.push(format!(
            "the file is cut off or damaged from byte {at} on: the last {bytes} bytes are lost"
        ));
    }

    fn add(&mut self, chunk: ChunkRef) {
        let sequence = chunk.header.sequence;
        // A generation needs nothing that is before it: a ring is whole from there on.
        let is_begin = chunk.header.flags & flag::KEYFRAME != 0 && chunk.header.generation > 0;
        if self.chunks.is_empty() && is_begin && sequence > 0 {
            self.begins_late = true;
            self.next_sequence = sequence;
        }
        if sequence < self.next_sequence {
            self.loss.notes.push(format!(
                "chunk {sequence} at byte {} stands twice or out of order: not read",
                chunk.offset
            ));
            return;
        }
        if sequence > self.next_sequence {
            let missing = sequence - self.next_sequence;
            self.loss.chunks = self.loss.chunks.saturating_add(missing);
            self.last_gap = Some(sequence - 1);
            self.loss.notes.push(match missing {
                1 => format!("chunk {} is missing", self.next_sequence),
                _ => format!(
                    "chunks {} to {} are missing",
                    self.next_sequence,
                    sequence - 1
                ),
            });
        }
        self.loss.events_dropped = self.loss.events_dropped.max(chunk.header.dropped);
        if chunk.header.flags & flag::FINAL != 0 {
            self.ending = Ending::Finished;
        } else if chunk.header.flags & flag::RECOVERED != 0 {
            self.ending = Ending::Killed;
        } else if chunk.header.flags & flag::SNAPSHOT != 0 {
            self.ending = Ending::Snapshot;
        }
        self.next_sequence =
            sequence.saturating_add(u64::from(chunk.header.flags & flag::HEARTBEAT == 0));
        self.chunks.push(chunk);
    }
}
