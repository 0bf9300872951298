//! The two axes: time from left to right, rows from top to bottom, both as coordinate systems of plotters.
//!
//! plotters asks an axis three things: where a value lies, where the mesh goes, and what to write there. Its own axes for numbers
//! would put ticks at 0, 250000000, 500000000; [`TimeAxis`] puts them where people count time, and writes them with a unit. Rows are
//! not equally tall, so [`Lanes`] keeps a table of their edges and draws the mesh between them.

use std::ops::Range;

use plotters::coord::ranged1d::{
    DefaultFormatting, KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter,
};

use super::text::width;
use super::theme::{PX, SMALL};
use crate::time::Nanos;

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From here on times are written in minutes and hours.
const LONG: u64 = 2 * MINUTE;

/// Time, from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeAxis {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    /// The distance of two ticks.
    step: u64,
    /// How long the axis is, in tenths of a pixel.
    room: i32,
}

/// So far labels may stand out at the ends of the axis.
pub(super) const OVERHANG: i32 = 32 * PX;

impl TimeAxis {
    /// The axis from `from` to `to` with as many ticks as have room side by side in `room` tenths of a pixel.
    pub(super) fn new(from: Nanos, to: Nanos, room: i32) -> TimeAxis {
        let to = to.max(from);
        let mut axis = TimeAxis {
            from,
            to,
            step: 1,
            room,
        };
        for step in steps() {
            axis.step = step;
            let widest = axis
                .ticks()
                .map(|tick| width(&axis.label(tick), SMALL))
                .take(100)
                .max()
                .unwrap_or(0);
            let between = (i128::from(room) * i128::from(step)) / i128::from(axis.length().max(1));
            if between >= i128::from(widest + 46 * PX) {
                break;
            }
        }
        axis
    }

    /// The time that a pixel takes.
    pub(super) fn grain(&self) -> u64 {
        let pixels = u64::from((self.room / PX).max(1).unsigned_abs());
        self.length().div_ceil(pixels).max(1)
    }

    fn length(&self) -> u64 {
        self.to.since(self.from).0
    }

    fn ticks(&self) -> impl Iterator<Item = u64> {
        let first = self.from.0.div_ceil(self.step).checked_mul(self.step);
        let (last, step) = (self.to.0, self.step);
        std::iter::successors(first, move |tick| tick.checked_add(step))
            .take_while(move |tick| *tick <= last)
    }

    fn label(&self, time: u64) -> String {
        if self.to.0 >= LONG && self.step >= SECOND {
            return clock(time);
        }
        let (unit, name) = match self.to.0 {
            0..MICRO => (1, "ns"),
            MICRO..MILLI => (MICRO, "µs"),
            MILLI..SECOND => (MILLI, "ms"),
            _ => (SECOND, "s"),
        };
        let digits = std::iter::successors(Some(unit), |n| Some(n / 10))
            .take_while(|n| *n > 1 && !self.step.is_multiple_of(*n));
        let fraction = time % unit;
        match digits.count() {
            _ if time == 0 => format!("0 {name}"),
            0 => format!("{} {name}", time / unit),
            digits => {
                let fraction = format!("{fraction:0>width$}", width = unit.ilog10() as usize);
                format!("{}.{} {name}", time / unit, &fraction[..digits])
            }
        }
    }
}

/// Steps for which there is no decimal rule.
const CLOCK: [u64; 12] = [
    20 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
];

/// The steps that people count time in, each longer than the one before.
fn steps() -> impl Iterator<Item = u64> {
    let decades = |unit: u64, last: u64| {
        std::iter::successors(Some(unit), |n| n.checked_mul(10))
            .flat_map(|n| [Some(n), n.checked_mul(2), n.checked_mul(5)])
            .flatten()
            .take_while(move |n| *n <= last)
    };
    decades(1, 10 * SECOND)
        .chain(CLOCK)
        .chain(decades(DAY, u64::MAX))
}

/// Whole seconds in the units that a clock and a calendar have: `1 min 30 s`, `2 h`, `40 d`.
fn clock(time: u64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")];
    let mut rest = time;
    let mut parts = Vec::new();
    for (unit, name) in units {
        if rest >= unit {
            parts.push(format!("{} {name}", rest / unit));
            rest %= unit;
        }
    }
    if parts.is_empty() {
        "0".to_owned()
    } else {
        parts.join(" ")
    }
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = Nanos;

    fn map(&self, value: &Nanos, (left, right): (i32, i32)) -> i32 {
        let time = (*value).clamp(self.from, self.to).since(self.from).0;
        let room = i128::from(right) - i128::from(left);
        let offset = room * i128::from(time) / i128::from(self.length().max(1));
        left.saturating_add(i32::try_from(offset).unwrap_or(i32::MAX))
    }

    /// How many ticks there are was decided by their labels, which plotters' hint knows nothing of; it is asked for light lines
    /// between the labelled ones as well, and there are none.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<Nanos> {
        if hint.weight().allow_light_points() {
            return Vec::new();
        }
        let inside = |tick: &Nanos| {
            let (x, half) = (
                self.map(tick, (0, self.room)),
                width(&self.label(tick.0), SMALL) / 2,
            );
            -OVERHANG <= x - half && x + half <= self.room + OVERHANG
        };
        self.ticks().map(Nanos).filter(inside).collect()
    }

    fn range(&self) -> Range<Nanos> {
        self.from..self.to
    }
}

impl ValueFormatter<Nanos> for TimeAxis {
    fn format_ext(&self, value: &Nanos) -> String {
        self.label(value.0)
    }
}

/// A place from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// So many tenths of a pixel below the top of the chart.
    Top(i32),
    /// So many tenths of a pixel above the line on which the bars of the row stand.
    Row(usize, i32),
    /// Between the row and the one above.
    Edge(usize),
    /// Where the chart ends.
    Bottom,
}

/// The rows, from top to bottom.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    /// For each row, in tenths of a pixel from the top of the chart: where it begins, and the line on which its bars stand.
    pub(super) rows: Vec<(i32, i32)>,
    /// Where the chart ends.
    pub(super) height: i32,
}

impl Lanes {
    /// In tenths of a pixel from the top of the chart.
    pub(super) fn offset(&self, lane: Lane) -> i32 {
        match lane {
            Lane::Top(down) => down,
            Lane::Row(row, up) => self.rows.get(row).map_or(self.height, |row| row.1 - up),
            Lane::Edge(row) => self.rows.get(row).map_or(self.height, |row| row.0),
            Lane::Bottom => self.height,
        }
    }
}

impl Ranged for Lanes {
    type FormatOption = DefaultFormatting;
    type ValueType = Lane;

    fn map(&self, value: &Lane, (bottom, top): (i32, i32)) -> i32 {
        top.saturating_add(self.offset(*value)).min(bottom)
    }

    /// Lines between rows are light ones.
    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<Lane> {
        if hint.weight().allow_light_points() {
            return (0..self.rows.len()).map(Lane::Edge).collect();
        }
        Vec::new()
    }

    fn range(&self) -> Range<Lane> {
        Lane::Top(0)..Lane::Bottom
    }
}

#[cfg(test)]
mod tests {
    use plotters::coord::ranged1d::BoldPoints;

    use super::*;

    fn labels(from: u64, to: u64) -> Vec<String> {
        let axis = TimeAxis::new(Nanos(from), Nanos(to), 7_000);
        axis.key_points(BoldPoints(0))
            .iter()
            .map(|tick| axis.format_ext(tick))
            .collect()
    }

    #[test]
    fn ticks_are_round_and_carry_a_unit() {
        assert_eq!(
            labels(0, 2_500 * MILLI),
            ["0 s", "0.5 s", "1.0 s", "1.5 s", "2.0 s", "2.5 s"]
        );
        assert_eq!(
            labels(0, 999),
            ["0 ns", "200 ns", "400 ns", "600 ns", "800 ns"]
        );
        assert_eq!(labels(3 * MILLI, 4 * MILLI)[1], "3.2 ms");
        assert_eq!(labels(0, 50 * SECOND)[..4], ["0 s", "5 s", "10 s", "15 s"]);
    }

    #[test]
    fn long_times_are_counted_as_clocks_do() {
        assert_eq!(
            labels(0, 4 * MINUTE),
            ["0", "1 min", "2 min", "3 min", "4 min"]
        );
        assert_eq!(labels(HOUR, HOUR + 3 * MINUTE)[1], "1 h 1 min");
        assert_eq!(labels(0, 90 * DAY)[1], "10 d");
    }

    #[test]
    fn zoomed_in_far_from_the_start_ticks_still_differ() {
        let labels = labels(100 * SECOND, 100 * SECOND + 50 * MICRO);
        assert!(labels.len() >= 2, "{labels:?}");
        assert!(
            labels.windows(2).all(|pair| pair[0] != pair[1]),
            "{labels:?}"
        );
    }

    #[test]
    fn labels_never_touch_whatever_the_range() {
        for exponent in 0..64 {
            for factor in [1, 3, 7, 9] {
                let Some(to) = 1_u64
                    .checked_shl(exponent)
                    .and_then(|n| n.checked_mul(factor))
                else {
                    continue;
                };
                for room in [1_000, 4_000, 8_000] {
                    let axis = TimeAxis::new(Nanos(to / 3), Nanos(to), room);
                    let ticks = axis.key_points(BoldPoints(0));
                    assert!(ticks.len() < 40);
                    for pair in ticks.windows(2) {
                        let room_between =
                            axis.map(&pair[1], (0, room)) - axis.map(&pair[0], (0, room));
                        let half = |t: &Nanos| width(&axis.format_ext(t), SMALL) / 2;
                        assert!(half(&pair[0]) + half(&pair[1]) < room_between, "{pair:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_trace_without_length_has_one_tick() {
        assert_eq!(labels(0, 0), ["0 ns"]);
        let axis = TimeAxis::new(Nanos(5), Nanos(5), 7_000);
        assert_eq!(axis.map(&Nanos(5), (100, 800)), 100);
        assert_eq!(axis.grain(), 1);
    }

    #[test]
    fn a_row_that_does_not_exist_lies_at_the_bottom() {
        let lanes = Lanes {
            rows: vec![(0, 180), (220, 400)],
            height: 440,
        };
        assert_eq!(lanes.map(&Lane::Row(1, 100), (1_000, 0)), 300);
        assert_eq!(lanes.map(&Lane::Row(7, 100), (1_000, 0)), 440);
    }
}
