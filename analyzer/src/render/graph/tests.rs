//! The picture as a whole: what a reader of the file sees, found in the text of the file.

mod graphviz;
mod layout;
mod samples;

use std::collections::BTreeSet;

use super::{Edge, Graph, Line, Mark, Node, Shape, dot, svg};
use crate::render::Theme;
use crate::render::reader::{Bounds, Document};
use samples::{abba, both, futurelock, random, ring, self_deadlock};

fn read(graph: &Graph) -> Document {
    Document::read(&svg(graph, Theme::Light))
}

/// Names that want to be more than text.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "</text><script>alert(1)</script>",
        "\"/><image href='http://example.org/x'/>",
        "]]>&amp;&#0;<!-- -- <?xml?>",
        "\u{202e}gnorw\u{2066}\u{0}\u{1b}[31m\u{ffff}\r\n\t",
        "ends with a backslash \\",
        "\\\" \\N \\l \\G \\",
        "\"];} digraph { a -> b [label=\"",
        "<<b>html</b>>",
        "🦀👩\u{200d}💻 名前 שלום",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
        "",
        "   ",
        "\u{0}",
    ]
    .map(str::to_owned)
    .into();
    names.push("long name ".repeat(1_000));
    names.push("W".repeat(10_000));
    names.push("\\".repeat(10_000));
    names
}

/// A graph whose every name is `name`.
fn named(name: &str) -> Graph {
    let mut graph = both(ring(2, 3), random(5, 8, 30, true, 1));
    name.clone_into(&mut graph.title);
    graph.facts = vec![name.to_owned(); 2];
    for node in &mut graph.nodes {
        node.lines = vec![name.to_owned(); 3];
    }
    for edge in &mut graph.edges {
        edge.label = Some(name.to_owned());
    }
    graph
}

/// The pictures whose layout is looked at.
fn pictures() -> Vec<(String, Graph)> {
    let mut pictures = vec![
        ("empty".to_owned(), Graph::default()),
        ("abba".to_owned(), abba()),
        ("self".to_owned(), self_deadlock()),
        ("futurelock".to_owned(), futurelock()),
        ("two".to_owned(), both(abba(), ring(3, 12))),
    ];
    for tasks in 1..=6 {
        pictures.push((format!("ring of {tasks}"), ring(tasks, 40)));
    }
    for seed in 0..12 {
        let back = (seed as usize % 3) * 15;
        pictures.push((format!("random {seed}"), random(20, 30, back, true, seed)));
    }
    for name in hostile() {
        let short: String = name.chars().take(20).collect();
        pictures.push((format!("named {short:?}"), named(&name)));
    }
    pictures
}

#[test]
fn the_same_graph_is_the_same_file_byte_for_byte() {
    for (name, graph) in pictures() {
        let again = graph.clone();
        assert_eq!(svg(&graph, Theme::Dark), svg(&again, Theme::Dark), "{name}");
        assert_eq!(dot(&graph), dot(&again), "{name}");
    }
}

#[test]
fn no_name_leaves_its_text_and_nothing_refers_to_anything_outside() {
    let expected: BTreeSet<&str> = ["svg", "title", "g", "rect", "path", "text"].into();
    for (name, graph) in pictures() {
        for element in &read(&graph).elements {
            assert!(
                expected.contains(&element.name.as_str()),
                "{name:?} became <{}>",
                element.name
            );
            for (key, value) in &element.attributes {
                assert!(
                    !key.contains("href") && !key.starts_with("on") && key != "style",
                    "{key}={value}"
                );
                assert!(!value.contains("url(") && (!value.contains("http") || key == "xmlns"));
            }
        }
    }
    let document = read(&named(&hostile()[0]));
    assert!(document.texts().any(|text| text.words == hostile()[0]));
}

#[test]
fn no_text_overlaps_another_or_leaves_the_page() {
    for (name, graph) in pictures() {
        let document = read(&graph);
        let page = document.page();
        let texts: Vec<_> = document
            .texts()
            .filter(|text| !text.words.is_empty())
            .collect();
        for (n, text) in texts.iter().enumerate() {
            assert!(page.holds(text.bounds), "{name}: {text:?} leaves {page:?}");
            for other in &texts[n + 1..] {
                assert!(
                    !text.bounds.overlaps(other.bounds),
                    "{name}: {text:?} and {other:?}"
                );
            }
        }
    }
}

#[test]
fn no_shape_leaves_the_page() {
    for (name, graph) in pictures() {
        let document = read(&graph);
        let page = document.page();
        for element in &document.elements {
            if element.name == "rect" {
                assert!(page.holds(element.rect()), "{name}: {element:?}");
            }
        }
    }
}

#[test]
fn both_themes_are_opaque() {
    for (theme, page) in [(Theme::Light, "#ffffff"), (Theme::Dark, "#0f141a")] {
        let document = Document::read(&svg(&abba(), theme));
        let first = &document.elements[2];
        assert_eq!(first.get("fill"), Some(page));
        let (rect, page) = (first.rect(), document.page());
        assert!(rect.holds(page), "{rect:?} covers {page:?}");
    }
}

/// The elements that are outlined in this colour, with the width of that.
fn outlined(document: &Document, color: &str) -> Vec<f64> {
    document
        .elements
        .iter()
        .filter(|element| element.get("stroke") == Some(color))
        .map(|element| element.number("stroke-width"))
        .collect()
}

#[test]
fn the_cycle_differs_by_width_and_sign_and_not_by_colour_alone() {
    let document = read(&abba());
    let culprit = outlined(&document, "#a42600");
    let others = [
        outlined(&document, "#9a6700"),
        outlined(&document, "#6e7883"),
    ]
    .concat();
    assert!(culprit.len() > 4);
    assert!(culprit.iter().all(|width| *width >= 3.0), "{culprit:?}");
    assert!(others.iter().all(|width| *width < 2.0), "{others:?}");
    let signs = document.elements.iter().filter(|element| {
        element.name == "path"
            && element.get("fill") == Some("#a42600")
            && element
                .get("d")
                .is_some_and(|data| data.matches('L').count() == 7)
    });
    assert_eq!(signs.count(), 4, "one for each of the cycle");
}

#[test]
fn a_ring_is_drawn_on_a_panel_that_holds_its_nodes_and_no_others() {
    let document = read(&abba());
    let panel = document
        .rects_with("stroke", "#f2c4ae")
        .next()
        .expect("a panel");
    let held = |words: &str| {
        let text = document.texts().find(|text| text.words == words);
        panel.holds(text.expect("it is drawn").bounds)
    };
    for inside in [
        "#7 transfer b→a",
        "#8 transfer a→b",
        "mutex \"a\"",
        "held by",
    ] {
        assert!(held(inside), "{inside}");
    }
    for outside in ["#9 audit", "#10 report", "queued behind #9"] {
        assert!(!held(outside), "{outside}");
    }
}

#[test]
fn what_is_not_certain_is_dashed() {
    let document = read(&ring(2, 5));
    let dashed = document
        .elements
        .iter()
        .filter(|element| element.get("stroke-dasharray").is_some());
    assert_eq!(dashed.count(), 2, "the edge and its explanation");
    assert!(
        document
            .texts()
            .any(|text| text.words == "the same, concluded: not certain")
    );
}

#[test]
fn a_long_name_is_shortened_in_the_middle_and_whole_in_the_title() {
    let name = format!("task<{}>::run at the end", "very::long::path::".repeat(9));
    let graph = Graph {
        nodes: vec![Node {
            lines: vec![name.clone()],
            ..Node::default()
        }],
        ..Graph::default()
    };
    let document = read(&graph);
    let shown: Vec<String> = document.texts().map(|text| text.words).collect();
    assert!(
        shown.iter().any(|line| line.starts_with("task<")),
        "{shown:?}"
    );
    assert!(
        shown
            .iter()
            .any(|line| line.contains('…') && line.ends_with("at the end"))
    );
    let titles = document.elements.iter().filter(|e| e.name == "title");
    assert!(titles.into_iter().any(|title| title.text == name));
}

#[test]
fn the_legend_explains_what_occurs_and_nothing_else() {
    let words = |graph: &Graph| -> BTreeSet<String> {
        read(graph).texts().map(|text| text.words).collect()
    };
    let found = words(&abba());
    for expected in [
        "in the circle: the cause",
        "A → B: A waits for B, in the circle",
        "stuck behind it",
        "lock, channel, runtime, …",
    ] {
        assert!(found.contains(expected), "{expected}");
    }
    for absent in [
        "the same, concluded: not certain",
        "several tasks that wait alike",
    ] {
        assert!(!found.contains(absent), "{absent}");
    }
    // A task that is stuck for itself is in no circle.
    let alone = Graph {
        nodes: vec![Node {
            mark: Mark::Culprit,
            ..Node::default()
        }],
        ..Graph::default()
    };
    let found = words(&alone);
    assert!(found.contains("can never go on: the cause"), "{found:?}");
    assert!(
        !found.iter().any(|words| words.contains("circle")),
        "{found:?}"
    );
    let plain = Graph {
        nodes: vec![Node::default()],
        ..Graph::default()
    };
    assert_eq!(words(&plain), BTreeSet::from(["(no name)".to_owned()]));
}

#[test]
fn an_edge_to_nowhere_is_left_out() {
    let mut graph = abba();
    let drawn = svg(&graph, Theme::Light);
    graph.edges.push(Edge {
        from: 0,
        to: 700,
        label: Some("leads nowhere".to_owned()),
        line: Line::Dashed,
        mark: Mark::Plain,
    });
    assert_eq!(svg(&graph, Theme::Light), drawn);
}

#[test]
fn the_text_of_a_node_is_within_its_box() {
    for name in hostile() {
        for shape in [Shape::Task, Shape::Resource, Shape::Folded] {
            for mark in [Mark::Plain, Mark::Stuck, Mark::Culprit] {
                let lines = [name.as_str(); 9];
                let graph = Graph {
                    nodes: vec![samples::node(shape, mark, &lines)],
                    ..Graph::default()
                };
                let size = super::boxes::NodeText::new(&graph.nodes[0]).size;
                let document = read(&graph);
                let nodes = document.texts().filter(|text| text.words.is_empty());
                assert_eq!(nodes.count(), 0, "no line is empty");
                // The only node stands at the top, in the middle of the page.
                let middle = document.page().x1 / 2.0;
                let node = Bounds {
                    x0: middle - size.w / 2.0 - 0.6,
                    y0: 24.0,
                    x1: middle + size.w / 2.0 + 0.6,
                    y1: 24.0 + size.h,
                };
                let own = document.texts().filter(|text| text.bounds.y0 < node.y1);
                let mut count = 0;
                for text in own {
                    assert!(node.holds(text.bounds), "{text:?} in {node:?}");
                    count += 1;
                }
                assert!(count > 0);
            }
        }
    }
}

#[test]
fn a_stack_of_boxes_stays_within_its_room() {
    let mut graph = Graph::default();
    for shape in [Shape::Folded, Shape::Folded, Shape::Folded] {
        graph
            .nodes
            .push(samples::node(shape, Mark::Plain, &["997 more tasks"]));
    }
    let document = read(&graph);
    let boxes: Vec<Bounds> = document.rects_with("rx", "4").collect();
    assert_eq!(boxes.len(), 9);
    for (n, one) in boxes.iter().enumerate() {
        for (m, other) in boxes.iter().enumerate() {
            assert_eq!(one.overlaps(*other), n / 3 == m / 3, "{n} and {m}");
        }
    }
}

#[test]
fn two_hundred_nodes_are_a_small_file() {
    for (back, labels) in [(0, true), (10, true), (0, false)] {
        let graph = random(200, 400, back, labels, 7);
        let size = svg(&graph, Theme::Light).len();
        assert!(size < 300_000, "{size} bytes");
    }
}
