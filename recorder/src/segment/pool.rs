//! The memory that segments are made of: a few blocks at first, more as they are needed, never more than was allowed.
//!
//! The first block says who records and holds the definitions that no chunk has yet; all others are segments. They lie in a live file
//! where one can be had, so that they outlive the process when it is killed, else in plain memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use ais_format::live::layout::{SEGMENT_WORDS, SEGMENTS_PER_BLOCK, file};
use ais_format::write::ClockPair;

use super::handover;
use crate::destination::{self, live_name};
use crate::fork;
use crate::platform::{Block, LiveFile, memory_folder, private_block};
use crate::session;

/// The words of one segment.
pub(super) type Segment = [AtomicU64; SEGMENT_WORDS];

/// The size of a segment in bytes.
const SEGMENT_BYTES: usize = SEGMENT_WORDS * 8;
/// There are never more blocks than this (4 GiB), those of a process that this one was forked from included.
const MAX_BLOCKS: usize = 4096;
/// So many segments fit into the processor's caches, with what else is there: where more are in use, the writer should come.
const IN_CACHE: usize = 64;
/// So many segments should be free: where they are not, the writer makes room before threads have to.
const SPARE: usize = 8;

static BLOCKS: [OnceLock<&'static Block>; MAX_BLOCKS] = [const { OnceLock::new() }; MAX_BLOCKS];
/// Which blocks are cells.
static HAS_CELLS: [AtomicBool; MAX_BLOCKS] = [const { AtomicBool::new(false) }; MAX_BLOCKS];
/// The first block of this process: after a fork, those before it are the parent's.
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// How many segments there are.
static MADE: AtomicUsize = AtomicUsize::new(0);
/// How many segments there may be.
static LIMIT: AtomicUsize = AtomicUsize::new(0);
/// How many are not free.
static USED: AtomicUsize = AtomicUsize::new(0);
/// How many of those are full, or their threads have ended: this is what there is to be written. A thread that records now and then keeps
/// its segment, and there may be many of them.
static FULL: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);
/// Set when the writer should come before its time.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// Where memory comes from.
#[derive(Default)]
pub(super) struct Arena {
    live: Option<LiveFile>,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena { live: None });
/// The live file lies in a file system that is memory: to make it larger never waits for a disk.
static IS_QUICK: AtomicBool = AtomicBool::new(true);

pub(super) fn arena() -> MutexGuard<'static, Arena> {
    ARENA.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The segments that there are.
pub(super) fn segments() -> impl Iterator<Item = &'static Segment> {
    let first = FIRST.load(Ordering::Acquire);
    blocks(first + 1, false).flat_map(|block| block.as_chunks::<SEGMENT_WORDS>().0)
}

/// The blocks from number `first` on that hold cells, or do not.
fn blocks(first: usize, has_cells: bool) -> impl Iterator<Item = &'static Block> {
    BLOCKS
        .iter()
        .zip(&HAS_CELLS)
        .skip(first)
        .map_while(|(block, cells)| block.get().map(|block| (*block, cells)))
        .filter(move |(_, cells)| cells.load(Ordering::Acquire) == has_cells)
        .map(|(block, _)| block)
}

/// The blocks of cells.
pub(crate) fn cell_blocks() -> impl Iterator<Item = &'static Block> {
    blocks(FIRST.load(Ordering::Acquire), true)
}

/// The block of cells with this number; none where it is another process's.
#[inline]
pub(crate) fn cell_block(index: usize) -> Option<&'static Block> {
    if index < FIRST.load(Ordering::Relaxed) {
        return None;
    }
    BLOCKS.get(index).and_then(OnceLock::get).copied()
}

/// Makes one more block of cells, out of what segments may use; gives its number. None where there is no room for it.
pub(crate) fn add_cell_block() -> Option<usize> {
    let mut arena = arena();
    let limit = LIMIT.load(Ordering::Relaxed);
    // There is always one.
    let left = if cell_blocks().next().is_none() {
        limit
            .saturating_sub(SEGMENTS_PER_BLOCK)
            .max(SEGMENTS_PER_BLOCK)
    } else {
        limit
            .checked_sub(SEGMENTS_PER_BLOCK)
            .filter(|left| *left >= SEGMENTS_PER_BLOCK)?
    };
    head()?;
    let index = arena.add_block(true)?;
    LIMIT.store(left, Ordering::Relaxed);
    Some(index)
}

/// The first block of this process.
fn head() -> Option<&'static Block> {
    BLOCKS
        .get(FIRST.load(Ordering::Acquire))
        .and_then(OnceLock::get)
        .copied()
}

/// Makes memory ready for a recording, and a live file of it where that can be had: in memory, else beside the `trace`. So many bytes may
/// be used in all. Returns the path of the live file. `recording` is zero where nothing is to be recovered from it.
pub(crate) fn prepare(recording: u64, trace: &Path, bytes: usize) -> Option<PathBuf> {
    let segments = (bytes / SEGMENT_BYTES).saturating_sub(SEGMENTS_PER_BLOCK);
    let mut arena = arena();
    let cells = cell_blocks().count() * SEGMENTS_PER_BLOCK;
    LIMIT.store(
        segments
            .saturating_sub(cells)
            .clamp(SEGMENTS_PER_BLOCK, MAX_BLOCKS * SEGMENTS_PER_BLOCK),
        Ordering::Relaxed,
    );
    // There may be several without a recording.
    let name = match recording {
        0 => live_name(u64::from(std::process::id()) << 32 | u64::from(fork::count())),
        _ => live_name(recording),
    };
    if head().is_none() {
        clean_up();
        arena.open(&name, trace);
        arena.make_head();
        arena.grow();
    } else if let Some(live) = &mut arena.live {
        let folder = live.path().parent().map(Path::to_owned);
        live.rename(folder.unwrap_or_default().join(name));
    }
    if let Some(head) = head() {
        head[file::RECORDING].store(recording, Ordering::Release);
    }
    arena.live.as_ref().map(|live| live.path().to_owned())
}

/// Deletes what killed processes have left in memory that nobody can use: those that did not record when they were killed, or only into
/// memory.
fn clean_up() {
    let folder = memory_folder().and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in folder.into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let is_ours = name.starts_with("ais-") && name.ends_with(".live");
        if is_ours && !destination::is_locked(&path) && has_no_recording(&path) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn has_no_recording(live: &Path) -> bool {
    use std::io::Read as _;
    let mut words = [0; 8 * (file::RECORDING + 1)];
    let is_read = std::fs::File::open(live).and_then(|mut file| file.read_exact(&mut words));
    let word = |index: usize| {
        words
            .as_chunks::<8>()
            .0
            .get(index)
            .copied()
            .map(u64::from_ne_bytes)
    };
    is_read.is_ok() && word(file::MAGIC) == Some(file::VERSION) && word(file::RECORDING) == Some(0)
}

/// The recording has ended in good order: nothing of it is left to be recovered.
pub(crate) fn release() {
    if let Some(head) = head() {
        head[file::RECORDING].store(0, Ordering::Release);
    }
}

/// Takes the live file away, since the process ends.
pub(crate) fn remove() {
    if let Some(live) = &arena().live {
        live.remove();
    }
}

/// After a fork: what is mapped is the parent's, and this process has no memory yet.
pub(super) fn forked(arena: &mut Arena) {
    arena.live = None;
    FIRST.store(
        BLOCKS
            .iter()
            .take_while(|block| block.get().is_some())
            .count(),
        Ordering::Release,
    );
    MADE.store(0, Ordering::Relaxed);
    USED.store(0, Ordering::Relaxed);
    FULL.store(0, Ordering::Relaxed);
}

impl Arena {
    fn open(&mut self, name: &str, trace: &Path) {
        let in_memory = memory_folder().and_then(|folder| LiveFile::create(folder.join(name)).ok());
        IS_QUICK.store(in_memory.is_some(), Ordering::Relaxed);
        self.live = in_memory.or_else(|| LiveFile::create(trace.with_file_name(name)).ok());
    }

    /// Makes a block of memory, and gives its number; none where it cannot be had.
    fn add_block(&mut self, has_cells: bool) -> Option<usize> {
        let index = BLOCKS.iter().position(|block| block.get().is_none())?;
        let durable = self.live.as_mut().and_then(|live| live.grow().ok());
        if let (Some((in_file, _)), Some(head), true) = (durable, head(), has_cells)
            && let Some(bits) = head[file::OTHER_BLOCKS..file::DEFINITIONS].get(in_file / 64)
        {
            bits.fetch_or(1 << (in_file % 64), Ordering::Release);
        }
        HAS_CELLS[index].store(has_cells, Ordering::Release);
        let block = durable.map(|(_, block)| block).or_else(private_block)?;
        BLOCKS[index].set(block).is_ok().then_some(index)
    }

    fn make_head(&mut self) {
        self.add_block(false);
        if let Some(head) = head() {
            head[file::MAGIC].store(file::VERSION, Ordering::Relaxed);
            head[file::DEFINITIONS_LEN].store(file::DEFINITIONS as u64, Ordering::Relaxed);
        }
    }

    /// Makes one more block of segments; whether it did.
    fn grow(&mut self) -> bool {
        let made = MADE.load(Ordering::Relaxed);
        let grows = head().is_some()
            && made < LIMIT.load(Ordering::Relaxed)
            && self.add_block(false).is_some();
        if grows {
            MADE.store(made + SEGMENTS_PER_BLOCK, Ordering::Release);
        }
        grows
    }
}

/// Takes a free segment for a thread that has lost so many events by now. None where all memory is used.
pub(super) fn take(thread: u64, dropped: u64) -> Option<&'static Segment> {
    let limit = LIMIT.load(Ordering::Relaxed);
    // Full memory is told by one load: a program that records more than can be written comes here for each event.
    if USED.load(Ordering::Relaxed) >= limit {
        PRESSED.store(true, Ordering::Relaxed);
        return None;
    }
    let order = TAKEN.fetch_add(1, Ordering::Relaxed) + 1;
    loop {
        let made = MADE.load(Ordering::Acquire);
        // Always from the first: a program that records little keeps using the same few, which then are in the processor's cache.
        let free = segments()
            .take(limit)
            .find(|segment| handover::take(segment, thread, order, dropped));
        if let Some(segment) = free {
            USED.fetch_add(1, Ordering::Relaxed);
            return Some(segment);
        }
        let mut memory = match ARENA.try_lock() {
            Ok(memory) => memory,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody makes room: in memory that takes microseconds, on a disk it may take long.
            Err(TryLockError::WouldBlock) if IS_QUICK.load(Ordering::Relaxed) => arena(),
            Err(TryLockError::WouldBlock) => return None,
        };
        if MADE.load(Ordering::Relaxed) == made && !memory.grow() {
            PRESSED.store(true, Ordering::Relaxed);
            return None;
        }
    }
}

/// Makes room for threads that will need it soon. Called by the writer, now and then.
pub(crate) fn make_room() {
    let free = MADE
        .load(Ordering::Relaxed)
        .saturating_sub(USED.load(Ordering::Relaxed));
    if free < SPARE && USED.load(Ordering::Relaxed) > SPARE {
        arena().grow();
    }
}

/// A thread is done with a segment.
pub(super) fn retired() {
    let full = FULL.fetch_add(1, Ordering::Relaxed) + 1;
    let room = room();
    if full > (room / 4).min(IN_CACHE) {
        PRESSED.store(true, Ordering::Relaxed);
    }
    if full > room / 4 * 3 {
        session::set_short(true);
    }
}

/// A segment was freed that its thread was done with.
pub(super) fn freed() {
    FULL.fetch_sub(1, Ordering::Relaxed);
    USED.fetch_sub(1, Ordering::Relaxed);
}

/// How many segments there may be but for those that threads write into now.
fn room() -> usize {
    let (used, full) = (USED.load(Ordering::Relaxed), FULL.load(Ordering::Relaxed));
    LIMIT
        .load(Ordering::Relaxed)
        .saturating_sub(used.saturating_sub(full))
        .max(1)
}

/// How much of the memory holds what is to be written, in quarters of what may.
pub(crate) fn quarters_used() -> usize {
    4 * FULL.load(Ordering::Relaxed) / room()
}

/// Whether a good part of the memory is used, so that the writer should come now; asking resets it.
pub(crate) fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed) && PRESSED.swap(false, Ordering::Relaxed)
}

/// Notes that the writer is alive: the last thing that is known of a process that is killed.
pub(crate) fn note_clock(clock: ClockPair) {
    if let Some(head) = head() {
        head[file::CLOCK_TICK].store(clock.tick, Ordering::Relaxed);
        head[file::CLOCK_NS].store(clock.ns, Ordering::Relaxed);
    }
}

/// Keeps definitions where they outlive the process, as far as there is room. Called under the lock of the definitions.
pub(crate) fn keep_definitions(words: &[u64]) {
    let Some(head) = head() else { return };
    let at = head[file::DEFINITIONS_LEN].load(Ordering::Relaxed) as usize;
    if let Some(slots) = head.get(at..at + words.len()) {
        for (slot, &word) in slots.iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        head[file::DEFINITIONS_LEN].store((at + words.len()) as u64, Ordering::Release);
    }
}

/// All definitions are in the trace. Called under the lock of the definitions.
pub(crate) fn drop_definitions() {
    if let Some(head) = head() {
        head[file::DEFINITIONS_LEN].store(file::DEFINITIONS as u64, Ordering::Release);
    }
}
