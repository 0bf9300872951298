//! What `#[trace]` expands to: a table of the function's await points, a frame for each call, and a future around each awaited
//! expression.
//!
//! The frame is a local variable of the `async fn`, declared first and so dropped last: the future stays the compiler's own, with a
//! few words more. Nothing here is for users to call; the names are public because expanded code lives in other crates.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use ais_format::event::{AwaitEnter, AwaitLeave, FutureBegin, FutureEnd, outcome};

use crate::cells::{self, Cell};
use crate::context;
use crate::define::{self, SourcePlace};
use crate::future::future_now;
use crate::record::{emit, emit_at};
use crate::session::{self, Word};

/// A place in the user's source.
#[derive(Clone, Copy, Debug)]
pub struct Place(SourcePlace);

impl Place {
    /// The place at `line!()` and `column!()` of `file!()`.
    #[must_use]
    pub const fn new(file: &'static str, line: u32, column: u32) -> Place {
        Place(SourcePlace { file, line, column })
    }
}

/// One `.await` of a traced function.
#[derive(Clone, Copy, Debug)]
pub struct AwaitPoint {
    expression: &'static str,
    place: Place,
}

impl AwaitPoint {
    /// An await of `expression`, whose `await` stands at `place`.
    #[must_use]
    pub const fn new(expression: &'static str, place: Place) -> AwaitPoint {
        AwaitPoint { expression, place }
    }
}

/// A traced function: what is known of it at compile time.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    place: Place,
    points: &'static [AwaitPoint],
    /// Its number, once a recording has seen it.
    id: AtomicU32,
}

impl Function {
    /// A function with all its await points, in source order.
    #[must_use]
    pub const fn new(name: &'static str, place: Place, points: &'static [AwaitPoint]) -> Function {
        Function {
            name,
            place,
            points,
            id: AtomicU32::new(0),
        }
    }

    #[inline]
    fn id(&self) -> u64 {
        match self.id.load(Ordering::Relaxed) {
            0 => self.register(),
            id => id.into(),
        }
    }

    #[cold]
    fn register(&self) -> u64 {
        // Two threads may register at once; both numbers are then defined, and mean the same.
        let points = self
            .points
            .iter()
            .map(|point| (point.expression, point.place.0));
        let id = define::function(self.name, self.place.0, points);
        self.id.store(id as u32, Ordering::Relaxed);
        id
    }
}

/// One call of a traced function, from its first poll to its end.
#[derive(Debug)]
pub struct Frame {
    /// Zero where no recording was under way when it began.
    id: u64,
    /// Where it is noted that it runs.
    cell: Cell,
}

impl Frame {
    /// Begins a call. The first statement of the function's body.
    #[inline]
    #[must_use]
    pub fn enter(function: &'static Function) -> Frame {
        let word = Word::now();
        if !word.is_recording() {
            return Frame {
                id: 0,
                cell: Cell::NONE,
            };
        }
        let id = session::next_local_id();
        let begin = FutureBegin {
            future: id,
            function: function.id(),
            parent: context::future(),
        };
        let cell = cells::emit_born(word, &begin, [0; 2]);
        Frame { id, cell }
    }

    /// The future to await in place of `awaited`, at the await point number `point`.
    #[inline]
    pub fn at<F: IntoFuture>(&self, point: u16, awaited: F) -> Awaiting<F::IntoFuture> {
        Awaiting {
            future: awaited.into_future(),
            frame: self.id,
            cell: self.cell,
            point,
            entered: false,
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.cell.free();
        if self.id != 0 && session::is_recording() {
            // Whether it returned or was dropped at an await point follows from whether it had left that.
            let outcome = if std::thread::panicking() {
                outcome::PANICKED
            } else {
                outcome::READY
            };
            emit(&FutureEnd {
                future: self.id,
                outcome,
            });
        }
    }
}

pin_project_lite::pin_project! {
    /// An awaited future that records when its await point is entered and left.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Awaiting<F> {
        #[pin]
        future: F,
        // Zero once the await point was left.
        frame: u64,
        cell: Cell,
        point: u16,
        entered: bool,
    }

    impl<F> PinnedDrop for Awaiting<F> {
        fn drop(this: Pin<&mut Self>) {
            if this.entered && this.frame != 0 {
                future_now::leave(this.cell);
            }
            if this.entered && this.frame != 0 && session::is_recording() {
                let outcome = if std::thread::panicking() { outcome::PANICKED } else { outcome::DROPPED };
                emit(&AwaitLeave { future: this.frame, point: this.point.into(), outcome });
            }
        }
    }
}

impl<F: Future> Future for Awaiting<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.frame == 0 || !session::is_recording() {
            return this.future.poll(cx);
        }
        if !*this.entered {
            *this.entered = true;
            let enter = AwaitEnter {
                future: *this.frame,
                point: (*this.point).into(),
            };
            future_now::enter(*this.cell, *this.point, || emit_at(Word::now(), &enter));
        }
        let scope = context::enter_future(*this.frame);
        let result = this.future.poll(cx);
        drop(scope);
        if result.is_ready() {
            future_now::leave(*this.cell);
            emit(&AwaitLeave {
                future: *this.frame,
                point: (*this.point).into(),
                outcome: outcome::READY,
            });
            *this.frame = 0;
        }
        result
    }
}
