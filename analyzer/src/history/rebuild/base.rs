//! What is told again at the beginnings of generations, where it is needed.
//!
//! A trace that is whole from its beginning needs none of it. One that begins with a later generation (a ring, a flight recorder) begins
//! with what is told there. And where something is missing (chunks are lost, or the recorder had to leave events out), the last keyframe
//! after that heals it: what is alive is told in it, so whatever is not has ended, seen or not.

use std::collections::VecDeque;

use ais_format::chunk::EventBatch;

use super::entities::Healing;
use super::facts::Facts;
use super::walk::{SectionFact, Walker};
use crate::clock::Clock;
use crate::decode::{Keyframe, Outline};
use crate::time::Nanos;

/// The keyframes that count.
#[derive(Debug)]
pub(super) struct Base {
    /// The trace begins with it.
    first: Option<Keyframe>,
    /// Something is missing before it.
    healing: Option<Keyframe>,
    /// Nothing is missing after that.
    pub(super) is_healed: bool,
    /// What is to be told again, with what was read of it.
    left: VecDeque<(Keyframe, Vec<EventBatch>)>,
}

impl Base {
    pub(super) fn of(outline: &Outline) -> Self {
        let keyframes = outline.keyframes.iter().copied();
        let first = keyframes
            .clone()
            .next()
            .filter(|_| outline.begins_late)
            .filter(|keyframe| keyframe.is_whole);
        let has_gap = outline.loss.is_gap() || (outline.begins_late && first.is_none());
        let healing = keyframes
            .rev()
            .find(|keyframe| has_gap && keyframe.is_whole);
        let is_healed = healing.is_some_and(|keyframe| {
            let is_after = |gap| gap < keyframe.first;
            keyframe.dropped == outline.loss.events_dropped && outline.last_gap.is_none_or(is_after)
        });
        let later = healing
            .filter(|healing| first.is_none_or(|first| first.generation != healing.generation));
        Base {
            first,
            healing,
            is_healed,
            left: first
                .into_iter()
                .chain(later)
                .map(|keyframe| (keyframe, Vec::new()))
                .collect(),
        }
    }

    /// The trace begins in the middle, and all that was alive then is told there.
    pub(super) fn begins_whole(&self) -> bool {
        self.first.is_some()
    }

    /// A part of the keyframe of a generation was read.
    pub(super) fn add(&mut self, generation: u32, batches: Vec<EventBatch>) {
        let mut left = self.left.iter_mut();
        if let Some((_, known)) = left.find(|(keyframe, _)| keyframe.generation == generation) {
            known.extend(batches);
        }
    }

    /// When what comes next is to be told; none where nothing is left.
    pub(super) fn next(&self) -> Option<u64> {
        self.left.front().map(|(keyframe, _)| keyframe.tick)
    }

    /// Tells what of it was before `until`; returns the sections that threads are in.
    pub(super) fn tell_next(
        &mut self,
        until: Option<Nanos>,
        facts: &mut impl Facts,
        clock: &Clock,
    ) -> Vec<SectionFact> {
        let mut sections = Vec::new();
        if let Some((keyframe, batches)) = self.left.pop_front() {
            let at = clock.time(keyframe.tick);
            let mut walker = Walker::telling(keyframe.generation, at);
            let events = batches.iter().flat_map(EventBatch::events);
            for (event, at) in events.map(|event| (event, clock.time(event.tick))) {
                if until.is_none_or(|until| at < until) {
                    walker.tell(&event, at, facts);
                }
            }
            walker.end(facts);
            sections = walker.sections;
        }
        sections
    }

    /// The moment at which everything that is alive was told.
    pub(super) fn healing(&self, clock: &Clock) -> Option<Healing> {
        let keyframe = self.healing?;
        Some(Healing {
            generation: keyframe.generation,
            at: clock.time(keyframe.tick),
        })
    }
}
