//! One column of a table as one MessagePack array of integers or strings.
//!
//! A column says by itself how it is encoded, so that a writer can choose for each chunk what is smallest and a reader in any
//! language needs four short rules: a [`Encoding::Plain`] column holds its values, a [`Encoding::Delta`] column the differences
//! between neighbours (the first one to zero), a [`Encoding::Constant`] column one value that all rows share, a [`Encoding::Keyed`]
//! column the differences between rows of the same task, or of whatever else the table's first column names: its polls are counted
//! one by one, but those of many tasks are mixed.

mod stripes;
#[cfg(test)]
mod tests;
mod write;

use crate::Error;
use crate::msgpack::{Reader, is_short, short_int, write_array_len, write_str};

pub(crate) use stripes::{BLOCK, Values, place};
pub(crate) use write::Writer;

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    /// As they are.
    #[default]
    Plain = 0,
    /// As the (wrapping, signed) difference to the row before; the first row's to zero.
    Delta = 1,
    /// One element: the value of every row.
    Constant = 2,
    /// Strings, as they are.
    Text = 3,
    /// As the (wrapping, signed) difference to the last row before whose value in the table's first column leaves the same remainder
    /// when divided by [`KEYS`]; to zero where there is none.
    Keyed = 4,
}

/// How many keys a [`Encoding::Keyed`] column tells apart.
pub const KEYS: usize = 1024;

impl Encoding {
    /// The encoding with this number in the file; none for one that a later version added.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Encoding::Plain,
            1 => Encoding::Delta,
            2 => Encoding::Constant,
            3 => Encoding::Text,
            4 => Encoding::Keyed,
            _ => return None,
        })
    }
}

/// Appends a column of strings.
pub fn write_texts<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a str>) {
    write_array_len(out, texts.len() as u32);
    for text in texts {
        write_str(out, text);
    }
}

/// The last value of each key, while a [`Encoding::Keyed`] column is read. All zero between columns, so that one of a few rows costs
/// no more than these; empty until the first such column.
#[derive(Debug, Default)]
pub struct Slots(Vec<u64>);

impl Slots {
    /// Differences → values, in place.
    fn sum(&mut self, keys: &[u64], values: &mut [u64]) {
        self.0.resize(KEYS, 0);
        let Some(slots) = self.0.first_chunk_mut::<KEYS>() else {
            return;
        };
        for (value, &key) in values.iter_mut().zip(keys) {
            let slot = &mut slots[key as usize % KEYS];
            *slot = slot.wrapping_add(*value);
            *value = *slot;
        }
        if values.len() < KEYS {
            for &key in keys {
                slots[key as usize % KEYS] = 0;
            }
        } else {
            slots.fill(0);
        }
    }
}

/// Reads a column of `rows` integers from exactly `bytes`, appending to `values`: the columns of its table that stand before it, with
/// as many rows.
///
/// `rows` must have been checked against [`crate::MAX_ROWS`] by the caller: a constant column expands to it.
///
/// # Errors
/// The bytes are not such a column, or another number of rows; or the first one is keyed.
pub fn read(
    bytes: &[u8],
    encoding: Encoding,
    rows: usize,
    values: &mut Vec<u64>,
    slots: &mut Slots,
) -> Result<(), Error> {
    let mut reader = Reader::new(bytes);
    let elements = reader.array_len()?;
    let expected = if encoding == Encoding::Constant {
        1
    } else {
        rows
    };
    if elements != expected || elements > reader.rest().len() {
        return Err(Error::Malformed(
            "a column has another number of rows than its table",
        ));
    }
    values.reserve_exact(rows);
    // A byte for each row: then each is a whole number, and there is nothing to decide for any of them.
    let all_short = reader.rest().len() == rows
        && reader
            .rest()
            .iter()
            .fold(true, |short, &byte| short & is_short(byte));
    let before = values.len();
    match encoding {
        Encoding::Plain | Encoding::Keyed if all_short => {
            values.extend(reader.take(rows)?.iter().map(|&byte| short_int(byte)));
        }
        Encoding::Plain | Encoding::Keyed => {
            for _ in 0..rows {
                values.push(reader.int()?);
            }
        }
        Encoding::Delta if all_short => {
            let mut value = 0u64;
            values.extend(reader.take(rows)?.iter().map(|&byte| {
                value = value.wrapping_add(short_int(byte));
                value
            }));
        }
        Encoding::Delta => {
            let mut value = 0u64;
            for _ in 0..rows {
                value = value.wrapping_add(reader.int()?);
                values.push(value);
            }
        }
        Encoding::Constant => {
            let value = reader.int()?;
            values.resize(values.len() + rows, value);
        }
        Encoding::Text => return Err(Error::Malformed("a column of integers holds strings")),
    }
    if encoding == Encoding::Keyed {
        let (before, column) = values.split_at_mut(before);
        let keys = before.get(..rows);
        slots.sum(
            keys.ok_or(Error::Malformed("the first column of a table is keyed"))?,
            column,
        );
    }
    if reader.rest().is_empty() {
        Ok(())
    } else {
        Err(Error::Malformed("a column is longer than its rows"))
    }
}

/// Reads a column of `rows` strings from exactly `bytes`.
///
/// # Errors
/// The bytes are not such a column, or another number of rows.
pub fn read_texts(bytes: &[u8], encoding: Encoding, rows: usize) -> Result<Vec<String>, Error> {
    let mut reader = Reader::new(bytes);
    if encoding != Encoding::Text {
        return Err(Error::Malformed("a column of strings holds integers"));
    }
    if reader.array_len()? != rows || rows > reader.rest().len() {
        return Err(Error::Malformed(
            "a column has another number of rows than its table",
        ));
    }
    let texts = (0..rows)
        .map(|_| reader.str().map(str::to_owned))
        .collect::<Result<_, _>>()?;
    if reader.rest().is_empty() {
        Ok(texts)
    } else {
        Err(Error::Malformed("a column is longer than its rows"))
    }
}
