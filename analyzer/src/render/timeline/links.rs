//! Arrows from who waits to who holds.
//!
//! A deadlock of two is two arrows between the same two rows, in opposite directions, at nearly the same time. Drawn where the waits
//! begin, they would lie on each other with their words. So every arrow gets a stretch of the chart's width for itself, its line and
//! its words, wherever another arrow runs between the same rows; those that want the same of the same task share a line. The stretch
//! begins where the wait does, or as soon after as there is room. Words stand between rows, where no bar is. Where the waits begin too
//! close to the right edge for that, as they do when a program hung and was soon killed, the arrows move to a gutter right of the
//! chart and leave from the ends of the bars.

use std::ops::Range;

use super::model::{Link, Timeline};
use super::rows::RowPlan;
use super::text::{clean, shorten, width};
use super::theme::{PX, SIGN, SMALL};

/// How tall the words of an arrow are, with their frame.
pub(super) const WORDS: i32 = 17 * PX;
/// What a row needs for them.
const ROOM: i32 = WORDS + 5 * PX;
/// From the line to the words.
pub(super) const BESIDE: i32 = 7 * PX;
/// Between the words of one arrow and the line of the next.
const APART: i32 = 10 * PX;
/// The longest words.
const LONGEST: i32 = 190 * PX;
/// The widest gutter.
const GUTTER: i32 = 330 * PX;
/// More arrows than that explain nothing.
const MOST: usize = 16;

/// An arrow in its place. Widths are tenths of a pixel from the left edge of the chart.
#[derive(Clone, Debug)]
pub(super) struct ArrowPlan {
    pub(super) waiter: usize,
    pub(super) holder: usize,
    /// `wants mutex "b"`, short enough.
    pub(super) words: String,
    /// Where the line is.
    pub(super) x: i32,
    /// The width of the words with their frame.
    pub(super) wide: i32,
}

impl ArrowPlan {
    /// The spaces between rows that it runs through; space `n` is the one below row `n`.
    fn spaces(&self) -> Range<usize> {
        let (upper, lower) = (self.waiter.min(self.holder), self.waiter.max(self.holder));
        upper..lower.max(upper + 1)
    }

    /// The rows that it crosses.
    fn crossed(&self) -> Range<usize> {
        self.spaces().start + 1..self.spaces().end
    }

    /// Whether both want the same of the same task and come from the same side, so that one line can serve both.
    fn joins(&self, other: &ArrowPlan) -> bool {
        self.holder == other.holder
            && self.words == other.words
            && self.waiter.cmp(&self.holder) == other.waiter.cmp(&other.holder)
    }

    /// The stretch that belongs to it.
    fn stretch(&self) -> Range<i32> {
        self.x - 5 * PX..self.x + BESIDE + self.wide
    }

    /// Where the middle of its words is, from the top of the chart: in the space beside the waiter, on the way to the holder.
    pub(super) fn words_at(&self, rows: &[RowPlan]) -> i32 {
        let Some(row) = rows.get(self.waiter) else {
            return 0;
        };
        if self.holder < self.waiter {
            row.content.0 - ROOM / 2
        } else {
            row.content.1 + ROOM / 2
        }
    }
}

/// All arrows.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrows {
    pub(super) plans: Vec<ArrowPlan>,
    /// The width of the gutter; zero where the arrows stand in the chart.
    pub(super) gutter: i32,
    /// Waits for which no arrow found a place.
    pub(super) left_out: usize,
}

/// The links between rows that exist.
fn valid(timeline: &Timeline) -> Vec<&Link> {
    let exists = |row: usize| row < timeline.rows.len();
    timeline
        .links
        .iter()
        .filter(|link| exists(link.waiter) && exists(link.holder))
        .collect()
}

/// What each row needs above and below itself for the words of its arrows.
pub(super) fn spaces(rows: usize, arrows: &Arrows) -> Vec<(i32, i32)> {
    let mut spaces = vec![(0, 0); rows];
    for arrow in &arrows.plans {
        let Some(space) = spaces.get_mut(arrow.waiter) else {
            continue;
        };
        if arrow.holder < arrow.waiter {
            space.0 = ROOM;
        } else {
            space.1 = ROOM;
        }
    }
    spaces
}

/// Places the arrows. `start` tells where in the chart a wait begins, `taken` which stretch of a row has words on it already, `right` is
/// where the chart ends.
pub(super) fn place(
    timeline: &Timeline,
    start: impl Fn(&Link) -> i32,
    taken: impl Fn(usize) -> Option<Range<i32>>,
    right: i32,
) -> Arrows {
    let waits = valid(timeline);
    let too_many = waits.len().saturating_sub(MOST);
    let mut lines: Vec<Line> = Vec::new();
    for wait in waits.into_iter().take(MOST) {
        let arrow = unplaced(wait);
        let begin = start(wait) + SIGN;
        match lines.iter_mut().find(|line| line.longest.joins(&arrow)) {
            Some(line) => line.join(arrow, begin),
            None => lines.push(Line::new(arrow, begin)),
        }
    }
    // Inner arrows first, so that those around them run outside.
    lines.sort_by_key(|line| {
        (
            line.longest.spaces().len(),
            line.longest.holder <= line.longest.waiter,
            line.longest.waiter,
        )
    });

    let mut placed: Vec<ArrowPlan> = Vec::new();
    for line in &lines {
        placed.push(settle(line.longest.clone(), line.begin, &placed, &taken));
    }
    let (gutter, left_out) = if placed
        .iter()
        .all(|arrow| arrow.stretch().end + 6 * PX <= right)
    {
        (0, too_many)
    } else {
        placed.clear();
        let mut left_out = too_many;
        lines.retain(|line| {
            let arrow = settle(line.longest.clone(), 18 * PX, &placed, |_| None);
            let fits = arrow.stretch().end <= GUTTER;
            if fits {
                placed.push(arrow);
            } else {
                left_out += line.arrows.len();
            }
            fits
        });
        (
            placed
                .iter()
                .map(|arrow| arrow.stretch().end)
                .max()
                .unwrap_or(0),
            left_out,
        )
    };
    let at = |(mut line, placed): (Line, ArrowPlan)| {
        // The longest first: drawn over it, the tails of the others can be seen.
        line.arrows
            .sort_by_key(|arrow| std::cmp::Reverse(arrow.spaces().len()));
        line.arrows.into_iter().map(move |arrow| ArrowPlan {
            x: placed.x,
            ..arrow
        })
    };
    Arrows {
        plans: lines.into_iter().zip(placed).flat_map(at).collect(),
        gutter,
        left_out,
    }
}

/// The arrow of a link, at no place yet.
fn unplaced(link: &Link) -> ArrowPlan {
    let words = shorten(&clean(&format!("wants {}", link.what)), SMALL, LONGEST);
    ArrowPlan {
        waiter: link.waiter,
        holder: link.holder,
        x: 0,
        wide: width(&words, SMALL) + 12 * PX,
        words,
    }
}

/// Arrows that share a line: ten tasks behind one mutex are one line with ten tails.
struct Line {
    arrows: Vec<ArrowPlan>,
    /// The one that comes from furthest away: where it fits, all do.
    longest: ArrowPlan,
    /// Where the last of the waits begins.
    begin: i32,
}

impl Line {
    fn new(arrow: ArrowPlan, begin: i32) -> Line {
        Line {
            arrows: vec![arrow.clone()],
            longest: arrow,
            begin,
        }
    }

    fn join(&mut self, arrow: ArrowPlan, begin: i32) {
        self.begin = self.begin.max(begin);
        if arrow.spaces().len() > self.longest.spaces().len() {
            self.longest = arrow.clone();
        }
        self.arrows.push(arrow);
    }
}

/// The arrow at the first place from `x` on where it runs through no words, and shares no space with another.
fn settle(
    mut arrow: ArrowPlan,
    begin: i32,
    others: &[ArrowPlan],
    taken: impl Fn(usize) -> Option<Range<i32>>,
) -> ArrowPlan {
    let spaces = arrow.spaces();
    let meets =
        |other: &&ArrowPlan| other.spaces().start < spaces.end && spaces.start < other.spaces().end;
    let mut obstacles: Vec<Range<i32>> = arrow.crossed().filter_map(taken).collect();
    obstacles.extend(others.iter().filter(meets).map(ArrowPlan::stretch));
    obstacles.sort_by_key(|taken| taken.start);
    arrow.x = begin;
    for taken in obstacles {
        let stretch = arrow.stretch();
        if taken.start < stretch.end + APART && stretch.start < taken.end + APART {
            arrow.x = arrow.x.max(taken.end + APART + 5 * PX);
        }
    }
    arrow
}
