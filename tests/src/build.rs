//! Writes traces event by event, for tests that need one which says just this.
//!
//! Numbers that a recorder would count (polls, changes of a resource, operations) are counted here as well, so that a test tells only
//! what it is about. Everything happens on one thread, a hundred nanoseconds apart, unless it says otherwise.

use std::collections::HashMap;
use std::io::Cursor;

use ais_format::chunk::ChunkBuilder;
use ais_format::event::{
    Acquire, HandleNew, Kind, OperationBegin, OperationEnd, PollBegin, PollEnd, Release,
    ResourceNew, Row, SectionBegin, TaskNew, operation_flag, outcome, poll_outcome,
};
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};

/// A trace that is being written.
#[derive(Debug, Default)]
pub struct Build {
    chunk: ChunkBuilder,
    tick: u64,
    thread: u64,
    events: HashMap<u64, u64>,
    changes: HashMap<u64, u64>,
    polls: HashMap<u64, u64>,
    /// The number of the last wake of each task.
    wakes: HashMap<u64, u64>,
    operations: u64,
}

impl Build {
    /// An empty one.
    #[must_use]
    pub fn new() -> Build {
        Build {
            chunk: ChunkBuilder::new(),
            thread: 1,
            ..Build::default()
        }
    }

    /// The next event; when it happens, in nanoseconds.
    pub fn event<R: Row>(&mut self, row: &R) -> u64 {
        self.tick += 100;
        self.chunk.event(self.tick, row);
        if R::KIND == Kind::Wake {
            let (mut task, mut number) = (0, 0);
            row.each(|column, value| match column {
                0 => task = value,
                2 => number = value,
                _ => {}
            });
            self.wakes.insert(task, number);
        }
        self.tick
    }

    /// So many nanoseconds in which nothing happens.
    pub fn pass(&mut self, nanos: u64) {
        self.tick += nanos;
    }

    /// A string, with this number.
    pub fn text(&mut self, id: u64, text: &str) {
        self.chunk.text(id, text);
    }

    /// A definition.
    pub fn define<R: Row>(&mut self, row: &R) {
        self.chunk.define(row);
    }

    /// What comes next happens on this thread.
    pub fn on_thread(&mut self, thread: u64) {
        self.lose(0);
        self.thread = thread;
    }

    /// So many events of this thread are lost here.
    pub fn lose(&mut self, dropped: u64) {
        let events = self.chunk.batch_events() as u64;
        let first = self.events.entry(self.thread).or_default();
        self.chunk.end_batch(self.thread, *first, 0);
        *first += events + dropped;
    }

    /// A plain task.
    pub fn task(&mut self, task: u64) {
        self.event(&TaskNew {
            task,
            ..TaskNew::default()
        });
    }

    /// A resource that is seen from its beginning.
    pub fn resource(&mut self, resource: u64, kind: u64, capacity: u64) {
        self.event(&ResourceNew {
            resource,
            kind,
            capacity,
            ..ResourceNew::default()
        });
    }

    /// A poll after which the task waits, with so many clones of its waker alive.
    pub fn poll<T>(&mut self, task: u64, wakers: u64, inside: impl FnOnce(&mut Build) -> T) -> T {
        self.polled(task, wakers, poll_outcome::PENDING, inside)
    }

    /// The last poll of a task.
    pub fn last_poll<T>(&mut self, task: u64, inside: impl FnOnce(&mut Build) -> T) -> T {
        self.polled(task, 0, poll_outcome::READY, inside)
    }

    fn polled<T>(
        &mut self,
        task: u64,
        wakers: u64,
        outcome: u64,
        inside: impl FnOnce(&mut Build) -> T,
    ) -> T {
        let poll = self.polls.entry(task).or_default();
        *poll += 1;
        let poll = *poll;
        self.event(&PollBegin {
            task,
            poll,
            waker: 1,
            wakes: self.wakes.get(&task).copied().unwrap_or_default(),
        });
        let result = inside(self);
        self.event(&PollEnd {
            task,
            poll,
            outcome,
            wakers,
        });
        result
    }

    /// The number of the next change of a resource.
    pub fn change(&mut self, resource: u64) -> u64 {
        let changes = self.changes.entry(resource).or_default();
        *changes += 1;
        *changes
    }

    /// Takes units inside of the task's own future; the number of the hold.
    pub fn acquire(&mut self, resource: u64, units: u64) -> u64 {
        self.acquire_as(resource, units, operation_flag::INLINE)
    }

    /// Takes units, with these flags.
    pub fn acquire_as(&mut self, resource: u64, units: u64, flags: u64) -> u64 {
        let sequence = self.change(resource);
        self.event(&Acquire {
            resource,
            sequence,
            flags,
            units,
            ..Acquire::default()
        });
        sequence
    }

    /// Gives units of a hold back.
    pub fn release(&mut self, resource: u64, hold: u64, units: u64) {
        let sequence = self.change(resource);
        self.event(&Release {
            resource,
            sequence,
            hold,
            units,
        });
    }

    /// An operation, inside of the task's own future, begins to wait in the queue of a resource; its number.
    pub fn wait(&mut self, kind: u64, resource: u64, units: u64) -> u64 {
        self.begin(OperationBegin {
            kind,
            target: resource,
            units,
            sequence: u64::MAX,
            flags: operation_flag::INLINE,
            ..OperationBegin::default()
        })
    }

    /// An operation begins; its number. A place in the queue is given to it where it wants one.
    pub fn begin(&mut self, row: OperationBegin) -> u64 {
        self.operations += 1;
        let sequence = if row.sequence == 0 {
            0
        } else {
            self.change(row.target)
        };
        self.event(&OperationBegin {
            operation: self.operations,
            sequence,
            ..row
        });
        self.operations
    }

    /// An operation in the queue of a resource got what it wanted.
    pub fn ready(&mut self, operation: u64, resource: u64) {
        let sequence = self.change(resource);
        self.event(&OperationEnd {
            operation,
            outcome: outcome::READY,
            resource,
            sequence,
        });
    }

    /// A new end of a channel.
    pub fn handle(&mut self, resource: u64, handle: u64, end: u64) {
        let sequence = self.change(resource);
        self.event(&HandleNew {
            resource,
            sequence,
            handle,
            end,
        });
    }

    /// A section of the thread begins; when.
    pub fn enter(&mut self, kind: u64, resource: u64) -> u64 {
        self.event(&SectionBegin {
            thread: 0,
            kind,
            resource,
            location: 0,
        })
    }

    /// The file: all of it is known, up to a hundred nanoseconds after the last event.
    ///
    /// # Panics
    /// It cannot be written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let end = self.tick + 100;
        self.finish_known_until(end)
    }

    /// The file, of which no more is known of all threads than what came before this moment, in nanoseconds.
    ///
    /// # Panics
    /// It cannot be written.
    #[must_use]
    pub fn finish_known_until(mut self, end: u64) -> Vec<u8> {
        self.lose(0);
        let clock = ClockPair { tick: end, ns: end };
        let content = self.chunk.finish();
        let write = || {
            let mut writer = TraceWriter::new(Cursor::new(Vec::new()), &FileHeader::default())?;
            writer.chunk(&content, clock, 0, flag::CUT)?;
            writer.finish(clock, 0)
        };
        match write() {
            Ok(file) => file.into_inner(),
            Err(error) => panic!("a trace in memory could not be written: {error}"),
        }
    }
}
