//! What stands above the chart: what was recorded, what is wrong, what the marks mean.

use plotters::style::RGBColor;
use plotters::style::text_anchor::HPos;

use super::backend::Brush;
use super::model::{Activity, FindingNote, Timeline};
use super::sheet::Sheet;
use super::text::{Font, clean, shorten, width, wrap};
use super::theme::{
    ACTIVITIES, ALARM, ALARM_LINE, ALARM_TINT, BAR, BODY, BODY_BOLD, CAPTION, FACT, FILE, HEADLINE,
    INK, MARGIN, MUTED, PX, SMALL, SMALL_BOLD, STUCK, TITLE, WARNING_LINE, WARNING_TINT, WIDTH,
    look,
};
use crate::number::grouped;

/// Findings with a panel of their own.
pub(super) const MOST_FINDINGS: usize = 3;
/// Facts of one finding.
const MOST_FACTS: usize = 12;
/// Lines of a headline. Names are short, except where somebody wants to break us.
const MOST_LINES: usize = 8;

/// Which marks the chart holds; the legend explains these and no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// In the order of [`ACTIVITIES`].
    pub(super) activities: [bool; ACTIVITIES.len()],
    /// Spans narrower than a pixel share a mark.
    pub(super) merged: bool,
    /// A task ended within the picture.
    pub(super) ended: bool,
    /// Arrows between rows.
    pub(super) links: bool,
}

/// Writes the name of the trace and the facts about it; returns where they end.
pub(super) fn header(timeline: &Timeline, sheet: &mut Sheet, top: i32) -> i32 {
    let header = &timeline.header;
    let room = WIDTH - 2 * MARGIN;
    let trace = clean(&header.trace);
    let program = clean(&header.program);
    let (name, trace) = match (program.is_empty(), trace.is_empty()) {
        (true, true) => ("timeline".to_owned(), String::new()),
        (true, false) => (trace, String::new()),
        _ => (program, trace),
    };
    let y = top + 14 * PX;
    sheet.left(shorten(&name, TITLE, room * 11 / 20), TITLE, INK, MARGIN, y);
    let trace = shorten(&trace, FILE, room * 8 / 20);
    sheet.text(
        trace,
        FILE,
        MUTED,
        (HPos::Right, WIDTH - MARGIN),
        y + 2 * PX,
    );

    let mut x = MARGIN;
    let mut y = y + 34 * PX;
    for (caption, value, alarming) in facts(timeline) {
        let font = if alarming {
            Font::bold(FACT.size)
        } else {
            FACT
        };
        let value = shorten(&value, font, room / 2);
        let wide = width(&value, font).max(width(caption, CAPTION));
        if x > MARGIN && x + wide > WIDTH - MARGIN {
            x = MARGIN;
            y += 42 * PX;
        }
        sheet.left(caption, CAPTION, MUTED, x, y);
        sheet.left(
            value,
            font,
            if alarming { ALARM } else { INK },
            x,
            y + 17 * PX,
        );
        x += wide + 30 * PX;
    }
    let y = y + 38 * PX;
    match header.lost.as_deref().map(clean) {
        Some(lost) => incomplete(&lost, sheet, y) + 14 * PX,
        None => y,
    }
}

fn facts(timeline: &Timeline) -> Vec<(&'static str, String, bool)> {
    let header = &timeline.header;
    let hidden: usize = timeline.hidden.iter().map(|(_, count)| *count).sum();
    let mut facts = vec![("recorded", header.duration.to_string(), false)];
    if timeline.from.0 > 0 || timeline.to < header.duration {
        facts.push((
            "shown",
            format!("{} to {}", timeline.from, timeline.to),
            false,
        ));
    }
    let tasks = grouped(header.tasks as u64);
    match &timeline.filter {
        None => facts.push(("tasks", tasks, false)),
        Some(filter) => {
            let matching = grouped(filter.matching as u64);
            facts.push(("filter", clean(&filter.text), false));
            facts.push(("tasks that match", format!("{matching} of {tasks}"), false));
            if filter.findings_left_out > 0 {
                let n = grouped(filter.findings_left_out as u64);
                facts.push(("findings left out", n, false));
            }
        }
    }
    if hidden > 0 {
        facts.push(("tasks without a row", grouped(hidden as u64), false));
    }
    facts.push(("events", grouped(header.events), false));
    match header.lost {
        // That may be no more than an end: of a program that still runs, say.
        Some(_) => facts.push(("complete", "no, see below".to_owned(), true)),
        None => facts.push(("lost", "nothing".to_owned(), false)),
    }
    let tool = clean(&header.tool);
    if !tool.is_empty() {
        facts.push(("drawn by", tool, false));
    }
    facts
}

/// The warning that something is missing; returns where it ends.
fn incomplete(lost: &str, sheet: &mut Sheet, top: i32) -> i32 {
    let (text, right) = (MARGIN + 42 * PX, WIDTH - MARGIN - 14 * PX);
    let title = "The trace is incomplete";
    let lines = wrap(lost, BODY, right - text, 4);
    let height = 18 * PX * (1 + count(&lines)) + 16 * PX;
    let brush = Brush::solid(WARNING_TINT).outlined(WARNING_LINE, PX);
    sheet.plate((MARGIN, top), (WIDTH - MARGIN, top + height), 6 * PX, brush);
    sheet.warning(
        (MARGIN + 22 * PX, top + 18 * PX),
        10 * PX,
        RGBColor(0x9a, 0x67, 0x00),
    );
    let mut y = top + 17 * PX;
    sheet.left(title, BODY_BOLD, INK, text, y);
    for line in lines {
        y += 18 * PX;
        sheet.left(line, BODY, INK, text, y);
    }
    top + height
}

/// How many lines there are; they were wrapped into a handful.
fn count<T>(lines: &[T]) -> i32 {
    i32::try_from(lines.len()).unwrap_or(i32::MAX)
}

/// Writes a panel for each of the first findings; returns where they end.
pub(super) fn findings(timeline: &Timeline, sheet: &mut Sheet, top: i32) -> i32 {
    let mut y = top;
    let several = timeline.findings.len() > 1;
    for (n, finding) in timeline.findings.iter().take(MOST_FINDINGS).enumerate() {
        y = panel(finding, several.then_some(n + 1), sheet, y) + 12 * PX;
    }
    let more = timeline.findings.len().saturating_sub(MOST_FINDINGS);
    if more > 0 {
        let plural = if more == 1 { "" } else { "s" };
        sheet.left(
            format!("and {} more finding{plural}", grouped(more as u64)),
            BODY_BOLD,
            ALARM,
            MARGIN,
            y + 4 * PX,
        );
        y += 24 * PX;
    }
    y
}

fn panel(finding: &FindingNote, number: Option<usize>, sheet: &mut Sheet, top: i32) -> i32 {
    let text = MARGIN + 46 * PX;
    let right = WIDTH - MARGIN - 18 * PX;
    let headline = wrap(
        &clean(&finding.headline),
        HEADLINE,
        right - text,
        MOST_LINES,
    );
    let mut lines: Vec<(Option<String>, String)> = Vec::new();
    let indent = 22 * PX;
    for (n, fact) in finding.facts.iter().take(MOST_FACTS).enumerate() {
        for (line, words) in wrap(&clean(fact), BODY, right - text - indent, 2)
            .into_iter()
            .enumerate()
        {
            lines.push(((line == 0).then(|| (n + 1).to_string()), words));
        }
    }
    let more = finding.facts.len().saturating_sub(MOST_FACTS);
    if more > 0 {
        lines.push((None, format!("and {} more", grouped(more as u64))));
    }
    let advice_at = text + width("advice", BODY_BOLD) + 10 * PX;
    let advice = wrap(&clean(&finding.advice), BODY, right - advice_at, 4);

    let (tall, line) = (HEADLINE.line_height(), 19 * PX);
    let between = |lines: usize| if lines > 0 { 9 * PX } else { 0 };
    let height = 28 * PX
        + count(&headline) * tall
        + between(lines.len())
        + count(&lines) * line
        + between(advice.len())
        + count(&advice) * line;

    let brush = Brush::solid(ALARM_TINT).outlined(ALARM_LINE, PX);
    sheet.plate((MARGIN, top), (WIDTH - MARGIN, top + height), 6 * PX, brush);
    sheet.plate(
        (MARGIN, top),
        (MARGIN + 5 * PX, top + height),
        2 * PX,
        Brush::solid(ALARM),
    );
    let mut y = top + 14 * PX + tall / 2;
    sheet.alarm((MARGIN + 25 * PX, y), 11 * PX, number);
    for words in headline {
        sheet.left(words, HEADLINE, INK, text, y);
        y += tall;
    }
    y += between(lines.len()) - tall / 2 + line / 2;
    for (number, words) in lines {
        if let Some(number) = number {
            sheet.text(number, BODY_BOLD, ALARM, (HPos::Right, text + 10 * PX), y);
        }
        sheet.left(words, BODY, INK, text + indent, y);
        y += line;
    }
    y += between(advice.len());
    if !advice.is_empty() {
        sheet.left("advice", BODY_BOLD, ALARM, text, y);
    }
    for words in advice {
        sheet.left(words, BODY, INK, advice_at, y);
        y += line;
    }
    top + height
}

/// Writes what the marks mean; returns where that ends.
pub(super) fn legend(used: Used, sheet: &mut Sheet, top: i32) -> i32 {
    let mut place = Flow {
        x: MARGIN,
        y: top + 12 * PX,
    };
    let swatch = 30 * PX;
    for (activity, _) in ACTIVITIES
        .into_iter()
        .zip(used.activities)
        .filter(|(_, used)| *used)
    {
        let look = look(activity);
        let (x, y) = place.next(swatch, look.name);
        let base = y + BAR / 2;
        let (up, brush) = match activity {
            Activity::Stuck => (
                STUCK - 2 * PX,
                Brush::fill(look.fill).outlined(ALARM, 15 * PX / 10),
            ),
            _ => (look.height, Brush::fill(look.fill)),
        };
        let down = if activity == Activity::Stuck {
            2 * PX
        } else {
            0
        };
        sheet.plate((x, base - up), (x + swatch, base + down), 0, brush);
        sheet.left(look.name, SMALL, INK, x + swatch + 7 * PX, y);
    }
    if used.merged {
        let name = "many short polls: height is their share of time";
        let (x, y) = place.next(swatch, name);
        let base = y + BAR / 2;
        let brush = Brush::fill(look(Activity::Running).fill);
        for (n, tall) in (0..).zip([5, 9, 6, 14, 7, 5, 11, 8, 5]) {
            let x = x + PX + n * 3 * PX;
            sheet.plate((x, base - tall * PX), (x + 2 * PX, base), 0, brush);
        }
        sheet.left(name, SMALL, INK, x + swatch + 7 * PX, y);
    }
    if used.ended {
        let (x, y) = place.next(8 * PX, "the task ended");
        ended(sheet, (x + 4 * PX, y + BAR / 2));
        sheet.left("the task ended", SMALL, INK, x + 15 * PX, y);
    }
    if used.links {
        let name = "waits for what that task holds";
        let (x, y) = place.next(swatch, name);
        sheet.arrow(vec![(x + 3 * PX, y), (x + swatch, y)], INK);
        sheet.left(name, SMALL, INK, x + swatch + 7 * PX, y);
    }
    if place.x > MARGIN {
        place.y + 18 * PX
    } else {
        top
    }
}

/// The mark at the end of a task.
pub(super) fn ended(sheet: &mut Sheet, (x, base): (i32, i32)) {
    sheet.plate((x - PX, base - BAR), (x + PX, base), 0, Brush::solid(MUTED));
}

/// Swatches with their names, one after another, line after line.
struct Flow {
    x: i32,
    y: i32,
}

impl Flow {
    fn next(&mut self, swatch: i32, name: &str) -> (i32, i32) {
        let wide = swatch + 7 * PX + width(name, SMALL);
        if self.x > MARGIN && self.x + wide > WIDTH - MARGIN {
            self.x = MARGIN;
            self.y += 26 * PX;
        }
        let at = (self.x, self.y);
        self.x += wide + 22 * PX;
        at
    }
}

/// Writes which tasks have no row; returns where that ends.
pub(super) fn footer(
    timeline: &Timeline,
    links_left_out: usize,
    sheet: &mut Sheet,
    top: i32,
) -> i32 {
    const MOST_KINDS: usize = 12;
    let mut y = top;
    let mut write = |words: &str, font: Font| {
        for line in wrap(words, font, WIDTH - 2 * MARGIN, 4) {
            sheet.left(line, font, MUTED, MARGIN, y + 9 * PX);
            y += 18 * PX;
        }
    };
    let hidden: usize = timeline.hidden.iter().map(|(_, count)| *count).sum();
    if hidden > 0 {
        let kinds = timeline.hidden.iter().take(MOST_KINDS);
        let mut kinds: Vec<String> = kinds
            .map(|(name, count)| {
                let name = if name.is_empty() {
                    "without a name"
                } else {
                    name
                };
                format!(
                    "{} × {}",
                    grouped(*count as u64),
                    shorten(&clean(name), BODY, 240 * PX)
                )
            })
            .collect();
        let more = timeline.hidden.len().saturating_sub(MOST_KINDS);
        if more > 0 {
            kinds.push(format!("and {more} other kinds"));
        }
        let plural = if hidden == 1 { "task" } else { "tasks" };
        write(
            &format!(
                "and {} more {plural}: {}",
                grouped(hidden as u64),
                kinds.join(", ")
            ),
            SMALL_BOLD,
        );
    }
    if links_left_out > 0 {
        let waits = if links_left_out == 1 {
            "wait between these rows is"
        } else {
            "waits between these rows are"
        };
        write(
            &format!(
                "{} more {waits} not drawn as arrows",
                grouped(links_left_out as u64)
            ),
            SMALL,
        );
    }
    y
}
