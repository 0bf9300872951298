//! What a trace lacks, and the change that would add it: whoever is told little by a trace is to learn how to be told more.
//!
//! Everything here is said from facts in the trace alone: what was dropped, what a task waited for while nothing that it waited for was
//! recorded, which resources left the record. What a program does without leaving a fact behind is not guessed at.

mod crates;
mod gaps;
mod tasks;

use serde::Serialize;

use super::coverage::coverage;
use crate::Trace;
use crate::filter::Selection;
use crate::names::Location;
use crate::number::counted;

/// So many places are named.
const PLACES: usize = 3;

/// What a trace lacks: the `doctor` object of a JSON answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// What it lacks, the most important first.
    pub lacks: Vec<Lack>,
    /// What was looked at, in words.
    pub looked_at: String,
}

/// One thing that a trace lacks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lack {
    /// What kind of lack it is.
    pub kind: LackKind,
    /// What of an answer it costs.
    pub costs: Cost,
    /// What is lacking, in some words with a number.
    pub title: String,
    /// What of the trace shows it, and what follows from it.
    pub evidence: String,
    /// The first places in source, those that matter most first.
    pub places: Vec<LackPlace>,
    /// How many more places there are.
    pub more_places: usize,
    /// The one change that adds it: to the program, to `Cargo.toml`, or to how it is started.
    pub change: String,
}

/// A place in source where something is lacking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LackPlace {
    /// What is there: a kind of task, a resource, a macro call.
    pub what: String,
    /// Where; null where it is not known.
    pub location: Option<Location>,
}

/// What a lack costs. What is first is the most important.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cost {
    /// Whether a task can go on cannot be proven, or not judged at all.
    Verdicts,
    /// Where a task is cannot be said.
    Places,
    /// Something that makes reading easier.
    Details,
}

/// What can be lacking; of the same cost, what is first is the more important.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LackKind {
    /// The recorder dropped events.
    EventsDropped,
    /// Parts of the file are missing or damaged.
    FileDamaged,
    /// The recording began after the program had made tasks or resources.
    BeganLate,
    /// Tasks of crates that are not recorded use what is.
    CratesUnrecorded,
    /// Resources were unwrapped, and are used unrecorded.
    ResourcesEscaped,
    /// Tasks wait for something that is not recorded.
    WaitsUnrecorded,
    /// No await point of a task is recorded.
    NoAwaitPoints,
    /// Awaits inside of macros are not seen.
    AwaitsUnseen,
    /// The beginning of the recording is not kept.
    BeginningNotKept,
    /// Many tasks have no name of their own.
    TasksUnnamed,
}

impl LackKind {
    /// All of them.
    pub const ALL: [LackKind; 10] = [
        LackKind::EventsDropped,
        LackKind::FileDamaged,
        LackKind::BeganLate,
        LackKind::CratesUnrecorded,
        LackKind::ResourcesEscaped,
        LackKind::WaitsUnrecorded,
        LackKind::NoAwaitPoints,
        LackKind::AwaitsUnseen,
        LackKind::BeginningNotKept,
        LackKind::TasksUnnamed,
    ];
}

impl Cost {
    /// What it is that cannot be told, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Cost::Verdicts => "costs verdicts: less can be proven",
            Cost::Places => "costs places: where tasks wait",
            Cost::Details => "costs details only",
        }
    }
}

/// Tells what a trace lacks. What is said of tasks is said of those in a selection; events, the file and resources are those of all of it.
pub fn diagnosis(trace: &Trace, selection: &Selection) -> Diagnosis {
    let history = &trace.history;
    let coverage = coverage(trace);
    let mut lacks = gaps::lacks(trace, &coverage);
    lacks.extend(crates::lacks(history, &coverage));
    lacks.extend(tasks::lacks(history, selection, &coverage));
    lacks.sort_by_key(|lack| (lack.costs, lack.kind));
    let tasks = history.own_tasks().filter(|task| selection.has(task.id));
    let tasks = counted(tasks.count() as u64, "task");
    let matching = match selection.restriction() {
        Some(_) if tasks.starts_with("1 ") => " that matches",
        Some(_) => " that match",
        None => "",
    };
    let since = coverage
        .read_from
        .map_or_else(String::new, |from| format!(", from {from} on"));
    let looked_at = format!(
        "lost events, the beginning of the recording, crates and resources that are not recorded, and what {tasks}{matching} waited for and \
         where (with {} under #[trace], and {}){since}",
        counted(history.functions.len() as u64, "function"),
        counted(history.own_resources().count() as u64, "resource"),
    );
    Diagnosis { lacks, looked_at }
}

/// The first of these places, and how many more there are.
fn first_places(places: Vec<LackPlace>) -> (Vec<LackPlace>, usize) {
    let more = places.len().saturating_sub(PLACES);
    (places.into_iter().take(PLACES).collect(), more)
}
