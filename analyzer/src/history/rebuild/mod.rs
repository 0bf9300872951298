//! From events to histories, window by window.
//!
//! Of each window, chunks are decoded in parallel, while the window before is taken in: every thread's events are read in that thread's
//! order ([`walk`]), the threads in turns ([`merge`]); the polls that are open on a thread tell which task did what, so each event becomes
//! a *fact* about one entity, with the task in whose poll it happened. Entities are put together from these facts as they come
//! ([`entities`]), so that no event is kept as such.

mod base;
mod entities;
mod facts;
mod merge;
mod shutdown;
mod walk;

use std::collections::HashSet;

use ais_format::frame::flag;

use super::{FunctionId, History, ThreadId, Totals};
use crate::Error;
use crate::decode::{Outline, Unreadable, Window, Windows};
use crate::meter::Stage;
use crate::names::Names;
use crate::source::{Part, Source};
use crate::time::Nanos;
use base::Base;
use entities::Entities;
use merge::{Streams, Taking};

/// Rebuilds the history of every entity in a part of a trace, up to the last moment that is known of all threads.
///
/// A recorder writes the threads' events one thread after the other, so that a trace which ends in the middle (of a program that was
/// killed, or still runs) may know more of one thread than of another: a task that was seen to wait on one, and not seen to release
/// on the other just before it, would seem to hold what it does not.
///
/// Where the last thing that the program did was to shut its runtime down, histories end before that: a runtime that is shut down
/// cancels its tasks, and a program that gives up on a deadlock and returns from `main` would seem to have had none.
///
/// # Errors
/// There are chunks, and none of them can be read.
///
/// # Panics
/// It is a part of another trace, which is longer.
pub fn rebuild(source: &Source, part: &Part) -> Result<History, Error> {
    source.meter().begin(Stage::Rebuilding);
    source.expect([part]);
    rebuild_as_told(source, part)
}

/// The same, in a stage that the meter tells of already.
pub(crate) fn rebuild_as_told(source: &Source, part: &Part) -> Result<History, Error> {
    read(source, part, None).map(|rebuild| rebuild.finish(None))
}

/// The `whole` history, as it was just before a moment.
///
/// # Errors
/// As [`rebuild`].
pub fn rebuild_until(source: &Source, whole: &History, until: Nanos) -> Result<History, Error> {
    let until = until.min(whole.end);
    read(source, &whole.part, Some(until)).map(|rebuild| rebuild.finish(Some(whole)))
}

/// What was before `until`.
fn read(source: &Source, part: &Part, until: Option<Nanos>) -> Result<Rebuild, Error> {
    let mut unreadable = Unreadable::new();
    loop {
        let outline = Outline::of(source, part, &unreadable);
        let mut rebuild = Rebuild::new(part.clone(), outline, until);
        let found = rebuild.read(source);
        if found.len() == unreadable.len() {
            return Ok(rebuild);
        }
        if let Some((_, reason)) = found.first_key_value()
            && found.len() == part.chunks.len()
        {
            return Err(Error::NothingReadable {
                path: source.path().to_owned(),
                reason: reason.to_string(),
            });
        }
        // What is missing decides how the rest is read.
        unreadable = found;
    }
}

/// A history in the making.
struct Rebuild {
    part: Part,
    outline: Outline,
    until: Option<Nanos>,
    base: Base,
    names: Names,
    streams: Streams,
    entities: Entities,
    events: u64,
}

impl Rebuild {
    fn new(part: Part, outline: Outline, until: Option<Nanos>) -> Self {
        Rebuild {
            part,
            base: Base::of(&outline),
            outline,
            until,
            names: Names::default(),
            streams: Streams::default(),
            entities: Entities::default(),
            events: 0,
        }
    }

    /// Takes in all windows; the chunks that cannot be read.
    fn read(&mut self, source: &Source) -> Unreadable {
        let mut windows = match self.until {
            None => Windows::metered(source, &self.part),
            Some(_) => Windows::of(source, &self.part),
        };
        let mut unreadable = Unreadable::new();
        let mut next = windows.next();
        let mut cut = None;
        while let Some(mut window) = next {
            unreadable.append(&mut window.unreadable);
            cut = cut.max(window.cut);
            self.add(window);
            // Everything that comes later is not before it.
            (next, ()) = rayon::join(|| windows.next(), || self.take_in(cut.unwrap_or(0)));
        }
        self.take_in(u64::MAX);
        self.streams.end(&mut self.entities, &self.names);
        unreadable
    }

    /// More of the threads' events, and of what is told again.
    fn add(&mut self, window: Window) {
        for (index, header, chunk) in window.chunks {
            self.names.add(&chunk);
            if header.flags & flag::KEYFRAME != 0 {
                self.base.add(header.generation, chunk.batches);
                continue;
            }
            for batch in chunk.batches {
                if index < self.part.chunks.end {
                    self.events += batch.len() as u64;
                }
                self.streams.push(header.generation, batch);
            }
        }
    }

    /// Takes in what was before the tick `limit`, and before the end of what is known of all threads.
    fn take_in(&mut self, limit: u64) {
        let limit = self.outline.cut.map_or(limit, |cut| limit.min(cut));
        let clock = &self.outline.clock;
        loop {
            let told = self.base.next().filter(|&told| told <= limit);
            self.streams.take_in(
                told.unwrap_or(limit),
                Taking {
                    entities: &mut self.entities,
                    names: &self.names,
                    clock: &mut clock.reader(),
                    until: self.until,
                },
            );
            if told.is_none() {
                return;
            }
            let facts = &mut self.entities.with(&self.names);
            for section in self.base.tell_next(self.until, facts, clock) {
                if section.thread != ThreadId(0) {
                    self.streams.is_in(section);
                }
            }
        }
    }

    /// The history; of what is known of the `whole` one, if that was rebuilt before.
    fn finish(self, whole: Option<&History>) -> History {
        let (outline, names) = (self.outline, self.names);
        let mut sections = Vec::new();
        let mut last = Nanos(0);
        let mut last_events = std::collections::HashMap::new();
        for (thread, walker) in self.streams.walkers() {
            sections.extend_from_slice(&walker.sections);
            last = last.max(walker.last);
            last_events.insert(thread, walker.last);
        }
        let recorded_until = outline.cut.map_or_else(
            || outline.clock.last().max(last),
            |cut| outline.clock.time(cut),
        );
        let (recorded_until, shutdown) = match whole {
            Some(whole) => (whole.recorded_until, whole.shutdown),
            // What a part that goes on ends with is not the last act of the program.
            None if self.part.until.is_some() => (recorded_until, None),
            None => (
                recorded_until,
                shutdown::last_act(&sections, &self.entities),
            ),
        };
        let end = self.until.or(shutdown).unwrap_or(recorded_until);
        let cut = shutdown.filter(|_| self.until.is_none());
        if let Some(cut) = cut {
            sections.retain(|section| section.place.at < cut);
            for section in &mut sections {
                section.ended = section.ended.filter(|&at| at < cut);
            }
        }
        let healing = self.base.healing(&outline.clock);
        let healing = healing.filter(|healing| self.until.is_none_or(|until| healing.at < until));
        let lists = self.entities.finish(healing, cut);
        let functions: HashSet<FunctionId> =
            lists.futures.iter().map(|future| future.function).collect();
        let mut history = History {
            tasks: lists.tasks,
            futures: lists.futures,
            operations: lists.operations,
            resources: lists.resources,
            sections: entities::sections(sections, &names),
            functions: functions
                .into_iter()
                .filter_map(|id| names.function(id.0).map(|function| (id, function)))
                .collect(),
            threads: last_events
                .keys()
                .filter_map(|&id: &ThreadId| names.thread(id.0).map(|name| (id, name)))
                .collect(),
            last_events,
            from: self.part.shown_from,
            end,
            recorded_until,
            shutdown,
            has_cut: outline.cut.is_some(),
            events: self.events,
            loss: outline.loss.clone(),
            is_healed: self.base.is_healed,
            begins_late: outline.begins_late,
            begins_whole: outline.begins_late.then(|| self.base.begins_whole()),
            goes_on: false,
            unreadable: outline.unreadable.clone(),
            before: Totals::default(),
            part: self.part,
            by_task: std::collections::HashMap::new(),
        };
        history.index_by_task();
        history.name_by_function();
        history
    }
}
