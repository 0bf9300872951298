//! The content of a chunk → definitions and batches of events, everything checked.

use crate::column::{self, Encoding, Slots};
use crate::event::{Batch, Kind, Row};
use crate::msgpack::Reader;
use crate::{Error, MAX_RAW_LEN, MAX_ROWS};

/// The most columns that a table may have, in this or a later version.
const MAX_COLUMNS: usize = 64;

/// The decoded rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    rows: usize,
    /// Column after column, each with all rows.
    values: Vec<u64>,
    /// Where the values of each column begin, plus one; zero for one that the file does not have, or that nobody wanted.
    starts: [u32; MOST_COLUMNS],
}

/// No kind that this version knows has more columns.
const MOST_COLUMNS: usize = 12;
const _: () = {
    let mut kinds = Kind::ALL;
    while let [kind, rest @ ..] = kinds {
        assert!(kind.columns().len() <= MOST_COLUMNS);
        assert!((*kind as usize) < KINDS);
        kinds = rest;
    }
};

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
        assert!(index < self.rows, "a table has not so many rows");
        R::from_columns(|column| self.value(column, index))
    }

    /// One value; zero where there is no such column, or no such row.
    #[inline]
    #[must_use]
    pub fn value(&self, column: usize, index: usize) -> u64 {
        match self.starts.get(column) {
            Some(&start) if start > 0 => self
                .values
                .get(start as usize - 1 + index)
                .copied()
                .unwrap_or(0),
            _ => 0,
        }
    }

    /// The values of a column; empty where the file does not have it, or where it was not wanted.
    #[must_use]
    pub fn column(&self, index: usize) -> &[u64] {
        match self.starts.get(index) {
            Some(&start) if start > 0 => {
                let start = start as usize - 1;
                self.values
                    .get(start..start + self.rows)
                    .unwrap_or_default()
            }
            _ => &[],
        }
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
    /// Kinds, then ticks.
    order: Table,
    tables: Vec<(u8, Table)>,
}

impl EventBatch {
    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.rows == 0
    }

    /// The events, first to last: tick, number of the kind, and a view of the row.
    pub fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let mut cursor = Cursor::new(self);
        std::iter::from_fn(move || cursor.next(self))
    }

    /// The numbers of the events' kinds, first to last.
    #[must_use]
    pub fn kinds(&self) -> &[u64] {
        self.order.column(0)
    }

    /// The events' ticks, first to last.
    #[must_use]
    pub fn ticks(&self) -> &[u64] {
        self.order.column(1)
    }

    /// The tables of the events, with the numbers of their kinds: the rows of each in the order of its events.
    pub fn tables(&self) -> impl Iterator<Item = (u8, &Table)> {
        self.tables.iter().map(|(kind, table)| (*kind, table))
    }

    /// Checks that each kind's table has as many rows as the order says.
    fn check(&self) -> Result<(), Error> {
        let mut counts = [0usize; 256];
        for &kind in self.order.column(0) {
            *counts
                .get_mut(kind as usize)
                .ok_or(Error::Malformed("a kind in the order is beyond 255"))? += 1;
        }
        if self.head.events != self.order.rows as u64 {
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

/// A place in a batch, for those who read several batches in turns. It keeps nothing of the batch, which has to be named each time.
#[derive(Clone, Debug)]
pub struct Cursor {
    next: usize,
    /// How many rows of each kind have been read.
    used: [u32; KINDS],
    /// Which of the batch's tables is that of a kind; beyond them where it has none.
    tables: [u8; KINDS],
}

/// Numbers of kinds that this version knows are below.
const KINDS: usize = 128;

/// No table.
const NONE: u8 = u8::MAX;

impl Cursor {
    /// The beginning of a batch.
    #[must_use]
    pub fn new(batch: &EventBatch) -> Cursor {
        let mut tables = [NONE; KINDS];
        for (index, (kind, _)) in batch.tables.iter().enumerate() {
            if let (Some(table), Ok(index)) = (tables.get_mut(usize::from(*kind)), index.try_into())
            {
                *table = index;
            }
        }
        Cursor {
            next: 0,
            used: [0; KINDS],
            tables,
        }
    }

    /// The next event's tick and kind; none at the end. The kind is none for one that a later version added.
    #[inline]
    #[must_use]
    pub fn peek(&self, batch: &EventBatch) -> Option<(u64, Option<Kind>)> {
        let (tick, number) = self.order(batch)?;
        Some((tick, Kind::from_number(number)))
    }

    /// The next event's tick; none at the end.
    #[inline]
    #[must_use]
    pub fn tick(&self, batch: &EventBatch) -> Option<u64> {
        batch.order.column(1).get(self.next).copied()
    }

    /// The next event's tick and the number of its kind.
    #[inline]
    fn order(&self, batch: &EventBatch) -> Option<(u64, u8)> {
        let tick = batch.order.column(1).get(self.next)?;
        let number = batch.order.column(0).get(self.next)?;
        Some((*tick, *number as u8))
    }

    /// The next event, without going on to the one after it.
    #[inline]
    #[must_use]
    pub fn event<'a>(&self, batch: &'a EventBatch) -> Option<Event<'a>> {
        let (tick, number) = self.order(batch)?;
        let kind = Kind::from_number(number);
        let known = kind.map_or(KINDS, |kind| kind as usize);
        let table = self.tables.get(known).map_or(NONE, |&table| table);
        Some(Event {
            tick,
            kind,
            number,
            table: batch.tables.get(usize::from(table)).map(|(_, table)| table),
            index: self.used.get(known).map_or(0, |&used| used as usize),
        })
    }

    /// The next event; the cursor goes on to the one after it.
    #[inline]
    pub fn next<'a>(&mut self, batch: &'a EventBatch) -> Option<Event<'a>> {
        let event = self.event(batch)?;
        self.next += 1;
        if let Some(used) = event.kind.and_then(|kind| self.used.get_mut(kind as usize)) {
            *used += 1;
        }
        Some(event)
    }
}

/// One event of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When, in ticks.
    pub tick: u64,
    /// What; none for a kind that a later version added.
    pub kind: Option<Kind>,
    /// The number of its kind.
    pub number: u8,
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

    /// The value in one of its columns, counted from 0; zero where there is no such column. For readers that know a kind by its table
    /// only.
    #[must_use]
    pub fn value(&self, column: usize) -> u64 {
        match self.table {
            Some(table) => table.value(column, self.index),
            None => 0,
        }
    }
}

/// Which columns of which kinds somebody wants.
///
/// The first column of a kind goes along with any other: these may be written as differences between rows that are alike in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// A bit for each column, by kind.
    of: [u16; KINDS],
}

impl Columns {
    /// All that this version knows.
    pub const ALL: Columns = {
        let mut of = [0; KINDS];
        let mut kinds = Kind::ALL;
        while let [kind, rest @ ..] = kinds {
            of[*kind as usize] = (1 << kind.columns().len()) - 1;
            kinds = rest;
        }
        Columns { of }
    };

    /// Those that say whose events they are, how many, and in which order: of all kinds none.
    pub const ORDER: Columns = {
        let mut of = [0; KINDS];
        of[Kind::Batch as usize] = Columns::ALL.of[Kind::Batch as usize];
        of[Kind::Order as usize] = Columns::ALL.of[Kind::Order as usize];
        Columns { of }
    };

    /// These, and the first one of a kind, and those of it that these bits name: bit 1 is the second column.
    #[must_use]
    pub const fn and(mut self, kind: Kind, columns: u16) -> Columns {
        self.of[kind as usize] |= 1 | (columns & Columns::ALL.of[kind as usize]);
        self
    }

    /// Whether a column is wanted.
    #[must_use]
    pub fn has(&self, kind: Kind, column: usize) -> bool {
        column < MOST_COLUMNS && self.of[kind as usize] & (1 << column) != 0
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
        Chunk::decode_columns(bytes, &Columns::ALL)
    }

    /// Decodes some columns of the content of a chunk: the others are stepped over, and read as zero.
    ///
    /// # Errors
    /// As [`Chunk::decode`].
    pub fn decode_columns(bytes: &[u8], wanted: &Columns) -> Result<Chunk, Error> {
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
        let mut slots = Slots::default();
        while !reader.rest().is_empty() {
            chunk.read_table(&mut reader, wanted, &mut rows_left, &mut slots)?;
        }
        if wanted.has(Kind::Order, 0) {
            chunk.batches.iter().try_for_each(EventBatch::check)?;
        }
        Ok(chunk)
    }

    fn read_table(
        &mut self,
        reader: &mut Reader<'_>,
        wanted: &Columns,
        rows_left: &mut u64,
        slots: &mut Slots,
    ) -> Result<(), Error> {
        let fields = reader.array_len()?;
        if fields < 3 {
            return Err(Error::Malformed("a table's head is too short"));
        }
        let number = reader.int_up_to("the number of a table's kind", 255)? as u8;
        let rows = reader.int_up_to("the number of rows in a chunk", *rows_left)?;
        *rows_left -= rows;
        let rows = rows as usize;
        let numbers = reader.array_len()?;
        if !numbers.is_multiple_of(2) {
            return Err(Error::Malformed(
                "a table's head names a column without its length",
            ));
        }
        let columns = numbers / 2;
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
        // Fields that a later version added to heads.
        for _ in 3..fields {
            reader.skip()?;
        }
        let known = Kind::from_number(number);
        let is_wanted = |index| known.is_some_and(|kind| wanted.has(kind, index));
        let mut table = Table {
            rows,
            values: Vec::with_capacity(rows * (0..columns).filter(|&i| is_wanted(i)).count()),
            starts: [0; MOST_COLUMNS],
        };
        for (index, &(encoding, len)) in heads[..columns].iter().enumerate() {
            let bytes = reader.take(len)?;
            if !is_wanted(index) {
                continue;
            }
            let encoding = Encoding::from_number(encoding)
                .ok_or(Error::Malformed("an unknown encoding of a column"))?;
            if known == Some(Kind::Text) && index == 1 {
                let texts = column::read_texts(bytes, encoding, rows)?;
                self.texts
                    .extend(table.column(0).iter().copied().zip(texts));
            } else {
                table.starts[index] = table.values.len() as u32 + 1;
                column::read(bytes, encoding, rows, &mut table.values, slots)?;
            }
        }
        self.place(known, number, table, wanted)
    }

    fn place(
        &mut self,
        known: Option<Kind>,
        number: u8,
        table: Table,
        wanted: &Columns,
    ) -> Result<(), Error> {
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
                let has = |index| !wanted.has(Kind::Order, index) || table.starts[index] > 0;
                if batch.order.rows > 0 || !(has(0) && has(1)) {
                    return Err(Error::Malformed(
                        "the order of a batch stands twice, or lacks a column",
                    ));
                }
                batch.order = table;
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
