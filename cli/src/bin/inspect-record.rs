//! `inspect-record`: runs a cargo command with its tokio recorded.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ais_cli::record::main()
}
