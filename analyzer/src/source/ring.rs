//! A ring of segment files: `trace.0001.ais`, `trace.0002.ais`, … for `trace.ais`.
//!
//! Segments of one recording, one after the other, are a trace. A ring may also hold segments of an earlier one, of a program that was
//! killed: they are left alone, and can be read by their own names.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};

use ais_format::frame::FileHeader;
use ais_format::ring;

/// So many times a ring is listed again where all of its segments are gone before any of them is open.
const TRIES: usize = 100;

/// A segment of a ring, open: it can be read though it be deleted.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

/// The segments of the latest recording in the ring of this name, oldest first; none where there is no ring.
///
/// A program that still records deletes the oldest ones meanwhile. So they are opened from the newest to the oldest, and where one is
/// gone, those before it are gone as well: what is open is without gaps.
pub(super) fn open(base: &Path) -> io::Result<Vec<Segment>> {
    for _ in 0..TRIES {
        let listed = ring::segments(base);
        if listed.is_empty() {
            break;
        }
        let opened = open_listed(listed)?;
        if !opened.is_empty() {
            return Ok(opened);
        }
    }
    Ok(Vec::new())
}

fn open_listed(listed: Vec<(u64, PathBuf)>) -> io::Result<Vec<Segment>> {
    let mut opened = VecDeque::new();
    let mut latest = None;
    for (_, path) in listed.into_iter().rev() {
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let of = recording(&mut file);
        file.rewind()?;
        match (of, latest) {
            // The newest one may have been made just now.
            (None, _) => {}
            (Some(of), Some(latest)) if of != latest => {}
            (Some(of), _) => {
                latest = Some(of);
                opened.push_front(Segment { path, file });
            }
        }
    }
    Ok(opened.into())
}

/// Whether this is a segment that others of its recording follow.
pub(super) fn has_successor(segment: &Path, recorded: u64) -> bool {
    let Some((base, number)) = ring::split(segment) else {
        return false;
    };
    ring::segments(&base)
        .iter()
        .filter(|(other, _)| *other > number)
        .filter_map(|(_, path)| File::open(path).ok())
        .any(|mut file| recording(&mut file) == Some(recorded))
}

/// The recording that a segment says it is of.
fn recording(file: &mut File) -> Option<u64> {
    let mut bytes = Vec::new();
    file.take(1 << 16).read_to_end(&mut bytes).ok()?;
    let (header, _) = FileHeader::decode(&bytes).ok()?;
    Some(header.recording)
}
