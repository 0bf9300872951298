//! Operations, with what became of them.

use ais_format::event::{operation_kind, outcome};

use super::Build;
use crate::history::rebuild::facts::{OperationFact, Place};
use crate::history::{
    Firing, FutureId, Operation, OperationFlags, OperationId, OperationKind, OperationPoll, Outcome,
};
use crate::names::Names;
use crate::time::Nanos;

#[derive(Debug)]
pub(super) struct OperationBuilder {
    operation: Operation,
    /// Its begin is known.
    has_begun: bool,
    generation: u32,
    /// When the first fact was.
    first: Nanos,
}

impl OperationBuilder {
    pub(super) fn new(id: u64, place: &Place) -> Self {
        OperationBuilder {
            operation: Operation {
                id: OperationId(id),
                kind: OperationKind::Unknown,
                units: 0,
                location: None,
                task: None,
                foreign: None,
                future: None,
                flags: OperationFlags::default(),
                is_polled: true,
                sequence: 0,
                overlap: 0,
                begun: place.at,
                deadline: None,
                polls: Vec::new(),
                firings: Vec::new(),
                ended: None,
            },
            has_begun: false,
            generation: place.generation,
            first: place.at,
        }
    }

    pub(super) fn add(&mut self, place: &Place, fact: OperationFact, names: &Names) {
        self.generation = self.generation.max(place.generation);
        self.first = self.first.min(place.at);
        let operation = &mut self.operation;
        if !self.has_begun {
            operation.begun = operation.begun.min(place.at);
        }
        match fact {
            OperationFact::Began(begin) => {
                operation.kind = OperationKind::of(&begin);
                operation.units = begin.units;
                operation.location = names.location(begin.location);
                operation.task = place.task;
                operation.foreign = place.foreign;
                operation.future = (begin.future != 0).then_some(FutureId(begin.future));
                operation.flags = OperationFlags(begin.flags);
                // Such a one is recorded when it is made.
                operation.is_polled = begin.kind != operation_kind::NOTIFIED;
                operation.sequence = begin.sequence;
                operation.overlap = begin.overlap;
                operation.begun = place.at;
                self.has_begun = true;
                operation.polls.push(OperationPoll {
                    at: place.at,
                    task: place.task,
                    flags: operation.flags,
                    is_poll: operation.is_polled,
                    fires_seen: 0,
                });
                if operation.kind.is_timer() {
                    operation.deadline = Some(later(place.at, begin.units));
                }
            }
            OperationFact::Polled(poll) => {
                // It may have been moved since it began, to another task even.
                operation.task = place.task;
                operation.foreign = place.foreign;
                operation.flags = operation.flags.polled(poll.flags);
                operation.is_polled = true;
                operation.polls.push(OperationPoll {
                    at: place.at,
                    task: place.task,
                    flags: operation.flags,
                    is_poll: true,
                    fires_seen: poll.fires,
                });
            }
            OperationFact::Fired(fired) => operation.firings.push(Firing {
                at: place.at,
                number: fired.number,
            }),
            OperationFact::TimerSet(set) => operation.deadline = Some(later(place.at, set.delay)),
            OperationFact::Ended(end) => {
                operation.ended = Some((place.at, ended_as(end.outcome)));
            }
        }
    }
}

impl Build for OperationBuilder {
    type Entity = Operation;

    fn generation(&self) -> u32 {
        self.generation
    }

    fn end_unseen(&mut self, at: Nanos) {
        let unseen = (at, Outcome::Unseen);
        self.operation.ended = self.operation.ended.or(Some(unseen));
    }

    fn cut(&mut self, end: Nanos) -> bool {
        let operation = &mut self.operation;
        let known = operation.polls.len();
        operation.polls.retain(|poll| poll.at < end);
        if operation.polls.len() < known
            && let Some(last) = operation.polls.last()
        {
            operation.task = last.task;
            operation.flags = last.flags;
            operation.is_polled = last.is_poll;
        }
        operation.firings.retain(|firing| firing.at < end);
        operation.ended = operation.ended.filter(|&(at, _)| at < end);
        self.first < end
    }

    fn finish(self) -> Operation {
        let mut operation = self.operation;
        // What is told again at the beginning of a generation may be known already.
        operation.polls.sort_by_key(|poll| poll.at);
        operation.polls.dedup();
        operation.firings.sort_by_key(|firing| firing.number);
        operation.firings.dedup_by_key(|firing| firing.number);
        operation.polls.shrink_to_fit();
        operation.firings.shrink_to_fit();
        operation
    }
}

fn later(at: Nanos, delay: u64) -> Nanos {
    Nanos(at.0.saturating_add(delay))
}

/// What an [`outcome`] of an operation means.
pub(super) fn ended_as(number: u64) -> Outcome {
    match number {
        outcome::READY => Outcome::Ready,
        outcome::PANICKED => Outcome::Panicked,
        outcome::NEVER_POLLED => Outcome::NeverPolled,
        outcome::CLOSED => Outcome::Closed,
        _ => Outcome::Dropped,
    }
}
