//! `inspect-analyze`: reads arguments, asks the analyzer, lays out text and chooses the exit status.

mod args;
mod json;
mod run;

use std::process::ExitCode;

use clap::Parser;

use crate::output;

/// The command's name, as it begins what it says on standard error.
const NAME: &str = "inspect-analyze";

/// The whole command, from the arguments of this process to its exit status.
pub fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(&error),
    };
    match run::run(&args) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            output::complain(NAME, &format!("{error:#}"));
            ExitCode::from(output::UNUSABLE)
        }
    }
}
