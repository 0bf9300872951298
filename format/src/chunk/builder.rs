//! Events and definitions → the content of a chunk.
//!
//! A recorder has millions of events a second to take in, and one thread for it: what counts is how often each number is touched. A
//! row is taken in field by field, each into the [`BLOCK`] of its column; a full block goes into the column's bytes in one loop over
//! neighbouring numbers. Nothing is kept in any other form.

use super::order::{OrderWriter, Span, union};
use crate::column::{self, BLOCK, Encoding, Values, Writer, place};
use crate::event::{Batch, Column, Kind, Row};

use crate::msgpack::{write_array_len, write_uint};
use crate::{MAX_RAW_LEN, MAX_ROWS};

/// The most columns that a kind of this version has.
pub(crate) const MAX_WIDTH: usize = 10;

/// One more than the largest number of a kind.
const KINDS: usize = Kind::ALL[Kind::ALL.len() - 1] as usize + 1;

/// Where the columns of each kind stand among those of all kinds; how many there are stands last.
const FIRST: [usize; KINDS + 1] = {
    let mut first = [0; KINDS + 1];
    let mut columns = 0;
    let mut kind = 0;
    while kind <= KINDS {
        first[kind] = columns;
        if let Some(kind) = Kind::from_number(kind as u8) {
            columns += kind.columns().len();
        }
        kind += 1;
    }
    first
};

/// How many columns all kinds have together.
const COLUMNS: usize = FIRST[KINDS];

/// The values of some rows in one column, and a little room: columns at round distances would get into each other's way in a
/// processor's cache.
type Block = [u64; BLOCK + 8];

/// The values in a block.
fn values(block: &Block) -> &Values {
    block
        .first_chunk()
        .unwrap_or_else(|| unreachable!("a block holds them"))
}

/// Tables while they are collected: one of each kind.
#[derive(Debug)]
pub(crate) struct Tables {
    /// How many rows of each kind are in its columns' blocks.
    pending: [u8; KINDS],
    /// How many rows of each kind are in its columns' bytes.
    rows: [usize; KINDS],
    /// The rows that are not yet in bytes, column by column. Memory that is zero already, and of which only what is used is ever
    /// touched: most programs have few kinds of events.
    blocks: Box<[Block; COLUMNS]>,
    writers: Vec<Writer>,
}

impl Tables {
    fn new() -> Tables {
        let blocks = vec![[0; BLOCK + 8]; COLUMNS].into_boxed_slice();
        Tables {
            pending: [0; KINDS],
            rows: [0; KINDS],
            blocks: blocks
                .try_into()
                .unwrap_or_else(|_| unreachable!("it was made of that length")),
            writers: vec![Writer::default(); COLUMNS],
        }
    }

    #[inline]
    pub(crate) fn push<R: Row>(&mut self, row: &R) {
        let (number, first) = const { (R::KIND as usize, FIRST[R::KIND as usize]) };
        let row_number = self.pending[number];
        let at = place(row_number);
        let blocks = &mut self.blocks[first..first + R::COLUMNS.len()];
        row.each(|column, value| blocks[column][at] = value);
        self.pending[number] = row_number.wrapping_add(1);
        if self.pending[number] == 0 {
            self.flush(R::KIND, R::COLUMNS, BLOCK);
        }
    }

    /// Moves the rows that are in blocks into bytes.
    #[inline(never)]
    fn flush(&mut self, kind: Kind, columns: &[Column], rows: usize) {
        let number = kind as usize;
        let place = FIRST[number]..FIRST[number] + columns.len();
        let (blocks, writers) = (&self.blocks[place.clone()], &mut self.writers[place]);
        for ((block, writer), column) in blocks.iter().zip(writers).zip(columns) {
            writer.add(values(block), values(&blocks[0]), rows, column.encoding);
        }
        self.rows[number] += rows;
        self.pending[number] = 0;
    }

    /// Appends the table of a kind, if it has rows, and begins the next one.
    fn write(&mut self, out: &mut Vec<u8>, kind: Kind) {
        let number = kind as usize;
        let columns = kind.columns();
        if self.pending[number] > 0 {
            self.flush(kind, columns, usize::from(self.pending[number]));
        }
        let rows = std::mem::take(&mut self.rows[number]);
        if rows > 0 {
            let writers = &mut self.writers[FIRST[number]..FIRST[number] + columns.len()];
            write_table(out, kind, rows, writers);
        }
    }
}

/// Collects definitions and batches of events, and gives the content of a chunk. Keeps its buffers from chunk to chunk.
#[derive(Debug)]
pub struct ChunkBuilder {
    /// Finished tables of events.
    bytes: Vec<u8>,
    texts: Vec<(u64, String)>,
    text_bytes: usize,
    /// The order of the events of the open batch.
    pub(crate) order: OrderWriter,
    /// These events, and definitions.
    pub(crate) tables: Tables,
    rows: usize,
    event_count: u32,
    /// Of the events in `bytes`.
    span: Span,
}

impl Default for ChunkBuilder {
    fn default() -> ChunkBuilder {
        ChunkBuilder::new()
    }
}

impl ChunkBuilder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        ChunkBuilder {
            bytes: Vec::new(),
            texts: Vec::new(),
            text_bytes: 0,
            order: OrderWriter::new(),
            tables: Tables::new(),
            rows: 0,
            event_count: 0,
            span: None,
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
        self.tables.push(row);
        self.rows += 1;
    }

    /// Adds the next event of the open batch.
    #[inline]
    pub fn event<R: Row>(&mut self, tick: u64, row: &R) {
        debug_assert!(R::KIND.is_event());
        self.order.push(R::KIND, tick);
        self.tables.push(row);
    }

    /// How many events the open batch has.
    #[inline]
    #[must_use]
    pub fn batch_events(&self) -> usize {
        self.order.len()
    }

    /// Closes the open batch: its events come from `thread`, which had recorded `first` events before and lost `dropped` so far.
    /// A batch without events is left out, unless it tells of losses.
    pub fn end_batch(&mut self, thread: u64, first: u64, dropped: u64) {
        let events = self.batch_events();
        if events == 0 && dropped == 0 {
            return;
        }
        self.tables.push(&Batch {
            thread,
            first,
            dropped,
            events: events as u64,
        });
        self.tables.write(&mut self.bytes, Kind::Batch);
        self.span = union(self.span, self.order.write(&mut self.bytes));
        for &kind in Kind::ALL.iter().filter(|kind| kind.is_event()) {
            self.tables.write(&mut self.bytes, kind);
        }
        self.rows += 1 + 2 * events;
        self.event_count += events as u32;
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.batch_events() == 0
    }

    /// Whether it is time to end the chunk, well before [`MAX_RAW_LEN`] and [`MAX_ROWS`] are reached.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.rows + 2 * self.batch_events() > MAX_ROWS / 4
            || self.bytes.len() + self.text_bytes > MAX_RAW_LEN / 4
    }

    /// The content of the chunk; the builder is empty again.
    ///
    /// Events of a batch that was not closed stay for the next chunk.
    pub fn finish(&mut self) -> Content {
        let mut bytes = Vec::new();
        write_texts(&mut bytes, &self.texts);
        self.texts.clear();
        self.text_bytes = 0;
        let definitions = Kind::ALL.iter().filter(|kind| {
            !kind.is_event() && !matches!(kind, Kind::Text | Kind::Batch | Kind::Order)
        });
        for &kind in definitions {
            self.tables.write(&mut bytes, kind);
        }
        if bytes.is_empty() {
            let next = Vec::with_capacity(self.bytes.len());
            bytes = std::mem::replace(&mut self.bytes, next);
        } else {
            bytes.append(&mut self.bytes);
        }
        let (first_tick, last_tick) = self.span.take().unwrap_or_default();
        let content = Content {
            bytes,
            events: self.event_count,
            first_tick,
            last_tick,
        };
        (self.rows, self.event_count) = (0, 0);
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

pub(super) fn write_head(
    out: &mut Vec<u8>,
    kind: Kind,
    rows: usize,
    columns: &[(Encoding, usize)],
) {
    write_array_len(out, 3);
    write_uint(out, kind as u64);
    write_uint(out, rows as u64);
    write_array_len(out, 2 * columns.len() as u32);
    for &(encoding, bytes) in columns {
        write_uint(out, encoding as u64);
        write_uint(out, bytes as u64);
    }
}

fn write_table(out: &mut Vec<u8>, kind: Kind, rows: usize, columns: &mut [Writer]) {
    let mut heads = [(Encoding::Plain, 0); MAX_WIDTH];
    for (head, column) in heads.iter_mut().zip(&mut *columns) {
        *head = column.end();
    }
    write_head(out, kind, rows, &heads[..columns.len()]);
    for column in columns {
        column.write(out);
    }
}

fn write_texts(out: &mut Vec<u8>, texts: &[(u64, String)]) {
    if texts.is_empty() {
        return;
    }
    let (mut ids, mut strings) = (Writer::default(), Vec::new());
    for numbers in texts.chunks(BLOCK) {
        let mut values = [0; BLOCK];
        for (row, (id, _)) in numbers.iter().enumerate() {
            values[place(row as u8)] = *id;
        }
        ids.add(&values, &values, numbers.len(), Encoding::Delta);
    }
    column::write_texts(&mut strings, texts.iter().map(|(_, text)| text.as_str()));
    let heads = [ids.end(), (Encoding::Text, strings.len())];
    write_head(out, Kind::Text, texts.len(), &heads);
    ids.write(out);
    out.extend_from_slice(&strings);
}
