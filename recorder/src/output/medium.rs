//! What a segment of a trace is written into.

use std::fs::File;
use std::io::{self, Cursor, Seek, SeekFrom, Write};

/// A file, or memory.
pub(super) enum Medium {
    File(File),
    Memory(Cursor<Vec<u8>>),
}

impl Write for Medium {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Medium::File(file) => file.write(bytes),
            Medium::Memory(memory) => memory.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Medium::File(file) => file.flush(),
            Medium::Memory(_) => Ok(()),
        }
    }
}

impl Seek for Medium {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Medium::File(file) => file.seek(to),
            Medium::Memory(memory) => memory.seek(to),
        }
    }
}
