//! The shapes that a picture is made of, as they are written in an SVG.

use std::fmt::Write as _;

use plotters::style::RGBColor;

use super::layout::{Path, Piece, Point, Rect};
use crate::render::markup::{Hex, PX, Px, SANS};
use crate::render::palette::Palette;
use crate::render::text::{Font, escape};

/// The document while it is being written. All coordinates are pixels from `origin`.
pub(super) struct Canvas {
    pub(super) svg: String,
    pub(super) palette: &'static Palette,
    pub(super) origin: Point,
}

/// Pixels as they are written.
fn px(pixels: f64) -> Px {
    Px((pixels * f64::from(PX)).round() as i32)
}

impl Canvas {
    pub(super) fn open(&mut self, width: f64, height: f64, title: &str) {
        let (w, h) = (px(width), px(height));
        let (page, frame) = (Hex(self.palette.page), Hex(self.palette.line));
        writeln!(
            self.svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"{SANS}\">\n<title>{}</title>\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"{page}\"/>\n\
             <rect x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"none\" stroke=\"{frame}\"/>",
            escape(title),
            px(width - 1.0),
            px(height - 1.0),
        )
        .ok();
    }

    /// Opens a group with a title, if it has one.
    pub(super) fn open_group(&mut self, title: Option<&str>) {
        self.svg.push_str("<g>");
        if let Some(title) = title {
            write!(self.svg, "<title>{}</title>", escape(title)).ok();
        }
    }

    pub(super) fn close_group(&mut self) {
        self.svg.push_str("</g>\n");
    }

    /// Lines of one look with heads of this length and half this width.
    pub(super) fn arrows(&mut self, stroke: Stroke, head: (f64, f64), paths: &[&Path]) {
        if paths.is_empty() {
            return;
        }
        let dashes = if stroke.dashed {
            " stroke-dasharray=\"6 4\""
        } else {
            ""
        };
        let (color, width) = (Hex(stroke.color), px(stroke.width));
        writeln!(
            self.svg,
            "<g fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\"{dashes}>"
        )
        .ok();
        let mut heads = String::new();
        for path in paths {
            let (shaft, tip) = with_head(path, head.0);
            let data = self.data(&shaft);
            writeln!(self.svg, "<path d=\"{data}\"/>").ok();
            let (back, side) = (
                Point {
                    x: tip.end.x - tip.along.x * head.0,
                    y: tip.end.y - tip.along.y * head.0,
                },
                Point {
                    x: -tip.along.y * head.1,
                    y: tip.along.x * head.1,
                },
            );
            let corner = |by: f64| Point {
                x: back.x + by * side.x,
                y: back.y + by * side.y,
            };
            let (end, left, right) = (
                self.spot(tip.end),
                self.spot(corner(1.0)),
                self.spot(corner(-1.0)),
            );
            write!(heads, "M{end}L{left}L{right}z").ok();
        }
        writeln!(self.svg, "</g>\n<path d=\"{heads}\" fill=\"{color}\"/>").ok();
    }

    fn spot(&self, point: Point) -> String {
        let (x, y) = (px(self.origin.x + point.x), px(self.origin.y + point.y));
        format!("{x} {y}")
    }

    /// The path in the language of SVG: relative to where each piece begins, which takes half as many digits.
    fn data(&self, path: &Path) -> String {
        let tenths = |point: Point| (px(self.origin.x + point.x).0, px(self.origin.y + point.y).0);
        let mut data = format!("M{}", self.spot(path.start));
        let mut from = tenths(path.start);
        for piece in &path.pieces {
            let by = |point: Point| {
                let to = tenths(point);
                (Px(to.0 - from.0), Px(to.1 - from.1))
            };
            let (x, y) = by(piece.end());
            match *piece {
                Piece::Line(_) if y.0 == 0 => write!(data, "h{x}").ok(),
                Piece::Line(_) if x.0 == 0 => write!(data, "v{y}").ok(),
                Piece::Line(_) => write!(data, "l{x} {y}").ok(),
                Piece::Curve(a, b, _) => {
                    let (a, b) = (by(a), by(b));
                    write!(data, "c{} {} {} {} {x} {y}", a.0, a.1, b.0, b.1).ok()
                }
            };
            from = tenths(piece.end());
        }
        data
    }

    pub(super) fn rect(
        &mut self,
        rect: Rect,
        radius: f64,
        fill: RGBColor,
        stroke: Option<(RGBColor, f64)>,
    ) {
        let (x, y) = (px(self.origin.x + rect.x), px(self.origin.y + rect.y));
        write!(
            self.svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{}\"",
            px(rect.w),
            px(rect.h),
            px(radius),
            Hex(fill)
        )
        .ok();
        if let Some((color, width)) = stroke {
            let (color, width) = (Hex(color), px(width));
            write!(self.svg, " stroke=\"{color}\" stroke-width=\"{width}\"").ok();
        }
        self.svg.push_str("/>");
    }

    /// A box with its corners cut off.
    pub(super) fn cut(&mut self, rect: Rect, cut: f64, fill: RGBColor, line: RGBColor, width: f64) {
        let (start, w, h) = (
            self.spot(Point {
                x: rect.x + cut,
                y: rect.y,
            }),
            px(rect.w - 2.0 * cut),
            px(rect.h - 2.0 * cut),
        );
        let (c, back, w_back, h_back) = (
            px(cut),
            px(-cut),
            px(2.0 * cut - rect.w),
            px(2.0 * cut - rect.h),
        );
        write!(
            self.svg,
            "<path d=\"M{start}h{w}l{c} {c}v{h}l{back} {c}h{w_back}l{back} {back}v{h_back}z\" fill=\"{}\" stroke=\"{}\" \
             stroke-width=\"{}\"/>",
            Hex(fill),
            Hex(line),
            px(width)
        )
        .ok();
    }

    /// An octagon with an exclamation mark; drawn as shapes since not every font has the sign.
    pub(super) fn sign(&mut self, x: f64, y: f64) {
        let (radius, short) = (10.0, 4.1);
        let palette = self.palette;
        let corners = [
            (-short, -radius),
            (short, -radius),
            (radius, -short),
            (radius, short),
            (short, radius),
            (-short, radius),
            (-radius, short),
            (-radius, -short),
        ];
        let corners = corners.map(|(dx, dy)| {
            self.spot(Point {
                x: x + dx,
                y: y + dy,
            })
        });
        let (alarm, data) = (Hex(palette.alarm), corners.join("L"));
        write!(self.svg, "<path d=\"M{data}z\" fill=\"{alarm}\"/>").ok();
        for (top, tall) in [(-6.0, 7.5), (3.2, 3.0)] {
            let bar = Rect {
                x: x - 1.5,
                y: y + top,
                w: 3.0,
                h: tall,
            };
            self.rect(bar, 1.0, palette.page, None);
        }
    }

    /// A line of text that begins at `x`; its middle, from top to bottom, is at `y`.
    pub(super) fn text(&mut self, text: &str, font: Font, color: RGBColor, x: f64, y: f64) {
        self.write_text(text, font, color, (x, y), "");
    }

    /// A line of text around `x`.
    pub(super) fn anchored(&mut self, text: &str, font: Font, color: RGBColor, x: f64, y: f64) {
        self.write_text(text, font, color, (x, y), " text-anchor=\"middle\"");
    }

    fn write_text(
        &mut self,
        text: &str,
        font: Font,
        color: RGBColor,
        (x, y): (f64, f64),
        anchor: &str,
    ) {
        let size = f64::from(font.size) / f64::from(PX);
        let (x, baseline) = (px(self.origin.x + x), px(self.origin.y + y + size * 0.35));
        let weight = if font.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        writeln!(
            self.svg,
            "<text x=\"{x}\" y=\"{baseline}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}>{}</text>",
            Px(font.size),
            Hex(color),
            escape(text)
        )
        .ok();
    }
}

/// How lines are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stroke {
    pub(super) color: RGBColor,
    pub(super) width: f64,
    pub(super) dashed: bool,
}

/// The end of an edge, and the direction in which it gets there.
struct Tip {
    end: Point,
    along: Point,
}

/// The path without the part that its head covers.
fn with_head(path: &Path, head: f64) -> (Path, Tip) {
    let mut shaft = path.clone();
    let end = path.end();
    let count = shaft.pieces.len();
    let before = match count {
        0 | 1 => path.start,
        _ => shaft.pieces[count - 2].end(),
    };
    let from = match shaft.pieces.last() {
        Some(Piece::Curve(_, lean, _)) => *lean,
        _ => before,
    };
    let (dx, dy) = (end.x - from.x, end.y - from.y);
    let far = (dx * dx + dy * dy).sqrt();
    let along = if far > 0.0 {
        Point {
            x: dx / far,
            y: dy / far,
        }
    } else {
        Point { x: 1.0, y: 0.0 }
    };
    // Until just within the head, so that no gap shows.
    let back = |point: Point, by: f64| Point {
        x: point.x - along.x * by,
        y: point.y - along.y * by,
    };
    let covered = head - 1.0;
    match shaft.pieces.last_mut() {
        Some(Piece::Line(last)) => *last = back(end, covered.min(far)),
        Some(Piece::Curve(_, lean, last)) => {
            *lean = back(*lean, covered.min(far / 2.0));
            *last = back(end, covered);
        }
        None => {}
    }
    (shaft, Tip { end, along })
}
