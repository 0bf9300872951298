//! `--filter`: what is shown of a trace with more tasks than anybody wants to read about.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::fs;

use common::{inspect, sample};
use serde_json::{Value, json};

/// What is printed about the sample with a deadlock, where the command ends with this status and complains of nothing.
#[track_caller]
fn abba(status: i32, arguments: &[&str]) -> String {
    let output = inspect(&[&[sample("abba.ais").as_str()], arguments].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{told}");
    assert!(!told.contains("inspect-analyze:"), "{told}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn answer(status: i32, arguments: &[&str]) -> Value {
    serde_json::from_str(&abba(status, &[&["--format", "json"], arguments].concat())).unwrap()
}

fn numbers(tasks: &Value) -> Vec<u64> {
    let tasks = tasks.as_array().unwrap().iter();
    tasks.map(|task| task["id"].as_u64().unwrap()).collect()
}

/// The numbers of the tasks that are alive and match.
#[track_caller]
fn live(status: i32, filters: &[&str]) -> Vec<u64> {
    let options = filters.iter().flat_map(|filter| ["--filter", filter]);
    let answer = answer(status, &options.collect::<Vec<_>>());
    let mut live = numbers(&answer["summary"]["live"]);
    live.sort_unstable();
    live
}

#[test]
fn tasks_are_chosen_by_name_number_place_and_state() {
    assert_eq!(live(1, &["name=transfer*"]), [6, 7]);
    assert_eq!(live(1, &["name!=transfer*,state=stuck"]), [8]);
    assert_eq!(live(0, &["task=2..5"]), [2, 3, 5]);
    assert_eq!(live(1, &["spawned=abba.rs:50"]), [7]);
    assert_eq!(live(1, &["spawned=abba.rs:50", "name=ticker"]), [3, 7]);
    assert_eq!(live(0, &["state=waiting"]), live(0, &["state=idle"]));
    assert_eq!(live(1, &["state!=completed"]).len(), 6);
}

#[test]
fn the_summary_counts_those_that_match_and_lists_no_others() {
    let text = abba(1, &["--filter", "name=transfer*"]);
    for part in [
        "name=transfer*",
        "2 of 8 match: 2 alive (2 stuck)",
        "1 finding:",
        "alive at the end, of those that match:",
        "--filter 'name=transfer*' --deadlocks",
    ] {
        assert!(text.contains(part), "{part}\nis missing from\n{text}");
    }
    assert!(
        !text.contains("ticker") && !text.contains("auditor"),
        "{text}"
    );
    assert!(!text.contains("left out"), "{text}");
}

#[test]
fn a_finding_is_shown_with_one_of_its_tasks_or_one_that_waits_behind_it() {
    let all = abba(1, &["--deadlocks"]);
    for filter in ["name=auditor", "task=7", "state=stuck"] {
        assert_eq!(
            abba(1, &["--deadlocks", "--filter", filter]),
            all,
            "{filter}"
        );
    }
}

#[test]
fn findings_that_are_left_out_are_counted_and_are_no_failure() {
    for request in [
        &[][..],
        &["--deadlocks"],
        &["--stuck"],
        &["--stuck", "--deadlocks"],
    ] {
        let text = abba(0, &[&["--filter", "state=waiting"], request].concat());
        let told = "1 finding about other tasks is left out by the filter";
        assert_eq!(text.matches(told).count(), 1, "{text}");
        assert!(!text.contains("no deadlocks found\n"), "{text}");
        assert!(!text.contains("deadlock-cycle"), "{text}");
    }
    let answer = answer(0, &["--filter", "state=waiting"]);
    assert_eq!(
        answer["filter"],
        json!({
            "any_of": ["state=waiting"], "matching": 3, "tasks": 8, "over_before": 0, "findings_left_out": 1
        })
    );
    assert_eq!(answer["findings"], json!([]));
    assert_eq!(answer["lock_circles"], json!([]));
    assert_eq!(answer["summary"]["tasks"]["waiting"], 3);
    assert_eq!(answer["summary"]["tasks"]["completed"], 0);
    assert_eq!(answer["trace"]["tasks"], 8);
}

#[test]
fn without_a_filter_nothing_is_said_of_one() {
    assert_eq!(answer(1, &[]).get("filter"), None);
    let text = abba(1, &[]);
    assert!(!text.contains("match"), "{text}");
    assert!(
        !text.lines().any(|line| line.starts_with("filter")),
        "{text}"
    );
}

#[test]
fn tasks_that_make_no_progress_are_listed_where_they_match() {
    let text = abba(1, &["--stuck", "--filter", "name=auditor"]);
    assert!(text.contains("task #8 \"auditor\""), "{text}");
    assert!(
        text.contains("because"),
        "who it waits for is told all the same: {text}"
    );
    assert!(!text.contains("ticker"), "{text}");
    let text = abba(0, &["--stuck", "--filter", "state=completed"]);
    assert!(text.contains("no task that matches waits"), "{text}");
    let stuck = &answer(0, &["--stuck", "--filter", "task=1..5"])["stuck"];
    let groups = stuck.as_array().unwrap().iter();
    let mut numbers: Vec<u64> = groups.flat_map(|group| numbers(&group["tasks"])).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3, 5]);
}

/// The picture that is drawn for these arguments.
fn picture(option: &str, filter: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.svg");
    abba(0, &[option, path.to_str().unwrap(), "--filter", filter]);
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_timeline_has_those_that_match_and_those_in_its_findings() {
    let behind = picture("--timeline", "name=auditor");
    for part in [
        "#8 auditor",
        "#6 transfer",
        "#7 transfer",
        "name=auditor",
        "1 of 8",
    ] {
        assert!(behind.contains(part), "{part}");
    }
    assert!(!behind.contains("ticker") && !behind.contains("left out"));
    let healthy = picture("--timeline", "name=ticker");
    assert!(healthy.contains("#3 ticker") && !healthy.contains("transfer"));
    assert!(healthy.contains("findings left out"));
}

#[test]
fn a_graph_has_what_is_connected_with_those_that_match() {
    let behind = picture("--graph", "name=auditor");
    for part in [
        "#8 auditor",
        "#6 transfer",
        "#7 transfer",
        "wait for each other",
        "1 of 8 matches",
    ] {
        assert!(behind.contains(part), "{part}");
    }
    let alone = picture("--graph", "name=ticker");
    assert!(!alone.contains("transfer") && !alone.contains("wait for each other"));
    assert!(alone.contains("no task that matches waits for another one"));
}

#[test]
fn the_panel_of_a_task_is_shown_whether_it_matches_or_not() {
    let panel = abba(0, &["--task", "7"]);
    assert_eq!(abba(0, &["--task", "7", "--filter", "name=ticker"]), panel);
}

#[test]
fn a_filter_that_matches_nothing_says_so_in_one_line() {
    let output = inspect(&[
        &sample("abba.ais"),
        "--deadlocks",
        "--filter",
        "name=acount*",
    ]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "inspect-analyze: no task matches the filter name=acount*: there are 8 tasks\n"
    );
}

#[test]
fn other_moments_are_filtered_by_what_was_so_then() {
    let then = [
        "--at",
        "452ms",
        "--filter",
        "state=stuck",
        "--format",
        "json",
    ];
    let output = inspect(&[&[sample("abba.ais").as_str()], &then[..]].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["filter"]["matching"], 0);
}

#[test]
fn what_cannot_be_read_is_refused_with_what_is_allowed() {
    for (wrong, allowed) in [
        ("transfer", "KEY=PATTERN"),
        ("kind=blocking", "name, task, spawned and state"),
        ("task=many", "task=7..20"),
        ("state=asleep", "waiting"),
        ("name=", "name=PATTERN"),
    ] {
        let output = inspect(&[&sample("abba.ais"), "--filter", wrong]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.lines().next().unwrap().contains(allowed), "{told}");
        assert!(output.stdout.is_empty());
    }
    let help = String::from_utf8(inspect(&["--help"]).stdout).unwrap();
    for part in [
        "--filter <FILTER>",
        "spawned",
        "KEY!=PATTERN",
        "ended-unseen",
    ] {
        assert!(help.contains(part), "{part}\nis missing from\n{help}");
    }
}
