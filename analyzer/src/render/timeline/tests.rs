//! The picture as a whole: what a reader of the file sees, found in the text of the file.

mod limits;
mod samples;

use std::collections::BTreeSet;

use super::model::{Activity, Link, Timeline};
use super::svg;
use crate::render::reader::{Bounds, Document};
use crate::time::Nanos;
use samples::{MS, deadlock, row};

fn read(timeline: &Timeline) -> Document {
    Document::read(&svg(timeline))
}

/// Names that want to be more than text.
const HOSTILE: [&str; 8] = [
    "</text><script>alert(1)</script>",
    "\"/><image href='http://example.org/x'/>",
    "]]>&amp;&#0;<!-- -- <?xml?>",
    "\u{202e}gnorw\u{2066}\u{0}\u{1b}[31m\u{ffff}\r\n\t",
    "🦀👩\u{200d}💻 名前 שלום",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "",
    "   ",
];

/// A timeline whose every name is `name`.
fn named(name: &str) -> Timeline {
    let mut timeline = deadlock(900 * MS);
    let all = |text: &mut String| name.clone_into(text);
    let header = &mut timeline.header;
    [&mut header.trace, &mut header.program, &mut header.tool]
        .into_iter()
        .for_each(all);
    header.lost = Some(name.to_owned());
    for finding in &mut timeline.findings {
        [&mut finding.headline, &mut finding.advice]
            .into_iter()
            .for_each(all);
        finding.facts.iter_mut().for_each(all);
    }
    for row in &mut timeline.rows {
        [&mut row.label, &mut row.detail, &mut row.group]
            .into_iter()
            .for_each(all);
    }
    timeline
        .links
        .iter_mut()
        .for_each(|link| all(&mut link.what));
    timeline.hidden = vec![(name.to_owned(), 7), (name.to_owned(), 1)];
    timeline
}

#[test]
fn the_same_timeline_is_the_same_file_byte_for_byte() {
    let timeline = deadlock(900 * MS);
    assert_eq!(svg(&timeline), svg(&timeline.clone()));
}

#[test]
fn no_name_leaves_its_text() {
    let expected: BTreeSet<&str> = [
        "svg", "title", "defs", "pattern", "g", "rect", "path", "text",
    ]
    .into();
    for name in HOSTILE {
        let document = read(&named(name));
        for element in &document.elements {
            assert!(
                expected.contains(&element.name.as_str()),
                "{name:?} became <{}>",
                element.name
            );
        }
    }
    let document = read(&named(HOSTILE[0]));
    assert!(document.texts().any(|text| text.words == HOSTILE[0]));
}

#[test]
fn nothing_refers_to_anything_outside() {
    for name in HOSTILE {
        for element in &read(&named(name)).elements {
            for (key, value) in &element.attributes {
                assert!(
                    !key.contains("href") && !key.starts_with("on") && key != "style",
                    "{key}={value}"
                );
                assert!(
                    !value.contains("url(") || value.starts_with("url(#ais-"),
                    "{key}={value}"
                );
                assert!(!value.contains("http") || key == "xmlns", "{key}={value}");
            }
        }
    }
}

/// The pictures whose layout is looked at.
fn pictures() -> Vec<(String, Timeline)> {
    let mut pictures = vec![("empty".to_owned(), Timeline::default())];
    for at in [1, 600, 900, 1_800, 2_300, 2_490, 2_500] {
        let mut timeline = deadlock(at * MS);
        pictures.push((format!("deadlock at {at} ms"), timeline.clone()));
        for waiter in 3..timeline.rows.len() {
            timeline.links.push(Link {
                waiter,
                holder: waiter % 3,
                at: Nanos(at * MS),
                what: "permit of semaphore \"connections\"".to_owned(),
            });
        }
        timeline.links.push(Link {
            waiter: 2,
            holder: 2,
            at: Nanos(at * MS),
            what: "mutex \"itself\"".to_owned(),
        });
        let finding = timeline.findings[0].clone();
        timeline.findings = vec![finding; 5];
        timeline.header.lost =
            Some("12,402 events were dropped between 4.2 s and 4.9 s. ".repeat(20));
        timeline.hidden = (0..40).map(|n| (format!("kind {n}"), n)).collect();
        pictures.push((format!("crowded at {at} ms"), timeline));
    }
    for name in HOSTILE.into_iter().chain([
        "WWWWWWWWWW",
        "a task with a rather long name that says what it is for, and then some more",
    ]) {
        pictures.push((format!("named {name:?}"), named(&name.repeat(20))));
    }
    for (from, to) in [
        (0, 1),
        (100_000 * MS, 100_000 * MS + 20),
        (7, 7),
        (0, 3_000_000_000 * MS),
        (9, 3),
    ] {
        let mut timeline = deadlock(900 * MS);
        (timeline.from, timeline.to) = (Nanos(from), Nanos(to));
        pictures.push((format!("from {from} to {to}"), timeline));
    }
    pictures
}

#[test]
fn no_text_overlaps_another_or_leaves_the_page() {
    for (name, timeline) in pictures() {
        let document = read(&timeline);
        let page = document.page();
        let texts: Vec<_> = document
            .texts()
            .filter(|text| !text.words.is_empty())
            .collect();
        for (n, text) in texts.iter().enumerate() {
            assert!(page.holds(text.bounds), "{name}: {text:?} leaves {page:?}");
            for other in &texts[n + 1..] {
                assert!(
                    !text.bounds.overlaps(other.bounds),
                    "{name}: {text:?} and {other:?}"
                );
            }
        }
    }
}

#[test]
fn no_shape_leaves_the_page() {
    for (name, timeline) in pictures() {
        let document = read(&timeline);
        let page = document.page();
        for element in document
            .elements
            .iter()
            .filter(|element| element.name == "rect" && !element.in_defs)
        {
            assert!(page.holds(element.rect()), "{name}: {element:?}");
        }
    }
}

#[test]
fn words_on_arrows_cover_no_bar_and_no_other_words() {
    for (name, timeline) in pictures() {
        let document = read(&timeline);
        let words: Vec<Bounds> = document.rects_with("rx", "8.5").collect();
        let bars: Vec<Bounds> = document.paths("url(#ais-stuck)").collect();
        for (n, plate) in words.iter().enumerate() {
            assert!(
                !words[n + 1..].iter().any(|other| plate.overlaps(*other)),
                "{name}: {plate:?}"
            );
            assert!(
                !bars.iter().any(|bar| plate.overlaps(*bar)),
                "{name}: {plate:?} on {bars:?}"
            );
        }
    }
}

#[test]
fn two_that_wait_for_each_other_are_two_arrows_side_by_side() {
    for at in [600, 2_300] {
        let document = read(&deadlock(at * MS));
        let words: Vec<Bounds> = document.rects_with("rx", "8.5").collect();
        assert_eq!(words.len(), 3, "the pair, and the task behind it");
        let mut said: Vec<String> = document
            .texts()
            .map(|text| text.words)
            .filter(|words| words.starts_with("wants"))
            .collect();
        said.sort();
        assert_eq!(
            said,
            [
                "wants mutex \"a\"",
                "wants mutex \"a\"",
                "wants mutex \"b\""
            ]
        );
    }
}

#[test]
fn a_headline_is_wrapped_and_never_shortened() {
    let headline = "deadlock-cycle, proven: task #7 \"transfer b→a\", task #8 \"transfer a→b\" and task #9 \"the third one of them\" wait for each \
                    other since 2.31 s, and forty-one more tasks wait behind them because of the very same two locks in src/bank.rs";
    let mut timeline = deadlock(900 * MS);
    headline.clone_into(&mut timeline.findings[0].headline);
    let lines: Vec<String> = read(&timeline)
        .texts()
        .filter(|text| text.bold && text.size > 14.0 && text.size < 16.0)
        .map(|text| text.words)
        .collect();
    assert!(lines.len() > 1);
    assert_eq!(lines.join(" "), headline);
}

#[test]
fn what_is_stuck_is_striped_outlined_signed_and_named() {
    let document = read(&deadlock(900 * MS));
    assert_eq!(document.paths("url(#ais-stuck)").count(), 3);
    assert!(
        document
            .texts()
            .any(|text| text.words == "stuck for 1.60 s")
    );
    assert!(
        document
            .texts()
            .any(|text| text.words == "#7 transfer b→a" && text.bold)
    );
    assert!(
        document
            .texts()
            .any(|text| text.words == "#1 main" && !text.bold)
    );
}

#[test]
fn a_program_that_was_killed_as_soon_as_it_hung_still_shows_it() {
    let mut timeline = deadlock(2_500 * MS - 1);
    timeline.links.clear();
    let document = read(&timeline);
    for bar in document.paths("url(#ais-stuck)") {
        assert!(
            bar.x1 - bar.x0 >= 6.0 && document.page().holds(bar),
            "{bar:?}"
        );
    }
}

#[test]
fn what_was_lost_and_what_is_hidden_is_printed() {
    let mut timeline = deadlock(900 * MS);
    timeline.header.lost = Some("12,402 events were dropped".to_owned());
    timeline.hidden = vec![("handler".to_owned(), 100), ("worker".to_owned(), 32)];
    let finding = timeline.findings[0].clone();
    timeline.findings = vec![finding; 5];
    let words: BTreeSet<String> = read(&timeline).texts().map(|text| text.words).collect();
    for expected in [
        "The trace is incomplete",
        "12,402 events were dropped",
        "and 132 more tasks: 100 × handler, 32 × worker",
        "and 2 more findings",
        "2.50 s",
        "48,211",
        "inspect-analyze 0.1.0",
        "3: since 900 ms",
    ] {
        assert!(words.contains(expected), "{expected:?} is not in {words:?}");
    }
    assert!(!words.contains("nothing"));
}

#[test]
fn the_legend_explains_what_occurs_and_nothing_else() {
    let timeline = Timeline {
        to: Nanos(1_000),
        rows: vec![row(
            "one",
            &[
                (0, 400, Activity::Running),
                (400, 1_000, Activity::WaitsForTask),
            ],
        )],
        ..Timeline::default()
    };
    let words: BTreeSet<String> = read(&timeline).texts().map(|text| text.words).collect();
    assert!(words.contains("running") && words.contains("waits for a task"));
    for absent in [
        "stuck, cannot end",
        "waits for a channel",
        "the task ended",
        "many short polls: height is their share of time",
    ] {
        assert!(!words.contains(absent), "{absent}");
    }
}
