//! What stands on the page outside of the coordinate system: text, panels, swatches.
//!
//! The height of a picture has to be known before its first element is drawn, and it depends on how many lines a headline takes. So
//! the parts of the page first write what they need on a sheet, top to bottom, and the sheet is drawn when the size is known. Nothing
//! is laid out twice, and a test can look at a sheet without reading SVG.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::Polygon;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, FontStyle, RGBColor, TextStyle};
use plotters_backend::BackendCoord;
use std::convert::Infallible;

use super::backend::{Brush, SvgBackend};
use super::marks::{Arrow, Plate};
use super::text::Font;
use super::theme::{ALARM, BODY_BOLD, PAGE, PX};

/// The page that plotters draws on.
pub(super) type Page<'a> = DrawingArea<SvgBackend<'a>, Shift>;
/// Whether it could.
pub(super) type Outcome = Result<(), DrawingAreaErrorKind<Infallible>>;

enum Item {
    Text {
        text: String,
        style: TextStyle<'static>,
        at: BackendCoord,
    },
    Plate(Plate<BackendCoord>),
    Polygon(Vec<BackendCoord>, RGBColor),
    Arrow(Arrow<BackendCoord>),
}

/// Things to draw, in order.
#[derive(Default)]
pub(super) struct Sheet {
    items: Vec<Item>,
}

impl Sheet {
    /// A line of text whose middle, from top to bottom, is at `y`; `x` is where it begins, ends, or has its centre.
    pub(super) fn text(
        &mut self,
        text: impl Into<String>,
        font: Font,
        color: RGBColor,
        x: (HPos, i32),
        y: i32,
    ) {
        self.items.push(Item::Text {
            text: text.into(),
            style: text_style(font, color).pos(Pos::new(x.0, VPos::Center)),
            at: (x.1, y),
        });
    }

    /// Text that begins at `x`.
    pub(super) fn left(
        &mut self,
        text: impl Into<String>,
        font: Font,
        color: RGBColor,
        x: i32,
        y: i32,
    ) {
        self.text(text, font, color, (HPos::Left, x), y);
    }

    pub(super) fn plate(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        radius: i32,
        brush: Brush,
    ) {
        self.items.push(Item::Plate(Plate {
            points: [from, to],
            radius,
            brush,
        }));
    }

    pub(super) fn polygon(&mut self, points: Vec<BackendCoord>, color: RGBColor) {
        self.items.push(Item::Polygon(points, color));
    }

    pub(super) fn arrow(&mut self, points: Vec<BackendCoord>, color: RGBColor) {
        self.items.push(Item::Arrow(Arrow {
            points,
            color,
            edge: PAGE,
        }));
    }

    /// An octagon with a number in it, or an exclamation mark; drawn as shapes since not every font has the sign.
    pub(super) fn alarm(&mut self, (x, y): BackendCoord, radius: i32, number: Option<usize>) {
        let octagon = |r: i32| {
            let s = r * 41 / 100;
            [
                (-s, -r),
                (s, -r),
                (r, -s),
                (r, s),
                (s, r),
                (-s, r),
                (-r, s),
                (-r, -s),
            ]
            .map(|(dx, dy)| (x + dx, y + dy))
            .to_vec()
        };
        self.polygon(octagon(radius + 15 * PX / 10), PAGE);
        self.polygon(octagon(radius), ALARM);
        match number {
            Some(number) => self.text(number.to_string(), BODY_BOLD, PAGE, (HPos::Center, x), y),
            None => self.exclamation((x, y), radius, PAGE),
        }
    }

    /// A triangle with an exclamation mark.
    pub(super) fn warning(&mut self, (x, y): BackendCoord, radius: i32, color: RGBColor) {
        let triangle = vec![
            (x, y - radius),
            (x + radius * 11 / 10, y + radius * 9 / 10),
            (x - radius * 11 / 10, y + radius * 9 / 10),
        ];
        self.polygon(triangle, color);
        self.exclamation((x, y + radius * 3 / 20), radius * 4 / 5, PAGE);
    }

    fn exclamation(&mut self, (x, y): BackendCoord, radius: i32, color: RGBColor) {
        let half = (radius * 3 / 20).max(8);
        let brush = Brush::solid(color);
        self.plate(
            (x - half, y - radius * 6 / 10),
            (x + half, y + radius * 2 / 10),
            half / 2,
            brush,
        );
        self.plate(
            (x - half, y + radius * 35 / 100),
            (x + half, y + radius * 35 / 100 + 2 * half),
            half,
            brush,
        );
    }

    pub(super) fn draw(&self, page: &Page<'_>) -> Outcome {
        for item in &self.items {
            match item {
                Item::Text { text, style, at } => page.draw_text(text, style, *at)?,
                Item::Plate(plate) => page.draw(plate)?,
                Item::Polygon(points, color) => page.draw(&Polygon::new(points.clone(), *color))?,
                Item::Arrow(arrow) => page.draw(arrow)?,
            }
        }
        Ok(())
    }
}

/// A font of ours in plotters' terms. Its size is in tenths of a pixel, like everything that plotters gets from us.
pub(super) fn text_style(font: Font, color: RGBColor) -> TextStyle<'static> {
    let family = if font.mono {
        FontFamily::Monospace
    } else {
        FontFamily::SansSerif
    };
    let style = if font.bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    let style = TextStyle::from(FontDesc::new(family, f64::from(font.size), style));
    TextStyle {
        color: plotters::style::Color::to_backend_color(&color),
        ..style
    }
}
