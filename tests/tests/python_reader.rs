//! A trace needs no code of ours: a short Python program, written from `format/SPEC.md` alone, reads the recording of a real program
//! and finds in it what we find.
//!
//! It needs Python and, once, the network (for the packages `msgpack` and `zstandard`). Where these are missing the tests say so on
//! stderr and pass.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use ais_format::event::{Kind, PollBegin, TaskNew};
use ais_format::frame::CHUNK_HEADER_LEN;
use ais_recorder::{TraceExt as _, spawn, sync};
use ais_tests::{Trace, record};
use serde_json::Value;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/read_ais.py");

/// Decompresses a whole file as one zstd stream, and reads MessagePack from it to its end.
const PLAIN_STREAM: &str = r#"
import msgpack, sys, zstandard
with open(sys.argv[1], "rb") as file:
    plain = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
with open(sys.argv[2], "wb") as file:
    file.write(plain)
unpacker = msgpack.Unpacker()
unpacker.feed(plain)
assert all(isinstance(object, list) for object in unpacker)
assert unpacker.tell() == len(plain), "the stream does not end with an object"
"#;

/// Tasks of several names that meet at a mutex and over a channel, on two threads; often enough that their polls are counted task by
/// task in the file.
fn meet() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let total = Arc::new(sync::Mutex::new(0));
        let (sender, receiver) = sync::channel(2);
        let producers: Vec<_> = (0..3)
            .map(|number| {
                let sender = sender.clone();
                let produce = async move {
                    for value in 0..1000u64 {
                        sender.send(value).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                };
                spawn(format!("producer {number} ← “ünï”"), produce, tokio::spawn)
            })
            .collect();
        drop(sender);
        let sum = Arc::clone(&total);
        let consume = async move {
            while let Ok(value) = receiver.recv().await {
                *sum.lock().traced("lock the total").await += value;
            }
        };
        spawn("consumer", consume, tokio::spawn).await.unwrap();
        for producer in producers {
            producer.await.unwrap();
        }
        assert_eq!(*total.lock().await, 3 * 499_500);
    });
}

/// Says why a test cannot run here; not with `eprintln!`, which is hidden for tests that pass.
fn skip(why: &str) {
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: the Python reader was not tested: {why}"
    );
}

fn run(command: &mut Command) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}

/// A Python with the packages that the reader needs, made once and kept with the other build products.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-reader");
        let folder = if cfg!(windows) { "Scripts" } else { "bin" };
        let python = home.join(folder).join("python");
        let works =
            |python: &Path| run(Command::new(python).args(["-c", "import msgpack, zstandard"]));
        // Test processes that run side by side make it once.
        let lock = File::create(home.with_extension("lock")).and_then(|file| file.lock().map(|()| file));
        let _lock = lock.map_err(|error| format!("{}: {error}", home.display()))?;
        if works(&python).is_ok() {
            return Ok(python);
        }
        let system = if cfg!(windows) { "python" } else { "python3" };
        run(Command::new(system)
            .args(["-m", "venv", "--clear"])
            .arg(&home))?;
        let install = "-m pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 msgpack zstandard";
        let install = install.split(' ');
        run(Command::new(&python).args(install))?;
        works(&python)?;
        Ok(python)
    });
    python.as_deref().map_err(|why| skip(why)).ok()
}

fn read_with_python(python: &Path, trace: &Path) -> Value {
    let output = run(Command::new(python).arg(READER).arg(trace)).unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn python_finds_in_a_trace_what_we_find() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meet.ais");
    let ((), status) = record(&path, meet).unwrap();
    let trace = Trace::read(&fs::read(&path).unwrap()).unwrap();

    let texts: BTreeMap<u64, &str> = trace
        .chunks
        .iter()
        .flat_map(|(.., chunk)| chunk.texts.iter().map(|(id, text)| (*id, text.as_str())))
        .collect();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut tasks: BTreeMap<u64, &str> = BTreeMap::new();
    let mut polls: BTreeMap<u64, u64> = BTreeMap::new();
    let mut is_keyed = false;
    for batch in trace.chunks.iter().flat_map(|(.., chunk)| &chunk.batches) {
        let mut begun = 0;
        for event in batch.events() {
            let kind = event.kind.unwrap();
            *kinds.entry(kind.name()).or_default() += 1;
            if kind == Kind::TaskNew {
                let row: TaskNew = event.row();
                tasks.insert(row.task, texts[&row.name]);
            } else if kind == Kind::PollBegin {
                let row: PollBegin = event.row();
                let polls = polls.entry(row.task).or_default();
                *polls = row.poll.max(*polls);
                begun += 1;
            }
        }
        is_keyed |= begun >= 256;
    }
    assert!(is_keyed, "there are too few polls to be counted by task");

    let read = read_with_python(python, &path);
    assert_eq!(read["problems"], serde_json::json!([]));
    assert_eq!(read["ended"], true);
    assert_eq!(read["events"], status.events);
    assert_eq!(read["dropped"], status.dropped);
    assert_eq!(read["kinds"], serde_json::json!(kinds));
    assert_eq!(
        read["tasks"],
        serde_json::json!(tasks.into_values().collect::<Vec<_>>())
    );
    assert_eq!(
        read["polls"],
        serde_json::json!(polls.into_values().collect::<Vec<_>>())
    );
    let header = &read["header"];
    assert_eq!(header["recording"], trace.header.recording);
    assert_eq!(header["program"], trace.header.program.as_str());
    assert_eq!(header["start_tick"], trace.header.start_tick);
    assert!(
        read["tasks"].as_array().unwrap().len() == 4
            && read["kinds"]["send"].as_u64() >= Some(3000)
    );
}

#[test]
fn a_whole_trace_decompresses_to_plain_message_pack() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, plain) = (folder.path().join("meet.ais"), folder.path().join("plain"));
    let _ = record(&path, meet).unwrap();
    let trace = Trace::read(&fs::read(&path).unwrap()).unwrap();
    let contents: Vec<u8> = trace
        .chunks
        .into_iter()
        .flat_map(|(_, content, _)| content)
        .collect();
    run(Command::new(python)
        .args(["-c", PLAIN_STREAM])
        .args([&path, &plain]))
    .unwrap();
    assert!(
        fs::read(&plain).unwrap() == contents,
        "the stream is not the contents of the chunks"
    );
}

#[test]
fn python_reads_on_behind_a_damaged_chunk_and_says_so() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meet.ais");
    let _ = record(&path, meet).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let trace = Trace::read(&bytes).unwrap();
    // The first chunk that holds events, and the byte where it begins.
    let mut start = trace.header.encode().len();
    let chunk = trace.chunks.iter().map(|(chunk, ..)| chunk).find(|chunk| {
        let is_found = chunk.events > 0;
        start += if is_found {
            0
        } else {
            CHUNK_HEADER_LEN + chunk.compressed_len as usize
        };
        is_found
    });
    let chunk = chunk.unwrap();
    let left = u64::from(
        trace
            .chunks
            .iter()
            .map(|(chunk, ..)| chunk.events)
            .sum::<u32>()
            - chunk.events,
    );

    // One byte inside its zstd frame.
    bytes[start + CHUNK_HEADER_LEN + 20] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let read = read_with_python(python, &path);
    let problem = format!("chunk {}: wrong checksum or size", chunk.sequence);
    assert_eq!(read["problems"], serde_json::json!([problem]));
    assert_eq!(
        (&read["events"], &read["ended"]),
        (&left.into(), &true.into())
    );

    // And one inside its header, so that the next chunk must be searched for.
    bytes[start + 30] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let read = read_with_python(python, &path);
    let problem = format!("byte {start}: no header, or a damaged one");
    assert_eq!(read["problems"], serde_json::json!([problem]));
    assert_eq!(
        (&read["events"], &read["ended"]),
        (&left.into(), &true.into())
    );
}
