//! Headers and checksums: where a chunk starts, and whether it is whole.
//!
//! A trace is a valid zstd stream, so everything that is not compressed content sits in zstd *skippable frames*
//! ([RFC 8878, 3.1.2](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2)): magic number, length, bytes that decompressors step
//! over. Ours begin with a tag of eight bytes and end with a CRC-32 (IEEE) of what precedes it in the frame. A file is a
//! [`FileHeader`] frame, then chunks: a [`ChunkHeader`] frame each, directly followed by one zstd frame where the chunk has content.
//! All numbers outside of MessagePack are little-endian.

use crate::msgpack::{Reader, write_map_len, write_str, write_uint};
use crate::{Error, MAX_RAW_LEN, VERSION_MAJOR, VERSION_MINOR};

/// The magic number of our skippable frames.
pub const SKIPPABLE_MAGIC: u32 = 0x184D_2A5A;
/// The tag of a [`FileHeader`].
pub const FILE_TAG: [u8; 8] = *b"AISTRACE";
/// The tag of a [`ChunkHeader`].
pub const CHUNK_TAG: [u8; 8] = *b"AISCHUNK";
/// How many bytes precede the content of a skippable frame: magic number and length.
const PREFIX: usize = 8;
/// The content of a chunk header in this version.
const CHUNK_CONTENT: usize = 8 + 6 * 8 + 7 * 4 + 4;
/// The bytes of a chunk header, with the prefix of its frame.
pub const CHUNK_HEADER_LEN: usize = PREFIX + CHUNK_CONTENT;
/// No header may be longer than this.
const MAX_HEADER: usize = 1 << 16;

/// What a file says of itself at its beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileHeader {
    /// The same in all files of one recording, and only there.
    pub recording: u64,
    /// The file name of the recorded program.
    pub program: String,
    /// Its process id.
    pub pid: u64,
    /// When the recording began, in nanoseconds since 1970 UTC.
    pub started_unix_ns: u64,
    /// The first tick of the recording.
    pub start_tick: u64,
    /// What a tick is: `tsc` (the processor's time stamp counter) or `monotonic` (a nanosecond).
    pub clock: String,
    /// The recorder's name and version.
    pub recorder: String,
    /// Operating system and architecture.
    pub platform: String,
    /// The live file: where the program keeps what it has not written yet, so that it is not lost when it is killed. A name without a
    /// folder lies beside the trace. Empty where there is none.
    pub live: String,
    /// What identifies the build of the program, in hexadecimal: the build id that the linker put into it. Empty where it has none.
    pub build_id: String,
    /// The name of the machine, where the user asked for it to be recorded.
    pub host: String,
    /// What the program is recorded through, in words; empty where that is not said.
    pub way_in: String,
    /// When the process began, in nanoseconds since 1970 UTC; zero where that is not known.
    pub process_started_unix_ns: u64,
}

/// What precedes the content of each chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkHeader {
    /// Counts up by one from zero over the recording. A gap is a lost chunk.
    pub sequence: u64,
    /// The smallest tick of its events.
    pub first_tick: u64,
    /// The largest tick of its events.
    pub last_tick: u64,
    /// A tick, read together with [`ChunkHeader::clock_ns`], before the events of the chunk were collected.
    pub clock_tick: u64,
    /// Nanoseconds of the monotonic clock since the recording began, at `clock_tick`.
    pub clock_ns: u64,
    /// How many events could not be recorded, over all threads, since the recording began.
    pub dropped: u64,
    /// The generation: later chunks of another generation need nothing of this one.
    pub generation: u32,
    /// [`flag`] bits.
    pub flags: u32,
    /// How many events its content holds.
    pub events: u32,
    /// The length of its content, decompressed.
    pub raw_len: u32,
    /// The length of the zstd frame that follows; zero where none does.
    pub compressed_len: u32,
    /// The CRC-32 (IEEE) of the zstd frame.
    pub compressed_crc: u32,
    /// Who wrote the chunk, where several writers share a file; zero.
    pub writer: u32,
}

/// Bits of [`ChunkHeader::flags`].
pub mod flag {
    /// The recording ended here, in good order.
    pub const FINAL: u32 = 1;
    /// A sign of life without content: the next chunk takes its place in the file, under the same sequence number.
    pub const HEARTBEAT: u32 = 2;
    /// Every event of every thread that was recorded before [`super::ChunkHeader::clock_tick`] is in this chunk or in an earlier one. Up
    /// to that tick, and not beyond, the record is one consistent moment. Holds of heartbeats and of the final chunk, too.
    pub const CUT: u32 = 4;
    /// The program was killed: this was written afterwards, from what it had left in memory.
    pub const RECOVERED: u32 = 8;
    /// A part of a keyframe: what is alive is told again, in batches of thread 0.
    pub const KEYFRAME: u32 = 16;
    /// The last part of a keyframe of which nothing is missing: what was alive before, and is not told again in it, has ended.
    pub const KEYFRAME_END: u32 = 32;
    /// What a flight recorder had in memory, written while the program ran on, ends here. Without content.
    pub const SNAPSHOT: u32 = 64;
}

fn begin_frame(tag: [u8; 8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(256);
    frame.extend_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&tag);
    frame
}

fn end_frame(mut frame: Vec<u8>) -> Vec<u8> {
    let crc = crc32fast::hash(&frame[PREFIX..]);
    frame.extend_from_slice(&crc.to_le_bytes());
    let len = (frame.len() - PREFIX) as u32;
    frame[4..8].copy_from_slice(&len.to_le_bytes());
    frame
}

/// The content of the skippable frame at the start of `bytes`, tag and checksum taken off, and the length of the whole frame.
fn open_frame<'a>(
    bytes: &'a [u8],
    tag: [u8; 8],
    what: &'static str,
) -> Result<(&'a [u8], usize), Error> {
    let cut = Error::Cut(what);
    let (prefix, rest) = bytes.split_first_chunk::<PREFIX>().ok_or(cut.clone())?;
    let [m0, m1, m2, m3, l0, l1, l2, l3] = *prefix;
    if u32::from_le_bytes([m0, m1, m2, m3]) != SKIPPABLE_MAGIC {
        return Err(Error::Malformed("not a header"));
    }
    let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if !(tag.len() + 4..=MAX_HEADER).contains(&len) {
        return Err(Error::Malformed("the length of a header makes no sense"));
    }
    let content = rest.get(..len).ok_or(cut)?;
    let Some((content, crc)) = content.split_last_chunk::<4>() else {
        return Err(Error::Malformed("the length of a header makes no sense"));
    };
    if !content.starts_with(&tag) {
        return Err(Error::Malformed("a header of another kind"));
    }
    if crc32fast::hash(content) != u32::from_le_bytes(*crc) {
        return Err(Error::Checksum(what));
    }
    Ok((&content[tag.len()..], PREFIX + len))
}

impl FileHeader {
    /// The header as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = begin_frame(FILE_TAG);
        frame.extend_from_slice(&VERSION_MAJOR.to_le_bytes());
        frame.extend_from_slice(&VERSION_MINOR.to_le_bytes());
        let numbers = [
            ("recording", self.recording, true),
            ("pid", self.pid, true),
            ("started_unix_ns", self.started_unix_ns, true),
            ("start_tick", self.start_tick, true),
            (
                "process_started_unix_ns",
                self.process_started_unix_ns,
                false,
            ),
        ];
        let texts = [
            ("program", &self.program, true),
            ("clock", &self.clock, true),
            ("recorder", &self.recorder, true),
            ("platform", &self.platform, true),
            ("live", &self.live, false),
            ("build_id", &self.build_id, false),
            ("host", &self.host, false),
            ("way_in", &self.way_in, false),
        ];
        // What is not always known is left out where it is not.
        let numbers = numbers
            .iter()
            .filter(|(_, value, always)| *always || *value != 0);
        let texts = texts
            .iter()
            .filter(|(_, value, always)| *always || !value.is_empty());
        write_map_len(
            &mut frame,
            (numbers.clone().count() + texts.clone().count()) as u32,
        );
        for (key, value, _) in numbers {
            write_str(&mut frame, key);
            write_uint(&mut frame, *value);
        }
        for (key, value, _) in texts {
            write_str(&mut frame, key);
            write_str(&mut frame, &value[..value.floor_char_boundary(4096)]);
        }
        end_frame(frame)
    }

    /// Reads the header at the start of a file; returns it and its length in bytes.
    ///
    /// # Errors
    /// The bytes are no trace, of a later major version, cut or damaged.
    pub fn decode(bytes: &[u8]) -> Result<(FileHeader, usize), Error> {
        check_signature(bytes)?;
        let (content, len) = open_frame(bytes, FILE_TAG, "the file header")?;
        let mut reader = Reader::new(content);
        let version = reader.take(4)?;
        let major = u16::from_le_bytes([version[0], version[1]]);
        let minor = u16::from_le_bytes([version[2], version[3]]);
        if major != VERSION_MAJOR {
            return Err(Error::NewerVersion { major, minor });
        }
        let mut header = FileHeader::default();
        for _ in 0..reader.map_len()? {
            match reader.str()? {
                "recording" => header.recording = reader.int()?,
                "pid" => header.pid = reader.int()?,
                "started_unix_ns" => header.started_unix_ns = reader.int()?,
                "start_tick" => header.start_tick = reader.int()?,
                "program" => reader.str()?.clone_into(&mut header.program),
                "clock" => reader.str()?.clone_into(&mut header.clock),
                "recorder" => reader.str()?.clone_into(&mut header.recorder),
                "platform" => reader.str()?.clone_into(&mut header.platform),
                "live" => reader.str()?.clone_into(&mut header.live),
                "build_id" => reader.str()?.clone_into(&mut header.build_id),
                "host" => reader.str()?.clone_into(&mut header.host),
                "way_in" => reader.str()?.clone_into(&mut header.way_in),
                "process_started_unix_ns" => header.process_started_unix_ns = reader.int()?,
                _ => reader.skip()?,
            }
        }
        Ok((header, len))
    }
}

/// Says what a file is that does not begin as a trace does.
fn check_signature(bytes: &[u8]) -> Result<(), Error> {
    let signature = [SKIPPABLE_MAGIC.to_le_bytes(), [0; 4]].concat();
    let is_cut_signature = bytes.len() < 16
        && signature[..bytes.len().min(4)] == bytes[..bytes.len().min(4)]
        && bytes.get(8..).is_none_or(|tag| FILE_TAG.starts_with(tag));
    Err(Error::NotATrace(match bytes {
        [] => "the file is empty",
        _ if bytes.len() >= 16 && bytes[..4] == signature[..4] && bytes[8..16] == FILE_TAG => {
            return Ok(());
        }
        _ if is_cut_signature => return Err(Error::Cut("the file header")),
        _ if bytes[..bytes.len().min(4)] == signature[..bytes.len().min(4)]
            && bytes.get(8..16) == Some(&CHUNK_TAG) =>
        {
            "it begins with a chunk: its first bytes are missing"
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is a zstd file, but not one of ours",
        [0x89, b'P', b'N', b'G', ..] => "it is a PNG picture",
        [0x1f, 0x8b, ..] => "it is a gzip file",
        [0x7f, b'E', b'L', b'F', ..] => "it is a program (ELF)",
        _ if bytes
            .iter()
            .take(512)
            .all(|&b| b >= 0x20 || b == b'\n' || b == b'\t' || b == b'\r') =>
        {
            "it looks like text"
        }
        _ => "it does not begin as one",
    }))
}

impl ChunkHeader {
    /// The header as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = begin_frame(CHUNK_TAG);
        for value in [
            self.sequence,
            self.first_tick,
            self.last_tick,
            self.clock_tick,
            self.clock_ns,
            self.dropped,
        ] {
            frame.extend_from_slice(&value.to_le_bytes());
        }
        for value in [
            self.generation,
            self.flags,
            self.events,
            self.raw_len,
            self.compressed_len,
            self.compressed_crc,
            self.writer,
        ] {
            frame.extend_from_slice(&value.to_le_bytes());
        }
        end_frame(frame)
    }

    /// Reads the header at the start of `bytes`; returns it and its length in bytes.
    ///
    /// # Errors
    /// No such header stands there, or it is cut or damaged, or claims more than a chunk may hold.
    pub fn decode(bytes: &[u8]) -> Result<(ChunkHeader, usize), Error> {
        let (content, len) = open_frame(bytes, CHUNK_TAG, "a chunk header")?;
        let mut reader = Reader::new(content);
        let mut long = || -> Result<u64, Error> {
            let bytes = reader.take(8)?;
            Ok(bytes
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u64::from(byte)))
        };
        let longs = [long()?, long()?, long()?, long()?, long()?, long()?];
        let mut short = || -> Result<u32, Error> {
            let bytes = reader.take(4)?;
            Ok(bytes
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u32::from(byte)))
        };
        let header = ChunkHeader {
            sequence: longs[0],
            first_tick: longs[1],
            last_tick: longs[2],
            clock_tick: longs[3],
            clock_ns: longs[4],
            dropped: longs[5],
            generation: short()?,
            flags: short()?,
            events: short()?,
            raw_len: short()?,
            compressed_len: short()?,
            compressed_crc: short()?,
            writer: short()?,
        };
        for (what, claimed) in [
            ("the size of a chunk", header.raw_len),
            ("the compressed size of a chunk", header.compressed_len),
        ] {
            if claimed as usize > MAX_RAW_LEN {
                return Err(Error::TooLarge {
                    what,
                    claimed: claimed.into(),
                    limit: MAX_RAW_LEN as u64,
                });
            }
        }
        Ok((header, len))
    }

    /// Checks and decompresses the chunk's zstd frame.
    ///
    /// # Errors
    /// The checksum or the size does not match the header, or the bytes are no zstd frame.
    pub fn decompress(&self, compressed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut decompressor = Decompressor::default();
        decompressor.decompress(self, compressed)?;
        Ok(decompressor.raw)
    }
}

/// Decompresses one chunk after the other, in memory that is used again.
#[derive(Default)]
pub struct Decompressor {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    raw: Vec<u8>,
}

impl Decompressor {
    /// As [`ChunkHeader::decompress`].
    ///
    /// # Errors
    /// As [`ChunkHeader::decompress`].
    pub fn decompress(&mut self, header: &ChunkHeader, compressed: &[u8]) -> Result<&[u8], Error> {
        self.raw.clear();
        if header.compressed_len == 0 {
            return Ok(&self.raw);
        }
        if crc32fast::hash(compressed) != header.compressed_crc {
            return Err(Error::Checksum("a chunk"));
        }
        let failed = |error: std::io::Error| Error::Compression(error.to_string());
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            None => self
                .zstd
                .insert(zstd::bulk::Decompressor::new().map_err(failed)?),
        };
        // Its header was checked: what it claims is within the limits.
        self.raw.reserve_exact(header.raw_len as usize);
        zstd.decompress_to_buffer(compressed, &mut self.raw)
            .map_err(failed)?;
        if self.raw.len() == header.raw_len as usize {
            Ok(&self.raw)
        } else {
            Err(Error::Malformed(
                "a chunk has another size than its header says",
            ))
        }
    }
}

/// Where the next chunk header may begin in `bytes`: at the next occurrence of its magic number and tag.
#[must_use]
pub fn find_chunk_header(bytes: &[u8]) -> Option<usize> {
    let magic = SKIPPABLE_MAGIC.to_le_bytes();
    bytes
        .windows(16)
        .position(|window| window[8..] == CHUNK_TAG && window[..4] == magic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file_header() -> FileHeader {
        FileHeader {
            recording: u64::MAX,
            program: "bank".to_owned(),
            pid: 42,
            started_unix_ns: 1_700_000_000_000_000_000,
            start_tick: 99,
            clock: "tsc".to_owned(),
            recorder: "ais-recorder 0.1.0".to_owned(),
            platform: "linux x86_64".to_owned(),
            live: "/dev/shm/ais-000000000000002a.live".to_owned(),
            build_id: "8f3a".to_owned(),
            host: "anna".to_owned(),
            way_in: "recorded tokio".to_owned(),
            process_started_unix_ns: 1_699_999_999_000_000_000,
        }
    }

    #[test]
    fn headers_come_back_as_they_were() {
        let bytes = file_header().encode();
        assert_eq!(
            FileHeader::decode(&bytes).unwrap(),
            (file_header(), bytes.len())
        );
        let chunk = ChunkHeader {
            sequence: 3,
            last_tick: 1 << 50,
            events: 9,
            flags: flag::FINAL,
            ..ChunkHeader::default()
        };
        let bytes = chunk.encode();
        assert_eq!(bytes.len(), CHUNK_HEADER_LEN);
        assert_eq!(ChunkHeader::decode(&bytes).unwrap(), (chunk, bytes.len()));
    }

    #[test]
    fn a_later_major_version_says_which_tool_to_use() {
        let mut bytes = file_header().encode();
        bytes[16..18].copy_from_slice(&2u16.to_le_bytes());
        let end = bytes.len() - 4;
        let crc = crc32fast::hash(&bytes[8..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        let error = FileHeader::decode(&bytes).unwrap_err();
        assert_eq!(error, Error::NewerVersion { major: 2, minor: 0 });
        assert!(error.to_string().contains("newer inspect-analyze"));
    }

    #[test]
    fn a_later_minor_version_may_add_fields_to_a_chunk_header() {
        let chunk = ChunkHeader {
            sequence: 3,
            events: 9,
            ..ChunkHeader::default()
        };
        let mut frame = begin_frame(CHUNK_TAG);
        frame.extend_from_slice(&chunk.encode()[16..CHUNK_HEADER_LEN - 4]);
        frame.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let bytes = end_frame(frame);
        assert_eq!(ChunkHeader::decode(&bytes).unwrap(), (chunk, bytes.len()));
    }

    #[test]
    fn what_is_not_a_trace_is_named() {
        let said = |bytes: &[u8]| FileHeader::decode(bytes).unwrap_err().to_string();
        assert_eq!(said(b""), "not an .ais trace: the file is empty");
        assert_eq!(
            said(b"\x89PNG\r\n\x1a\n0000000000"),
            "not an .ais trace: it is a PNG picture"
        );
        assert_eq!(
            said(b"hello, this is a log\n"),
            "not an .ais trace: it looks like text"
        );
        assert_eq!(
            said(b"\x28\xb5\x2f\xfd000000000000000"),
            "not an .ais trace: it is a zstd file, but not one of ours"
        );
        assert_eq!(
            said(&file_header().encode()[..5]),
            "cut off inside the file header"
        );
        assert_eq!(
            said(&file_header().encode()[..30]),
            "cut off inside the file header"
        );
        let chunk = ChunkHeader::default().encode();
        assert_eq!(
            said(&chunk),
            "not an .ais trace: it begins with a chunk: its first bytes are missing"
        );
    }

    #[test]
    fn a_chunk_that_claims_gigabytes_is_refused_before_anything_is_allocated() {
        let bomb = ChunkHeader {
            raw_len: u32::MAX,
            compressed_len: 10,
            ..ChunkHeader::default()
        };
        assert!(matches!(
            ChunkHeader::decode(&bomb.encode()),
            Err(Error::TooLarge { .. })
        ));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_anywhere_in_a_header_is_noticed(bit in 0usize..8 * CHUNK_HEADER_LEN) {
            let mut bytes = ChunkHeader { sequence: 77, events: 5, ..ChunkHeader::default() }.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(ChunkHeader::decode(&bytes).is_err());
        }
    }
}
