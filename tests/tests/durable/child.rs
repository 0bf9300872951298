//! Programs as child processes.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ais_analyzer::Trace;

/// Tells a child which program it is.
const PROGRAM: &str = "AIS_TEST_PROGRAM";

/// Whether this process is the child that runs this program.
pub(crate) fn is(program: &str) -> bool {
    std::env::var(PROGRAM).is_ok_and(|wanted| wanted == program)
}

/// One of the programs of this binary, by the path of its test, with `AIS_TRACE` set to `trace`. What it says can be read.
pub(crate) fn command(program: &str, trace: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([program, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROGRAM, program).env("AIS_TRACE", trace);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Starts a program, and waits until it says this.
pub(crate) fn start(command: &mut Command, word: &str) -> Child {
    let mut child = command.spawn().unwrap();
    let said = child.stdout.as_mut().unwrap();
    let mut heard = Vec::new();
    // Byte by byte, so that what it says after that is left to others.
    while !heard.ends_with(word.as_bytes()) {
        let mut byte = [0];
        said.read_exact(&mut byte).unwrap();
        heard.extend(byte);
    }
    child
}

/// The trace of a program that is gone, recovered; nothing of it may be left elsewhere.
pub(crate) fn recovered(path: &Path) -> Trace {
    let trace = Trace::open(path).unwrap();
    let live = &trace.source.header.live;
    assert!(!live.is_empty(), "it has a live file");
    let live = path.with_file_name(live);
    assert!(!live.exists(), "{} is still there", live.display());
    trace
}
