//! What an operation is to the trace while it waits.

use std::fmt;
use std::task::{Context, Poll};

use ais_format::event::{
    OperationBegin, OperationEnd, OperationPoll, TimerSet, operation_flag, outcome,
};

use super::waker::Lent;
use super::{Done, HasBudget, Request, foreign_flag, inline_flag};
use crate::cells::Cell;
use crate::context;
use crate::define;
use crate::foreign::{emit_attributed, emit_attributed_noted};
use crate::record::emit;
use crate::resource::Resource;
use crate::session::{self, Word};

/// What the words of an operation's cell mean that are kept up to date.
pub(crate) mod operation_now {
    /// Its flags as of its last poll; above those, how often its waker had been called by then; and [`WAS_POLLED`].
    pub(crate) const POLLED: usize = 0;
    /// It was polled, or came into its queue, after it began.
    pub(crate) const WAS_POLLED: u64 = 1 << 63;
    /// How often its waker was called, with the lowest half of its number above that: wakers may outlive it.
    pub(crate) const FIRES: usize = 6;
}

/// What an operation that waits is known by.
pub(super) struct Waiting {
    pub(super) id: u64,
    /// The resource whose queue it is in, to number its changes; none for a join or a timer.
    target: u64,
    /// Whether it was polled, or came into its queue without that.
    was_polled: bool,
    /// Whether it began in the poll that goes on now: its beginning tells of that one.
    is_in_first_poll: bool,
    /// Where it is noted that it waits.
    cell: Cell,
    /// Made when it is first polled with it.
    waker: Option<Lent>,
}

impl Waiting {
    /// Records that an operation begins to wait.
    ///
    /// `changes` is how many changes its resource had before it could have come into the queue.
    #[cold]
    fn begin(request: &Request<'_>, changes: u64, flags: u64) -> Waiting {
        let id = session::next_local_id();
        let target = request.target_number();
        let word = Word::now();
        let (cell, words) = if word.is_recording() {
            Cell::expecting()
        } else {
            (Cell::NONE, Cell::NONE.words())
        };
        let (static_flags, sequence) = request.resource().map_or((0, 0), |resource| {
            (resource.static_flags(), resource.next_change())
        });
        if word.is_recording() {
            let begin = OperationBegin {
                operation: id,
                kind: request.kind,
                target,
                handle: request.handle,
                location: define::location(request.location),
                future: context::future(),
                flags: request.flags | flags | static_flags,
                units: request.units,
                sequence,
                overlap: sequence.saturating_sub(changes + 1),
            };
            // It writes into its cell itself, and so does its waker.
            emit_attributed_noted(word, &begin, words, [flags | request.flags, 0, 0, 0, 1]);
        }
        Waiting {
            id,
            target: if sequence == 0 { 0 } else { target },
            was_polled: false,
            is_in_first_poll: false,
            cell,
            waker: None,
        }
    }

    /// Polls what is waited for, with the operation's own waker. The operation now lies at `address`.
    fn poll<T>(
        &mut self,
        address: usize,
        has_budget: HasBudget,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let id = self.id;
        let cell = self.cell;
        let lent = self.waker.get_or_insert_with(|| Lent::new(id, cell));
        let fires = lent.fires();
        let before = lent.wakes(cx.waker());
        let result = poll(&mut Context::from_waker(lent.waker()));
        drop(before);
        if result.is_ready() {
            lent.is_done();
        }
        self.was_polled = true;
        let is_told = std::mem::take(&mut self.is_in_first_poll);
        if result.is_pending() && !is_told {
            let budget = if has_budget() {
                0
            } else {
                operation_flag::NO_BUDGET
            };
            self.still_waits(fires, budget | foreign_flag(cx) | inline_flag(address));
        }
        result
    }

    fn still_waits(&self, fires: u32, flags: u64) {
        let fires_and_flags = operation_now::WAS_POLLED | u64::from(fires) << 32 | flags;
        self.cell.set(operation_now::POLLED, fires_and_flags);
        if session::is_recording() {
            emit(&OperationPoll {
                operation: self.id,
                fires: fires.into(),
                flags,
            });
        }
    }

    pub(super) fn end(&self, resource: Option<&Resource>, outcome: u64) {
        self.cell.free_shared();
        if session::is_recording() {
            emit(&OperationEnd {
                operation: self.id,
                outcome,
                resource: self.target,
                sequence: resource.map_or(0, Resource::next_change),
            });
        }
    }
}

pub(super) enum State {
    New,
    /// Polled while nothing was recorded.
    Polled,
    /// In a box, so that an operation which need not wait is small.
    Waiting(Box<Waiting>),
    Ended,
}

/// An operation, as the trace knows it. It does nothing by itself when it is dropped: whoever has one says [`Slot::dropped`]
/// then, or [`Slot::give_up`] where there is nothing that one would have to poll.
pub struct Slot(pub(super) State);

impl Slot {
    /// One that was not polled yet.
    #[must_use]
    pub const fn new() -> Slot {
        Slot(State::New)
    }

    /// One that counts from now on, before it is polled for the first time.
    #[must_use]
    pub fn begun(request: &Request<'_>) -> Slot {
        if !session::is_recording() {
            return Slot::new();
        }
        let changes = request.resource().map_or(0, Resource::changes);
        let waiting = Waiting::begin(request, changes, 0);
        Slot(State::Waiting(Box::new(waiting)))
    }

    /// Whether there is nothing to record: no recording is under way, and this did not begin to wait under one.
    #[inline]
    pub fn is_unrecorded(&self) -> bool {
        !session::is_recording() && !matches!(self.0, State::Waiting(_))
    }

    /// The number of the operation while it waits.
    pub fn operation(&self) -> Option<u64> {
        match &self.0 {
            State::Waiting(waiting) => Some(waiting.id),
            State::New | State::Polled | State::Ended => None,
        }
    }

    /// Whether it is over: nothing is left to record when it is dropped.
    #[inline]
    pub fn is_ended(&self) -> bool {
        matches!(self.0, State::Ended)
    }

    /// Notes a poll that is not recorded, of one that [is not](Slot::is_unrecorded): when it is dropped, it was not never polled.
    #[inline]
    pub fn polled_unrecorded(&mut self) {
        self.0 = State::Polled;
    }

    /// Records that the deadline that is waited for is moved: so many nanoseconds from now. Before the fact.
    pub fn timer_set(&self, delay: u64) {
        if let (State::Waiting(waiting), true) = (&self.0, session::is_recording()) {
            emit_attributed(&TimerSet {
                operation: waiting.id,
                delay,
            });
        }
    }

    /// Polls what the operation, which lies at `address` now, waits for.
    ///
    /// `poll` may be called twice: once with the task's own waker, and where that has to wait and `has_budget` is true, again with the
    /// waker of the operation. `outcome` tells how a result ends it.
    #[inline]
    pub fn poll<'a, T>(
        &mut self,
        request: impl Fn() -> Request<'a>,
        address: usize,
        has_budget: HasBudget,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
        outcome: impl FnOnce(&T) -> u64,
    ) -> Poll<(T, Done)> {
        let mut changes = 0;
        if !matches!(self.0, State::Waiting(_)) {
            changes = request().resource().map_or(0, Resource::changes);
            if let Poll::Ready(result) = poll(cx) {
                self.0 = State::Ended;
                let done = Done {
                    operation: 0,
                    flags: inline_flag(address),
                    location: request().location,
                };
                return Poll::Ready((result, done));
            }
        }
        self.wait(&request(), changes, address, has_budget, cx, poll, outcome)
    }

    /// Polls what has to wait.
    #[cold]
    #[inline(never)]
    #[allow(clippy::too_many_arguments, reason = "the rest of `poll`")]
    fn wait<T>(
        &mut self,
        request: &Request<'_>,
        changes: u64,
        address: usize,
        has_budget: HasBudget,
        cx: &mut Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
        outcome: impl FnOnce(&T) -> u64,
    ) -> Poll<(T, Done)> {
        if !matches!(self.0, State::Waiting(_)) {
            let has_budget = has_budget();
            let mut flags = foreign_flag(cx) | inline_flag(address);
            if !has_budget {
                flags |= operation_flag::NO_BUDGET;
            }
            let mut waiting = Waiting::begin(request, changes, flags);
            waiting.was_polled = true;
            waiting.is_in_first_poll = has_budget;
            self.0 = State::Waiting(Box::new(waiting));
            if !has_budget {
                // It may not even be in the queue. Its task was told to come again.
                return Poll::Pending;
            }
        }
        let State::Waiting(waiting) = &mut self.0 else {
            unreachable!("it was just made")
        };
        let Poll::Ready(result) = waiting.poll(address, has_budget, cx, poll) else {
            return Poll::Pending;
        };
        let done = Done {
            operation: waiting.id,
            flags: inline_flag(address),
            location: request.location,
        };
        waiting.end(request.resource(), outcome(&result));
        self.0 = State::Ended;
        Poll::Ready((result, done))
    }

    /// Records that the operation, which lies at `address` now and has begun, is in the queue of its resource, although it was not polled.
    pub fn queued(&mut self, address: usize) {
        if let State::Waiting(waiting) = &mut self.0 {
            waiting.was_polled = true;
            waiting.still_waits(0, inline_flag(address));
        }
    }

    /// Records that an operation that waits is given up. To be called before what it waits with is dropped.
    #[inline]
    pub fn give_up(&mut self, request: &Request<'_>) {
        if matches!(self.0, State::Waiting(_)) {
            self.end_as_dropped(request);
        }
    }

    #[cold]
    fn end_as_dropped(&mut self, request: &Request<'_>) {
        if let State::Waiting(waiting) = std::mem::replace(&mut self.0, State::Ended) {
            let outcome = if std::thread::panicking() {
                outcome::PANICKED
            } else if waiting.was_polled {
                outcome::DROPPED
            } else {
                outcome::NEVER_POLLED
            };
            waiting.end(request.resource(), outcome);
        }
    }

    /// Records an operation that is dropped: given up where it waited, never polled where it was not.
    ///
    /// To be called before what it waits with is dropped.
    pub fn dropped(&mut self, request: &Request<'_>) {
        if matches!(self.0, State::New) && session::is_recording() && !std::thread::panicking() {
            let changes = request.resource().map_or(0, Resource::changes);
            let never_polled = Waiting::begin(request, changes, 0);
            never_polled.end(request.resource(), outcome::NEVER_POLLED);
            self.0 = State::Ended;
        } else {
            self.give_up(request);
        }
    }
}

impl Default for Slot {
    fn default() -> Self {
        Slot::new()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("operation", &self.operation())
            .finish_non_exhaustive()
    }
}
