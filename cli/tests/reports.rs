//! Reports of the command beyond the findings: who makes no progress, the wait-for graph, other moments, thresholds, and the schema of
//! the JSON answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;
use std::path::Path;

use ais_analyzer::report::LackKind;
use common::{inspect, sample};
use serde_json::Value;

/// What is printed where the command ends with this status.
#[track_caller]
fn expect(status: i32, arguments: &[&str]) -> String {
    let output = inspect(arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn stuck_tasks_come_first_then_who_waits_behind_them_then_the_others() {
    let text = expect(1, &[&sample("abba.ais"), "--stuck"]);
    let place = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("no {what:?} in {text}"))
    };
    assert!(place("\"transfer a→b\"") < place("\"auditor\""));
    assert!(place("stuck: it can never go on") < place("waits behind a task that is stuck"));
    assert!(place("\"auditor\"") < place("\"ticker\""));
    assert!(place("waits for what may still come") > place("\"ticker\""));
    assert!(text.contains("and so on in a circle: back at task #6"));
}

#[test]
fn of_a_program_that_has_ended_nothing_is_stuck() {
    let text = expect(0, &[&sample("pipeline.ais"), "--stuck"]);
    assert!(text.contains("every task that is alive"), "{text}");
}

#[test]
fn the_graph_is_a_picture_or_for_graphviz_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, dot) = (
        folder.path().join("graph.svg"),
        folder.path().join("graph.dot"),
    );
    for path in [&svg, &dot] {
        expect(0, &[&sample("abba.ais"), "--graph", path.to_str().unwrap()]);
    }
    let (svg, dot) = (
        fs::read_to_string(svg).unwrap(),
        fs::read_to_string(dot).unwrap(),
    );
    assert!(svg.starts_with("<svg") || svg.starts_with("<?xml"));
    assert!(dot.starts_with("digraph"));
    for picture in [svg, dot] {
        for what in [
            "#6 transfer a→b",
            "#7 transfer b→a",
            "#8 auditor",
            "held by",
            "lock()",
        ] {
            assert!(picture.contains(what), "no {what:?}");
        }
        // It is no part of it: it waits for nobody that is recorded.
        assert!(!picture.contains("ticker"));
    }
}

#[test]
fn a_graph_never_overwrites_the_trace() {
    let output = inspect(&[&sample("abba.ais"), "--graph", &sample("abba.ais")]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn another_moment_is_judged_as_if_the_trace_ended_there() {
    let abba = sample("abba.ais");
    // Before the second one waits, and after.
    assert!(expect(0, &[&abba, "--deadlocks", "--at", "452ms"]).contains("no deadlocks found"));
    let then = expect(1, &[&abba, "--deadlocks", "--at", "+1s"]);
    assert!(then.contains("for 547 ms"), "{then}");
    assert!(then.contains("1 more task waits behind it: #8"), "{then}");
    let end = expect(1, &[&abba, "--deadlocks", "--at", "end"]);
    assert_eq!(end, expect(1, &[&abba, "--deadlocks"]));
    let output = inspect(&[&abba, "--at", "1m"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ends 2.70 s after its start"));
    assert_eq!(inspect(&[&abba, "--at", "soon"]).status.code(), Some(2));
}

#[test]
fn thresholds_are_set_by_name_and_stated_in_what_is_found() {
    let http = sample("http.ais");
    let usual = expect(0, &[&http, "--deadlocks"]);
    assert!(!usual.contains("long-poll"), "{usual}");
    let strict = expect(0, &[&http, "--deadlocks", "--threshold", "long-poll=10us"]);
    assert!(strict.contains("long-poll, possible"), "{strict}");
    assert!(strict.contains("10.0 µs"), "{strict}");
    for wrong in ["long-poll", "long-poll=5", "patience=1s", "busy-turns=many"] {
        assert_eq!(
            inspect(&[&http, "--threshold", wrong]).status.code(),
            Some(2),
            "{wrong}"
        );
    }
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("answer.schema.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The same schema, but nothing is allowed that it does not name.
fn strict(mut schema: Value) -> Value {
    fn close(value: &mut Value) {
        if let Value::Object(object) = value {
            if object.contains_key("properties") && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            object.values_mut().for_each(close);
        }
        if let Value::Array(values) = value {
            values.iter_mut().for_each(close);
        }
    }
    close(&mut schema);
    schema
}

#[test]
fn the_json_answer_is_what_its_schema_says_and_nothing_else() {
    let schema = jsonschema::validator_for(&strict(schema())).unwrap();
    for name in ["abba.ais", "http.ais", "pipeline.ais"] {
        let trace = sample(name);
        let requests: [&[&str]; 6] = [
            &["--format", "json", "--doctor", "--filter", "task=2..9"],
            &["--format", "json"],
            &["--format", "json", "--perf", "--filter", "task=2..9"],
            &[
                "--format",
                "json",
                "--deadlocks",
                "--stuck",
                "--task",
                "1",
                "--task",
                "2",
            ],
            &[
                "--format",
                "json",
                "--stuck",
                "--threshold",
                "long-poll=10us",
            ],
            &[
                "--format",
                "json",
                "--filter",
                "state=waiting",
                "--filter",
                "name=m*,task!=3..5",
            ],
        ];
        for request in requests {
            let output = inspect(&[&[trace.as_str()], request].concat());
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            let wrong: Vec<String> = schema
                .iter_errors(&answer)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(wrong.is_empty(), "{name} {request:?}: {wrong:#?}");
        }
    }
}

#[test]
fn the_schema_knows_every_kind_of_finding() {
    let schema = schema();
    let kinds = &schema["properties"]["findings"]["items"]["properties"]["kind"]["enum"];
    let known: Vec<&str> = kinds
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let kinds = ais_analyzer::findings::Kind::ALL.iter();
    let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
    assert_eq!(known, kinds);
}

#[test]
fn what_a_trace_lacks_is_told_with_the_change_and_is_no_finding() {
    // It has a deadlock, too.
    let abba = sample("abba.ais");
    let text = expect(0, &[&abba, "--doctor"]);
    for what in [
        "this trace lacks 1 thing:",
        "1  what 6 tasks waited for (costs verdicts",
        "task #3 \"ticker\", 2.70 s in all: sample-traces/programs/src/bank.rs:133:25",
        "and 3 more",
        "inspect-record cargo run",
    ] {
        assert!(text.contains(what), "no {what:?} in {text}");
    }
    let answer = inspect(&[&abba, "--doctor", "--format", "json"]).stdout;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["doctor"]["lacks"][0]["kind"], "waits-unrecorded");
    assert_eq!(answer["doctor"]["lacks"][0]["more_places"], 3);
    assert!(answer.get("summary").is_none());
    let summary = expect(1, &[&abba]);
    assert!(
        summary.contains("\ndoctor     lacks what 6 tasks waited for: --doctor tells"),
        "{summary}"
    );
}

#[test]
fn a_stretch_and_a_filter_restrict_what_is_said_of_tasks() {
    let abba = sample("abba.ais");
    let ticker = expect(0, &[&abba, "--doctor", "--filter", "name=ticker"]);
    assert!(ticker.contains("what 1 task waited for"), "{ticker}");
    assert!(ticker.contains("1 task that matches"), "{ticker}");
    let late = expect(0, &[&abba, "--doctor", "--from", "2s", "--to", "2.5s"]);
    assert!(late.contains("task #3 \"ticker\", 500 ms in all"), "{late}");
    let none = expect(
        0,
        &[
            &abba,
            "--doctor",
            "--filter",
            "name=transfer*",
            "--from",
            "1s",
        ],
    );
    assert!(
        none.starts_with("nothing is lacking; looked at: "),
        "{none}"
    );
}

#[test]
fn the_schema_knows_every_kind_of_lack() {
    let schema = schema();
    let lacks = &schema["properties"]["doctor"]["properties"]["lacks"]["items"]["properties"];
    let known = lacks["kind"]["enum"].as_array().unwrap();
    let kinds = LackKind::ALL.map(|kind| serde_json::to_value(kind).unwrap());
    assert_eq!(known, &kinds);
}

#[test]
fn an_explanation_stands_alone_and_help_names_every_kind() {
    for more in [
        &["--format", "json"][..],
        &["--deadlocks"],
        &[&sample("abba.ais")],
    ] {
        let output = inspect(&[&["--explain", "futurelock"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(output.stdout.is_empty());
    }
    let help = expect(0, &["--help"]);
    for kind in ais_analyzer::findings::Kind::ALL {
        assert!(help.contains(kind.name()), "{}", kind.name());
    }
}

#[test]
fn where_time_goes_names_the_lock_that_is_waited_for_and_who_had_it() {
    let text = expect(0, &[&sample("http.ais"), "--perf"]);
    for what in [
        "one call in a hundred of http::report() takes",
        "mutex \"report cache\"",
        "most of the time who took it at",
        "tasks, by what they did",
        "what tasks waited for",
        "functions, from the first poll to the end",
        "in polls (",
    ] {
        assert!(text.contains(what), "no {what:?} in {text}");
    }
    let wide = text.lines().max_by_key(|line| line.chars().count());
    assert!(!text.contains("\\u{"), "{text}");
    assert!(wide.is_some());
}

#[test]
fn where_time_goes_can_be_asked_for_with_other_reports_and_in_stretches() {
    let trace = sample("abba.ais");
    let text = expect(1, &[&trace, "--perf", "--deadlocks"]);
    assert!(text.contains("deadlock-cycle, proven"), "{text}");
    assert!(text.contains("tasks, by what they did"), "{text}");
    let polls = |more: &[&str]| {
        let request = [&[trace.as_str(), "--perf", "--format", "json"], more].concat();
        let answer: Value = serde_json::from_slice(&inspect(&request).stdout).unwrap();
        answer["perf"]["polls"].as_u64().unwrap()
    };
    let [first, second] = [polls(&["--to", "1s"]), polls(&["--from", "1s"])];
    assert_eq!(first + second, polls(&[]));
    assert!(first > 10 && second > 10);
}

#[test]
fn where_time_goes_is_not_asked_by_state_or_at_a_moment() {
    let trace = sample("abba.ais");
    let output = inspect(&[&trace, "--perf", "--filter", "state=waiting"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("leave the state out"), "{told}");
    let output = inspect(&[&trace, "--perf", "--at", "1s"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_function_is_told_of_as_the_state_machine_that_its_calls_went_through() {
    let trace = sample("http.ais");
    let text = expect(0, &[&trace, "--states", "report"]);
    for what in [
        "http::report() at sample-traces/programs/src/bin/http.rs:81:10",
        "50 calls: 50 returned; 47 had to wait",
        "1 of 3  service.cache.lock().await at sample-traces/programs/src/bin/http.rs:83:42",
        "had to wait 40 times of 50, 40 polls ended there",
        "→ 3                9 times",
        "→ returned        50 times",
    ] {
        assert!(text.contains(what), "no {what:?} in {text}");
    }
    assert!(!text.contains("http::query()"), "{text}");
    let all = expect(0, &[&trace, "--states"]);
    assert!(all.contains("http::query()") && all.contains("http::report()"));
    let unknown = inspect(&[&trace, "--states", "reports"]);
    assert_eq!(unknown.status.code(), Some(2));
    let told = String::from_utf8(unknown.stderr).unwrap();
    assert!(told.contains("there are http::"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn the_call_graph_tells_what_has_to_be_async_what_never_waited_and_where_the_time_goes() {
    let text = expect(0, &[&sample("http.ais"), "--call-graph"]);
    for what in [
        "task connection N, spawned at",
        "▲ http::report()",
        "└ ● http::query()",
        "of all the time that functions waited for what others had",
    ] {
        assert!(text.contains(what), "no {what:?} in {text}");
    }
    let called = text.find("http::query()").unwrap();
    assert!(text.find("http::report()").unwrap() < called);
}

#[test]
fn a_diagram_draws_the_states_of_one_function_or_who_calls_whom() {
    let folder = tempfile::tempdir().unwrap();
    let trace = sample("http.ais");
    let draw = |name: &str, report: &[&str]| {
        let path = folder.path().join(name);
        let request = [
            &[trace.as_str()],
            report,
            &["--diagram", path.to_str().unwrap()],
        ];
        expect(0, &request.concat());
        fs::read_to_string(path).unwrap()
    };
    let states = ["--states", "report"];
    for picture in [draw("states.svg", &states), draw("states.dot", &states)] {
        for what in [
            "service.cache.lock()",
            "41 times",
            "returned",
            "had to wait",
        ] {
            assert!(picture.contains(what), "no {what:?} in {picture}");
        }
    }
    let calls = draw("calls.svg", &["--call-graph"]);
    for what in [
        "▲ http::report()",
        "● http::query()",
        "task connection N",
        "has to be async",
    ] {
        assert!(calls.contains(what), "no {what:?} in {calls}");
    }
    let refused = |report: &[&str]| {
        let out = folder.path().join("refused.svg");
        let request = [
            &[trace.as_str()],
            report,
            &["--diagram", out.to_str().unwrap()],
        ];
        let output = inspect(&request.concat());
        assert_eq!(output.status.code(), Some(2), "{report:?}");
        assert!(!out.exists(), "{report:?}");
    };
    refused(&[]);
    refused(&["--states"]);
    refused(&["--states", "report", "--call-graph"]);
}

#[test]
fn a_filter_that_nothing_matches_is_named_where_time_goes() {
    let trace = sample("http.ais");
    let filter = ["--filter", "name=nobody"];
    let text = expect(0, &[&[&*trace, "--perf"], &filter[..]].concat());
    assert!(text.contains("no task matches the filter"), "{text}");
    for report in ["--call-graph", "--states"] {
        let output = inspect(&[&[&*trace, report], &filter[..]].concat());
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("no task that matches the filter"), "{told}");
    }
}
