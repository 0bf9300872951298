//! One column of a table as one MessagePack array of integers or strings.
//!
//! A column says by itself how it is encoded, so that a writer can choose for each chunk what is smallest and a reader in any
//! language needs three short rules: a [`Encoding::Plain`] column holds its values, a [`Encoding::Delta`] column the differences
//! between neighbours (the first one to zero), a [`Encoding::Constant`] column one value that all rows share.

use crate::Error;
use crate::msgpack::{
    Reader, is_short, short_int, write_array_len, write_int, write_str, write_uint,
};

/// How the values of a column are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Encoding {
    /// As they are.
    Plain = 0,
    /// As the (wrapping, signed) difference to the row before; the first row's to zero.
    Delta = 1,
    /// One element: the value of every row.
    Constant = 2,
    /// Strings, as they are.
    Text = 3,
}

impl Encoding {
    /// The encoding with this number in the file; none for one that a later version added.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            0 => Encoding::Plain,
            1 => Encoding::Delta,
            2 => Encoding::Constant,
            3 => Encoding::Text,
            _ => return None,
        })
    }
}

/// Appends a column of integers, as constants where they are, else as `wanted`; returns how it was written.
pub fn write(out: &mut Vec<u8>, values: &[u64], wanted: Encoding) -> Encoding {
    match values {
        [first, rest @ ..] if !rest.is_empty() && is_constant(*first, rest) => {
            write_array_len(out, 1);
            write_uint(out, *first);
            Encoding::Constant
        }
        _ if wanted == Encoding::Delta => {
            write_array_len(out, values.len() as u32);
            write_deltas(out, values);
            Encoding::Delta
        }
        _ => {
            write_array_len(out, values.len() as u32);
            for block in values.chunks(BLOCK) {
                if block.iter().fold(0, |all, &value| all | value) < 0x80 {
                    out.extend(block.iter().map(|&value| value as u8));
                } else {
                    for &value in block {
                        write_uint(out, value);
                    }
                }
            }
            Encoding::Plain
        }
    }
}

fn is_constant(first: u64, rest: &[u64]) -> bool {
    rest.chunks(BLOCK)
        .all(|block| block.iter().fold(0, |bits, &value| bits | (value ^ first)) == 0)
}

/// So many values are looked at together: where all of them take one byte, as most do, they are written without a branch for each.
const BLOCK: usize = 16;

fn write_deltas(out: &mut Vec<u8>, values: &[u64]) {
    let mut before = 0u64;
    let mut deltas = [0i64; BLOCK];
    for block in values.chunks(BLOCK) {
        let deltas = &mut deltas[..block.len()];
        deltas[0] = block[0].wrapping_sub(before).cast_signed();
        for (delta, pair) in deltas[1..].iter_mut().zip(block.windows(2)) {
            *delta = pair[1].wrapping_sub(pair[0]).cast_signed();
        }
        before = block[block.len() - 1];
        // MessagePack writes -32 to 127 in one byte; -32 to 95 can be told from the rest by bits alone, for many at once.
        let bits = deltas
            .iter()
            .fold(0, |bits, &delta| bits | delta.wrapping_add(32));
        let is_wide = bits & !0x7f != 0;
        if is_wide {
            for &delta in deltas.iter() {
                write_int(out, delta);
            }
        } else {
            out.extend(deltas.iter().map(|&delta| delta as u8));
        }
    }
}

/// Appends a column of strings.
pub fn write_texts<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a str>) {
    write_array_len(out, texts.len() as u32);
    for text in texts {
        write_str(out, text);
    }
}

/// Reads a column of `rows` integers from exactly `bytes`, appending to `values`.
///
/// `rows` must have been checked against [`crate::MAX_ROWS`] by the caller: a constant column expands to it.
///
/// # Errors
/// The bytes are not such a column, or another number of rows.
pub fn read(
    bytes: &[u8],
    encoding: Encoding,
    rows: usize,
    values: &mut Vec<u64>,
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
    match encoding {
        Encoding::Plain if all_short => {
            values.extend(reader.take(rows)?.iter().map(|&byte| short_int(byte)));
        }
        Encoding::Plain => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Columns with long stretches of small steps, as traces have, and with numbers of every size between them.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        let step = prop_oneof![
            8 => -32i64..128,
            1 => -300i64..300,
            1 => (0..64u32, any::<i64>()).prop_map(|(shift, value)| value >> shift),
        ];
        let stretch = (step, 1usize..150).prop_flat_map(|(first, len)| {
            proptest::collection::vec(
                prop_oneof![20 => Just(first), 20 => -5i64..40, 1 => any::<i64>()],
                len,
            )
        });
        proptest::collection::vec(stretch, 0..5).prop_map(|stretches| {
            let steps = stretches.into_iter().flatten();
            let mut value = 0i64;
            steps
                .map(|step| {
                    value = value.wrapping_add(step);
                    value.cast_unsigned()
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn columns_are_written_as_the_obvious_way_would_and_come_back(values in values(), delta in any::<bool>()) {
            let (mut bytes, mut obvious) = (Vec::new(), Vec::new());
            let encoding = write(&mut bytes, &values, if delta { Encoding::Delta } else { Encoding::Plain });
            if encoding != Encoding::Constant {
                write_array_len(&mut obvious, values.len() as u32);
                let mut before = 0;
                for &value in &values {
                    match encoding {
                        Encoding::Delta => write_int(&mut obvious, value.wrapping_sub(before).cast_signed()),
                        _ => write_uint(&mut obvious, value),
                    }
                    before = value;
                }
                prop_assert_eq!(&bytes, &obvious);
            }
            let mut back = Vec::new();
            read(&bytes, encoding, values.len(), &mut back).unwrap();
            prop_assert_eq!(back, values);
        }

        #[test]
        fn a_column_of_arbitrary_bytes_is_refused_or_has_its_rows(
            bytes in proptest::collection::vec(any::<u8>(), 0..60), rows in 0usize..50, number in 0u64..4,
        ) {
            let encoding = Encoding::from_number(number).unwrap();
            let mut values = Vec::new();
            if read(&bytes, encoding, rows, &mut values).is_ok() {
                prop_assert_eq!(values.len(), rows);
            }
            if let Ok(texts) = read_texts(&bytes, encoding, rows) {
                prop_assert_eq!(texts.len(), rows);
            }
        }
    }

    #[test]
    fn equal_values_take_the_room_of_one() {
        let mut bytes = Vec::new();
        assert_eq!(
            write(&mut bytes, &[7; 1000], Encoding::Delta),
            Encoding::Constant
        );
        assert_eq!(bytes, [0x91, 7]);
    }
}
