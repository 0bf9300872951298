//! What marks mean in graphs that are not about waiting.

use super::{Graph, Line, Mark, Shape};

/// What a graph is about: its legend speaks of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Legend {
    /// Who waits for whom.
    #[default]
    Waits,
    /// The states of a function.
    States,
    /// Who calls whom.
    Calls,
}

/// A mark as the legend shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Swatch {
    Node(Shape, Mark),
    Edge(Line, Mark),
}

/// What the marks that occur in it mean; none where it is about waiting.
pub(super) fn meanings(graph: &Graph) -> Option<Vec<(Swatch, &'static str)>> {
    let node = |mark| (Some(mark), Swatch::Node(Shape::Task, mark));
    let arrow = (None, Swatch::Edge(Line::Solid, Mark::Plain));
    let all = match graph.legend {
        Legend::Waits => return None,
        Legend::States => vec![
            (node(Mark::Stuck), "await point where most of the time went"),
            (node(Mark::Plain), "await point where calls had to wait"),
            (node(Mark::Sound), "await point that never had to wait"),
            (arrow, "calls that went from here to there next"),
        ],
        Legend::Calls => vec![
            (
                node(Mark::Stuck),
                "▲ bottleneck: a quarter of the time or more",
            ),
            (node(Mark::Waits), "● has to be async: it waits"),
            (
                node(Mark::Sound),
                "○ never had to wait: could be a plain function",
            ),
            (arrow, "A → B: A calls B"),
        ],
    };
    let occurs = |mark: Option<Mark>| {
        let mut nodes = graph.nodes.iter();
        mark.map_or(!graph.edges.is_empty(), |mark| {
            nodes.any(|node| node.shape == Shape::Task && node.mark == mark)
        })
    };
    let used = all.into_iter().filter(|((mark, _), _)| occurs(*mark));
    Some(used.map(|((_, swatch), means)| (swatch, means)).collect())
}
