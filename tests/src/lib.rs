//! What the end-to-end tests share: recording a program in this process, and a plain look into the file that came of it.
//!
//! The look is deliberately slow and obvious (frame after frame, everything in memory): it is what the tests compare others with.
#![forbid(unsafe_code)]

pub mod build;
pub mod events;
pub mod glance;
pub mod profile;

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ais_format::Error;
use ais_format::chunk::Chunk;
use ais_format::frame::{ChunkHeader, FileHeader};
use ais_recorder::{Recorder, Status};

use events::Events;

/// Runs `program` while this process is recorded into the file at `path`.
///
/// A process has one recording at a time: calls from other threads wait for their turn. What other tests of the same process do meanwhile
/// with recorded types is recorded too, so tests that record belong in a binary where every test does so through this function.
///
/// # Errors
/// The recording could not be started or ended.
pub fn record<T>(path: &Path, program: impl FnOnce() -> T) -> io::Result<(T, Status)> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = Recorder::builder().path(path).start()?;
    let result = program();
    Ok((result, recorder.stop()?))
}

/// Records `program` in a file that is read back and deleted.
///
/// # Errors
/// As [`record`]; or what was written cannot be read.
///
/// # Panics
/// Events were lost.
pub fn events_of(program: impl FnOnce()) -> io::Result<Events> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("trace.ais");
    let ((), status) = record(&path, program)?;
    assert_eq!(status.dropped, 0, "events were lost");
    let trace = Trace::read(&std::fs::read(&path)?).map_err(io::Error::other)?;
    Ok(Events::of(&trace))
}

/// A whole trace in memory.
#[derive(Debug)]
pub struct Trace {
    /// What the file says of itself.
    pub header: FileHeader,
    /// Every chunk with its header and its content, as bytes and decoded.
    pub chunks: Vec<(ChunkHeader, Vec<u8>, Chunk)>,
}

impl Trace {
    /// Reads a trace that must be whole.
    ///
    /// # Errors
    /// Anything in it is damaged or cut.
    pub fn read(bytes: &[u8]) -> Result<Trace, Error> {
        let (header, mut at) = FileHeader::decode(bytes)?;
        let mut chunks = Vec::new();
        while at < bytes.len() {
            let (chunk, len) = ChunkHeader::decode(&bytes[at..])?;
            at += len;
            let end = at + chunk.compressed_len as usize;
            let compressed = bytes.get(at..end).ok_or(Error::Cut("a chunk"))?;
            let content = chunk.decompress(compressed)?;
            let decoded = Chunk::decode(&content)?;
            chunks.push((chunk, content, decoded));
            at = end;
        }
        Ok(Trace { header, chunks })
    }
}
