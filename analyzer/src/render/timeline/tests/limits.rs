//! Very much, very little, very short.

use super::samples::{MS, noise, row};
use super::{named, read};
use crate::render::reader::{Bounds, Document};
use crate::render::timeline::model::{
    Activity, FilterNote, FindingNote, Header, Link, Row, Span, Timeline,
};
use crate::render::timeline::svg;
use crate::time::Nanos;

#[test]
fn a_name_of_a_megabyte_costs_a_few_kilobytes() {
    let whole = svg(&named(&"long name ".repeat(100_000)));
    Document::read(&whole);
    assert!(whole.len() < 200_000, "{} bytes", whole.len());
}

#[test]
fn a_poll_of_a_microsecond_in_an_hour_of_waiting_is_a_pixel_wide() {
    let hour = 3_600_000 * MS;
    let wait = Activity::WaitsForOther;
    let timeline = Timeline {
        to: Nanos(hour),
        rows: vec![row(
            "one",
            &[
                (0, hour / 2, wait),
                (hour / 2, hour / 2 + 1_000, Activity::Running),
                (hour / 2 + 1_000, hour, wait),
            ],
        )],
        ..Timeline::default()
    };
    let running: Vec<Bounds> = read(&timeline).paths("#005f9e").collect();
    assert_eq!(running.len(), 1);
    assert!(
        running[0].x1 - running[0].x0 >= 1.0 && running[0].y1 - running[0].y0 >= 5.0,
        "{running:?}"
    );
}

#[test]
fn a_row_that_runs_half_the_time_is_as_tall_as_half() {
    let mut spans = Vec::new();
    for n in 0..100_000 {
        spans.push((n * 10, n * 10 + 5, Activity::Running));
        spans.push((n * 10 + 5, n * 10 + 10, Activity::WaitsForOther));
    }
    let timeline = Timeline {
        to: Nanos(1_000_000),
        rows: vec![row("one", &spans)],
        ..Timeline::default()
    };
    let running: Vec<Bounds> = read(&timeline).paths("#005f9e").collect();
    assert_eq!(running.len(), 1);
    let tall = running[0].y1 - running[0].y0;
    assert!((9.0..=11.0).contains(&tall), "{tall} of 16 pixels");
}

#[test]
fn a_million_spans_are_a_small_file() {
    let spans: Vec<Span> = noise(1_000_000, 2_500 * MS, 1);
    let timeline = Timeline {
        to: Nanos(2_500 * MS),
        rows: vec![Row {
            spans,
            ..row("busy", &[])
        }],
        ..Timeline::default()
    };
    let size = svg(&timeline).len();
    assert!(size < 30_000, "{size} bytes");
}

#[test]
fn sixty_rows_of_the_worst_noise_stay_below_a_megabyte() {
    for count in [300, 1_000, 2_000, 20_000] {
        let rows = (0..60).map(|n| Row {
            spans: noise(count, 2_500 * MS, n + 1),
            ..row("noise", &[])
        });
        let timeline = Timeline {
            to: Nanos(2_500 * MS),
            rows: rows.collect(),
            ..Timeline::default()
        };
        let size = svg(&timeline).len();
        assert!(size < 900_000, "{count} spans a row: {size} bytes");
    }
}

#[test]
fn nothing_and_very_much_are_pictures_too() {
    let stuck = row("stuck", &[(5, 5, Activity::Stuck)]);
    for timeline in [
        Timeline::default(),
        Timeline {
            rows: vec![Row::default()],
            ..Timeline::default()
        },
        Timeline {
            from: Nanos(5),
            to: Nanos(5),
            rows: vec![stuck.clone()],
            ..Timeline::default()
        },
        Timeline {
            to: Nanos(u64::MAX),
            rows: vec![row("eternal", &[(0, u64::MAX, Activity::Running)]); 500],
            ..Timeline::default()
        },
        Timeline {
            filter: Some(FilterNote {
                text: "name=\u{1b}</text>".repeat(100),
                matching: usize::MAX,
                findings_left_out: usize::MAX,
            }),
            from: Nanos(9),
            to: Nanos(3),
            rows: vec![stuck],
            links: vec![Link {
                waiter: 7,
                holder: usize::MAX,
                at: Nanos(1),
                what: String::new(),
            }],
            findings: vec![FindingNote {
                headline: String::new(),
                facts: vec![String::new()],
                advice: String::new(),
                since: Nanos(u64::MAX),
            }],
            header: Header::default(),
            hidden: vec![(String::new(), 0)],
        },
    ] {
        read(&timeline);
    }
}
