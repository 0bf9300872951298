//! Functions that run on a thread of their own (`spawn_blocking`), recorded as tasks with one poll.

use ais_format::event::{PollBegin, PollEnd, TaskDrop, poll_outcome, task_flag};

use super::{About, OnPanic, announce};
use crate::context;
use crate::record::emit;
use crate::session::{self, Session};

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
        let polled = context::Polled {
            task: self.id.into(),
            poll: 1.into(),
            executor: self.executor.into(),
            ..context::Polled::default()
        };
        let on_panic = OnPanic(&polled);
        let scope = context::enter(&polled);
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
