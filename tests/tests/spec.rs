//! `format/SPEC.md` is what readers in other languages are written from: these tests fail when it and the code disagree.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

use std::collections::BTreeSet;
use std::io::Cursor;

use ais_format::chunk::{Chunk, ChunkBuilder, Content};
use ais_format::column::Encoding;
use ais_format::event::{Kind, Location, PollBegin, PollEnd, TaskNew, Thread, Wake, poll_outcome};
use ais_format::frame::{
    CHUNK_HEADER_LEN, CHUNK_TAG, ChunkHeader, FILE_TAG, FileHeader, SKIPPABLE_MAGIC, flag,
};
use ais_format::msgpack::{Reader, write_array_len, write_uint};
use ais_format::write::{ClockPair, TraceWriter};
use ais_format::{Error, MAX_RAW_LEN, MAX_ROWS, VERSION_MAJOR, VERSION_MINOR};
use ais_tests::Trace;

const SPEC: &str = include_str!("../../format/SPEC.md");
const NUMBERS_RS: &str = include_str!("../../format/src/event/numbers.rs");

/// The cells of every table row in `text`, backquotes taken off.
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").map(|cell| cell.replace('`', "")).collect())
}

/// The text from a heading to the next one of its level.
fn section(heading: &str) -> &'static str {
    let (_, text) = SPEC
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("SPEC.md has no heading {heading:?}"));
    let next = if heading.starts_with("###") {
        "\n#"
    } else {
        "\n## "
    };
    text.split_once(next).map_or(text, |(text, _)| text)
}

/// Offset and size as the row of a header's table gives them.
fn place(row: &[String]) -> (usize, usize) {
    (row[0].parse().unwrap(), row[1].parse().unwrap())
}

#[test]
fn the_spec_lists_every_kind_with_its_columns_in_order() {
    let listed: Vec<(u8, String, Vec<String>)> = rows(section("## 3. Kinds"))
        .filter_map(|row| {
            let [number, name, columns, _] = &row[..] else {
                return None;
            };
            let columns = columns.split(' ').map(str::to_owned).collect();
            Some((number.parse().ok()?, name.clone(), columns))
        })
        .collect();
    let coded: Vec<(u8, String, Vec<String>)> = Kind::ALL
        .iter()
        .map(|kind| {
            let columns = kind.columns().iter().map(|c| c.name.to_owned()).collect();
            (*kind as u8, kind.name().to_owned(), columns)
        })
        .collect();
    assert_eq!(listed, coded);
}

/// The constants that `numbers.rs` declares in its `numbers!` block: module, value, name.
fn coded_numbers() -> Vec<(String, u64, String)> {
    let (_, block) = NUMBERS_RS.split_once("\nnumbers! {\n").unwrap();
    let (block, _) = block.split_once("\n}\n").unwrap();
    let mut module = "";
    let mut numbers = Vec::new();
    for line in block.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" {") {
            module = name;
        } else if let Some((name, value)) = line.trim_end_matches(',').split_once(" = ")
            && !line.starts_with("//")
        {
            numbers.push((module.to_owned(), value.parse().unwrap(), name.to_owned()));
        }
    }
    assert!(
        numbers.len() > 20,
        "numbers.rs is written differently now: {numbers:?}"
    );
    numbers
}

#[test]
fn the_spec_lists_every_number_that_a_column_may_hold() {
    let coded = coded_numbers();
    let tables: BTreeSet<&str> = coded.iter().map(|(table, ..)| table.as_str()).collect();
    let listed: Vec<(String, u64, String)> = rows(section("### Numbers"))
        .filter(|row| tables.contains(row[0].as_str()))
        .map(|row| (row[0].clone(), row[1].parse().unwrap(), row[2].clone()))
        .collect();
    assert_eq!(listed, coded);
}

#[test]
fn the_spec_lists_the_encodings() {
    let listed: Vec<(u64, String)> = rows(section("## 2. Content of a chunk"))
        .filter_map(|row| Some((row[0].parse().ok()?, row[1].clone())))
        .collect();
    let coded: Vec<(u64, String)> = (0..)
        .map_while(|number| {
            let name = format!("{:?}", Encoding::from_number(number)?);
            Some((number, name.to_lowercase()))
        })
        .collect();
    assert_eq!(listed, coded);
}

#[test]
fn the_frame_of_a_header_is_as_the_spec_says() {
    let frame = FileHeader::default().encode();
    let text = section("## 1. Frames");
    assert!(text.contains(&format!("`0x{SKIPPABLE_MAGIC:X}`")));
    let magic: Vec<String> = SKIPPABLE_MAGIC
        .to_le_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert!(text.contains(&format!("bytes `{}`", magic.join(" "))));
    for tag in [FILE_TAG, CHUNK_TAG] {
        assert!(text.contains(&format!("`{}`", String::from_utf8_lossy(&tag))));
    }
    let places: Vec<(usize, usize)> = rows(text).skip(1).take(3).map(|row| place(&row)).collect();
    assert_eq!(places, [(0, 4), (4, 4), (8, 8)]);
    assert_eq!(frame[..4], SKIPPABLE_MAGIC.to_le_bytes());
    let len = frame.len() - 8;
    assert_eq!(frame[4..8], (len as u32).to_le_bytes());
    assert_eq!(frame[8..16], FILE_TAG);
    let crc = crc32fast::hash(&frame[8..4 + len]);
    assert_eq!(frame[4 + len..], crc.to_le_bytes());
}

#[test]
fn the_file_header_is_as_the_spec_says() {
    let text = section("### File header");
    assert!(SPEC.starts_with(&format!(
        "# The `.ais` trace file, version {VERSION_MAJOR}.{VERSION_MINOR}\n"
    )));
    let mut table = rows(text).skip(1);
    for (what, version) in [("major", VERSION_MAJOR), ("minor", VERSION_MINOR)] {
        let row = table.next().unwrap();
        let (offset, size) = place(&row);
        assert_eq!(row[2], format!("{what} version: {version}"));
        assert_eq!(
            FileHeader::default().encode()[offset..][..size],
            version.to_le_bytes()
        );
    }
    let map_at = table.next().unwrap()[0].parse::<usize>().unwrap();

    let listed: BTreeSet<(String, String)> = table
        .skip(1)
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    // With everything that is left out where it is not known.
    let full = FileHeader {
        live: "a.live".to_owned(),
        build_id: "8f".to_owned(),
        host: "anna".to_owned(),
        way_in: "recorded tokio".to_owned(),
        process_started_unix_ns: 1,
        ..FileHeader::default()
    };
    let bytes = full.encode();
    let mut reader = Reader::new(&bytes[map_at..bytes.len() - 4]);
    let coded: BTreeSet<(String, String)> = (0..reader.map_len().unwrap())
        .map(|_| {
            let key = reader.str().unwrap().to_owned();
            let mut value = reader.clone();
            reader.skip().unwrap();
            (
                key,
                if value.int().is_ok() {
                    "integer"
                } else {
                    "string"
                }
                .to_owned(),
            )
        })
        .collect();
    assert!(reader.rest().is_empty());
    assert_eq!(listed, coded);

    let long = FileHeader {
        program: "x".repeat(5000),
        ..FileHeader::default()
    };
    let (short, _) = FileHeader::decode(&long.encode()).unwrap();
    assert!(text.contains(&format!("at most {} bytes", short.program.len())));
}

#[test]
fn the_chunk_header_is_as_the_spec_says() {
    // Every field with a value of its own, in the order in which they are declared.
    let header = ChunkHeader {
        sequence: 1,
        first_tick: 2,
        last_tick: 3,
        clock_tick: 4,
        clock_ns: 5,
        dropped: 6,
        generation: 7,
        flags: 8,
        events: 9,
        raw_len: 10,
        compressed_len: 11,
        compressed_crc: 12,
        writer: 13,
    };
    let bytes = header.encode();
    let debug = format!("{header:?}");
    let mut at = 16;
    let mut fields = 0;
    for row in rows(section("### Chunk header")).filter(|row| row[0].parse::<usize>().is_ok()) {
        let (offset, size) = place(&row);
        assert_eq!(offset, at, "{row:?}");
        at += size;
        let mut value = [0; 8];
        value[..size].copy_from_slice(&bytes[offset..at]);
        if row[2] == "–" {
            assert_eq!(
                bytes[offset..],
                crc32fast::hash(&bytes[8..offset]).to_le_bytes()
            );
            continue;
        }
        fields += 1;
        let said = format!("{}: {}", row[2], u64::from_le_bytes(value));
        assert!(
            debug.contains(&said),
            "SPEC.md has {said:?}, the code has {debug}"
        );
    }
    assert_eq!((fields, at), (13, CHUNK_HEADER_LEN));

    let flags: Vec<(String, u32)> = rows(section("### Chunk header"))
        .filter_map(|row| Some((row[0].clone(), row[1].parse().ok()?)))
        .filter(|(name, _)| name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert_eq!(
        flags,
        [
            ("FINAL".to_owned(), flag::FINAL),
            ("HEARTBEAT".to_owned(), flag::HEARTBEAT),
            ("CUT".to_owned(), flag::CUT),
            ("RECOVERED".to_owned(), flag::RECOVERED),
            ("KEYFRAME".to_owned(), flag::KEYFRAME),
            ("KEYFRAME_END".to_owned(), flag::KEYFRAME_END),
            ("SNAPSHOT".to_owned(), flag::SNAPSHOT)
        ]
    );
}

/// The number that follows `words` in the spec, wherever lines break.
fn stated(words: &str) -> u64 {
    let text = SPEC.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = text
        .split_once(words)
        .unwrap_or_else(|| panic!("SPEC.md does not say {words:?}"));
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap()
}

#[test]
fn the_limits_are_those_that_the_spec_states() {
    assert_eq!(
        stated("length of the content, decompressed; at most"),
        MAX_RAW_LEN as u64
    );
    assert_eq!(stated("0 where none does; at most"), MAX_RAW_LEN as u64);
    assert_eq!(
        stated("all tables of a chunk together have at most"),
        MAX_ROWS as u64
    );

    // A head that claims more is refused; at the limit, only the missing columns are.
    let table = |kind: u64, columns: u64| {
        let mut bytes = Vec::new();
        write_array_len(&mut bytes, 3);
        write_uint(&mut bytes, kind);
        write_uint(&mut bytes, 0);
        write_array_len(&mut bytes, 2 * columns as u32);
        (0..2 * columns).for_each(|_| write_uint(&mut bytes, 0));
        Chunk::decode(&bytes)
    };
    let columns = stated("a table has at most");
    assert!(table(200, columns).is_ok());
    assert!(matches!(
        table(200, columns + 1),
        Err(Error::TooLarge { .. })
    ));
    let kind = stated("`kind` is at most");
    assert!(table(kind, 0).is_ok());
    assert!(matches!(table(kind + 1, 0), Err(Error::TooLarge { .. })));

    let header = |content: usize| {
        let mut frame = ChunkHeader::default().encode()[..CHUNK_HEADER_LEN - 4].to_vec();
        frame.resize(8 + content - 4, 0);
        frame[4..8].copy_from_slice(&(content as u32).to_le_bytes());
        let crc = crc32fast::hash(&frame[8..]);
        frame.extend_from_slice(&crc.to_le_bytes());
        ChunkHeader::decode(&frame)
    };
    let longest = stated("checksum included: at least 12, at most") as usize;
    assert!(header(longest).is_ok());
    assert!(header(longest + 1).is_err());
}

/// The bytes of the `index`-th hexdump: whatever stands between offset and comment.
fn hexdump(index: usize) -> Vec<u8> {
    let block = SPEC.split("```hex\n").nth(index + 1).unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (offset, rest) = line.split_once("  ").unwrap();
        assert_eq!(
            usize::from_str_radix(offset, 16).unwrap(),
            bytes.len(),
            "offset of {line:?}"
        );
        let hex = rest.split('#').next().unwrap_or_default();
        bytes.extend(
            hex.split_whitespace()
                .map(|b| u8::from_str_radix(b, 16).unwrap()),
        );
    }
    bytes
}

fn example() -> (FileHeader, Content) {
    let header = FileHeader {
        recording: 0x5eed,
        program: "demo".to_owned(),
        pid: 42,
        started_unix_ns: 1_793_523_600_000_000_000,
        start_tick: 1000,
        clock: "monotonic".to_owned(),
        recorder: "ais-recorder 0.1.0".to_owned(),
        platform: "linux x86_64".to_owned(),
        ..FileHeader::default()
    };
    let task_new = TaskNew {
        task: 1,
        parent: 0,
        name: 1,
        location: 1,
        size: 24,
        flags: 0,
        executor: 0,
    };
    let end = |poll, outcome, wakers| PollEnd {
        task: 1,
        poll,
        outcome,
        wakers,
    };
    let mut chunk = ChunkBuilder::new();
    chunk.text(1, "main");
    chunk.text(2, "src/main.rs");
    chunk.define(&Location {
        id: 1,
        file: 2,
        line: 7,
        column: 5,
    });
    chunk.define(&Thread { id: 1, name: 1 });
    chunk.event(1100, &task_new);
    chunk.event(
        1200,
        &PollBegin {
            task: 1,
            poll: 1,
            wakes: 0,
            waker: 1,
        },
    );
    chunk.event(
        1250,
        &Wake {
            task: 1,
            waker: 1,
            number: 1,
        },
    );
    chunk.event(1300, &end(1, poll_outcome::PENDING, 1));
    chunk.event(
        1450,
        &PollBegin {
            task: 1,
            poll: 2,
            wakes: 1,
            waker: 1,
        },
    );
    chunk.event(1500, &end(2, poll_outcome::READY, 0));
    chunk.end_batch(1, 0, 0);
    (header, chunk.finish())
}

#[test]
fn the_example_in_the_spec_is_what_the_code_writes_and_reads() {
    let (header, content) = example();
    let bytes = hexdump(0);
    assert_eq!(hexdump(1), content.bytes);
    assert_eq!(stated("All"), bytes.len() as u64);

    let trace = Trace::read(&bytes).unwrap();
    assert_eq!(trace.header, header);
    let [(first, raw, _), (last, ..)] = &trace.chunks[..] else {
        panic!("two chunks");
    };
    assert_eq!(*raw, content.bytes);
    assert_eq!((first.events, first.sequence), (6, 0));
    assert_eq!((last.flags, last.sequence), (flag::FINAL, 1));

    // Byte for byte but for the zstd frame, which another version of zstd may write differently, and what depends on it.
    let mut writer = TraceWriter::new(Cursor::new(Vec::new()), &header).unwrap();
    writer
        .chunk(
            &content,
            ClockPair {
                tick: 1600,
                ns: 600,
            },
            0,
            0,
        )
        .unwrap();
    let written = writer
        .finish(
            ClockPair {
                tick: 2000,
                ns: 1000,
            },
            0,
        )
        .unwrap()
        .into_inner();
    let chunk_at = header.encode().len();
    let sizes_at = chunk_at + 80;
    assert_eq!(bytes[..sizes_at], written[..sizes_at]);
    let tail = |bytes: &[u8]| bytes[bytes.len() - CHUNK_HEADER_LEN..].to_vec();
    assert_eq!(tail(&bytes), tail(&written));
}
