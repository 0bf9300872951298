//! A ring of segment files: `trace.0001.ais`, `trace.0002.ais`, … for `trace.ais`.
//!
//! Segments of one recording, one after the other, are a trace. A ring may also hold segments of an earlier one, of a program that was
//! killed: they are left alone, and can be read by their own names.

use std::path::{Path, PathBuf};

use ais_format::frame::FileHeader;
use ais_format::ring;

/// The segments of the latest recording in the ring of this name, oldest first; none where there is no ring.
pub(super) fn segments(base: &Path) -> Vec<PathBuf> {
    let mut all = ring::segments(base);
    let Some(latest) = all.iter().rev().find_map(|(_, path)| recording(path)) else {
        return Vec::new();
    };
    all.retain(|(_, path)| recording(path) == Some(latest));
    all.into_iter().map(|(_, path)| path).collect()
}

/// Whether this is a segment that others of its recording follow.
pub(super) fn has_successor(segment: &Path, recorded: u64) -> bool {
    let Some((base, number)) = ring::split(segment) else {
        return false;
    };
    ring::segments(&base)
        .iter()
        .any(|(other, path)| *other > number && recording(path) == Some(recorded))
}

fn recording(path: &Path) -> Option<u64> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(1 << 16).read_to_end(&mut bytes).ok()?;
    let (header, _) = FileHeader::decode(&bytes).ok()?;
    Some(header.recording)
}
