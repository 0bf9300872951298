//! Points, rectangles and paths. The phases of the layout see a picture that runs from left to right; whoever wants it from top to
//! bottom swaps the two axes of what comes out.

/// A place, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// How much room something takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Size {
    pub(crate) w: f64,
    pub(crate) h: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) w: f64,
    pub(crate) h: f64,
}

/// One piece of a path, from where the piece before it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Piece {
    /// A straight line to there.
    Line(Point),
    /// A cubic curve: two points that it leans to, and its end.
    Curve(Point, Point, Point),
}

/// A line that may bend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) start: Point,
    pub(crate) pieces: Vec<Piece>,
}

pub(super) fn at(x: f64, y: f64) -> Point {
    Point { x, y }
}

impl Size {
    pub(crate) fn swapped(self) -> Size {
        Size {
            w: self.h,
            h: self.w,
        }
    }
}

impl Rect {
    pub(super) fn centred(center: Point, size: Size) -> Rect {
        Rect {
            x: center.x - size.w / 2.0,
            y: center.y - size.h / 2.0,
            w: size.w,
            h: size.h,
        }
    }

    pub(crate) fn right(self) -> f64 {
        self.x + self.w
    }

    pub(crate) fn bottom(self) -> f64 {
        self.y + self.h
    }

    pub(crate) fn center(self) -> Point {
        at(self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    pub(super) fn moved(self, by: Point) -> Rect {
        Rect {
            x: self.x + by.x,
            y: self.y + by.y,
            ..self
        }
    }

    pub(super) fn swapped(self) -> Rect {
        Rect {
            x: self.y,
            y: self.x,
            w: self.h,
            h: self.w,
        }
    }

    pub(crate) fn holds(self, other: Rect) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.right() <= self.right()
            && other.bottom() <= self.bottom()
    }

    /// The least rectangle around both.
    pub(crate) fn with(self, other: Rect) -> Rect {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Rect {
            x,
            y,
            w: self.right().max(other.right()) - x,
            h: self.bottom().max(other.bottom()) - y,
        }
    }
}

impl Piece {
    pub(crate) fn end(self) -> Point {
        match self {
            Piece::Line(end) | Piece::Curve(_, _, end) => end,
        }
    }

    fn map(self, f: &impl Fn(Point) -> Point) -> Piece {
        match self {
            Piece::Line(end) => Piece::Line(f(end)),
            Piece::Curve(a, b, end) => Piece::Curve(f(a), f(b), f(end)),
        }
    }
}

impl Path {
    pub(super) fn from(start: Point) -> Path {
        Path {
            start,
            pieces: Vec::new(),
        }
    }

    pub(crate) fn end(&self) -> Point {
        self.pieces.last().map_or(self.start, |piece| piece.end())
    }

    /// Goes on straight.
    pub(super) fn line(&mut self, to: Point) {
        let from = self.end();
        if (from.x - to.x).abs() + (from.y - to.y).abs() < 1e-6 {
            return;
        }
        let before = self
            .pieces
            .len()
            .checked_sub(2)
            .map(|n| self.pieces[n].end());
        let before = before.unwrap_or(self.start);
        let level = |a: Point, b: Point| (a.y - b.y).abs() < 1e-6;
        match self.pieces.last_mut() {
            Some(Piece::Line(end)) if level(before, *end) && level(*end, to) => *end = to,
            _ => self.pieces.push(Piece::Line(to)),
        }
    }

    /// Goes on to `to`, level at both ends.
    pub(super) fn sway(&mut self, to: Point) {
        let from = self.end();
        if (from.y - to.y).abs() < 0.05 {
            self.line(to);
        } else {
            let middle = f64::midpoint(from.x, to.x);
            self.pieces
                .push(Piece::Curve(at(middle, from.y), at(middle, to.y), to));
        }
    }

    /// Goes on to `to` round the corner at `corner`.
    pub(super) fn corner(&mut self, corner: Point, to: Point) {
        let from = self.end();
        let lean = |a: Point| at(a.x + (corner.x - a.x) * 0.56, a.y + (corner.y - a.y) * 0.56);
        self.pieces.push(Piece::Curve(lean(from), lean(to), to));
    }

    /// Goes along all of these points with rounded corners.
    pub(super) fn along(points: &[Point], radius: f64) -> Path {
        let mut path = Path::from(points[0]);
        for w in points.windows(3) {
            let (a, corner, b) = (w[0], w[1], w[2]);
            let towards = |to: Point, reach: f64| {
                let (dx, dy) = (to.x - corner.x, to.y - corner.y);
                let far = dx.abs().max(dy.abs()).max(1e-9);
                let part = (radius / far).min(reach);
                at(corner.x + dx * part, corner.y + dy * part)
            };
            path.line(towards(a, 0.5));
            path.corner(corner, towards(b, 0.5));
        }
        path.line(points[points.len() - 1]);
        path
    }

    pub(super) fn join(&mut self, other: Path) {
        self.line(other.start);
        self.pieces.extend(other.pieces);
    }

    pub(super) fn reversed(&self) -> Path {
        let mut starts = vec![self.start];
        starts.extend(self.pieces.iter().map(|piece| piece.end()));
        let backwards = self.pieces.iter().zip(&starts).rev();
        Path {
            start: self.end(),
            pieces: backwards
                .map(|(piece, start)| match *piece {
                    Piece::Line(_) => Piece::Line(*start),
                    Piece::Curve(a, b, _) => Piece::Curve(b, a, *start),
                })
                .collect(),
        }
    }

    pub(super) fn map(&self, f: impl Fn(Point) -> Point) -> Path {
        Path {
            start: f(self.start),
            pieces: self.pieces.iter().map(|piece| piece.map(&f)).collect(),
        }
    }

    pub(super) fn moved(&self, by: Point) -> Path {
        self.map(|p| at(p.x + by.x, p.y + by.y))
    }

    pub(super) fn swapped(&self) -> Path {
        self.map(|p| at(p.y, p.x))
    }

    /// A rectangle that holds all of the path: it lies within the points that it leans to.
    pub(crate) fn bounds(&self) -> Rect {
        let mut points = vec![self.start];
        for piece in &self.pieces {
            match *piece {
                Piece::Line(end) => points.push(end),
                Piece::Curve(a, b, end) => points.extend([a, b, end]),
            }
        }
        let spot = |p: Point| Rect {
            x: p.x,
            y: p.y,
            w: 0.0,
            h: 0.0,
        };
        points
            .iter()
            .fold(spot(self.start), |all, p| all.with(spot(*p)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_backwards_visits_the_same_points() {
        let mut path = Path::along(&[at(0.0, 0.0), at(50.0, 0.0), at(50.0, 40.0)], 8.0);
        path.sway(at(90.0, 70.0));
        let back = path.reversed();
        assert_eq!((back.start, back.end()), (path.end(), path.start));
        assert_eq!(back.reversed(), path);
        assert_eq!(back.bounds(), path.bounds());
    }

    #[test]
    fn corners_are_rounded_within_their_legs() {
        let path = Path::along(&[at(0.0, 0.0), at(4.0, 0.0), at(4.0, 100.0)], 8.0);
        assert_eq!(path.pieces[0].end(), at(2.0, 0.0));
        assert_eq!(path.end(), at(4.0, 100.0));
    }
}
