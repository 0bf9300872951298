//! Writes a story as a recorder would: each thread's events in batches, collected thread by thread in rounds, a round in several chunks.
//!
//! A round takes of each thread what there is when its turn comes, so that a file may know more of one thread than of another. Its last
//! chunk is a cut: whatever any clock put before the cut's tick is in the file by then. How all this is done follows from a seed.

use std::io::Cursor;

use ais_format::chunk::ChunkBuilder;
use ais_format::event::InPoll;
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};

use crate::keyframe;
use crate::model::{Act, Event, Story};
use crate::rng::Rng;

/// How a story is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    /// Decides everything else.
    pub(crate) seed: u64,
    /// The program is killed at one of the story's moments.
    pub(crate) is_killed: bool,
    /// Before so many of a thousand events, some are lost.
    pub(crate) drops: usize,
    /// So many of a hundred rounds begin a generation.
    pub(crate) generations: usize,
}

/// A trace in pieces: put one behind the other they are the file.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) header: Vec<u8>,
    /// Each chunk, the mark of the end included.
    pub(crate) chunks: Vec<Vec<u8>>,
    /// The indices of the chunks with which generations begin.
    pub(crate) generations: Vec<usize>,
    /// So many events of the story are before the last cut, which was then.
    pub(crate) known: usize,
    pub(crate) end: u64,
    /// So many events are in it.
    pub(crate) events: u64,
    /// So many events were lost.
    pub(crate) dropped: u64,
}

impl Written {
    /// The file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let chunks = self.chunks.iter().flatten();
        self.header.iter().chain(chunks).copied().collect()
    }
}

const BEGIN: u64 = 1_000_000;

struct Writer<'a> {
    rng: Rng,
    story: &'a Story,
    layout: Layout,
    /// Ticks in a nanosecond.
    rate: u64,
    /// For each thread its number and the indices of its events.
    streams: Vec<(u64, Vec<usize>)>,
    /// So many of them were collected, and how many of those written and lost.
    taken: Vec<(usize, u64, u64)>,
    /// Where the thread is in a poll, this is to be said before its next event.
    says_poll: Vec<bool>,
    clock: u64,
    chunk: ChunkBuilder,
    trace: TraceWriter<Cursor<Vec<u8>>>,
    borders: Vec<usize>,
    generations: Vec<usize>,
    events: u64,
}

/// Writes `story`.
pub(crate) fn write(story: &Story, layout: Layout) -> Written {
    let mut rng = Rng::new(layout.seed);
    let rate = 1 + rng.below(3) as u64;
    let mut threads: Vec<u64> = story.events.iter().map(|event| event.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    let streams: Vec<(u64, Vec<usize>)> = threads
        .into_iter()
        .map(|thread| {
            let of_thread = (0..story.events.len()).filter(|&i| story.events[i].thread == thread);
            (thread, of_thread.collect())
        })
        .collect();
    let header = FileHeader {
        recording: 7,
        start_tick: BEGIN,
        ..FileHeader::default()
    };
    let trace = TraceWriter::new(Cursor::new(Vec::new()), &header).unwrap();
    let writer = Writer {
        rng,
        story,
        layout,
        rate,
        taken: vec![(0, 0, 0); streams.len()],
        says_poll: vec![false; streams.len()],
        streams,
        clock: 0,
        chunk: ChunkBuilder::new(),
        borders: vec![trace.len() as usize],
        trace,
        generations: Vec::new(),
        events: 0,
    };
    writer.write()
}

impl Writer<'_> {
    fn write(mut self) -> Written {
        let story = self.story;
        let moment = if self.layout.is_killed {
            *self.rng.of(&story.moments)
        } else {
            story.moments[story.moments.len() - 1]
        };
        let mut rounds: Vec<usize> = (0..self.rng.below(6))
            .map(|_| self.rng.below(moment.events + 1))
            .collect();
        rounds.sort_unstable();
        for until in rounds {
            let by = self.round(until);
            self.end_round(by.min(moment.at));
            if self.rng.percent(self.layout.generations) {
                self.begin_generation();
            }
        }
        self.round(moment.events);
        self.end_round(moment.at);
        if self.layout.is_killed {
            self.half_a_round();
        }
        let dropped = self.dropped();
        let clock = self.pair();
        let bytes = if self.layout.is_killed {
            self.trace.get_ref().get_ref().clone()
        } else {
            self.borders.push(0);
            self.trace.finish(clock, dropped).unwrap().into_inner()
        };
        if let Some(last) = self.borders.last_mut() {
            *last = bytes.len();
        }
        Written {
            header: bytes[..self.borders[0]].to_vec(),
            chunks: self
                .borders
                .windows(2)
                .map(|pair| bytes[pair[0]..pair[1]].to_vec())
                .collect(),
            generations: self.generations,
            known: moment.events,
            end: moment.at,
            events: self.events,
            dropped,
        }
    }

    fn tick(&self, index: usize) -> u64 {
        // Several ticks may fall into one nanosecond.
        BEGIN + self.story.events[index].at * self.rate + index as u64 % self.rate
    }

    fn pair(&self) -> ClockPair {
        ClockPair {
            tick: BEGIN + self.clock * self.rate,
            ns: self.clock,
        }
    }

    fn dropped(&self) -> u64 {
        self.taken.iter().map(|(.., dropped)| dropped).sum()
    }

    /// Takes what happened before event `until`, and of some threads some more. When the first event was that is not taken.
    fn round(&mut self, until: usize) -> u64 {
        let mut threads: Vec<usize> = (0..self.streams.len()).collect();
        while !threads.is_empty() {
            let thread = threads.swap_remove(self.rng.below(threads.len()));
            let more = self.rng.below(8);
            self.take(thread, until + more);
        }
        let untaken = (0..self.streams.len())
            .filter_map(|thread| self.streams[thread].1.get(self.taken[thread].0));
        let first = untaken.map(|&index| self.story.events[index].at).min();
        first.unwrap_or(self.story.end)
    }

    /// Writes what is left, with a cut at the time `by`.
    fn end_round(&mut self, by: u64) {
        self.clock = self.clock.max(by);
        self.end_chunk(flag::CUT);
    }

    /// As much as is written when a program is killed in the middle of a round.
    fn half_a_round(&mut self) {
        for thread in 0..self.streams.len() {
            if self.rng.percent(40) {
                let until = self.rng.below(self.story.events.len() + 1);
                self.take(thread, until);
            }
        }
        if !self.chunk.is_empty() {
            self.end_chunk(0);
        }
    }

    fn end_chunk(&mut self, flags: u32) {
        let (clock, dropped) = (self.pair(), self.dropped());
        let content = self.chunk.finish();
        self.trace.chunk(&content, clock, dropped, flags).unwrap();
        self.borders.push(self.trace.len() as usize);
    }

    /// Writes the events of a thread up to event `until`, in batches and chunks of any size.
    fn take(&mut self, thread: usize, until: usize) {
        while let Some(&index) = self.streams[thread].1.get(self.taken[thread].0)
            && index < until
        {
            if self.rng.below(1000) < self.layout.drops {
                self.end_batch(thread);
                let lost = 1 + self.rng.below(4);
                for _ in 0..lost {
                    let next = self.streams[thread].1.get(self.taken[thread].0);
                    if next.is_some_and(|&index| index < until) {
                        self.taken[thread].0 += 1;
                        self.taken[thread].2 += 1;
                    }
                }
                self.says_poll[thread] = true;
                continue;
            }
            // A firing right after its wake is what caused that: nothing comes between.
            let is_fired = !crate::all_shapes()
                && matches!(self.story.events[index].act, Act::OperationFired(_));
            if !is_fired && std::mem::take(&mut self.says_poll[thread]) {
                self.say_poll(thread, index);
            }
            let (act, tick) = (self.story.events[index].act, self.tick(index));
            act.write(&mut self.chunk, tick);
            self.taken[thread].0 += 1;
            match self.rng.below(100) {
                0..4 => self.end_batch(thread),
                4..6 => {
                    self.end_batch(thread);
                    self.end_chunk(0);
                }
                _ => {}
            }
        }
        self.end_batch(thread);
        if self.rng.percent(30) {
            self.end_chunk(0);
        }
    }

    fn end_batch(&mut self, thread: usize) {
        let events = self.chunk.batch_events() as u64;
        let (_, written, dropped) = self.taken[thread];
        self.chunk
            .end_batch(self.streams[thread].0, written, dropped);
        self.taken[thread].1 += events;
        self.events += events;
    }

    /// Says in which poll a thread is just before event `index`, if it is in one.
    fn say_poll(&mut self, thread: usize, index: usize) {
        let id = self.streams[thread].0;
        if let Some(open) = open_poll(&self.story.events[..index], id) {
            let tick = self.tick(index);
            self.chunk.event(tick, &open);
        }
    }

    /// What is alive is told again. All events that are not written yet come after that, and whatever happens while it is told.
    fn begin_generation(&mut self) {
        self.trace.begin_generation();
        self.generations.push(self.borders.len() - 1);
        let last = self.streams.iter().zip(&self.taken);
        let taken =
            last.filter_map(|((_, stream), &(taken, ..))| Some(stream[..taken].last()? + 1));
        let from = taken.max().unwrap_or(0);
        let to = (from + self.rng.below(8)).min(self.story.events.len());
        let now = self.pair();
        let tick = |at: Option<u64>| at.map_or(now.tick, |at| BEGIN + at * self.rate);
        let told = keyframe::told(&self.story.events, from..=to, &mut self.rng);
        for (at, act) in told {
            act.write(&mut self.chunk, tick(at));
            if self.rng.percent(3) && !matches!(act, Act::DoneBy(_) | Act::Foreign(_)) {
                self.chunk.end_batch(0, 0, 0);
                let content = self.chunk.finish();
                let dropped = self.dropped();
                let flags = flag::KEYFRAME;
                self.trace.chunk(&content, now, dropped, flags).unwrap();
                self.borders.push(self.trace.len() as usize);
            }
        }
        self.chunk.end_batch(0, 0, 0);
        self.end_chunk(flag::KEYFRAME | flag::KEYFRAME_END);
        self.says_poll.fill(true);
    }
}

/// The poll in which a thread is after these events.
fn open_poll(events: &[Event], thread: u64) -> Option<InPoll> {
    let mut open: Vec<InPoll> = Vec::new();
    for event in events.iter().filter(|event| event.thread == thread) {
        match event.act {
            Act::PollBegin(row) => open.push(InPoll {
                task: row.task,
                poll: row.poll,
            }),
            Act::PollEnd(_) => {
                open.pop();
            }
            _ => {}
        }
    }
    open.pop()
}
