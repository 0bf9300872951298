//! All events of a trace in the order of time, over all threads.
//!
//! A [history](crate::history) tells what became of each task and resource; whoever wants to look at what was recorded itself, one event
//! after the other, gets it here: [`Source::events_in_order`]. In comes a trace, out come [`Event`]s that can be kept, sent elsewhere
//! and taken apart by name or as rows. Only what was recorded as it happened is told: what a later generation tells again of what is
//! alive (a keyframe) is left out.
//!
//! Threads are merged by the ticks of their events, window by window, so that memory is for a window or two of the file and not for the
//! trace; where the record says up to when the events of all threads are there, no more than that is given out. Each thread keeps its own
//! order. A thread that is interrupted between reading the clock and recording the event may do so long after: what comes into the record
//! when later events were told already, or after a later event of its own thread, is told as of then ([`Event::at`]; [`Event::tick`] is
//! what the clock said).
//!
//! Clocks of different processors may disagree by some nanoseconds, so of two events on two threads that lie so near to each other, the
//! one that is told first may have come second: the numbers in them (of polls, of changes of a resource) say which did.

mod event;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ais_format::event::{Kind, PollBegin, PollEnd};
use ais_format::frame::flag;

pub use event::Event;

use crate::clock::{Clock, Stretch};
use crate::decode::{Outline, Unreadable, Window, Windows, loss_of, tells_cut};
use crate::history::{ForeignId, ThreadId};
use crate::names::Names;
use crate::source::{Loss, Part, Source};
use crate::thread::{Batches, OpenPolls};
use crate::time::Nanos;

/// The events of a trace in the order of time: see [`Source::events_in_order`].
///
/// A chunk of the file that cannot be read is passed over, and told of in [`Events::loss`].
#[derive(Debug)]
pub struct Events<'a> {
    source: &'a Source,
    windows: Windows<'a>,
    part: Part,
    /// Events before this tick belong to an earlier part.
    from: Option<u64>,
    clock: Clock,
    /// The stretch of time that was last read from the clock.
    near: Stretch,
    names: Names,
    loss: Loss,
    /// All threads that were seen, by number.
    threads: Vec<Thread>,
    /// The threads that have an event before the limit, by its tick: all but the one whose turn it is.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    turn: Option<Turn>,
    /// What is not before this tick may not be complete yet; none once everything was read.
    limit: Option<u64>,
    /// The latest tick that a chunk said to be the limit, of the windows that were read.
    cut: u64,
    /// The same, of the chunks before this one.
    known: u64,
    seen: usize,
    is_read: bool,
}

#[derive(Debug)]
struct Thread {
    id: ThreadId,
    /// With the tick before which nothing in them was recorded.
    batches: Batches<u64>,
    polls: OpenPolls,
    /// The unrecorded task that does what comes next.
    foreign: Option<ForeignId>,
    /// When the last event was, in ticks.
    last: u64,
}

/// The thread whose events come next, until another one's does.
#[derive(Clone, Copy, Debug)]
struct Turn {
    thread: usize,
    /// That one: its tick, and which thread.
    until: (u64, usize),
}

impl Source {
    /// All events of the trace, those of all threads in the order of time.
    ///
    /// Times never decrease, and events of a thread keep its order. Of a recording that did not end in good order the last
    /// events may be those of some threads only: those after [`History::recorded_until`](crate::History::recorded_until).
    ///
    /// ```
    /// use ais_analyzer::Source;
    /// use ais_analyzer::event::Wake;
    ///
    /// let source = Source::open("../sample-traces/abba.ais".as_ref())?;
    /// let wakes = source.events_in_order().filter_map(|event| event.row::<Wake>());
    /// assert!(wakes.count() > 100);
    /// # Ok::<(), ais_analyzer::Error>(())
    /// ```
    pub fn events_in_order(&self) -> Events<'_> {
        self.events_of(&self.whole())
    }

    /// The events of a part of the trace: those from its beginning to that of the next part. The events of all [parts](Source::parts), one
    /// after the other, are those of the trace.
    ///
    /// # Panics
    /// It is a part of another trace, which is longer.
    pub fn events_of(&self, part: &Part) -> Events<'_> {
        let outline = Outline::of(self, part, &Unreadable::new());
        let is_before = |other: &Part| other.chunks.end == part.chunks.start;
        // Whether the part before reads on until there.
        let before = self.parts().into_iter().find(is_before);
        Events {
            source: self,
            windows: Windows::of(self, part),
            from: before.and_then(|before| before.until),
            near: outline.clock.stretch(0),
            clock: outline.clock,
            names: Names::default(),
            loss: outline.loss,
            threads: Vec::new(),
            next: BinaryHeap::new(),
            turn: None,
            limit: Some(0),
            cut: 0,
            known: 0,
            seen: part.chunks.start,
            is_read: false,
            part: part.clone(),
        }
    }
}

impl Events<'_> {
    /// What numbers in events stand for (strings, places in source, functions, threads), as far as the trace was read: all that the events
    /// so far refer to, unless its definition is lost.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What is missing from the trace: what the headers in the file tell, and what of the events so far could not be read. Once there are
    /// no more events, all of it.
    pub fn loss(&self) -> &Loss {
        &self.loss
    }

    /// Reads on; false where there is nothing more.
    fn read_on(&mut self) -> bool {
        if self.is_read {
            return false;
        }
        let is_left = self.part.until.is_none_or(|until| self.cut < until);
        let window = is_left.then(|| self.windows.next()).flatten();
        match window {
            Some(window) => self.add(window),
            None => {
                self.is_read = true;
                self.limit = self.part.until;
            }
        }
        for index in 0..self.threads.len() {
            if let Some(tick) = self.peek(index) {
                self.next.push(Reverse((tick, index)));
            }
        }
        true
    }

    /// More events.
    fn add(&mut self, window: Window) {
        for (index, error) in &window.unreadable {
            if self.part.chunks.contains(index) {
                self.loss.add(&loss_of(&self.source.chunks[*index], error));
            }
        }
        for (index, header, chunk) in window.chunks {
            let begin = self.known_before(index);
            self.names.add(&chunk);
            if header.flags & flag::KEYFRAME != 0 {
                continue;
            }
            for batch in chunk.batches {
                let id = ThreadId(batch.head.thread);
                let index = match self.threads.binary_search_by_key(&id, |thread| thread.id) {
                    Ok(index) => index,
                    Err(index) => {
                        // All turns are over: nothing else knows a thread by its place.
                        self.threads.insert(index, Thread::new(id));
                        index
                    }
                };
                self.threads[index].batches.push(begin, batch);
            }
        }
        self.cut = self.cut.max(window.cut.unwrap_or(0));
        self.limit = Some(
            self.part
                .until
                .map_or(self.cut, |until| until.min(self.cut)),
        );
    }

    /// The tick up to which all events were recorded in chunks before this one, as far as that is told.
    fn known_before(&mut self, chunk: usize) -> u64 {
        let headers = self.source.chunks[self.seen..chunk].iter();
        let cuts = headers
            .map(|chunk| &chunk.header)
            .filter(|header| tells_cut(header));
        let last = cuts.map(|header| header.clock_tick).max();
        self.known = self.known.max(last.unwrap_or(0));
        self.seen = chunk;
        self.known
    }

    /// When the next event of a thread is, if that is before the limit.
    fn peek(&mut self, thread: usize) -> Option<u64> {
        let tick = self.threads[thread].peek()?;
        self.limit.is_none_or(|limit| tick < limit).then_some(tick)
    }

    /// The next event of the thread whose turn it is, if it has one before the others do, and its tick.
    fn step(&mut self) -> Option<(u64, Event)> {
        let Turn { thread, until } = self.turn?;
        match self.peek(thread) {
            Some(tick) if (tick, thread) < until => {
                let at = self.clock.time_near(tick, &mut self.near);
                let event = self.threads[thread].next(tick, at)?;
                Some((tick, event))
            }
            left => {
                self.turn = None;
                self.next.extend(left.map(|tick| Reverse((tick, thread))));
                None
            }
        }
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((tick, event)) = self.step() {
                if self.from.is_none_or(|from| tick >= from) {
                    return Some(event);
                }
            } else if let Some(Reverse((_, thread))) = self.next.pop() {
                let until = self
                    .next
                    .peek()
                    .map_or((u64::MAX, usize::MAX), |next| next.0);
                self.turn = Some(Turn { thread, until });
            } else if !self.read_on() {
                return None;
            }
        }
    }
}

impl std::iter::FusedIterator for Events<'_> {}

impl Thread {
    fn new(id: ThreadId) -> Thread {
        Thread {
            id,
            batches: Batches::default(),
            polls: OpenPolls::default(),
            foreign: None,
            last: 0,
        }
    }

    /// The tick of the next event, or the one by which all before it is given out, if that is later.
    #[inline]
    fn peek(&mut self) -> Option<u64> {
        let Thread {
            batches,
            polls,
            foreign,
            last,
            ..
        } = self;
        let next = batches.peek(|begin, is_gap| {
            *last = begin.max(*last);
            if is_gap {
                polls.forget();
                *foreign = None;
            }
        });
        next.map(|(tick, _)| tick.max(*last))
    }

    /// The event that was peeked at, which was then.
    fn next(&mut self, tick: u64, at: Nanos) -> Option<Event> {
        self.last = tick;
        let event = self.batches.next()?;
        if event.kind == Some(Kind::InPoll) {
            self.polls.told(&event.row());
        }
        let task = self.polls.task();
        let foreign = self.foreign.take().filter(|_| task.is_none());
        match event.kind {
            Some(Kind::PollBegin) => self.polls.begin(&event.row::<PollBegin>()),
            Some(Kind::PollEnd) => self.polls.end(&event.row::<PollEnd>()),
            Some(Kind::Foreign) => self.foreign = Some(ForeignId(event.value(0))),
            _ => {}
        }
        Some(Event::new(&event, at, self.id, task, foreign))
    }
}
