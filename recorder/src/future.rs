//! Named futures: `.traced("name")` on any future makes it one that the trace knows.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{FutureBegin, FutureEnd, FutureNew, outcome};

use crate::cells::{self, Cell};
use crate::context;
use crate::define;
use crate::record::emit;
use crate::session::{self, Word};

/// Names futures in the trace.
pub trait TraceExt: Future + Sized {
    /// Gives this future a name in the trace: when it was made, in which task and inside what it runs, how it ended, and whether it
    /// was dropped without ever being polled.
    ///
    /// ```
    /// use ais_recorder::TraceExt as _;
    /// # futures::executor::block_on(async {
    /// assert_eq!(async { 5 }.traced("five").await, 5);
    /// # });
    /// ```
    #[track_caller]
    fn traced(self, name: impl Into<Cow<'static, str>>) -> Traced<Self> {
        let mut function = 0;
        let mut id = 0;
        let mut cell = Cell::NONE;
        if session::is_recording() {
            function = define::named_future(&name.into(), Location::caller());
            id = session::next_local_id();
            let new = FutureNew {
                future: id,
                function,
            };
            cell = cells::emit_born(Word::now(), &new, [0; 2]);
        }
        Traced {
            future: self,
            id,
            function,
            cell,
            phase: Phase::New,
        }
    }
}

impl<F: Future> TraceExt for F {}

/// What the words of a future's cell mean that are kept up to date.
pub(crate) mod future_now {
    use crate::cells::Cell;

    /// Which of its await points it is at, from 1; zero where it is at none.
    pub(crate) const POINT: usize = 0;
    /// The first word of the record by which it came there.
    pub(crate) const SINCE: usize = 1;

    /// It comes to an await point; `record` records that, and returns the first word.
    #[inline]
    pub(crate) fn enter(cell: Cell, point: u16, record: impl FnOnce() -> u64) {
        cell.set(POINT, u64::from(point) + 1);
        cell.set(SINCE, record());
    }

    /// It is past it.
    #[inline]
    pub(crate) fn leave(cell: Cell) {
        cell.set(POINT, 0);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Begun,
    Ended,
}

pin_project_lite::pin_project! {
    /// A future with a name in the trace. Made by [`TraceExt::traced`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F> {
        #[pin]
        future: F,
        // Zero where no recording was under way when it was made.
        id: u64,
        function: u64,
        // Where it is noted that it lives.
        cell: Cell,
        phase: Phase,
    }

    impl<F> PinnedDrop for Traced<F> {
        fn drop(this: Pin<&mut Self>) {
            this.cell.free();
            if this.id == 0 || !session::is_recording() {
                return;
            }
            match this.phase {
                Phase::Ended => {}
                _ if std::thread::panicking() => emit(&FutureEnd { future: this.id, outcome: outcome::PANICKED }),
                Phase::Begun => emit(&FutureEnd { future: this.id, outcome: outcome::DROPPED }),
                Phase::New => emit(&FutureEnd { future: this.id, outcome: outcome::NEVER_POLLED }),
            }
        }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.id == 0 || !session::is_recording() {
            return this.future.poll(cx);
        }
        if *this.phase == Phase::New {
            *this.phase = Phase::Begun;
            let begin = FutureBegin {
                future: *this.id,
                function: *this.function,
                parent: context::future(),
            };
            let made = std::mem::replace(this.cell, cells::emit_born(Word::now(), &begin, [0; 2]));
            made.free();
        }
        let scope = context::enter_future(*this.id);
        let result = this.future.poll(cx);
        drop(scope);
        if result.is_ready() {
            *this.phase = Phase::Ended;
            std::mem::take(this.cell).free();
            emit(&FutureEnd {
                future: *this.id,
                outcome: outcome::READY,
            });
        }
        result
    }
}
