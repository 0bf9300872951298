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
    /// Its name; where nobody gave it one, a short form of the type of its future. Where its definition is lost, the function that it runs,
    /// or nothing.
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

impl TaskId {
    /// With the name of the task, for sentences: `#7 "transfer a→b"`. A name that is not known is empty, and left out: `#7`.
    pub fn and_name(self, name: &str) -> String {
        if name.is_empty() {
            format!("#{}", self.0)
        } else {
            format!("#{} {name:?}", self.0)
        }
    }

    /// With the name of the task, for lists and pictures: `#7 transfer a→b`, or `#7`.
    pub fn label(self, name: &str) -> String {
        if name.is_empty() {
            format!("#{}", self.0)
        } else {
            format!("#{} {name}", self.0)
        }
    }
}

impl Task {
    /// `task #7 "transfer a→b"`; where its name is not known, `task #7`.
    pub fn title(&self) -> String {
        format!("task {}", self.id.and_name(&self.name))
    }

    /// What it does at the end of the trace.
    pub fn state(&self) -> TaskState {
        self.state_at(Nanos(u64::MAX))
            .unwrap_or(TaskState::Scheduled(self.spawned))
    }

    /// What it does just before `at`; none where it was not there yet.
    pub fn state_at(&self, at: Nanos) -> Option<TaskState> {
        // A task that panicked is dropped, too, but that is not what ended it.
        let has_ended =
            |poll: &Poll| matches!(poll.outcome, PollOutcome::Ready | PollOutcome::Panicked);
        let last = self.poll_at(at);
        let end_of = |poll: &Poll| poll.end.filter(|&end| end < at);
        let is_over = last.is_some_and(|last| has_ended(last) && end_of(last).is_some());
        if let Some(dropped) = self.dropped.filter(|&dropped| dropped < at && !is_over) {
            return Some(TaskState::Cancelled(dropped));
        }
        if let Some(ended) = self.ended_unseen.filter(|&ended| ended < at && !is_over) {
            return Some(TaskState::EndedUnseen(ended));
        }
        let Some(last) = last else {
            return (self.spawned < at).then_some(TaskState::Scheduled(self.spawned));
        };
        Some(match (end_of(last), last.outcome) {
            (None, _) | (_, PollOutcome::Open) => TaskState::Running(last.begin),
            (Some(end), PollOutcome::Ready) => TaskState::Completed(end),
            (Some(end), PollOutcome::Panicked) => TaskState::Panicked(end),
            (Some(end), PollOutcome::Pending) => match self.unseen_wake(last, at) {
                Some(wake) => TaskState::Scheduled(wake.at.max(end)),
                None => TaskState::Idle(end),
            },
        })
    }

    /// All that it did, one state after the other: each lasts until the next one begins ([`TaskState::since`]), the last one to the end of
    /// the history.
    pub fn states(&self) -> Vec<TaskState> {
        let ends = self.dropped.into_iter().chain(self.ended_unseen);
        let mut moments: Vec<Nanos> = ends.chain([self.spawned]).collect();
        for (index, poll) in self.polls.iter().enumerate() {
            moments.push(poll.begin);
            if let Some(end) = poll.end {
                let next = self.polls.get(index + 1);
                let until = next.map_or(Nanos(u64::MAX), |next| next.begin);
                let wake = self.unseen_wake(poll, until);
                moments.push(end);
                moments.extend(wake.map(|wake| wake.at.max(end)));
            }
        }
        moments.sort_unstable();
        moments.dedup();
        // What begins at a moment is so just after it.
        let just_after = |at: &Nanos| self.state_at(Nanos(at.0.saturating_add(1)));
        let mut states: Vec<TaskState> = moments.iter().filter_map(just_after).collect();
        states.dedup();
        states
    }

    /// The last poll that began before `at`.
    pub fn poll_at(&self, at: Nanos) -> Option<&Poll> {
        let begun = self.polls.partition_point(|poll| poll.begin < at);
        self.polls[..begun].last()
    }

    /// The wake that asked for a poll, given by its place in the list; none where nobody did, or where it is the first.
    pub fn woken_for(&self, poll: usize) -> Option<&Wake> {
        let before = self.polls.get(poll.checked_sub(1)?)?;
        self.unseen_wake(before, self.polls[poll].begin)
    }

    /// The first wake before `at` that came after `poll` had begun, and so asks for another poll.
    fn unseen_wake(&self, poll: &Poll, at: Nanos) -> Option<&Wake> {
        /// Clocks of processors disagree by far less.
        const APART: u64 = 1_000_000;
        let from = Nanos(poll.begin.0.saturating_sub(APART));
        let first = self.wakes.partition_point(|wake| wake.at < from);
        let mut wakes = self.wakes[first..].iter().take_while(|wake| wake.at < at);
        wakes.find(|wake| {
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
