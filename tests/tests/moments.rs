//! A trace that ends while the threads' events are being written knows more of one thread than of another. Judged is the last moment
//! that is known of all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Cursor;
use std::path::PathBuf;

use ais_analyzer::findings::{Confidence, Finding, wait_findings};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Source, Trace};
use ais_format::chunk::{ChunkBuilder, Content};
use ais_format::event::{
    Acquire, OperationBegin, PollBegin, PollEnd, Release, ResourceNew, TaskNew, operation_flag,
    operation_kind, resource_kind,
};
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};

const FIRST: u64 = 1;
const SECOND: u64 = 2;

/// A poll of `task` in which `inside` happens, and after which `wakers` clones of its waker are alive.
fn poll(
    chunk: &mut ChunkBuilder,
    task: u64,
    number: u64,
    at: u64,
    wakers: u64,
    inside: impl FnOnce(&mut ChunkBuilder),
) {
    chunk.event(
        at,
        &PollBegin {
            task,
            poll: number,
            wakes: 0,
            waker: 1,
        },
    );
    inside(chunk);
    chunk.event(
        at + 9,
        &PollEnd {
            task,
            poll: number,
            outcome: 0,
            wakers,
        },
    );
}

fn take(chunk: &mut ChunkBuilder, resource: u64, at: u64) {
    chunk.event(
        at,
        &Acquire {
            resource,
            sequence: 1,
            flags: operation_flag::INLINE,
            ..Acquire::default()
        },
    );
}

fn wait(chunk: &mut ChunkBuilder, operation: u64, resource: u64, at: u64) {
    let (kind, flags) = (operation_kind::LOCK, operation_flag::INLINE);
    chunk.event(
        at,
        &OperationBegin {
            operation,
            kind,
            target: resource,
            flags,
            ..OperationBegin::default()
        },
    );
}

/// Task 1 has taken lock 1 on the first thread, task 2 has taken lock 2 on the second.
fn both_hold() -> Content {
    let mut chunk = ChunkBuilder::new();
    for id in [1, 2] {
        chunk.event(
            10,
            &TaskNew {
                task: id,
                ..TaskNew::default()
            },
        );
        let (kind, capacity) = (resource_kind::MUTEX, 1);
        chunk.event(
            11,
            &ResourceNew {
                resource: id,
                kind,
                capacity,
                ..ResourceNew::default()
            },
        );
    }
    poll(&mut chunk, 1, 1, 100, 1, |chunk| take(chunk, 1, 105));
    chunk.end_batch(FIRST, 0, 0);
    poll(&mut chunk, 2, 1, 100, 1, |chunk| take(chunk, 2, 105));
    chunk.end_batch(SECOND, 0, 0);
    chunk.finish()
}

/// On the first thread both tasks are seen to wait for the other's lock, by polls with these numbers.
fn both_wait(second_poll_of_task_2: u64) -> Content {
    let mut chunk = ChunkBuilder::new();
    poll(&mut chunk, 1, 2, 1200, 1, |chunk| wait(chunk, 1, 2, 1205));
    poll(&mut chunk, 2, second_poll_of_task_2, 1300, 1, |chunk| {
        wait(chunk, 2, 1, 1305);
    });
    chunk.end_batch(FIRST, 6, 0);
    chunk.finish()
}

/// On the second thread task 2 had given its lock back before it waited.
fn one_had_released() -> Content {
    let mut chunk = ChunkBuilder::new();
    poll(&mut chunk, 2, 2, 1100, 1, |chunk| {
        chunk.event(
            1105,
            &Release {
                resource: 2,
                sequence: 2,
                hold: 1,
                units: 1,
            },
        );
    });
    chunk.end_batch(SECOND, 3, 0);
    chunk.finish()
}

/// The trace of these chunks (each with its clock, and whether it is a cut), broken off after the last.
fn trace(chunks: &[(Content, u64, bool)]) -> (Trace, Vec<Finding>) {
    let mut out = Cursor::new(Vec::new());
    let mut writer = TraceWriter::new(&mut out, &FileHeader::default()).unwrap();
    for (content, clock, is_cut) in chunks {
        writer
            .chunk(
                content,
                ClockPair {
                    tick: *clock,
                    ns: *clock,
                },
                0,
                if *is_cut { flag::CUT } else { 0 },
            )
            .unwrap();
    }
    drop(writer);
    let source = Source::from_bytes(&PathBuf::from("broken-off.ais"), out.into_inner()).unwrap();
    let trace = Trace::from_source(source).unwrap();
    let found = wait_findings(&trace.history).1;
    (trace, found)
}

#[test]
fn a_release_that_is_not_written_yet_makes_no_deadlock() {
    let (broken_off, found) = trace(&[(both_hold(), 1000, true), (both_wait(3), 2000, false)]);
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(
        broken_off.history.end,
        Nanos(1000),
        "the last moment that is known of both threads"
    );
    // The same with what was missing.
    let whole = [
        (both_hold(), 1000, true),
        (both_wait(3), 2000, false),
        (one_had_released(), 2000, true),
    ];
    assert!(trace(&whole).1.is_empty());
}

#[test]
fn a_deadlock_at_a_moment_that_is_known_of_all_threads_is_proven() {
    let (_, found) = trace(&[(both_hold(), 1000, true), (both_wait(2), 2000, true)]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].confidence, Confidence::Proven);
}

#[test]
fn a_task_of_which_a_poll_is_missing_is_not_judged() {
    let (_, found) = trace(&[(both_hold(), 1000, true), (both_wait(3), 2000, true)]);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_trace_that_knows_no_such_moment_is_no_proof() {
    let (_, found) = trace(&[(both_hold(), 1000, false), (both_wait(2), 2000, false)]);
    assert_eq!(found[0].confidence, Confidence::Possible);
    assert!(
        found[0]
            .confidence_because
            .as_ref()
            .unwrap()
            .contains("known of all threads")
    );
}
