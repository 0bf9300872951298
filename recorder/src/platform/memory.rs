//! Memory for what is not written yet: such that outlives the process when it is killed, and plain memory.
//!
//! What outlives it is a file that is mapped: in a file system that is memory itself where there is one. Its space is reserved before it
//! is mapped, since a full disk would otherwise end the program at a store; and its pages are made before they are used, since the first
//! touch of each costs some microseconds.

use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;

use ais_format::live::layout::BLOCK_WORDS;

/// As much memory as is taken at a time.
pub(crate) type Block = [AtomicU64; BLOCK_WORDS];

#[cfg(all(target_os = "linux", not(feature = "portable")))]
pub(crate) use durable::LiveFile;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
pub(crate) use none::LiveFile;

/// Where a live file is best: a file system in memory.
pub(crate) fn memory_folder() -> Option<&'static Path> {
    let folder = Path::new("/dev/shm");
    (cfg!(target_os = "linux") && folder.is_dir()).then_some(folder)
}

/// Memory of this process alone, all zeros, for the rest of it.
///
/// Fresh memory of the operating system is zero already: in safe code, a thread in the middle of a record would write zeros once more.
#[cfg(not(feature = "portable"))]
#[allow(unsafe_code)]
pub(crate) fn private_block() -> Option<&'static Block> {
    let layout = std::alloc::Layout::new::<Block>();
    // SAFETY: the layout has a size.
    let memory = unsafe { std::alloc::alloc_zeroed(layout) };
    #[allow(
        clippy::cast_ptr_alignment,
        reason = "it is aligned as the layout says"
    )]
    let words = memory.cast::<Block>();
    // SAFETY: where it is not null it has the layout of so many atomics, and zeros are valid ones; it is nobody else's, and never freed.
    unsafe { words.as_ref() }
}

/// The same, in safe code.
#[cfg(feature = "portable")]
#[allow(clippy::unnecessary_wraps, reason = "its twin can fail")]
pub(crate) fn private_block() -> Option<&'static Block> {
    // Never on the stack: threads may have one too small for it.
    let words: Vec<AtomicU64> = (0..BLOCK_WORDS).map(|_| AtomicU64::new(0)).collect();
    words
        .leak()
        .first_chunk::<BLOCK_WORDS>()
        .map(|block| &*block)
}

#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod durable {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::PathBuf;

    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap};

    use super::{Block, Path, io};

    const BLOCK_BYTES: usize = size_of::<Block>();

    /// A file that is mapped block by block, readable by its owner only, and locked as long as this process has it.
    #[derive(Debug)]
    pub(crate) struct LiveFile {
        file: File,
        path: PathBuf,
        blocks: usize,
    }

    impl LiveFile {
        /// Makes the file; there must be none.
        pub(crate) fn create(path: PathBuf) -> io::Result<LiveFile> {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            let live = LiveFile {
                file,
                path,
                blocks: 0,
            };
            live.file.try_lock()?;
            Ok(live)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.path
        }

        /// Gives the file another name. Where that fails, it keeps the one it has.
        pub(crate) fn rename(&mut self, path: PathBuf) {
            if std::fs::rename(&self.path, &path).is_ok() {
                self.path = path;
            }
        }

        /// Makes the file larger by a block, and maps that: its number in the file, and its words. Zeros, for the rest of the process.
        #[allow(unsafe_code)]
        pub(crate) fn grow(&mut self) -> io::Result<(usize, &'static Block)> {
            let offset = (self.blocks * BLOCK_BYTES) as u64;
            fallocate(
                &self.file,
                FallocateFlags::empty(),
                offset,
                BLOCK_BYTES as u64,
            )?;
            // SAFETY: a new mapping at a place that the system chooses replaces nothing.
            let address = unsafe {
                mmap(
                    std::ptr::null_mut(),
                    BLOCK_BYTES,
                    ProtFlags::READ | ProtFlags::WRITE,
                    MapFlags::SHARED,
                    &self.file,
                    offset,
                )
            }?;
            // SAFETY: this makes the pages of the mapping, and leaves their content as it is. Older systems cannot: then they are made
            // when they are first touched.
            let _ = unsafe { madvise(address, BLOCK_BYTES, Advice::LinuxPopulateWrite) };
            self.blocks += 1;
            // SAFETY: the mapping has the size of a block, begins at a page, and is never unmapped. Its space is reserved, so that no
            // store can fail for want of it. Others could write into the file or cut it, but only its owner may open it: a cut would
            // end the process by SIGBUS, and words written into it are, as in any atomic, just numbers.
            Ok((self.blocks - 1, unsafe { &*address.cast::<Block>() }))
        }

        /// Takes the file away; what is mapped stays.
        pub(crate) fn remove(&self) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
mod none {
    use std::path::PathBuf;

    use super::{Block, Path, io};

    /// There is no memory here that outlives the process.
    #[derive(Debug)]
    pub(crate) enum LiveFile {}

    impl LiveFile {
        pub(crate) fn create(_: PathBuf) -> io::Result<LiveFile> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(crate) fn path(&self) -> &Path {
            match *self {}
        }

        pub(crate) fn rename(&mut self, _: PathBuf) {
            match *self {}
        }

        pub(crate) fn grow(&mut self) -> io::Result<(usize, &'static Block)> {
            match *self {}
        }

        pub(crate) fn remove(&self) {
            match *self {}
        }
    }
}
