//! The polls that are open on a thread.
//!
//! A thread polls one task at a time, save that a poll may block on another task (`block_on` inside a poll), so they form a stack, and
//! whatever happens belongs to its top.

use ais_format::event::{InPoll, PollBegin, PollEnd};

use crate::history::TaskId;

/// The polls that are open on a thread, innermost last: task, poll number.
#[derive(Debug, Default)]
pub(crate) struct OpenPolls(Vec<(TaskId, u64)>);

impl OpenPolls {
    /// The poll in which the thread is.
    #[inline]
    pub(crate) fn innermost(&self) -> Option<(TaskId, u64)> {
        self.0.last().copied()
    }

    /// The task in whose poll the thread is.
    #[inline]
    pub(crate) fn task(&self) -> Option<TaskId> {
        self.innermost().map(|(task, _)| task)
    }

    /// A poll begins.
    pub(crate) fn begin(&mut self, row: &PollBegin) {
        self.0.push((TaskId(row.task), row.poll));
    }

    /// A poll ends. Polls that are still open inside of it lost their end.
    pub(crate) fn end(&mut self, row: &PollEnd) {
        if let Some(depth) = self.0.iter().rposition(|&(task, _)| task.0 == row.task) {
            self.0.truncate(depth);
        }
    }

    /// The thread is in this poll. That is said at the beginning of each stretch of a thread's record: it may be known.
    pub(crate) fn told(&mut self, row: &InPoll) {
        let poll = (TaskId(row.task), row.poll);
        if self.innermost() != Some(poll) {
            self.0 = vec![poll];
        }
    }

    /// Events are missing: which polls are open is not known any more. The next poll's begin tells.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}
