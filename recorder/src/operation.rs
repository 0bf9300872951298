//! Operations: one `lock()`, `send()`, `acquire_many(3)`, … from the call to its end.
//!
//! An operation that can be done at once costs no more than the event of what it did. One that has to wait gets a number, and a waker
//! of its own, made here on the slow path, so that the trace tells which operation of a task its resource woke, and so that it holds
//! exactly one clone of the task's waker while it waits: the clones of others can be counted.
//!
//! [`Operation`] wraps a future that does one. What it is about, and what is recorded when it is done, says its [`Subject`]. [`Slot`] is
//! what an operation is to the trace; `poll_*` functions, which have no future, use it by itself.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ais_format::event::{
    OperationBegin, OperationEnd, OperationFired, OperationPoll, TimerSet, operation_flag, outcome,
};

use crate::context;
use crate::define;
use crate::foreign::emit_attributed;
use crate::record::emit;
use crate::resource::Resource;
use crate::session;

/// Of whom an operation asks something.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A resource.
    Resource(&'a Resource),
    /// A task, by its number: its end is waited for.
    Task(u64),
    /// A clock.
    Time,
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// An [`operation_kind`](ais_format::event::operation_kind).
    pub kind: u64,
    /// Of whom.
    pub target: Target<'a>,
    /// The end of the channel that is used; zero where it is not a channel.
    pub handle: u64,
    /// How many units; for a timer, the nanoseconds until its deadline.
    pub units: u64,
    /// Where in source.
    pub location: &'static Location<'static>,
    /// [`operation_flag`] bits beyond those that are found out here.
    pub flags: u64,
}

impl<'a> Request<'a> {
    /// One unit of a resource.
    #[must_use]
    pub fn of(kind: u64, resource: &'a Resource, location: &'static Location<'static>) -> Self {
        Request {
            kind,
            target: Target::Resource(resource),
            handle: 0,
            units: 1,
            location,
            flags: 0,
        }
    }

    fn resource(&self) -> Option<&'a Resource> {
        match self.target {
            Target::Resource(resource) => Some(resource),
            Target::Task(_) | Target::Time => None,
        }
    }

    fn target_number(&self) -> u64 {
        match self.target {
            Target::Resource(resource) => resource.id(),
            Target::Task(task) => task,
            Target::Time => 0,
        }
    }
}

/// How an operation was done.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Its number; zero where it did not have to wait.
    pub operation: u64,
    /// [`operation_flag::INLINE`] where it lay inside its task.
    pub flags: u64,
    /// Where in source it was asked for.
    pub location: &'static Location<'static>,
}

impl Done {
    /// At once, without an operation that could have waited: `try_lock()` and the like.
    #[must_use]
    #[track_caller]
    pub fn at_once() -> Done {
        Done::at(Location::caller())
    }

    /// The same, for a call at `location`.
    #[must_use]
    pub fn at(location: &'static Location<'static>) -> Done {
        Done {
            operation: 0,
            flags: 0,
            location,
        }
    }
}

/// Whether something is polled with a waker that is not the current task's own.
fn foreign_flag(cx: &Context<'_>) -> u64 {
    if cx.waker().data().addr() == context::current().waker {
        0
    } else {
        operation_flag::FOREIGN_WAKER
    }
}

/// Whether something at `address` lies inside the future of the current task.
fn inline_flag(address: usize) -> u64 {
    if context::current().contains(address) {
        operation_flag::INLINE
    } else {
        0
    }
}

/// Whether the current task may do more in this turn, as its executor counts. True where there is no such count.
pub type HasBudget = fn() -> bool;

/// The waker that an operation gives to its resource.
struct OperationWaker {
    operation: u64,
    task: Waker,
    fires: AtomicU32,
}

impl Wake for OperationWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake_by_ref();
        // Stamped after the wake: whoever sees the firing knows that the task has been told.
        let number = self.fires.fetch_add(1, Ordering::AcqRel) + 1;
        if session::is_recording() {
            emit(&OperationFired {
                operation: self.operation,
                number: number.into(),
            });
        }
    }
}

/// What an operation that waits is known by.
struct Waiting {
    id: u64,
    /// The resource whose queue it is in, to number its changes; none for a join or a timer.
    target: u64,
    /// Whether it was polled, or came into its queue without that.
    was_polled: bool,
    /// Whether it began in the poll that goes on now: its beginning tells of that one.
    is_in_first_poll: bool,
    /// The waker, and the same as it is lent to each poll. None before the first poll.
    waker: Option<(Arc<OperationWaker>, Waker)>,
}

impl Waiting {
    /// Records that an operation begins to wait.
    ///
    /// `changes` is how many changes its resource had before it could have come into the queue.
    #[cold]
    fn begin(request: &Request<'_>, changes: u64, flags: u64) -> Waiting {
        let id = session::next_local_id();
        let target = request.target_number();
        let (static_flags, sequence) = request.resource().map_or((0, 0), |resource| {
            (resource.static_flags(), resource.next_change())
        });
        if session::is_recording() {
            emit_attributed(&OperationBegin {
                operation: id,
                kind: request.kind,
                target,
                handle: request.handle,
                location: define::location(request.location),
                future: context::current().future,
                flags: request.flags | flags | static_flags,
                units: request.units,
                sequence,
                overlap: sequence.saturating_sub(changes + 1),
            });
        }
        Waiting {
            id,
            target: if sequence == 0 { 0 } else { target },
            was_polled: false,
            is_in_first_poll: false,
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
        let fires = match &self.waker {
            Some((waker, _)) => waker.fires.load(Ordering::Acquire),
            None => 0,
        };
        let is_current =
            |(waker, _): &(Arc<OperationWaker>, Waker)| waker.task.will_wake(cx.waker());
        if !self.waker.as_ref().is_some_and(is_current) {
            let waker = Arc::new(OperationWaker {
                operation: self.id,
                task: cx.waker().clone(),
                fires: AtomicU32::new(fires),
            });
            self.waker = Some((Arc::clone(&waker), Waker::from(waker)));
        }
        let Some((_, lent)) = &self.waker else {
            unreachable!("it was just made")
        };
        let result = poll(&mut Context::from_waker(lent));
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
        if session::is_recording() {
            emit(&OperationPoll {
                operation: self.id,
                fires: fires.into(),
                flags,
            });
        }
    }

    fn end(&self, resource: Option<&Resource>, outcome: u64) {
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

enum State {
    New,
    /// Polled while nothing was recorded.
    Polled,
    /// In a box, so that an operation which need not wait is small.
    Waiting(Box<Waiting>),
    Ended,
}

/// An operation, as the trace knows it. It does nothing by itself when it is dropped: whoever has one says [`Slot::dropped`]
/// then, or [`Slot::give_up`] where there is nothing that one would have to poll.
pub struct Slot(State);

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

/// What an [`Operation`] is about. `T` is what its future gives.
pub trait Subject<T> {
    /// What the operation gives.
    type Output;

    /// Where in source it was asked for.
    fn location(&self) -> &'static Location<'static>;

    /// What it asks for.
    fn request(&self) -> Request<'_>;

    /// Whether its task may do more in this turn.
    fn has_budget() -> bool {
        true
    }

    /// Tries to do it at once, with the same effect as the first poll of its future, where there is a cheaper way to that. Must do
    /// nothing where it gives nothing.
    #[inline]
    fn at_once(&self, cx: &mut Context<'_>) -> Option<T> {
        let _ = cx;
        None
    }

    /// How `result` ends it, an [`outcome`].
    fn outcome(&self, result: &T) -> u64 {
        let _ = result;
        outcome::READY
    }

    /// Records what it did, and makes its result of what its future gave. Called at most once, also where nothing is recorded.
    fn finish(&mut self, result: T, done: Done) -> Self::Output;
}

pin_project_lite::pin_project! {
    /// A future that does one operation, and records it.
    #[must_use = "futures do nothing unless polled"]
    pub struct Operation<F, S>
    where
        F: Future,
        S: Subject<F::Output>,
    {
        #[pin]
        inner: F,
        subject: S,
        slot: Slot,
        // As what an `async fn` gives: it may come to hold something that must not move.
        #[pin]
        pinned: PhantomPinned,
    }

    impl<F, S> PinnedDrop for Operation<F, S>
    where
        F: Future,
        S: Subject<F::Output>,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !this.slot.is_ended() {
                this.slot.dropped(&this.subject.request());
            }
        }
    }
}

impl<F: Future, S: Subject<F::Output>> Operation<F, S> {
    /// The operation that `inner` does.
    #[inline]
    pub fn new(inner: F, subject: S) -> Self {
        Operation {
            inner,
            subject,
            slot: Slot::new(),
            pinned: PhantomPinned,
        }
    }

    /// The same for one that counts from now on, before it is polled for the first time.
    pub fn begun(inner: F, subject: S) -> Self {
        Operation {
            slot: Slot::begun(&subject.request()),
            inner,
            subject,
            pinned: PhantomPinned,
        }
    }

    /// The future that does it.
    pub fn inner(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().inner
    }

    #[inline(never)]
    fn poll_recorded(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = self.project();
        let mut inner = this.inner;
        let subject = &*this.subject;
        if matches!(this.slot.0, State::New)
            && let Some(result) = subject.at_once(cx)
        {
            this.slot.0 = State::Ended;
            let done = Done {
                operation: 0,
                flags: inline_flag(address),
                location: subject.location(),
            };
            return Poll::Ready(this.subject.finish(result, done));
        }
        let result = this.slot.poll(
            || subject.request(),
            address,
            S::has_budget,
            cx,
            |cx| inner.as_mut().poll(cx),
            |result| subject.outcome(result),
        );
        result.map(|(result, done)| this.subject.finish(result, done))
    }
}

impl<F: Future, S: Subject<F::Output>> Future for Operation<F, S> {
    type Output = S::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        if !self.slot.is_unrecorded() {
            return self.poll_recorded(cx);
        }
        let this = self.project();
        let at_once = match this.slot.0 {
            State::New => this.subject.at_once(cx),
            _ => None,
        };
        // A later poll must not try that again: its place in the queue counts.
        this.slot.polled_unrecorded();
        let result = at_once.map_or_else(|| this.inner.poll(cx), Poll::Ready);
        result.map(|result| {
            this.slot.0 = State::Ended;
            let done = Done::at(this.subject.location());
            this.subject.finish(result, done)
        })
    }
}

impl<F: Future, S: Subject<F::Output>> fmt::Debug for Operation<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("waiting", &self.slot.operation().is_some())
            .finish_non_exhaustive()
    }
}

/// An operation that blocks its thread, from when it is begun until it is [done](Blocking::done). Dropped before that, it has panicked.
///
/// What blocks is called in between and not through a closure, so that a panic of it can name the place of its caller.
#[derive(Debug)]
#[must_use = "what blocks is to be done before this is"]
pub struct Blocking<'a> {
    slot: Slot,
    request: Request<'a>,
}

impl<'a> Blocking<'a> {
    /// Begins one.
    pub fn begin(request: Request<'a>) -> Blocking<'a> {
        let request = Request {
            flags: request.flags | operation_flag::BLOCKING,
            ..request
        };
        Blocking {
            slot: Slot::begun(&request),
            request,
        }
    }

    /// It was done.
    pub fn done(self) -> Done {
        self.ended(outcome::READY)
    }

    /// It ended like this, an [`outcome`].
    pub fn ended(mut self, outcome: u64) -> Done {
        let mut done = Done::at(self.request.location);
        if let State::Waiting(waiting) = std::mem::replace(&mut self.slot.0, State::Ended) {
            waiting.end(self.request.resource(), outcome);
            done.operation = waiting.id;
        }
        done
    }
}

impl Drop for Blocking<'_> {
    fn drop(&mut self) {
        self.slot.give_up(&self.request);
    }
}
