//! The polls of one task: beginnings and ends, brought together by their numbers.
//!
//! Only the lowest 32 bits of numbers are recorded. They come nearly in their own order, so each is taken to be near the one before.

use std::collections::VecDeque;

use ais_format::event::{PollBegin, PollEnd, poll_outcome};

use crate::history::rebuild::facts::Place;
use crate::history::{Poll, PollOutcome, TaskId, ThreadId};
use crate::time::Nanos;

/// So many of the polls that came last are looked at for what belongs to them.
const NEAR: usize = 8;

/// What is known of a task's polls.
#[derive(Debug, Default)]
pub(super) struct Polls {
    /// As their begins came.
    begun: Vec<Poll>,
    /// What came before the begin of its poll.
    early: VecDeque<Early>,
    /// The poll that is told again last: what is missing before it does not matter.
    told: Option<usize>,
}

/// What is known of the poll before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::history::rebuild) enum Before {
    /// It is over, or there is none.
    Over,
    /// It is open on this thread.
    OpenOn(ThreadId),
    /// It was not seen: its begin comes later, or is lost.
    Unseen,
}

/// What is known of a poll before its begin is.
#[derive(Debug)]
enum Early {
    End(Nanos, PollEnd),
    Yield(u64),
}

impl Early {
    fn poll(&self) -> u64 {
        match self {
            Early::End(_, end) => end.poll,
            Early::Yield(poll) => *poll,
        }
    }
}

impl Polls {
    pub(super) fn begin(
        &mut self,
        poll: &PollBegin,
        thread: ThreadId,
        task: TaskId,
        place: &Place,
    ) {
        if place.told.is_some() {
            let known = self.find(poll.poll);
            self.told = Some(known.unwrap_or(self.begun.len()));
            if known.is_some() {
                return;
            }
        } else if let Some(told) = self.told.and_then(|told| self.begun.get_mut(told))
            && told.number == poll.poll
        {
            // It began while the keyframe was made, where the time is not told as exactly.
            told.begin = place.at;
            return;
        }
        let mut open = Poll {
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
        self.early.retain(|early| {
            let is_of = early.poll() == open.number;
            match early {
                Early::End(at, end) if is_of => end_at(&mut open, *at, *end),
                Early::Yield(_) if is_of => open.yields += 1,
                _ => {}
            }
            !is_of
        });
        self.begun.push(open);
    }

    pub(super) fn end(&mut self, end: PollEnd, place: &Place) {
        match self.find(end.poll) {
            Some(index) => end_at(&mut self.begun[index], place.at, end),
            None => self.keep(Early::End(place.at, end)),
        }
    }

    pub(super) fn yielded(&mut self, number: u64) {
        match self.find(number) {
            Some(index) => self.begun[index].yields += 1,
            None => self.keep(Early::Yield(number)),
        }
    }

    /// What belongs to a poll whose begin comes next, or is lost.
    fn keep(&mut self, early: Early) {
        self.early.push_back(early);
        if self.early.len() > NEAR {
            self.early.pop_front();
        }
    }

    fn find(&self, number: u64) -> Option<usize> {
        let from = self.begun.len().saturating_sub(NEAR);
        let near = self.begun[from..].iter();
        let index = near.rev().position(|poll| poll.number == number)?;
        Some(self.begun.len() - 1 - index)
    }

    /// What is known of the poll before this one.
    pub(super) fn before(&self, number: u64) -> Before {
        let first_of_all = 1;
        match self.begun.last() {
            None if number == first_of_all => Before::Over,
            None => Before::Unseen,
            // The lowest 32 bits.
            Some(last) if last.number as u32 == (number as u32).wrapping_sub(1) => match last.end {
                None => Before::OpenOn(last.thread),
                Some(_) => Before::Over,
            },
            Some(last)
                if (last.number as u32)
                    .wrapping_sub(number as u32)
                    .cast_signed()
                    < 0 =>
            {
                Before::Unseen
            }
            Some(_) => Before::Over,
        }
    }

    pub(super) fn so_far(&self) -> &[Poll] {
        &self.begun
    }

    pub(super) fn cut(&mut self, end: Nanos) {
        let told = self.told;
        self.told = told.map(|told| {
            let before = self.begun[..told].iter();
            before.filter(|poll| poll.begin < end).count()
        });
        self.begun.retain(|poll| poll.begin < end);
        for poll in &mut self.begun {
            if poll.end.is_some_and(|at| at >= end) {
                poll.end = None;
                poll.outcome = PollOutcome::Open;
                poll.wakers = 0;
            }
        }
    }

    /// The polls by number, and whether some are missing that matter.
    pub(super) fn finish(self) -> (Vec<Poll>, bool) {
        let mut extend = Extend::default();
        let polls = self.begun.into_iter();
        let mut polls: Vec<(u64, Poll)> =
            polls.map(|poll| (extend.next(poll.number), poll)).collect();
        let told = self.told.and_then(|told| Some(polls.get(told)?.0));
        polls.sort_by_key(|(number, _)| *number);
        polls.dedup_by_key(|(number, _)| *number);
        let is_before = |(number, _): &(u64, Poll)| told.is_some_and(|told| *number < told);
        let counts = polls.partition_point(is_before);
        let has_gaps = polls[counts..]
            .windows(2)
            .any(|pair| pair[1].0 != pair[0].0.wrapping_add(1));
        let mut polls: Vec<Poll> = polls.into_iter().map(|(_, poll)| poll).collect();
        let is_closed = close_lost(&mut polls, counts);
        (polls, has_gaps | is_closed)
    }
}

/// The end of a poll that has none yet.
fn end_at(poll: &mut Poll, at: Nanos, end: PollEnd) {
    if poll.end.is_some() {
        return;
    }
    poll.end = Some(at.max(poll.begin));
    poll.wakers = end.wakers;
    poll.outcome = match end.outcome {
        poll_outcome::READY => PollOutcome::Ready,
        poll_outcome::PANICKED => PollOutcome::Panicked,
        _ => PollOutcome::Pending,
    };
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

/// Extends numbers of which only the lowest 32 bits are recorded: given in the order of time, which is nearly their own, each is taken
/// to be near the one before.
#[derive(Default)]
struct Extend {
    last: Option<u64>,
}

impl Extend {
    fn next(&mut self, low: u64) -> u64 {
        /// Far enough from zero for a first number that is not the smallest.
        const START: u64 = 1 << 40;
        let low = low as u32;
        let extended = match self.last {
            None => START + u64::from(low),
            Some(last) => {
                last.wrapping_add_signed(i64::from(low.wrapping_sub(last as u32).cast_signed()))
            }
        };
        self.last = Some(extended);
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_wrapped_around_go_on() {
        let mut extend = Extend::default();
        let first = extend.next(u64::from(u32::MAX) - 1);
        assert_eq!(extend.next(u64::from(u32::MAX)), first + 1);
        assert_eq!(extend.next(0), first + 2);
        assert_eq!(extend.next(2), first + 4);
        assert_eq!(extend.next(1), first + 3);
    }
}
