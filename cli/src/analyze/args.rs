//! The arguments, as they are typed.

use std::path::PathBuf;

use ais_analyzer::filter::Filter;
use ais_analyzer::findings::{Kind, Thresholds};
use ais_analyzer::time::{Nanos, NoTime};
use clap::{Parser, ValueEnum};

/// Reads a trace that ais-recorder wrote and tells what hung, where, on what, and who holds it.
///
/// Without any report asked for it prints a summary: what this trace is, what is wrong, what to look at next. Reports can be asked
/// for together. Text and JSON go to standard output, warnings to standard error.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that is there or not"
)]
#[derive(Debug, Parser)]
#[command(name = "inspect-analyze", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The trace: an .ais file
    #[arg(required_unless_present = "explain")]
    pub(crate) trace: Option<PathBuf>,

    /// Explain a kind of finding, with a program that has it and how to repair it; stands alone, without a trace. Kinds:
    /// deadlock-cycle, self-deadlock, futurelock, backpressure-cycle, lost-wakeup, leaked-waiter, starvation, lock-order-inversion,
    /// long-poll, busy-loop
    #[arg(long, value_name = "KIND", value_parser = kind, exclusive = true)]
    pub(crate) explain: Option<Kind>,

    /// Tasks that wait for each other and can never go on, with the evidence for each finding
    #[arg(long)]
    pub(crate) deadlocks: bool,

    /// Every task that makes no progress, grouped by where and why; what can never go on comes first
    #[arg(long)]
    pub(crate) stuck: bool,

    /// Where time goes: how long each kind of task ran, was due to run and waited, and for what; who held the locks that others waited
    /// for; the functions; the longest polls; how busy the threads were. With percentiles, over all of the trace
    #[arg(long, conflicts_with = "at")]
    pub(crate) perf: bool,

    /// A function under `#[trace]` as the state machine that its calls went through: how long they were at each await point, where they went
    /// from there, how they ended; by name (`report` is any `…::report`), or those that took most time
    #[arg(long, value_name = "FN", num_args = 0..=1, conflicts_with = "at")]
    pub(crate) states: Option<Vec<String>>,

    /// Who calls whom, as a tree of functions under `#[trace]`: which have to be async, which never had to wait, and where the time goes
    #[arg(long, conflicts_with = "at")]
    pub(crate) call_graph: bool,

    /// Draw what --states tells of one function, or what --call-graph tells, as an SVG picture or, for Graphviz, as OUT.dot
    #[arg(long, value_name = "OUT.svg|OUT.dot")]
    pub(crate) diagram: Option<PathBuf>,

    /// What this trace lacks, so that less can be told of the program, and for each lack the one change that adds it; what matters most
    /// comes first. Of a selection, the waits of its tasks
    #[arg(long)]
    pub(crate) doctor: bool,

    /// Everything about one task, by number or by name (`worker` is any `…::worker`); may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) task: Vec<String>,

    /// Draw what every task did over time as an SVG picture
    #[arg(long, value_name = "OUT.svg")]
    pub(crate) timeline: Option<PathBuf>,

    /// Draw who waits for whom, as an SVG picture or, for Graphviz, as OUT.dot
    #[arg(long, value_name = "OUT.svg|OUT.dot")]
    pub(crate) graph: Option<PathBuf>,

    /// Show only tasks that match, and findings that have one of them: `name=worker*,state!=completed`, see below; may be given several
    /// times, and one of them has to match. Who waits for whom is judged over all tasks
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Vec<Filter>,

    /// Report what was so at this time (`1.5s`, `320ms`, `+2m` after the start) and not at the end of the trace. Of a long trace only
    /// the stretch around it is read, with what was alive when that began; with `end`, the last one
    #[arg(long, value_name = "TIME|end", value_parser = moment)]
    pub(crate) at: Option<At>,

    /// Leave out what was over before this time. Of a long trace, what lies before it is not even read
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    pub(crate) from: Option<Nanos>,

    /// Leave out what was at this time or later: everything is told as of then
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    pub(crate) to: Option<Nanos>,

    /// Set from when on something counts as slow: `long-poll=50ms`; may be given several times. Names: long-poll, busy-loop (both 100ms),
    /// busy-turns (1000), starvation (500ms), held-lock (250ms)
    #[arg(long, value_name = "NAME=VALUE", value_parser = threshold)]
    pub(crate) threshold: Vec<Threshold>,

    /// How reports are written
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,

    /// Read the trace into memory, however large it is. Otherwise large traces are mapped once they have their end: that takes less
    /// memory, but when somebody cuts the file meanwhile (the program is started again, and records into it) this command is killed
    #[arg(long)]
    pub(crate) no_mmap: bool,
}

impl Args {
    /// Whether a report is asked for that is made from what is counted over all of the trace.
    pub(crate) fn needs_profile(&self) -> bool {
        self.perf || self.states.is_some() || self.call_graph
    }
}

const AFTER_HELP: &str = "\
Filters:
  A FILTER is KEY=PATTERN or KEY!=PATTERN, or several of these with commas between, which all have to hold. KEY is
    name     of the task, or the type of its future; or the end of that after a `::`
    task     its number: 7, or 7..20 for those from 7 to 20
    spawned  where it was spawned: FILE, FILE:LINE or FILE:LINE:COLUMN; or the end of that after a `/`
    state    running, scheduled, waiting (or idle), stuck, completed, panicked, cancelled, ended-unseen
  In the PATTERN of name and spawned `*` stands for any characters and `?` for one, a comma too.

Exit status:
  0  nothing was found
  1  the summary, --deadlocks or --stuck has proven or likely findings; with --filter, shows some
  2  the request or the file is unusable

Times are counted from the start of the trace. Colour is used on a terminal only, and not where NO_COLOR is set.
What takes long tells how far it is, on standard error where that is a terminal; not where TERM is dumb or CI is set.";

/// How reports are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// One JSON object, for scripts
    Json,
}

/// A moment of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Its end.
    End,
    /// So long after its start.
    Time(Nanos),
}

fn moment(text: &str) -> Result<At, NoTime> {
    if text == "end" {
        Ok(At::End)
    } else {
        text.parse().map(At::Time)
    }
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::named(text).ok_or_else(|| {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("the kinds are {}", names.join(", "))
    })
}

/// A limit, and what it is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threshold {
    LongPoll(Nanos),
    BusyLoop(Nanos),
    BusyTurns(u64),
    Starvation(Nanos),
    HeldLock(Nanos),
}

impl Threshold {
    /// Sets it.
    pub(crate) fn set(self, thresholds: &mut Thresholds) {
        match self {
            Threshold::LongPoll(time) => thresholds.long_poll = time,
            Threshold::BusyLoop(time) => thresholds.busy_for = time,
            Threshold::BusyTurns(turns) => thresholds.busy_turns = turns,
            Threshold::Starvation(time) => thresholds.starved_for = time,
            Threshold::HeldLock(time) => thresholds.held_for = time,
        }
    }
}

fn threshold(text: &str) -> Result<Threshold, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write it as NAME=VALUE, for instance long-poll=50ms")?;
    let time = || value.parse::<Nanos>().map_err(|error| error.to_string());
    Ok(match name {
        "long-poll" => Threshold::LongPoll(time()?),
        "busy-loop" => Threshold::BusyLoop(time()?),
        "busy-turns" => Threshold::BusyTurns(
            value
                .parse()
                .map_err(|_| format!("{value:?} is no number of turns"))?,
        ),
        "starvation" => Threshold::Starvation(time()?),
        "held-lock" => Threshold::HeldLock(time()?),
        _ => {
            return Err(format!(
                "{name:?} is no threshold: there are long-poll, busy-loop, busy-turns, starvation and held-lock"
            ));
        }
    })
}
