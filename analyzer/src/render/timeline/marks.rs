//! The shapes of the chart, as elements of plotters.
//!
//! plotters maps their points from time and row to the page, like those of any element; what they draw then needs our own backend,
//! which knows patterns, round corners and groups.

use std::convert::Infallible;
use std::fmt::Write as _;

use plotters::element::{Drawable, PointCollection};
use plotters::style::RGBColor;
use plotters_backend::{BackendCoord, DrawingErrorKind};

use super::backend::{Brush, Drawn, SvgBackend};
use super::theme::PX;
use crate::render::markup::Px;

macro_rules! points_of {
    ($element:ident) => {
        impl<'a, C: 'a> PointCollection<'a, C> for &'a $element<C> {
            type Point = &'a C;
            type IntoIter = &'a [C];

            fn point_iter(self) -> &'a [C] {
                &self.points
            }
        }
    };
}

/// A rectangle with round corners.
pub(super) struct Plate<C> {
    pub(super) points: [C; 2],
    pub(super) radius: i32,
    pub(super) brush: Brush,
}
points_of!(Plate);

impl<C> Drawable<SvgBackend<'_>> for Plate<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut at: I,
        backend: &mut SvgBackend<'_>,
        _: (u32, u32),
    ) -> Drawn {
        if let (Some(from), Some(to)) = (at.next(), at.next()) {
            backend.rounded_rect(from, to, self.radius, self.brush);
        }
        Ok(())
    }
}

/// Bars side by side on one line, as a single shape: what a row did in one activity.
///
/// Its points come in pairs, the upper left and the lower right corner of each bar, from left to right. All of them stand on the
/// same line. A bar narrower than `narrowest` is widened (to the left at the end of the chart, so that it stays inside), but never
/// moves the ones after it.
pub(super) struct Skyline<C> {
    pub(super) points: Vec<C>,
    pub(super) narrowest: i32,
    /// Where the chart ends.
    pub(super) right: i32,
    pub(super) brush: Brush,
}
points_of!(Skyline);

impl<C> Drawable<SvgBackend<'_>> for Skyline<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        at: I,
        backend: &mut SvgBackend<'_>,
        _: (u32, u32),
    ) -> Drawn {
        let data = skyline(at, self.narrowest, self.right, self.brush.stroke.is_some());
        if !data.is_empty() {
            backend.path(&data, self.brush);
        }
        Ok(())
    }
}

/// The outline of the bars as the data of a path: up, along, down, along, each as far as it goes. Between bars it runs along the line
/// they stand on, where it encloses nothing: that takes half the bytes of shapes of their own, and there may be a hundred thousand bars.
/// Outlined bars have to be `closed`, each for itself.
fn skyline(
    mut corners: impl Iterator<Item = BackendCoord>,
    narrowest: i32,
    right: i32,
    closed: bool,
) -> String {
    let mut path = Outline::default();
    let mut last: Option<(i32, i32)> = None;
    while let (Some((x0, top)), Some((x1, bottom))) = (corners.next(), corners.next()) {
        let x1 = x1.max(x0 + narrowest).min(right.max(x1));
        let x0 = x0
            .min(x1 - narrowest)
            .max(last.map_or(i32::MIN, |(end, _)| end));
        if x0 >= x1 {
            continue;
        }
        match last {
            Some((end, base)) if base == bottom && (x0 == end || !closed) => {
                if x0 > end {
                    path.rise_to(0);
                    path.along += x0 - end;
                }
            }
            _ => {
                path.end(closed);
                write!(path.data, "M{} {}", Px(x0), Px(bottom)).ok();
            }
        }
        path.rise_to(bottom - top);
        path.along += x1 - x0;
        last = Some((x1, bottom));
    }
    path.end(closed);
    path.data
}

/// A path under way.
#[derive(Default)]
struct Outline {
    data: String,
    height: i32,
    /// How far it went on this height.
    along: i32,
}

impl Outline {
    fn rise_to(&mut self, height: i32) {
        if height == self.height {
            return;
        }
        self.flush();
        write!(self.data, "v{}", Px(self.height - height)).ok();
        self.height = height;
    }

    fn end(&mut self, closed: bool) {
        self.rise_to(0);
        if closed && !self.data.is_empty() {
            self.data.push('z');
        }
    }

    fn flush(&mut self) {
        if self.along > 0 {
            write!(self.data, "h{}", Px(self.along)).ok();
        }
        self.along = 0;
    }
}

/// A dashed line.
pub(super) struct Dashes<C> {
    pub(super) points: [C; 2],
    pub(super) color: RGBColor,
}
points_of!(Dashes);

impl<C> Drawable<SvgBackend<'_>> for Dashes<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut at: I,
        backend: &mut SvgBackend<'_>,
        _: (u32, u32),
    ) -> Drawn {
        if let (Some(from), Some(to)) = (at.next(), at.next()) {
            backend.dashed_line(from, to, self.color);
        }
        Ok(())
    }
}

/// A line along the points that begins with a dot and ends with an arrow head, set apart from what it crosses by a pale edge. All its
/// stretches are horizontal or vertical.
pub(super) struct Arrow<C> {
    pub(super) points: Vec<C>,
    pub(super) color: RGBColor,
    pub(super) edge: RGBColor,
}
points_of!(Arrow);

impl<C> Drawable<SvgBackend<'_>> for Arrow<C> {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        at: I,
        backend: &mut SvgBackend<'_>,
        _: (u32, u32),
    ) -> Drawn {
        let mut points: Vec<BackendCoord> = at.collect();
        let [.., before, tip] = points[..] else {
            return Ok(());
        };
        let (dx, dy) = ((tip.0 - before.0).signum(), (tip.1 - before.1).signum());
        let (length, half) = (7 * PX, 4 * PX);
        let base = (tip.0 - dx * length, tip.1 - dy * length);
        // The line ends within the head, so that its end does not stand out at the tip.
        if let Some(last) = points.last_mut() {
            *last = (tip.0 - dx * length / 2, tip.1 - dy * length / 2);
        }
        let head = [
            tip,
            (base.0 + dy * half, base.1 + dx * half),
            (base.0 - dy * half, base.1 - dx * half),
        ];
        let line = lines(&points);
        let head = lines(&head) + "z";
        let stroke = |width| Brush {
            fill: None,
            stroke: Some((
                if width > 2 * PX {
                    self.edge
                } else {
                    self.color
                },
                width,
            )),
        };
        backend.path(&line, stroke(4 * PX));
        backend.path(&head, Brush::solid(self.edge).outlined(self.edge, 2 * PX));
        backend.path(&line, stroke(17 * PX / 10));
        backend.path(&head, Brush::solid(self.color));
        if let Some(&(x, y)) = points.first() {
            let r = 2 * PX;
            let brush = Brush::solid(self.color).outlined(self.edge, PX);
            backend.rounded_rect((x - r, y - r), (x + r, y + r), r, brush);
        }
        Ok(())
    }
}

fn lines(points: &[BackendCoord]) -> String {
    let mut data = String::new();
    for (n, &(x, y)) in points.iter().enumerate() {
        write!(
            data,
            "{}{} {}",
            if n == 0 { 'M' } else { 'L' },
            Px(x),
            Px(y)
        )
        .ok();
    }
    data
}

/// Begins a group; whoever points at what is in it, where the picture is not shown as a mere image, reads the title.
pub(super) struct Group(pub(super) String);

/// Ends the group.
pub(super) struct GroupEnd;

macro_rules! no_points {
    ($element:ident, |$self:ident, $backend:ident| $draw:expr) => {
        impl<'a> PointCollection<'a, BackendCoord> for &'a $element {
            type Point = BackendCoord;
            type IntoIter = [BackendCoord; 0];

            fn point_iter(self) -> [BackendCoord; 0] {
                []
            }
        }

        impl Drawable<SvgBackend<'_>> for $element {
            fn draw<I: Iterator<Item = BackendCoord>>(
                &self,
                _: I,
                $backend: &mut SvgBackend<'_>,
                _: (u32, u32),
            ) -> Result<(), DrawingErrorKind<Infallible>> {
                let $self = self;
                $draw;
                Ok(())
            }
        }
    };
}
no_points!(Group, |group, backend| backend.open_group(&group.0));
no_points!(GroupEnd, |_end, backend| backend.close_group());

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(bars: &[(i32, i32, i32)]) -> String {
        let corners: Vec<BackendCoord> = bars
            .iter()
            .flat_map(|&(x0, x1, height)| [(x0, 1_000 - height), (x1, 1_000)])
            .collect();
        skyline(corners.into_iter(), 10, 900, false)
    }

    #[test]
    fn bars_that_touch_are_one_shape() {
        assert_eq!(
            outline(&[(0, 100, 50), (100, 200, 80), (200, 300, 80)]),
            "M0 100v-5h10v-3h20v8"
        );
    }

    #[test]
    fn bars_apart_are_joined_by_nothing_but_their_line() {
        assert_eq!(
            outline(&[(0, 100, 50), (200, 300, 50)]),
            "M0 100v-5h10v5h10v-5h10v5"
        );
    }

    #[test]
    fn outlined_bars_apart_are_shapes_of_their_own() {
        let corners = [(0, 950), (100, 1_000), (200, 950), (300, 1_000)];
        assert_eq!(
            skyline(corners.into_iter(), 10, 900, true),
            "M0 100v-5h10v5zM20 100v-5h10v5z"
        );
    }

    #[test]
    fn a_bar_without_width_gets_one_and_moves_nothing() {
        assert_eq!(
            outline(&[(100, 100, 50), (103, 200, 80)]),
            "M10 100v-5h1v-3h9v8"
        );
    }

    #[test]
    fn the_last_bar_grows_to_the_left_and_stays_inside() {
        assert_eq!(outline(&[(900, 900, 50)]), "M89 100v-5h1v5");
    }
}
