//! The arguments of `inspect-record`, as they are typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// Runs a cargo command with every task, lock and channel of its tokio recorded, and tells what was recorded.
///
/// Nothing of the project is changed: not its manifests, not its lock file, not its target folder. In place of tokio the whole program,
/// other people's crates included, is built with a recorded tokio of the same version. The program's own input and output are
/// left alone; what this command has to say goes to standard error.
#[derive(Debug, Parser)]
#[command(name = "inspect-record", version, max_term_width = 100, after_help = MORE,
    override_usage = "inspect-record [-o FILE] cargo [+TOOLCHAIN] run|test|bench|build|check|rustc [ARGUMENTS]...")]
pub(crate) struct Args {
    /// The trace to write; one that is there is overwritten
    #[arg(short, long, value_name = "FILE", default_value = "trace.ais")]
    pub(crate) output: PathBuf,

    /// The cargo command, as you would type it without inspect-record
    #[arg(
        value_name = "COMMAND",
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

const MORE: &str = "\
Examples:
  inspect-record cargo run
  inspect-record -o hang.ais cargo run --release --bin server -- --port 8080
  inspect-record cargo test --test transfers

Every program that the command runs is told by AIS_TRACE where to write. One that starts while another is writing takes \
trace.PID.ais beside it; one that starts later overwrites the trace. So `cargo test` is best asked for one test binary (--lib, \
--test NAME).

It needs cargo 1.95 or newer (`inspect-record cargo +stable run` picks one) and a program whose lock file has tokio 1.47 or newer \
from crates.io. The recorded tokio needs a few more crates, which cargo downloads once: with --offline and --frozen they must have \
been downloaded before. --locked holds for the project's own lock file. Commands that are not cargo's own, as nextest, are refused.

Sources of the recorded tokio, lock files and build results are kept in a cache: the folder AIS_CACHE if that is set, else \
$XDG_CACHE_HOME/ais or ~/.cache/ais, on macOS ~/Library/Caches/ais, on Windows %LOCALAPPDATA%\\ais. It can be deleted at any time. \
CARGO_TARGET_DIR and --target-dir are honoured.

Exit status: that of the cargo command, by a signal where that was ended by one; 2 if it could not be run recorded.";
