//! A column while it is collected: block by block, straight into the bytes that it will have in the file.

use super::{Encoding, KEYS};
use crate::msgpack::{head_len, write_array_len, write_int, write_uint};

/// A column takes in so many rows at a time (fewer at its end): enough that what is done once for all of them does not count.
/// As many as a byte can tell apart, so that no place in a block needs to be checked.
pub(crate) const BLOCK: usize = 256;

/// So many values are looked at together: where all of them take one byte, as most do, they are written without a branch for each.
/// Not fewer: loops of a few rounds are unrolled by the compiler, and then not done with vectors.
const GROUP: usize = 64;

/// Collects the values of a column of integers, and says how they were written. Keeps its buffers from table to table.
#[derive(Debug, Default, Clone)]
pub(crate) struct Writer {
    /// The elements of the array; none as long as all values are the same, save where they are keyed.
    bytes: Vec<u8>,
    rows: usize,
    encoding: Encoding,
    is_constant: bool,
    first: u64,
    last: u64,
    /// The last value of each key, where the column is keyed.
    slots: Vec<u64>,
}

impl Writer {
    /// Adds the values of the next rows: [`BLOCK`], or fewer and then no more. `keys` are the values of the table's first column in
    /// these rows.
    pub(crate) fn add(&mut self, values: &[u64], keys: &[u64], wanted: Encoding) {
        let Some(&first) = values.first() else { return };
        if self.rows == 0 {
            (self.first, self.is_constant) = (first, true);
            // A few rows are not worth a look at their keys.
            self.encoding = if wanted == Encoding::Keyed && values.len() < BLOCK {
                Encoding::Delta
            } else {
                wanted
            };
            if self.encoding == Encoding::Keyed {
                self.slots.clear();
                self.slots.resize(KEYS, 0);
            }
        }
        let same_before = if self.is_constant { self.rows } else { 0 };
        if self.is_constant {
            let differ = |bits, &value| bits | (value ^ self.first);
            self.is_constant = values.iter().fold(0, differ) == 0;
        }
        self.rows += values.len();
        match self.encoding {
            Encoding::Keyed => self.add_keyed(values, keys),
            _ if self.is_constant => {}
            Encoding::Delta => {
                self.repeat(same_before);
                self.add_deltas(values);
            }
            _ => {
                self.repeat(same_before);
                self.add_plain(values);
            }
        }
    }

    /// Writes the first rows, after all: they have one value, but the next one has another.
    fn repeat(&mut self, rows: usize) {
        match (self.encoding, rows) {
            (_, 0) => {}
            (Encoding::Delta, _) => {
                write_int(&mut self.bytes, self.first.cast_signed());
                self.bytes.resize(self.bytes.len() + rows - 1, 0);
                self.last = self.first;
            }
            _ => (0..rows).for_each(|_| write_uint(&mut self.bytes, self.first)),
        }
    }

    fn add_deltas(&mut self, values: &[u64]) {
        for group in values.chunks(GROUP) {
            let mut deltas = [0; GROUP];
            let deltas = &mut deltas[..group.len()];
            deltas[0] = group[0].wrapping_sub(self.last);
            for (delta, pair) in deltas[1..].iter_mut().zip(group.windows(2)) {
                *delta = pair[1].wrapping_sub(pair[0]);
            }
            self.last = group[group.len() - 1];
            pack::<true>(&mut self.bytes, deltas);
        }
    }

    fn add_keyed(&mut self, values: &[u64], keys: &[u64]) {
        let Some(slots) = self.slots.first_chunk_mut::<KEYS>() else {
            return;
        };
        for (group, keys) in values.chunks(GROUP).zip(keys.chunks(GROUP)) {
            let mut deltas = [0; GROUP];
            for ((delta, &value), &key) in deltas.iter_mut().zip(group).zip(keys) {
                let slot = &mut slots[key as usize % KEYS];
                *delta = value.wrapping_sub(*slot);
                *slot = value;
            }
            pack::<true>(&mut self.bytes, &deltas[..group.len()]);
        }
    }

    fn add_plain(&mut self, values: &[u64]) {
        for group in values.chunks(GROUP) {
            pack::<false>(&mut self.bytes, group);
        }
    }

    /// Ends the column: how it is written, and its length in bytes. [`Writer::write`] must follow.
    pub(crate) fn end(&mut self) -> (Encoding, usize) {
        if self.is_constant {
            if self.rows > 1 {
                self.bytes.clear();
                self.encoding = Encoding::Constant;
                write_uint(&mut self.bytes, self.first);
            } else {
                self.repeat(self.rows);
            }
        }
        (self.encoding, head_len(self.elements()) + self.bytes.len())
    }

    /// How many elements the array has.
    fn elements(&self) -> u32 {
        if self.encoding == Encoding::Constant {
            1
        } else {
            self.rows as u32
        }
    }

    /// Appends the column, and begins the next one.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) {
        write_array_len(out, self.elements());
        out.extend_from_slice(&self.bytes);
        self.bytes.clear();
        (self.rows, self.last) = (0, 0);
    }
}

/// Appends integers in their shortest form.
fn pack<const SIGNED: bool>(out: &mut Vec<u8>, values: &[u64]) {
    // MessagePack writes -32 to 127 in one byte; -32 to 95 can be told from the rest by bits alone, for many at once.
    let offset = if SIGNED { 32 } else { 0 };
    let bits = values
        .iter()
        .fold(0, |bits, &value| bits | value.wrapping_add(offset));
    if bits < 0x80 {
        out.extend(values.iter().map(|&value| value as u8));
    } else {
        pack_each::<SIGNED>(out, values);
    }
}

fn pack_each<const SIGNED: bool>(out: &mut Vec<u8>, values: &[u64]) {
    for &value in values {
        if value < 0x80 {
            out.push(value as u8);
        } else if SIGNED {
            write_int(out, value.cast_signed());
        } else {
            write_uint(out, value);
        }
    }
}
