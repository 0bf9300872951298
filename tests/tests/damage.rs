//! Traces that were cut, flipped, shuffled and glued: whatever the damage, reading ends without a panic, what is missing is told, and
//! nobody is accused who was not before.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use ais_analyzer::filter::Selection;
use ais_analyzer::findings::Confidence;
use ais_analyzer::render::timeline;
use ais_analyzer::report::{panel, summary};
use ais_analyzer::{Analysis, Ending, Source, Trace};
use ais_format::frame::CHUNK_TAG;

fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces/abba.ais");
    std::fs::read(path).unwrap()
}

fn read(bytes: Vec<u8>) -> Result<Trace, ais_analyzer::Error> {
    Source::from_bytes(&PathBuf::from("damaged.ais"), bytes).and_then(Trace::from_source)
}

/// Everything that a user could ask for is computed; only the true deadlock may be claimed, and proven only where nothing is missing
/// before the end.
fn check(bytes: Vec<u8>) -> Option<Trace> {
    let trace = read(bytes).ok()?;
    let mut events = trace.events_in_order();
    assert_eq!(events.by_ref().count() as u64, trace.history.events);
    assert_eq!(events.loss(), &trace.history.loss);
    let Analysis { verdict, findings } = Analysis::of(&trace);
    for finding in &findings {
        let mut tasks: Vec<u64> = finding.tasks.iter().map(|task| task.id.0).collect();
        tasks.sort_unstable();
        assert_eq!(tasks, [6, 7], "{finding:#?}");
        if trace.history.loss.is_gap() {
            assert_eq!(finding.confidence, Confidence::Possible);
        }
    }
    let _ = summary(&trace.history, &verdict.progress, &Selection::everything());
    for task in &trace.history.tasks {
        assert!(panel(&trace.history, &verdict.progress, task.id).is_some());
    }
    assert!(
        !timeline::svg(&timeline::timeline(
            &trace,
            &verdict,
            &findings,
            &Selection::everything()
        ))
        .is_empty()
    );
    Some(trace)
}

/// Where each chunk's header begins.
fn chunk_offsets(bytes: &[u8]) -> Vec<usize> {
    bytes
        .windows(8)
        .enumerate()
        .filter(|(_, window)| *window == CHUNK_TAG)
        .map(|(at, _)| at - 8)
        .collect()
}

#[test]
fn a_trace_cut_anywhere_gives_what_came_before() {
    let whole = sample();
    let mut events = 0;
    for end in (0..whole.len()).step_by(211) {
        if let Some(trace) = check(whole[..end].to_vec()) {
            assert!(trace.history.events >= events, "more bytes, more events");
            assert!(
                trace.source.ending != Ending::Finished,
                "a cut trace has not ended"
            );
            events = trace.history.events;
        }
    }
    assert!(events > 1000);
}

#[test]
fn a_flipped_bit_anywhere_is_noticed() {
    let whole = sample();
    let events = check(whole.clone()).unwrap().history.events;
    for at in (0..whole.len()).step_by(173) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        if let Some(trace) = check(bytes) {
            let told =
                trace.history.loss.sentence().is_some() || trace.source.ending != Ending::Finished;
            assert!(told, "byte {at}: a change was accepted in silence");
            assert!(trace.history.events <= events);
        }
    }
}

#[test]
fn each_missing_chunk_is_counted_and_the_rest_is_analysed() {
    let whole = sample();
    let offsets = chunk_offsets(&whole);
    assert!(offsets.len() > 5);
    for pair in offsets.windows(2) {
        let mut bytes = whole[..pair[0]].to_vec();
        bytes.extend_from_slice(&whole[pair[1]..]);
        let trace = check(bytes).unwrap();
        assert_eq!(trace.history.loss.chunks, 1);
        assert!(
            trace
                .history
                .loss
                .notes
                .iter()
                .any(|note| note.contains("is missing"))
        );
    }
}

#[test]
fn a_chunk_that_stands_twice_is_read_once() {
    let whole = sample();
    let offsets = chunk_offsets(&whole);
    let mut bytes = whole[..offsets[2]].to_vec();
    bytes.extend_from_slice(&whole[offsets[1]..]);
    let trace = check(bytes).unwrap();
    assert_eq!(trace.history.events, check(whole).unwrap().history.events);
    assert!(
        trace
            .history
            .loss
            .notes
            .iter()
            .any(|note| note.contains("stands twice"))
    );
}

#[test]
fn garbage_between_chunks_is_skipped_and_counted() {
    let whole = sample();
    let offset = chunk_offsets(&whole)[3];
    let mut bytes = whole[..offset].to_vec();
    bytes.extend_from_slice(&[0xaa; 1000]);
    bytes.extend_from_slice(&whole[offset..]);
    let trace = check(bytes).unwrap();
    assert_eq!(trace.history.loss.bytes, 1000);
    assert_eq!(trace.history.events, check(whole).unwrap().history.events);
}

#[test]
fn segments_of_one_recording_can_be_glued() {
    let whole = sample();
    let offsets = chunk_offsets(&whole);
    // A later segment begins with the file's header again.
    let mut bytes = whole[..offsets[4]].to_vec();
    bytes.extend_from_slice(&whole[..offsets[0]]);
    bytes.extend_from_slice(&whole[offsets[4]..]);
    let trace = check(bytes).unwrap();
    assert_eq!(trace.history.loss.sentence(), None);
    assert_eq!(trace.history.events, check(whole).unwrap().history.events);
}
