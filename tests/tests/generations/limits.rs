//! What cannot be written: the program runs on, and what was written stays.

use std::time::{Duration, Instant};

use ais_analyzer::{Ending, Trace};
use ais_recorder::Recorder;

use super::{runtime, storm, turn};

/// Waits until the recording has ended by itself.
fn wait_until_ended(recorder: &Recorder) {
    let since = Instant::now();
    while recorder.status().is_recording {
        assert!(since.elapsed() < Duration::from_secs(10), "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_file_that_is_full_ends_the_recording_and_not_the_program() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().path(&path).file_limit(20_000);
    let recorder = builder.start().unwrap();
    let runtime = runtime();
    runtime.block_on(storm("storm", 400_000));
    wait_until_ended(&recorder);
    runtime.block_on(storm("unrecorded", 10));
    let error = recorder.stop().unwrap_err();
    assert!(
        error.to_string().contains("its limit of 20000 bytes"),
        "{error}"
    );
    let trace = Trace::open(&path).unwrap();
    assert_ne!(trace.source.ending, Ending::Finished);
    assert_eq!(trace.history.loss.chunks, 0);
    assert!(
        trace
            .history
            .tasks
            .iter()
            .any(|task| &*task.name == "storm")
    );
}

#[test]
fn a_folder_that_is_removed_ends_a_ring_and_not_the_program() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("traces");
    std::fs::create_dir(&inside).unwrap();
    let builder = Recorder::builder().path(inside.join("trace.ais"));
    let recorder = builder.ring(40_000).start().unwrap();
    let runtime = runtime();
    std::fs::remove_dir_all(&inside).unwrap();
    runtime.block_on(storm("storm", 1_000_000));
    wait_until_ended(&recorder);
    runtime.block_on(storm("unrecorded", 10));
    let error = recorder.stop().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
}
