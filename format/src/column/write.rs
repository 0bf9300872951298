//! A column while it is collected: block by block, straight into the bytes that it will have in the file.

use super::stripes::{self, BLOCK, Values};
use super::{Encoding, KEYS};
use crate::msgpack::{head_len, uint_bytes, write_array_len, write_int, write_uint};

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
    /// See [`Writer::steps`].
    steps: u64,
    /// The last value of each key, where the column is keyed.
    slots: Vec<u64>,
}

impl Writer {
    /// Adds the values of the next rows: a whole block, or the first `rows` of one and then no more. `keys` are the values of the
    /// table's first column in these rows.
    pub(crate) fn add(&mut self, values: &Values, keys: &Values, rows: usize, wanted: Encoding) {
        if self.rows == 0 {
            (self.first, self.last, self.is_constant) = (values[0], 0, true);
            // A few rows are not worth a look at their keys.
            let is_keyed = wanted == Encoding::Keyed;
            if is_keyed && rows == BLOCK {
                self.slots.clear();
                self.slots.resize(KEYS, 0);
            }
            self.encoding = if is_keyed && rows < BLOCK {
                Encoding::Delta
            } else {
                wanted
            };
        }
        self.steps = 0;
        if self.is_constant {
            self.is_constant = stripes::are_all(values, rows, self.first);
            if !self.is_constant && self.encoding != Encoding::Keyed {
                self.repeat();
            }
        }
        let bytes = &mut self.bytes;
        match self.encoding {
            Encoding::Keyed => {
                if let Some(slots) = self.slots.first_chunk_mut() {
                    let differences = stripes::keyed(values, keys, rows, slots);
                    stripes::write_differences(bytes, &differences, rows);
                }
            }
            _ if self.is_constant => {}
            Encoding::Delta => {
                self.steps = stripes::write_steps(bytes, values, rows, self.last);
                self.last = values[BLOCK - 1];
            }
            _ => stripes::write_values(bytes, values, rows),
        }
        self.rows += rows;
    }

    /// Writes the rows so far, after all: they have one value, but the next one has another.
    fn repeat(&mut self) {
        if self.encoding != Encoding::Delta {
            let (bytes, len) = uint_bytes(self.first);
            let element = &bytes[..len];
            self.bytes
                .extend(element.iter().cycle().take(self.rows * len));
        } else if self.rows > 0 {
            write_int(&mut self.bytes, self.first.cast_signed());
            self.bytes.resize(self.bytes.len() + self.rows - 1, 0);
            self.last = self.first;
        }
    }

    /// The bits that are set in any difference between rows of the last block, in a column of differences. Of a block that is not
    /// whole: nothing is known.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Ends the column: how it is written, and its length in bytes. [`Writer::write`] must follow.
    pub(crate) fn end(&mut self) -> (Encoding, usize) {
        if self.is_constant && self.rows > 1 {
            self.bytes.clear();
            self.encoding = Encoding::Constant;
            write_uint(&mut self.bytes, self.first);
        } else if self.is_constant && self.encoding != Encoding::Keyed {
            self.repeat();
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
        out.append(&mut self.bytes);
        self.rows = 0;
    }
}
