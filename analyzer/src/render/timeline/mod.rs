//! The timeline picture: what every task did over time, for a bug report.
//!
//! Its two halves know nothing of each other. [`timeline()`] turns tasks and findings into a [`model`], plain data; [`svg()`] draws
//! that, and knows only pixels.

mod backend;
mod cells;
mod chart;
mod from_history;
mod links;
mod marks;
pub mod model;
mod plan;
mod preface;
mod rows;
mod scale;
mod sheet;
mod svg;
mod theme;

// Shared by all pictures; the modules below find it beside them.
use super::text;

pub use from_history::timeline;
pub use svg::svg;

#[cfg(test)]
mod tests;
