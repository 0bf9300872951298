//! The commands: `inspect-record` runs a cargo command with its tokio recorded, `inspect-analyze` reads what was recorded.
//!
//! Each binary is one call into this library, which holds arguments, text and exit codes and nothing else: everything that has to do
//! with traces is in `ais-analyzer`. The two share how text is laid out and how it gets to the terminal.
#![forbid(unsafe_code)]

mod analysis;
pub mod analyze;
mod output;
mod progress;
pub mod record;
mod text;
