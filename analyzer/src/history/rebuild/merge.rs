//! The events of several threads, one after the other: by their ticks, and so that no poll of a task begins before the one before it has
//! ended.
//!
//! What a thread recorded keeps its order. Clocks of different processors may disagree by some nanoseconds, so a task that goes on
//! elsewhere could seem to do so before it stopped: its poll numbers tell better, and a thread that begins the next poll waits until the
//! other one has come to the end of the poll before.

use std::collections::BTreeMap;

use ais_format::chunk::{Event, EventBatch};
use ais_format::event::{self, Kind};

use super::entities::{Before, Entities};
use super::walk::{SectionFact, Walker};
use crate::clock::Reader;
use crate::history::ThreadId;
use crate::names::Names;
use crate::thread::Batches;
use crate::time::Nanos;

/// Clocks of processors disagree by far less, in ticks.
const APART: u64 = 5_000_000;
/// The same, where it has to be looked for which thread to wait for: about as long as a task takes to get from one to another.
const NEAR: u64 = 5_000;

/// What was read of a thread and not yet taken in.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) walker: Walker,
    /// With their generations.
    batches: Batches<u32>,
}

impl Stream {
    fn new(thread: ThreadId) -> Stream {
        Stream {
            walker: Walker::new(thread),
            batches: Batches::default(),
        }
    }

    /// The next event, if there is one before the tick `limit`.
    fn peek(&mut self, limit: u64, taking: &mut Taking<'_, '_>) -> Option<(u64, Option<Kind>)> {
        let Stream { walker, batches } = self;
        let next = batches.peek(|generation, is_gap| {
            walker.enter_generation(generation);
            if is_gap {
                walker.forget_what_is_open(&mut taking.entities.with(taking.names));
            }
        });
        next.filter(|&(tick, _)| tick < limit)
    }

    /// The poll that begins next, if that is what comes next.
    fn next_poll(&self) -> Option<event::PollBegin> {
        let event: Event<'_> = self.batches.event()?;
        (event.kind == Some(Kind::PollBegin)).then(|| event.row::<event::PollBegin>())
    }

    /// Whether the poll before this one begins here, soon.
    fn begins_before(&self, poll: &event::PollBegin, until: u64) -> bool {
        let is_it = |event: &Event<'_>| {
            event.kind == Some(Kind::PollBegin) && {
                let other = event.row::<event::PollBegin>();
                let is_before = (poll.poll as u32).wrapping_sub(1) == other.poll as u32;
                other.task == poll.task && is_before
            }
        };
        let mut soon = self.batches.ahead().take_while(|event| event.tick <= until);
        soon.any(|event| is_it(&event))
    }

    fn step(&mut self, taking: &mut Taking<'_, '_>) {
        let Some(event) = self.batches.next() else {
            return;
        };
        let at = taking.clock.time(event.tick);
        if taking.until.is_none_or(|until| at < until) {
            let mut facts = taking.entities.with(taking.names);
            self.walker.step(&event, at, &mut facts);
        }
    }
}

/// Where events are taken in.
pub(super) struct Taking<'a, 'c> {
    pub(super) entities: &'a mut Entities,
    pub(super) names: &'a Names,
    pub(super) clock: &'a mut Reader<'c>,
    /// What is not before it is left out.
    pub(super) until: Option<Nanos>,
}

/// All threads.
#[derive(Debug, Default)]
pub(super) struct Streams {
    of: BTreeMap<u64, Stream>,
}

impl Streams {
    /// More events of a thread.
    pub(super) fn push(&mut self, generation: u32, batch: EventBatch) {
        let thread = batch.head.thread;
        let stream = self.of.entry(thread);
        stream
            .or_insert_with(|| Stream::new(ThreadId(thread)))
            .batches
            .push(generation, batch);
    }

    /// A keyframe tells that a thread is in a section.
    pub(super) fn is_in(&mut self, section: SectionFact) {
        // It may have no event after that.
        let stream = self.of.entry(section.thread.0);
        stream
            .or_insert_with(|| Stream::new(section.thread))
            .walker
            .is_in(section);
    }

    /// Takes in all events before the tick `limit`.
    pub(super) fn take_in(&mut self, limit: u64, mut taking: Taking<'_, '_>) {
        let mut streams: Vec<&mut Stream> = self.of.values_mut().collect();
        let mut heads: Vec<Option<(u64, Option<Kind>)>> = streams
            .iter_mut()
            .map(|stream| stream.peek(limit, &mut taking))
            .collect();
        loop {
            let Some((tick, mut next)) = earliest(None, &heads) else {
                return;
            };
            let mut until = earliest(Some(next), &heads).map_or(u64::MAX, |(tick, _)| tick);
            if let Some(other) = before(&streams, &heads, next, tick, &mut taking) {
                // Event by event: until the poll has ended there.
                (next, until) = (other, 0);
            }
            let stream = &mut *streams[next];
            loop {
                stream.step(&mut taking);
                heads[next] = stream.peek(limit, &mut taking);
                match heads[next] {
                    Some((tick, kind)) if tick <= until && kind != Some(Kind::PollBegin) => {}
                    _ => break,
                }
            }
        }
    }

    /// The threads have no more events.
    pub(super) fn end(&mut self, entities: &mut Entities, names: &Names) {
        for stream in self.of.values_mut() {
            stream.walker.end(&mut entities.with(names));
        }
    }

    /// What is known of the threads, by number.
    pub(super) fn walkers(&self) -> impl Iterator<Item = (ThreadId, &Walker)> {
        let streams = self.of.iter();
        streams.map(|(&thread, stream)| (ThreadId(thread), &stream.walker))
    }
}

/// The thread that has to go on before thread `next` can: there, the poll is open before the one that `next` begins, or may begin.
fn before(
    streams: &[&mut Stream],
    heads: &[Option<(u64, Option<Kind>)>],
    next: usize,
    tick: u64,
    taking: &mut Taking<'_, '_>,
) -> Option<usize> {
    if heads[next]?.1 != Some(Kind::PollBegin) {
        return None;
    }
    let poll = streams[next].next_poll()?;
    match taking.entities.before(poll.task, poll.poll) {
        Before::Over => None,
        Before::OpenOn(thread) => {
            let is_it = |stream: &&mut Stream| stream.walker.thread() == thread;
            let other = streams.iter().position(is_it)?;
            let is_near = heads[other]?.0 <= tick.saturating_add(APART);
            (other != next && is_near).then_some(other)
        }
        Before::Unseen => {
            let until = tick.saturating_add(NEAR);
            let mut others = streams.iter().enumerate();
            let is_there = |(index, other): &(usize, &&mut Stream)| {
                *index != next && heads[*index].is_some() && other.begins_before(&poll, until)
            };
            others.find(is_there).map(|(index, _)| index)
        }
    }
}

/// The thread that comes first, by when it does.
fn earliest(except: Option<usize>, heads: &[Option<(u64, Option<Kind>)>]) -> Option<(u64, usize)> {
    let known = heads.iter().enumerate();
    known
        .filter(|(index, _)| Some(*index) != except)
        .filter_map(|(index, head)| Some((head.as_ref()?.0, index)))
        .min()
}
