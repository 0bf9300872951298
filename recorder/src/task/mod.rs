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
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use ais_format::event::{
    Kind, PollEnd, TaskAbort, TaskDrop, TaskNew, Yield, poll_outcome, task_flag,
};

use ais_format::live;

use crate::cells::{self, Cell, CellWords};
use crate::context::{self, Polled};
use crate::define;
use crate::foreign::emit_attributed;
use crate::record::{emit, emit_frequent};
use crate::session::{self, Session, Word};
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
            let this = this.project();
            if let Some(recorded) = &mut this.tag.recorded && !recorded.completed {
                recorded.ends();
                if recorded.session == session::current() && session::is_recording() {
                    emit(&TaskDrop { task: this.tag.id });
                }
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

/// What the words of a task's cell mean that are kept up to date.
pub(crate) mod task_now {
    use crate::cells::at::NOW;

    /// The first word of the record of its last poll's beginning: when that was.
    pub(crate) const BEGIN: usize = NOW;
    /// Its task and waker, as records have them.
    pub(crate) const WAKER: usize = NOW + 1;
    /// The number of that poll, and how often its waker had been woken, as the record has them.
    pub(crate) const POLL: usize = NOW + 2;
    /// The number of a poll, how it ended, and how many wakers there were, as the record has them. When that was is not noted: soon after
    /// its beginning.
    pub(crate) const ENDED: usize = NOW + 3;
    /// How often its waker was woken, with the lowest half of the task's number above that: wakers may outlive their task.
    pub(crate) const WAKES: usize = NOW + 5;
    /// The task in whose poll it is polled; zero where it is an executor that polls it. Whoever polls it elsewhere has another waker.
    pub(crate) const INSIDE: usize = NOW + 6;
}

/// What is known of a recorded task between its polls.
struct Recorded {
    name: Option<Cow<'static, str>>,
    /// The recording to which the task was announced.
    session: Session,
    /// In which recording it can be polled without further ado: it was announced to it, and lies where it will stay.
    ready_for: Word,
    polled: Polled,
    /// Where it is noted that it lives,
    cell: Cell,
    /// and that cell's words.
    words: &'static CellWords,
    /// How many wakers it has had.
    identities: u32,
    completed: bool,
    waker: Option<LentWaker>,
    /// Its task and its number, as records have them.
    waker_word: u64,
    /// Wakers of before the executor changed its own, of which clones are still alive.
    older: Vec<RetiredWaker>,
}

impl Tag {
    #[cold]
    fn record(&mut self, name: Option<Cow<'static, str>>, executor: u64) -> &mut Recorded {
        self.recorded.insert(Box::new(Recorded {
            name,
            session: Session::NONE,
            ready_for: Word::NONE,
            cell: Cell::NONE,
            words: Cell::NONE.words(),
            polled: Polled {
                executor: executor.into(),
                ..Polled::default()
            },
            identities: 0,
            completed: false,
            waker: None,
            waker_word: 0,
            older: Vec::new(),
        }))
    }

    /// Prepares for the first poll in this recording; the future lies at `start`, where it will stay.
    #[cold]
    #[inline(never)]
    fn make_ready<F, T>(&mut self, start: usize) {
        let is_known = |recorded: &Recorded| recorded.session == session::current();
        if !self.recorded.as_deref().is_some_and(is_known) {
            self.announce::<F, T>(task_flag::LATE);
        }
        if let Some(recorded) = &mut self.recorded {
            recorded.ready_for = Word::now().unless_short();
            recorded.polled.start.set(start);
            recorded.polled.end.set(start + size_of::<F>());
        }
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
        recorded.polled.task.set(self.id);
        let name = recorded.name.as_deref();
        let place = (recorded.polled.executor.get(), self.location);
        let flags = self.flags | flags;
        if recorded.cell.is_here() {
            // Recorded before: its wakers write into the cell that it has.
            let new = new_task::<F, T>(self.id, name, place, flags);
            cells::emit_noted(
                Word::now(),
                &new,
                recorded.words,
                [0, recorded.waker_word, 0, 0],
            );
            return;
        }
        recorded.cell = announce::<F, T>(self.id, name, place, flags);
        recorded.words = recorded.cell.words();
        // One of before a fork writes into the parent's.
        let waker = recorded.waker.take();
        recorded.older.extend(waker.map(LentWaker::retire));
    }
}

impl Recorded {
    /// Makes a waker for the executor's own.
    #[cold]
    fn renew_waker(&mut self, inner: &std::task::Waker) {
        self.older.extend(self.waker.take().map(LentWaker::retire));
        self.older.retain(|waker| waker.clones() > 0);
        self.identities += 1;
        let task = self.polled.task.get();
        let waker = self.waker.insert(LentWaker::new(
            task,
            self.identities,
            inner.clone(),
            self.cell,
        ));
        self.waker_word = waker.word();
        self.words[task_now::WAKER].store(self.waker_word, Ordering::Relaxed);
        self.words[task_now::INSIDE].store(context::task(), Ordering::Relaxed);
        self.polled.waker.set(waker.waker().data().addr());
    }

    /// The task is done.
    #[cold]
    #[inline(never)]
    fn complete(&mut self, word: Word) {
        self.completed = true;
        let clones = self.waker.as_ref().map_or(0, LentWaker::clones);
        let wakers = clones + self.older_clones();
        let (task, poll) = (self.polled.task.get(), self.polled.poll.get());
        let end = live::poll_end(task, poll, poll_outcome::READY, wakers);
        self.ends();
        emit_frequent(word, Kind::PollEnd, end);
        if wakers == 0 {
            self.waker = None;
        }
    }

    /// It lives no more.
    fn ends(&mut self) {
        self.cell.free_shared();
        self.cell = Cell::NONE;
        self.words = Cell::NONE.words();
    }

    /// How many clones of older wakers are alive.
    #[cold]
    fn older_clones(&self) -> u32 {
        self.older.iter().map(RetiredWaker::clones).sum()
    }
}

/// Records that a task was made of an `F` that will give a `T`, and was handed to an executor at a place.
fn announce<F, T>(
    id: u64,
    name: Option<&str>,
    place: (u64, &'static Location<'static>),
    flags: u64,
) -> Cell {
    let new = new_task::<F, T>(id, name, place, flags);
    // It writes into its cell itself, and so do its wakers.
    cells::emit_born(Word::now(), &new, [0, 0, 0, 0, 1, 0, 0])
}

fn new_task<F, T>(
    id: u64,
    name: Option<&str>,
    (executor, location): (u64, &'static Location<'static>),
    mut flags: u64,
) -> TaskNew {
    if name.is_none() {
        flags |= task_flag::UNNAMED;
    }
    if std::mem::needs_drop::<F>() {
        flags |= task_flag::CAN_HOLD;
    }
    if std::mem::needs_drop::<T>() {
        flags |= task_flag::CAN_RETURN;
    }
    TaskNew {
        task: id,
        parent: context::task(),
        name: name.map_or_else(define::type_name::<F>, define::name),
        location: define::location(location),
        size: size_of::<F>() as u64,
        flags,
        executor,
    }
}

/// Records the end of a poll that panics.
struct OnPanic<'a> {
    polled: &'a Polled,
    /// What is noted of it ends with the poll.
    cell: Cell,
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        self.cell.free();
        emit(&PollEnd {
            task: self.polled.task.get(),
            poll: self.polled.poll.get().into(),
            outcome: poll_outcome::PANICKED,
            wakers: 0,
        });
    }
}

/// The tasks that were last asked to be cancelled, each at its number modulo their count: whoever asks knows no more of a task than that.
/// One may take the place of another; then a keyframe does not tell of that one.
static ABORTED: [AtomicU64; 4096] = [const { AtomicU64::new(0) }; 4096];

fn aborted(task: u64) -> &'static AtomicU64 {
    &ABORTED[task as usize % ABORTED.len()]
}

/// Whether somebody has asked for a task to be cancelled.
pub(crate) fn was_aborted(task: u64) -> bool {
    aborted(task).load(Ordering::Acquire) == task
}

/// Records that somebody asks for a task to be cancelled. Before the fact.
pub fn aborting(task: u64) {
    if task != 0 && session::is_recording() {
        aborted(task).store(task, Ordering::Release);
        emit(&TaskAbort { task });
    }
}

impl<F: Future> Future for Task<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let word = Word::now();
        if word.is_recording() {
            poll_recorded(self, cx, word)
        } else {
            self.project().future.poll(cx)
        }
    }
}

#[inline(never)]
fn poll_recorded<F: Future>(
    task: Pin<&mut Task<F>>,
    cx: &mut Context<'_>,
    word: Word,
) -> Poll<F::Output> {
    let this = task.project();
    let is_ready = |recorded: &Recorded| recorded.ready_for == word;
    if !this.tag.recorded.as_deref().is_some_and(is_ready) {
        let start = std::ptr::from_ref(&*this.future).addr();
        this.tag.make_ready::<F, F::Output>(start);
    }
    let Some(recorded) = this.tag.recorded.as_deref_mut() else {
        unreachable!("it was just announced")
    };
    let wakes_through = |waker: &LentWaker| waker.wakes_through(cx.waker());
    if !recorded.waker.as_ref().is_some_and(wakes_through) {
        recorded.renew_waker(cx.waker());
    }
    let Some(lent) = &recorded.waker else {
        unreachable!("it was just made")
    };
    let polled = &recorded.polled;
    let poll = polled.poll.get().wrapping_add(1);
    polled.poll.set(poll);
    let seen = lent.begin_poll();

    let begin = live::poll_begin(recorded.waker_word, poll, seen);
    recorded.words[task_now::POLL].store(begin[1], Ordering::Relaxed);
    let at = emit_frequent(word, Kind::PollBegin, begin);
    recorded.words[task_now::BEGIN].store(at, Ordering::Release);
    let on_panic = OnPanic {
        polled,
        // Ends when the task is dropped.
        cell: Cell::NONE,
    };
    let scope = context::enter(polled);
    let result = this.future.poll(&mut Context::from_waker(lent.waker()));
    drop(scope);
    std::mem::forget(on_panic);

    if result.is_ready() {
        recorded.complete(word);
        return result;
    }
    let clones = lent.end_poll(seen);
    let wakers = if recorded.older.is_empty() {
        clones
    } else {
        clones + recorded.older_clones()
    };
    let end = live::poll_end(polled.task.get(), poll, poll_outcome::PENDING, wakers);
    recorded.words[task_now::ENDED].store(end[1], Ordering::Release);
    emit_frequent(word, Kind::PollEnd, end);
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
            future: context::future(),
        });
    }
}
