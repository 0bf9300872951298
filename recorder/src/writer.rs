//! The recorder's own thread: moves what the program's threads recorded into the file, a few times a second.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ais_format::chunk::ChunkBuilder;
use ais_format::frame::flag;
use ais_format::live::{GAP, move_into};
use ais_format::write::{ClockPair, TraceWriter};

use crate::define;
use crate::fork;
use crate::platform;

use crate::segment::{self, Part};
use crate::session;

/// How often what was recorded is written, where memory does not ask for it earlier.
const INTERVAL: Duration = Duration::from_millis(100);
/// How often it is looked whether memory asks for it.
const LOOK: Duration = Duration::from_millis(10);
/// How often a sign of life is written while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Batches are closed at this many events, so that chunks stay small.
const BATCH: usize = 1 << 16;

/// What the writer tells those who ask.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) events: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) stop: AtomicBool,
    /// The writer has ended, well or not.
    pub(crate) is_done: AtomicBool,
    /// Write now, not at the next interval.
    pub(crate) flush: AtomicBool,
    /// How often everything was written.
    pub(crate) rounds: AtomicU64,
}

pub(crate) struct Writer {
    trace: TraceWriter<File>,
    progress: Arc<Progress>,
    chunk: ChunkBuilder,
    definitions: ChunkBuilder,
    /// The thread whose events are being added, and how many it had lost before them.
    open: Option<(u64, u64)>,
    /// What the chunk takes out of segments: from which part, and how many words of it are left.
    claims: Vec<(usize, usize)>,
    words: Vec<u64>,
    /// How many definitions are in the file.
    defined: usize,
    threads: HashMap<u64, ThreadProgress>,
    started_ns: u64,
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

impl Writer {
    pub(crate) fn new(
        trace: TraceWriter<File>,
        progress: Arc<Progress>,
        started_ns: u64,
    ) -> Writer {
        Writer {
            trace,
            progress,
            chunk: ChunkBuilder::new(),
            definitions: ChunkBuilder::new(),
            open: None,
            claims: Vec::new(),
            words: Vec::new(),
            defined: 0,
            threads: HashMap::new(),
            started_ns,
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
        let file = self.trace.finish(clock, dropped)?;
        let len = file.metadata()?.len();
        self.progress.bytes.store(len, Ordering::Relaxed);
        file.sync_data()
    }

    /// Writes until it is told to stop, and what is left then; returns when that was.
    fn write_until_stopped(&mut self) -> io::Result<ClockPair> {
        let mut written = Instant::now();
        // What was defined before the recording began is nowhere else, should the process be killed.
        self.write_definitions(self.clock())?;
        loop {
            let stop = self.progress.stop.load(Ordering::Acquire);
            let clock = self.clock();
            if self.write_recorded(clock)? {
                written = Instant::now();
            } else if written.elapsed() >= HEARTBEAT {
                self.trace
                    .heartbeat(clock, self.progress.dropped.load(Ordering::Relaxed))?;
                written = Instant::now();
            }
            self.progress.rounds.fetch_add(1, Ordering::AcqRel);
            if stop {
                return Ok(clock);
            }
            self.wait();
        }
    }

    /// Waits until it is time to write again.
    fn wait(&self) {
        let since = Instant::now();
        while since.elapsed() < INTERVAL
            && !segment::is_pressed()
            && !self.progress.flush.swap(false, Ordering::AcqRel)
            && !self.progress.stop.load(Ordering::Acquire)
        {
            thread::park_timeout(LOOK);
            segment::note_clock(self.clock());
            segment::make_room();
        }
    }

    fn clock(&self) -> ClockPair {
        ClockPair {
            tick: platform::tick(),
            ns: platform::nanos() - self.started_ns,
        }
    }

    /// Writes everything that is published; whether there was anything.
    fn write_recorded(&mut self, clock: ClockPair) -> io::Result<bool> {
        let before = self.progress.events.load(Ordering::Relaxed);
        let parts = segment::unread();
        for index in 0..parts.len() {
            self.move_records(&parts, index, clock)?;
        }
        self.end_batch();
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        self.tell_losses();
        let is_new = self.progress.events.load(Ordering::Relaxed) != before
            || self.progress.dropped.load(Ordering::Relaxed) != dropped;
        if is_new || !self.claims.is_empty() {
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
        let mut words = std::mem::take(&mut self.words);
        part.copy(&mut words);
        let mut left = words.as_slice();
        loop {
            if let Some(rest) = move_into(&mut self.chunk, left) {
                left = rest;
            } else if let &[first, dropped, ref rest @ ..] = left
                && first as u8 == GAP
            {
                stream.1 = dropped;
                self.begin_batch(stream);
                left = rest;
            } else {
                break;
            }
            if self.chunk.batch_events() >= BATCH {
                self.begin_batch(stream);
                if self.chunk.is_large() {
                    self.claims.push((index, left.len()));
                    self.finish_chunk(clock, 0, parts)?;
                }
            }
        }
        self.claims.push((index, 0));
        self.words = words;
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
        self.write_definitions(clock)?;
        // Before it is written: whoever recovers the rest sees by the chunk whether this came to be true.
        let claims = std::mem::take(&mut self.claims);
        for &(index, left) in &claims {
            parts[index].claim(self.trace.next_sequence(), left);
        }
        // A cut is told even where the last events filled a chunk just before it.
        self.trace
            .chunk(&self.chunk.finish(), clock, dropped, flags)?;
        for (index, _) in claims.into_iter().filter(|&(_, left)| left == 0) {
            parts[index].is_written();
        }
        self.progress
            .bytes
            .store(self.trace.len(), Ordering::Relaxed);
        if segment::quarters_used() < 2 {
            session::set_short(false);
        }
        Ok(())
    }

    /// Writes the definitions that are not in the file yet.
    fn write_definitions(&mut self, clock: ClockPair) -> io::Result<()> {
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        loop {
            self.defined = define::add_to(&mut self.definitions, self.defined);
            if self.definitions.is_empty() {
                return Ok(());
            }
            self.trace
                .chunk(&self.definitions.finish(), clock, dropped, 0)?;
            define::are_written(self.defined);
        }
    }
}
