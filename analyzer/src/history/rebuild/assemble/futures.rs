//! Futures, with their await points.

use ais_format::event::outcome;

use super::{entities, sort_by_task};
use crate::history::rebuild::facts::{FactsOf, FutureFact, Place};
use crate::history::{Await, FunctionId, Future, FutureEnd, FutureId};

pub(in super::super) fn futures(facts: FactsOf<FutureFact>) -> Vec<Future> {
    entities(facts, |id, facts| future(FutureId(id), facts))
}

fn future(id: FutureId, facts: &mut [(u64, Place, FutureFact)]) -> Future {
    sort_by_task(facts);
    let mut future = Future {
        id,
        function: FunctionId(0),
        task: None,
        parent: None,
        made: facts[0].1.at,
        begun: None,
        awaits: Vec::new(),
        ended: None,
    };
    for &(_, place, fact) in facts.iter() {
        match fact {
            FutureFact::New(new) => future.function = FunctionId(new.function),
            FutureFact::Began(begin) => {
                // Told again: at which await point it is, if it is at one, follows.
                if let (Some(at), Some(open)) = (place.told, future.awaits.last_mut()) {
                    open.left = open.left.or(Some(at.max(open.entered)));
                }
                future.function = FunctionId(begin.function);
                future.parent = (begin.parent != 0).then_some(FutureId(begin.parent));
                future.begun = Some(place.at);
                future.made = future.made.min(place.at);
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
                    continue;
                }
                future.awaits.push(Await {
                    point: enter.point as usize,
                    entered: place.at,
                    left: None,
                    dropped: false,
                });
            }
            FutureFact::Left(leave) => {
                let open = future.awaits.iter_mut().rfind(|visit| visit.left.is_none());
                if let Some(visit) = open.filter(|visit| visit.point as u64 == leave.point) {
                    visit.left = Some(place.at.max(visit.entered));
                    visit.dropped = leave.outcome != outcome::READY;
                }
            }
            FutureFact::EndedUnseen => {
                let unseen = (place.at, FutureEnd::Unseen);
                future.ended = future.ended.or(Some(unseen));
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
    future
}
