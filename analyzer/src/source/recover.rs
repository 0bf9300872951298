//! What a killed program had recorded and not written is added to its trace.
//!
//! The trace names the live file in which that lies. Where the recording has no end, and the live file is there and locked by nobody any more, its records become chunks at the end of the trace, as the program's own writer would have written them, and the live
//! file is deleted. Where the trace cannot be written, the live file stays, and the chunks are only in memory.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ais_format::chunk::Chunk;
use ais_format::frame::{FileHeader, flag};
use ais_format::live::{Live, Written};
use ais_format::write::{ClockPair, TraceWriter};

use super::{ChunkRef, Directory, ring};

/// What there is to recover.
pub(super) enum Leftover {
    /// Nothing.
    None,
    /// The program still runs, and has the trace locked.
    Running,
    /// What a killed program left behind.
    Left(Killed),
}

/// What a killed program left behind.
pub(super) struct Killed {
    live: Live,
    path: PathBuf,
    /// Nobody else recovers it meanwhile.
    _lock: File,
    /// The trace, where it can be written.
    trace: Option<File>,
}

/// What was recovered.
pub(super) struct Tail {
    /// It comes after so many bytes of the trace.
    pub(super) position: usize,
    /// Chunks.
    pub(super) bytes: Vec<u8>,
}

/// Looks for what a killed program left behind.
pub(super) fn find(trace: &Path, header: &FileHeader) -> Leftover {
    if header.live.is_empty() {
        return Leftover::None;
    }
    let path = match trace.parent() {
        Some(folder) if !header.live.contains(['/', '\\']) => folder.join(&header.live),
        _ => PathBuf::from(&header.live),
    };
    // The program has it locked as long as it lives.
    let Ok(mut live_file) = File::open(&path) else {
        return Leftover::None;
    };
    if matches!(live_file.try_lock(), Err(TryLockError::WouldBlock)) {
        return Leftover::Running;
    }
    let mut bytes = Vec::new();
    let left = live_file
        .read_to_end(&mut bytes)
        .ok()
        .and_then(|_| Live::new(&bytes).ok())
        .filter(|live| live.recording() == header.recording && header.recording != 0)
        // It goes to the end of the recording, not of an earlier segment.
        .filter(|_| !ring::has_successor(trace, header.recording));
    match left {
        None => Leftover::None,
        Some(live) => Leftover::Left(Killed {
            live,
            path,
            _lock: live_file,
            trace: OpenOptions::new().write(true).open(trace).ok(),
        }),
    }
}

impl Killed {
    /// The chunks that the program's writer would have written next.
    pub(super) fn tail(&self, all: &[u8], directory: &Directory<'_>) -> std::io::Result<Tail> {
        let whole = directory.last_whole(all);
        let position = whole.map_or(directory.start, |chunk| chunk.payload.end);
        let last = whole.map(|chunk| chunk.header.sequence);
        let told = whole.map_or(0, |chunk| chunk.header.dropped);
        let written = self.written(all, &directory.chunks, last);
        let recovered = self.live.recover(last, |thread| {
            written.get(&thread).copied().unwrap_or_default()
        });

        let mut out = Cursor::new(Vec::new());
        let mut writer = TraceWriter::resume(&mut out, 0, last.map_or(0, |last| last + 1))?;
        let dropped = told + recovered.dropped;
        let written_at = directory.chunks.iter().map(|chunk| ClockPair {
            tick: chunk.header.clock_tick,
            ns: chunk.header.clock_ns,
        });
        let seen = self.seen(written_at);
        let end = end(seen, &recovered.chunks, directory.header.start_tick);
        for content in &recovered.chunks {
            writer.chunk(content, end, dropped, flag::RECOVERED)?;
        }
        // Everything that any thread recorded is there.
        let cut = flag::RECOVERED | flag::CUT;
        writer.chunk(
            &ais_format::chunk::ChunkBuilder::new().finish(),
            end,
            dropped,
            cut,
        )?;
        drop(writer);
        Ok(Tail {
            position,
            bytes: out.into_inner(),
        })
    }

    /// Puts the tail into the trace, and deletes the live file. Whether that could be done.
    pub(super) fn write(&self, tail: &Tail) -> bool {
        let Some(mut file) = self.trace.as_ref() else {
            return false;
        };
        let mut write = || -> std::io::Result<()> {
            use std::io::{Seek as _, SeekFrom};
            file.seek(SeekFrom::Start(tail.position as u64))?;
            file.write_all(&tail.bytes)?;
            file.set_len((tail.position + tail.bytes.len()) as u64)?;
            file.sync_data()
        };
        if write().is_err() {
            return false;
        }
        // It may belong to somebody else: then it stays, and will be found to have nothing new.
        let _ = std::fs::remove_file(&self.path);
        true
    }

    /// When the program's writer was last seen: by the live file, or by what it has written since.
    fn seen(&self, written_at: impl Iterator<Item = ClockPair>) -> ClockPair {
        written_at
            .chain([self.live.clock()])
            .max_by_key(|clock| clock.tick)
            .unwrap_or_default()
    }

    /// How far those threads are in the trace of which there is more in the live file.
    fn written(&self, all: &[u8], chunks: &[ChunkRef], last: Option<u64>) -> HashMap<u64, Written> {
        let mut missing = self.live.threads(last);
        let mut written = HashMap::new();
        // From the end: threads that record now have recorded just before.
        for chunk in chunks.iter().rev() {
            if missing.is_empty() {
                break;
            }
            let content = chunk.header.decompress(&all[chunk.payload.clone()]);
            let Ok(decoded) = content.and_then(|content| Chunk::decode(&content)) else {
                continue;
            };
            for batch in decoded.batches.iter().rev() {
                let head = batch.head;
                if let Some(index) = missing.iter().position(|&thread| thread == head.thread) {
                    missing.swap_remove(index);
                    written.insert(
                        head.thread,
                        Written {
                            events: head.first + head.events,
                            dropped: head.dropped,
                        },
                    );
                }
            }
        }
        written
    }
}

/// When the program was killed: when its writer was last seen, or at its last event.
fn end(seen: ClockPair, chunks: &[ais_format::chunk::Content], start_tick: u64) -> ClockPair {
    let last = chunks
        .iter()
        .map(|chunk| chunk.last_tick)
        .max()
        .unwrap_or(0);
    let tick = seen.tick.max(last + 1);
    let (ticks, elapsed) = (
        u128::from(seen.tick.saturating_sub(start_tick)),
        u128::from(seen.ns),
    );
    let beyond = (u128::from(tick - seen.tick) * elapsed).checked_div(ticks);
    let ns = seen
        .ns
        .saturating_add(beyond.map_or(tick - seen.tick, |ns| ns as u64));
    ClockPair { tick, ns }
}
