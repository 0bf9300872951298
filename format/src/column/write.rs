//! A column while it is collected: block by block, straight into the bytes that it will have in the file.

use super::{Encoding, KEYS};
use crate::msgpack::{head_len, write_array_len, write_int, write_uint};

/// A column takes in so many rows at a time (fewer at its end): enough that what is done once for all of them does not count.
/// As many as a byte can tell apart, so that no place in a block needs to be checked.
pub(crate) const BLOCK: usize = 256;

/// So many values are looked at together: where all of them take one byte, as most do, they are written without a branch for each.
const GROUP: usize = 16;

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
        let mut last = self.last;
        let (groups, rest) = values.as_chunks::<GROUP>();
        for group in groups {
            let mut deltas = *group;
            for (delta, before) in deltas[1..].iter_mut().zip(group) {
                *delta = delta.wrapping_sub(*before);
            }
            deltas[0] = deltas[0].wrapping_sub(last);
            last = group[GROUP - 1];
            pack::<true>(&mut self.bytes, &deltas);
        }
        for &value in rest {
            write_int(&mut self.bytes, value.wrapping_sub(last).cast_signed());
            last = value;
        }
        self.last = last;
    }

    fn add_keyed(&mut self, values: &[u64], keys: &[u64]) {
        let Some(slots) = self.slots.first_chunk_mut::<KEYS>() else {
            return;
        };
        let mut delta = |value: u64, key: u64| {
            let slot = &mut slots[key as usize % KEYS];
            value.wrapping_sub(std::mem::replace(slot, value))
        };
        let (groups, rest) = values.as_chunks::<GROUP>();
        let (key_groups, rest_keys) = keys.as_chunks::<GROUP>();
        for (group, keys) in groups.iter().zip(key_groups) {
            let mut deltas = *group;
            for (value, key) in deltas.iter_mut().zip(keys) {
                *value = delta(*value, *key);
            }
            pack::<true>(&mut self.bytes, &deltas);
        }
        for (&value, &key) in rest.iter().zip(rest_keys) {
            write_int(&mut self.bytes, delta(value, key).cast_signed());
        }
    }

    fn add_plain(&mut self, values: &[u64]) {
        let (groups, rest) = values.as_chunks::<GROUP>();
        for group in groups {
            pack::<false>(&mut self.bytes, group);
        }
        rest.iter()
            .for_each(|&value| write_uint(&mut self.bytes, value));
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
#[inline]
fn pack<const SIGNED: bool>(out: &mut Vec<u8>, group: &[u64; GROUP]) {
    // MessagePack writes -32 to 127 in one byte; -32 to 95 can be told from the rest by bits alone, for many at once.
    let offset = if SIGNED { 32 } else { 0 };
    let bits = group
        .iter()
        .fold(0, |bits, &value| bits | value.wrapping_add(offset));
    if bits < 0x80 {
        out.extend_from_slice(&group.map(|value| value as u8));
    } else {
        pack_each::<SIGNED>(out, group);
    }
}

#[inline(never)]
fn pack_each<const SIGNED: bool>(out: &mut Vec<u8>, group: &[u64; GROUP]) {
    for &value in group {
        if SIGNED {
            write_int(out, value.cast_signed());
        } else {
            write_uint(out, value);
        }
    }
}
