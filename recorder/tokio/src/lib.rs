//! Tokio, recorded.
pub use real::*;
