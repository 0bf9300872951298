//! Futures, with their await points.

use ais_format::event::{AwaitLeave, outcome};

use super::Build;
use crate::history::rebuild::facts::{FutureFact, Place};
use crate::history::{Await, FunctionId, Future, FutureEnd, FutureId};
use crate::time::Nanos;

#[derive(Debug)]
pub(super) struct FutureBuilder {
    future: Future,
    /// It was seen to be made.
    is_new: bool,
    /// What was left before it was entered, by clocks that do not agree.
    early: Option<(AwaitLeave, Nanos)>,
    generation: u32,
}

/// By so much the clocks of two threads may disagree.
const JITTER: Nanos = Nanos(1000);

impl FutureBuilder {
    pub(super) fn new(id: u64, place: &Place) -> Self {
        FutureBuilder {
            future: Future {
                id: FutureId(id),
                function: FunctionId(0),
                task: None,
                parent: None,
                made: place.at,
                begun: None,
                awaits: Vec::new(),
                ended: None,
            },
            is_new: false,
            early: None,
            generation: place.generation,
        }
    }

    pub(super) fn add(&mut self, place: &Place, fact: FutureFact) {
        self.generation = self.generation.max(place.generation);
        let future = &mut self.future;
        match fact {
            FutureFact::New(new) => {
                future.function = FunctionId(new.function);
                // Whatever the clock of another thread says.
                future.made = place.at;
                self.is_new = true;
            }
            FutureFact::Began(begin) => {
                // Told again: at which await point it is, if it is at one, follows.
                if let (Some(at), Some(open)) = (place.told, future.awaits.last_mut()) {
                    open.left = open.left.or(Some(at.max(open.entered)));
                }
                future.function = FunctionId(begin.function);
                future.parent = (begin.parent != 0).then_some(FutureId(begin.parent));
                future.begun = Some(place.at);
                if !self.is_new {
                    future.made = place.at;
                }
                future.task = place.task;
            }
            FutureFact::Entered(enter) => {
                future.task = place.task.or(future.task);
                let last = future.awaits.last_mut();
                if let Some(last) = last.filter(|last| {
                    place.told.is_some()
                        && (last.point as u64, last.entered) == (enter.point, place.at)
                }) {
                    last.left = None;
                    return;
                }
                let early = self.early.take().filter(|(leave, at)| {
                    leave.point == enter.point && place.at.since(*at) < JITTER
                });
                future.awaits.push(Await {
                    point: enter.point as usize,
                    entered: place.at,
                    left: early.map(|_| place.at),
                    dropped: early.is_some_and(|(leave, _)| leave.outcome != outcome::READY),
                });
            }
            FutureFact::Left(leave) => {
                let open = future.awaits.iter_mut().rfind(|visit| visit.left.is_none());
                match open.filter(|visit| visit.point as u64 == leave.point) {
                    Some(visit) => {
                        visit.left = Some(place.at.max(visit.entered));
                        visit.dropped = leave.outcome != outcome::READY;
                    }
                    None => self.early = Some((leave, place.at)),
                }
            }
            FutureFact::Ended(end) => {
                let dropped_at_await = future
                    .awaits
                    .last()
                    .is_some_and(|visit| visit.dropped || visit.left.is_none());
                let how = match end.outcome {
                    outcome::PANICKED => FutureEnd::Panicked,
                    outcome::NEVER_POLLED => FutureEnd::NeverPolled,
                    outcome::READY if !dropped_at_await => FutureEnd::Returned,
                    _ => FutureEnd::Dropped,
                };
                future.ended = Some((place.at, how));
            }
        }
    }
}

impl Build for FutureBuilder {
    type Entity = Future;

    fn generation(&self) -> u32 {
        self.generation
    }

    fn end_unseen(&mut self, at: Nanos) {
        let unseen = (at, FutureEnd::Unseen);
        self.future.ended = self.future.ended.or(Some(unseen));
    }

    fn cut(&mut self, end: Nanos) -> bool {
        let future = &mut self.future;
        future.begun = future.begun.filter(|&at| at < end);
        future.awaits.retain(|visit| visit.entered < end);
        for visit in &mut future.awaits {
            if visit.left.is_some_and(|at| at >= end) {
                visit.left = None;
                visit.dropped = false;
            }
        }
        future.ended = future.ended.filter(|&(at, _)| at < end);
        future.made < end
    }

    fn finish(mut self) -> Future {
        self.future.awaits.shrink_to_fit();
        self.future
    }
}
