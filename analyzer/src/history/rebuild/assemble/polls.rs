//! The polls of one task: beginnings and ends, brought together by their numbers.

use std::collections::HashMap;

use ais_format::event::{PollBegin, PollEnd, poll_outcome};

use super::Extend;
use crate::history::rebuild::facts::Place;
use crate::history::{Poll, PollOutcome, TaskId, ThreadId};
use crate::time::Nanos;

/// So many of the polls that came last are looked at for one that is told again.
const NEAR: usize = 8;

/// What is known of a task's polls.
#[derive(Default)]
pub(super) struct Polls {
    begins: Vec<(u64, Poll)>,
    ends: Vec<(u64, Nanos, PollEnd)>,
    yields: HashMap<u64, u64>,
    extend_begin: Extend,
    extend_end: Extend,
    /// The poll that is told again last: what is missing before it does not matter.
    told: Option<u64>,
}

impl Polls {
    pub(super) fn begin(
        &mut self,
        poll: &PollBegin,
        thread: ThreadId,
        task: TaskId,
        place: &Place,
    ) {
        let number = self.extend_begin.next(poll.poll);
        if place.told.is_some() {
            self.told = Some(number);
            let mut last = self.begins.iter().rev().take(NEAR);
            if last.any(|(known, _)| *known == number) {
                return;
            }
        }
        let open = Poll {
            number: poll.poll,
            thread,
            inside: place.task.filter(|&outer| outer != task),
            begin: place.at,
            end: None,
            outcome: PollOutcome::Open,
            waker: poll.waker,
            wakes_seen: poll.wakes,
            wakers: 0,
            yields: 0,
        };
        self.begins.push((number, open));
    }

    pub(super) fn end(&mut self, end: PollEnd, place: &Place) {
        let number = self.extend_end.next(end.poll);
        let mut last = self.ends.iter().rev().take(NEAR);
        if place.told.is_none() || !last.any(|(known, ..)| *known == number) {
            self.ends.push((number, place.at, end));
        }
    }

    pub(super) fn yielded(&mut self, poll: u64) {
        *self.yields.entry(poll).or_default() += 1;
    }

    /// The polls by number, and whether some are missing that matter.
    pub(super) fn assemble(mut self) -> (Vec<Poll>, bool) {
        self.begins.sort_by_key(|(number, _)| *number);
        self.begins.dedup_by_key(|(number, _)| *number);
        let is_before = |(number, _): &(u64, Poll)| self.told.is_some_and(|told| *number < told);
        let counts = self.begins.partition_point(is_before);
        let has_gaps = self.begins[counts..]
            .windows(2)
            .any(|pair| pair[1].0 != pair[0].0.wrapping_add(1));
        self.ends.sort_by_key(|(number, ..)| *number);
        let mut ends = self.ends.into_iter().peekable();
        let mut polls = Vec::with_capacity(self.begins.len());
        for (number, mut poll) in self.begins {
            poll.yields = self.yields.remove(&poll.number).unwrap_or(0);
            // Ends without a beginning: that is lost.
            while ends.next_if(|(end, ..)| *end < number).is_some() {}
            if let Some((_, at, end)) = ends.next_if(|(end, ..)| *end == number) {
                poll.end = Some(at.max(poll.begin));
                poll.wakers = end.wakers;
                poll.outcome = match end.outcome {
                    poll_outcome::READY => PollOutcome::Ready,
                    poll_outcome::PANICKED => PollOutcome::Panicked,
                    _ => PollOutcome::Pending,
                };
            }
            polls.push(poll);
        }
        let is_closed = close_lost(&mut polls, counts);
        (polls, has_gaps | is_closed)
    }
}

/// A poll with a successor has ended, even where its end is lost. Whether there was any such, from number `counts` on.
fn close_lost(polls: &mut [Poll], counts: usize) -> bool {
    let mut has_gaps = false;
    for i in 1..polls.len() {
        let next = polls[i].begin;
        let poll = &mut polls[i - 1];
        if poll.end.is_none() {
            has_gaps |= i > counts;
            poll.end = Some(next.max(poll.begin));
            poll.outcome = PollOutcome::Pending;
        }
    }
    has_gaps
}
