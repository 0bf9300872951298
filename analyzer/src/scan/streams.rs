//! The events of several threads in the order of time, as far as all threads are told of.

use std::collections::VecDeque;

use ais_format::chunk::{EventBatch, Table};

use crate::thread::{NEVER, earliest};

/// Numbers of kinds that this version knows are below.
const KINDS: usize = 128;

/// Where the next event of a kind is in its table, and the tables.
pub(super) struct Rows<'a> {
    tables: [Option<&'a Table>; KINDS],
    used: [u32; KINDS],
}

/// One event.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) kind: u64,
    pub(super) tick: u64,
    table: Option<&'a Table>,
    index: usize,
}

impl Row<'_> {
    /// One of its values; zero where there is no such column.
    #[inline]
    pub(super) fn value(&self, column: usize) -> u64 {
        self.table
            .map_or(0, |table| table.value(column, self.index))
    }
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a EventBatch) -> Rows<'a> {
        let mut tables = [None; KINDS];
        for (kind, table) in batch.tables() {
            if let Some(place) = tables.get_mut(usize::from(kind)) {
                *place = Some(table);
            }
        }
        Rows {
            tables,
            used: [0; KINDS],
        }
    }

    #[inline]
    pub(super) fn next(&mut self, kind: u64, tick: u64) -> Row<'a> {
        let place = kind as usize & (KINDS - 1);
        let index = self.used[place];
        self.used[place] += 1;
        Row {
            kind,
            tick,
            table: self.tables[place],
            index: index as usize,
        }
    }
}

/// What is left of a thread's batches.
struct Stream<'a> {
    /// The number of the thread.
    thread: u64,
    rows: Rows<'a>,
    kinds: &'a [u64],
    ticks: &'a [u64],
    left: VecDeque<&'a EventBatch>,
}

impl Stream<'_> {
    /// When the next event is; at the end of a batch the next one begins.
    fn head(&mut self) -> Option<u64> {
        loop {
            if let Some(&tick) = self.ticks.first() {
                return Some(tick);
            }
            let batch = self.left.pop_front()?;
            (self.kinds, self.ticks) = (batch.kinds(), batch.ticks());
            self.rows = Rows::of(batch);
        }
    }
}

/// All threads.
pub(super) struct Streams<'a> {
    of: Vec<Stream<'a>>,
}

impl<'a> Streams<'a> {
    /// Those of these batches, each thread's in their order.
    pub(super) fn of(batches: impl Iterator<Item = &'a EventBatch>) -> Streams<'a> {
        let mut of: Vec<Stream<'a>> = Vec::new();
        for batch in batches {
            let thread = batch.head.thread;
            match of.iter_mut().find(|stream| stream.thread == thread) {
                Some(stream) => stream.left.push_back(batch),
                None => of.push(Stream {
                    thread,
                    rows: Rows::of(batch),
                    kinds: batch.kinds(),
                    ticks: batch.ticks(),
                    left: VecDeque::new(),
                }),
            }
        }
        Streams { of }
    }

    /// Goes through all events before the tick `until`: `each` gets some of a thread's, one after the other, until it returns nothing more.
    pub(super) fn visit(mut self, until: u64, mut each: impl FnMut(u64, &mut Stretch<'_, 'a>)) {
        let heads = self.of.iter_mut().map(Stream::head);
        let mut heads: Vec<u64> = heads.map(|head| head.unwrap_or(NEVER)).collect();
        loop {
            let (at, first, next) = earliest(&heads);
            if first >= until {
                return;
            }
            let stream = &mut self.of[at];
            let until = until.min(next.saturating_add(1));
            each(stream.thread, &mut Stretch { stream, until });
            heads[at] = stream.head().unwrap_or(NEVER);
        }
    }
}

/// Some events of a thread: those before the next one of another thread.
pub(super) struct Stretch<'s, 'a> {
    stream: &'s mut Stream<'a>,
    until: u64,
}

impl<'a> Iterator for Stretch<'_, 'a> {
    type Item = Row<'a>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a>> {
        let stream = &mut *self.stream;
        let (&tick, ticks) = stream.ticks.split_first()?;
        if tick >= self.until {
            return None;
        }
        let (&kind, kinds) = stream.kinds.split_first()?;
        (stream.ticks, stream.kinds) = (ticks, kinds);
        Some(stream.rows.next(kind, tick))
    }
}
