//! `inspect-analyze`: what hung, where, on what, and who holds it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Histories are made of many small lists, made by several threads: this allocator takes a quarter of the time off of that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ais_cli::analyze::main()
}
