//! Many integers → MessagePack at once.
//!
//! Nearly all numbers of a trace are written in one byte, and the bytes of eight rows in a row are one word that is put together from
//! their values with shifts. Processors can do that for several words at once where the values that go to the same byte of
//! neighbouring words lie side by side. So the values of a block lie in stripes: those of rows 0, 8, 16 …, then of 1, 9, 17 …

use super::KEYS;
use crate::msgpack::{MAX_INT_LEN, int_bytes, uint_bytes};

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

/// Whether the first `rows` of a block all have this value.
pub(super) fn are_all(values: &Values, rows: usize, value: u64) -> bool {
    let differ = |bits, other: &u64| bits | (other ^ value);
    if rows == BLOCK {
        return values.iter().fold(0, differ) == 0;
    }
    let stripes = stripes(values).iter().enumerate();
    let mut of_stripes = stripes.map(|(byte, stripe)| &stripe[..(rows + BYTES - 1 - byte) / BYTES]);
    of_stripes.all(|stripe| stripe.iter().fold(0, differ) == 0)
}

fn stripes(values: &Values) -> &[[u64; WORDS]; BYTES] {
    let (stripes, _) = values.as_chunks();
    stripes
        .first_chunk()
        .unwrap_or_else(|| unreachable!("a block has so many stripes"))
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

/// Appends the first `rows` values of a block.
pub(super) fn write_values(out: &mut Vec<u8>, values: &Values, rows: usize) {
    write::<{ Element::Value as u8 }>(out, values, rows, 0);
}

/// Appends the first `rows` differences of a block.
pub(super) fn write_differences(out: &mut Vec<u8>, values: &Values, rows: usize) {
    write::<{ Element::Difference as u8 }>(out, values, rows, 0);
}

/// Appends the differences of the first `rows` values of a block to the row before; of the first one to `last`. The bits that are set
/// in any of them; all, where the block is not whole.
pub(super) fn write_steps(out: &mut Vec<u8>, values: &Values, rows: usize, last: u64) -> u64 {
    write::<{ Element::Step as u8 }>(out, values, rows, last)
}

#[inline]
fn write<const ELEMENT: u8>(out: &mut Vec<u8>, values: &Values, rows: usize, last: u64) -> u64 {
    let is_step = const { ELEMENT == Element::Step as u8 };
    let is_signed = const { ELEMENT != Element::Value as u8 };
    let stripes = stripes(values);
    if rows < BLOCK {
        let mut before = last;
        for word in 0..rows.div_ceil(BYTES) {
            let rows_here = (rows - word * BYTES).min(BYTES);
            let elements = elements::<ELEMENT>(stripes, word, before);
            let (mut bytes, mut len) = ([0; BYTES * MAX_INT_LEN], 0);
            for &element in &elements[..rows_here] {
                put::<ELEMENT>(&mut bytes, &mut len, element);
            }
            out.extend_from_slice(&bytes[..len]);
            before = stripes[BYTES - 1][word];
        }
        return u64::MAX;
    }
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
    let mut all_bits = 0;
    for i in 0..WORDS {
        let (mut word, mut bits_here, mut before) = (0, 0, before[i]);
        for (byte, stripe) in stripes.iter().enumerate() {
            let value = stripe[i];
            let element = if is_step {
                value.wrapping_sub(before)
            } else {
                value
            };
            before = value;
            all_bits |= element;
            let element = element.wrapping_add(offset);
            word |= element << (8 * byte);
            bits_here |= element;
        }
        (words[i], bits[i]) = (word, bits_here);
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
        return all_bits;
    }
    for from in (0..WORDS).step_by(BYTES) {
        let (mut bytes, mut len) = ([0; BYTES * BYTES * MAX_INT_LEN], 0);
        for i in from..from + BYTES {
            if bits[i] < 0x80 {
                bytes[len..len + BYTES].copy_from_slice(&words[i].to_le_bytes());
                len += BYTES;
            } else {
                for element in elements::<ELEMENT>(stripes, i, before[i]) {
                    put::<ELEMENT>(&mut bytes, &mut len, element);
                }
            }
        }
        out.extend_from_slice(&bytes[..len]);
    }
    all_bits
}

/// The elements of a word's rows; `before` is the value of the row before.
#[inline]
fn elements<const ELEMENT: u8>(
    stripes: &[[u64; WORDS]; BYTES],
    word: usize,
    before: u64,
) -> [u64; BYTES] {
    let mut elements = std::array::from_fn(|byte| stripes[byte][word]);
    if ELEMENT == Element::Step as u8 {
        for byte in (1..BYTES).rev() {
            elements[byte] = elements[byte].wrapping_sub(elements[byte - 1]);
        }
        elements[0] = elements[0].wrapping_sub(before);
    }
    elements
}

/// Puts an integer in its shortest form behind the first `len` bytes.
#[inline]
fn put<const ELEMENT: u8>(bytes: &mut [u8], len: &mut usize, element: u64) {
    if element < 0x80 {
        bytes[*len] = element as u8;
        *len += 1;
    } else {
        let (int, int_len) = if ELEMENT == Element::Value as u8 {
            uint_bytes(element)
        } else {
            int_bytes(element.cast_signed())
        };
        bytes[*len..*len + MAX_INT_LEN].copy_from_slice(&int);
        *len += int_len;
    }
}

/// Differences of the first `rows` values of a block to the last one with the same key; see [`super::Encoding::Keyed`].
pub(super) fn keyed(
    values: &Values,
    keys: &Values,
    rows: usize,
    slots: &mut [u64; KEYS],
) -> Values {
    let mut differences = [0; BLOCK];
    let mut take = |place: usize| {
        let slot = &mut slots[keys[place] as usize % KEYS];
        differences[place] = values[place].wrapping_sub(*slot);
        *slot = values[place];
    };
    for word in 0..rows / BYTES {
        (0..BYTES).for_each(|byte| take(byte * WORDS + word));
    }
    for byte in 0..rows % BYTES {
        take(byte * WORDS + rows / BYTES);
    }
    differences
}
