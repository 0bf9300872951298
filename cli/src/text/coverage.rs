//! What of the program was recorded, and what was not: some lines of the summary. What a trace does not say takes no line.

use ais_analyzer::report::{Coverage, Lost};

use super::{WARN, count, row, styled};
use crate::output::clean;

/// Which build was recorded on which machine, through what, and from when on.
pub(super) fn recorded(coverage: &Coverage) -> String {
    let mut text = String::new();
    for (name, value) in [("build", &coverage.build_id), ("host", &coverage.host)] {
        if let Some(value) = value {
            text += &row(name, &clean(value));
        }
    }
    if let Some(way_in) = &coverage.way_in {
        text += &row("recorded", &clean(&format!("through {way_in}")));
    }
    let older = [
        (coverage.late_tasks, "task"),
        (coverage.late_resources, "resource"),
    ];
    let older: Vec<String> = older
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| count(*n, what))
        .collect();
    let late = [
        coverage
            .began_late
            .map(|late| format!("recording began {late} after the program")),
        (!older.is_empty()).then(|| {
            format!(
                "{} existed before they were first seen",
                older.join(" and ")
            )
        }),
    ];
    let late: Vec<String> = late.into_iter().flatten().collect();
    if !late.is_empty() {
        text += &row("late", &late.join("; "));
    }
    if let Some(at) = coverage.begins_at {
        let alive = match coverage.begins_whole {
            Some(true) => "what was alive then is known",
            _ => "what was alive then is not all known",
        };
        text += &row(
            "begins",
            &format!("in the middle: what ended before {at} is not kept; {alive}"),
        );
    }
    if let Some(from) = coverage.read_from {
        text += &row("read", &format!("from {from} on, and what was alive then"));
    }
    let shown = match (coverage.shown_from, coverage.shown_to) {
        (Some(from), Some(to)) => format!("what was from {from} to {to}, as of then"),
        (Some(from), None) => format!("what was from {from} on"),
        (None, Some(to)) => format!("what was before {to}, as of then"),
        (None, None) => return text,
    };
    text += &row("shown", &shown);
    text
}

/// What is missing; nothing where nothing is.
pub(super) fn missing(lost: &Lost, coverage: &Coverage) -> String {
    if lost.chunks == 0 && lost.bytes == 0 && lost.events_dropped == 0 {
        return String::new();
    }
    let share = coverage.dropped_share.map_or_else(String::new, percent);
    let parts = [
        (lost.chunks, "chunk", String::new()),
        (lost.bytes, "byte", String::new()),
        (
            lost.events_dropped,
            "event",
            format!(" dropped by the recorder{share}"),
        ),
    ];
    let missing: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, what, how)| count(*n as usize, what) + how)
        .collect();
    let since = match coverage.is_healed {
        Some(true) => "; what was alive after that is known again",
        Some(false) => "; what was alive after that is not all known",
        None => "",
    };
    row(
        "missing",
        &styled(WARN, &format!("{}{since}", missing.join(", "))),
    )
}

/// `, 3.2 % of all`.
fn percent(share: f64) -> String {
    const LEAST: f64 = 0.1;
    let percent = share * 100.0;
    if percent < LEAST {
        format!(", less than {LEAST} % of all")
    } else {
        format!(", {percent:.1} % of all")
    }
}

#[cfg(test)]
mod tests {
    use ais_analyzer::time::Nanos;

    use super::*;

    fn lost(events_dropped: u64) -> Lost {
        Lost {
            chunks: 0,
            bytes: 0,
            events_dropped,
            notes: Vec::new(),
        }
    }

    fn plain(text: &str) -> Vec<String> {
        let text = anstream::adapter::strip_str(text).to_string();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().map(words).collect()
    }

    #[test]
    fn what_a_trace_does_not_say_takes_no_line() {
        let coverage = Coverage::default();
        assert_eq!(recorded(&coverage) + &missing(&lost(0), &coverage), "");
    }

    #[test]
    fn a_recording_that_began_late_says_how_late_and_what_is_older() {
        let coverage = Coverage {
            way_in: Some("the recorded tokio, in all crates".to_owned()),
            began_late: Some(Nanos(3_200_000_000)),
            late_tasks: 2,
            late_resources: 1,
            build_id: Some("ab12".to_owned()),
            ..Coverage::default()
        };
        assert_eq!(
            plain(&recorded(&coverage)),
            [
                "build ab12",
                "recorded through the recorded tokio, in all crates",
                "late recording began 3.20 s after the program; 2 tasks and 1 resource existed before they were first seen",
            ]
        );
    }

    #[test]
    fn a_trace_that_begins_in_the_middle_says_what_is_known_of_before() {
        let at = |begins_whole| Coverage {
            begins_at: Some(Nanos(12_300_000_000)),
            begins_whole: Some(begins_whole),
            ..Coverage::default()
        };
        assert_eq!(
            plain(&recorded(&at(true))),
            [
                "begins in the middle: what ended before 12.3 s is not kept; what was alive then is known"
            ]
        );
        assert!(recorded(&at(false)).contains("what was alive then is not all known"));
    }

    #[test]
    fn what_was_dropped_is_a_share_of_all_and_says_whether_it_was_made_good() {
        let healed = |is_healed, dropped_share| Coverage {
            is_healed: Some(is_healed),
            dropped_share,
            ..Coverage::default()
        };
        assert_eq!(
            plain(&missing(&lost(1200), &healed(true, Some(0.032)))),
            [
                "missing 1,200 events dropped by the recorder, 3.2 % of all; what was alive after that is known again"
            ]
        );
        let few = missing(&lost(1), &healed(false, Some(0.000_01)));
        assert!(few.contains("1 event dropped by the recorder, less than 0.1 % of all"));
        assert!(few.contains("what was alive after that is not all known"));
        assert!(!missing(&lost(1), &healed(true, None)).contains('%'));
    }
}
