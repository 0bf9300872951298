//! What `#[trace]` makes of functions: compiled, run, and looked at through a runtime that keeps a log.

#![allow(
    clippy::unused_async,
    reason = "functions that await nothing are traced as well"
)]

#[path = "../mock/mod.rs"]
mod mock;

mod attributes;
mod awaiting_macros;
mod blocks;
mod cost;
mod forms;
mod points;
mod semantics;
mod signatures;
mod traits;
