//! Every task that makes no progress, grouped by where and why.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::panel::chain;
use super::summary::whereabouts;
use crate::filter::Selection;
use crate::history::{History, Task, TaskId, TaskState};
use crate::names::kind_of_name;
use crate::time::Nanos;
use crate::waits::Verdict;

/// Whether, and why, a task makes no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It is named by a finding: it can never go on.
    Stuck,
    /// It waits behind such a task.
    Behind,
    /// It can never go on, and nobody waits for it: parked on purpose, as far as can be told.
    Parked,
    /// It is ready, and was not polled yet.
    Scheduled,
    /// It waits for what may still come.
    Waiting,
}

/// Tasks of one kind that make no progress, at one place, for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct StuckGroup {
    /// Whether they can ever go on.
    pub standing: Standing,
    /// The name that they share: numbers in it are written `N`.
    pub name: String,
    /// Where they are.
    pub at: String,
    /// Why the one that is there for longest makes no progress, link by link.
    pub because: Vec<String>,
    /// The tasks, the one that is there for longest first.
    pub tasks: Vec<StuckTask>,
}

/// A task that makes no progress.
#[derive(Clone, Debug, Serialize)]
pub struct StuckTask {
    /// Its number.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// How long it has been so.
    #[serde(rename = "for_ns")]
    pub long: Nanos,
}

/// The tasks of a selection that make no progress at the end of a history: what can never go on first, and of that what has waited longest.
pub fn stuck(history: &History, verdict: &Verdict, selection: &Selection) -> Vec<StuckGroup> {
    let named: HashSet<TaskId> = verdict
        .knots
        .iter()
        .flat_map(|knot| knot.tasks.iter().copied())
        .collect();
    let behind: HashSet<TaskId> = verdict
        .knots
        .iter()
        .flat_map(|knot| knot.victims.iter().copied())
        .collect();
    let mut groups: BTreeMap<(Standing, String, String), Vec<&Task>> = BTreeMap::new();
    for task in history.tasks.iter().filter(|task| selection.has(task.id)) {
        let standing = match task.state() {
            _ if named.contains(&task.id) => Standing::Stuck,
            _ if behind.contains(&task.id) => Standing::Behind,
            TaskState::Idle(_) if verdict.progress.stuck.contains(&task.id) => Standing::Parked,
            TaskState::Idle(_) => Standing::Waiting,
            TaskState::Scheduled(_) => Standing::Scheduled,
            _ => continue,
        };
        let key = (
            standing,
            kind_of_name(&task.name),
            whereabouts(history, task),
        );
        groups.entry(key).or_default().push(task);
    }
    let mut groups: Vec<StuckGroup> = groups
        .into_iter()
        .map(|((standing, name, at), mut tasks)| {
            tasks.sort_by_key(|task| (task.state().since(), task.id));
            StuckGroup {
                standing,
                name: if tasks.len() == 1 {
                    tasks[0].name.to_string()
                } else {
                    name
                },
                at,
                because: chain(history, tasks[0].id),
                tasks: tasks
                    .iter()
                    .map(|task| StuckTask {
                        id: task.id,
                        name: task.name.to_string(),
                        long: history.end.since(task.state().since()),
                    })
                    .collect(),
            }
        })
        .collect();
    groups.sort_by_key(|group| {
        let longest = group.tasks.first().map_or(Nanos(0), |task| task.long);
        (group.standing, std::cmp::Reverse(longest))
    });
    groups
}
