//! The stretches of a trace that can be read by themselves.
//!
//! A generation begins with a keyframe, in which everything that is alive is told again, so it needs nothing of what comes before it.

use std::ops::Range;

use ais_format::frame::flag;

use super::{ChunkRef, Source};
use crate::decode::{clock_of, tells_cut};
use crate::time::Nanos;

/// A stretch of a trace that can be read without what comes before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its chunks, by their places in [`Source::chunks`].
    pub(crate) chunks: Range<usize>,
    /// So many chunks of the next part are needed, too, since what threads did before that begins is in these.
    pub(crate) more: usize,
    /// The tick at which the next part begins, where what all threads did before that is known.
    pub(crate) until: Option<u64>,
    /// The tick that it begins at; zero where the recording does.
    pub(crate) begin: u64,
    /// What was over before this moment is not told of; zero where all is.
    pub(crate) shown_from: Nanos,
    /// Where it begins: when what was alive was told again, or the recording began.
    pub from: Nanos,
    /// How many events its chunks hold, those of keyframes included.
    pub events: u64,
}

impl Part {
    /// Nothing of the trace comes before it.
    pub(crate) fn is_first(&self) -> bool {
        self.chunks.start == 0
    }

    /// This one and the next, which follows it.
    #[must_use]
    fn and(self, next: &Part) -> Part {
        Part {
            chunks: self.chunks.start..next.chunks.end,
            more: next.more,
            until: next.until,
            events: self.events + next.events,
            ..self
        }
    }
}

/// A stretch of time that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// What was over before this moment is left out.
    pub from: Option<Nanos>,
    /// What was at this moment or later is left out: everything is as of just before it.
    pub to: Option<Nanos>,
}

impl Source {
    /// The parts in which a stretch of time lies, found by the headers of chunks.
    pub(crate) fn parts_in(&self, window: Window, events: u64) -> Vec<Part> {
        let mut parts = self.parts_of(events);
        if let Some(to) = window.to {
            self.end_at(to, &mut parts);
        }
        if let Some(from) = window.from {
            let before = parts.partition_point(|part| part.from <= from);
            parts.drain(..before.saturating_sub(1));
            if let Some(first) = parts.first_mut() {
                first.shown_from = from;
                first.begin = first.begin.max(clock_of(self).tick(from));
            }
        }
        parts
    }

    /// The same, as one part.
    pub(crate) fn part_in(&self, window: Window) -> Part {
        let mut parts = self.parts_in(window, 0).into_iter();
        let first = parts.next().unwrap_or_default();
        parts.fold(first, |all, next| all.and(&next))
    }

    /// Leaves out what is not before a moment.
    fn end_at(&self, to: Nanos, parts: &mut Vec<Part>) {
        let tick = clock_of(self).tick(to);
        let is_known =
            |chunk: &ChunkRef| tells_cut(&chunk.header) && chunk.header.clock_tick >= tick;
        let Some(known) = self.chunks.iter().position(is_known) else {
            // The trace ends before that.
            return;
        };
        let before = parts.iter().take_while(|part| part.begin < tick).count();
        parts.truncate(before.max(1));
        if let Some(last) = parts.last_mut() {
            let end = last.chunks.end.min(known + 1);
            let own = &self.chunks[last.chunks.start..end];
            last.events = own.iter().map(|chunk| u64::from(chunk.header.events)).sum();
            last.chunks.end = end;
            last.more = (known + 1).saturating_sub(end);
            last.until = Some(last.until.map_or(tick, |until| until.min(tick)));
        }
    }

    /// The trace in as many parts of about so many events each as there can be: of one generation, or of several.
    pub fn parts_of(&self, events: u64) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for part in self.parts() {
            match parts.pop() {
                Some(last) if last.events < events => parts.push(last.and(&part)),
                last => parts.extend(last.into_iter().chain([part])),
            }
        }
        parts
    }

    /// The generations of the trace, first to last: none of them is empty, and together they are all of it.
    ///
    /// One whose keyframe is not all there is a part of the one before.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = self.generations();
        for index in 1..parts.len() {
            let begin = self.chunks[parts[index].chunks.start].header.clock_tick;
            let mut next = self.chunks[parts[index].chunks.clone()].iter();
            let is_known =
                |chunk: &ChunkRef| tells_cut(&chunk.header) && chunk.header.clock_tick >= begin;
            if let Some(last) = next.position(is_known) {
                parts[index - 1].more = last + 1;
                parts[index - 1].until = Some(begin);
            }
        }
        parts
    }

    fn generations(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            if parts.is_empty() || self.begins_generation(index) {
                parts.push(self.beginning_at(index));
            }
            if let Some(part) = parts.last_mut() {
                part.chunks.end = index + 1;
                part.events += u64::from(chunk.header.events);
            }
        }
        parts
    }

    /// The last generation, found from the end of the trace.
    pub fn last_part(&self) -> Option<Part> {
        let last = self.chunks.len().checked_sub(1)?;
        let first = (1..=last)
            .rev()
            .find(|&index| self.begins_generation(index));
        let first = first.unwrap_or(0);
        let events = self.chunks[first..].iter();
        Some(Part {
            events: events.map(|chunk| u64::from(chunk.header.events)).sum(),
            ..self.beginning_at(first)
        })
    }

    /// All of the trace.
    pub fn whole(&self) -> Part {
        Part {
            events: self.events(),
            ..self.beginning_at(0)
        }
    }

    /// What begins with a chunk, with all that follows.
    fn beginning_at(&self, index: usize) -> Part {
        let first = self.chunks.get(index).map(|chunk| &chunk.header);
        let first = first.filter(|_| index > 0 || self.begins_late);
        Part {
            chunks: index..self.chunks.len(),
            begin: first.map_or(0, |header| header.clock_tick),
            from: first.map_or(Nanos(0), |header| Nanos(header.clock_ns)),
            ..Part::default()
        }
    }

    /// These parts are to be read now, before anything else is done.
    pub(crate) fn expect<'a>(&self, parts: impl IntoIterator<Item = &'a Part>) {
        for part in parts {
            for chunk in &self.chunks[part.chunks.clone()] {
                let header = &chunk.header;
                self.meter()
                    .expect(header.compressed_len.into(), header.events.into());
            }
        }
    }

    /// A chunk of them was read.
    pub(crate) fn advance(&self, chunk: &ChunkRef) {
        let header = &chunk.header;
        self.meter()
            .advance(header.compressed_len.into(), header.events.into());
    }

    /// Until when it is known what all threads did; as far as readings of the clock tell.
    pub fn known_until(&self) -> Nanos {
        let clock = clock_of(self);
        self.cut.map_or_else(|| clock.last(), |cut| clock.time(cut))
    }

    /// How many events there are, those of keyframes included.
    pub fn events(&self) -> u64 {
        let events = self.chunks.iter().map(|chunk| chunk.header.events);
        events.map(u64::from).sum()
    }

    /// Whether a chunk is the first of a keyframe that is whole.
    fn begins_generation(&self, index: usize) -> bool {
        let of = |chunk: &ChunkRef| {
            let is_keyframe = chunk.header.flags & flag::KEYFRAME != 0;
            is_keyframe.then_some(chunk.header.generation)
        };
        let generation = of(&self.chunks[index]);
        let is_first = index
            .checked_sub(1)
            .is_none_or(|before| of(&self.chunks[before]) != generation);
        if generation.is_none() || !is_first {
            return false;
        }
        let first = self.chunks[index].header.sequence;
        let keyframe = self.chunks[index..].iter().zip(first..);
        let mut keyframe = keyframe.take_while(|(chunk, sequence)| {
            of(chunk) == generation && chunk.header.sequence == *sequence
        });
        keyframe.any(|(chunk, _)| chunk.header.flags & flag::KEYFRAME_END != 0)
    }
}
