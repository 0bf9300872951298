//! The chart: axes, rows, marks, and what points at them.
//!
//! The chart is one of plotters: its axes and mesh are plotters', and the marks of the rows are elements whose points are a time and
//! a place in a row. What is written on the marks and between them was placed by [`super::plan`] in the same coordinates.

use plotters::chart::{ChartBuilder, ChartContext, LabelAreaPosition};
use plotters::coord::cartesian::Cartesian2d;
use plotters::style::Color;
use plotters::style::text_anchor::HPos;

use super::backend::{Brush, SvgBackend};
use super::cells::Cell;
use super::links::{ArrowPlan, BESIDE, WORDS};
use super::marks::{Dashes, Group, GroupEnd, Plate, Skyline};
use super::model::{Activity, Row};
use super::plan::{Chart, FLAG};
use super::preface;
use super::rows::label_font;
use super::scale::{Lane, Lanes, OVERHANG, TimeAxis};
use super::sheet::{Outcome, Page, Sheet, text_style};
use super::text::clean;
use super::theme::{
    ALARM, ALARM_TINT, BAR, CAPTION, DETAIL, HAIR, HALF, INK, LABEL_BOLD, LIFE, LINE, MARGIN,
    MUTED, NARROWEST, NARROWEST_STUCK, PAGE, PX, SIGN, SMALL, SMALL_BOLD, STUCK, TICK, WIDTH, look,
};
use crate::time::Nanos;

/// A chart of plotters over our coordinates.
type Canvas<'a> = ChartContext<'a, SvgBackend<'a>, Cartesian2d<TimeAxis, Lanes>>;
/// A corner of a mark.
type Spot = (Nanos, Lane);

/// The marks of a row, those in front last; what is stuck lies on top of them all.
const LAYERS: [Activity; 6] = [
    Activity::WaitsForOther,
    Activity::WaitsForChannel,
    Activity::WaitsForTask,
    Activity::WaitsForLock,
    Activity::Scheduled,
    Activity::Running,
];

/// How far a stuck bar reaches below the line that all bars stand on, so that its middle is theirs.
const SINK: i32 = (STUCK - BAR) / 2;

impl Chart<'_> {
    /// Draws the chart with its upper edge, axis included, at `top`.
    pub(super) fn draw(&self, page: &Page<'_>, top: i32) -> Outcome {
        let (above, below) = self.axes();
        let left = MARGIN + self.rows.column;
        // Where a place in the chart is on the page.
        let origin = (left, top + above);
        self.behind(origin).draw(page)?;

        let area = page
            .clone()
            .shrink((MARGIN, top), (WIDTH - 2 * MARGIN, self.height()));
        let mut canvas = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, self.rows.column)
            .set_label_area_size(LabelAreaPosition::Right, WIDTH - MARGIN - left - self.width)
            .set_label_area_size(LabelAreaPosition::Top, above)
            .set_label_area_size(LabelAreaPosition::Bottom, below)
            .build_cartesian_2d(self.axis, self.rows.lanes.clone())?;
        let mut mesh = canvas.configure_mesh();
        mesh.disable_y_axis()
            .light_line_style(HAIR.stroke_width(PX.unsigned_abs()))
            .bold_line_style(LINE.stroke_width(PX.unsigned_abs()))
            .axis_style(MUTED.stroke_width(PX.unsigned_abs()))
            .x_label_style(text_style(SMALL, MUTED))
            .set_all_tick_mark_size(4 * PX);
        mesh.draw()?;

        for flag in &self.flags {
            canvas.plotting_area().draw(&Dashes {
                points: [
                    (flag.since, Lane::Top(flag.top)),
                    (flag.since, Lane::Bottom),
                ],
                color: ALARM,
            })?;
        }
        for (n, row) in self.timeline.rows.iter().enumerate() {
            page.draw(&Group(clean(&format!("{} {}", row.label, row.detail))))?;
            self.names(n, row, origin).draw(page)?;
            self.marks(n, row, &canvas)?;
            page.draw(&GroupEnd)?;
        }
        self.before(origin).draw(page)
    }

    /// What lies behind the mesh: tints, and the names of groups.
    fn behind(&self, (left, top): (i32, i32)) -> Sheet {
        let mut sheet = Sheet::default();
        let edge = MARGIN - 12 * PX;
        for (row, plan) in self.timeline.rows.iter().zip(&self.rows.plans) {
            if row.stuck {
                let (y0, y1) = (top + plan.top, top + plan.bottom);
                sheet.plate((edge, y0), (WIDTH - edge, y1), 0, Brush::solid(ALARM_TINT));
                sheet.plate((edge, y0), (edge + 4 * PX, y1), 0, Brush::solid(ALARM));
            }
            if let Some((name, y)) = &plan.heading {
                sheet.left(
                    name,
                    LABEL_BOLD,
                    if row.stuck { ALARM } else { MUTED },
                    MARGIN,
                    top + y,
                );
            }
        }
        let caption = "time since start";
        sheet.text(
            caption,
            CAPTION,
            MUTED,
            (HPos::Right, left - OVERHANG - 6 * PX),
            top - 15 * PX,
        );
        if self.timeline.rows.is_empty() {
            let y = top + self.rows.lanes.height / 2;
            sheet.text(
                "no task to draw",
                SMALL,
                MUTED,
                (HPos::Center, left + self.width / 2),
                y,
            );
        }
        sheet
    }

    /// What is left of the chart in a row.
    fn names(&self, n: usize, row: &Row, (left, top): (i32, i32)) -> Sheet {
        let mut sheet = Sheet::default();
        let Some(plan) = self.rows.plans.get(n) else {
            return sheet;
        };
        let color = if row.stuck { ALARM } else { INK };
        let y = top + plan.centre;
        let right = left - 14 * PX;
        if plan.two_lines {
            sheet.left(&plan.label, label_font(row), color, MARGIN, y - 8 * PX);
            sheet.left(&plan.detail, DETAIL, MUTED, MARGIN, y + 8 * PX);
        } else {
            sheet.left(&plan.label, label_font(row), color, MARGIN, y);
            sheet.text(&plan.detail, DETAIL, MUTED, (HPos::Right, right), y);
        }
        sheet
    }

    /// What a row did.
    fn marks(&self, n: usize, row: &Row, canvas: &Canvas<'_>) -> Outcome {
        let area = canvas.plotting_area();
        let right = area.get_pixel_range().0.end - 1;
        let end = row.ended.unwrap_or(self.axis.to).min(self.axis.to);
        if row.from <= end && end >= self.axis.from {
            area.draw(&Plate {
                points: [(row.from, Lane::Row(n, PX)), (end, Lane::Row(n, 0))],
                radius: 0,
                brush: Brush::solid(LIFE),
            })?;
        }
        let cells = self.cells.get(n).map_or(&[][..], Vec::as_slice);
        for activity in LAYERS {
            area.draw(&Skyline {
                points: corners(n, cells, |cell| height(activity, cell)),
                narrowest: NARROWEST,
                right,
                brush: Brush::fill(look(activity).fill),
            })?;
        }
        let mut points = corners(n, cells, |cell| {
            if cell.has(Activity::Stuck) {
                STUCK - SINK
            } else {
                0
            }
        });
        for corner in points.iter_mut().skip(1).step_by(2) {
            corner.1 = Lane::Row(n, -SINK);
        }
        area.draw(&Skyline {
            points,
            narrowest: NARROWEST_STUCK,
            right,
            brush: Brush::fill(look(Activity::Stuck).fill).outlined(ALARM, 15 * PX / 10),
        })
    }

    /// What stands before the marks: ends, signs and words on what is stuck, flags, arrows.
    fn before(&self, (left, top): (i32, i32)) -> Sheet {
        let mut sheet = Sheet::default();
        for (row, (plan, stuck)) in self
            .timeline
            .rows
            .iter()
            .zip(self.rows.plans.iter().zip(&self.stuck))
        {
            let y = top + plan.centre;
            if let Some(at) = self.ended(row) {
                preface::ended(&mut sheet, (left + self.x(at), y + BAR / 2));
            }
            let Some(stuck) = stuck else { continue };
            let radius = 8 * PX;
            let x =
                (self.x(stuck.from) + SIGN / 2).clamp(radius, (self.width - radius).max(radius));
            sheet.alarm((left + x, y), radius, None);
            if let Some((words, across)) = &stuck.words {
                let (x0, x1) = (left + across.start, left + across.end);
                sheet.plate(
                    (x0, y - 75 * PX / 10),
                    (x1, y + 75 * PX / 10),
                    3 * PX,
                    Brush::solid(PAGE),
                );
                sheet.text(
                    words,
                    SMALL_BOLD,
                    ALARM,
                    (HPos::Center, i32::midpoint(x0, x1)),
                    y,
                );
            }
        }
        for flag in &self.flags {
            let (x0, x1, y) = (
                left + flag.across.start,
                left + flag.across.end,
                top + flag.top,
            );
            sheet.plate((x0, y), (x1, y + FLAG), 2 * PX, Brush::solid(ALARM));
            sheet.text(
                &flag.words,
                SMALL_BOLD,
                PAGE,
                (HPos::Center, i32::midpoint(x0, x1)),
                y + FLAG / 2,
            );
        }
        for arrow in &self.arrows.plans {
            self.arrow(arrow, (left, top), &mut sheet);
        }
        sheet
    }

    fn arrow(&self, arrow: &ArrowPlan, (left, top): (i32, i32), sheet: &mut Sheet) {
        let rows = &self.rows.plans;
        let (Some(from), Some(to)) = (rows.get(arrow.waiter), rows.get(arrow.holder)) else {
            return;
        };
        let (from, to) = (top + from.centre, top + to.centre);
        let loops = arrow.waiter == arrow.holder;
        let words_y = top + arrow.words_at(rows);
        let gutter = self.arrows.gutter > 0;
        let x = left + if gutter { self.width } else { 0 } + arrow.x;
        // The arrow begins at the edge of a bar, or ends there.
        let (tail, tip) = (STUCK / 2 + 4 * PX, STUCK / 2 + PX);
        let edge = left + self.width + 3 * PX;
        let points = match (gutter, loops) {
            (false, false) if to > from => vec![(x, from + tail), (x, to - tip)],
            (false, false) => vec![(x, from - tail), (x, to + tip)],
            (false, true) => vec![
                (x - 14 * PX, from + tail),
                (x - 14 * PX, words_y),
                (x, words_y),
                (x, from + tip),
            ],
            // Out of the end of one bar and into the end of the other, each in a track of its own: what comes from above, leaves upwards,
            // comes from below, leaves downwards. In this order a pair of opposite arrows lies one within the other, and neither crosses
            // an arrow that comes from further away.
            (true, false) => {
                let (leave, enter) = if to > from {
                    (9 * PX, -9 * PX)
                } else {
                    (-3 * PX, 3 * PX)
                };
                vec![
                    (edge, from + leave),
                    (x, from + leave),
                    (x, to + enter),
                    (edge, to + enter),
                ]
            }
            (true, true) => {
                let back = edge - 9 * PX;
                vec![
                    (edge, from - 3 * PX),
                    (x, from - 3 * PX),
                    (x, words_y),
                    (back, words_y),
                    (back, from + tip),
                ]
            }
        };
        sheet.arrow(points, INK);
        let (x0, x1) = (x + BESIDE, x + BESIDE + arrow.wide);
        let brush = Brush::solid(PAGE).outlined(INK, PX);
        sheet.plate(
            (x0, words_y - WORDS / 2),
            (x1, words_y + WORDS / 2),
            WORDS / 2,
            brush,
        );
        sheet.text(
            &arrow.words,
            SMALL,
            INK,
            (HPos::Center, i32::midpoint(x0, x1)),
            words_y,
        );
    }
}

/// The corners of the marks of cells, which are so tall; nothing where the height is zero.
fn corners(row: usize, cells: &[Cell], height: impl Fn(&Cell) -> i32) -> Vec<Spot> {
    let marks = cells
        .iter()
        .map(|cell| (cell, height(cell)))
        .filter(|(_, height)| *height > 0);
    marks
        .flat_map(|(cell, height)| {
            [
                (cell.from, Lane::Row(row, height)),
                (cell.to, Lane::Row(row, 0)),
            ]
        })
        .collect()
}

/// How tall the mark of `activity` is in a cell. Heights are whole pixels, so that neighbours are often equal and become one.
fn height(activity: Activity, cell: &Cell) -> i32 {
    if cell.has(Activity::Stuck) || !cell.has(activity) {
        return 0;
    }
    let running = || match (cell.has(Activity::Running), cell.merged) {
        (false, _) => 0,
        (true, false) => BAR,
        (true, true) => TICK + whole(cell.share(Activity::Running, BAR - TICK)),
    };
    match activity {
        Activity::Running => running(),
        // On top of what runs. A share too small for a pixel shows only where nothing else does.
        Activity::Scheduled if !cell.merged => HALF,
        Activity::Scheduled => match whole(cell.share(activity, HALF)) {
            0 if cell.has(Activity::Running) => 0,
            tall => running() + tall.max(3 * PX),
        }
        .min(BAR),
        _ if cell.main_wait() == Some(activity) => look(activity).height,
        _ => 0,
    }
}

fn whole(height: i32) -> i32 {
    height / PX * PX
}
