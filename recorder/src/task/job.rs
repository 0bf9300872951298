//! Functions that run on a thread of their own (`spawn_blocking`), recorded as tasks with one poll.

use std::sync::atomic::Ordering;

use ais_format::event::{Kind, PollEnd, TaskDrop, poll_outcome, task_flag};
use ais_format::live;

use super::{About, OnPanic, announce, task_now};
use crate::cells::Cell;
use crate::context;
use crate::record::{emit, emit_frequent};
use crate::session::{self, Session, Word};

/// A function that an executor runs on a thread of its own, recorded as a task with one poll.
pub struct Job<F> {
    run: Option<F>,
    id: u64,
    /// It was announced to this recording.
    session: Session,
    executor: u64,
    /// Where it is noted that it lives.
    cell: Cell,
}

impl<F> Job<F> {
    /// Makes `run` a recorded task.
    pub fn new<T>(about: &About, run: F) -> Job<F>
    where
        F: FnOnce() -> T,
    {
        let (mut id, mut session, mut cell) = (0, Session::NONE, Cell::NONE);
        if session::is_recording() {
            id = session::next_task();
            session = session::current();
            let place = (about.executor, about.location);
            let flags = about.flags | task_flag::BLOCKING;
            cell = announce::<F, T>(id, about.name.as_deref(), place, flags);
        }
        Job {
            run: Some(run),
            id,
            session,
            executor: about.executor,
            cell,
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
        let word = Word::now();
        let begin = live::poll_begin(live::waker_word(self.id, 0), 1, 0);
        let words = self.cell.words();
        words[task_now::WAKER].store(begin[0], Ordering::Relaxed);
        words[task_now::POLL].store(begin[1], Ordering::Relaxed);
        let at = emit_frequent(word, Kind::PollBegin, begin);
        words[task_now::BEGIN].store(at, Ordering::Release);
        let polled = context::Polled {
            task: self.id.into(),
            poll: 1.into(),
            executor: self.executor.into(),
            ..context::Polled::default()
        };
        let on_panic = OnPanic {
            polled: &polled,
            cell: std::mem::take(&mut self.cell),
        };
        let scope = context::enter(&polled);
        let result = run();
        drop(scope);
        // Before its end is recorded, as everywhere: else a keyframe in between would tell of it for ever.
        on_panic.cell.free();
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
        self.cell.free();
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
