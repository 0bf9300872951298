//! What was done by tasks that are not recorded.
//!
//! A program may be recorded in part: its own tasks are, those of a library are not, and both use the same recorded channel. An executor
//! that numbers its tasks can tell which one runs: then what an unrecorded task does is told apart from what another one, or a plain
//! thread, does.

use std::sync::OnceLock;

use ais_format::event::Foreign;

use crate::cells::{self, CellWords};
use crate::context;
use crate::record::{Record, emit, emit_in};
use crate::session::Word;

static RUNNING: OnceLock<fn() -> u64> = OnceLock::new();

/// Says how to learn the number of the task that runs on this thread, as its executor counts, zero where there is none. The first
/// answer counts.
///
/// It is asked only where no recorded task runs. It must not use anything recorded.
pub fn set_running_task(running: fn() -> u64) {
    let _ = RUNNING.set(running);
}

/// Records an event, after the unrecorded task that does it, where it is one.
#[inline]
pub(crate) fn emit_attributed<R: Record>(event: &R) {
    emit_attributed_in(Word::now(), event);
}

/// The same, where the word of the recording is at hand.
#[inline]
pub(crate) fn emit_attributed_in<R: Record>(word: Word, event: &R) {
    name_if_foreign();
    emit_in(word, event);
}

/// Records that something was born, after the unrecorded task that does it, where it is one: in a cell that there is already.
#[inline]
pub(crate) fn emit_attributed_noted<R: Record, const N: usize>(
    word: Word,
    event: &R,
    cell: &CellWords,
    now: [u64; N],
) {
    name_if_foreign();
    cells::emit_noted(word, event, cell, now);
}

/// Says which unrecorded task does what follows, where one does; its number, or zero.
#[inline]
pub(crate) fn name_if_foreign() -> u64 {
    if context::is_in_task() {
        0
    } else {
        name_foreign_task()
    }
}

#[cold]
#[inline(never)]
pub(crate) fn name_foreign_task() -> u64 {
    let task = RUNNING.get().map_or(0, |running| running());
    if task != 0 {
        emit(&Foreign { task });
    }
    task
}
