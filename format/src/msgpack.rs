//! The few MessagePack types that traces use: integers, strings, arrays and maps, written in their shortest form.
//!
//! Columns of integers are all that an analyzer reads a hundred million times, so the integers are decoded here, by hand, with one
//! branch for the one-byte forms. Everything else exists for headers and definitions. The format is that of
//! <https://github.com/msgpack/msgpack/blob/master/spec.md>; the tests compare with the `rmp` crate.

use crate::Error;

/// The longest integer has so many bytes.
pub const MAX_INT_LEN: usize = 9;

/// An unsigned integer in its shortest form: its bytes, and how many of them count.
#[inline]
#[must_use]
pub fn uint_bytes(value: u64) -> ([u8; MAX_INT_LEN], usize) {
    match value {
        0..0x80 => tagged(value as u8, 0, 0),
        0x80..0x100 => tagged(0xcc, value, 1),
        0x100..0x1_0000 => tagged(0xcd, value, 2),
        0x1_0000..0x1_0000_0000 => tagged(0xce, value, 4),
        _ => tagged(0xcf, value, 8),
    }
}

/// A signed integer in its shortest form: its bytes, and how many of them count.
#[inline]
#[must_use]
pub fn int_bytes(value: i64) -> ([u8; MAX_INT_LEN], usize) {
    match value {
        0.. => uint_bytes(value as u64),
        -0x20..0 => tagged(value as u8, 0, 0),
        -0x80..-0x20 => tagged(0xd0, value as u64, 1),
        -0x8000..-0x80 => tagged(0xd1, value as u64, 2),
        -0x8000_0000..-0x8000 => tagged(0xd2, value as u64, 4),
        _ => tagged(0xd3, value as u64, 8),
    }
}

/// A byte, and then the lowest `len` bytes of `value`, the highest of these first.
#[inline]
fn tagged(tag: u8, value: u64, len: usize) -> ([u8; MAX_INT_LEN], usize) {
    let mut bytes = [tag; MAX_INT_LEN];
    let value = value.checked_shl(64 - 8 * len as u32).unwrap_or(0);
    bytes[1..].copy_from_slice(&value.to_be_bytes());
    (bytes, 1 + len)
}

/// Appends an unsigned integer in its shortest form.
pub fn write_uint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else {
        let (bytes, len) = uint_bytes(value);
        out.extend_from_slice(&bytes[..len]);
    }
}

/// Appends a signed integer in its shortest form.
pub fn write_int(out: &mut Vec<u8>, value: i64) {
    let (bytes, len) = int_bytes(value);
    out.extend_from_slice(&bytes[..len]);
}

/// Whether a byte is a whole integer by itself.
#[inline]
#[must_use]
pub fn is_short(byte: u8) -> bool {
    !(0x80..0xe0).contains(&byte)
}

/// The integer that a byte is for which [`is_short`] holds; negative ones as their two's complement.
#[inline]
#[must_use]
pub fn short_int(byte: u8) -> u64 {
    i64::from(byte.cast_signed()).cast_unsigned()
}

/// Appends a string.
///
/// Strings longer than `u32::MAX` bytes do not exist in traces; a longer one is cut on a character boundary.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    let text = &text[..text.floor_char_boundary(u32::MAX as usize)];
    match text.len() {
        len @ 0..32 => out.push(0xa0 | len as u8),
        len @ 32..0x100 => out.extend_from_slice(&[0xd9, len as u8]),
        len @ 0x100..0x1_0000 => {
            out.push(0xda);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(0xdb);
            out.extend_from_slice(&(len as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// Appends the head of an array of `len` elements.
pub fn write_array_len(out: &mut Vec<u8>, len: u32) {
    write_container_len(out, len, 0x90, 0xdc);
}

/// How many bytes [`write_array_len`] and [`write_map_len`] append.
#[must_use]
pub fn head_len(len: u32) -> usize {
    match len {
        0..16 => 1,
        16..0x1_0000 => 3,
        _ => 5,
    }
}

/// Appends the head of a map of `len` pairs.
pub fn write_map_len(out: &mut Vec<u8>, len: u32) {
    write_container_len(out, len, 0x80, 0xde);
}

fn write_container_len(out: &mut Vec<u8>, len: u32, fix: u8, wide: u8) {
    match len {
        0..16 => out.push(fix | len as u8),
        16..0x1_0000 => {
            out.push(wide);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.push(wide + 1);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
}

/// Reads MessagePack from a slice, front to back.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

const CUT: Error = Error::Cut("a MessagePack value");

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Takes the next `len` bytes as they are.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.bytes.split_at_checked(len).ok_or(CUT)?;
        self.bytes = rest;
        Ok(head)
    }

    #[inline]
    fn be<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or(CUT)?;
        self.bytes = rest;
        Ok(*head)
    }

    /// Reads an integer; negative ones come as their two's complement.
    ///
    /// # Errors
    /// The bytes end, or another type stands here.
    #[inline]
    pub fn int(&mut self) -> Result<u64, Error> {
        let [first] = self.be::<1>()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        if first >= 0xe0 {
            return Ok(i64::from(first as i8) as u64);
        }
        Ok(match first {
            0xcc => u64::from(self.be::<1>()?[0]),
            0xcd => u64::from(u16::from_be_bytes(self.be()?)),
            0xce => u64::from(u32::from_be_bytes(self.be()?)),
            0xcf => u64::from_be_bytes(self.be()?),
            0xd0 => i64::from(i8::from_be_bytes(self.be()?)) as u64,
            0xd1 => i64::from(i16::from_be_bytes(self.be()?)) as u64,
            0xd2 => i64::from(i32::from_be_bytes(self.be()?)) as u64,
            0xd3 => i64::from_be_bytes(self.be()?) as u64,
            _ => return Err(Error::Malformed("an integer was expected")),
        })
    }

    /// Reads an integer that must not exceed `limit`.
    ///
    /// # Errors
    /// As [`Reader::int`], and where it is larger.
    pub fn int_up_to(&mut self, what: &'static str, limit: u64) -> Result<u64, Error> {
        let claimed = self.int()?;
        if claimed > limit {
            return Err(Error::TooLarge {
                what,
                claimed,
                limit,
            });
        }
        Ok(claimed)
    }

    /// Reads a string.
    ///
    /// # Errors
    /// The bytes end, another type stands here, or it is not UTF-8.
    pub fn str(&mut self) -> Result<&'a str, Error> {
        let [first] = self.be::<1>()?;
        let len = match first {
            0xa0..0xc0 => usize::from(first & 0x1f),
            0xd9 => usize::from(self.be::<1>()?[0]),
            0xda => usize::from(u16::from_be_bytes(self.be()?)),
            0xdb => u32::from_be_bytes(self.be()?) as usize,
            _ => return Err(Error::Malformed("a string was expected")),
        };
        std::str::from_utf8(self.take(len)?).map_err(|_| Error::Malformed("a string is not UTF-8"))
    }

    /// Reads the head of an array: how many elements follow.
    ///
    /// # Errors
    /// The bytes end, or another type stands here.
    pub fn array_len(&mut self) -> Result<usize, Error> {
        self.container_len(0x90, 0xdc, "an array was expected")
    }

    /// Reads the head of a map: how many pairs follow.
    ///
    /// # Errors
    /// The bytes end, or another type stands here.
    pub fn map_len(&mut self) -> Result<usize, Error> {
        self.container_len(0x80, 0xde, "a map was expected")
    }

    fn container_len(&mut self, fix: u8, wide: u8, expected: &'static str) -> Result<usize, Error> {
        let [first] = self.be::<1>()?;
        if first & 0xf0 == fix {
            Ok(usize::from(first & 0x0f))
        } else if first == wide {
            Ok(usize::from(u16::from_be_bytes(self.be()?)))
        } else if first == wide + 1 {
            Ok(u32::from_be_bytes(self.be()?) as usize)
        } else {
            Err(Error::Malformed(expected))
        }
    }

    /// Skips one value of any type, whatever is nested in it (without recursion: depth costs nothing).
    ///
    /// # Errors
    /// The bytes end inside the value, or hold a byte that MessagePack never uses.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1u64;
        while left > 0 {
            left -= 1;
            let [first] = self.be::<1>()?;
            let (bytes, values) = match first {
                0x00..0x80 | 0xe0.. | 0xc0 | 0xc2 | 0xc3 => (0, 0),
                0x80..0x90 => (0, 2 * u64::from(first & 0x0f)),
                0x90..0xa0 => (0, u64::from(first & 0x0f)),
                0xa0..0xc0 => (usize::from(first & 0x1f), 0),
                0xc1 => return Err(Error::Malformed("a byte that MessagePack does not use")),
                0xc4 | 0xd9 => (usize::from(self.be::<1>()?[0]), 0),
                0xc5 | 0xda => (usize::from(u16::from_be_bytes(self.be()?)), 0),
                0xc6 | 0xdb => (u32::from_be_bytes(self.be()?) as usize, 0),
                0xc7 => (usize::from(self.be::<1>()?[0]) + 1, 0),
                0xc8 => (usize::from(u16::from_be_bytes(self.be()?)) + 1, 0),
                0xc9 => (u32::from_be_bytes(self.be()?) as usize + 1, 0),
                0xcc | 0xd0 => (1, 0),
                0xcd | 0xd1 | 0xd4 => (2, 0),
                0xd5 => (3, 0),
                0xca | 0xce | 0xd2 => (4, 0),
                0xd6 => (5, 0),
                0xcb | 0xcf | 0xd3 => (8, 0),
                0xd7 => (9, 0),
                0xd8 => (17, 0),
                0xdc => (0, u64::from(u16::from_be_bytes(self.be()?))),
                0xdd => (0, u64::from(u32::from_be_bytes(self.be()?))),
                0xde => (0, 2 * u64::from(u16::from_be_bytes(self.be()?))),
                0xdf => (0, 2 * u64::from(u32::from_be_bytes(self.be()?))),
            };
            self.take(bytes)?;
            left += values;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Integers with every length of encoding, and those beside each border.
    fn any_int() -> impl Strategy<Value = i64> {
        (0..64u32, any::<i64>()).prop_map(|(shift, x)| x >> shift)
    }

    proptest! {
        #[test]
        fn integers_are_written_as_rmp_writes_them_and_read_back(value in any_int()) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            write_int(&mut ours, value);
            rmp::encode::write_sint(&mut theirs, value).unwrap();
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(Reader::new(&ours).int().unwrap() as i64, value);

            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            write_uint(&mut ours, value as u64);
            rmp::encode::write_uint(&mut theirs, value as u64).unwrap();
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(Reader::new(&ours).int().unwrap(), value as u64);
        }

        #[test]
        fn strings_and_heads_are_written_as_rmp_writes_them(text in ".{0,300}", len in 0u32..200_000) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            write_str(&mut ours, &text);
            write_array_len(&mut ours, len);
            write_map_len(&mut ours, len);
            rmp::encode::write_str(&mut theirs, &text).unwrap();
            rmp::encode::write_array_len(&mut theirs, len).unwrap();
            rmp::encode::write_map_len(&mut theirs, len).unwrap();
            prop_assert_eq!(&ours, &theirs);
            let mut reader = Reader::new(&ours);
            prop_assert_eq!(reader.str().unwrap(), text);
            prop_assert_eq!(reader.array_len().unwrap(), len as usize);
            prop_assert_eq!(reader.map_len().unwrap(), len as usize);
            prop_assert!(reader.rest().is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic_and_skipping_ends(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            while reader.skip().is_ok() && !reader.rest().is_empty() {}
            let _ = Reader::new(&bytes).int();
            let _ = Reader::new(&bytes).str();
        }
    }

    #[test]
    fn skipping_steps_over_nested_values_of_every_type() {
        let mut bytes = Vec::new();
        rmp::encode::write_array_len(&mut bytes, 6).unwrap();
        rmp::encode::write_f64(&mut bytes, 1.5).unwrap();
        rmp::encode::write_nil(&mut bytes).unwrap();
        rmp::encode::write_bin(&mut bytes, &[1, 2, 3]).unwrap();
        rmp::encode::write_map_len(&mut bytes, 1).unwrap();
        rmp::encode::write_str(&mut bytes, "key").unwrap();
        rmp::encode::write_array_len(&mut bytes, 0).unwrap();
        rmp::encode::write_ext_meta(&mut bytes, 5, 7).unwrap();
        bytes.extend_from_slice(&[0; 5]);
        rmp::encode::write_uint(&mut bytes, 1 << 40).unwrap();
        write_uint(&mut bytes, 42);
        let mut reader = Reader::new(&bytes);
        reader.skip().unwrap();
        assert_eq!(reader.int().unwrap(), 42);
    }
}
