//! What is alive now: a cell of memory for each live task, future, resource, operation, hold, end of a channel.
//!
//! A recording that keeps only its last stretches of time, or that lost events, would not know of a lock that was taken an hour ago. So
//! whatever comes to life is also noted in a cell, by the record of its birth and a few words that are kept up to date, and the cell is
//! given back when it ends. Now and then the writer copies all cells into the trace, while the program goes on: a *keyframe*.
//!
//! A cell is written by whoever owns what it stands for, and copied by the writer at any time ([`words`]). A copy during which it came to
//! stand for something else is thrown away: what it stood for has ended, and the trace has that event.
//!
//! What has a number among the changes of a resource is expected in its cell before that number is drawn: so a keyframe that has seen the
//! number knows that it has to wait for the rest.

#[cfg(all(test, ais_loom))]
mod under_loom;
pub(crate) mod words;

use std::cell::Cell as StdCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ais_format::live::layout::BLOCK_WORDS;

use crate::context;
use crate::record::{Record, push, stamped};
use crate::segment;
use crate::session::Word;
use words::Look;

/// A cell, in words.
pub(crate) const CELL_WORDS: usize = 16;
/// How many cells are in a block of memory.
const CELLS_PER_BLOCK: usize = BLOCK_WORDS / CELL_WORDS;
/// How many free cells a thread keeps for itself.
const CACHED: usize = 32;
/// How long a keyframe waits for what is about to be noted.
const PATIENCE: Duration = Duration::from_millis(50);

/// The words of a cell.
pub(crate) type CellWords = [AtomicU64; CELL_WORDS];

/// Where things stand in a cell.
pub(crate) mod at {
    /// The first word of the record; zero: free; [`EXPECTED`](super::words::EXPECTED): soon.
    pub(crate) const FIRST: usize = 0;
    /// The task that did it.
    pub(crate) const BY: usize = 1;
    /// The rest of the record.
    pub(crate) const RECORD: usize = 2;
    /// What tells two records of a kind from each other.
    pub(crate) const IDENTITY: [usize; 2] = [RECORD, RECORD + 1];
    /// Words that are kept up to date: what they mean depends on the kind.
    pub(crate) const NOW: usize = 9;
    /// Of a task and of an operation: how many write into the cell, their wakers included. Those may outlive them.
    pub(crate) const USERS: usize = NOW + 4;
}

/// Written by whoever has no cell, read by nobody.
static NOWHERE: CellWords = [const { AtomicU64::new(0) }; CELL_WORDS];

static FREE: Mutex<Vec<u32>> = Mutex::new(Vec::new());
/// Something that is, or was, alive has no cell.
static IS_INCOMPLETE: AtomicBool = AtomicBool::new(false);

thread_local! {
    static CACHE: [StdCell<u32>; CACHED] = const { [const { StdCell::new(0) }; CACHED] };
    static CACHE_LEN: StdCell<usize> = const { StdCell::new(0) };
}

/// A cell, or none: then what it would be told is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell(
    /// Its number plus one.
    u32,
);

impl Cell {
    pub(crate) const NONE: Cell = Cell(0);

    /// A cell for something that will be noted.
    pub(crate) fn taken() -> Cell {
        take()
    }

    /// A cell for something that is born by a change of a resource whose number is drawn after this; and its words.
    #[inline]
    pub(crate) fn expecting() -> (Cell, &'static CellWords) {
        let cell = take();
        let words = cell.words();
        words::expect(words);
        (cell, words)
    }

    /// The first words of the record by which a hold came to be; none where there is none.
    pub(crate) fn record(self) -> Option<[u64; 6]> {
        let of = self.words();
        let record: [u64; 6] = std::array::from_fn(|i| match i {
            0 => of[at::FIRST].load(Ordering::Relaxed),
            _ => of[at::RECORD + i - 1].load(Ordering::Relaxed),
        });
        (self != Cell::NONE && record[0] > words::EXPECTED).then_some(record)
    }

    /// Notes a part of the hold that has this record: the same, but for the number and the units.
    pub(crate) fn becomes_part(self, mut record: [u64; 6], number: u64, units: u64) {
        record[2] = number;
        words::note(self.words(), &record, context::task(), [units]);
    }

    /// A hold has so many units more.
    pub(crate) fn gain(self, units: u64) {
        self.words()[at::NOW].fetch_add(units, Ordering::AcqRel);
    }

    /// A hold has so many units less; without any it is none.
    #[inline]
    pub(crate) fn lose(self, units: u64) {
        let words = self.words();
        if words::lose(words, units) {
            self.give_back(words);
        }
    }

    /// The words of the cell.
    #[inline]
    pub(crate) fn words(self) -> &'static CellWords {
        match self.0.checked_sub(1) {
            None => &NOWHERE,
            Some(index) => words_of(index as usize),
        }
    }

    /// Keeps a word up to date.
    #[inline]
    pub(crate) fn set(self, index: usize, word: u64) {
        self.words()[at::NOW + index].store(word, Ordering::Release);
    }

    /// What it stood for has ended.
    #[inline]
    pub(crate) fn free(self) {
        let words = self.words();
        words::clear(words);
        self.give_back(words);
    }

    /// Whether there is memory of this process behind it.
    pub(crate) fn is_here(self) -> bool {
        !std::ptr::eq(self.words(), &raw const NOWHERE)
    }

    /// One more writes into it, who may outlive what it stands for; the words.
    #[inline]
    pub(crate) fn share(self) -> &'static CellWords {
        let words = self.words();
        words::share(words);
        words
    }

    /// What it stood for, and shared it, has ended.
    #[inline]
    pub(crate) fn free_shared(self) {
        let words = self.words();
        words::clear(words);
        self.unshare_words(words);
    }

    /// One who wrote into it will not any more.
    #[inline]
    pub(crate) fn unshare(self) {
        self.unshare_words(self.words());
    }

    #[inline]
    fn unshare_words(self, words: &'static CellWords) {
        if words::unshare(words) {
            self.give_back(words);
        }
    }

    #[inline]
    fn give_back(self, words: &'static CellWords) {
        // None, or, after a fork, the parent's.
        if !std::ptr::eq(words, &raw const NOWHERE) {
            give_back(self);
        }
    }
}

#[inline]
fn words_of(index: usize) -> &'static CellWords {
    segment::cell_block(index / CELLS_PER_BLOCK)
        .and_then(|block| {
            block
                .as_chunks::<CELL_WORDS>()
                .0
                .get(index % CELLS_PER_BLOCK)
        })
        .unwrap_or(&NOWHERE)
}

#[inline]
fn take() -> Cell {
    let len = CACHE_LEN.get();
    if len == 0 {
        return refill();
    }
    CACHE_LEN.set(len - 1);
    CACHE.with(|cache| {
        cache
            .get(len - 1)
            .map_or(Cell::NONE, |slot| Cell(slot.get()))
    })
}

#[inline]
fn give_back(cell: Cell) {
    let len = CACHE_LEN.get();
    CACHE.with(|cache| match cache.get(len) {
        Some(slot) => {
            slot.set(cell.0);
            CACHE_LEN.set(len + 1);
        }
        None => give_back_many(cell),
    });
}

/// The list of free cells. Threads come here once in sixteen cells, and only where they make more than they end, or less; it is held for
/// some nanoseconds.
fn free_list() -> MutexGuard<'static, Vec<u32>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cold]
#[inline(never)]
fn refill() -> Cell {
    let mut free = free_list();
    if free.is_empty() {
        let Some(block) = segment::add_cell_block() else {
            IS_INCOMPLETE.store(true, Ordering::Relaxed);
            return Cell::NONE;
        };
        let first = (block * CELLS_PER_BLOCK) as u32;
        free.reserve(2 * CELLS_PER_BLOCK);
        // From the first.
        free.extend(
            (first..first + CELLS_PER_BLOCK as u32)
                .rev()
                .map(|index| index + 1),
        );
    }
    let rest = free.len().saturating_sub(CACHED / 2);
    CACHE.with(|cache| {
        let cells = free.drain(rest..);
        CACHE_LEN.set(cells.len());
        for (slot, cell) in cache.iter().zip(cells) {
            slot.set(cell);
        }
    });
    drop(free);
    take()
}

#[cold]
#[inline(never)]
fn give_back_many(cell: Cell) {
    CACHE.with(|cache| {
        let kept = CACHED / 2;
        free_list().extend(cache[kept..].iter().map(StdCell::get));
        CACHE_LEN.set(kept);
    });
    give_back(cell);
}

/// The thread ends: its free cells are anybody's.
pub(crate) fn thread_ends() {
    let len = CACHE_LEN.replace(0);
    CACHE.with(|cache| free_list().extend(cache[..len].iter().map(StdCell::get)));
}

/// After a fork: cells are the parent's.
pub(crate) fn forked(free: &mut FreeCells) {
    free.0.clear();
    CACHE_LEN.set(0);
}

/// The lock of this module.
pub(crate) struct FreeCells(MutexGuard<'static, Vec<u32>>);

/// Takes it.
pub(crate) fn lock() -> FreeCells {
    FreeCells(free_list())
}

/// Whether everything that is alive has a cell.
pub(crate) fn is_complete() -> bool {
    !IS_INCOMPLETE.load(Ordering::Relaxed)
}

/// A copy of a cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copied {
    pub(crate) words: [u64; CELL_WORDS],
}

/// Copies the cells of everything that was born at `since` or later and is alive. What ends meanwhile may be there or not; what is about
/// to be noted is waited for. Whether all of that came.
pub(crate) fn copy_all(since: u64, mut each: impl FnMut(Copied)) -> bool {
    let mut expected: Vec<&CellWords> = Vec::new();
    let mut copy = |cell: &'static CellWords| match words::copy(cell) {
        Look::Noted(words) if words[at::FIRST] >> 8 >= since => {
            each(Copied { words });
            true
        }
        Look::Noted(_) | Look::Free => true,
        Look::Expected => false,
    };
    for block in segment::cell_blocks() {
        let cells = block.as_chunks::<CELL_WORDS>().0;
        expected.extend(cells.iter().filter(|cell| !copy(cell)));
    }
    let since = Instant::now();
    while !expected.is_empty() && since.elapsed() < PATIENCE {
        // Whoever writes it is interrupted, in the middle of a few instructions.
        std::thread::sleep(Duration::from_micros(50));
        expected.retain(|cell| !copy(cell));
    }
    expected.is_empty()
}

/// Records that something was born, and notes it in a cell.
#[inline]
pub(crate) fn emit_born<R: Record, const N: usize>(word: Word, event: &R, now: [u64; N]) -> Cell {
    let cell = take();
    emit_noted(word, event, cell.words(), now);
    cell
}

/// The same, in a cell that there is already.
#[inline]
pub(crate) fn emit_noted<R: Record, const N: usize>(
    word: Word,
    event: &R,
    cell: &CellWords,
    now: [u64; N],
) {
    let (words, used) = stamped(word, event);
    // The cell first: a keyframe that begins after the event has it.
    words::note(cell, &words[..used], context::task(), now);
    push(&words, used);
}
