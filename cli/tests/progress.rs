//! The line that says how far a long read is: on a terminal, while it lasts, and never anywhere else.
//!
//! The terminal is a real one. The work is slow since the command is stopped for most of the time, as a debugger or a busy machine would
//! stop it, until the test has seen enough.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use ais_format::chunk::ChunkBuilder;
use ais_format::event::TaskDrop;
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const COLUMNS: u16 = 60;
/// Half a second, and long enough to be sure.
const LONG: Duration = Duration::from_millis(900);
const CHUNKS: u64 = 60;
const EVENTS: u64 = 25_000;

/// A trace that takes a while, of which the last bytes are missing: there is something to warn of.
struct Large {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Large {
    fn new() -> Large {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.ais");
        let file = File::create_new(&path).unwrap();
        let header = FileHeader {
            program: "large".to_owned(),
            recorder: "a test".to_owned(),
            ..FileHeader::default()
        };
        let mut writer = TraceWriter::new(file, &header).unwrap();
        let mut chunk = ChunkBuilder::new();
        for event in 0..EVENTS {
            // Numbers in no order, so that they do not vanish in compression.
            let task = (event * event).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24;
            chunk.event(event, &TaskDrop { task });
        }
        chunk.end_batch(1, 0, 0);
        let content = chunk.finish();
        let clock = ClockPair {
            tick: EVENTS,
            ns: EVENTS,
        };
        for _ in 0..CHUNKS {
            writer.chunk(&content, clock, 0, flag::CUT).unwrap();
        }
        let cut = writer.finish(clock, 0).unwrap();
        cut.set_len(cut.metadata().unwrap().len() - 1).unwrap();
        Large {
            _folder: folder,
            path,
        }
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inspect-analyze"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env("TERM", "xterm")
        .env("NO_COLOR", "1")
        .env_remove("CI")
        .env_remove("CLICOLOR_FORCE");
    command
}

/// What it says where nobody looks: warnings first, as they come.
fn piped(arguments: &[&str]) -> String {
    let Output { stdout, stderr, .. } = command(arguments).output().unwrap();
    String::from_utf8([stderr, stdout].concat()).unwrap()
}

/// Slows a program down to a small part of its pace, until something is so or it has ended. Whether it still runs.
fn slow_down_until(child: &mut Child, mut is_so: impl FnMut() -> bool) -> bool {
    let pid = Pid::from_child(child);
    while !is_so() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        kill_process(pid, Signal::STOP).unwrap();
        sleep(Duration::from_millis(60));
        kill_process(pid, Signal::CONT).unwrap();
        sleep(Duration::from_millis(1));
    }
    child.try_wait().unwrap().is_none()
}

/// Slows a program down for longer than half a second, in which it must not end.
fn still_runs_after_long(child: &mut Child) {
    let begin = Instant::now();
    let still_runs = slow_down_until(child, || begin.elapsed() > LONG);
    assert!(still_runs, "it was not slow");
}

/// A command that runs on a terminal.
struct OnTerminal {
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl OnTerminal {
    fn new(mut command: Command) -> OnTerminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(Path::new(name.to_str().unwrap()))
            .unwrap();
        let out = terminal.try_clone().unwrap();
        let child = command.stdout(out).stderr(terminal).spawn().unwrap();
        // It holds the terminal open.
        drop(command);
        let written = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let (mut master, written) = (File::from(master), Arc::clone(&written));
            move || {
                let mut some = [0; 4096];
                // In the end there is an error on some systems, and nothing more to read on others.
                while let Ok(len @ 1..) = master.read(&mut some) {
                    written.lock().unwrap().extend_from_slice(&some[..len]);
                }
            }
        });
        OnTerminal {
            child,
            written,
            reader,
        }
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned()
    }

    /// All that was written, once it has ended with this status; none where it was killed.
    fn end(mut self, status: Option<i32>) -> String {
        assert_eq!(self.child.wait().unwrap().code(), status);
        self.reader.join().unwrap();
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

/// What a terminal shows after this was written to it, as far as lines go.
fn screen(written: &str) -> String {
    let mut lines = vec![Vec::new()];
    let mut column = 0;
    for c in written.chars() {
        match c {
            '\r' => column = 0,
            '\n' => lines.push(Vec::new()),
            _ => {
                let line = lines.last_mut().unwrap();
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
    }
    let lines = lines.iter().map(|line| line.iter().collect::<String>());
    let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Whether it was said how much is done, how fast, and how long it will take. Of which stage depends on how fast the machine is.
fn tells_all(written: &str) -> bool {
    written.split('\r').any(|line| {
        let is_counted = line.starts_with("reading ") || line.starts_with("rebuilding ");
        let parts = [" %  ", " s left, ", "/s"];
        is_counted && parts.iter().all(|part| line.contains(part))
    })
}

#[test]
fn a_long_read_tells_how_far_it_is_and_leaves_a_clean_terminal() {
    let trace = Large::new();
    let report = piped(&[trace.path()]);
    assert!(report.contains("the file is cut off"), "{report}");
    let mut slow = OnTerminal::new(command(&[trace.path()]));
    let written = Arc::clone(&slow.written);
    let still_runs = slow_down_until(&mut slow.child, || {
        tells_all(&String::from_utf8_lossy(&written.lock().unwrap()))
    });
    assert!(still_runs, "not seen in {:?}", slow.written());
    let written = slow.end(Some(0));
    assert_eq!(screen(&written), report, "{written:?}");

    assert!(!written.contains('\u{1b}'), "{written:?}");
    let progress = &written[..written.find("inspect-analyze: ").unwrap()];
    for line in progress.split('\r') {
        assert!(line.len() < usize::from(COLUMNS), "{line:?}");
    }
}

#[test]
fn an_error_after_a_long_read_stands_alone() {
    let trace = Large::new();
    let arguments = [trace.path(), "--task", "nobody"];
    let error = piped(&arguments);
    assert_eq!(error.lines().count(), 1, "{error}");
    let mut slow = OnTerminal::new(command(&arguments));
    let written = Arc::clone(&slow.written);
    let still_runs = slow_down_until(&mut slow.child, || !written.lock().unwrap().is_empty());
    assert!(still_runs, "nothing was shown");
    assert_eq!(screen(&slow.end(Some(2))), error);
}

#[test]
fn a_pipe_gets_nothing_of_it_however_long_it_takes() {
    let trace = Large::new();
    let mut command = command(&[trace.path()]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut slow = command.spawn().unwrap();
    still_runs_after_long(&mut slow);
    slow.kill().unwrap();
    let Output { stdout, stderr, .. } = slow.wait_with_output().unwrap();
    assert_eq!(String::from_utf8([stderr, stdout].concat()).unwrap(), "");
}

#[test]
fn a_terminal_that_can_do_nothing_and_one_that_nobody_watches_get_nothing_of_it() {
    let trace = Large::new();
    for (name, value) in [("TERM", "dumb"), ("TERM", ""), ("CI", "true")] {
        let mut command = command(&[trace.path()]);
        command.env(name, value);
        let mut slow = OnTerminal::new(command);
        still_runs_after_long(&mut slow.child);
        slow.child.kill().unwrap();
        assert_eq!(slow.end(None), "", "{name}={value}");
    }
}

#[test]
fn what_takes_less_than_half_a_second_says_nothing() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    let trace = samples.join("pipeline.ais").display().to_string();
    let report = piped(&[&trace]);
    // On a busy machine it may take longer now and then.
    for _ in 0..20 {
        let begin = Instant::now();
        let written = OnTerminal::new(command(&[&trace])).end(Some(0));
        if begin.elapsed() < Duration::from_millis(500) {
            assert_eq!(written.replace("\r\n", "\n"), report);
            return;
        }
    }
    panic!("no run was short");
}

#[test]
fn of_a_pipe_it_is_told_how_much_has_come() {
    let trace = Large::new();
    let bytes = fs::read(&trace.path).unwrap();
    let mut command = command(&["/dev/stdin"]);
    command.stdin(Stdio::piped());
    let mut slow = OnTerminal::new(command);
    let mut pipe = slow.child.stdin.take().unwrap();
    let begin = Instant::now();
    let half = bytes.len() / 2;
    pipe.write_all(&bytes[..half]).unwrap();
    while !(slow.written().contains("loading  ") && slow.written().contains("B/s")) {
        assert!(slow.child.try_wait().unwrap().is_none());
        assert!(
            begin.elapsed() < Duration::from_mins(1),
            "{:?}",
            slow.written()
        );
        sleep(Duration::from_millis(20));
    }
    pipe.write_all(&bytes[half..]).unwrap();
    drop(pipe);
    let written = slow.end(Some(0));
    let report = piped(&[trace.path()]).replace(trace.path(), "/dev/stdin");
    assert_eq!(screen(&written), report);
}
