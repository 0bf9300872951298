//! The stretches of a trace that can be read by themselves.
//!
//! A generation begins with a keyframe, in which everything that is alive is told again, so it needs nothing of what comes before it.

use std::ops::Range;

use ais_format::frame::flag;

use super::{ChunkRef, Source};
use crate::decode::tells_cut;
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

impl Source {
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
