//! What is written in nodes and on edges, made fit to be drawn, and the room that it takes.

use super::layout::Size;
use super::{Mark, Node, Shape};
use crate::render::markup::PX;
use crate::render::text::{Font, clean, shorten, width, wrap};

/// The name of a node.
pub(super) const NAME: Font = Font::bold(12 * PX + 5);
/// What stands below the name.
pub(super) const SMALL: Font = Font::sans(11 * PX);
/// On an edge.
const LABEL: Font = Font::sans(11 * PX);
/// On an edge of the cycle.
const LABEL_BOLD: Font = Font::bold(11 * PX);

/// From line to line, in pixels.
pub(super) const NAME_LINE: f64 = 17.0;
pub(super) const SMALL_LINE: f64 = 15.0;
pub(super) const LABEL_LINE: f64 = 14.0;

/// Between the border of a node and its text.
pub(super) const PAD: f64 = 14.0;
/// What the sign on a node takes, left of its text.
pub(super) const SIGN: f64 = 28.0;
/// How far the last box of a stack stands out behind the first.
pub(super) const STACK: f64 = 8.0;

const NAME_ROOM: i32 = 210 * PX;
const LABEL_ROOM: i32 = 128 * PX;
/// A node has no more lines of small print than this.
const MOST_LINES: usize = 6;

/// The text of a node.
pub(super) struct NodeText {
    /// The name, in bold.
    pub(super) name: Vec<String>,
    pub(super) small: Vec<String>,
    /// All of it, where the lines do not say all.
    pub(super) title: Option<String>,
    pub(super) size: Size,
}

impl NodeText {
    pub(super) fn new(node: &Node) -> NodeText {
        let lines: Vec<String> = node.lines.iter().map(|line| clean(line)).collect();
        let whole = lines.first().map_or("", String::as_str);
        let mut name = wrap(whole, NAME, NAME_ROOM, 2);
        let mut short = name.join(" ") != whole;
        if name.is_empty() {
            name.push("(no name)".to_owned());
        }
        let mut small = Vec::new();
        for line in lines.iter().skip(1).filter(|line| !line.is_empty()) {
            if small.len() == MOST_LINES {
                short = true;
                small.push("…".to_owned());
                break;
            }
            let shown = shorten(line, SMALL, NAME_ROOM);
            short |= shown != *line;
            small.push(shown);
        }
        let text = |lines: &[String], font| lines.iter().map(|line| width(line, font)).max();
        let wide = text(&name, NAME).max(text(&small, SMALL)).unwrap_or(0);
        let mut size = Size {
            w: (f64::from(wide) / f64::from(PX)).ceil() + 2.0 * PAD,
            h: name.len() as f64 * NAME_LINE + small.len() as f64 * SMALL_LINE + 18.0,
        };
        if node.mark == Mark::Culprit {
            size.w += SIGN;
        }
        size.w = size.w.max(84.0);
        size.h = size.h.max(44.0);
        if node.shape == Shape::Folded {
            size.w += STACK;
            size.h += STACK;
        }
        NodeText {
            name,
            small,
            title: short.then(|| lines.join("\n")),
            size,
        }
    }
}

/// The text on an edge.
pub(super) struct LabelText {
    pub(super) lines: Vec<String>,
    pub(super) font: Font,
    /// All of it, where the lines do not say all.
    pub(super) title: Option<String>,
    pub(super) size: Size,
}

impl LabelText {
    /// None where there is nothing to be read.
    pub(super) fn new(label: &str, mark: Mark) -> Option<LabelText> {
        let font = match mark {
            Mark::Culprit => LABEL_BOLD,
            _ => LABEL,
        };
        let whole = clean(label);
        let lines = wrap(&whole, font, LABEL_ROOM, 3);
        let wide = lines.iter().map(|line| width(line, font)).max()?;
        let title = (lines.join(" ") != whole).then_some(whole);
        Some(LabelText {
            size: Size {
                w: (f64::from(wide) / f64::from(PX)).ceil() + 10.0,
                h: lines.len() as f64 * LABEL_LINE + 4.0,
            },
            lines,
            font,
            title,
        })
    }
}
