//! The bytes of a trace: read into memory, or mapped.
//!
//! A mapping costs no memory of its own and is there at once, but of a file that somebody cuts it kills the process that looks at it
//! (`SIGBUS`). So only what is large and has its end is mapped: nothing more is written there. What is small is read, since mapping
//! would save nothing, and so is what still grows. How long a file is, is asked once: what is written later is not part of what is read.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::Path;

use ais_format::frame::{CHUNK_HEADER_LEN, ChunkHeader, FileHeader, flag};

use crate::meter::Meter;

/// Files up to this size are read instead of mapped.
const READ_UP_TO: u64 = 64 << 20;

/// So many bytes are read at a time: as many as a pipe holds.
const BLOCK: u64 = 64 << 10;

/// So many bytes tell whether a file begins as a trace does.
const SIGNATURE: u64 = 16;

/// How the bytes of a trace are got at.
///
/// A mapping takes no memory beyond what is looked at, and the system may take that back; but when somebody cuts the file meanwhile,
/// the process is killed (by `SIGBUS`, on Unix). What is read takes as much memory as the file is long, and nothing that happens to the
/// file later can do harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Maps a file that is large and has its end, so that its recorder writes no more; reads any other. That leaves one danger: a
    /// program that is started again, and records into the same file, cuts it.
    #[default]
    Auto,
    /// Reads it into memory: right where somebody may cut the file.
    Read,
    /// Maps any file, whoever writes to it: right where it is known that nobody does, and memory is short. Pipes and devices are read.
    Map,
}

/// The bytes of a trace.
#[derive(Debug)]
pub(super) enum Bytes {
    /// In memory.
    Read(Vec<u8>),
    /// In the file.
    Mapped(memmap2::Mmap),
}

impl Bytes {
    pub(super) fn open(path: &Path, access: Access, meter: &Meter) -> io::Result<Bytes> {
        Bytes::of(File::open(path)?, access, meter)
    }

    /// What is in a file that is at its beginning.
    pub(super) fn of(file: File, access: Access, meter: &Meter) -> io::Result<Bytes> {
        Bytes::with_limit(file, access, READ_UP_TO, meter)
    }

    fn with_limit(mut file: File, access: Access, limit: u64, meter: &Meter) -> io::Result<Bytes> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return read_stream(file, meter).map(Bytes::Read);
        }
        let len = metadata.len();
        let is_mapped = match access {
            Access::Auto => len > limit && has_end(&mut file, len)?,
            Access::Read => false,
            Access::Map => true,
        };
        if is_mapped {
            map(&file, len).map(Bytes::Mapped)
        } else {
            read(file, len, meter).map(Bytes::Read)
        }
    }

    /// These, with others before them.
    pub(super) fn after(self, before: &[u8]) -> Bytes {
        if before.is_empty() {
            self
        } else {
            Bytes::Read([before, self.as_slice()].concat())
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

/// Whether the first `len` bytes of a file end in a mark after which its recorder writes nothing.
fn has_end(file: &mut File, len: u64) -> io::Result<bool> {
    let Some(at) = len.checked_sub(CHUNK_HEADER_LEN as u64) else {
        return Ok(false);
    };
    let mut last = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.by_ref()
        .take(CHUNK_HEADER_LEN as u64)
        .read_to_end(&mut last)?;
    file.rewind()?;
    let ends = flag::FINAL | flag::RECOVERED | flag::SNAPSHOT;
    Ok(ChunkHeader::decode(&last)
        .is_ok_and(|(mark, _)| mark.compressed_len == 0 && mark.flags & ends != 0))
}

/// The first `len` bytes of a file: fewer, where it was cut meanwhile.
fn read(file: File, len: u64, meter: &Meter) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let room = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(room)?;
    meter.expect(len, 0);
    read_on(file.take(len), &mut bytes, meter)?;
    Ok(bytes)
}

/// Adds all that there is to read.
pub(super) fn read_on(mut from: impl Read, bytes: &mut Vec<u8>, meter: &Meter) -> io::Result<()> {
    loop {
        let read = from.by_ref().take(BLOCK).read_to_end(bytes)? as u64;
        meter.advance(read, 0);
        if read < BLOCK {
            return Ok(());
        }
    }
}

/// What comes out of a pipe or a device. It may never end: what does not begin as a trace is not read on.
fn read_stream(mut file: File, meter: &Meter) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.by_ref().take(SIGNATURE).read_to_end(&mut bytes)?;
    if !matches!(
        FileHeader::decode(&bytes),
        Err(ais_format::Error::NotATrace(_))
    ) {
        read_on(file, &mut bytes, meter)?;
    }
    Ok(bytes)
}

#[allow(unsafe_code, reason = "mapping a file is unsafe by nature; see SAFETY")]
fn map(file: &File, len: u64) -> io::Result<memmap2::Mmap> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    // SAFETY: the mapping is read-only and private to this process's view. Another process that writes into the file changes bytes
    // that are checked by their checksum before they are believed, and are never interpreted as anything but integers; one that
    // cuts the file makes reading beyond its end a SIGBUS, which ends this process but corrupts nothing. Recorders cut no file that
    // they have not ended, and one that has its end only to record it anew.
    unsafe { memmap2::MmapOptions::new().len(len).map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::fs::{self, OpenOptions};
    use std::io::Write as _;
    use std::path::PathBuf;
    use std::sync::Arc;

    use ais_format::chunk::ChunkBuilder;
    use ais_format::event::TaskDrop;
    use ais_format::write::{ClockPair, TraceWriter};

    use crate::Error;
    use crate::history::rebuild;
    use crate::meter::{Count, Stage};
    use crate::source::{Ending, Source};

    const CHUNKS: u64 = 100;
    const EVENTS: u64 = 50;

    /// A trace of several thousand bytes: in a folder of its own, so that other processes may do with it what they like.
    struct Recorded {
        folder: tempfile::TempDir,
    }

    impl Recorded {
        /// With its end, or without.
        fn new(has_end: bool) -> Recorded {
            let recorded = Recorded {
                folder: tempfile::tempdir().unwrap(),
            };
            let file = File::create_new(recorded.path()).unwrap();
            let mut writer = TraceWriter::new(file, &FileHeader::default()).unwrap();
            let mut clock = ClockPair::default();
            for number in 0..CHUNKS {
                let mut chunk = ChunkBuilder::new();
                for event in 0..EVENTS {
                    clock.tick += 1;
                    chunk.event(clock.tick, &TaskDrop { task: event });
                }
                chunk.end_batch(1, number * EVENTS, 0);
                clock.ns = clock.tick;
                writer.chunk(&chunk.finish(), clock, 0, flag::CUT).unwrap();
            }
            if has_end {
                writer.finish(clock, 0).unwrap();
            }
            recorded
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("trace.ais")
        }

        fn len(&self) -> u64 {
            fs::metadata(self.path()).unwrap().len()
        }

        /// What somebody else does who cuts it, or makes it longer by zeros.
        fn set_len(&self, len: u64) {
            let file = OpenOptions::new().write(true).open(self.path());
            file.unwrap().set_len(len).unwrap();
        }

        /// Its bytes, where files of more than `limit` are large.
        fn bytes(&self, access: Access, limit: u64) -> Bytes {
            Bytes::with_limit(
                File::open(self.path()).unwrap(),
                access,
                limit,
                &Meter::new(),
            )
            .unwrap()
        }

        fn is_mapped(&self, access: Access, limit: u64) -> bool {
            let bytes = self.bytes(access, limit);
            assert_eq!(bytes.as_slice(), fs::read(self.path()).unwrap());
            matches!(bytes, Bytes::Mapped(_))
        }
    }

    #[test]
    fn a_large_file_that_has_its_end_is_mapped() {
        let recorded = Recorded::new(true);
        assert!(recorded.is_mapped(Access::Auto, 1000));
        assert!(!recorded.is_mapped(Access::Auto, recorded.len()));
    }

    #[test]
    fn large_is_what_is_longer_than_64_mib() {
        let recorded = Recorded::new(false);
        let mark = ChunkHeader {
            flags: flag::FINAL,
            ..ChunkHeader::default()
        };
        for (begins_at, is_large) in [(64 << 20, true), (63 << 20, false)] {
            let mut file = File::create(recorded.path()).unwrap();
            file.set_len(begins_at).unwrap();
            file.seek(SeekFrom::End(0)).unwrap();
            file.write_all(&mark.encode()).unwrap();
            let bytes = Bytes::open(&recorded.path(), Access::Auto, &Meter::new()).unwrap();
            assert_eq!(matches!(bytes, Bytes::Mapped(_)), is_large);
        }
    }

    #[test]
    fn a_file_without_end_is_read_since_it_may_still_be_written() {
        let recorded = Recorded::new(false);
        assert!(!recorded.is_mapped(Access::Auto, 1000));
        // Shorter than any mark.
        recorded.set_len(1);
        assert!(!recorded.is_mapped(Access::Auto, 0));
    }

    #[test]
    fn what_was_recovered_from_a_killed_program_has_its_end() {
        let recorded = Recorded::new(false);
        let file = OpenOptions::new()
            .write(true)
            .open(recorded.path())
            .unwrap();
        let mut writer = TraceWriter::resume(file, recorded.len(), CHUNKS).unwrap();
        let flags = flag::RECOVERED | flag::CUT;
        let nothing = ChunkBuilder::new().finish();
        writer
            .chunk(&nothing, ClockPair::default(), 0, flags)
            .unwrap();
        assert!(recorded.is_mapped(Access::Auto, 1000));
    }

    #[test]
    fn one_who_says_how_is_obeyed() {
        let recorded = Recorded::new(true);
        assert!(!recorded.is_mapped(Access::Read, 0));
        assert!(recorded.is_mapped(Access::Map, u64::MAX));
        recorded.set_len(0);
        assert!(recorded.is_mapped(Access::Map, u64::MAX));
    }

    #[test]
    fn a_large_trace_that_is_cut_after_it_was_read_is_whole_in_memory() {
        let recorded = Recorded::new(true);
        let bytes = recorded.bytes(Access::Read, 1000);
        recorded.set_len(0);
        let source = Source::new(recorded.path(), bytes).unwrap();
        assert_eq!(source.ending, Ending::Finished);
        assert_eq!(
            rebuild(&source, &source.whole()).unwrap().events,
            CHUNKS * EVENTS
        );
    }

    #[test]
    fn a_large_trace_that_is_cut_before_it_is_read_is_read_as_far_as_it_goes() {
        let recorded = Recorded::new(true);
        recorded.set_len(recorded.len() / 2);
        let source = Source::new(recorded.path(), recorded.bytes(Access::Auto, 1000)).unwrap();
        assert_eq!(source.ending, Ending::Unknown);
        assert!(source.loss.notes[0].contains("the file is cut off"));
        let events = rebuild(&source, &source.whole()).unwrap().events;
        assert!((1..CHUNKS * EVENTS).contains(&events), "{events}");
    }

    #[test]
    fn what_is_cut_while_it_is_read_is_read_as_far_as_it_goes() {
        let recorded = Recorded::new(true);
        let file = File::open(recorded.path()).unwrap();
        let len = recorded.len();
        recorded.set_len(len / 2);
        assert_eq!(
            read(file, len, &Meter::new()).unwrap().len() as u64,
            len / 2
        );
    }

    #[test]
    fn a_file_that_grows_while_it_is_looked_at_is_as_long_as_it_was() {
        let recorded = Recorded::new(true);
        let (file, len) = (File::open(recorded.path()).unwrap(), recorded.len());
        recorded.set_len(len * 2);
        assert_eq!(map(&file, len).unwrap().len() as u64, len);
        assert_eq!(read(file, len, &Meter::new()).unwrap().len() as u64, len);
    }

    #[test]
    fn a_file_larger_than_memory_is_an_error_and_no_crash() {
        let recorded = Recorded::new(true);
        let file = File::open(recorded.path()).unwrap();
        let error = read(file, u64::MAX / 2, &Meter::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn the_meter_tells_of_every_byte_and_every_event() {
        let all = |total| Count { done: total, total };
        let recorded = Recorded::new(true);
        let meter = Arc::default();
        let source = Source::open_metered(&recorded.path(), Access::Auto, &meter).unwrap();
        let level = meter.level();
        assert_eq!(level.stage, Some(Stage::Loading));
        assert_eq!(level.bytes, all(recorded.len()));

        rebuild(&source, &source.whole()).unwrap();
        let level = meter.level();
        assert_eq!(level.stage, Some(Stage::Rebuilding));
        assert_eq!(level.events, all(CHUNKS * EVENTS));
        let chunks = source.chunks.iter();
        let compressed = chunks.map(|chunk| u64::from(chunk.header.compressed_len));
        assert_eq!(level.bytes, all(compressed.sum()));
    }

    #[test]
    fn a_folder_is_no_trace() {
        let recorded = Recorded::new(true);
        let error = Source::open_with(recorded.folder.path(), Access::Map).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
