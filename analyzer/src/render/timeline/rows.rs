//! Where each row stands, and what is written left of it.
//!
//! A row is as tall as it needs to be: a task that ended well is a name and a bar, one that waits has a second line with the place it
//! waits at, and between two rows that an arrow joins there is room for what the arrow says. Rows of one group stand together under its name.

use super::model::{Row, Timeline};
use super::scale::Lanes;
use super::text::{clean, shorten, width};
use super::theme::{BAR, DETAIL, LABEL, LABEL_BOLD, PX, STUCK};

/// The column of names, at the least, and where name and place can stand on one line, and at the most.
const NARROWEST: i32 = 130 * PX;
const ONE_LINE: i32 = 220 * PX;
const WIDEST: i32 = 296 * PX;
/// Between the names and the chart.
pub(super) const GAP: i32 = 14 * PX;
/// Between name and place on one line.
const SPACE: i32 = 12 * PX;
/// Between two rows.
const MARGIN: i32 = 5 * PX;
/// Above the first row of a group, for its name.
const HEADING: i32 = 28 * PX;

/// A row as it will be drawn. Heights are tenths of a pixel from the top of the chart.
#[derive(Clone, Debug)]
pub(super) struct RowPlan {
    /// Fits into the column.
    pub(super) label: String,
    /// Fits into the column, beside or below the label.
    pub(super) detail: String,
    pub(super) two_lines: bool,
    /// The name of the group that begins here, and where it is written.
    pub(super) heading: Option<(String, i32)>,
    pub(super) top: i32,
    pub(super) centre: i32,
    pub(super) bottom: i32,
    /// Where the space begins and ends that arrows may write in, above and below.
    pub(super) content: (i32, i32),
}

/// All rows.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) plans: Vec<RowPlan>,
    pub(super) lanes: Lanes,
    /// The width of the names' column with the space right of it.
    pub(super) column: i32,
}

/// How wide the names' column is.
pub(super) fn column(timeline: &Timeline) -> i32 {
    let widths = timeline.rows.iter().map(|row| {
        let (label, detail) = (
            width(&clean(&row.label), label_font(row)),
            width(&clean(&row.detail), DETAIL),
        );
        let together = label + SPACE + detail;
        if together <= ONE_LINE {
            together
        } else {
            label.max(detail)
        }
    });
    widths.max().unwrap_or(0).clamp(NARROWEST, WIDEST)
}

/// Places the rows below a strip at the top of the chart. `spaces` says how much each row needs above and below itself.
pub(super) fn place(timeline: &Timeline, column: i32, strip: i32, spaces: &[(i32, i32)]) -> Rows {
    let mut plans: Vec<RowPlan> = Vec::new();
    let mut y = strip;
    let mut below = 0;
    for (n, row) in timeline.rows.iter().enumerate() {
        let font = label_font(row);
        let (label, detail) = (clean(&row.label), clean(&row.detail));
        let (space_above, space_below) = spaces.get(n).copied().unwrap_or_default();
        let above = space_above.max(MARGIN);
        let begins = n
            .checked_sub(1)
            .and_then(|n| timeline.rows.get(n))
            .map(|row| &row.group)
            != Some(&row.group);
        let heading = begins.then(|| heading(timeline, n)).flatten();
        let (top, begin) = match (&heading, plans.last_mut()) {
            (Some(_), previous) => {
                let end = y + below;
                if let Some(previous) = previous {
                    previous.bottom = end;
                }
                (end + HEADING, end + HEADING + above)
            }
            // Neighbours share the space between them.
            (None, Some(previous)) => {
                let gap = above.max(below);
                previous.bottom = y + gap / 2;
                (previous.bottom, y + gap)
            }
            (None, None) => (y, y + above),
        };

        let label = shorten(&label, font, column);
        let two_lines =
            !detail.is_empty() && width(&label, font) + SPACE + width(&detail, DETAIL) > column;
        let detail = shorten(&detail, DETAIL, column);
        let tall = if two_lines { 31 * PX } else { 18 * PX };
        let tall = if row.stuck {
            tall.max(STUCK + 4 * PX)
        } else {
            tall
        };
        y = begin + tall;
        below = space_below.max(MARGIN);
        plans.push(RowPlan {
            label,
            detail,
            two_lines,
            heading: heading.map(|name| (name, top - HEADING + 17 * PX)),
            top,
            centre: begin + tall / 2,
            bottom: y + below,
            content: (begin, y),
        });
    }
    let height = plans
        .last()
        .map_or(strip + 70 * PX, |row| row.bottom + 3 * PX);
    let lanes = Lanes {
        rows: plans
            .iter()
            .map(|row| (row.top, row.centre + BAR / 2))
            .collect(),
        height,
    };
    Rows {
        plans,
        lanes,
        column: column + GAP,
    }
}

/// The font of the name of a row.
pub(super) fn label_font(row: &Row) -> super::text::Font {
    if row.stuck { LABEL_BOLD } else { LABEL }
}

/// `stuck (3)`: the group that begins with row `n` and how many rows it has; none where the group has no name.
fn heading(timeline: &Timeline, n: usize) -> Option<String> {
    let group = &timeline.rows.get(n)?.group;
    let count = timeline
        .rows
        .iter()
        .skip(n)
        .take_while(|row| row.group == *group)
        .count();
    let name = clean(group);
    (!name.is_empty()).then(|| format!("{} ({count})", shorten(&name, LABEL_BOLD, 400 * PX)))
}
