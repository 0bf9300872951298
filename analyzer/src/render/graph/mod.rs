//! Pictures of directed graphs: who waits for whom at a moment, the states of a function, who calls whom.
//!
//! A [`Graph`] is plain data; [`svg()`] draws it for a bug report, [`dot()`] writes it for Graphviz and whoever reads its language.
//! Names are what the traced program chose: both escape them.
//!
//! # How a graph is laid out
//!
//! The picture has one main use: a few tasks and locks wait for each other in a circle, and others wait behind them. It is right
//! when the circle is seen in five seconds, and everything else looks like what it is, a stream that runs into it. So the layout is
//! made of two. What waits behind is drawn in layers, as Sugiyama, Tagawa and Toda taught: every edge runs from left to right, nodes
//! of a layer stand in one column, in the order in which edges cross least. The circle cannot be drawn so, since one of its edges
//! would run backwards past all others; so it is taken out first, drawn as a ring of two columns, and put back as a single large
//! node of its layer. The phases:
//!
//! 1. `cycles` finds the rings: shortest cycles of edges marked [`Mark::Culprit`], and parts that are a small cycle and nothing else.
//! 2. `block` places the nodes and edges of each ring; a node by itself is a block of one.
//! 3. `rank` gives each block a layer. Edges of cycles that are no rings are turned round, and drawn against the stream. What waits
//!    for the right column of a ring alone stands on its right.
//! 4. `order` puts bends into edges that pass layers, gives every label a place in a layer of its own, and reduces crossings.
//! 5. `place` moves everything up and down to where edges run level.
//! 6. `route` draws the edges. They run level within a layer, where a place is kept for them, and sway only between layers, where
//!    nothing stands. That is why no edge touches a node or a label of another, in any graph: nothing has to be checked or repaired.
//!    (Only behind the label of an edge that leads across a ring may others pass, since it runs around the ring.)
//!
//! A part that would be too wide for a page is laid out from top to bottom: the same phases, with the axes swapped. Parts that
//! nothing joins stand beside and below each other. No phase waits for something to converge: each has a budget of steps, and large
//! graphs get fewer of them and look the worse for it.
//!
//! # Why no crate does this
//!
//! Crates that lay out graphs were looked at for this. `rust-sugiyama` tells where nodes are, but neither which way the edges take nor
//! where labels fit. `layout-rs` draws rather than tells, in its own look. The ports of dagre give routes and labels, are young, and
//! rank by network simplex, whose steps nobody bounds. None can keep a cycle together as a ring, which is the point of the picture;
//! with that added around it, what remains for a crate to do is less than half.

mod boxes;
mod canvas;
mod dot;
mod layout;
mod legend;
mod svg;
mod words;

pub use dot::dot;
pub use svg::svg;
pub use words::Legend;

#[cfg(test)]
mod tests;

/// A directed graph to be drawn.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// What it shows, in a sentence.
    pub title: String,
    /// Lines under the title: trace, moment, what is hidden, what was lost, which tool drew it.
    pub facts: Vec<String>,
    /// The nodes. Order matters little, but the picture depends on nothing else.
    pub nodes: Vec<Node>,
    /// The edges. One that names a node which is not there is left out.
    pub edges: Vec<Edge>,
    /// What it is about.
    pub legend: Legend,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The name, and below it the small print: its state, its place in the source.
    pub lines: Vec<String>,
    /// What it is.
    pub shape: Shape,
    /// Its part in what is wrong.
    pub mark: Mark,
}

/// What a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Something that acts: a box with round corners.
    #[default]
    Task,
    /// Something that is held or used: a box with its corners cut off.
    Resource,
    /// Many of the same, `997 more tasks`: a stack of boxes.
    Folded,
}

/// Part in what is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// None.
    #[default]
    Plain,
    /// Nothing can be wrong with it.
    Sound,
    /// It waits, as it has to.
    Waits,
    /// It cannot go on because of something else.
    Stuck,
    /// It is the reason, as part of a cycle. A cycle of edges so marked is drawn as a ring.
    Culprit,
}

/// An edge.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// Index into [`Graph::nodes`].
    pub from: usize,
    /// Index into [`Graph::nodes`].
    pub to: usize,
    /// `waits for`, `held by`, `queued behind`.
    pub label: Option<String>,
    /// How sure it is.
    pub line: Line,
    /// Its part in what is wrong.
    pub mark: Mark,
}

/// How sure an edge is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Line {
    /// Certain.
    #[default]
    Solid,
    /// Not certain.
    Dashed,
}

impl Graph {
    /// The edges between nodes that there are, with their numbers.
    fn sound_edges(&self) -> impl Iterator<Item = &Edge> {
        let count = self.nodes.len();
        self.edges
            .iter()
            .filter(move |edge| edge.from < count && edge.to < count)
    }
}
