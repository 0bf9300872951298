//! Events and definitions → the content of a chunk.

use crate::column::{self, Encoding};
use crate::event::{Batch, Kind, Order, Row};
use crate::msgpack::{write_array_len, write_uint};
use crate::{MAX_RAW_LEN, MAX_ROWS};

/// The rows of one table while they are collected: one after the other, as that is the cheapest way to take them in. They are turned
/// into columns when the table is written.
#[derive(Debug, Default, Clone)]
pub(super) struct Rows {
    values: Vec<u64>,
    rows: usize,
}

impl Rows {
    #[inline]
    pub(super) fn push<R: Row>(&mut self, row: &R) {
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
pub(crate) const MAX_WIDTH: usize = 10;

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
    text_bytes: usize,
    pub(super) order: Rows,
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
        self.text_bytes += text.len();
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

    /// Whether it is time to end the chunk, well before [`MAX_RAW_LEN`] and [`MAX_ROWS`] are reached.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.rows + 2 * self.order.rows > MAX_ROWS / 4
            || self.tables.len() + self.text_bytes > MAX_RAW_LEN / 4
    }

    /// The content of the chunk; the builder is empty again.
    ///
    /// Events of a batch that was not closed stay for the next chunk.
    pub fn finish(&mut self) -> Content {
        let mut bytes = Vec::with_capacity(self.tables.len() + 64 * self.texts.len() + 256);
        write_texts(&mut bytes, &mut self.scratch, &self.texts);
        self.texts.clear();
        self.text_bytes = 0;
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
