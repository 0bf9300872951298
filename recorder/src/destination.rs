//! The file that a recording goes to: locked, readable by its owner only, and nobody else's.
//!
//! Two processes never write into one file, and nothing that somebody may still want is overwritten: neither a file that is no trace,
//! nor the trace of a program that was killed, which its supervisor may have started anew within the second.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use ais_format::frame::{CHUNK_HEADER_LEN, ChunkHeader, FileHeader, flag};

use crate::recorder::cannot_write;

/// A file header is never longer.
const MAX_HEADER: u64 = 1 << 16;

/// Makes the file, empty; returns its path, which is another one where another process has this file.
pub(crate) fn open(path: &Path) -> io::Result<(PathBuf, File)> {
    let (path, mut file) = open_unlocked_by_others(path)?;
    // Devices cannot be emptied, and hold nothing.
    let metadata = file.metadata();
    if !metadata.as_ref().is_ok_and(std::fs::Metadata::is_file) {
        return Ok((path, file));
    }
    if metadata.is_ok_and(|metadata| metadata.len() > 0) {
        match read_existing(&mut file) {
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "{} is there already and is no trace: remove it, or choose another name",
                        path.display()
                    ),
                ));
            }
            Some(existing) if existing.is_cut_short => {
                let previous = with_part(&path, "previous");
                discard(&previous);
                std::fs::rename(&path, &previous).map_err(|error| cannot_write(&path, &error))?;
                return open_unlocked_by_others(&path);
            }
            Some(_) => {}
        }
    }
    file.set_len(0)
        .and_then(|()| file.rewind())
        .map_err(|error| cannot_write(&path, &error))?;
    Ok((path, file))
}

/// The file, or the one beside it where another process has it locked.
fn open_unlocked_by_others(path: &Path) -> io::Result<(PathBuf, File)> {
    let file = create(path)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let path = with_part(path, &std::process::id().to_string());
            let file = create(&path)?;
            file.try_lock()?;
            Ok((path, file))
        }
        // Locked, or on a file system without locks: better a recording than none.
        Ok(()) | Err(TryLockError::Error(_)) => Ok((path.to_owned(), file)),
    }
}

/// A trace that is there already.
struct Existing {
    header: FileHeader,
    /// It has no end.
    is_cut_short: bool,
}

/// What a file has; none where it is no trace.
fn read_existing(file: &mut File) -> Option<Existing> {
    let mut bytes = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_HEADER).read_to_end(&mut bytes).ok()?;
    let header = match FileHeader::decode(&bytes) {
        Ok((header, _)) => header,
        Err(ais_format::Error::NotATrace(_)) => return None,
        // Of another version, or damaged: a trace it is.
        Err(_) => FileHeader::default(),
    };
    let mut last = [0; CHUNK_HEADER_LEN];
    let is_final = file
        .seek(SeekFrom::End(-(CHUNK_HEADER_LEN as i64)))
        .and_then(|_| file.read_exact(&mut last))
        .is_ok()
        && ChunkHeader::decode(&last).is_ok_and(|(chunk, _)| chunk.flags & flag::FINAL != 0);
    Some(Existing {
        header,
        is_cut_short: !is_final,
    })
}

/// Deletes a trace, with what its program left in memory when it was killed.
pub(crate) fn discard(path: &Path) {
    let existing = File::open(path).ok();
    if let Some(existing) = existing.and_then(|mut file| read_existing(&mut file)) {
        let live = path.with_file_name(&existing.header.live);
        let is_its_own = live
            .file_name()
            .is_some_and(|name| *name == *live_name(existing.header.recording));
        // A segment of a recording that goes on is deleted, too.
        if is_its_own && !is_locked(&live) {
            let _ = std::fs::remove_file(live);
        }
        let _ = std::fs::remove_file(path);
    }
}

/// The name of the live file of a recording.
pub(crate) fn live_name(recording: u64) -> String {
    format!("ais-{recording:016x}.live")
}

/// `trace.PART.ais` for `trace.ais`.
pub(crate) fn with_part(path: &Path, part: &str) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(format!(".{part}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn create(path: &Path) -> io::Result<File> {
    // Emptied only once it is locked. Read, to see what is there.
    private_file()
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| cannot_write(path, &error))
}

/// Makes a file that must not be there, and locks it.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    let file = private_file()
        .create_new(true)
        .open(path)
        .map_err(|error| cannot_write(path, &error))?;
    // On a file system without locks: better a recording than none.
    let _ = file.try_lock();
    Ok(file)
}

/// Whether another process, or another part of this one, has a file locked.
pub(crate) fn is_locked(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
