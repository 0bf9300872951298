//! What the marks mean, for those that occur in the picture.

use super::boxes::SMALL;
use super::layout::Rect;
use super::words::{self, Swatch};
use super::{Graph, Line, Mark, Shape};
use crate::render::markup::PX;
use crate::render::text::width;

/// A mark and what it means, with the place of both.
pub(super) struct Entry {
    pub(super) swatch: Swatch,
    pub(super) means: &'static str,
    /// Of the swatch.
    pub(super) rect: Rect,
    /// Where the words begin, and their middle from top to bottom.
    pub(super) words: (f64, f64),
}

const SWATCH: (f64, f64) = (32.0, 18.0);
const ROW: f64 = 28.0;

/// The legend of a graph in rows of this width from the origin, and its height.
pub(super) fn legend(graph: &Graph, room: f64) -> (Vec<Entry>, f64) {
    let (mut x, mut y) = (0.0, 0.0);
    let mut entries = Vec::new();
    for (swatch, means) in words::meanings(graph).unwrap_or_else(|| meanings(graph)) {
        let wide = SWATCH.0 + 8.0 + f64::from(width(means, SMALL)) / f64::from(PX);
        if x > 0.0 && x + wide > room {
            (x, y) = (0.0, y + ROW);
        }
        let rect = Rect {
            x,
            y: y + (ROW - SWATCH.1) / 2.0,
            w: SWATCH.0,
            h: SWATCH.1,
        };
        entries.push(Entry {
            swatch,
            means,
            rect,
            words: (x + SWATCH.0 + 8.0, y + ROW / 2.0),
        });
        x += wide + 22.0;
    }
    let height = if entries.is_empty() { 0.0 } else { y + ROW };
    (entries, height)
}

fn meanings(graph: &Graph) -> Vec<(Swatch, &'static str)> {
    let has_shape = |shape| graph.nodes.iter().any(|node| node.shape == shape);
    let node_marked = |mark| graph.nodes.iter().any(|node| node.mark == mark);
    let edge_marked = |mark| graph.sound_edges().any(|edge| edge.mark == mark);
    let dashed = graph.sound_edges().any(|edge| edge.line == Line::Dashed);
    let plain = Mark::Plain;
    let others = graph
        .nodes
        .iter()
        .any(|node| node.shape == Shape::Task && node.mark == plain);
    let is_circle = edge_marked(Mark::Culprit);
    [
        (
            node_marked(Mark::Culprit),
            Swatch::Node(Shape::Task, Mark::Culprit),
            if is_circle {
                "in the circle: the cause"
            } else {
                "can never go on: the cause"
            },
        ),
        (
            is_circle,
            Swatch::Edge(Line::Solid, Mark::Culprit),
            "A → B: A waits for B, in the circle",
        ),
        (
            node_marked(Mark::Stuck),
            Swatch::Node(Shape::Task, Mark::Stuck),
            "stuck behind it",
        ),
        (
            others && has_shape(Shape::Resource),
            Swatch::Node(Shape::Task, plain),
            "task that is not stuck",
        ),
        (
            has_shape(Shape::Resource),
            Swatch::Node(Shape::Resource, plain),
            "lock, channel, runtime, …",
        ),
        (
            has_shape(Shape::Folded),
            Swatch::Node(Shape::Folded, plain),
            "several tasks that wait alike",
        ),
        (
            edge_marked(plain),
            Swatch::Edge(Line::Solid, plain),
            "A → B: A waits for B",
        ),
        (
            dashed,
            Swatch::Edge(Line::Dashed, plain),
            "the same, concluded: not certain",
        ),
    ]
    .into_iter()
    .filter_map(|(used, swatch, means)| used.then_some((swatch, means)))
    .collect()
}
