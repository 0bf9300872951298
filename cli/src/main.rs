//! `inspect-analyze`: what hung, where, on what, and who holds it.
//!
//! The command reads arguments, asks the analyzer, lays out text and chooses the exit status; everything that has to do with traces
//! is in `ais-analyzer`.
#![forbid(unsafe_code)]

mod analysis;
mod args;
mod json;
mod output;
mod run;
mod text;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors. A closed pipe while printing them is none either.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(run::UNUSABLE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run::run(&args) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            output::complain(&format!("{error:#}"));
            ExitCode::from(run::UNUSABLE)
        }
    }
}
