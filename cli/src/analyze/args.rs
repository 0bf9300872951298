//! The arguments, as they are typed.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Reads a trace that ais-recorder wrote and tells what hung, where, on what, and who holds it.
///
/// Without any report asked for it prints a summary: what this trace is, what is wrong, what to look at next. Reports can be asked
/// for together. Text and JSON go to standard output, warnings to standard error.
#[derive(Debug, Parser)]
#[command(name = "inspect-analyze", version, max_term_width = 100, after_help = EXIT)]
pub(crate) struct Args {
    /// The trace: an .ais file
    pub(crate) trace: PathBuf,

    /// Tasks that wait for each other and can never go on, with the evidence for each finding
    #[arg(long)]
    pub(crate) deadlocks: bool,

    /// Everything about one task, by number or by name (`worker` is any `…::worker`); may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) task: Vec<String>,

    /// Draw what every task did over time as an SVG picture
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) timeline: Option<PathBuf>,

    /// How reports are written
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,
}

const EXIT: &str = "\
Exit status:
  0  nothing was found
  1  the summary or --deadlocks has proven or likely findings
  2  the request or the file is unusable

Times are counted from the start of the trace. Colour is used on a terminal only, and not where NO_COLOR is set.";

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object, for scripts
    Json,
}
