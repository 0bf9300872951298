//! The graph as an SVG file that people paste into bug reports.
//!
//! It is shown there as an image: no script runs, nothing is fetched, nobody hovers. So what matters is printed, names are shortened
//! in the middle only as far as they must be, and colours never stand alone: what is in the cycle has a thick outline and a sign, its
//! edges are thick, and it stands on a tinted panel; what is stuck behind it has a stripe at its left.

use super::boxes::{
    LABEL_LINE, LabelText, NAME, NAME_LINE, NodeText, PAD, SIGN, SMALL, SMALL_LINE, STACK,
};
use super::canvas::{Canvas, Stroke};
use super::layout::{Drawing, Link, Path, Piece, Point, Rect, lay_out};
use super::legend::legend;
use super::words::Swatch;
use super::{Edge, Graph, Line, Mark, Shape};
use crate::render::markup::PX;
use crate::render::palette::Theme;
use crate::render::text::{Font, clean, wrap};

/// Around everything.
const MARGIN: f64 = 24.0;
/// Narrower pictures would have no room for their title.
const NARROWEST: f64 = 800.0;

const TITLE: Font = Font::bold(18 * PX);
const FACT: Font = Font::sans(12 * PX);

/// The graph as the text of an SVG file.
///
/// Names may be anything and are escaped. The result is the same, byte for byte, for the same graph.
#[must_use]
pub fn svg(graph: &Graph, theme: Theme) -> String {
    let nodes: Vec<NodeText> = graph.nodes.iter().map(NodeText::new).collect();
    let edges: Vec<(&Edge, Option<LabelText>)> = graph
        .sound_edges()
        .map(|edge| {
            let label = edge.label.as_deref();
            (
                edge,
                label.and_then(|label| LabelText::new(label, edge.mark)),
            )
        })
        .collect();
    let sizes: Vec<_> = nodes.iter().map(|node| node.size).collect();
    let links: Vec<Link> = edges
        .iter()
        .map(|(edge, label)| Link {
            from: edge.from,
            to: edge.to,
            label: label.as_ref().map(|label| label.size),
            strong: edge.mark == Mark::Culprit,
        })
        .collect();
    let drawing = lay_out(&sizes, &links);

    let room = drawing.size.w.max(NARROWEST);
    let text_room = (room * f64::from(PX)) as i32;
    let title = wrap(&clean(&graph.title), TITLE, text_room, 3);
    let facts: Vec<String> = graph
        .facts
        .iter()
        .flat_map(|fact| wrap(&clean(fact), FACT, text_room, 3))
        .collect();
    let (entries, legend_height) = legend(graph, room);

    let mut canvas = Canvas {
        svg: String::new(),
        palette: theme.palette(),
        origin: Point::default(),
    };
    let head = title.len() as f64 * 25.0 + facts.len() as f64 * 18.0;
    let top = MARGIN + head + if head > 0.0 { 16.0 } else { 0.0 };
    let legend_top = top + drawing.size.h + if legend_height > 0.0 { 20.0 } else { 0.0 };
    let (width, height) = (
        room + 2.0 * MARGIN,
        legend_top + legend_height + MARGIN * 0.75,
    );
    canvas.open(width, height, &clean(&graph.title));

    let palette = canvas.palette;
    let mut y = MARGIN;
    for line in &title {
        canvas.text(line, TITLE, palette.ink, MARGIN, y + 12.0);
        y += 25.0;
    }
    for line in &facts {
        canvas.text(line, FACT, palette.muted, MARGIN, y + 8.0);
        y += 18.0;
    }
    canvas.origin = Point {
        x: (MARGIN + (room - drawing.size.w) / 2.0).round(),
        y: top,
    };
    canvas.graph(graph, &nodes, &edges, &drawing);
    canvas.origin = Point {
        x: MARGIN,
        y: legend_top,
    };
    for entry in entries {
        match entry.swatch {
            Swatch::Node(shape, mark) => canvas.outline(shape, mark, entry.rect, 4.0),
            Swatch::Edge(line, mark) => {
                let middle = entry.rect.center().y;
                let path = Path {
                    start: Point {
                        x: entry.rect.x,
                        y: middle,
                    },
                    pieces: vec![Piece::Line(Point {
                        x: entry.rect.right(),
                        y: middle,
                    })],
                };
                canvas.lines(mark, line, &[&path]);
            }
        }
        canvas.text(
            entry.means,
            SMALL,
            palette.ink,
            entry.words.0,
            entry.words.1,
        );
    }
    canvas.svg + "</svg>\n"
}

/// The parts of a graph.
impl Canvas {
    fn graph(
        &mut self,
        graph: &Graph,
        nodes: &[NodeText],
        edges: &[(&Edge, Option<LabelText>)],
        drawing: &Drawing,
    ) {
        let palette = self.palette;
        let rings: Vec<Rect> = drawing
            .rings
            .iter()
            .filter(|(nodes, _)| nodes.iter().all(|&n| graph.nodes[n].mark == Mark::Culprit))
            .map(|(_, ring)| *ring)
            .collect();
        for ring in &rings {
            self.rect(
                *ring,
                14.0,
                palette.alarm_tint,
                Some((palette.alarm_line, 1.0)),
            );
        }
        // What is wrong last, and so on top.
        for mark in [
            Mark::Plain,
            Mark::Sound,
            Mark::Waits,
            Mark::Stuck,
            Mark::Culprit,
        ] {
            for line in [Line::Solid, Line::Dashed] {
                let paths: Vec<&Path> = edges
                    .iter()
                    .zip(&drawing.routes)
                    .filter(|((edge, _), _)| (edge.mark, edge.line) == (mark, line))
                    .map(|(_, route)| &route.path)
                    .collect();
                self.lines(mark, line, &paths);
            }
        }
        for ((edge, label), route) in edges.iter().zip(&drawing.routes) {
            if let (Some(label), Some(rect)) = (label, route.label) {
                let on_panel = rings.iter().any(|ring| ring.holds(rect));
                self.label(label, edge.mark, rect, on_panel);
            }
        }
        for ((node, text), rect) in graph.nodes.iter().zip(nodes).zip(&drawing.nodes) {
            self.node(node.shape, node.mark, text, *rect);
        }
    }

    fn node(&mut self, shape: Shape, mark: Mark, text: &NodeText, rect: Rect) {
        let palette = self.palette;
        self.open_group(text.title.as_deref());
        self.outline(shape, mark, rect, 8.0);
        let front = front(shape, rect);
        let mut x = front.x + PAD;
        if mark == Mark::Culprit {
            self.sign(x + 9.0, front.center().y);
            x += SIGN;
        }
        let tall = text.name.len() as f64 * NAME_LINE + text.small.len() as f64 * SMALL_LINE;
        let mut y = front.center().y - tall / 2.0;
        for line in &text.name {
            self.text(line, NAME, palette.ink, x, y + NAME_LINE / 2.0);
            y += NAME_LINE;
        }
        for line in &text.small {
            self.text(line, SMALL, palette.muted, x, y + SMALL_LINE / 2.0);
            y += SMALL_LINE;
        }
        self.close_group();
    }

    /// A node without its text.
    fn outline(&mut self, shape: Shape, mark: Mark, rect: Rect, corner: f64) {
        let palette = self.palette;
        let (line, fill, width) = match mark {
            Mark::Plain => (palette.calm, palette.calm_tint, 1.2),
            Mark::Sound => (palette.good, palette.good_tint, 1.2),
            Mark::Waits => (palette.alarm, palette.alarm_tint, 1.2),
            Mark::Stuck => (palette.warning, palette.warning_tint, 1.4),
            Mark::Culprit => (palette.alarm, palette.page, 3.0),
        };
        let stroke = Some((line, width));
        let front = front(shape, rect);
        match shape {
            Shape::Task => self.rect(rect, corner, fill, stroke),
            Shape::Resource => self.cut(rect, corner * 1.3, fill, line, width),
            Shape::Folded => {
                let step = (rect.w - front.w) / 2.0;
                for n in [2.0, 1.0, 0.0] {
                    let behind = Rect {
                        x: front.x + n * step,
                        y: front.y - n * step,
                        ..front
                    };
                    self.rect(behind, corner * 0.5, fill, stroke);
                }
            }
        }
        if mark == Mark::Stuck {
            let inset = corner * 1.3;
            let stripe = Rect {
                x: front.x,
                y: front.y + inset,
                w: 4.5,
                h: front.h - 2.0 * inset,
            };
            self.rect(stripe, 0.0, palette.warning, None);
        }
    }

    fn label(&mut self, label: &LabelText, mark: Mark, rect: Rect, on_panel: bool) {
        let palette = self.palette;
        let ground = if on_panel {
            palette.alarm_tint
        } else {
            palette.page
        };
        let ink = match mark {
            Mark::Plain => palette.muted,
            Mark::Sound => palette.good,
            Mark::Stuck => palette.warning,
            Mark::Waits | Mark::Culprit => palette.alarm,
        };
        self.open_group(label.title.as_deref());
        self.rect(rect, 4.0, ground, None);
        for (n, line) in label.lines.iter().enumerate() {
            let y = rect.y + 2.0 + LABEL_LINE * (n as f64 + 0.5);
            self.anchored(line, label.font, ink, rect.center().x, y);
        }
        self.close_group();
    }

    /// Edges of one look, with their heads.
    fn lines(&mut self, mark: Mark, line: Line, paths: &[&Path]) {
        let palette = self.palette;
        let (color, width, head) = match mark {
            Mark::Plain => (palette.calm, 1.3, (9.0, 3.8)),
            Mark::Sound => (palette.good, 1.3, (9.0, 3.8)),
            Mark::Waits => (palette.alarm, 1.3, (9.0, 3.8)),
            Mark::Stuck => (palette.warning, 1.6, (10.0, 4.2)),
            Mark::Culprit => (palette.alarm, 3.2, (14.0, 6.5)),
        };
        let stroke = Stroke {
            color,
            width,
            dashed: line == Line::Dashed,
        };
        self.arrows(stroke, head, paths);
    }
}

/// The box of a node that its text stands in.
fn front(shape: Shape, rect: Rect) -> Rect {
    match shape {
        Shape::Folded => {
            let stack = STACK.min(rect.h / 3.0);
            Rect {
                x: rect.x,
                y: rect.y + stack,
                w: rect.w - stack,
                h: rect.h - stack,
            }
        }
        _ => rect,
    }
}
