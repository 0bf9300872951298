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
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ais_format::event::{
    self, PollBegin, PollEnd, TaskDrop, TaskNew, operation_kind, outcome, poll_outcome, task_flag,
};

use crate::context;
use crate::define;
use crate::operation::{Request, Waiting};
use crate::record::emit;
use crate::session::{self, Session};

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
    let id = task.recorded.id;
    JoinHandle {
        handle: executor(task),
        task: id,
        waiting: None,
        location: Location::caller(),
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
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut recorded = Recorded {
        id: NEXT.fetch_add(1, Ordering::Relaxed),
        session: Session::NONE,
        polls: 0,
        identities: 0,
        completed: false,
        name: name.into(),
        location: Location::caller(),
        waker: None,
        older: Vec::new(),
    };
    if session::is_recording() {
        recorded.announce::<F>(0);
    }
    Task { future, recorded }
}

pin_project_lite::pin_project! {
    /// A future that is recorded as a task. Made by [`task()`] and [`spawn`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Task<F> {
        #[pin]
        future: F,
        recorded: Recorded,
    }

    impl<F> PinnedDrop for Task<F> {
        fn drop(this: Pin<&mut Self>) {
            let recorded = &this.recorded;
            if !recorded.completed && recorded.session == session::current() && session::is_recording() {
                emit(&TaskDrop { task: recorded.id });
            }
        }
    }
}

/// What is known of a task between its polls.
struct Recorded {
    id: u64,
    /// The recording to which the task was announced.
    session: Session,
    polls: u32,
    /// How many wakers it has had.
    identities: u32,
    completed: bool,
    name: Cow<'static, str>,
    location: &'static Location<'static>,
    waker: Option<(Arc<TaskWaker>, Waker)>,
    /// Wakers of before the executor changed its own, of which clones are still alive.
    older: Vec<Arc<TaskWaker>>,
}

impl Recorded {
    #[cold]
    fn announce<F>(&mut self, flags: u64) {
        self.session = session::current();
        emit(&TaskNew {
            task: self.id,
            parent: context::current().task,
            name: define::name(&self.name),
            location: define::location(self.location),
            size: size_of::<F>() as u64,
            flags,
        });
    }

    #[cold]
    fn renew_waker(&mut self, inner: &Waker) {
        self.older.extend(self.waker.take().map(|(waker, _)| waker));
        self.older.retain(|waker| Arc::strong_count(waker) > 1);
        self.identities += 1;
        let waker = Arc::new(TaskWaker {
            task: self.id,
            identity: self.identities,
            inner: inner.clone(),
            wakes: AtomicU32::new(0),
        });
        self.waker = Some((Arc::clone(&waker), Waker::from(waker)));
    }
}

/// The waker that a recorded task gives to what it waits for.
struct TaskWaker {
    task: u64,
    identity: u32,
    inner: Waker,
    wakes: AtomicU32,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Recorded before the fact: the poll that this causes must not seem to have come before it.
        let number = self.wakes.fetch_add(1, Ordering::AcqRel) + 1;
        if session::is_recording() {
            emit(&event::Wake {
                task: self.task,
                waker: self.identity.into(),
                number: number.into(),
            });
        }
        self.inner.wake_by_ref();
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

    let this = task.project();
    let recorded = this.recorded;
    if recorded.session != session::current() {
        recorded.announce::<F>(task_flag::LATE);
    }
    if !recorded
        .waker
        .as_ref()
        .is_some_and(|(waker, _)| waker.inner.will_wake(cx.waker()))
    {
        recorded.renew_waker(cx.waker());
    }
    let Some((shared, lent)) = &recorded.waker else {
        unreachable!("it was just made")
    };
    recorded.polls = recorded.polls.wrapping_add(1);
    let (id, poll) = (recorded.id, u64::from(recorded.polls));
    let seen = shared.wakes.load(Ordering::Acquire);
    let start = std::ptr::from_ref(&*this.future).addr();

    emit(&PollBegin {
        task: id,
        poll,
        wakes: seen.into(),
        waker: shared.identity.into(),
    });
    let on_panic = OnPanic { task: id, poll };
    let scope = context::enter(context::Context {
        task: id,
        future: 0,
        waker: lent.data().addr(),
        start,
        end: start + size_of::<F>(),
    });
    let result = this.future.poll(&mut Context::from_waker(lent));
    drop(scope);
    std::mem::forget(on_panic);

    // Two of the references are ours: the one to count by, and the waker that is lent to each poll.
    let current = Arc::strong_count(shared).saturating_sub(2);
    let older: usize = recorded
        .older
        .iter()
        .map(|waker| Arc::strong_count(waker) - 1)
        .sum();
    let wakers = (current + older) as u64;
    recorded.completed = result.is_ready();
    let outcome = if recorded.completed {
        poll_outcome::READY
    } else {
        poll_outcome::PENDING
    };
    emit(&PollEnd {
        task: id,
        poll,
        outcome,
        wakers,
    });
    if wakers == 0 && shared.wakes.load(Ordering::Acquire) == seen {
        // Nobody will wake this task through us any more: the executor must see as many wakers as it would without us.
        recorded.waker = None;
    }
    result
}

/// The handle of a spawned task: awaiting it is recorded as waiting for the task. Made by [`spawn`].
pub struct JoinHandle<H> {
    handle: H,
    task: u64,
    waiting: Option<Waiting>,
    location: &'static Location<'static>,
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
        if this.waiting.is_none() && !session::is_recording() {
            return Pin::new(&mut this.handle).poll(cx);
        }
        let request = Request {
            kind: operation_kind::JOIN,
            target: this.task,
            handle: 0,
            location: this.location,
        };
        let waiting = this
            .waiting
            .get_or_insert_with(|| Waiting::begin(&request, 0, address, cx));
        let result = waiting.poll(address, cx, |cx| Pin::new(&mut this.handle).poll(cx));
        if result.is_ready() {
            waiting.end(outcome::READY);
            this.waiting = None;
        }
        result
    }
}
