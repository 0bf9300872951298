//! `--from` and `--to`: a stretch of a trace, as a user asks for it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::sample;
use serde_json::Value;

fn inspect(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = common::inspect(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn json(arguments: &[&str]) -> Value {
    let (_, out, err) = inspect(&[arguments, &["--format", "json"]].concat());
    assert_eq!(err, "");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn before_the_deadlock_there_is_none_and_at_the_end_of_the_stretch_there_is() {
    let trace = sample("abba.ais");
    let found = json(&[&trace]);
    let since = found["findings"][0]["since_ns"].as_u64().unwrap();
    let (before, after) = (
        format!("{}ns", since - 1_000_000),
        format!("{}ns", since + 1_000_000),
    );
    let (status, out, _) = inspect(&[&trace, "--deadlocks", "--to", &before]);
    assert_eq!(status, Some(0), "{out}");
    let (status, out, _) = inspect(&[&trace, "--deadlocks", "--to", &after]);
    assert_eq!(status, Some(1), "{out}");
    // It began before the stretch, and is there at its end.
    let (status, out, _) = inspect(&[&trace, "--deadlocks", "--from", &after]);
    assert_eq!(status, Some(1), "{out}");
}

#[test]
fn stretches_that_meet_have_all_polls_together() {
    let trace = sample("pipeline.ais");
    let polls = |arguments: &[&str]| {
        let answer = json(&[&[trace.as_str()], arguments].concat());
        answer["summary"]["polls"].as_u64().unwrap()
    };
    let all = polls(&[]);
    let [first, second] = [polls(&["--to", "1s"]), polls(&["--from", "1s"])];
    assert!(first > 100 && second > 100, "{first} and {second} of {all}");
    assert_eq!(first + second, all);
    let thirds = [("0s", "400ms"), ("400ms", "1s")];
    let within = thirds.map(|(from, to)| polls(&["--from", from, "--to", to]));
    assert_eq!(within.iter().sum::<u64>(), first);
}

#[test]
fn what_is_shown_is_told_and_the_length_is_that_of_the_trace() {
    let trace = sample("pipeline.ais");
    let (_, all, _) = inspect(&[&trace]);
    let (status, out, _) = inspect(&[&trace, "--from", "500ms", "--to", "1.5s"]);
    assert_eq!(status, Some(0), "{out}");
    assert!(out.contains("from 500 ms to 1.50 s, as of then"), "{out}");
    let length = |out: &str| {
        let line = out.lines().find(|line| line.starts_with("length")).unwrap();
        line.split(',').next().unwrap().to_owned()
    };
    assert_eq!(length(&out), length(&all));
    let coverage = &json(&[&trace, "--from", "500ms"])["trace"]["coverage"];
    assert_eq!(coverage["shown_from_ns"], 500_000_000);
    assert_eq!(coverage["shown_to_ns"], Value::Null);
}

#[test]
fn a_timeline_of_a_stretch_begins_and_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("part.svg");
    let (status, _, err) = inspect(&[
        &sample("pipeline.ais"),
        "--timeline",
        picture.to_str().unwrap(),
        "--from",
        "1s",
        "--to",
        "1.1s",
    ]);
    assert_eq!(status, Some(0), "{err}");
    let drawn = std::fs::read_to_string(picture).unwrap();
    assert!(
        drawn.contains(">1.04 s<") && !drawn.contains(">0 s<"),
        "its axis"
    );
}

#[test]
fn what_is_no_stretch_of_the_trace_is_refused_in_one_line() {
    let trace = sample("abba.ais");
    for (arguments, says) in [
        (&["--from", "2s", "--to", "1s"][..], "no time between"),
        (&["--from", "1h"], "ends"),
        (&["--from", "soon"], "soon"),
        (&["--from", "1s", "--at", "2s"], "--at"),
        (&["--to", "1s", "--at", "end"], "--at"),
    ] {
        let (status, out, err) = inspect(&[&[trace.as_str()], arguments].concat());
        assert_eq!(
            (status, out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {err}"
        );
        assert!(err.contains(says), "{err}");
    }
    // What lies beyond the end is not missing.
    assert_eq!(inspect(&[&trace, "--to", "1h"]).0, Some(1));
}
