//! Tables ↔ the content of one chunk.
//!
//! The content is a sequence of tables, definitions first. A table is one MessagePack array, its *head*
//! `[kind, rows, [encoding, bytes, encoding, bytes, …]]`, followed by one array per column. The byte lengths let a reader step over
//! the tables and columns that it does not know or does not need; a reader that does not care can ignore them.
//!
//! Columns instead of rows, because the same field of neighbouring events is alike, so it compresses better and decodes in a tight
//! loop; grouped by kind, so that every row of a table has the same fields (`benches/RESULTS.md` has the figures for both layouts).

use crate::column::{self, Encoding};
use crate::event::{Batch, Kind, Order, Row};
use crate::msgpack::{Reader, write_array_len, write_uint};
use crate::{Error, MAX_RAW_LEN, MAX_ROWS};

/// The most columns that a table may have, in this or a later version.
const MAX_COLUMNS: usize = 64;

/// The rows of one table while they are collected: one after the other, as that is the cheapest way to take them in. They are turned
/// into columns when the table is written.
#[derive(Debug, Default, Clone)]
struct Rows {
    values: Vec<u64>,
    rows: usize,
}

impl Rows {
    #[inline]
    fn push<R: Row>(&mut self, row: &R) {
        let mut values = [0; MAX_WIDTH];
        row.each(|i, value| values[i] = value);
        self.values.extend_from_slice(&values[..R::COLUMNS.len()]);
        self.rows += 1;
    }

    /// The values of one of `width` columns.
    fn column(&self, width: usize, index: usize) -> impl Iterator<Item = u64> {
        self.values.chunks_exact(width).map(move |row| row[index])
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.values.clear();
    }
}

/// The most columns that a kind of this version has.
pub(crate) const MAX_WIDTH: usize = 8;

/// Room for the table being finished.
#[derive(Debug, Default)]
struct Scratch {
    /// The values of one column.
    values: Vec<u64>,
    /// The columns as bytes, before their head can be written.
    bytes: Vec<u8>,
}

/// Collects definitions and batches of events, and gives the content of a chunk. Keeps its buffers from chunk to chunk.
#[derive(Debug, Default)]
pub struct ChunkBuilder {
    /// Finished tables.
    tables: Vec<u8>,
    definitions: Vec<Rows>,
    texts: Vec<(u64, String)>,
    order: Rows,
    events: Vec<Rows>,
    scratch: Scratch,
    rows: usize,
    event_count: u32,
    first_tick: u64,
    last_tick: u64,
}

impl ChunkBuilder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        let tables = Kind::ALL.iter().map(|&k| k as usize + 1).max().unwrap_or(0);
        ChunkBuilder {
            definitions: vec![Rows::default(); tables],
            events: vec![Rows::default(); tables],
            ..ChunkBuilder::default()
        }
    }

    /// Adds a string.
    pub fn text(&mut self, id: u64, text: &str) {
        self.texts.push((id, text.to_owned()));
        self.rows += 1;
    }

    /// Adds a definition (any [`Row`] that is neither an event nor a [`crate::event::Text`]).
    pub fn define<R: Row>(&mut self, row: &R) {
        debug_assert!(!R::KIND.is_event() && R::KIND != Kind::Text);
        self.definitions[R::KIND as usize].push(row);
        self.rows += 1;
    }

    /// Adds the next event of the open batch.
    #[inline]
    pub fn event<R: Row>(&mut self, tick: u64, row: &R) {
        debug_assert!(R::KIND.is_event());
        self.order.push(&Order {
            kind: R::KIND as u64,
            tick,
        });
        self.events[R::KIND as usize].push(row);
    }

    /// How many events the open batch has.
    #[must_use]
    pub fn batch_events(&self) -> usize {
        self.order.rows
    }

    /// Closes the open batch: its events come from `thread`, which had recorded `first` events before and lost `dropped` so far.
    /// A batch without events is left out, unless it tells of losses.
    pub fn end_batch(&mut self, thread: u64, first: u64, dropped: u64) {
        let events = self.order.rows;
        if events == 0 && dropped == 0 {
            return;
        }
        for tick in self.order.column(Order::COLUMNS.len(), 1) {
            self.first_tick = if self.last_tick == 0 {
                tick
            } else {
                self.first_tick.min(tick)
            };
            self.last_tick = self.last_tick.max(tick);
        }
        let mut batch = Rows::default();
        batch.push(&Batch {
            thread,
            first,
            dropped,
            events: events as u64,
        });
        write_table(&mut self.tables, &mut self.scratch, Kind::Batch, &batch);
        if events > 0 {
            write_table(
                &mut self.tables,
                &mut self.scratch,
                Kind::Order,
                &self.order,
            );
            self.order.clear();
            for &kind in Kind::ALL.iter().filter(|k| k.is_event()) {
                let columns = &mut self.events[kind as usize];
                if columns.rows > 0 {
                    write_table(&mut self.tables, &mut self.scratch, kind, columns);
                    columns.clear();
                }
            }
        }
        self.rows += 1 + 2 * events;
        self.event_count += events as u32;
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.order.rows == 0
    }

    /// Roughly how many bytes the content has so far; a chunk should be ended well before [`MAX_RAW_LEN`] and [`MAX_ROWS`].
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.rows + 2 * self.order.rows > MAX_ROWS / 4 || self.tables.len() > MAX_RAW_LEN / 4
    }

    /// The content of the chunk; the builder is empty again.
    ///
    /// Events of a batch that was not closed stay for the next chunk.
    pub fn finish(&mut self) -> Content {
        let mut bytes = Vec::with_capacity(self.tables.len() + 64 * self.texts.len() + 256);
        write_texts(&mut bytes, &mut self.scratch, &self.texts);
        self.texts.clear();
        for &kind in Kind::ALL.iter().filter(|k| !k.is_event()) {
            let columns = &mut self.definitions[kind as usize];
            if columns.rows > 0 {
                write_table(&mut bytes, &mut self.scratch, kind, columns);
                columns.clear();
            }
        }
        bytes.append(&mut self.tables);
        let content = Content {
            bytes,
            events: self.event_count,
            first_tick: self.first_tick,
            last_tick: self.last_tick,
        };
        (self.rows, self.event_count, self.first_tick, self.last_tick) = (0, 0, 0, 0);
        content
    }
}

/// The content of a chunk, not yet compressed.
#[derive(Clone, Debug)]
pub struct Content {
    /// The tables.
    pub bytes: Vec<u8>,
    /// How many events are in them.
    pub events: u32,
    /// The smallest tick of an event; zero where there is none.
    pub first_tick: u64,
    /// The largest tick of an event; zero where there is none.
    pub last_tick: u64,
}

fn write_head(out: &mut Vec<u8>, kind: Kind, rows: usize, columns: &[(Encoding, usize)]) {
    write_array_len(out, 3);
    write_uint(out, kind as u64);
    write_uint(out, rows as u64);
    write_array_len(out, 2 * columns.len() as u32);
    for &(encoding, bytes) in columns {
        write_uint(out, encoding as u64);
        write_uint(out, bytes as u64);
    }
}

fn write_table(out: &mut Vec<u8>, scratch: &mut Scratch, kind: Kind, table: &Rows) {
    let mut heads = [(Encoding::Plain, 0); MAX_WIDTH];
    let columns = kind.columns();
    scratch.bytes.clear();
    for (index, (head, column)) in heads.iter_mut().zip(columns).enumerate() {
        let start = scratch.bytes.len();
        scratch.values.clear();
        scratch.values.extend(table.column(columns.len(), index));
        let encoding = column::write(&mut scratch.bytes, &scratch.values, column.encoding);
        *head = (encoding, scratch.bytes.len() - start);
    }
    write_head(out, kind, table.rows, &heads[..columns.len()]);
    out.extend_from_slice(&scratch.bytes);
}

fn write_texts(out: &mut Vec<u8>, scratch: &mut Scratch, texts: &[(u64, String)]) {
    let scratch = &mut scratch.bytes;
    if texts.is_empty() {
        return;
    }
    let ids: Vec<u64> = texts.iter().map(|(id, _)| *id).collect();
    scratch.clear();
    let encoding = column::write(scratch, &ids, Encoding::Delta);
    let id_bytes = scratch.len();
    column::write_texts(scratch, texts.iter().map(|(_, text)| text.as_str()));
    let heads = [
        (encoding, id_bytes),
        (Encoding::Text, scratch.len() - id_bytes),
    ];
    write_head(out, Kind::Text, texts.len(), &heads);
    out.extend_from_slice(scratch);
}

/// The decoded rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: usize,
    columns: Vec<Vec<u64>>,
}

impl Table {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The row at `index`; columns that the file does not have are zero.
    ///
    /// # Panics
    /// There are not so many rows.
    #[inline]
    #[must_use]
    pub fn row<R: Row>(&self, index: usize) -> R {
        R::from_columns(|i| self.columns.get(i).map_or(0, |column| column[index]))
    }

    /// All rows, first to last.
    pub fn iter<R: Row>(&self) -> impl Iterator<Item = R> {
        (0..self.rows).map(|index| self.row(index))
    }
}

/// The decoded events of one thread, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventBatch {
    /// Whose events, how many came before, how many were lost.
    pub head: Batch,
    kinds: Vec<u64>,
    ticks: Vec<u64>,
    tables: Vec<(u8, Table)>,
}

impl EventBatch {
    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The events, first to last: tick, number of the kind, and a view of the row.
    pub fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let mut used = [0usize; 256];
        let mut tables: [Option<&Table>; 256] = [None; 256];
        for (kind, table) in &self.tables {
            tables[usize::from(*kind)] = Some(table);
        }
        self.kinds
            .iter()
            .zip(&self.ticks)
            .map(move |(&kind, &tick)| {
                let kind = kind as u8;
                let index = used[usize::from(kind)];
                used[usize::from(kind)] += 1;
                Event {
                    tick,
                    kind: Kind::from_number(kind),
                    table: tables[usize::from(kind)],
                    index,
                }
            })
    }

    /// Checks that each kind's table has as many rows as the order says.
    fn check(&self) -> Result<(), Error> {
        let mut counts = [0usize; 256];
        for &kind in &self.kinds {
            *counts
                .get_mut(kind as usize)
                .ok_or(Error::Malformed("a kind in the order is beyond 255"))? += 1;
        }
        if self.head.events != self.kinds.len() as u64 {
            return Err(Error::Malformed(
                "a batch has another number of events than it says",
            ));
        }
        for &kind in Kind::ALL.iter().filter(|k| k.is_event()) {
            let rows = self
                .tables
                .iter()
                .find(|(k, _)| *k == kind as u8)
                .map_or(0, |(_, table)| table.rows);
            if rows != counts[kind as usize] {
                return Err(Error::Malformed(
                    "a table has another number of rows than the order says",
                ));
            }
        }
        Ok(())
    }
}

/// One event of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When, in ticks.
    pub tick: u64,
    /// What; none for a kind that a later version added.
    pub kind: Option<Kind>,
    table: Option<&'a Table>,
    index: usize,
}

impl Event<'_> {
    /// Its fields. Call it with the row type of the event's kind: that of another kind gives nonsense or zeros.
    #[inline]
    #[must_use]
    pub fn row<R: Row>(&self) -> R {
        debug_assert_eq!(self.kind, Some(R::KIND));
        match self.table {
            Some(table) if self.index < table.rows => table.row(self.index),
            _ => R::from_columns(|_| 0),
        }
    }
}

/// The decoded content of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Strings with their numbers.
    pub texts: Vec<(u64, String)>,
    definitions: Vec<(u8, Table)>,
    /// The events.
    pub batches: Vec<EventBatch>,
    /// How many tables of kinds that this version does not know were skipped.
    pub unknown_tables: usize,
}

impl Chunk {
    /// The definitions of one kind.
    pub fn definitions<R: Row>(&self) -> impl Iterator<Item = R> {
        let tables = self
            .definitions
            .iter()
            .filter(|(kind, _)| *kind == R::KIND as u8);
        tables.flat_map(|(_, table)| table.iter())
    }

    /// Decodes the content of a chunk.
    ///
    /// # Errors
    /// The bytes are not the content of a chunk, or beyond the limits [`MAX_RAW_LEN`] and [`MAX_ROWS`].
    pub fn decode(bytes: &[u8]) -> Result<Chunk, Error> {
        if bytes.len() > MAX_RAW_LEN {
            return Err(Error::TooLarge {
                what: "the size of a chunk",
                claimed: bytes.len() as u64,
                limit: MAX_RAW_LEN as u64,
            });
        }
        let mut chunk = Chunk::default();
        let mut reader = Reader::new(bytes);
        let mut rows_left = MAX_ROWS as u64;
        while !reader.rest().is_empty() {
            chunk.read_table(&mut reader, &mut rows_left)?;
        }
        chunk.batches.iter().try_for_each(EventBatch::check)?;
        Ok(chunk)
    }

    fn read_table(&mut self, reader: &mut Reader<'_>, rows_left: &mut u64) -> Result<(), Error> {
        if reader.array_len()? < 3 {
            return Err(Error::Malformed("a table's head is too short"));
        }
        let number = reader.int_up_to("the number of a table's kind", 255)? as u8;
        let rows = reader.int_up_to("the number of rows in a chunk", *rows_left)?;
        *rows_left -= rows;
        let rows = rows as usize;
        let columns = reader.array_len()? / 2;
        if columns > MAX_COLUMNS {
            return Err(Error::TooLarge {
                what: "the number of columns",
                claimed: columns as u64,
                limit: MAX_COLUMNS as u64,
            });
        }
        let mut heads = [(0u64, 0usize); MAX_COLUMNS];
        for head in &mut heads[..columns] {
            *head = (
                reader.int()?,
                reader.int_up_to("the size of a column", MAX_RAW_LEN as u64)? as usize,
            );
        }
        let known = Kind::from_number(number);
        let wanted = known.map_or(0, |kind| kind.columns().len());
        let mut table = Table {
            rows,
            columns: Vec::with_capacity(wanted.min(columns)),
        };
        for (index, &(encoding, len)) in heads[..columns].iter().enumerate() {
            let bytes = reader.take(len)?;
            if index >= wanted {
                continue;
            }
            let encoding = Encoding::from_number(encoding)
                .ok_or(Error::Malformed("an unknown encoding of a column"))?;
            let mut values = Vec::new();
            if known == Some(Kind::Text) && index == 1 {
                let texts = column::read_texts(bytes, encoding, rows)?;
                let ids = table
                    .columns
                    .first()
                    .ok_or(Error::Malformed("strings without numbers"))?;
                self.texts.extend(ids.iter().copied().zip(texts));
            } else {
                column::read(bytes, encoding, rows, &mut values)?;
            }
            table.columns.push(values);
        }
        self.place(known, number, table)
    }

    fn place(&mut self, known: Option<Kind>, number: u8, mut table: Table) -> Result<(), Error> {
        const STRAY: Error = Error::Malformed("events outside of a batch");
        match known {
            Some(Kind::Text) => {}
            None => {
                self.unknown_tables += 1;
            }
            Some(Kind::Batch) => {
                if table.rows != 1 {
                    return Err(Error::Malformed("a batch has not one row"));
                }
                self.batches.push(EventBatch {
                    head: table.row(0),
                    ..EventBatch::default()
                });
            }
            Some(Kind::Order) => {
                let batch = self.batches.last_mut().ok_or(STRAY)?;
                if !batch.kinds.is_empty() || table.columns.len() < 2 {
                    return Err(Error::Malformed(
                        "the order of a batch stands twice, or lacks a column",
                    ));
                }
                batch.ticks = table.columns.swap_remove(1);
                batch.kinds = table.columns.swap_remove(0);
            }
            Some(kind) if kind.is_event() => {
                let batch = self.batches.last_mut().ok_or(STRAY)?;
                if batch.tables.iter().any(|(k, _)| *k == number) {
                    return Err(Error::Malformed("a kind's table stands twice in a batch"));
                }
                batch.tables.push((number, table));
            }
            Some(_) => self.definitions.push((number, table)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PollBegin, PollEnd, Thread, Wake, poll_outcome};
    use proptest::prelude::*;

    fn sample() -> Content {
        let mut builder = ChunkBuilder::new();
        builder.text(1, "main");
        builder.define(&Thread { id: 1, name: 1 });
        builder.event(
            100,
            &PollBegin {
                task: 7,
                poll: 1,
                wakes: 0,
                waker: 1,
            },
        );
        builder.event(
            150,
            &Wake {
                task: 8,
                waker: 1,
                number: 4,
            },
        );
        builder.event(
            160,
            &PollEnd {
                task: 7,
                poll: 1,
                outcome: poll_outcome::READY,
                wakers: 0,
            },
        );
        builder.end_batch(1, 40, 2);
        builder.event(
            90,
            &PollBegin {
                task: 8,
                poll: 9,
                wakes: 4,
                waker: 1,
            },
        );
        builder.end_batch(2, 0, 0);
        builder.finish()
    }

    #[test]
    fn a_chunk_comes_back_as_it_was_built() {
        let content = sample();
        assert_eq!(
            (content.events, content.first_tick, content.last_tick),
            (4, 90, 160)
        );
        let chunk = Chunk::decode(&content.bytes).unwrap();
        assert_eq!(chunk.texts, [(1, "main".to_owned())]);
        assert_eq!(
            chunk.definitions::<Thread>().collect::<Vec<_>>(),
            [Thread { id: 1, name: 1 }]
        );
        let [first, second] = &chunk.batches[..] else {
            panic!("two batches")
        };
        assert_eq!(
            first.head,
            Batch {
                thread: 1,
                first: 40,
                dropped: 2,
                events: 3
            }
        );
        let events: Vec<_> = first.events().collect();
        assert_eq!(
            events.iter().map(|e| e.tick).collect::<Vec<_>>(),
            [100, 150, 160]
        );
        assert_eq!(
            events[1].row::<Wake>(),
            Wake {
                task: 8,
                waker: 1,
                number: 4
            }
        );
        assert_eq!(events[2].row::<PollEnd>().outcome, poll_outcome::READY);
        assert_eq!(second.events().next().unwrap().row::<PollBegin>().poll, 9);
    }

    #[test]
    fn a_builder_is_empty_after_a_chunk_and_serves_the_next() {
        let mut builder = ChunkBuilder::new();
        for round in 0..3 {
            builder.event(
                round,
                &PollBegin {
                    task: round,
                    poll: 1,
                    wakes: 0,
                    waker: 1,
                },
            );
            builder.end_batch(1, round, 0);
            let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
            assert_eq!(chunk.batches.len(), 1);
            assert_eq!(
                chunk.batches[0]
                    .events()
                    .next()
                    .unwrap()
                    .row::<PollBegin>()
                    .task,
                round
            );
            assert!(builder.is_empty());
        }
    }

    #[test]
    fn tables_and_columns_of_a_later_version_are_skipped() {
        let mut bytes = Vec::new();
        // A kind 200 that nobody knows, and a thread table with a third column in an encoding that nobody knows.
        write_array_len(&mut bytes, 3);
        write_uint(&mut bytes, 200);
        write_uint(&mut bytes, 2);
        write_array_len(&mut bytes, 2);
        write_uint(&mut bytes, 77);
        write_uint(&mut bytes, 3);
        bytes.extend_from_slice(b"xyz");
        write_array_len(&mut bytes, 3);
        write_uint(&mut bytes, Kind::Thread as u64);
        write_uint(&mut bytes, 1);
        write_array_len(&mut bytes, 6);
        for value in [0, 2, 0, 2, 99, 1] {
            write_uint(&mut bytes, value);
        }
        bytes.extend_from_slice(&[0x91, 5, 0x91, 6, 0xff]);
        bytes.extend_from_slice(&sample().bytes);
        let chunk = Chunk::decode(&bytes).unwrap();
        assert_eq!(chunk.unknown_tables, 1);
        assert_eq!(
            chunk.definitions::<Thread>().next().unwrap(),
            Thread { id: 5, name: 6 }
        );
        assert_eq!(chunk.batches.len(), 2);
    }

    #[test]
    fn events_of_an_unknown_kind_keep_their_place_in_the_order() {
        let mut builder = ChunkBuilder::new();
        builder.order.push(&Order { kind: 250, tick: 5 });
        builder.event(
            9,
            &PollBegin {
                task: 3,
                poll: 1,
                wakes: 0,
                waker: 1,
            },
        );
        builder.end_batch(1, 0, 0);
        let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
        let kinds: Vec<_> = chunk.batches[0].events().map(|e| e.kind).collect();
        assert_eq!(kinds, [None, Some(Kind::PollBegin)]);
    }

    #[test]
    fn a_constant_column_cannot_claim_more_rows_than_a_chunk_may_have() {
        let mut bytes = Vec::new();
        write_array_len(&mut bytes, 3);
        write_uint(&mut bytes, Kind::Thread as u64);
        write_uint(&mut bytes, u64::from(u32::MAX));
        let error = Chunk::decode(&bytes).unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn no_damage_to_a_chunk_makes_decoding_panic(
            at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = sample().bytes;
            let at = at.index(bytes.len());
            bytes[at] = value;
            bytes.truncate(cut.index(bytes.len() + 1));
            if let Ok(chunk) = Chunk::decode(&bytes) {
                for batch in &chunk.batches {
                    for event in batch.events() {
                        let _ = (event.tick, event.kind == Some(Kind::Wake) && event.row::<Wake>().task == 1);
                    }
                }
            }
        }
    }
}
