//! Timers, recorded: what waits for a time to come, until when, and whether it came.
//!
//! The clock, its instants and its errors are tokio's own.

pub use real::time::*;

mod interval;
mod sleep;
mod timeout;
mod timer;

pub use interval::{Interval, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Timeout, timeout, timeout_at};
