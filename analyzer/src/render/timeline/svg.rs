//! The timeline as an SVG file that people paste into bug reports.
//!
//! A bug report shows an SVG as an image: no script runs, nothing is fetched, nobody hovers. So everything that matters is printed:
//! what was recorded and what is missing, the finding with its evidence, what the marks mean, the scale. What goes in is the plain
//! [`Timeline`]; what comes out is one self-contained text, the same bytes for the same input on every machine.
//!
//! Who looks at it was told nothing and has five seconds. So there is one thing that is red, striped, outlined and tall, and it is
//! what is stuck; everything healthy is calm. The other modules, in the order of the work:
//!
//! - [`super::theme`] says how things look, [`super::text`] makes names fit to be drawn;
//! - [`super::plan`] decides where everything in the chart is, with [`super::rows`] (heights and names), [`super::links`] (arrows)
//!   and [`super::cells`] (a million spans in a thousand pixels);
//! - [`super::preface`] writes what stands above and below the chart on a [`super::sheet`];
//! - [`super::chart`] draws the chart with plotters, in the coordinates of [`super::scale`], with the shapes of [`super::marks`],
//!   onto our own [`super::backend`].

use plotters::drawing::IntoDrawingArea;

use super::backend::{Brush, SvgBackend};
use super::model::Timeline;
use super::plan::Chart;
use super::preface;
use super::sheet::{Outcome, Page, Sheet};
use super::text::{clean, escape};
use super::theme::{LINE, PAGE, PX, WIDTH};

/// The timeline as the text of an SVG file.
///
/// Names may be anything and are escaped. The result is the same, byte for byte, for the same timeline.
#[must_use]
pub fn svg(timeline: &Timeline) -> String {
    let chart = Chart::new(timeline);
    let mut sheet = Sheet::default();
    let top = preface::header(timeline, &mut sheet, 20 * PX);
    let top = preface::findings(timeline, &mut sheet, top);
    let top = preface::legend(chart.used(), &mut sheet, top) + 8 * PX;
    let end = top + chart.height() + 10 * PX;
    let height = preface::footer(timeline, chart.arrows.left_out, &mut sheet, end) + 14 * PX;

    let mut svg = String::new();
    let outcome = {
        let page = SvgBackend::new(&mut svg, (WIDTH, height), &title(timeline)).into_drawing_area();
        draw(&page, &sheet, &chart, top, height).and_then(|()| page.present())
    };
    if let Err(error) = outcome {
        // Writing into a string cannot fail, and plotters has no other reason to. If it finds one, the picture says so.
        let message = escape(&error.to_string());
        return format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\" height=\"40\">\
             <text x=\"20\" y=\"25\">The timeline could not be drawn: {message}</text></svg>\n"
        );
    }
    svg
}

fn draw(page: &Page<'_>, sheet: &Sheet, chart: &Chart<'_>, top: i32, height: i32) -> Outcome {
    let mut paper = Sheet::default();
    let half = PX / 2;
    let frame = Brush::solid(PAGE).outlined(LINE, PX);
    paper.plate((half, half), (WIDTH - half, height - half), 8 * PX, frame);
    paper.draw(page)?;
    sheet.draw(page)?;
    chart.draw(page, top)
}

/// What the picture says to those who cannot see it.
fn title(timeline: &Timeline) -> String {
    let headline = timeline
        .findings
        .first()
        .map(|finding| format!(": {}", finding.headline));
    let header = &timeline.header;
    clean(&format!(
        "Timeline of {} ({}){}",
        header.program,
        header.trace,
        headline.unwrap_or_default()
    ))
}
