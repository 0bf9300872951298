use super::*;
use crate::msgpack::{write_int, write_uint};
use proptest::prelude::*;

/// A step to the next value: mostly small, as in traces, and now and then of any size.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -32i64..128,
        1 => -300i64..300,
        1 => (0..64u32, any::<i64>()).prop_map(|(shift, value)| value >> shift),
    ]
}

/// Columns with long stretches of equal or small steps, and with numbers of every size between them.
fn values() -> impl Strategy<Value = Vec<u64>> {
    let stretch = (step(), 1usize..300, any::<bool>()).prop_flat_map(|(first, len, is_even)| {
        let other = if is_even { 0 } else { 10 };
        proptest::collection::vec(
            prop_oneof![20 => Just(first), other => -5i64..40, other / 10 => any::<i64>()],
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

/// The keys of so many rows: few or many, some of which leave the same remainder.
fn keys(rows: usize) -> impl Strategy<Value = Vec<u64>> {
    let key = prop_oneof![0..3u64, 0..3000u64, any::<u64>()];
    let few = proptest::collection::vec(key, 1..70);
    (
        few,
        proptest::collection::vec(any::<prop::sample::Index>(), rows),
    )
        .prop_map(|(few, picks)| picks.iter().map(|pick| *pick.get(&few)).collect())
}

fn wanted() -> impl Strategy<Value = Encoding> {
    prop_oneof![
        Just(Encoding::Plain),
        Just(Encoding::Delta),
        Just(Encoding::Keyed)
    ]
}

/// Rows as they lie in a block; there is nonsense in the rest of it.
fn block(rows: &[u64]) -> Values {
    let mut values = [0xbad; BLOCK];
    for (row, &value) in rows.iter().enumerate() {
        values[place(row as u8)] = value;
    }
    values
}

/// A column as the writer writes it.
fn written(values: &[u64], keys: &[u64], wanted: Encoding) -> (Encoding, Vec<u8>) {
    let (mut writer, mut bytes) = (Writer::default(), Vec::new());
    for (values, keys) in values.chunks(BLOCK).zip(keys.chunks(BLOCK)) {
        writer.add(&block(values), &block(keys), values.len(), wanted);
    }
    let (encoding, len) = writer.end();
    writer.write(&mut bytes);
    assert_eq!(len, bytes.len());
    (encoding, bytes)
}

/// A column as the definition of its encoding says.
fn obvious(values: &[u64], keys: &[u64], encoding: Encoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    if encoding == Encoding::Constant {
        assert!(values.iter().all(|value| *value == values[0]));
        write_array_len(&mut bytes, 1);
        write_uint(&mut bytes, values[0]);
        return bytes;
    }
    write_array_len(&mut bytes, values.len() as u32);
    for (row, value) in values.iter().enumerate() {
        let before = match encoding {
            Encoding::Delta => row.checked_sub(1),
            Encoding::Keyed => (0..row)
                .rev()
                .find(|&before| keys[before] % 1024 == keys[row] % 1024),
            _ => None,
        };
        let before = before.map_or(0, |row| values[row]);
        if encoding == Encoding::Plain {
            write_uint(&mut bytes, *value);
        } else {
            write_int(&mut bytes, value.wrapping_sub(before).cast_signed());
        }
    }
    bytes
}

proptest! {
    #[test]
    fn columns_are_written_as_the_obvious_way_would_and_come_back(
        (values, keys) in values().prop_flat_map(|values| (Just(values.clone()), keys(values.len()))), wanted in wanted(),
    ) {
        let (encoding, bytes) = written(&values, &keys, wanted);
        prop_assert_eq!(&bytes, &obvious(&values, &keys, encoding));
        let is_constant = values.len() > 1 && values.iter().all(|value| *value == values[0]);
        prop_assert_eq!(encoding == Encoding::Constant, is_constant);
        let mut table = keys;
        let mut slots = Slots::default();
        // Twice: nothing of a column may be left for the next one.
        for _ in 0..2 {
            read(&bytes, encoding, values.len(), &mut table, &mut slots).unwrap();
            prop_assert_eq!(&table[table.len() - values.len()..], &values[..]);
        }
    }

    #[test]
    fn a_column_of_arbitrary_bytes_is_refused_or_has_its_rows(
        bytes in proptest::collection::vec(any::<u8>(), 0..60), rows in 0usize..50, number in 0u64..5, earlier in 0usize..3,
    ) {
        let encoding = Encoding::from_number(number).unwrap();
        let mut values = vec![7; earlier * rows];
        if read(&bytes, encoding, rows, &mut values, &mut Slots::default()).is_ok() {
            prop_assert_eq!(values.len(), (earlier + 1) * rows);
        }
        if let Ok(texts) = read_texts(&bytes, encoding, rows) {
            prop_assert_eq!(texts.len(), rows);
        }
    }
}

#[test]
fn equal_values_take_the_room_of_one() {
    for wanted in [Encoding::Plain, Encoding::Delta, Encoding::Keyed] {
        let keys: Vec<u64> = (0..1000).collect();
        let (encoding, bytes) = written(&[7; 1000], &keys, wanted);
        assert_eq!((encoding, &bytes[..]), (Encoding::Constant, &[0x91, 7][..]));
    }
}

#[test]
fn what_each_task_counts_for_itself_is_written_as_ones() {
    let keys: Vec<u64> = (0..6400).map(|row| 1 + row * 7 % 64).collect();
    let values: Vec<u64> = (0..6400).map(|row| 1 + row / 64).collect();
    let (encoding, bytes) = written(&values, &keys, Encoding::Keyed);
    assert_eq!(encoding, Encoding::Keyed);
    assert!(bytes[3..].iter().all(|&byte| byte == 1));
}

#[test]
fn the_first_column_cannot_have_keys() {
    let error = read(
        &[0x91, 5],
        Encoding::Keyed,
        1,
        &mut Vec::new(),
        &mut Slots::default(),
    );
    assert!(matches!(error, Err(Error::Malformed(_))), "{error:?}");
}
