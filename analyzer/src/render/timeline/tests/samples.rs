//! Timelines to draw in tests.

use super::super::model::{Activity, FindingNote, Header, Link, Row, Span, Timeline};
use crate::time::Nanos;

pub(super) const MS: u64 = 1_000_000;
const END: u64 = 2_500 * MS;

/// A row with these spans that never ends.
pub(super) fn row(label: &str, spans: &[(u64, u64, Activity)]) -> Row {
    Row {
        label: label.to_owned(),
        spans: spans
            .iter()
            .map(|&(from, to, activity)| Span {
                from: Nanos(from),
                to: Nanos(to),
                activity,
            })
            .collect(),
        ..Row::default()
    }
}

/// Spans of random activities and lengths, `count` of them until `end`.
pub(super) fn noise(count: u64, end: u64, seed: u64) -> Vec<Span> {
    const ALL: [Activity; 6] = [
        Activity::Running,
        Activity::Scheduled,
        Activity::WaitsForLock,
        Activity::WaitsForChannel,
        Activity::WaitsForTask,
        Activity::WaitsForOther,
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut spans = Vec::new();
    let mut at = 0;
    while at < end {
        let to = (at + 1 + next() % (2 * end / count)).min(end);
        spans.push(Span {
            from: Nanos(at),
            to: Nanos(to),
            activity: ALL[(next() % 6) as usize],
        });
        at = to;
    }
    spans
}

/// Two transfers that take two locks in opposite order, an auditor behind them, and healthy tasks.
pub(super) fn deadlock(at: u64) -> Timeline {
    use Activity::{Running, Scheduled, Stuck, WaitsForOther, WaitsForTask};
    let stuck = |label: &str, detail: &str, since: u64| Row {
        detail: detail.to_owned(),
        group: "stuck".to_owned(),
        stuck: true,
        ..row(
            label,
            &[
                (since / 2, since / 2 + MS, Scheduled),
                (since / 2 + MS, since, Running),
                (since, END, Stuck),
            ],
        )
    };
    let mut rows = vec![
        stuck(
            "#7 transfer b→a",
            "awaits a.lock() at src/bank.rs:43:22",
            at,
        ),
        stuck(
            "#8 transfer a→b",
            "awaits b.lock() at src/bank.rs:43:22",
            (at + 5 * MS).min(END),
        ),
        stuck(
            "#9 auditor",
            "awaits a.lock() at src/audit.rs:12:30",
            (at + 60 * MS).min(END),
        ),
    ];
    rows.push(Row {
        detail: "awaits handle at src/main.rs:31:14".to_owned(),
        group: "waiting".to_owned(),
        ..row(
            "#1 main",
            &[(0, 60 * MS, Running), (60 * MS, END, WaitsForTask)],
        )
    });
    for n in 0..6 {
        let tick = |i: u64| {
            [
                (i * 50 * MS, i * 50 * MS + MS, Running),
                (i * 50 * MS + MS, (i + 1) * 50 * MS, WaitsForOther),
            ]
        };
        let spans: Vec<_> = (0..50).flat_map(tick).collect();
        rows.push(Row {
            detail: "awaits interval.tick() at src/ticker.rs:8:25".to_owned(),
            group: "waiting".to_owned(),
            ..row(&format!("#{} ticker {n}", n + 10), &spans)
        });
    }
    rows.push(Row {
        detail: "completed".to_owned(),
        group: "completed".to_owned(),
        ended: Some(Nanos(400 * MS)),
        ..row("#2 warm-up", &[(0, 400 * MS, Running)])
    });
    let link = |waiter, holder, what: &str| Link {
        waiter,
        holder,
        at: Nanos(at),
        what: what.to_owned(),
    };
    Timeline {
        header: Header {
            trace: "bank-deadlock.ais".to_owned(),
            program: "bank".to_owned(),
            duration: Nanos(END),
            tasks: 143,
            events: 48_211,
            lost: None,
            tool: "inspect-analyze 0.1.0".to_owned(),
        },
        filter: None,
        from: Nanos(0),
        to: Nanos(END),
        findings: vec![FindingNote {
            headline: "deadlock-cycle, proven: task #7 \"transfer b→a\" and task #8 \"transfer a→b\" wait for each other".to_owned(),
            facts: vec![
                "task #7 holds mutex \"b\" (src/bank.rs:13:18), taken at src/bank.rs:41:22".to_owned(),
                "task #7 awaits a.lock() at src/bank.rs:43:22, state 2 of 4 of transfer()".to_owned(),
                "task #8 holds mutex \"a\" (src/bank.rs:12:18), taken at src/bank.rs:41:22".to_owned(),
                "task #8 awaits b.lock() at src/bank.rs:43:22, state 2 of 4 of transfer()".to_owned(),
            ],
            advice: "take the two locks in one fixed order, for instance by account number".to_owned(),
            since: Nanos(at),
        }],
        rows,
        hidden: Vec::new(),
        links: vec![link(0, 1, "mutex \"a\""), link(1, 0, "mutex \"b\""), link(2, 1, "mutex \"a\"")],
    }
}
