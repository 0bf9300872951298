//! Which tasks are shown, where there are more than anybody wants to read about.
//!
//! A [`Filter`] is read from text and matches a task or does not. A [`Selection`] is the tasks of a trace that one of several filters
//! matches: reports and pictures take one and leave out the others. Nothing is judged anew: who waits for whom is known of all tasks
//! before any of them is left out.

mod error;
mod glob;
mod selection;
mod state;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::findings::TaskRef;
use crate::history::{Task, TaskId};
use crate::names::Location;
use crate::waits::Progress;

pub use error::FilterError;
pub use selection::{Restriction, Selection};

use glob::Glob;
use state::State;

/// What is asked of a task: all of its terms have to hold.
///
/// ```text
/// FILTER = TERM { "," TERM }
/// TERM   = KEY ( "=" | "!=" ) PATTERN
/// KEY    = "name" | "task" | "spawned" | "state"
/// ```
///
/// | key | pattern |
/// |---|---|
/// | `name` | a glob for the task's name or the type of its future, or for the end of that after a `::` |
/// | `task` | a number, `7`, or a range with both its ends, `7..20` |
/// | `spawned` | a glob for where it was spawned, as `file`, `file:line` or `file:line:column`, or for the end of that after a `/` |
/// | `state` | one of the states that the summary tells of |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    wants: Wants,
    is_negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wants {
    Name(Glob),
    Task(RangeInclusive<u64>),
    Spawned(Glob),
    State(State),
}

/// What is known of a task.
#[derive(Clone, Copy)]
enum Known<'a> {
    /// All of it, and whether it is stuck.
    Task(&'a Task, bool),
    /// What a finding says of it. It was over before what was rebuilt of the trace.
    Over(&'a TaskRef),
    /// Its number.
    Number(TaskId),
}

impl Filter {
    /// Whether it matches a task, by what is so at the end of a history.
    pub fn matches(&self, task: &Task, progress: &Progress) -> bool {
        let is_stuck = progress.stuck.contains(&task.id);
        self.judge(Known::Task(task, is_stuck)) == Some(true)
    }

    /// Whether it asks for the state of a task, which only a history knows.
    pub fn asks_for_state(&self) -> bool {
        let mut terms = self.terms.iter();
        terms.any(|term| matches!(term.wants, Wants::State(_)))
    }

    /// Whether a task matches of which no more is known; not where its state is asked for.
    pub(crate) fn is_met_by(&self, task: &TaskRef) -> bool {
        !self.asks_for_state() && self.judge(Known::Over(task)) == Some(true)
    }

    /// Whether it matches; none where that is not known.
    fn judge(&self, known: Known<'_>) -> Option<bool> {
        let holds = || self.terms.iter().map(|term| term.holds(known));
        if holds().any(|holds| holds == Some(false)) {
            return Some(false);
        }
        holds().all(|holds| holds == Some(true)).then_some(true)
    }
}

impl Term {
    fn holds(&self, known: Known<'_>) -> Option<bool> {
        self.wants
            .are_met(known)
            .map(|are_met| are_met != self.is_negated)
    }
}

impl Wants {
    fn are_met(&self, known: Known<'_>) -> Option<bool> {
        match (self, known) {
            (
                Wants::Task(numbers),
                Known::Task(&Task { id, .. }, _)
                | Known::Over(&TaskRef { id, .. })
                | Known::Number(id),
            ) => Some(numbers.contains(&id.0)),
            (_, Known::Number(_)) => None,
            (Wants::Name(glob), Known::Task(task, _)) => {
                let mut names = [Some(&task.name), task.type_name.as_ref()].into_iter();
                Some(names.any(|name| name.is_some_and(|name| glob.matches(name))))
            }
            (Wants::Name(glob), Known::Over(task)) => Some(glob.matches(&task.name)),
            (
                Wants::Spawned(glob),
                Known::Task(Task { spawned_at, .. }, _) | Known::Over(TaskRef { spawned_at, .. }),
            ) => Some(spawned_at.as_ref().is_some_and(|place| is_at(place, glob))),
            (Wants::State(state), Known::Task(task, is_stuck)) => {
                Some(state.is(task.state(), is_stuck))
            }
            (Wants::State(state), Known::Over(_)) => (!state.is_end()).then_some(false),
        }
    }
}

/// Whether a glob matches a place, with its column, without, or without its line.
fn is_at(place: &Location, glob: &Glob) -> bool {
    glob.matches(&place.file)
        || glob.matches(&format!("{}:{}", place.file, place.line))
        || glob.matches(&place.to_string())
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Filter, FilterError> {
        let terms = text.split(',').map(|term| term.trim().parse());
        Ok(Filter {
            text: text.to_owned(),
            terms: terms.collect::<Result<_, _>>()?,
        })
    }
}

impl FromStr for Term {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Term, FilterError> {
        let no_term = || FilterError::Term(text.to_owned());
        let (key, pattern) = text.split_once('=').ok_or_else(no_term)?;
        let (key, is_negated) = match key.strip_suffix('!') {
            Some(key) => (key, true),
            None => (key, false),
        };
        let (key, pattern) = (key.trim(), pattern.trim());
        let wants = match key {
            "name" | "task" | "spawned" | "state" if pattern.is_empty() => {
                return Err(FilterError::Empty(key.to_owned()));
            }
            "name" => Wants::Name(Glob::new(pattern, "::")),
            "task" => Wants::Task(
                numbers(pattern).ok_or_else(|| FilterError::Number(pattern.to_owned()))?,
            ),
            "spawned" => Wants::Spawned(Glob::new(pattern, "/")),
            "state" => Wants::State(
                State::named(pattern).ok_or_else(|| FilterError::State(pattern.to_owned()))?,
            ),
            _ => return Err(FilterError::Key(key.to_owned())),
        };
        Ok(Term { wants, is_negated })
    }
}

/// `7`, `#7` or `7..20`.
fn numbers(text: &str) -> Option<RangeInclusive<u64>> {
    let number = |text: &str| text.strip_prefix('#').unwrap_or(text).parse().ok();
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some(first..=last)
}

impl fmt::Display for Filter {
    /// As it was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Filter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Poll, PollOutcome, TaskFlags, ThreadId};
    use crate::time::Nanos;

    fn task(id: u64, name: &str) -> Task {
        Task {
            id: TaskId(id),
            name: name.into(),
            type_name: None,
            spawned_at: Some(Location {
                file: "app/src/bank.rs".into(),
                line: 41,
                column: 9,
            }),
            spawned_by: None,
            spawned: Nanos(0),
            size: 0,
            flags: TaskFlags::default(),
            executor: None,
            late: false,
            has_gaps: false,
            polls: Vec::new(),
            wakes: Vec::new(),
            wakers_gone: Vec::new(),
            aborts: Vec::new(),
            dropped: None,
            ended_unseen: None,
        }
    }

    fn polled(task: Task, outcome: PollOutcome) -> Task {
        let poll = Poll {
            number: 1,
            thread: ThreadId(1),
            inside: None,
            begin: Nanos(1),
            end: (outcome != PollOutcome::Open).then_some(Nanos(2)),
            outcome,
            waker: 1,
            wakes_seen: 0,
            wakers: 1,
            yields: 0,
        };
        Task {
            polls: vec![poll],
            ..task
        }
    }

    fn matches(filter: &str, task: &Task) -> bool {
        let progress = Progress {
            stuck: [TaskId(7)].into(),
            ..Progress::default()
        };
        let filter: Filter = filter.parse().unwrap();
        filter.matches(task, &progress)
    }

    #[test]
    fn a_name_is_that_of_the_task_or_of_the_type_of_its_future() {
        let task = Task {
            type_name: Some("bank::pool::Worker<u8, u16>".into()),
            ..task(3, "pool::worker_3")
        };
        for filter in [
            "name=pool::worker_3",
            "name=worker_?",
            "name=Worker<u8? u16>",
            "name=bank::*",
            "name!=worker",
            " name = worker* , task != 4",
        ] {
            assert!(matches(filter, &task), "{filter}");
        }
        assert!(!matches("name!=Worker*", &task) && !matches("name=orker*", &task));
    }

    #[test]
    fn numbers_are_one_or_a_range_with_both_its_ends() {
        let holds = |filter, id| matches(filter, &task(id, ""));
        assert!(holds("task=7", 7) && holds("task=#7", 7) && !holds("task=7", 8));
        assert!(holds("task=7..20", 7) && holds("task=#7..#20", 20) && !holds("task=7..20", 21));
        assert!(holds("task=7..20,task!=9", 8) && !holds("task=7..20,task!=9", 9));
    }

    #[test]
    fn a_place_is_a_file_with_or_without_line_and_column() {
        let spawned = task(1, "");
        for filter in [
            "spawned=app/src/bank.rs:41:9",
            "spawned=src/bank.rs:41",
            "spawned=bank.rs",
            "spawned=app/*",
            "spawned=bank.rs:4?",
        ] {
            assert!(matches(filter, &spawned), "{filter}");
        }
        for filter in ["spawned=ank.rs", "spawned=bank.rs:4", "spawned!=bank.rs"] {
            assert!(!matches(filter, &spawned), "{filter}");
        }
        let nowhere = Task {
            spawned_at: None,
            ..spawned
        };
        assert!(!matches("spawned=*", &nowhere) && matches("spawned!=bank.rs", &nowhere));
    }

    #[test]
    fn states_are_those_of_the_summary() {
        let waits = |id| polled(task(id, ""), PollOutcome::Pending);
        assert!(matches("state=waiting", &waits(1)) && matches("state=idle", &waits(1)));
        assert!(matches("state=stuck", &waits(7)) && !matches("state=waiting", &waits(7)));
        assert!(
            matches("state=scheduled", &task(1, "")) && !matches("state!=scheduled", &task(1, ""))
        );
        for (state, outcome) in [
            ("running", PollOutcome::Open),
            ("completed", PollOutcome::Ready),
            ("panicked", PollOutcome::Panicked),
        ] {
            assert!(
                matches(&format!("state={state}"), &polled(task(1, ""), outcome)),
                "{state}"
            );
        }
        let (dropped, unseen) = (Some(Nanos(3)), Some(Nanos(3)));
        assert!(matches(
            "state=cancelled",
            &Task {
                dropped,
                ..task(1, "")
            }
        ));
        assert!(matches(
            "state=ended-unseen",
            &Task {
                ended_unseen: unseen,
                ..task(1, "")
            }
        ));
    }

    #[test]
    fn of_a_task_that_was_over_before_only_what_a_finding_says_is_known() {
        let over = TaskRef {
            id: TaskId(3),
            name: "pool::worker_3".to_owned(),
            spawned_at: None,
        };
        let judge = |filter: &str| filter.parse::<Filter>().unwrap().judge(Known::Over(&over));
        assert_eq!(judge("name=worker*,task=3"), Some(true));
        assert_eq!(judge("name=worker*,state=cancelled"), None);
        assert_eq!(judge("name=worker*,state=stuck"), Some(false));
        assert_eq!(judge("name=main,state=cancelled"), Some(false));
        let number = |filter: &str| {
            filter
                .parse::<Filter>()
                .unwrap()
                .judge(Known::Number(TaskId(3)))
        };
        assert_eq!(
            (number("task=3"), number("task=4"), number("name=*")),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn what_cannot_be_read_says_what_is_allowed() {
        for (wrong, allowed) in [
            ("worker", "KEY=PATTERN"),
            ("", "KEY=PATTERN"),
            ("name=a,", "KEY=PATTERN"),
            ("kind=blocking", "name, task, spawned and state"),
            ("name=", "name=PATTERN"),
            ("task=worker", "task=7..20"),
            ("task=20..7", "task=7..20"),
            ("task=7..", "task=7..20"),
            ("state=asleep", "scheduled, waiting, idle, stuck"),
        ] {
            let error = wrong.parse::<Filter>().unwrap_err().to_string();
            assert!(
                error.contains(allowed) && error.lines().count() == 1,
                "{wrong}: {error}"
            );
        }
    }
}
