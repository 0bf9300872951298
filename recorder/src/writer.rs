//! The recorder's own thread: moves what the program's threads recorded into the file, a few times a second.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use ais_format::chunk::ChunkBuilder;
use ais_format::event::InPoll;
use ais_format::frame::flag;
use ais_format::live::{GAP, move_all};
use ais_format::write::ClockPair;

use crate::define;
use crate::dumps;
use crate::fork;
use crate::keyframe;
use crate::output::Output;
use crate::platform;

use crate::segment::{self, Part};
use crate::session;

/// How often what was recorded is written, where memory does not ask for it earlier.
const INTERVAL: Duration = Duration::from_millis(100);
/// How often it is looked whether memory asks for it.
const LOOK: Duration = Duration::from_millis(10);
/// The same while much is recorded.
const LOOK_BUSY: Duration = Duration::from_millis(2);
/// How often a sign of life is written while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often, at most, a keyframe is written because events were lost.
const HEAL: Duration = Duration::from_secs(1);
/// Batches are closed at this many events, so that chunks stay small.
const BATCH: usize = 1 << 16;

/// What the writer tells those who ask.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) stop: AtomicBool,
    /// When it was told to stop, in ticks and in nanoseconds of the platform's clock: the recording ends there, however long the rest takes.
    pub(crate) stopped: (AtomicU64, AtomicU64),
    /// The writer has ended, well or not.
    pub(crate) is_done: AtomicBool,
    /// Write now, not at the next interval.
    pub(crate) flush: AtomicBool,
    /// How often everything was written.
    pub(crate) rounds: AtomicU64,
    /// A flight recorder's memory is to be written there.
    dump: Mutex<Option<Dump>>,
}

/// Where a flight recorder's memory is to be written, and to whom the result is to be told.
type Dump = (PathBuf, Option<SyncSender<io::Result<PathBuf>>>);

impl Progress {
    /// Tells the writer to stop: nothing is recorded any more.
    pub(crate) fn stop(&self) {
        let (tick, nanos) = &self.stopped;
        tick.store(platform::tick(), Ordering::Relaxed);
        nanos.store(platform::nanos(), Ordering::Relaxed);
        self.stop.store(true, Ordering::Release);
    }

    /// Asks for a flight recorder's memory to be written to `path`.
    pub(crate) fn ask_to_dump(
        &self,
        path: PathBuf,
        answer: Option<SyncSender<io::Result<PathBuf>>>,
    ) {
        *self.dump.lock().unwrap_or_else(PoisonError::into_inner) = Some((path, answer));
        self.flush.store(true, Ordering::Release);
    }

    fn asked_to_dump(&self) -> Option<Dump> {
        self.dump
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

pub(crate) struct Writer {
    output: Output,
    progress: Arc<Progress>,
    chunk: ChunkBuilder,
    definitions: ChunkBuilder,
    /// The thread whose events are being added, and how many it had lost before them.
    open: Option<(u64, u64)>,
    /// What the chunk takes out of segments: from which part, and how many words of it are left.
    claims: Claims,
    /// Memory has asked for what was written last.
    was_pressed: bool,
    /// How many definitions are in the file.
    defined: usize,
    threads: HashMap<u64, ThreadProgress>,
    keyframe: Keyframe,
    /// The polls that threads were in when the generation began, of those of which nothing is in it yet: task and number.
    open_polls: HashMap<u64, (u64, u32)>,
    started_ns: u64,
    start_tick: u64,
}

/// The last keyframe.
struct Keyframe {
    at: Instant,
    /// How many events had been lost by then.
    dropped: u64,
}

/// How far a thread's record has come into the file.
#[derive(Default)]
struct ThreadProgress {
    /// Events that were written.
    events: u64,
    /// Events that were lost, as last seen.
    dropped: u64,
    /// Events that were lost, as the file tells.
    dropped_written: u64,
}

/// What the chunk that is being made takes: of which part, and how many words that leaves.
#[derive(Debug, Default)]
struct Claims {
    of_chunk: Vec<(usize, usize)>,
    /// The part that was last taken to its end. Its segment is freed with that, and may be another thread's by now.
    taken: Option<usize>,
}

impl Claims {
    fn add(&mut self, part: usize, left: usize) {
        if left > 0 || self.taken != Some(part) {
            self.of_chunk.push((part, left));
        }
        if left == 0 {
            self.taken = Some(part);
        }
    }
}

impl Writer {
    pub(crate) fn new(
        output: Output,
        progress: Arc<Progress>,
        (started_ns, start_tick): (u64, u64),
    ) -> Writer {
        Writer {
            output,
            progress,
            chunk: ChunkBuilder::new(),
            definitions: ChunkBuilder::new(),
            open: None,
            claims: Claims::default(),
            was_pressed: false,
            defined: 0,
            threads: HashMap::new(),
            keyframe: Keyframe {
                at: Instant::now(),
                dropped: 0,
            },
            open_polls: HashMap::new(),
            started_ns,
            start_tick,
        }
    }

    /// What it tells those who ask.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Writes until it is told to stop; then what is left, and the end of the trace.
    ///
    /// # Errors
    /// Writing fails. What was written before stays readable.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let result = self.write_until_stopped();
        // Before it is closed: its number may become that of another file.
        fork::unwatch();
        let clock = result?;
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        let len = self.output.finish(clock, dropped)?;
        self.progress.bytes.store(len, Ordering::Relaxed);
        Ok(())
    }

    /// Writes until it is told to stop, and what is left then; returns when that was.
    fn write_until_stopped(&mut self) -> io::Result<ClockPair> {
        let mut written = Instant::now();
        let mut last = self.clock();
        // What was defined before the recording began is nowhere else, should the process be killed.
        self.write_definitions(self.clock(), 0)?;
        loop {
            let stop = self.progress.stop.load(Ordering::Acquire);
            let clock = if stop {
                self.end_of_recording(last)
            } else {
                self.clock()
            };
            last = clock;
            self.begin_generation_if_due(clock)?;
            if self.write_recorded(clock)? {
                written = Instant::now();
            } else if written.elapsed() >= HEARTBEAT {
                self.output
                    .heartbeat(clock, self.progress.dropped.load(Ordering::Relaxed))?;
                written = Instant::now();
            }
            self.dump_if_asked(clock);
            self.progress.rounds.fetch_add(1, Ordering::AcqRel);
            if stop {
                return Ok(clock);
            }
            self.wait();
        }
    }

    /// When the recording was ended, or the last moment that was written, which may have been looked at since.
    fn end_of_recording(&self, last: ClockPair) -> ClockPair {
        let (tick, nanos) = &self.progress.stopped;
        let nanos = nanos.load(Ordering::Relaxed);
        let end = ClockPair {
            tick: tick.load(Ordering::Relaxed),
            ns: nanos.saturating_sub(self.started_ns),
        };
        if end.tick > last.tick { end } else { last }
    }

    /// Waits until it is time to write again.
    fn wait(&mut self) {
        let look = if std::mem::take(&mut self.was_pressed) {
            LOOK_BUSY
        } else {
            LOOK
        };
        let since = Instant::now();
        while since.elapsed() < INTERVAL
            && !self.is_pressed()
            && !self.progress.flush.swap(false, Ordering::AcqRel)
            && !self.progress.stop.load(Ordering::Acquire)
        {
            thread::park_timeout(look);
            segment::note_clock(self.clock());
            segment::make_room();
            dumps::ask_if_signalled(&self.progress);
        }
    }

    fn is_pressed(&mut self) -> bool {
        let is_pressed = segment::is_pressed();
        self.was_pressed |= is_pressed;
        is_pressed
    }

    fn clock(&self) -> ClockPair {
        ClockPair {
            tick: platform::tick(),
            ns: platform::nanos() - self.started_ns,
        }
    }

    /// Begins another generation where this one is long enough, or where events were lost that the next one need not know.
    fn begin_generation_if_due(&mut self, clock: ClockPair) -> io::Result<()> {
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        let heals = dropped != self.keyframe.dropped && self.keyframe.at.elapsed() >= HEAL;
        if !heals && !self.output.is_full() {
            return Ok(());
        }
        self.output.begin_generation()?;
        self.defined = 0;
        self.write_definitions(clock, flag::KEYFRAME)?;
        let (output, chunk) = (&mut self.output, &mut self.chunk);
        let mut write = |chunk: &mut ChunkBuilder, flags| {
            let events = chunk.batch_events();
            chunk.end_batch(0, 0, 0);
            output.chunk(&chunk.finish(), clock, dropped, flags)?;
            Ok::<_, io::Error>(events)
        };
        let is_all = keyframe::write(chunk, self.start_tick, clock.tick, |chunk| {
            if chunk.batch_events() >= BATCH {
                write(chunk, flag::KEYFRAME)?;
            }
            Ok::<_, io::Error>(())
        })?;
        let end = if is_all { flag::KEYFRAME_END } else { 0 };
        write(chunk, flag::KEYFRAME | end)?;
        self.keyframe = Keyframe {
            at: Instant::now(),
            dropped,
        };
        self.open_polls = segment::open_polls();
        Ok(())
    }

    /// Writes what a flight recorder has in memory into a file, where that was asked for.
    fn dump_if_asked(&self, clock: ClockPair) {
        let Some((path, answer)) = self.progress.asked_to_dump() else {
            return;
        };
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        let result = self.output.dump(&path, clock, dropped);
        if let (None, Err(error)) = (&answer, &result) {
            eprintln!("ais-recorder: {error}");
        }
        if let Some(answer) = answer {
            // Whoever asked may not wait for it any more.
            let _ = answer.send(result);
        }
    }

    /// Writes everything that is published; whether there was anything.
    fn write_recorded(&mut self, clock: ClockPair) -> io::Result<bool> {
        let before = self.progress.events.load(Ordering::Relaxed);
        let parts = segment::unread();
        self.claims = Claims::default();
        for index in 0..parts.len() {
            self.move_records(&parts, index, clock)?;
        }
        self.end_batch();
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        self.tell_losses();
        let is_new = self.progress.events.load(Ordering::Relaxed) != before
            || self.progress.dropped.load(Ordering::Relaxed) != dropped;
        if is_new || !self.claims.of_chunk.is_empty() {
            self.finish_chunk(clock, flag::CUT, &parts)?;
        }
        Ok(is_new)
    }

    /// Adds the records of a part to the chunk. The batch stays open: its thread may have more.
    fn move_records(&mut self, parts: &[Part], index: usize, clock: ClockPair) -> io::Result<()> {
        let part = &parts[index];
        // A batch never reaches over a gap.
        let mut stream = (part.thread(), part.dropped());
        if self
            .open
            .is_none_or(|open| open.0 != stream.0 || open.1 < stream.1)
        {
            self.begin_batch(stream);
        }
        let mut left = part.records();
        if let (Some((task, poll)), Some(first)) = (self.open_polls.remove(&stream.0), left.first())
        {
            let (tick, poll) = (first.load(Ordering::Relaxed) >> 8, u64::from(poll));
            self.chunk.event(tick, &InPoll { task, poll });
        }
        loop {
            let room = BATCH.saturating_sub(self.chunk.batch_events());
            left = &left[move_all(&mut self.chunk, left, room)..];
            if self.chunk.batch_events() >= BATCH {
                self.begin_batch(stream);
            } else if let [first, dropped, rest @ ..] = left
                && first.load(Ordering::Relaxed) as u8 == GAP
            {
                stream.1 = dropped.load(Ordering::Relaxed);
                self.begin_batch(stream);
                left = rest;
            } else {
                break;
            }
            self.end_chunk_if_large(stream, (index, left.len()), parts, clock)?;
        }
        // Batches may all be small, where much is lost: they do not say how large the chunk is.
        self.end_chunk_if_large(stream, (index, 0), parts, clock)?;
        self.claims.add(index, 0);
        Ok(())
    }

    /// Writes the chunk where it is large, with what it takes of a part.
    fn end_chunk_if_large(
        &mut self,
        stream: (u64, u64),
        (index, left): (usize, usize),
        parts: &[Part],
        clock: ClockPair,
    ) -> io::Result<()> {
        if self.chunk.is_large() {
            self.begin_batch(stream);
            self.claims.add(index, left);
            self.finish_chunk(clock, 0, parts)?;
        }
        Ok(())
    }

    fn begin_batch(&mut self, stream: (u64, u64)) {
        self.end_batch();
        self.open = Some(stream);
    }

    fn end_batch(&mut self) {
        let events = self.chunk.batch_events() as u64;
        let Some((thread, dropped)) = self.open.take().filter(|_| events > 0) else {
            return;
        };
        let progress = self.threads.entry(thread).or_default();
        progress.dropped_written = progress.dropped_written.max(dropped);
        self.chunk
            .end_batch(thread, progress.events, progress.dropped_written);
        progress.events += events;
        self.progress.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds a batch without events for each thread that lost events since its last one.
    fn tell_losses(&mut self) {
        for thread in segment::threads() {
            let progress = self.threads.entry(thread.id).or_default();
            progress.dropped = thread.dropped.load(Ordering::Relaxed);
        }
        let mut dropped = segment::dropped_at_exit();
        for (&thread, progress) in &mut self.threads {
            dropped += progress.dropped;
            if progress.dropped > progress.dropped_written {
                self.chunk
                    .end_batch(thread, progress.events, progress.dropped);
                progress.dropped_written = progress.dropped;
            }
        }
        self.progress.dropped.store(dropped, Ordering::Relaxed);
    }

    /// Writes what has come together, with these flags. From `parts` comes what the chunk claims.
    fn finish_chunk(&mut self, clock: ClockPair, flags: u32, parts: &[Part]) -> io::Result<()> {
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        // After the events were taken: every definition that they speak of was made before they were published. In chunks of their own,
        // since there may be many at once (a second recording begins with all that the first one made).
        self.write_definitions(clock, 0)?;
        // Before it is written: whoever recovers the rest sees by the chunk whether this came to be true.
        let claims = std::mem::take(&mut self.claims.of_chunk);
        for &(index, left) in &claims {
            parts[index].claim(self.output.next_sequence(), left);
        }
        // A cut is told even where the last events filled a chunk just before it.
        self.output
            .chunk(&self.chunk.finish(), clock, dropped, flags)?;
        for (index, _) in claims.into_iter().filter(|&(_, left)| left == 0) {
            parts[index].is_written();
        }
        self.progress
            .bytes
            .store(self.output.written(), Ordering::Relaxed);
        if segment::quarters_used() < 2 {
            session::set_short(false);
        }
        Ok(())
    }

    /// Writes the definitions that are not in the file yet.
    fn write_definitions(&mut self, clock: ClockPair, flags: u32) -> io::Result<()> {
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        loop {
            self.defined = define::add_to(&mut self.definitions, self.defined);
            if self.definitions.is_empty() {
                return Ok(());
            }
            self.output
                .chunk(&self.definitions.finish(), clock, dropped, flags)?;
            define::are_written(self.defined);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_ends_where_a_chunk_ends_is_taken_once() {
        let mut claims = Claims::default();
        claims.add(0, 70);
        claims.add(0, 0);
        claims.add(1, 0);
        assert_eq!(
            std::mem::take(&mut claims.of_chunk),
            [(0, 70), (0, 0), (1, 0)]
        );
        // The chunk is written, and the segment freed; then the part is found to have no more.
        claims.add(1, 0);
        assert!(claims.of_chunk.is_empty());
        claims.add(2, 0);
        assert_eq!(claims.of_chunk, [(2, 0)]);
    }
}
