//! The graph in the language of Graphviz.
//!
//! Names stand in quoted strings only, and nodes are called `n0`, `n1`, so that no name can be a keyword or end its string. Three
//! characters have a meaning within a label and are escaped: the quote, the backslash (`\N` is the name of the node), and the
//! ampersand (`&#0;` would be a character that ends the text). Shapes and colours are those of the picture that we draw ourselves.

use super::{Graph, Line, Mark, Shape};
use crate::render::markup::Hex;
use crate::render::palette::LIGHT;
use crate::render::text::clean;

/// The graph as a DOT file.
///
/// Names may be anything. The result is the same, byte for byte, for the same graph.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut dot = String::from("digraph {\n");
    let mut header = vec![graph.title.as_str()];
    header.extend(graph.facts.iter().map(String::as_str));
    dot += &format!(
        "  graph [rankdir=LR, charset=\"UTF-8\", fontname=\"Helvetica\", fontsize=12, labelloc=t, labeljust=l, bgcolor=\"{}\", label=\"{}\"];\n",
        Hex(LIGHT.page),
        left_aligned(&header),
    );
    dot += "  node [fontname=\"Helvetica\", fontsize=11, style=filled];\n";
    dot += "  edge [fontname=\"Helvetica\", fontsize=10];\n";
    for (n, node) in graph.nodes.iter().enumerate() {
        let (shape, style) = match node.shape {
            Shape::Task => ("box", "rounded,filled"),
            Shape::Resource => ("octagon", "filled"),
            Shape::Folded => ("box3d", "filled"),
        };
        let (line, fill, width) = match node.mark {
            Mark::Plain => (LIGHT.calm, LIGHT.calm_tint, 1.0),
            Mark::Sound => (LIGHT.good, LIGHT.good_tint, 1.0),
            Mark::Waits => (LIGHT.alarm, LIGHT.alarm_tint, 1.0),
            Mark::Stuck => (LIGHT.warning, LIGHT.warning_tint, 1.5),
            Mark::Culprit => (LIGHT.alarm, LIGHT.alarm_tint, 3.0),
        };
        let lines: Vec<&str> = node.lines.iter().map(String::as_str).collect();
        dot += &format!(
            "  n{n} [label=\"{}\", shape={shape}, style=\"{style}\", color=\"{}\", fillcolor=\"{}\", penwidth={width}];\n",
            centred(&lines),
            Hex(line),
            Hex(fill),
        );
    }
    for edge in graph.sound_edges() {
        let (color, width) = match edge.mark {
            Mark::Plain => (LIGHT.calm, 1.0),
            Mark::Sound => (LIGHT.good, 1.0),
            Mark::Waits => (LIGHT.alarm, 1.0),
            Mark::Stuck => (LIGHT.warning, 1.5),
            Mark::Culprit => (LIGHT.alarm, 3.0),
        };
        let mut attributes = format!(
            "color=\"{0}\", fontcolor=\"{0}\", penwidth={width}",
            Hex(color)
        );
        if edge.line == Line::Dashed {
            attributes += ", style=dashed";
        }
        if let Some(label) = &edge.label {
            attributes += &format!(", label=\"{}\"", escape(label));
        }
        dot += &format!("  n{} -> n{} [{attributes}];\n", edge.from, edge.to);
    }
    dot + "}\n"
}

fn centred(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    lines.join("\\n")
}

fn left_aligned(lines: &[&str]) -> String {
    lines.iter().map(|line| escape(line) + "\\l").collect()
}

/// A text as a part of a label in quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in clean(text).chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_label_is_escaped() {
        assert_eq!(escape("say \"\\N\" & go"), "say \\\"\\\\N\\\" &amp; go");
        assert_eq!(escape("ends with \\"), "ends with \\\\");
        assert_eq!(escape("two\nlines\u{0}"), "two lines\u{fffd}");
        assert_eq!(escape(""), "");
    }

    #[test]
    fn an_edge_to_nowhere_is_left_out() {
        let graph = Graph {
            edges: vec![super::super::Edge {
                to: 7,
                ..Default::default()
            }],
            ..Graph::default()
        };
        assert!(!dot(&graph).contains("->"));
    }
}
