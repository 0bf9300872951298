//! Many integers → MessagePack at once.
//!
//! Nearly all numbers of a trace are written in one byte, and the bytes of eight rows in a row are one word that is put together from
//! their values with shifts. Processors can do that for several words at once where the values that go to the same byte of
//! neighbouring words lie side by side. So the values of a block lie in stripes: those of rows 0, 8, 16 …, then of 1, 9, 17 …

use super::KEYS;
use crate::msgpack::{write_int, write_uint};

/// So many rows are written at once: enough that what is done once for all of them does not count. As many as a byte can tell apart, so
/// that no place in a block needs to be checked.
pub(crate) const BLOCK: usize = 256;

const BYTES: usize = 8;
const WORDS: usize = BLOCK / BYTES;

/// The values of a block's rows, each at its [`place`].
pub(crate) type Values = [u64; BLOCK];

/// Where in a block the value of a row lies.
#[inline]
pub(crate) fn place(row: u8) -> usize {
    usize::from(row.rotate_left(5))
}

/// The values of the first rows, in their order.
pub(super) fn first(values: &Values, rows: usize) -> impl Iterator<Item = u64> {
    (0..=u8::MAX).take(rows).map(|row| values[place(row)])
}

/// What an element of a column's array is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    /// A value, not signed.
    Value,
    /// A difference that was taken already.
    Difference,
    /// The difference of a value to the row before, to be taken.
    Step,
}

/// Appends values.
pub(super) fn write_values(out: &mut Vec<u8>, values: &Values) {
    write::<{ Element::Value as u8 }>(out, values, 0);
}

/// Appends differences.
pub(super) fn write_differences(out: &mut Vec<u8>, values: &Values) {
    write::<{ Element::Difference as u8 }>(out, values, 0);
}

/// Appends the differences of values to the row before; of the first one to `last`. The bits that are set in any of them.
pub(super) fn write_steps(out: &mut Vec<u8>, values: &Values, last: u64) -> u64 {
    write::<{ Element::Step as u8 }>(out, values, last)
}

#[inline]
fn write<const ELEMENT: u8>(out: &mut Vec<u8>, values: &Values, last: u64) -> u64 {
    let (is_step, is_signed) = const {
        (
            ELEMENT == Element::Step as u8,
            ELEMENT != Element::Value as u8,
        )
    };
    let (stripes, _) = values.as_chunks::<WORDS>();
    // The row before one in the first stripe lies in the last, one word earlier.
    let mut before = [0; WORDS];
    if is_step {
        before[0] = last;
        before[1..].copy_from_slice(&stripes[BYTES - 1][..WORDS - 1]);
    }
    // MessagePack writes -32 to 127 in one byte. With 32 added, -32 to 95 can be told from the rest by their bits, and do not reach
    // into other bytes of their word.
    let offset = if is_signed { 0x20 } else { 0 };
    let (mut words, mut bits) = ([0; WORDS], [0; WORDS]);
    let mut steps = 0;
    for i in 0..WORDS {
        let (mut word, mut all, mut before) = (0, 0, before[i]);
        for byte in 0..BYTES {
            let value = stripes[byte][i];
            let element = if is_step {
                value.wrapping_sub(before)
            } else {
                value
            };
            before = value;
            steps |= element;
            let element = element.wrapping_add(offset);
            word |= element << (8 * byte);
            all |= element;
        }
        (words[i], bits[i]) = (word, all);
    }
    if is_signed {
        // Takes the 32 off each byte, none of which borrows from the next.
        const TOPS: u64 = 0x8080_8080_8080_8080;
        const OFFSETS: u64 = 0x2020_2020_2020_2020;
        for word in &mut words {
            *word = ((*word | TOPS).wrapping_sub(OFFSETS)) ^ TOPS;
        }
    }
    if bits.iter().fold(0, |all, bits| all | bits) < 0x80 {
        out.extend_from_slice(words.map(u64::to_le_bytes).as_flattened());
        return steps;
    }
    for i in 0..WORDS {
        if bits[i] < 0x80 {
            out.extend_from_slice(&words[i].to_le_bytes());
            continue;
        }
        let mut before = before[i];
        for stripe in stripes {
            let value = stripe[i];
            let element = if is_step {
                value.wrapping_sub(before)
            } else {
                value
            };
            before = value;
            if is_signed {
                write_int(out, element.cast_signed());
            } else {
                write_uint(out, element);
            }
        }
    }
    steps
}

/// Differences of values to the last one with the same key; see [`super::Encoding::Keyed`].
pub(super) fn keyed(values: &Values, keys: &Values, slots: &mut [u64; KEYS]) -> Values {
    let mut differences = [0; BLOCK];
    for i in 0..WORDS {
        for byte in 0..BYTES {
            let place = byte * WORDS + i;
            let slot = &mut slots[keys[place] as usize % KEYS];
            differences[place] = values[place].wrapping_sub(*slot);
            *slot = values[place];
        }
    }
    differences
}
