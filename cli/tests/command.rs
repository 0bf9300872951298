//! The command as a user runs it: on the sample traces, on bad input, with wrong arguments.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces")
}

fn sample(name: &str) -> String {
    samples().join(name).to_str().unwrap().to_owned()
}

fn inspect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inspect-analyze"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Runs the command, which must end with `status`; its output.
fn expect(status: i32, arguments: &[&str]) -> String {
    let output = inspect(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(status),
        "{arguments:?}\n{out}\n{err}"
    );
    out
}

/// Runs the command, which must refuse with one line on standard error; that line.
fn refuses(arguments: &[&str]) -> String {
    let output = inspect(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{out}\n{err}");
    assert_eq!(out, "", "an error prints no report");
    assert_eq!(err.lines().count(), 1, "one line: {err}");
    assert!(
        err.starts_with("inspect-analyze: ") && !err.contains("panicked"),
        "{err}"
    );
    err
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_deadlock_names_both_tasks_both_locks_and_all_four_places() {
    let out = expect(1, &[&sample("abba.ais"), "--deadlocks"]);
    for part in [
        "deadlock-cycle, proven",
        r#"task #6 "transfer a→b""#,
        r#"task #7 "transfer b→a""#,
        r#"task #6 holds mutex "a" (sample-traces/programs/src/bank.rs:41:20), taken at sample-traces/programs/src/bank.rs:64:33"#,
        r#"task #6 wants mutex "b": awaits to.cents.lock() at sample-traces/programs/src/bank.rs:67:31, state 3 of 4 of transfer()"#,
        r#"task #7 holds mutex "b" (sample-traces/programs/src/bank.rs:41:20), taken at sample-traces/programs/src/bank.rs:64:33"#,
        r#"task #7 wants mutex "a": awaits to.cents.lock() at sample-traces/programs/src/bank.rs:67:31, state 3 of 4 of transfer()"#,
        "it cannot end: ",
        r#"1 more task waits behind it: #8 "auditor""#,
        "advice: ",
    ] {
        assert!(out.contains(part), "{part}\nis missing from\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "no colour where nobody looks");
}

#[test]
fn healthy_programs_are_not_accused() {
    for name in ["http.ais", "pipeline.ais"] {
        assert_eq!(
            expect(0, &[&sample(name), "--deadlocks"]),
            "no deadlocks found\n"
        );
        assert!(expect(0, &[&sample(name)]).contains("no deadlocks found"));
    }
}

#[test]
fn a_trace_that_is_not_mapped_says_the_same() {
    let trace = sample("abba.ais");
    assert_eq!(expect(1, &[&trace, "--no-mmap"]), expect(1, &[&trace]));
    let help = expect(0, &["--help"]);
    assert!(help.contains("--no-mmap"), "{help}");
}

#[test]
fn the_summary_says_what_this_is_what_is_wrong_and_what_to_look_at() {
    let out = expect(1, &[&sample("abba.ais")]);
    for part in [
        "abba, pid ",
        "8: 6 alive (3 stuck, 3 waiting), 2 completed",
        "1 finding:",
        "#8 auditor",
        "--deadlocks",
        "--task 6",
    ] {
        assert!(out.contains(part), "{part}\nis missing from\n{out}");
    }
    for name in ["recorded ", "late ", "begins ", "build ", "host "] {
        let is_there = out.lines().any(|line| line.starts_with(name));
        assert!(!is_there, "{name}: this trace does not say it\n{out}");
    }
}

#[test]
fn a_task_is_shown_by_number_and_by_name() {
    let trace = sample("abba.ais");
    let by_number = expect(0, &[&trace, "--task", "7"]);
    assert_eq!(by_number, expect(0, &[&trace, "--task", "#7"]));
    assert_eq!(by_number, expect(0, &[&trace, "--task", "transfer b→a"]));
    for part in [
        r#"task #7 "transfer b→a""#,
        "stuck for 2.2",
        "to.cents.lock() at sample-traces/programs/src/bank.rs:67:31, state 3 of 4 of transfer()",
        r#"is held by task #6 "transfer a→b", taken at sample-traces/programs/src/bank.rs:64:33"#,
        "and so on in a circle: back at task #7",
        r#"by task #1 "main""#,
        "fraud_check(): sleep(FRAUD_CHECK)",
        "still there",
    ] {
        assert!(
            by_number.contains(part),
            "{part}\nis missing from\n{by_number}"
        );
    }
    let ended = expect(0, &[&sample("pipeline.ais"), "--task", "progress"]);
    assert!(ended.contains("cancelled at "), "{ended}");
    let behind = expect(0, &[&trace, "--task", "auditor"]);
    assert!(behind.contains("audit() › balance()"), "{behind}");
    assert!(refuses(&[&trace, "--task", "99"]).contains("there is no task \"99\""));
}

#[test]
fn json_has_the_keys_that_scripts_rely_on() {
    let answer: Value = serde_json::from_str(&expect(
        1,
        &[&sample("abba.ais"), "--deadlocks", "--format", "json"],
    ))
    .unwrap();
    assert_eq!(answer["lock_circles"], Value::Array(Vec::new()));
    let trace = &answer["trace"];
    assert_eq!(trace["tasks"], 8);
    assert!(
        trace["duration_ns"].as_u64().unwrap() > 2_000_000_000
            && trace["events"].as_u64().unwrap() > 1000
    );
    assert_eq!(
        (
            &trace["lost"]["chunks"],
            &trace["lost"]["bytes"],
            &trace["lost"]["events_dropped"]
        ),
        (&0.into(), &0.into(), &0.into())
    );
    let coverage = &trace["coverage"];
    assert_eq!(coverage["way_in"], Value::Null, "it is older than that");
    assert_eq!(
        (&coverage["late_tasks"], &coverage["dropped_share"]),
        (&0.into(), &0.0.into())
    );
    for key in ["began_late_ns", "begins_at_ns", "is_healed", "host"] {
        assert_eq!(coverage.get(key), Some(&Value::Null), "{key}");
    }
    let finding = &answer["findings"][0];
    assert_eq!(
        (
            &finding["kind"],
            &finding["confidence"],
            &finding["resolved"]
        ),
        (&"deadlock-cycle".into(), &"proven".into(), &Value::Null)
    );
    assert_eq!(
        finding["tasks"][1],
        serde_json::json!({
            "id": 7, "name": "transfer b→a", "spawned_at": "sample-traces/programs/src/bin/abba.rs:50:9"
        })
    );
    assert_eq!(finding["resources"][0]["kind"], "mutex");
    assert_eq!(finding["resources"][0]["name"], "a");
    assert_eq!(
        finding["resources"][0]["created_at"],
        "sample-traces/programs/src/bank.rs:41:20"
    );
    assert_eq!(finding["victims"], serde_json::json!([8]));
    for fact in finding["facts"].as_array().unwrap() {
        assert!(
            fact["text"].is_string()
                && fact["task"].is_u64()
                && fact["resource"].is_u64()
                && fact["at_ns"].is_u64()
        );
        assert!(
            fact["location"]
                .as_str()
                .unwrap()
                .starts_with("sample-traces/programs/src/bank.rs:")
        );
    }
    for key in ["since_ns", "title", "why_it_cannot_end", "advice"] {
        assert!(!finding[key].is_null(), "{key}");
    }
    let healthy: Value =
        serde_json::from_str(&expect(0, &[&sample("http.ais"), "--format", "json"])).unwrap();
    assert_eq!(healthy["findings"], serde_json::json!([]));
    assert_eq!(healthy["summary"]["tasks"]["completed"], 19);
    let panel: Value = serde_json::from_str(&expect(
        0,
        &[&sample("abba.ais"), "--task", "8", "--format", "json"],
    ))
    .unwrap();
    assert_eq!(panel["tasks"][0]["state"], "stuck");
}

/// The pictures of the samples, as they stand in the repository. `AIS_BLESS=1` makes them anew.
#[test]
fn timelines_are_the_same_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["abba", "http", "pipeline"] {
        let drawn = folder.path().join("timeline.svg");
        expect(
            0,
            &[
                &sample(&format!("{name}.ais")),
                "--timeline",
                drawn.to_str().unwrap(),
            ],
        );
        let golden = samples().join(format!("{name}.svg"));
        let drawn = fs::read_to_string(&drawn).unwrap();
        if std::env::var_os("AIS_BLESS").is_some() {
            fs::write(&golden, &drawn).unwrap();
        }
        assert!(drawn.len() < 1_000_000, "{} bytes", drawn.len());
        assert!(
            drawn == fs::read_to_string(&golden).unwrap(),
            "{name}.svg differs: look at it, then AIS_BLESS=1"
        );
    }
}

#[test]
fn the_timeline_shows_what_is_stuck_and_holds_nothing_that_acts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timeline.svg");
    expect(
        1,
        &[
            &sample("abba.ais"),
            "--deadlocks",
            "--timeline",
            path.to_str().unwrap(),
        ],
    );
    let picture = fs::read_to_string(&path).unwrap();
    for part in [
        "transfer a→b",
        "transfer b→a",
        "auditor",
        "stuck for",
        "bank.rs:67",
        "wants mutex",
    ] {
        assert!(picture.contains(part), "{part}");
    }
    for forbidden in ["<script", "href", "url(http", "@import", "<image"] {
        assert!(!picture.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn files_that_are_no_traces_are_named_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("input");
    let name = path.to_str().unwrap();
    let with = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        refuses(&[name, "--deadlocks"])
    };
    assert!(with(b"").contains("the file is empty"));
    assert!(with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").contains("it is a PNG picture"));
    assert!(
        with(b"\x28\xb5\x2f\xfd\x04\x58\x21\0\0hello")
            .contains("it is a zstd file, but not one of ours")
    );
    assert!(with(b"ERROR 12:00 something\nelse\n").contains("it looks like text"));
    assert!(with(&[0; 4096]).contains("it does not begin as one"));
    let whole = fs::read(sample("abba.ais")).unwrap();
    assert!(with(&whole[..9]).contains("cut off inside the file header"));
    assert!(with(&whole[100..]).contains("not an .ais trace"));

    assert!(refuses(&["/no/such/file.ais"]).contains("no such file"));
    assert!(refuses(&[folder.path().to_str().unwrap()]).contains("is a directory"));
    if cfg!(target_os = "linux") {
        assert!(refuses(&["/dev/zero"]).contains("not an .ais trace"));
    }
}

#[test]
fn a_newer_major_version_asks_for_a_newer_tool() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("newer.ais");
    let mut bytes = fs::read(sample("abba.ais")).unwrap();
    // The header's frame: 8 bytes of prefix, 8 of tag, then the version; its checksum is its last 4 bytes.
    let end = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    bytes[16] = 9;
    let crc = crc32fast::hash(&bytes[8..end - 4]);
    bytes[end - 4..end].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let said = refuses(&[path.to_str().unwrap()]);
    assert!(
        said.contains("version 9.0") && said.contains("use a newer inspect-analyze"),
        "{said}"
    );
}

#[test]
fn what_is_left_of_a_cut_trace_is_analysed_and_the_report_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.ais");
    let whole = fs::read(sample("abba.ais")).unwrap();
    fs::write(&path, &whole[..whole.len() - 500]).unwrap();
    let output = inspect(&[path.to_str().unwrap()]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(1),
        "the deadlock is long before the cut: {out}"
    );
    assert!(out.contains("deadlock-cycle, proven"), "{out}");
    assert!(
        out.contains("missing") && out.contains("did not end in good order"),
        "{out}"
    );
    assert!(err.contains("cut off"), "{err}");
}

#[test]
fn a_flipped_byte_costs_its_chunk_and_makes_findings_only_possible() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flipped.ais");
    let mut bytes = fs::read(sample("abba.ais")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    let name = path.to_str().unwrap();
    let output = inspect(&[name, "--deadlocks", "--format", "json"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "possible findings do not fail a script"
    );
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["trace"]["lost"]["chunks"], 1);
    assert!(
        text(&output.stderr).contains("checksum"),
        "{}",
        text(&output.stderr)
    );
    for finding in answer["findings"].as_array().unwrap() {
        assert_eq!(finding["confidence"], "possible");
        assert!(
            finding["confidence_because"]
                .as_str()
                .unwrap()
                .contains("1 chunk lost")
        );
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let output = inspect(&[&sample("abba.ais"), "--dedlocks"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("--deadlocks"),
        "it says what was meant"
    );
    assert_eq!(inspect(&[]).status.code(), Some(2));
    assert_eq!(
        inspect(&[&sample("abba.ais"), "--format", "yaml"])
            .status
            .code(),
        Some(2)
    );
    let help = expect(0, &["--help"]);
    for option in [
        "--deadlocks",
        "--task",
        "--timeline",
        "--format",
        "Exit status",
    ] {
        assert!(help.contains(option), "{option}");
    }
    assert!(expect(0, &["--version"]).starts_with("inspect-analyze "));
}

#[test]
fn a_picture_never_overwrites_a_trace_and_an_unwritable_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.ais");
    fs::copy(sample("abba.ais"), &path).unwrap();
    let name = path.to_str().unwrap();
    let before = fs::read(&path).unwrap();
    assert!(refuses(&[name, "--timeline", name]).contains("would overwrite the trace"));
    assert!(refuses(&[name, "--timeline", "other.ais"]).contains("name a file ending in .svg"));
    assert!(
        refuses(&[name, "--timeline", "/no/such/folder/t.svg"])
            .contains("cannot write the timeline")
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inspect-analyze"))
        .args([&sample("http.ais"), "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), String::new())
    );
}

#[test]
fn a_kind_is_explained_without_a_trace_and_the_kinds_are_named_where_there_is_none_such() {
    let out = expect(0, &["--explain", "futurelock"]);
    assert!(out.starts_with("# futurelock\n"), "{out}");
    assert!(out.contains("```rust\n"), "{out}");

    let output = inspect(&["--explain", "nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    for name in ["nonsense", "deadlock-cycle", "futurelock", "busy-loop"] {
        assert!(said.contains(name), "{name} is missing from\n{said}");
    }

    // A finding says where to read on, once for its kind.
    let out = expect(1, &[&sample("abba.ais"), "--deadlocks"]);
    let more = "  more: inspect-analyze --explain deadlock-cycle\n";
    assert_eq!(out.matches(more).count(), 1, "{out}");
}
