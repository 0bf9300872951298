//! The history of one task.

use std::sync::Arc;

use super::{ForeignId, Poll, PollOutcome, ResourceId, TaskFlags, TaskId, TaskState, Wake};
use crate::names::Location;
use crate::time::Nanos;

/// What an executor schedules, from spawn to end.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Its name; where nobody gave it one, a short form of the type of its future. Empty where its definition is lost.
    pub name: Arc<str>,
    /// The type of its future in full, where its name is made of that.
    pub type_name: Option<Arc<str>>,
    /// Where it was spawned.
    pub spawned_at: Option<Location>,
    /// The task that spawned it.
    pub spawned_by: Option<TaskId>,
    /// When it was spawned, or first seen.
    pub spawned: Nanos,
    /// The size of its future in bytes.
    pub size: u64,
    /// What else is known of it.
    pub flags: TaskFlags,
    /// The runtime, or the set of local tasks, that it was handed to.
    pub executor: Option<ResourceId>,
    /// It existed before it was first seen: its beginning is missing.
    pub late: bool,
    /// Some of its polls are missing from the record: what it did in them is not known.
    pub has_gaps: bool,
    /// Its polls, by number.
    pub polls: Vec<Poll>,
    /// Its wakes, by time.
    pub wakes: Vec<Wake>,
    /// When the last clones of its wakers went while nobody had woken it, by time.
    pub wakers_gone: Vec<WakersGone>,
    /// The requests to cancel it, by time.
    pub aborts: Vec<Abort>,
    /// When it was dropped before it had completed.
    pub dropped: Option<Nanos>,
    /// When it had ended at the latest, where its end is not in the record.
    pub ended_unseen: Option<Nanos>,
}

/// Nobody can wake a task through one of its wakers any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakersGone {
    /// When.
    pub at: Nanos,
    /// Which of its wakers.
    pub waker: u64,
}

/// A request to cancel a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort {
    /// When.
    pub at: Nanos,
    /// The task that asked; none where that is not recorded.
    pub by: Option<TaskId>,
    /// The unrecorded task that asked, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
}

impl Task {
    /// `task #7 "transfer a→b"`.
    pub fn title(&self) -> String {
        format!("task #{} {:?}", self.id.0, &*self.name)
    }

    /// What it does at the end of the trace.
    pub fn state(&self) -> TaskState {
        // A task that panicked is dropped, too, but that is not what ended it.
        let has_ended =
            |poll: &Poll| matches!(poll.outcome, PollOutcome::Ready | PollOutcome::Panicked);
        if let Some(at) = self
            .dropped
            .filter(|_| !self.polls.last().is_some_and(has_ended))
        {
            return TaskState::Cancelled(at);
        }
        let is_over = self.polls.last().is_some_and(has_ended);
        if let Some(at) = self.ended_unseen.filter(|_| !is_over) {
            return TaskState::EndedUnseen(at);
        }
        let Some(last) = self.polls.last() else {
            return TaskState::Scheduled(self.spawned);
        };
        match (last.end, last.outcome) {
            (None, _) | (_, PollOutcome::Open) => TaskState::Running(last.begin),
            (Some(end), PollOutcome::Ready) => TaskState::Completed(end),
            (Some(end), PollOutcome::Panicked) => TaskState::Panicked(end),
            (Some(end), PollOutcome::Pending) => match self.unseen_wake(last) {
                Some(wake) => TaskState::Scheduled(wake.at.max(end)),
                None => TaskState::Idle(end),
            },
        }
    }

    /// The first wake that came after `poll` had begun, and so asks for another poll.
    fn unseen_wake(&self, poll: &Poll) -> Option<&Wake> {
        self.wakes.iter().find(|wake| {
            if wake.waker == poll.waker {
                // Only the lowest 32 bits are recorded.
                (wake.number as u32)
                    .wrapping_sub(poll.wakes_seen as u32)
                    .cast_signed()
                    > 0
            } else {
                wake.at >= poll.begin
            }
        })
    }

    /// How long it was polled in all.
    pub fn busy(&self, end: Nanos) -> Nanos {
        let polls = self
            .polls
            .iter()
            .map(|poll| poll.end.unwrap_or(end).since(poll.begin).0);
        Nanos(polls.fold(0, u64::saturating_add))
    }
}
