//! All events of a trace in the order of time.

use std::io::Cursor;
use std::path::Path;

use ais_analyzer::event::{
    Foreign, InPoll, Kind, PollBegin, PollEnd, Row, TaskDrop, TaskNew, Wake, Yield,
};
use ais_analyzer::history::{ForeignId, TaskId, ThreadId};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Event, Source, Trace};
use ais_format::chunk::{ChunkBuilder, Content};
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};
use ais_tests::build::Build;

fn source(file: Vec<u8>) -> Source {
    Source::from_bytes(Path::new("built.ais"), file).unwrap()
}

fn all(source: &Source) -> Vec<Event> {
    source.events_in_order().collect()
}

/// The trace of these chunks, each with its clock and its flags.
fn file(chunks: &[(&Content, u64, u32)]) -> Vec<u8> {
    let mut writer = TraceWriter::new(Cursor::new(Vec::new()), &FileHeader::default()).unwrap();
    for &(content, clock, flags) in chunks {
        let clock = ClockPair {
            tick: clock,
            ns: clock,
        };
        if flags & flag::KEYFRAME != 0 {
            writer.begin_generation();
        }
        writer.chunk(content, clock, 0, flags).unwrap();
    }
    let last = chunks.last().unwrap().1;
    let end = ClockPair {
        tick: last,
        ns: last,
    };
    writer.finish(end, 0).unwrap().into_inner()
}

fn drops(of: &[(u64, u64)]) -> ChunkBuilder {
    let mut chunk = ChunkBuilder::new();
    for &(tick, task) in of {
        chunk.event(tick, &TaskDrop { task });
    }
    chunk
}

fn tasks(source: &Source) -> Vec<u64> {
    let events = source.events_in_order();
    events.map(|event| event.value("task").unwrap()).collect()
}

#[test]
fn an_event_says_when_where_in_whose_poll_and_what() {
    let mut build = Build::new();
    build.task(1);
    build.poll(1, 1, |build| {
        build.event(&Wake {
            task: 2,
            waker: 5,
            number: 3,
        });
    });
    let events = all(&source(build.finish()));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.at.0, event.thread.0, event.task, event.name()))
        .collect();
    let one = Some(TaskId(1));
    assert_eq!(
        told,
        [
            (100, 1, None, Some("task_new")),
            (200, 1, None, Some("poll_begin")),
            (300, 1, one, Some("wake")),
            (400, 1, one, Some("poll_end")),
        ]
    );
    let wake = events[2];
    assert_eq!(wake.row::<PollEnd>(), None);
    assert_eq!(
        wake.row(),
        Some(Wake {
            task: 2,
            waker: 5,
            number: 3
        })
    );
    assert_eq!(
        wake.fields().collect::<Vec<_>>(),
        [("task", 2), ("waker", 5), ("number", 3)]
    );
    assert_eq!((wake.value("number"), wake.value("poll")), (Some(3), None));
    assert_eq!(wake.to_string(), "wake task=2 waker=5 number=3");
}

#[test]
fn a_poll_inside_of_another_one_is_left_for_the_one_around_it() {
    let mut build = Build::new();
    build.poll(1, 0, |build| {
        build.poll(2, 0, |build| {
            build.event(&Yield::default());
        });
        build.event(&Yield::default());
    });
    build.event(&Foreign { task: 77 });
    build.event(&Yield::default());
    build.event(&Yield::default());
    let events = all(&source(build.finish()));
    let by: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.kind.unwrap(),
                event.task.map(|task| task.0),
                event.foreign,
            )
        })
        .collect();
    let yields = Kind::Yield;
    assert_eq!(
        by,
        [
            (Kind::PollBegin, None, None),
            (Kind::PollBegin, Some(1), None),
            (yields, Some(2), None),
            (Kind::PollEnd, Some(2), None),
            (yields, Some(1), None),
            (Kind::PollEnd, Some(1), None),
            (Kind::Foreign, None, None),
            (yields, None, Some(ForeignId(77))),
            (yields, None, None),
        ]
    );
}

#[test]
fn where_events_are_lost_it_is_not_known_in_whose_poll_the_next_ones_are() {
    let mut build = Build::new();
    let begin = PollBegin {
        task: 1,
        poll: 1,
        ..PollBegin::default()
    };
    build.event(&begin);
    build.lose(3);
    build.event(&Yield::default());
    build.event(&InPoll { task: 4, poll: 9 });
    build.event(&Yield::default());
    let events = all(&source(build.finish()));
    let by: Vec<_> = events.iter().map(|event| event.task).collect();
    assert_eq!(by, [None, None, Some(TaskId(4)), Some(TaskId(4))]);
}

#[test]
fn the_events_of_several_threads_come_by_their_times() {
    let mut chunk = drops(&[(10, 1), (40, 4), (50, 5), (80, 8)]);
    chunk.end_batch(7, 0, 0);
    for (tick, task) in [(20, 2), (30, 3), (50, 6), (60, 7)] {
        chunk.event(tick, &TaskDrop { task });
    }
    chunk.end_batch(9, 0, 0);
    let source = source(file(&[(&chunk.finish(), 100, flag::CUT)]));
    assert_eq!(tasks(&source), [1, 2, 3, 4, 5, 6, 7, 8]);
    let threads: Vec<ThreadId> = source.events_in_order().map(|event| event.thread).collect();
    let of = [7, 9, 9, 7, 7, 9, 9, 7].map(ThreadId);
    assert_eq!(threads, of);
}

#[test]
fn a_thread_keeps_its_order_though_its_clock_runs_backwards() {
    let mut chunk = drops(&[(50, 1), (20, 2), (60, 3)]);
    chunk.end_batch(1, 0, 0);
    chunk.event(55, &TaskDrop { task: 9 });
    chunk.end_batch(2, 0, 0);
    let source = source(file(&[(&chunk.finish(), 100, flag::CUT)]));
    assert_eq!(tasks(&source), [1, 2, 9, 3]);
    let events = source.events_in_order();
    let times: Vec<_> = events.map(|event| (event.at.0, event.tick)).collect();
    assert_eq!(times, [(50, 50), (50, 20), (55, 55), (60, 60)]);
}

#[test]
fn what_a_thread_did_before_is_told_before_though_it_stands_later_in_the_file() {
    let mut early = drops(&[(10, 1), (150, 4)]);
    early.end_batch(1, 0, 0);
    let mut late = drops(&[(20, 2), (130, 3)]);
    late.end_batch(2, 0, 0);
    // The first chunk knows nothing of the other thread; the second one is whole.
    let source = source(file(&[
        (&early.finish(), 160, 0),
        (&late.finish(), 160, flag::CUT),
    ]));
    assert_eq!(tasks(&source), [1, 2, 3, 4]);
}

#[test]
fn what_comes_into_the_record_late_is_told_as_of_then() {
    let mut first = drops(&[(10, 1), (90, 2)]);
    first.end_batch(1, 0, 0);
    // Its thread read the clock, was interrupted, and recorded the event after the chunk before was written.
    let mut late = drops(&[(80, 3), (130, 5)]);
    late.end_batch(2, 0, 0);
    late.event(120, &TaskDrop { task: 4 });
    late.end_batch(1, 2, 0);
    let source = source(file(&[
        (&first.finish(), 100, flag::CUT),
        (&late.finish(), 200, flag::CUT),
    ]));
    assert_eq!(tasks(&source), [1, 2, 3, 4, 5]);
    let third = source.events_in_order().nth(2).unwrap();
    assert_eq!((third.at, third.tick), (Nanos(100), 80));
}

#[test]
fn what_is_told_again_at_the_beginning_of_a_generation_is_left_out() {
    let mut first = drops(&[(10, 1)]);
    first.end_batch(1, 0, 0);
    let mut keyframe = ChunkBuilder::new();
    keyframe.event(
        10,
        &TaskNew {
            task: 8,
            ..TaskNew::default()
        },
    );
    keyframe.end_batch(0, 0, 0);
    let mut last = drops(&[(30, 2)]);
    last.end_batch(1, 1, 0);
    let source = source(file(&[
        (&first.finish(), 20, flag::CUT),
        (&keyframe.finish(), 20, flag::KEYFRAME | flag::KEYFRAME_END),
        (&last.finish(), 40, flag::CUT),
    ]));
    assert_eq!(tasks(&source), [1, 2]);
}

#[test]
fn events_of_a_later_version_are_told_by_number() {
    let mut chunk = drops(&[(5, 1)]);
    chunk.event(9, &Yield::default());
    chunk.end_batch(1, 0, 0);
    let mut content = chunk.finish();
    // The kind of the first event, in the order and at the head of its table.
    for byte in &mut content.bytes {
        if *byte == Kind::TaskDrop as u8 {
            *byte = 120;
        }
    }
    let source = source(file(&[(&content, 20, flag::CUT)]));
    let events = all(&source);
    assert_eq!(
        events.len() as u64,
        Trace::from_source(source).unwrap().history.events
    );
    let [unknown, known] = events[..] else {
        panic!("two events: {events:?}")
    };
    assert_eq!(
        (unknown.kind, unknown.number, unknown.at),
        (None, 120, Nanos(5))
    );
    assert_eq!((unknown.name(), unknown.fields().count()), (None, 0));
    assert_eq!(unknown.to_string(), "kind 120, of a later version");
    assert_eq!(known.kind, Some(Yield::KIND));
}

#[test]
fn a_chunk_that_cannot_be_read_is_passed_over_and_told_of() {
    let content = |tick, task, first| {
        let mut chunk = drops(&[(tick, task)]);
        chunk.end_batch(1, first, 0);
        chunk.finish()
    };
    let whole = [content(10, 1, 0), content(30, 2, 1), content(50, 3, 2)];
    let [one, two, three] = &whole;
    let mut bytes = file(&[
        (one, 20, flag::CUT),
        (two, 40, flag::CUT),
        (three, 60, flag::CUT),
    ]);
    let at = source(bytes.clone()).chunks[1].offset;
    let end = source(bytes.clone()).chunks[2].offset;
    bytes[end - 1] ^= 1;
    let source = source(bytes);
    let mut events = source.events_in_order();
    let known: Vec<u64> = events
        .by_ref()
        .filter_map(|event| event.value("task"))
        .collect();
    assert_eq!(known, [1, 3]);
    let loss = events.loss();
    assert_eq!(loss.chunks, 1);
    assert!(loss.notes[0].starts_with(&format!("chunk 1 at byte {at} cannot be read")));
    let (loss, known) = (loss.clone(), known.len() as u64);
    let history = Trace::from_source(source).unwrap().history;
    assert_eq!((history.loss, history.events), (loss, known));
}
