//! The events of several threads, one after the other: by their ticks, and so that no poll of a task begins before the one before it has
//! ended.
//!
//! What a thread recorded keeps its order. Clocks of different processors may disagree by some nanoseconds, so a task that goes on
//! elsewhere could seem to do so before it stopped: its poll numbers tell better, and a thread that begins the next poll waits until the
//! other one has come to the end of the poll before.

use std::collections::{BTreeMap, VecDeque};

use ais_format::chunk::{Cursor, Event, EventBatch};
use ais_format::event::{self, Kind};

use super::entities::{Before, Entities};
use super::walk::Walker;
use crate::clock::Reader;
use crate::history::ThreadId;
use crate::names::Names;
use crate::time::Nanos;

/// Clocks of processors disagree by far less, in ticks.
const APART: u64 = 5_000_000;
/// The same, where it has to be looked for which thread to wait for: about as long as a task takes to get from one to another.
const NEAR: u64 = 5_000;

/// What was read of a thread and not yet taken in.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) walker: Walker,
    /// The batches that are left, by what came before them; the cursor stands in the first.
    batches: VecDeque<(u32, EventBatch)>,
    cursor: Option<Cursor>,
    /// How many events came before the next batch, and how many were lost, if nothing is missing.
    expected: Option<u64>,
    dropped: u64,
}

impl Stream {
    fn new(thread: ThreadId) -> Stream {
        Stream {
            walker: Walker::new(thread),
            batches: VecDeque::new(),
            cursor: None,
            expected: None,
            dropped: 0,
        }
    }

    fn push(&mut self, generation: u32, batch: EventBatch) {
        let later = |(_, other): &&(u32, EventBatch)| other.head.first > batch.head.first;
        // Nothing goes before what is read already.
        let first = usize::from(self.cursor.is_some());
        let index = self.batches.len() - self.batches.iter().rev().take_while(later).count();
        self.batches.insert(index.max(first), (generation, batch));
    }

    /// The next event, if there is one before the tick `limit`.
    fn peek(&mut self, limit: u64, taking: &mut Taking<'_, '_>) -> Option<(u64, Option<Kind>)> {
        loop {
            let (generation, batch) = self.batches.front()?;
            let cursor = match &self.cursor {
                Some(cursor) => cursor,
                None => {
                    let head = &batch.head;
                    self.walker.enter_generation(*generation);
                    if self.expected.is_some_and(|first| first != head.first)
                        || head.dropped != self.dropped
                    {
                        let mut facts = taking.entities.with(taking.names);
                        self.walker.forget_what_is_open(&mut facts);
                    }
                    self.expected = Some(head.first.wrapping_add(head.events));
                    self.dropped = head.dropped;
                    self.cursor.insert(Cursor::new(batch))
                }
            };
            match cursor.peek(batch) {
                Some(next) => return (next.0 < limit).then_some(next),
                None => {
                    self.batches.pop_front();
                    self.cursor = None;
                }
            }
        }
    }

    /// The poll that begins next, if that is what comes next.
    fn next_poll(&self) -> Option<event::PollBegin> {
        let (_, batch) = self.batches.front()?;
        let event: Event<'_> = self.cursor.as_ref()?.event(batch)?;
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
        let mut cursor = self.cursor.clone();
        for (_, batch) in &self.batches {
            let mut cursor = cursor.take().unwrap_or_else(|| Cursor::new(batch));
            while let Some(event) = cursor.next(batch) {
                if event.tick > until {
                    return false;
                }
                if is_it(&event) {
                    return true;
                }
            }
        }
        false
    }

    fn step(&mut self, taking: &mut Taking<'_, '_>) {
        let (Some((_, batch)), Some(cursor)) = (self.batches.front(), &mut self.cursor) else {
            return;
        };
        let Some(event) = cursor.next(batch) else {
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
            .push(generation, batch);
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
