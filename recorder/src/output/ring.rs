//! A ring of segment files: `trace.0001.ais`, `trace.0002.ais`, …
//!
//! A segment is a file of its own from its first byte on, and is deleted as a whole: at no step is there anything that a reader could not
//! use, should the process be killed. Numbers go on where those of the recording before ended, so that the segments of a program that
//! was killed stay until they make room for newer ones.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ais_format::ring::{segment, segments, split};

use crate::destination;

/// The segments that are over, and how to make more.
pub(super) struct Ring {
    /// The name of all of them, without a number.
    base: PathBuf,
    limit: u64,
    number: u64,
    /// Paths and lengths, oldest first.
    segments: VecDeque<(PathBuf, u64)>,
}

impl Ring {
    /// The ring of which `current` is the segment that is being written, in so many bytes.
    pub(super) fn new(current: &Path, limit: u64) -> Ring {
        let (base, number) = split(current).unwrap_or_else(|| (current.to_owned(), 0));
        let before = segments(&base)
            .into_iter()
            .filter(|(other, _)| *other != number)
            .map(|(_, path)| {
                let len = path.metadata().map_or(0, |metadata| metadata.len());
                (path, len)
            });
        Ring {
            segments: before.collect(),
            base,
            limit,
            number,
        }
    }

    pub(super) fn limit(&self) -> u64 {
        self.limit
    }

    /// The next segment; the one before has `len` bytes.
    pub(super) fn begin_segment(&mut self, len: u64) -> io::Result<File> {
        let (number, path, file) = create_after(&self.base, self.number)?;
        let before = segment(&self.base, self.number);
        self.segments.push_back((before, len));
        self.number = number;
        drop(path);
        Ok(file)
    }

    /// Deletes the oldest segments until all, with `current` bytes of the one that is being written, are within the limit.
    pub(super) fn make_room(&mut self, current: u64) {
        let mut total: u64 = current + self.segments.iter().map(|(_, len)| len).sum::<u64>();
        while total > self.limit {
            let Some((path, len)) = self.segments.pop_front() else {
                return;
            };
            destination::discard(&path);
            total -= len;
        }
    }
}

/// The first segment of a recording: after those that are there, or in a ring of its own where another process writes into this one.
pub(crate) fn create_first(base: &Path) -> io::Result<(PathBuf, File)> {
    let mut base = base.to_owned();
    let mut there = segments(&base);
    if there.iter().any(|(_, path)| destination::is_locked(path)) {
        base = destination::with_part(&base, &std::process::id().to_string());
        there = segments(&base);
    }
    let last = there.last().map_or(0, |(number, _)| *number);
    create_after(&base, last).map(|(_, path, file)| (path, file))
}

/// Makes the first segment after number `last` that is nobody's.
fn create_after(base: &Path, last: u64) -> io::Result<(u64, PathBuf, File)> {
    let mut number = last;
    loop {
        number += 1;
        let path = segment(base, number);
        match destination::create_new(&path) {
            Ok(file) => return Ok((number, path, file)),
            // Another process was quicker: it has a ring of its own from there on.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
