//! What is put around awaited expressions, and what stands for a macro that awaits.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{AwaitEnter, AwaitLeave, outcome};

use super::frame::Frame;
use crate::cells::Cell;
use crate::context;
use crate::future::future_now;
use crate::record::{emit, emit_at};
use crate::session::{self, Word};

/// The future to await in place of `awaited`, at await point number `point` of the function in whose `frame` this is.
#[inline]
pub fn at<F: IntoFuture>(awaited: F, frame: &Frame, point: u16) -> Awaiting<F::IntoFuture> {
    Awaiting {
        future: awaited.into_future(),
        frame: frame.id(),
        cell: frame.cell(),
        point,
        entered: false,
    }
}

/// The future to hand to a macro that awaits, in place of `branch`: what runs in it runs inside the function in whose `frame` this is.
#[inline]
pub fn inside<F: IntoFuture>(branch: F, frame: &Frame) -> Inside<F::IntoFuture> {
    Inside {
        future: branch.into_future(),
        frame: frame.id(),
    }
}

#[inline]
fn enter(frame: u64, cell: Cell, point: u16) {
    let enter = AwaitEnter {
        future: frame,
        point: point.into(),
    };
    future_now::enter(cell, point, || emit_at(Word::now(), &enter));
}

#[inline]
fn leave(frame: u64, cell: Cell, point: u16, outcome: u64) {
    future_now::leave(cell);
    if session::is_recording() {
        emit(&AwaitLeave {
            future: frame,
            point: point.into(),
            outcome,
        });
    }
}

/// How an await point was left by whoever is dropped there.
fn outcome_of_drop() -> u64 {
    if std::thread::panicking() {
        outcome::PANICKED
    } else {
        outcome::DROPPED
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
                leave(this.frame, this.cell, this.point, outcome_of_drop());
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
            enter(*this.frame, *this.cell, *this.point);
        }
        let scope = context::enter_future(*this.frame);
        let result = this.future.poll(cx);
        drop(scope);
        if result.is_ready() {
            leave(*this.frame, *this.cell, *this.point, outcome::READY);
            *this.frame = 0;
        }
        result
    }
}

pin_project_lite::pin_project! {
    /// A branch of `join!` or `select!`: polled inside the function that calls the macro.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Inside<F> {
        #[pin]
        future: F,
        frame: u64,
    }
}

impl<F: Future> Future for Inside<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.frame == 0 || !session::is_recording() {
            return this.future.poll(cx);
        }
        let _scope = context::enter_future(*this.frame);
        this.future.poll(cx)
    }
}

/// Stands while a macro awaits: dropped with the future that calls it, or left when the macro is done.
#[must_use = "an await point is left when this is dropped"]
#[derive(Debug)]
pub struct Within {
    /// Zero where nothing is recorded, and once it was left.
    frame: u64,
    cell: Cell,
    point: u16,
}

impl Within {
    /// A macro begins to await, at await point number `point`.
    #[inline]
    pub fn enter(frame: &Frame, point: u16) -> Within {
        let mut within = Within {
            frame: 0,
            cell: frame.cell(),
            point,
        };
        if frame.id() != 0 && session::is_recording() {
            within.frame = frame.id();
            enter(within.frame, within.cell, point);
        }
        within
    }

    /// The macro has nothing more to await.
    #[inline]
    pub fn leave(mut self) {
        if self.frame != 0 {
            leave(self.frame, self.cell, self.point, outcome::READY);
            self.frame = 0;
        }
    }

    /// The macro is done, with this value.
    #[inline]
    pub fn left<T>(self, value: T) -> T {
        self.leave();
        value
    }
}

impl Drop for Within {
    #[inline]
    fn drop(&mut self) {
        if self.frame != 0 {
            leave(self.frame, self.cell, self.point, outcome_of_drop());
        }
    }
}
