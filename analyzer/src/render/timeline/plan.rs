//! Everything about the chart that is decided before it is drawn.
//!
//! The order matters: names decide how wide the chart is, arrows decide whether a gutter narrows it, and only then is it known how
//! long a pixel is, and so which spans share one.

use std::ops::Range;

use plotters::coord::ranged1d::Ranged;

use super::cells::{Cell, cells};
use super::links::{self, Arrows};
use super::model::{Activity, Row, Timeline};
use super::preface::{MOST_FINDINGS, Used};
use super::rows::{self, Rows};
use super::scale::TimeAxis;
use super::text::width;
use super::theme::{ACTIVITIES, MARGIN, PX, SIGN, SMALL_BOLD, WIDTH};
use crate::time::Nanos;

/// Right of the chart, where the last label of the axis may stand out.
const RIGHT: i32 = 14 * PX;
/// How tall the flag is that says since when.
pub(super) const FLAG: i32 = 17 * PX;
/// A chart taller than this has its axis at the bottom too.
const TALL: i32 = 420 * PX;
/// So many rows are as fine as a pixel.
const FINE: usize = 64;
/// The height of an axis with its labels.
const AXIS: i32 = 27 * PX;

/// The chart, placed. Widths are tenths of a pixel from its left edge, heights from its top.
pub(super) struct Chart<'t> {
    pub(super) timeline: &'t Timeline,
    pub(super) rows: Rows,
    pub(super) arrows: Arrows,
    pub(super) axis: TimeAxis,
    pub(super) width: i32,
    /// For each row.
    pub(super) cells: Vec<Vec<Cell>>,
    /// For each row, its longest stretch of being stuck.
    pub(super) stuck: Vec<Option<Stuck>>,
    pub(super) flags: Vec<Flag>,
}

/// A stretch of being stuck, with what is written on it.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    pub(super) from: Nanos,
    /// Nothing where there is no room.
    pub(super) words: Option<(String, Range<i32>)>,
}

/// Since when something has been so.
#[derive(Clone, Debug)]
pub(super) struct Flag {
    pub(super) since: Nanos,
    pub(super) words: String,
    /// Where the words are, with their frame.
    pub(super) across: Range<i32>,
    pub(super) top: i32,
}

impl<'t> Chart<'t> {
    pub(super) fn new(timeline: &'t Timeline) -> Chart<'t> {
        let (from, to) = (timeline.from, timeline.to.max(timeline.from));
        let column = rows::column(timeline);
        let longest: Vec<Option<(Nanos, Nanos)>> = timeline
            .rows
            .iter()
            .map(|row| longest_stuck(row, from, to))
            .collect();
        let layout = |width: i32| {
            let axis = TimeAxis::new(from, to, width);
            let stuck: Vec<Option<Stuck>> = longest
                .iter()
                .map(|at| at.map(|at| with_words(at, &axis, width)))
                .collect();
            let taken = |row: usize| {
                let stuck = stuck.get(row)?.as_ref()?;
                let begin = axis.map(&stuck.from, (0, width));
                let end = stuck
                    .words
                    .as_ref()
                    .map_or(begin + SIGN, |words| words.1.end);
                Some(begin..end)
            };
            let arrows = links::place(
                timeline,
                |link| axis.map(&link.at, (0, width)),
                taken,
                width,
            );
            (axis, stuck, arrows)
        };
        let mut width = WIDTH - 2 * MARGIN - column - rows::GAP - RIGHT;
        let (mut axis, mut stuck, arrows) = layout(width);
        if arrows.gutter > 0 {
            width -= arrows.gutter - RIGHT / 2;
            (axis, stuck, _) = layout(width);
        }
        let flags = flags(timeline, &axis, width);
        let strip = flags
            .iter()
            .map(|flag| flag.top + FLAG + 4 * PX)
            .max()
            .unwrap_or(0);
        // The file stays small however many rows there are: where they are many, each is coarser.
        let grain = axis
            .grain()
            .saturating_mul(timeline.rows.len().div_ceil(FINE).max(1) as u64);
        let spaces = links::spaces(timeline.rows.len(), &arrows);
        Chart {
            timeline,
            rows: rows::place(timeline, column, strip, &spaces),
            arrows,
            axis,
            width,
            cells: timeline
                .rows
                .iter()
                .map(|row| cells(&row.spans, from, to, grain))
                .collect(),
            stuck,
            flags,
        }
    }

    /// Where `time` lies.
    pub(super) fn x(&self, time: Nanos) -> i32 {
        self.axis.map(&time, (0, self.width))
    }

    /// The heights of the axes above and below; a low chart has none below.
    pub(super) fn axes(&self) -> (i32, i32) {
        (
            AXIS,
            if self.rows.lanes.height > TALL {
                AXIS
            } else {
                0
            },
        )
    }

    /// With its axes.
    pub(super) fn height(&self) -> i32 {
        self.axes().0 + self.rows.lanes.height + self.axes().1
    }

    /// The marks that it holds.
    pub(super) fn used(&self) -> Used {
        let cells = || self.cells.iter().flatten();
        Used {
            activities: ACTIVITIES.map(|activity| cells().any(|cell| cell.has(activity))),
            merged: cells().any(|cell| cell.merged && cell.has(Activity::Running)),
            ended: self
                .timeline
                .rows
                .iter()
                .any(|row| self.ended(row).is_some()),
            links: !self.arrows.plans.is_empty(),
        }
    }

    /// When the task ended, if that is in the picture.
    pub(super) fn ended(&self, row: &Row) -> Option<Nanos> {
        row.ended
            .filter(|at| (self.axis.from..=self.axis.to).contains(at))
    }
}

/// The longest time for which the row was stuck without a break; the first one where there are several.
fn longest_stuck(row: &Row, from: Nanos, to: Nanos) -> Option<(Nanos, Nanos)> {
    let mut longest: Option<(Nanos, Nanos)> = None;
    let mut current: Option<(Nanos, Nanos)> = None;
    for span in row
        .spans
        .iter()
        .filter(|span| span.activity == Activity::Stuck)
    {
        let (begin, end) = (span.from.max(from), span.to.min(to));
        if begin > end {
            continue;
        }
        let begin = match current {
            Some((first, last)) if last == begin => first,
            _ => begin,
        };
        current = Some((begin, end));
        if longest.is_none_or(|(first, last)| end.since(begin) > last.since(first)) {
            longest = current;
        }
    }
    longest
}

fn with_words((from, to): (Nanos, Nanos), axis: &TimeAxis, room: i32) -> Stuck {
    let words = format!("stuck for {}", to.since(from));
    let begin = axis.map(&from, (0, room)) + SIGN;
    let across = begin..begin + width(&words, SMALL_BOLD) + 10 * PX;
    let fits = across.end + 6 * PX <= axis.map(&to, (0, room));
    Stuck {
        from,
        words: fits.then_some((words, across)),
    }
}

/// The flags of the first findings, in as many lines as they need.
fn flags(timeline: &Timeline, axis: &TimeAxis, room: i32) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    let several = timeline.findings.len() > 1;
    for (n, finding) in timeline.findings.iter().take(MOST_FINDINGS).enumerate() {
        if finding.since < axis.from || finding.since > axis.to {
            continue;
        }
        let words = if several {
            format!("{}: since {}", n + 1, finding.since)
        } else {
            format!("since {}", finding.since)
        };
        let wide = width(&words, SMALL_BOLD) + 12 * PX;
        let x = axis.map(&finding.since, (0, room));
        // Right of its line, or left of it where the chart ends.
        let across = if x + wide <= room {
            x..x + wide
        } else {
            x - wide..x
        };
        let mut top = 4 * PX;
        while flags.iter().any(|flag| {
            flag.top == top
                && flag.across.start < across.end + 6 * PX
                && across.start < flag.across.end + 6 * PX
        }) {
            top += FLAG + 4 * PX;
        }
        flags.push(Flag {
            since: finding.since,
            words,
            across,
            top,
        });
    }
    flags
}
