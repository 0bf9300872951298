//! A million spans become at most two marks a pixel.
//!
//! A task that is polled every microsecond has a million spans a second, and a picture has a thousand pixels. Drawing each span
//! fails twice: the file grows without bound, and what is narrower than a pixel vanishes or, worse, shows only the span that was
//! drawn last. So spans become *cells*. A span that is at least a pixel wide ("a grain", in time) is a cell of its own, with
//! its exact limits. Narrower ones are gathered, in order, until they fill a pixel or a wide one comes; such a cell knows the share of
//! every activity in it, and its mark is as tall as the share. A cell may be narrower than a pixel, where something short
//! stands alone between two wide spans; drawing gives it the least width that can be seen. So a poll of a microsecond in an hour of
//! waiting is still there.
//!
//! Cells do not sit on a grid: on one, the ends of every long span would be blurred over a whole column.

use super::model::{Activity, Span};
use super::theme::ACTIVITIES;
use crate::time::Nanos;

/// A stretch of a row that is drawn as one mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) from: Nanos,
    pub(super) to: Nanos,
    /// More than one span is in it, or one that is too narrow to be drawn as it is.
    pub(super) merged: bool,
    /// For each activity, in the order of [`ACTIVITIES`], the time in it; none where it does not occur at all (a span may have no length).
    time: [Option<u64>; ACTIVITIES.len()],
}

impl Cell {
    fn new(from: Nanos) -> Cell {
        Cell {
            from,
            to: from,
            merged: false,
            time: [None; ACTIVITIES.len()],
        }
    }

    fn add(&mut self, span: Span) {
        let time = &mut self.time[place(span.activity)];
        *time = Some(time.unwrap_or(0) + span.to.since(span.from).0);
        self.to = span.to;
    }

    /// Whether `activity` occurs, however short.
    pub(super) fn has(&self, activity: Activity) -> bool {
        self.time[place(activity)].is_some()
    }

    /// The share of the cell that `activity` takes, of `whole`: rounded down, but not to nothing where there is something.
    pub(super) fn share(&self, activity: Activity, whole: i32) -> i32 {
        let Some(time) = self.time[place(activity)] else {
            return 0;
        };
        let length = self.to.since(self.from).0;
        if length == 0 {
            return whole;
        }
        let share = u128::from(time) * u128::from(whole.unsigned_abs()) / u128::from(length);
        i32::try_from(share).unwrap_or(whole).clamp(1, whole.max(1))
    }

    /// The wait that takes the most time, if there is one.
    pub(super) fn main_wait(&self) -> Option<Activity> {
        const WAITS: [Activity; 4] = [
            Activity::WaitsForLock,
            Activity::WaitsForChannel,
            Activity::WaitsForTask,
            Activity::WaitsForOther,
        ];
        let waits = WAITS.into_iter().rev().filter(|wait| self.has(*wait));
        waits.max_by_key(|wait| self.time[place(*wait)])
    }
}

fn place(activity: Activity) -> usize {
    ACTIVITIES.iter().position(|a| *a == activity).unwrap_or(0)
}

/// The cells of a row between `from` and `to`, in order and disjoint. What lies outside is left out; `grain` is the time that a pixel takes.
pub(super) fn cells(spans: &[Span], from: Nanos, to: Nanos, grain: u64) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut pending: Option<Cell> = None;
    let mut reached = from;
    for span in spans {
        if span.to < from || span.from > to {
            continue;
        }
        // Spans are disjoint and in order; where they are not, the later one yields.
        let start = span.from.max(reached).min(to);
        let span = Span {
            from: start,
            to: span.to.min(to).max(start),
            ..*span
        };
        let length = span.to.since(span.from).0;
        if length >= grain || span.from.since(reached).0 >= grain {
            cells.extend(pending.take());
        }
        reached = span.to;
        if length >= grain {
            let mut cell = Cell::new(span.from);
            cell.add(span);
            cells.push(cell);
            continue;
        }
        let cell = pending.get_or_insert_with(|| Cell::new(span.from));
        cell.add(span);
        cell.merged = true;
        if cell.to.since(cell.from).0 >= grain {
            cells.extend(pending.take());
        }
    }
    cells.extend(pending);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Activity = Activity::Running;
    const WAIT: Activity = Activity::WaitsForOther;

    fn spans(list: &[(u64, u64, Activity)]) -> Vec<Span> {
        list.iter()
            .map(|&(from, to, activity)| Span {
                from: Nanos(from),
                to: Nanos(to),
                activity,
            })
            .collect()
    }

    fn drawn(list: &[(u64, u64, Activity)], grain: u64) -> Vec<Cell> {
        cells(&spans(list), Nanos(0), Nanos(1_000), grain)
    }

    #[test]
    fn wide_spans_keep_their_exact_limits() {
        let cells = drawn(&[(0, 333, WAIT), (333, 444, RUN), (444, 1_000, WAIT)], 100);
        let limits: Vec<(u64, u64)> = cells.iter().map(|c| (c.from.0, c.to.0)).collect();
        assert_eq!(limits, [(0, 333), (333, 444), (444, 1_000)]);
        assert!(cells.iter().all(|c| !c.merged));
    }

    #[test]
    fn a_short_poll_between_long_waits_is_not_lost() {
        let cells = drawn(&[(0, 500, WAIT), (500, 501, RUN), (501, 1_000, WAIT)], 100);
        assert_eq!(cells.len(), 3);
        assert!(cells[1].has(RUN) && cells[1].merged);
        assert_eq!(cells[1].share(RUN, 100), 100);
    }

    #[test]
    fn a_poll_without_length_is_not_lost() {
        let cells = drawn(&[(0, 500, WAIT), (500, 500, RUN), (500, 1_000, WAIT)], 100);
        assert!(cells.iter().any(|c| c.has(RUN)));
    }

    #[test]
    fn narrow_spans_share_a_cell_by_their_time() {
        let mut list = Vec::new();
        for n in 0..100 {
            list.push((n * 10, n * 10 + 1, RUN));
            list.push((n * 10 + 1, n * 10 + 10, WAIT));
        }
        let cells = drawn(&list, 100);
        assert_eq!(cells.len(), 10);
        for cell in &cells {
            assert_eq!((cell.share(RUN, 100), cell.share(WAIT, 100)), (10, 90));
            assert_eq!(cell.main_wait(), Some(WAIT));
        }
    }

    #[test]
    fn a_share_of_a_millionth_is_still_something() {
        let cells = drawn(&[(0, 1, RUN), (1, 90, WAIT)], 100);
        assert_eq!(cells[0].share(RUN, 10), 1);
    }

    #[test]
    fn gaps_that_can_be_seen_stay_gaps() {
        let cells = drawn(&[(0, 10, RUN), (500, 510, RUN)], 100);
        assert_eq!(cells.len(), 2);
        assert_eq!(cells[0].to, Nanos(10));
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        let spans = spans(&[(0, 400, WAIT), (400, 900, RUN), (900, 1_000, WAIT)]);
        let cells = cells(&spans, Nanos(500), Nanos(600), 10);
        assert_eq!(cells.len(), 1);
        assert_eq!((cells[0].from, cells[0].to), (Nanos(500), Nanos(600)));
        assert!(cells[0].has(RUN));
    }

    #[test]
    fn spans_out_of_order_never_run_backwards() {
        let cells = drawn(&[(500, 900, RUN), (100, 300, WAIT), (600, 2_000, RUN)], 10);
        assert!(cells.iter().all(|c| c.from <= c.to));
        assert!(cells.windows(2).all(|c| c[0].to <= c[1].from));
    }

    #[test]
    fn there_are_never_more_than_two_cells_a_grain() {
        let list: Vec<_> = (0..1_000)
            .map(|n| (n, n + 1, if n % 7 == 0 { RUN } else { WAIT }))
            .collect();
        for grain in [1, 3, 10, 100, 999] {
            let count = drawn(&list, grain).len() as u64;
            assert!(count <= 2 * 1_000 / grain + 2, "{count} cells of {grain}");
        }
    }
}
