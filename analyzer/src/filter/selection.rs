//! The tasks of a trace that are shown.

use std::collections::HashSet;

use serde::Serialize;

use super::{Filter, Known};
use crate::findings::{Finding, TaskRef};
use crate::history::{History, TaskId};
use crate::number::{counted, grouped};
use crate::waits::Progress;

/// The tasks of a trace that are shown: all of them, or those that a filter matches.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    tasks: HashSet<TaskId>,
    restriction: Option<Restriction>,
}

/// What a selection is restricted to: the `filter` object of a JSON answer.
#[derive(Clone, Debug, Serialize)]
pub struct Restriction {
    /// The filters, of which one has to match.
    pub any_of: Vec<Filter>,
    /// How many tasks match.
    pub matching: usize,
    /// How many tasks there are.
    pub tasks: usize,
    /// Of these: were over before the last part of a long trace, and cannot be matched one by one.
    pub over_before: usize,
    /// How many findings are left out.
    pub findings_left_out: usize,
}

impl Selection {
    /// All tasks.
    pub fn everything() -> Selection {
        Selection::default()
    }

    /// The tasks that one of these filters matches, by what is so at the end of a history; all where there is no filter.
    pub fn new(filters: &[Filter], history: &History, progress: &Progress) -> Selection {
        if filters.is_empty() {
            return Selection::everything();
        }
        let is_matched = |task: &&_| filters.iter().any(|filter| filter.matches(task, progress));
        let over_before = history.before.tasks();
        Selection {
            tasks: history
                .tasks
                .iter()
                .filter(is_matched)
                .map(|task| task.id)
                .collect(),
            restriction: Some(Restriction {
                any_of: filters.to_vec(),
                matching: history.own_tasks().filter(is_matched).count(),
                tasks: over_before + history.own_tasks().count(),
                over_before,
                findings_left_out: 0,
            }),
        }
    }

    /// What it is restricted to; none where all tasks are shown.
    pub fn restriction(&self) -> Option<&Restriction> {
        self.restriction.as_ref()
    }

    /// Whether a task is shown.
    pub fn has(&self, task: TaskId) -> bool {
        self.restriction.is_none() || self.tasks.contains(&task)
    }

    /// Keeps the findings of which a task, or one that waits behind it, is shown, and counts the others.
    pub fn restrict(&mut self, findings: &mut Vec<Finding>, history: &History) {
        let before = findings.len();
        findings.retain(|finding| self.shows(finding, history));
        if let Some(restriction) = &mut self.restriction {
            restriction.findings_left_out += before - findings.len();
        }
    }

    /// Of a finding about tasks that were over before, what it says of them decides; where that does not tell, it is shown.
    fn shows(&self, finding: &Finding, history: &History) -> bool {
        let Some(restriction) = &self.restriction else {
            return true;
        };
        let has = |task: TaskId, over: Known<'_>, in_doubt: bool| match history.task(task) {
            Some(_) => self.has(task),
            None => {
                let mut filters = restriction.any_of.iter();
                filters.any(|filter| filter.judge(over).unwrap_or(in_doubt))
            }
        };
        let has_named = |task: &TaskRef| has(task.id, Known::Over(task), true);
        // Of these only the number is known: that would be nearly all of them.
        let has_victim = |&task: &TaskId| has(task, Known::Number(task), false);
        finding.tasks.iter().any(has_named) || finding.victims.iter().any(has_victim)
    }
}

impl Restriction {
    /// `name=worker* or task=7`.
    pub fn filter(&self) -> String {
        let filters: Vec<String> = self.any_of.iter().map(ToString::to_string).collect();
        filters.join(" or ")
    }

    /// `12 of 10,000 match`.
    pub fn share(&self) -> String {
        let (matching, tasks) = (self.matching as u64, self.tasks as u64);
        let verb = if matching == 1 { "matches" } else { "match" };
        format!("{} of {} {verb}", grouped(matching), grouped(tasks))
    }

    /// `3 findings about other tasks are left out by the filter`; none where none is.
    pub fn left_out(&self) -> Option<String> {
        let n = self.findings_left_out as u64;
        let verb = if n == 1 { "is" } else { "are" };
        let findings = counted(n, "finding");
        (n > 0).then(|| format!("{findings} about other tasks {verb} left out by the filter"))
    }

    /// `9,000 tasks were over before the last part of the trace and cannot be matched`; none where none was.
    pub fn unmatched(&self) -> Option<String> {
        let n = self.over_before as u64;
        let verb = if n == 1 { "was" } else { "were" };
        let tasks = counted(n, "task");
        (n > 0).then(|| {
            format!("{tasks} {verb} over before the last part of the trace and cannot be matched")
        })
    }
}
