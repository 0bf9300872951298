//! The recorder's own thread: moves what the program's threads recorded into the file, a few times a second.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ais_format::chunk::ChunkBuilder;
use ais_format::live::move_into;
use ais_format::write::{ClockPair, TraceWriter};

use crate::define;
use crate::platform;

use crate::segment;

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
    /// Write now, not at the next interval.
    pub(crate) flush: AtomicBool,
    /// How often everything was written.
    pub(crate) rounds: AtomicU64,
}

impl ThreadProgress {
    /// That of a thread when the recording begins.
    fn before(thread: &segment::ThreadRecord) -> ThreadProgress {
        ThreadProgress {
            dropped_before: thread.dropped.load(Ordering::Relaxed),
            ..ThreadProgress::default()
        }
    }
}

pub(crate) struct Writer {
    trace: TraceWriter<File>,
    progress: Arc<Progress>,
    chunk: ChunkBuilder,
    definitions: ChunkBuilder,
    /// The thread whose events are being added, and how many it had lost before them.
    open: Option<(u64, u64)>,
    /// How many definitions are in the file.
    defined: usize,
    threads: HashMap<u64, ThreadProgress>,
    dropped_at_exit_before: u64,
    started_ns: u64,
}

/// How far a thread's record has come into the file.
#[derive(Default)]
struct ThreadProgress {
    /// Events that were written.
    events: u64,
    /// Events that were lost before the recording began.
    dropped_before: u64,
    /// Events that were lost since, as last seen.
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
            defined: 0,
            threads: segment::threads()
                .iter()
                .map(|thread| (thread.id, ThreadProgress::before(thread)))
                .collect(),
            dropped_at_exit_before: segment::dropped_at_exit(),
            started_ns,
        }
    }

    /// Writes until it is told to stop; then what is left, and the end of the trace.
    ///
    /// # Errors
    /// Writing fails. What was written before stays readable.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut written = Instant::now();
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
                let dropped = self.progress.dropped.load(Ordering::Relaxed);
                let file = self.trace.finish(clock, dropped)?;
                self.progress
                    .bytes
                    .store(file.metadata()?.len(), Ordering::Relaxed);
                return file.sync_data();
            }
            let since = Instant::now();
            while since.elapsed() < INTERVAL
                && !segment::is_pressed()
                && !self.progress.flush.swap(false, Ordering::AcqRel)
                && !self.progress.stop.load(Ordering::Acquire)
            {
                thread::park_timeout(LOOK);
            }
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
        let mut result = Ok(());
        let before = self.progress.events.load(Ordering::Relaxed);
        segment::drain(|thread, dropped, words| {
            if result.is_ok() {
                result = self.move_records((thread, dropped), words, clock);
            }
        });
        result?;
        self.end_batch();
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        self.tell_losses();
        let is_new = self.progress.events.load(Ordering::Relaxed) != before
            || self.progress.dropped.load(Ordering::Relaxed) != dropped;
        if is_new {
            self.finish_chunk(clock, true)?;
        }
        Ok(is_new)
    }

    /// Adds records to the chunk. The batch stays open: its thread may have more.
    ///
    /// `stream` is the thread, and how many events it had lost before: a batch never reaches over a gap.
    fn move_records(
        &mut self,
        stream: (u64, u64),
        mut words: &[u64],
        clock: ClockPair,
    ) -> io::Result<()> {
        if self.open != Some(stream) {
            self.end_batch();
            self.open = Some(stream);
        }
        while let Some(rest) = move_into(&mut self.chunk, words) {
            words = rest;
            if self.chunk.batch_events() >= BATCH {
                self.end_batch();
                self.open = Some(stream);
                if self.chunk.is_large() {
                    self.finish_chunk(clock, false)?;
                }
            }
        }
        Ok(())
    }

    fn end_batch(&mut self) {
        let events = self.chunk.batch_events() as u64;
        let Some((thread, dropped)) = self.open.take().filter(|_| events > 0) else {
            return;
        };
        let progress = self.threads.entry(thread).or_default();
        progress.dropped_written = dropped.saturating_sub(progress.dropped_before);
        self.chunk
            .end_batch(thread, progress.events, progress.dropped_written);
        progress.events += events;
        self.progress.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds a batch without events for each thread that lost events since its last one.
    fn tell_losses(&mut self) {
        for thread in segment::threads() {
            let progress = self.threads.entry(thread.id).or_default();
            progress.dropped = thread
                .dropped
                .load(Ordering::Relaxed)
                .saturating_sub(progress.dropped_before);
        }
        let mut dropped = segment::dropped_at_exit() - self.dropped_at_exit_before;
        for (&thread, progress) in &mut self.threads {
            dropped += progress.dropped;
            if progress.dropped != progress.dropped_written {
                self.chunk
                    .end_batch(thread, progress.events, progress.dropped);
                progress.dropped_written = progress.dropped;
            }
        }
        self.progress.dropped.store(dropped, Ordering::Relaxed);
    }

    /// Writes what has come together; `is_cut` where with it everything is written that was recorded before `clock`.
    fn finish_chunk(&mut self, clock: ClockPair, is_cut: bool) -> io::Result<()> {
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        // After the events were taken: every definition that they speak of was made before they were published. In chunks of their own,
        // since there may be many at once (a second recording begins with all that the first one made).
        loop {
            self.defined = define::add_to(&mut self.definitions, self.defined);
            if self.definitions.is_empty() {
                break;
            }
            self.trace
                .chunk(&self.definitions.finish(), clock, dropped, false)?;
        }
        // A cut is told even where the last events filled a chunk just before it.
        self.trace
            .chunk(&self.chunk.finish(), clock, dropped, is_cut)?;
        self.progress
            .bytes
            .store(self.trace.len(), Ordering::Relaxed);
        Ok(())
    }
}
