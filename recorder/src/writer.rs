//! The recorder's own thread: moves what the program's threads recorded into the file, a few times a second.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ais_format::chunk::ChunkBuilder;
use ais_format::write::{ClockPair, TraceWriter};

use crate::define;
use crate::platform;
use crate::record;
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
}

pub(crate) struct Writer {
    trace: TraceWriter<File>,
    progress: Arc<Progress>,
    chunk: ChunkBuilder,
    /// The thread whose events are being added.
    open: Option<u64>,
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
            open: None,
            defined: 0,
            threads: HashMap::new(),
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
            if stop {
                let dropped = self.progress.dropped.load(Ordering::Relaxed);
                let clock = self.clock();
                let file = self.trace.finish(clock, dropped)?;
                self.progress
                    .bytes
                    .store(file.metadata()?.len(), Ordering::Relaxed);
                return file.sync_data();
            }
            let since = Instant::now();
            while since.elapsed() < INTERVAL
                && !segment::is_pressed()
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
        segment::drain(|thread, words| {
            if result.is_ok() {
                result = self.move_records(thread, words, clock);
            }
        });
        result?;
        self.end_batch();
        let dropped = self.progress.dropped.load(Ordering::Relaxed);
        self.tell_losses();
        self.finish_chunk(clock)?;
        Ok(self.progress.events.load(Ordering::Relaxed) != before
            || self.progress.dropped.load(Ordering::Relaxed) != dropped)
    }

    /// Adds records of a thread to the chunk. Its batch stays open: the thread may have more.
    fn move_records(&mut self, thread: u64, mut words: &[u64], clock: ClockPair) -> io::Result<()> {
        if self.open != Some(thread) {
            self.end_batch();
            self.open = Some(thread);
        }
        while let Some(rest) = record::move_into(&mut self.chunk, words) {
            words = rest;
            if self.chunk.batch_events() >= BATCH {
                self.end_batch();
                self.open = Some(thread);
                if self.chunk.is_large() {
                    self.finish_chunk(clock)?;
                }
            }
        }
        Ok(())
    }

    fn end_batch(&mut self) {
        let events = self.chunk.batch_events() as u64;
        let Some(thread) = self.open.take().filter(|_| events > 0) else {
            return;
        };
        let progress = self.threads.entry(thread).or_default();
        self.chunk
            .end_batch(thread, progress.events, progress.dropped);
        progress.events += events;
        progress.dropped_written = progress.dropped;
        self.progress.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds a batch without events for each thread that lost events since its last one.
    fn tell_losses(&mut self) {
        let mut dropped = segment::dropped_at_exit();
        for thread in segment::threads() {
            self.threads.entry(thread.id).or_default().dropped =
                thread.dropped.load(Ordering::Relaxed);
        }
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

    fn finish_chunk(&mut self, clock: ClockPair) -> io::Result<()> {
        // After the events were taken: every definition that they speak of was made before they were published.
        self.defined = define::add_to(&mut self.chunk, self.defined);
        if self.chunk.is_empty() {
            return Ok(());
        }
        let content = self.chunk.finish();
        self.trace.chunk(
            &content,
            clock,
            self.progress.dropped.load(Ordering::Relaxed),
        )?;
        self.progress
            .bytes
            .store(self.trace.len(), Ordering::Relaxed);
        Ok(())
    }
}
