//! What was recorded is in the trace, however the program ends: real programs, in processes of their own.
//!
//! The programs are in this very binary: each is a test that does nothing unless it is started by another one, in a child process.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]
#![cfg(target_os = "linux")]

mod child;
mod disk;
mod endings;
mod kills;
