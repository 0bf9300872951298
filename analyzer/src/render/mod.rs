//! The last stage: what was found, as pictures and text models. Plain data in, a `String` out; nothing is printed here.

mod function_graphs;
pub mod graph;
mod markup;
mod palette;
#[cfg(test)]
mod reader;
mod text;
pub mod timeline;
mod wait_graph;

pub use function_graphs::{call_graph, states_graph};
pub use palette::Theme;
pub use wait_graph::wait_graph;
