//! Where plotters draws: a backend that writes SVG text.
//!
//! plotters comes with an SVG backend. It rounds every coordinate to a pixel, so that of a hundred thousand spans nearly all have
//! no width, and it has no groups, titles or patterns. This one takes plotters' integer coordinates as *tenths* of a pixel, writes
//! them as decimals, measures text by our own table (no font is ever opened, so the same input gives the same bytes everywhere),
//! and offers to the elements in [`super::marks`] what plotters' trait does not know: groups with a title, and shapes with patterns
//! and round corners. Whatever text passes through is escaped here, and nowhere else.

use std::convert::Infallible;
use std::fmt::{self, Write as _};

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontFamily, FontStyle,
};

use super::text::{Font, escape, width};
use super::theme::{Fill, PATTERNS, PX};
use crate::render::markup::{Hex, MONO, Px, SANS};

/// Nothing can go wrong when text is appended to a string.
pub(super) type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// How a shape is filled and outlined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brush {
    pub(super) fill: Option<Fill>,
    /// The colour and the width of the outline, in tenths of a pixel.
    pub(super) stroke: Option<(RGBColor, i32)>,
}

impl Brush {
    pub(super) fn fill(fill: Fill) -> Brush {
        Brush {
            fill: Some(fill),
            stroke: None,
        }
    }

    pub(super) fn solid(color: RGBColor) -> Brush {
        Brush::fill(Fill::Solid(color))
    }

    pub(super) fn outlined(self, color: RGBColor, width: i32) -> Brush {
        Brush {
            stroke: Some((color, width)),
            ..self
        }
    }
}

/// The document while it is being written.
pub(super) struct SvgBackend<'a> {
    svg: &'a mut String,
    size: (i32, i32),
    open: bool,
}

impl<'a> SvgBackend<'a> {
    /// Begins a document of that size (tenths of a pixel) that describes itself as `title` to those who cannot see it.
    pub(super) fn new(svg: &'a mut String, size: (i32, i32), title: &str) -> SvgBackend<'a> {
        let (w, h) = (Px(size.0), Px(size.1));
        write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" \
             font-family=\"{SANS}\">\n<title>{}</title>\n<defs>{PATTERNS}</defs>\n",
            escape(title)
        )
        .ok();
        SvgBackend {
            svg,
            size,
            open: true,
        }
    }

    pub(super) fn open_group(&mut self, title: &str) {
        self.line(format_args!("<g><title>{}</title>", escape(title)));
    }

    pub(super) fn close_group(&mut self) {
        self.line(format_args!("</g>"));
    }

    /// Draws the path `data`, in the language of SVG.
    pub(super) fn path(&mut self, data: &str, brush: Brush) {
        self.line(format_args!("<path d=\"{data}\"{}/>", Attributes(brush)));
    }

    pub(super) fn rounded_rect(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        radius: i32,
        brush: Brush,
    ) {
        let (x, y, w, h) = (
            Px(x0.min(x1)),
            Px(y0.min(y1)),
            Px((x1 - x0).abs()),
            Px((y1 - y0).abs()),
        );
        let radius = if radius > 0 {
            format!(" rx=\"{}\"", Px(radius))
        } else {
            String::new()
        };
        self.line(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{radius}{}/>",
            Attributes(brush)
        ));
    }

    pub(super) fn dashed_line(&mut self, from: BackendCoord, to: BackendCoord, color: RGBColor) {
        let ((x0, y0), (x1, y1)) = (px(from), px(to));
        self.line(format_args!(
            "<path d=\"M{x0} {y0}L{x1} {y1}\" stroke=\"{}\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>",
            Hex(color)
        ));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.svg, "{line}").ok();
    }
}

impl DrawingBackend for SvgBackend<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.size.0.unsigned_abs(), self.size.1.unsigned_abs())
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    /// Ends the document.
    fn present(&mut self) -> Drawn {
        if self.open {
            self.open = false;
            self.line(format_args!("</svg>"));
        }
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + PX, at.1 + PX), &color, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        self.rounded_rect(from, to, 0, brush(style, fill));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<BackendCoord> = path.into_iter().collect();
        // Lines of the mesh would be blurred over two pixels wherever they do not happen to hit one.
        let crisp = points
            .windows(2)
            .all(|p| p[0].0 == p[1].0 || p[0].1 == p[1].1);
        let crisp = if crisp {
            " shape-rendering=\"crispEdges\""
        } else {
            ""
        };
        let data = data_of(points);
        self.line(format_args!(
            "<path d=\"{data}\"{}{crisp}/>",
            Attributes(brush(style, false))
        ));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let (x, y) = px(center);
        let radius = Px(i32::try_from(radius).unwrap_or(i32::MAX));
        self.line(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{}/>",
            Attributes(brush(style, fill))
        ));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Drawn {
        let data = data_of(points) + "z";
        self.path(&data, brush(style, true));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let font = font(style);
        let baseline = match style.anchor().v_pos {
            VPos::Top => y + font.size * 19 / 20,
            VPos::Center => y + font.size * 7 / 20,
            VPos::Bottom => y - font.size / 4,
        };
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        let family = if font.mono {
            format!(" font-family=\"{MONO}\"")
        } else {
            String::new()
        };
        let weight = if font.bold {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let (x, baseline, size) = (Px(x), Px(baseline), Px(font.size));
        let color = Hex(color(style.color()));
        self.line(format_args!(
            "<text x=\"{x}\" y=\"{baseline}\" font-size=\"{size}\" fill=\"{color}\"{anchor}{weight}{family}>{}</text>",
            escape(text)
        ));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let font = font(style);
        Ok((
            width(text, font).unsigned_abs(),
            font.line_height().unsigned_abs(),
        ))
    }
}

fn font(style: &impl BackendTextStyle) -> Font {
    Font {
        size: style.size().round() as i32,
        bold: matches!(style.style(), FontStyle::Bold),
        mono: matches!(style.family(), FontFamily::Monospace),
    }
}

fn color(color: BackendColor) -> RGBColor {
    RGBColor(color.rgb.0, color.rgb.1, color.rgb.2)
}

fn brush(style: &impl BackendStyle, fill: bool) -> Brush {
    let color = color(style.color());
    if fill {
        return Brush::solid(color);
    }
    Brush {
        fill: None,
        stroke: Some((
            color,
            i32::try_from(style.stroke_width()).unwrap_or(i32::MAX),
        )),
    }
}

fn data_of(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut data = String::new();
    for point in points {
        let (x, y) = px(point);
        write!(data, "{}{x} {y}", if data.is_empty() { 'M' } else { 'L' }).ok();
    }
    data
}

fn px((x, y): BackendCoord) -> (Px, Px) {
    (Px(x), Px(y))
}

/// A brush as attributes of a shape.
struct Attributes(Brush);

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.fill {
            None => f.write_str(" fill=\"none\"")?,
            Some(Fill::Solid(color)) => write!(f, " fill=\"{}\"", Hex(color))?,
            Some(Fill::Pattern(id)) => write!(f, " fill=\"url(#{id})\"")?,
        }
        if let Some((color, width)) = self.0.stroke {
            write!(
                f,
                " stroke=\"{}\" stroke-width=\"{}\"",
                Hex(color),
                Px(width)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use plotters::drawing::IntoDrawingArea;
    use plotters::style::{FontDesc, TextStyle};

    use super::*;

    #[test]
    fn whatever_plotters_passes_is_escaped_and_placed_to_a_tenth() {
        let mut svg = String::new();
        {
            let area = SvgBackend::new(&mut svg, (1000, 500), "<&>").into_drawing_area();
            let style =
                TextStyle::from(FontDesc::new(FontFamily::Monospace, 105.0, FontStyle::Bold));
            area.draw_text("</text><script>", &style, (123, 200))
                .unwrap();
            area.present().unwrap();
            area.present().unwrap();
        }
        assert!(svg.contains("<title>&lt;&amp;&gt;</title>"));
        assert!(
            svg.contains("x=\"12.3\"")
                && svg.contains("font-size=\"10.5\"")
                && svg.contains("font-weight=\"bold\"")
        );
        assert!(svg.contains(">&lt;/text&gt;&lt;script&gt;</text>") && !svg.contains("<script"));
        assert_eq!(svg.matches("</svg>").count(), 1);
    }
}
