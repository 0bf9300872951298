//! Recorded tasks: what an executor schedules.
//!
//! A [`Task`] wraps the future that is handed to an executor. It records each poll, and gives the future a waker of its own that
//! records each wake before it passes it on. The waker is made once per task and used for every poll, so that `Waker::will_wake`
//! stays true and a poll allocates nothing; its reference count tells how many clones are alive.

mod job;
mod join;

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{
    PollBegin, PollEnd, TaskAbort, TaskDrop, TaskNew, Yield, poll_outcome, task_flag,
};

use crate::context;
use crate::define;
use crate::foreign::emit_attributed;
use crate::record::{emit, emit_frequent};
use crate::session::{self, Session};
use crate::waker::{LentWaker, RetiredWaker};

pub use job::Job;
pub use join::{JoinHandle, Joining};

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
    JoinHandle::new(executor(task), Joining::new(id, Location::caller()))
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

    emit_frequent(&PollBegin {
        task: id,
        poll,
        wakes: seen.into(),
        waker: lent.identity().into(),
    });
    let on_panic = OnPanic { task: id, poll };
    let scope = context::enter(context::Context {
        task: id,
        poll: recorded.polls,
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
    emit_frequent(&PollEnd {
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
