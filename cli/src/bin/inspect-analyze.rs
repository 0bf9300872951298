//! `inspect-analyze`: what hung, where, on what, and who holds it.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ais_cli::analyze::main()
}
