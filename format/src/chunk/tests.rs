use super::*;
use crate::Error;
use crate::event::{Batch, Kind, PollBegin, PollEnd, TaskDrop, Thread, Wake, poll_outcome};
use crate::msgpack::{write_array_len, write_uint};
use proptest::prelude::*;

fn sample() -> Content {
    let mut builder = ChunkBuilder::new();
    builder.text(1, "main");
    builder.define(&Thread { id: 1, name: 1 });
    builder.event(
        100,
        &PollBegin {
            task: 7,
            poll: 1,
            wakes: 0,
            waker: 1,
        },
    );
    builder.event(
        150,
        &Wake {
            task: 8,
            waker: 1,
            number: 4,
        },
    );
    builder.event(
        160,
        &PollEnd {
            task: 7,
            poll: 1,
            outcome: poll_outcome::READY,
            wakers: 0,
        },
    );
    builder.end_batch(1, 40, 2);
    builder.event(
        90,
        &PollBegin {
            task: 8,
            poll: 9,
            wakes: 4,
            waker: 1,
        },
    );
    builder.end_batch(2, 0, 0);
    builder.finish()
}

#[test]
fn a_chunk_comes_back_as_it_was_built() {
    let content = sample();
    assert_eq!(
        (content.events, content.first_tick, content.last_tick),
        (4, 90, 160)
    );
    let chunk = Chunk::decode(&content.bytes).unwrap();
    assert_eq!(chunk.texts, [(1, "main".to_owned())]);
    assert_eq!(
        chunk.definitions::<Thread>().collect::<Vec<_>>(),
        [Thread { id: 1, name: 1 }]
    );
    let [first, second] = &chunk.batches[..] else {
        panic!("two batches")
    };
    assert_eq!(
        first.head,
        Batch {
            thread: 1,
            first: 40,
            dropped: 2,
            events: 3
        }
    );
    let events: Vec<_> = first.events().collect();
    assert_eq!(
        events.iter().map(|e| e.tick).collect::<Vec<_>>(),
        [100, 150, 160]
    );
    assert_eq!(
        events[1].row::<Wake>(),
        Wake {
            task: 8,
            waker: 1,
            number: 4
        }
    );
    assert_eq!(events[2].row::<PollEnd>().outcome, poll_outcome::READY);
    assert_eq!(second.events().next().unwrap().row::<PollBegin>().poll, 9);
}

#[test]
fn a_builder_is_empty_after_a_chunk_and_serves_the_next() {
    let mut builder = ChunkBuilder::new();
    for round in 0..3 {
        builder.event(
            round,
            &PollBegin {
                task: round,
                poll: 1,
                wakes: 0,
                waker: 1,
            },
        );
        builder.end_batch(1, round, 0);
        let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
        assert_eq!(chunk.batches.len(), 1);
        assert_eq!(
            chunk.batches[0]
                .events()
                .next()
                .unwrap()
                .row::<PollBegin>()
                .task,
            round
        );
        assert!(builder.is_empty());
    }
}

#[test]
fn tables_and_columns_of_a_later_version_are_skipped() {
    let mut bytes = Vec::new();
    // A kind 200 that nobody knows, and a thread table with a third column in an encoding that nobody knows.
    write_array_len(&mut bytes, 3);
    write_uint(&mut bytes, 200);
    write_uint(&mut bytes, 2);
    write_array_len(&mut bytes, 2);
    write_uint(&mut bytes, 77);
    write_uint(&mut bytes, 3);
    bytes.extend_from_slice(b"xyz");
    write_array_len(&mut bytes, 3);
    write_uint(&mut bytes, Kind::Thread as u64);
    write_uint(&mut bytes, 1);
    write_array_len(&mut bytes, 6);
    for value in [0, 2, 0, 2, 99, 1] {
        write_uint(&mut bytes, value);
    }
    bytes.extend_from_slice(&[0x91, 5, 0x91, 6, 0xff]);
    bytes.extend_from_slice(&sample().bytes);
    let chunk = Chunk::decode(&bytes).unwrap();
    assert_eq!(chunk.unknown_tables, 1);
    assert_eq!(
        chunk.definitions::<Thread>().next().unwrap(),
        Thread { id: 5, name: 6 }
    );
    assert_eq!(chunk.batches.len(), 2);
}

#[test]
fn fields_that_a_later_version_adds_to_a_head_are_skipped() {
    let mut bytes = Vec::new();
    write_array_len(&mut bytes, 5);
    write_uint(&mut bytes, Kind::Thread as u64);
    write_uint(&mut bytes, 1);
    write_array_len(&mut bytes, 4);
    for value in [0, 2, 0, 2] {
        write_uint(&mut bytes, value);
    }
    crate::msgpack::write_str(&mut bytes, "a field");
    write_uint(&mut bytes, 1 << 40);
    bytes.extend_from_slice(&[0x91, 5, 0x91, 6]);
    let chunk = Chunk::decode(&bytes).unwrap();
    assert_eq!(
        chunk.definitions::<Thread>().next(),
        Some(Thread { id: 5, name: 6 })
    );
}

#[test]
fn events_of_an_unknown_kind_keep_their_place_in_the_order() {
    let mut builder = ChunkBuilder::new();
    builder.event(5, &TaskDrop { task: 1 });
    builder.event(
        9,
        &PollBegin {
            task: 3,
            poll: 1,
            wakes: 0,
            waker: 1,
        },
    );
    builder.end_batch(1, 0, 0);
    let mut bytes = builder.finish().bytes;
    // The kind of the first event, in the order and at the head of its table.
    for byte in &mut bytes {
        if *byte == Kind::TaskDrop as u8 {
            *byte = 120;
        }
    }
    let chunk = Chunk::decode(&bytes).unwrap();
    assert_eq!(chunk.unknown_tables, 1);
    let kinds: Vec<_> = chunk.batches[0]
        .events()
        .map(|e| (e.kind, e.number))
        .collect();
    let begins = Kind::PollBegin;
    assert_eq!(kinds, [(None, 120), (Some(begins), begins as u8)]);
}

#[test]
fn a_constant_column_cannot_claim_more_rows_than_a_chunk_may_have() {
    let mut bytes = Vec::new();
    write_array_len(&mut bytes, 3);
    write_uint(&mut bytes, Kind::Thread as u64);
    write_uint(&mut bytes, u64::from(u32::MAX));
    let error = Chunk::decode(&bytes).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// A chunk with more events than a column takes in at a time, most of them of tasks that count their polls.
fn large(events: &[(u64, u64, u64)]) -> Vec<u8> {
    let mut builder = ChunkBuilder::new();
    for &(tick, task, count) in events {
        if task % 5 == 4 {
            builder.event(tick, &TaskDrop { task });
            continue;
        }
        let (poll, wakes, waker) = (count, count.wrapping_sub(1), 1 + task % 2);
        let row = PollBegin {
            task,
            poll,
            wakes,
            waker,
        };
        builder.event(tick, &row);
    }
    builder.end_batch(1, 0, 0);
    let content = builder.finish();
    let ticks = || events.iter().map(|(tick, ..)| *tick);
    assert_eq!(content.first_tick, ticks().min().unwrap_or(0));
    assert_eq!(content.last_tick, ticks().max().unwrap_or(0));
    content.bytes
}

/// Ticks, tasks and counts as they come: most of them small steps from the last ones.
fn events() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    let step = prop_oneof![200 => 0i64..90, 3 => -50i64..5000, 1 => any::<i64>()];
    let task = prop_oneof![50 => 0..64u64, 1 => 0..3000u64, 1 => any::<u64>()];
    let jump = prop_oneof![50 => Just(1u64), 1 => 0..200u64, 1 => any::<u64>()];
    proptest::collection::vec((step, task, jump), 0..1500).prop_map(|steps| {
        let (mut tick, mut counts) = (1u64 << 40, std::collections::HashMap::new());
        let event = |(step, task, jump): (i64, u64, u64)| {
            tick = tick.wrapping_add_signed(step);
            let count: &mut u64 = counts.entry(task).or_default();
            *count = count.wrapping_add(jump);
            (tick, task, *count)
        };
        steps.into_iter().map(event).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn many_events_come_back_as_they_were(events in events()) {
        let chunk = Chunk::decode(&large(&events)).unwrap();
        let mut back = Vec::new();
        for event in chunk.batches.iter().flat_map(EventBatch::events) {
            if event.kind == Some(Kind::TaskDrop) {
                back.push((event.tick, event.row::<TaskDrop>().task, None));
            } else {
                let row: PollBegin = event.row();
                prop_assert_eq!((row.wakes, row.waker), (row.poll.wrapping_sub(1), 1 + row.task % 2));
                back.push((event.tick, row.task, Some(row.poll)));
            }
        }
        let count = |task, count| (task % 5 != 4).then_some(count);
        let put: Vec<_> = events.iter().map(|&(tick, task, poll)| (tick, task, count(task, poll))).collect();
        prop_assert_eq!(back, put);
    }

    #[test]
    fn no_damage_to_a_large_chunk_makes_decoding_panic(
        events in events(), damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = large(&events);
        for (at, value) in damage.into_iter().filter(|_| !bytes.is_empty()).collect::<Vec<_>>() {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(chunk) = Chunk::decode(&bytes) {
            let rows: usize = chunk.batches.iter().map(EventBatch::len).sum();
            prop_assert!(rows <= bytes.len().max(crate::MAX_ROWS));
        }
    }
}

#[test]
fn a_table_whose_first_column_is_keyed_is_refused() {
    let mut bytes = Vec::new();
    write_array_len(&mut bytes, 3);
    write_uint(&mut bytes, Kind::Thread as u64);
    write_uint(&mut bytes, 1);
    write_array_len(&mut bytes, 4);
    for value in [4, 2, 0, 2] {
        write_uint(&mut bytes, value);
    }
    bytes.extend_from_slice(&[0x91, 5, 0x91, 6]);
    assert!(matches!(Chunk::decode(&bytes), Err(Error::Malformed(_))));
}

proptest! {
    #[test]
    fn no_damage_to_a_chunk_makes_decoding_panic(
        at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = sample().bytes;
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Ok(chunk) = Chunk::decode(&bytes) {
            for batch in &chunk.batches {
                for event in batch.events() {
                    let _ = (event.tick, event.kind == Some(Kind::Wake) && event.row::<Wake>().task == 1);
                }
            }
        }
    }
}
