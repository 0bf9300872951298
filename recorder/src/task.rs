//! Recorded tasks: what an executor schedules.
//!
//! A [`Task`] wraps the future that is handed to an executor. It records each poll, and gives the future a waker of its own that
//! records each wake before it passes it on. The waker is made once per task and used for every poll, so that `Waker::will_wake`
//! stays true and a poll allocates nothing; its reference count tells how many clones are alive.

use std::borrow::Cow;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{
    PollBegin, PollEnd, TaskAbort, TaskDrop, TaskNew, Yield, operation_flag, operation_kind,
    outcome, poll_outcome, task_flag,
};

use crate::context;
use crate::define;
use crate::foreign::emit_attributed;
use crate::operation::{Request, Slot, Target};
use crate::record::emit;
use crate::session::{self, Session};
use crate::waker::{LentWaker, RetiredWaker};

/// Hands `future` to an executor as a recorded task with a name.
///
/// `executor` is the function that spawns: `tokio::spawn`, `smol::spawn`, `|task| pool.spawn(task)`, … It gets the recorded task in
/// place of the future. Awaiting the returned handle is recorded as waiting for this task; it dereferences to the executor's own
/// handle (for `abort` and the like). Hand over the function itself, or a closure that calls it and returns its handle: a time-out
/// that a closure puts around the task or around the handle is not seen, and what it ends looks endless.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let task = ais_recorder::spawn("adder", async { 1 + 1 }, tokio::spawn);
/// assert_eq!(task.await.unwrap(), 2);
/// # }
/// ```
#[track_caller]
pub fn spawn<F, H>(
    name: impl Into<Cow<'static, str>>,
    future: F,
    executor: impl FnOnce(Task<F>) -> H,
) -> JoinHandle<H>
where
    F: Future,
{
    let task = task(name, future);
    let id = task.id();
    JoinHandle {
        handle: executor(task),
        joining: Joining::new(id, Location::caller()),
    }
}

/// Makes `future` a recorded task with a name, to be handed to an executor or to `block_on` by yourself.
///
/// ```
/// let four = futures::executor::block_on(ais_recorder::task("main", async { 2 + 2 }));
/// assert_eq!(four, 4);
/// ```
#[track_caller]
pub fn task<F: Future>(name: impl Into<Cow<'static, str>>, future: F) -> Task<F> {
    let about = About {
        name: Some(name.into()),
        flags: 0,
        executor: 0,
        location: Location::caller(),
    };
    Task::new(about, future)
}

/// What is known of a task when it is made.
#[derive(Clone, Debug)]
pub struct About {
    /// Its name; where it has none, the type of its future stands for it.
    pub name: Option<Cow<'static, str>>,
    /// [`task_flag`] bits beyond those that are found out here.
    pub flags: u64,
    /// The runtime, or the set of local tasks, that it is handed to; zero where that is not known.
    pub executor: u64,
    /// Where it is spawned.
    pub location: &'static Location<'static>,
}

pin_project_lite::pin_project! {
    /// A future that is recorded as a task. Made by [`task()`] and [`spawn`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Task<F> {
        #[pin]
        future: F,
        tag: Tag,
    }

    impl<F> PinnedDrop for Task<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(recorded) = &this.tag.recorded
                && !recorded.completed
                && recorded.session == session::current()
                && session::is_recording()
            {
                emit(&TaskDrop { task: this.tag.id });
            }
        }
    }
}

impl<F: Future> Task<F> {
    /// Makes `future` a recorded task.
    #[inline]
    pub fn new(about: About, future: F) -> Task<F> {
        let mut tag = Tag {
            id: 0,
            location: about.location,
            flags: about.flags,
            recorded: None,
        };
        if about.name.is_some() || session::is_recording() {
            tag.record(about.name, about.executor);
        }
        if session::is_recording() {
            tag.announce::<F, F::Output>(0);
        }
        Task { future, tag }
    }

    /// Its number; zero where no recording has seen it yet.
    #[inline]
    pub fn id(&self) -> u64 {
        self.tag.id
    }
}

/// What every task carries along, recorded or not: it is moved with the future, so it is small.
struct Tag {
    /// Zero until a recording sees it.
    id: u64,
    location: &'static Location<'static>,
    /// [`task_flag`] bits.
    flags: u64,
    recorded: Option<Box<Recorded>>,
}

/// What is known of a recorded task between its polls.
struct Recorded {
    name: Option<Cow<'static, str>>,
    executor: u64,
    /// The recording to which the task was announced.
    session: Session,
    polls: u32,
    /// How many wakers it has had.
    identities: u32,
    completed: bool,
    waker: Option<LentWaker>,
    /// Wakers of before the executor changed its own, of which clones are still alive.
    older: Vec<RetiredWaker>,
}

impl Tag {
    #[cold]
    fn record(&mut self, name: Option<Cow<'static, str>>, executor: u64) -> &mut Recorded {
        self.recorded.insert(Box::new(Recorded {
            name,
            executor,
            session: Session::NONE,
            polls: 0,
            identities: 0,
            completed: false,
            waker: None,
            older: Vec::new(),
        }))
    }

    #[cold]
    fn announce<F, T>(&mut self, flags: u64) {
        if self.id == 0 {
            self.id = session::next_task();
        }
        if self.recorded.is_none() {
            self.record(None, 0);
        }
        let Some(recorded) = &mut self.recorded else {
            unreachable!("it was just made")
        };
        recorded.session = session::current();
        let name = recorded.name.as_deref();
        let place = (recorded.executor, self.location);
        announce::<F, T>(self.id, name, place, self.flags | flags);
    }
}

impl Recorded {
    #[cold]
    fn renew_waker(&mut self, task: u64, inner: &std::task::Waker) {
        self.older.extend(self.waker.take().map(LentWaker::retire));
        self.older.retain(|waker| waker.clones() > 0);
        self.identities += 1;
        self.waker = Some(LentWaker::new(task, self.identities, inner.clone()));
    }
}

/// Records that a task was made of an `F` that will give a `T`, and was handed to an executor at a place.
fn announce<F, T>(
    id: u64,
    name: Option<&str>,
    (executor, location): (u64, &'static Location<'static>),
    mut flags: u64,
) {
    if name.is_none() {
        flags |= task_flag::UNNAMED;
    }
    if std::mem::needs_drop::<F>() {
        flags |= task_flag::CAN_HOLD;
    }
    if std::mem::needs_drop::<T>() {
        flags |= task_flag::CAN_RETURN;
    }
    emit(&TaskNew {
        task: id,
        parent: context::current().task,
        name: name.map_or_else(define::type_name::<F>, define::name),
        location: define::location(location),
        size: size_of::<F>() as u64,
        flags,
        executor,
    });
}

/// A function that an executor runs on a thread of its own, recorded as a task with one poll.
pub struct Job<F> {
    run: Option<F>,
    id: u64,
    /// It was announced to this recording.
    session: Session,
    executor: u64,
}

impl<F> Job<F> {
    /// Makes `run` a recorded task.
    pub fn new<T>(about: &About, run: F) -> Job<F>
    where
        F: FnOnce() -> T,
    {
        let (mut id, mut session) = (0, Session::NONE);
        if session::is_recording() {
            id = session::next_task();
            session = session::current();
            let place = (about.executor, about.location);
            let flags = about.flags | task_flag::BLOCKING;
            announce::<F, T>(id, about.name.as_deref(), place, flags);
        }
        Job {
            run: Some(run),
            id,
            session,
            executor: about.executor,
        }
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    fn is_recorded(&self) -> bool {
        session::is_recording() && self.session == session::current()
    }

    /// Runs it.
    ///
    /// # Panics
    /// The function does.
    pub fn run<T>(mut self) -> T
    where
        F: FnOnce() -> T,
    {
        let Some(run) = self.run.take() else {
            unreachable!("it runs once, since that consumes it")
        };
        if !self.is_recorded() {
            return run();
        }
        emit(&PollBegin {
            task: self.id,
            poll: 1,
            wakes: 0,
            waker: 0,
        });
        let on_panic = OnPanic {
            task: self.id,
            poll: 1,
        };
        let scope = context::enter(context::Context {
            task: self.id,
            executor: self.executor,
            ..context::Context::NONE
        });
        let result = run();
        drop(scope);
        std::mem::forget(on_panic);
        emit(&PollEnd {
            task: self.id,
            poll: 1,
            outcome: poll_outcome::READY,
            wakers: 0,
        });
        result
    }
}

impl<F> Drop for Job<F> {
    fn drop(&mut self) {
        if self.run.is_some() && self.is_recorded() {
            emit(&TaskDrop { task: self.id });
        }
    }
}

impl<F> std::fmt::Debug for Job<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Records the end of a poll that panics.
struct OnPanic {
    task: u64,
    poll: u64,
}

impl Drop for OnPanic {
    fn drop(&mut self) {
        emit(&PollEnd {
            task: self.task,
            poll: self.poll,
            outcome: poll_outcome::PANICKED,
            wakers: 0,
        });
    }
}

/// Records that somebody asks for a task to be cancelled. Before the fact.
pub fn aborting(task: u64) {
    if task != 0 && session::is_recording() {
        emit(&TaskAbort { task });
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if session::is_recording() {
            poll_recorded(self, cx)
        } else {
            self.project().future.poll(cx)
        }
    }
}

#[inline(never)]
fn poll_recorded<F: Future>(task: Pin<&mut Task<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    let this = task.project();
    let is_known = |recorded: &Recorded| recorded.session == session::current();
    if !this.tag.recorded.as_deref().is_some_and(is_known) {
        this.tag.announce::<F, F::Output>(task_flag::LATE);
    }
    let Some(recorded) = &mut this.tag.recorded else {
        unreachable!("it was announced")
    };
    let id = this.tag.id;
    if !recorded
        .waker
        .as_ref()
        .is_some_and(|waker| waker.wakes_through(cx.waker()))
    {
        recorded.renew_waker(id, cx.waker());
    }
    let Some(lent) = &recorded.waker else {
        unreachable!("it was just made")
    };
    recorded.polls = recorded.polls.wrapping_add(1);
    let poll = u64::from(recorded.polls);
    lent.begin_poll();
    let seen = lent.wakes();
    let start = std::ptr::from_ref(&*this.future).addr();

    emit(&PollBegin {
        task: id,
        poll,
        wakes: seen.into(),
        waker: lent.identity().into(),
    });
    let on_panic = OnPanic { task: id, poll };
    let scope = context::enter(context::Context {
        task: id,
        future: 0,
        waker: lent.waker().data().addr(),
        start,
        end: start + size_of::<F>(),
        executor: recorded.executor,
    });
    let result = this.future.poll(&mut Context::from_waker(lent.waker()));
    drop(scope);
    std::mem::forget(on_panic);

    recorded.completed = result.is_ready();
    let (outcome, clones) = if recorded.completed {
        (poll_outcome::READY, lent.clones())
    } else {
        (poll_outcome::PENDING, lent.end_poll(seen))
    };
    let older: u32 = recorded.older.iter().map(RetiredWaker::clones).sum();
    let wakers = clones + older;
    emit(&PollEnd {
        task: id,
        poll,
        outcome,
        wakers: wakers.into(),
    });
    if wakers == 0 && lent.wakes() == seen {
        // Nobody will wake this task through us any more: the executor must see as many wakers as it would without us.
        recorded.waker = None;
    }
    result
}

/// Records that the current task gives way to others of its own accord.
#[inline]
pub fn yielding(location: &'static Location<'static>) {
    if session::is_recording() {
        emit_attributed(&Yield {
            location: define::location(location),
            future: context::current().future,
        });
    }
}

/// The recorded side of a handle that waits for a task to end.
///
/// The handle outlives what awaits it: that it is not awaited any more is not seen.
#[derive(Debug)]
pub struct Joining {
    task: u64,
    slot: Slot,
    location: &'static Location<'static>,
}

impl Joining {
    /// That of the task with this number, whose handle was made at `location`.
    #[must_use]
    pub fn new(task: u64, location: &'static Location<'static>) -> Joining {
        Joining {
            task,
            slot: Slot::new(),
            location,
        }
    }

    /// The number of the task.
    pub fn task(&self) -> u64 {
        self.task
    }

    fn ask(task: u64, location: &'static Location<'static>) -> Request<'static> {
        Request {
            kind: operation_kind::JOIN,
            target: Target::Task(task),
            handle: 0,
            units: 1,
            location,
            flags: operation_flag::NO_DROP,
        }
    }

    /// Polls the handle, which lies at `address` now, by `poll`.
    #[inline]
    pub fn poll<T>(
        &mut self,
        address: usize,
        has_budget: crate::operation::HasBudget,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if self.slot.is_unrecorded() {
            return poll(cx);
        }
        let (task, location) = (self.task, self.location);
        let request = || Joining::ask(task, location);
        self.slot
            .poll(request, address, has_budget, cx, poll, |_| outcome::READY)
            .map(|(result, _)| result)
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        self.slot.give_up(&Joining::ask(self.task, self.location));
    }
}

/// The handle of a spawned task: awaiting it is recorded as waiting for the task. Made by [`spawn`].
pub struct JoinHandle<H> {
    joining: Joining,
    handle: H,
}

impl<H> JoinHandle<H> {
    /// The executor's own handle; waiting for it is no longer recorded.
    pub fn into_inner(self) -> H {
        self.handle
    }
}

impl<H> Deref for JoinHandle<H> {
    type Target = H;

    fn deref(&self) -> &H {
        &self.handle
    }
}

impl<H> DerefMut for JoinHandle<H> {
    fn deref_mut(&mut self) -> &mut H {
        &mut self.handle
    }
}

impl<H: Future + Unpin> Future for JoinHandle<H> {
    type Output = H::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Output> {
        let address = std::ptr::from_ref(&*self).addr();
        let this = &mut *self;
        let handle = &mut this.handle;
        this.joining
            .poll(address, || true, cx, |cx| Pin::new(&mut *handle).poll(cx))
    }
}
