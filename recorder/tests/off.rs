//! Recording is left out of a program: it runs as it would, and says that it cannot be recorded.
#![cfg(feature = "off")]

use std::io::ErrorKind;

use ais_recorder::{Recorder, TraceExt as _, task};

#[test]
fn a_program_without_recording_says_so_and_runs() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("trace.ais");
    let error = Recorder::builder()
        .path(&path)
        .start()
        .expect_err("it is left out");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("feature `off`"), "{error}");
    assert!(!path.exists());
    let five = task("main", async { async { 5 }.traced("five").await });
    assert_eq!(futures::executor::block_on(five), 5);
}
