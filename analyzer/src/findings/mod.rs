//! Verdicts with their evidence: what is wrong, how sure that is, which facts show it, why it cannot end, what to change.
//!
//! A finding is plain data that names everything by task, state, resource and place in source, so that it can be read (and sent to
//! somebody) without the trace. The texts of each kind stand in one table ([`kind`]); the facts come from the histories.

pub mod kind;
mod lock_order;
pub mod slow;
mod waiting;

use serde::Serialize;

use crate::history::{History, ResourceId, TaskId};
use crate::names::Location;
use crate::time::Nanos;

pub use kind::Kind;
pub use lock_order::lock_order_inversions;
pub use slow::{Thresholds, slow_findings};
pub use waiting::{broken_findings, wait_findings};
pub(crate) use waiting::{broken_in, wait_findings_in};

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// It rests on an incomplete record, or on a limit that somebody set.
    Possible,
    /// Something could have moved unseen, but everybody who could have it is stuck.
    Likely,
    /// It follows from recorded facts alone.
    Proven,
}

impl Confidence {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Proven => "proven",
        }
    }
}

/// A verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What kind of bug.
    pub kind: Kind,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it is not surer; none where it is proven.
    pub confidence_because: Option<String>,
    /// What ended it, where something did: `timeout`, `cancelled`, `shutdown`.
    pub resolved: Option<Ended>,
    /// More of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// Since when it has been so.
    #[serde(rename = "since_ns")]
    pub since: Nanos,
    /// One line: who, what, how long.
    pub title: String,
    /// The tasks in it.
    pub tasks: Vec<TaskRef>,
    /// The resources in it.
    pub resources: Vec<ResourceRef>,
    /// The evidence, in the order in which it is best read.
    pub facts: Vec<Fact>,
    /// Tasks that wait behind it.
    pub victims: Vec<TaskId>,
    /// Why nothing can end it; for what is slow or could go wrong: what it costs, or what would have to coincide.
    pub why_it_cannot_end: String,
    /// What to change.
    pub advice: String,
    /// How long it lasted, or cost: of several that are alike the longest is told.
    #[serde(skip)]
    pub(crate) weight: Nanos,
}

/// What ended something that could not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// A time-out.
    Timeout,
    /// One of the tasks was cancelled, or what it waited with was dropped.
    Cancelled,
    /// A runtime was shut down.
    Shutdown,
}

impl Ended {
    /// `resolved by a time-out`.
    pub fn in_words(self) -> &'static str {
        match self {
            Ended::Timeout => "resolved by a time-out",
            Ended::Cancelled => "resolved by cancellation",
            Ended::Shutdown => "resolved by a shutdown",
        }
    }
}

/// How something that could not end by itself was ended.
#[derive(Clone, Debug, Serialize)]
pub struct Resolution {
    /// As a sentence: who or what ended it.
    pub text: String,
    /// Where in source that is, as far as is known.
    pub location: Option<Location>,
    /// When.
    #[serde(rename = "at_ns")]
    pub at: Nanos,
    /// How long it had lasted.
    #[serde(rename = "lasted_ns")]
    pub lasted: Nanos,
    /// How often the like happened in the trace, this time included.
    pub times: u64,
}

/// A task that a finding names.
#[derive(Clone, Debug, Serialize)]
pub struct TaskRef {
    /// Its number.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Where it was spawned.
    pub spawned_at: Option<Location>,
}

/// A resource that a finding names.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceRef {
    /// Its number.
    pub id: ResourceId,
    /// `mutex`, `channel`.
    pub kind: &'static str,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Where it was made.
    pub created_at: Option<Location>,
}

/// One piece of evidence.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    /// As a sentence, without the times that a reader can do without.
    pub text: String,
    /// The task it is about.
    pub task: Option<TaskId>,
    /// The resource it is about.
    pub resource: Option<ResourceId>,
    /// Where in source.
    pub location: Option<Location>,
    /// When it began.
    #[serde(rename = "at_ns")]
    pub at: Nanos,
}

impl TaskRef {
    /// What a finding says of a task.
    pub fn of(history: &History, id: TaskId) -> TaskRef {
        let task = history.task(id);
        TaskRef {
            id,
            name: task.map_or_else(String::new, |task| task.name.to_string()),
            spawned_at: task.and_then(|task| task.spawned_at.clone()),
        }
    }
}

impl ResourceRef {
    /// What a finding says of a resource.
    pub fn of(history: &History, id: ResourceId) -> ResourceRef {
        let resource = history.resource(id);
        ResourceRef {
            id,
            kind: resource.map_or("resource", |resource| resource.kind.name()),
            name: resource
                .and_then(|resource| resource.name.as_ref())
                .map(ToString::to_string),
            created_at: resource.and_then(|resource| resource.created_at.clone()),
        }
    }
}
