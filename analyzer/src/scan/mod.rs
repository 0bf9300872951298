//! A glance at a part of a trace: what is over in it, and whether anything in it may be worth a finding.
//!
//! Of a long trace most parts are dull: nobody gave up a wait because of a time-out, no poll was long, nothing spun. To see that takes a
//! fraction of the columns and none of the histories. A glance never says that something is wrong; it says that it cannot be, by
//! conditions that each finding of the middle of a trace needs ([`suspicions`]), so a part that it finds dull has no finding. The others are
//! rebuilt and looked at.

mod locks;
mod streams;
mod suspicions;
mod walk;

use ais_format::chunk::{Chunk, Columns};
use ais_format::event::Kind;
use ais_format::frame::{Decompressor, flag};

use crate::clock::Clock;
use crate::decode::{is_missing_something, tells_cut};
use crate::findings::Thresholds;
use crate::history::Totals;
use crate::source::{ChunkRef, Part, Source};
use suspicions::Limits;
use walk::Glance;

pub(crate) use suspicions::Suspicion;

/// What a glance shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nothing can be found; this is over.
    Dull(Box<Totals>),
    /// Something may be found, for this reason first of all.
    Suspicious(Suspicion),
}

/// The columns that are looked at. The first one of a kind goes along.
const COLUMNS: Columns = Columns::ORDER
    .and(Kind::TaskNew, 1 << 5)
    .and(Kind::PollBegin, 0)
    .and(Kind::PollEnd, 1 << 2)
    .and(Kind::TaskDrop, 0)
    .and(Kind::Wake, 0)
    .and(Kind::InPoll, 0)
    .and(Kind::DoneBy, 0)
    .and(Kind::ResourceDrop, 0)
    .and(Kind::ResourceNew, 1 << 1 | 1 << 5)
    .and(Kind::OperationBegin, 1 << 1 | 1 << 4 | 1 << 6 | 1 << 7)
    .and(Kind::OperationPoll, 1 << 2)
    .and(Kind::OperationFired, 0)
    .and(Kind::OperationEnd, 1 << 1)
    .and(Kind::Acquire, 0)
    .and(Kind::Release, 0)
    .and(Kind::Forget, 0);

/// Looks at a part of a trace that others follow.
pub(crate) fn glance(source: &Source, part: &Part, clock: &Clock, limits: &Thresholds) -> Seen {
    let mut left = source.chunks[part.chunks.clone()].iter();
    let limits = Limits::of(limits, clock);
    let seen = look(source, part, limits, &mut left);
    // As soon as something is suspicious the rest is left.
    left.for_each(|chunk| source.advance(chunk));
    seen
}

fn look(
    source: &Source,
    part: &Part,
    limits: Limits,
    left: &mut std::slice::Iter<'_, ChunkRef>,
) -> Seen {
    let mut glance = Glance::new(limits, part);
    let own = part.chunks.len();
    let range = part.chunks.start..part.chunks.end + part.more;
    let generation = source.chunks[part.chunks.start].header.generation;
    let mut run = Vec::new();
    let mut decompressor = Decompressor::default();
    if is_missing_something(source, part) {
        return Seen::Suspicious(Suspicion::Loss);
    }
    for (index, place) in source.chunks[range.clone()].iter().enumerate() {
        left.by_ref()
            .take(1)
            .for_each(|chunk| source.advance(chunk));
        let header = &place.header;
        let is_keyframe = header.flags & flag::KEYFRAME != 0;
        // What is alive when the part begins is told first; later keyframes tell nothing new.
        let is_base = is_keyframe && header.generation == generation;
        if is_keyframe && !is_base {
            continue;
        }
        if header.events > 0 {
            let content = source.content_in(place, &mut decompressor);
            let chunk = content.and_then(|content| Chunk::decode_columns(content, &COLUMNS));
            let Ok(chunk) = chunk else {
                return Seen::Suspicious(Suspicion::Loss);
            };
            if is_base {
                glance.read_told(&chunk);
            } else {
                run.push((chunk, index < own));
            }
        }
        // Up to here all threads are told of.
        if tells_cut(header) || index + 1 == range.len() {
            glance.read(&run);
            run.clear();
        }
        if let Some(suspicion) = glance.suspicion() {
            return Seen::Suspicious(suspicion);
        }
    }
    glance.end()
}
