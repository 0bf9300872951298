//! One call of a traced function, or one traced block.

use ais_format::event::{FutureBegin, FutureEnd, FutureNew, outcome};

use super::table::Function;
use crate::cells::{self, Cell};
use crate::context;
use crate::record::emit;
use crate::session::{self, Word};

/// One call of a traced function, from its first poll, or from when its future is made, to its end.
#[derive(Debug)]
pub struct Frame {
    /// Zero where no recording was under way when it was made.
    id: u64,
    /// Where it is noted that it lives, and at which await point it is.
    cell: Cell,
    /// It was polled.
    is_begun: bool,
}

impl Frame {
    const NONE: Frame = Frame {
        id: 0,
        cell: Cell::NONE,
        is_begun: true,
    };

    /// A future of `function` is made, in which this frame lives.
    #[inline]
    #[must_use]
    pub fn new(function: &'static Function) -> Frame {
        match Word::now() {
            word if word.is_recording() => Frame::made(word, function),
            _ => Frame::NONE,
        }
    }

    /// That future is polled for the first time. The first statement of its body.
    #[inline]
    pub fn begin(&mut self, function: &'static Function) {
        let word = Word::now();
        if !word.is_recording() {
            return;
        }
        if self.id == 0 {
            // The recording began in between.
            *self = Frame::begun(word, function);
        } else {
            self.is_begun = true;
            let begin = begin_of(self.id, function);
            // It is at no await point yet, which the cell says already.
            cells::emit_noted(word, &begin, self.cell.words(), []);
        }
    }

    /// Begins a call whose future was not seen to be made. The first statement of the function's body.
    #[inline]
    #[must_use]
    pub fn enter(function: &'static Function) -> Frame {
        match Word::now() {
            word if word.is_recording() => Frame::begun(word, function),
            _ => Frame::NONE,
        }
    }

    #[inline(never)]
    fn made(word: Word, function: &'static Function) -> Frame {
        let new = FutureNew {
            future: session::next_local_id(),
            function: function.id(),
        };
        Frame {
            id: new.future,
            cell: cells::emit_born(word, &new, [0; 2]),
            is_begun: false,
        }
    }

    #[inline(never)]
    fn begun(word: Word, function: &'static Function) -> Frame {
        let begin = begin_of(session::next_local_id(), function);
        Frame {
            id: begin.future,
            cell: cells::emit_born(word, &begin, [0; 2]),
            is_begun: true,
        }
    }

    /// Its number; zero where it is not recorded.
    #[inline]
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Its cell.
    #[inline]
    pub(super) fn cell(&self) -> Cell {
        self.cell
    }
}

fn begin_of(future: u64, function: &'static Function) -> FutureBegin {
    FutureBegin {
        future,
        function: function.id(),
        parent: context::future(),
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        self.cell.free();
        if self.id != 0 && session::is_recording() {
            // Whether it returned or was dropped at an await point follows from whether it had left that.
            let outcome = if std::thread::panicking() {
                outcome::PANICKED
            } else if self.is_begun {
                outcome::READY
            } else {
                outcome::NEVER_POLLED
            };
            emit(&FutureEnd {
                future: self.id,
                outcome,
            });
        }
    }
}
