//! What is slow, or spins, or starves: findings that rest on thresholds and not on proof.
//!
//! Each rule is a module of its own, from the history to findings. A rule reports a class once: what the same task kind does at the same
//! place is one finding, told by its worst instance and counted. Where a correct program can look the same, the rule is silent, or says
//! *possible*; *likely* is for what goes on at the end of the history, or cannot be meant.

mod busy_loop;
mod closed_arm;
mod doings;
mod held;
mod long_poll;
mod starved;
mod thresholds;
mod timers;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::{Confidence, Fact, Finding, Kind, TaskRef};
use crate::history::{History, Task, TaskId};
use crate::names::Location;
use crate::time::Nanos;

pub use thresholds::Thresholds;

/// The findings about what is slow: long polls, busy loops, arms that starve, timers that never fire, locks that are held for long.
///
/// They come in the order of the rules, and within one the worst first.
pub fn slow_findings(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let mut findings = long_poll::long_polls(history, thresholds);
    findings.extend(busy_loop::busy_loops(history, thresholds));
    findings.extend(closed_arm::loops_over_what_has_ended(history, thresholds));
    findings.extend(starved::starved_operations(history, thresholds));
    findings.extend(timers::restarted_timers(history, thresholds));
    findings.extend(held::held_locks(history, thresholds));
    findings
}

/// Tasks that do the same thing: spawned at one place, under one name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TaskKind {
    name: Arc<str>,
    spawned_at: Option<Location>,
}

impl TaskKind {
    fn of(task: &Task) -> TaskKind {
        TaskKind {
            name: Arc::clone(&task.name),
            spawned_at: task.spawned_at.clone(),
        }
    }
}

/// What happened several times to the same class: the worst time, how often, to how many tasks, and for how long in all.
#[derive(Clone, Debug)]
struct Class<T> {
    worst: T,
    times: u64,
    tasks: Vec<TaskId>,
    total: Nanos,
}

/// One time that something happened.
trait Instance {
    /// The task to which it happened.
    fn task(&self) -> TaskId;
    /// When it ended.
    fn until(&self) -> Nanos;
    /// For how long.
    fn long(&self) -> Nanos;
    /// What counts most when the worst is looked for.
    fn weight(&self) -> (bool, Nanos) {
        (false, self.long())
    }
}

/// The classes of what happened, the worst first; what was over before the history is told of is left out.
fn classes<K: Hash + Eq, T: Instance>(
    history: &History,
    instances: impl IntoIterator<Item = (K, T)>,
) -> Vec<Class<T>> {
    let mut index: HashMap<K, usize> = HashMap::new();
    let mut classes: Vec<Class<T>> = Vec::new();
    let mut instances = instances.into_iter();
    let is_shown = |(_, instance): &(K, T)| instance.until() >= history.from;
    while let Some((key, instance)) = instances.by_ref().find(is_shown) {
        let (task, long) = (instance.task(), instance.long());
        let at = *index.entry(key).or_insert(classes.len());
        match classes.get_mut(at) {
            None => classes.push(Class {
                worst: instance,
                times: 1,
                tasks: vec![task],
                total: long,
            }),
            Some(class) => {
                class.times += 1;
                class.total = Nanos(class.total.0.saturating_add(long.0));
                class.tasks.push(task);
                if instance.weight() > class.worst.weight() {
                    class.worst = instance;
                }
            }
        }
    }
    for class in &mut classes {
        class.tasks.sort_unstable();
        class.tasks.dedup();
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.worst.weight()));
    classes
}

/// Why nothing that rests on what is *not* in the record is more than possible, where that is so.
fn why_incomplete(history: &History) -> Option<String> {
    let is_partial = history.begins_whole == Some(false);
    if (history.loss.is_gap() || is_partial) && !history.is_healed {
        let lost = history
            .loss
            .sentence()
            .unwrap_or_else(|| "not all that was alive at its beginning is known".to_owned());
        return Some(format!("the record is incomplete: {lost}"));
    }
    (!history.has_cut)
        .then(|| "the trace ends before a moment that is known of all threads".to_owned())
}

/// How sure a finding is that would be `likely` or not by its rule, and why not surer.
fn confidence(history: &History, is_likely: bool, because: String) -> (Confidence, Option<String>) {
    match why_incomplete(history) {
        Some(incomplete) => (Confidence::Possible, Some(incomplete)),
        None if is_likely => (Confidence::Likely, Some(because)),
        None => (Confidence::Possible, Some(because)),
    }
}

/// A finding about the tasks of a class; not all of them are named.
fn finding<T: Instance>(history: &History, kind: Kind, class: &Class<T>) -> Finding {
    /// So many tasks are named.
    const NAMED: usize = 16;
    Finding {
        kind,
        confidence: Confidence::Possible,
        confidence_because: None,
        resolved: None,
        resolution: None,
        since: Nanos(0),
        title: String::new(),
        tasks: worst_first(class)
            .into_iter()
            .take(NAMED)
            .map(|task| TaskRef::of(history, task))
            .collect(),
        resources: Vec::new(),
        facts: Vec::new(),
        victims: Vec::new(),
        why_it_cannot_end: String::new(),
        advice: kind.advice().to_owned(),
        weight: class.worst.long(),
    }
}

/// The tasks of a class, the one that is told of first.
fn worst_first<T: Instance>(class: &Class<T>) -> Vec<TaskId> {
    let worst = class.worst.task();
    let mut tasks = vec![worst];
    tasks.extend(class.tasks.iter().copied().filter(|&task| task != worst));
    tasks
}

/// A fact about a task.
fn fact(task: TaskId, text: String, location: Option<Location>, at: Nanos) -> Fact {
    Fact {
        text,
        task: Some(task),
        resource: None,
        location,
        at,
    }
}

/// ` at src/bank.rs:41:22`, or nothing.
fn at_place(place: Option<&Location>) -> String {
    place.map_or_else(String::new, |place| format!(" at {place}"))
}
