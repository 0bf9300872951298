//! A ring of segment files: `trace.0001.ais`, `trace.0002.ais`, … for `trace.ais`.
//!
//! Segments of one recording, one after the other, are a trace. A ring may also hold segments of an earlier one, of a program that was
//! killed: they are left alone, and can be read by their own names.

use std::path::{Path, PathBuf};

use ais_format::frame::FileHeader;

/// The segments of the latest recording in the ring of this name, oldest first; none where there is no ring.
pub(super) fn segments(base: &Path) -> Vec<PathBuf> {
    let mut all = numbered(base);
    let Some(latest) = all.iter().rev().find_map(|(_, path)| recording(path)) else {
        return Vec::new();
    };
    all.retain(|(_, path)| recording(path) == Some(latest));
    all.into_iter().map(|(_, path)| path).collect()
}

/// Whether this is a segment that others of its recording follow.
pub(super) fn has_successor(segment: &Path, recorded: u64) -> bool {
    let Some((base, number)) = split(segment) else {
        return false;
    };
    numbered(&base)
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

/// `trace.ais` and 7 for `trace.0007.ais`.
fn split(segment: &Path) -> Option<(PathBuf, u64)> {
    let extension = segment.extension()?.to_str()?;
    let stem = Path::new(segment.file_stem()?);
    let number = stem.extension()?.to_str()?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let base = stem.file_stem()?.to_str()?;
    let base = segment.with_file_name(format!("{base}.{extension}"));
    Some((base, number.parse().ok()?))
}

/// The files that are segments by their name, by number.
fn numbered(base: &Path) -> Vec<(u64, PathBuf)> {
    let folder = match base.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = base.with_file_name(entry.ok()?.file_name());
            let (of, number) = split(&path)?;
            (of == base).then_some((number, path))
        })
        .collect();
    found.sort();
    found
}
