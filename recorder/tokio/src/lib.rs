//! Tokio, recorded: all of tokio's API, under tokio's names, with the recorded forms of what a trace needs to know.
//!
//! ```toml
//! tokio = { package = "ais-tokio", path = "../ais/recorder/tokio", features = ["full"] }
//! ```
//!
//! A program that has this line in place of its `tokio` line is recorded when it runs with `AIS_TRACE=trace.ais` in its environment, and
//! does what it did before, at the price of one relaxed load per operation, when it does not. Tasks, their handles and sets, runtimes,
//! locks, channels and timers are wrapped; everything else (`net`, `fs`, `io`, `process`, `signal`, macros, errors) is tokio's own, passed
//! through. The work is done by the real tokio in any case.
//!
//! Wrapped types convert both ways, by `From`, for libraries that want tokio's own; what was unwrapped has *escaped*: the trace says so,
//! and nothing is concluded about it any more.
#![deny(unsafe_code)]

pub use real::*;

#[cfg(any(feature = "rt", feature = "sync", feature = "time"))]
mod budget;
#[cfg(any(feature = "rt", feature = "sync"))]
mod operation;
#[cfg(feature = "sync")]
mod owned;
#[cfg(feature = "rt")]
pub mod runtime;
#[cfg(any(feature = "rt", feature = "sync"))]
mod start;
#[cfg(feature = "sync")]
pub mod sync;
#[cfg(feature = "rt")]
pub mod task;
#[cfg(feature = "time")]
pub mod time;

#[cfg(feature = "rt")]
pub use task::spawn;
