//! What is told again at the beginnings of generations, where it is needed.
//!
//! A trace that is whole from its beginning needs none of it. One that begins with a later generation (a ring, a flight recorder) begins
//! with what is told there. And where something is missing (chunks are lost, or the recorder had to leave events out), the last keyframe
//! after that heals it: what is alive is told in it, so whatever is not has ended, seen or not.

use std::collections::HashSet;

use super::facts::{Facts, FutureFact, OperationFact, Place, TaskFact};
use crate::decode::{Decoded, Keyframe};
use crate::time::Nanos;

/// The keyframes that count.
pub(super) struct Base<'a> {
    /// The trace begins with it.
    first: Option<&'a Keyframe>,
    /// Something is missing before it.
    healing: Option<&'a Keyframe>,
    /// Nothing is missing after that.
    pub(super) is_healed: bool,
}

impl<'a> Base<'a> {
    pub(super) fn of(decoded: &'a Decoded) -> Self {
        let first = decoded
            .keyframes
            .first()
            .filter(|_| decoded.begins_late)
            .filter(|keyframe| keyframe.is_whole);
        let has_gap = decoded.loss.is_gap() || (decoded.begins_late && first.is_none());
        let healing = decoded
            .keyframes
            .iter()
            .rfind(|keyframe| has_gap && keyframe.is_whole);
        let is_healed = healing.is_some_and(|keyframe| {
            keyframe.dropped == decoded.loss.events_dropped
                && decoded
                    .last_gap
                    .is_none_or(|gap| gap < keyframe.first_chunk())
        });
        Base {
            first,
            healing,
            is_healed,
        }
    }

    /// The trace begins in the middle, and all that was alive then is told there.
    pub(super) fn begins_whole(&self) -> bool {
        self.first.is_some()
    }

    /// Those that are to be read.
    pub(super) fn keyframes(&self) -> impl Iterator<Item = &'a Keyframe> {
        let later = self.healing.filter(|healing| {
            self.first
                .is_none_or(|first| first.generation != healing.generation)
        });
        self.first.into_iter().chain(later)
    }

    /// Adds that what is not told in the healing keyframe has ended before it.
    pub(super) fn end_what_is_not_told(&self, facts: &mut Facts, at: impl Fn(u64) -> Nanos) {
        let Some(keyframe) = self.healing else { return };
        let generation = keyframe.generation;
        let place = Place {
            at: at(keyframe.tick),
            generation,
            ..Place::default()
        };
        let unseen = |list: &[(u64, Place, ())]| {
            let told: HashSet<u64> = list
                .iter()
                .filter(|(_, place, ())| place.generation >= generation)
                .map(|(id, ..)| *id)
                .collect();
            let before = list
                .iter()
                .filter(|(_, place, ())| place.generation < generation)
                .map(|(id, ..)| *id);
            before
                .filter(|id| !told.contains(id))
                .collect::<HashSet<u64>>()
        };
        let tasks = unseen(&places(&facts.tasks));
        facts.tasks.extend(
            tasks
                .into_iter()
                .map(|id| (id, place, TaskFact::EndedUnseen)),
        );
        let futures = unseen(&places(&facts.futures));
        facts.futures.extend(
            futures
                .into_iter()
                .map(|id| (id, place, FutureFact::EndedUnseen)),
        );
        let operations = unseen(&places(&facts.operations));
        facts.operations.extend(
            operations
                .into_iter()
                .map(|id| (id, place, OperationFact::EndedUnseen)),
        );
    }
}

fn places<T>(facts: &[(u64, Place, T)]) -> Vec<(u64, Place, ())> {
    facts
        .iter()
        .map(|(id, place, _)| (*id, *place, ()))
        .collect()
}
