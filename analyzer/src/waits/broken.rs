//! Circles that something broke: a time-out, a cancellation, the end of a runtime.
//!
//! Tasks that are stuck never go on by themselves, so a circle that is not there at the end was left in one way only: a wait in it did not
//! end by getting what it was for. Each such wait is a seed. Looked at is the moment just before what ended it: the wake that began the
//! poll in which it was dropped, or the request to cancel. Only the tasks that could have helped are looked at, and whoever could have
//! helped these; time-outs, and timers that did end waits, are left out.

use std::collections::{HashMap, HashSet};

use super::index::Index;
use super::knots::{Knot, knots};
use super::moment::Moment;
use super::progress::{AllNeeds, Level};
use crate::history::{
    History, Operation, OperationId, OperationKind, Outcome, PollOutcome, SectionKind, Task,
    TaskId, TaskState,
};
use crate::time::Nanos;

/// So many times it is looked at all tasks, for circles of which a part can be moved unseen.
const WHOLE: usize = 64;

/// What ended a wait that could not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// A timer of this task.
    Timer(TaskId, OperationId),
    /// This task was cancelled.
    Cancelled(TaskId),
    /// A runtime was shut down.
    Shutdown,
}

/// A circle that was broken.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The last moment at which it was whole.
    pub at: Nanos,
    /// What broke it.
    pub by: Breaker,
    /// The circle.
    pub knot: Knot,
    /// Since when it was whole.
    pub since: Nanos,
    /// The timers that are left out.
    pub left_out: HashSet<OperationId>,
    /// How often the like was seen, this time included.
    pub times: u64,
}

/// A wait that did not end by getting what it was for.
struct Seed {
    /// The moment before what ended it.
    at: Nanos,
    task: TaskId,
    by: Breaker,
}

/// The circles that were broken, each kind of them once: the one that lasted longest.
pub fn broken(index: &Index<'_>) -> Vec<Broken> {
    let mut seeds: Vec<Seed> = index
        .history
        .operations
        .iter()
        .filter_map(|operation| seed(index.history, operation))
        .collect();
    seeds.sort_by_key(|seed| (seed.at, seed.task));
    seeds.dedup_by_key(|seed| (seed.at, seed.task));
    // Timers that ended waits: without them these would have gone on.
    let timers: HashSet<OperationId> = seeds
        .iter()
        .filter_map(|seed| match seed.by {
            Breaker::Timer(_, timer) => Some(timer),
            _ => None,
        })
        .collect();
    let mut whole = WHOLE;
    let mut told: HashSet<(Vec<TaskId>, Nanos)> = HashSet::new();
    let mut kinds: HashMap<Vec<String>, Broken> = HashMap::new();
    for seed in seeds {
        let moment = Moment::before(index, seed.at).without(timers.iter().copied());
        for knot in circles(&moment, &seed, &mut whole) {
            let since = since(index.history, &knot);
            let mut tasks = knot.tasks.clone();
            tasks.sort_unstable();
            if !told.insert((tasks, since)) {
                continue;
            }
            let found = Broken {
                at: seed.at,
                by: seed.by,
                since,
                left_out: timers.clone(),
                times: 1,
                knot,
            };
            let known = kinds
                .entry(like(index.history, &found.knot))
                .or_insert_with(|| Broken {
                    times: 0,
                    ..found.clone()
                });
            let times = known.times + 1;
            if found.at.since(found.since) > known.at.since(known.since) {
                *known = found;
            }
            known.times = times;
        }
    }
    let mut all: Vec<Broken> = kinds.into_values().collect();
    all.sort_by_key(|broken| (broken.at, broken.knot.tasks.clone()));
    all
}

fn seed(history: &History, operation: &Operation) -> Option<Seed> {
    let (ended, outcome) = operation.ended?;
    let was_given_up = matches!(outcome, Outcome::Dropped | Outcome::Panicked);
    let is_wait = !operation.kind.is_timer() && operation.kind != OperationKind::Unknown;
    if !was_given_up || !is_wait {
        return None;
    }
    let task = history.task(operation.task?)?;
    let (at, by) = what_ended(history, task, ended)?;
    let is_idle = matches!(task.state_at(at), Some(TaskState::Idle(_)));
    (is_idle && operation.begun < at).then_some(Seed {
        at,
        task: task.id,
        by,
    })
}

/// What made a task give a wait up, and when that came.
fn what_ended(history: &History, task: &Task, ended: Nanos) -> Option<(Nanos, Breaker)> {
    let begun = task.polls.partition_point(|poll| poll.begin <= ended);
    let index = begun.checked_sub(1)?;
    let poll = &task.polls[index];
    // What a task is made of is dropped right after the poll that it completed in.
    let was_last = matches!(poll.outcome, PollOutcome::Ready | PollOutcome::Panicked);
    if was_last || poll.end.is_none_or(|end| end >= ended) {
        // Woken by something else than a timer, it was not stuck.
        let wake = task.woken_for(index)?;
        let timer = history.operation(wake.operation?)?;
        let is_own_timer = timer.kind.is_timer() && timer.task == Some(task.id);
        return is_own_timer.then_some((wake.at, Breaker::Timer(task.id, timer.id)));
    }
    let shutdown = history.sections.iter().find(|section| {
        section.kind == SectionKind::Shutdown
            && section.begun <= ended
            && section.ended.is_none_or(|end| end >= ended)
    });
    if let Some(shutdown) = shutdown {
        return Some((shutdown.begun, Breaker::Shutdown));
    }
    let abort = task.aborts.iter().find(|abort| abort.at <= ended);
    let at = abort.map_or(ended, |abort| abort.at);
    Some((at, Breaker::Cancelled(task.id)))
}

/// The circles at a moment that the task of a seed is in.
fn circles(moment: &Moment<'_, '_>, seed: &Seed, whole: &mut usize) -> Vec<Knot> {
    let is_in = |knot: &Knot| knot.is_circle && knot.tasks.contains(&seed.task);
    let around = AllNeeds::around(moment, seed.task);
    let found = |all: &AllNeeds, level, others_can| {
        let progress = all.progress(level, others_can);
        let mut found = if progress.stuck.contains(&seed.task) {
            knots(&progress, level)
        } else {
            Vec::new()
        };
        found.retain(is_in);
        found
    };
    let proven = found(&around, Level::Proven, true);
    if !proven.is_empty() {
        return proven;
    }
    let may_be = || !found(&around, Level::Possible, false).is_empty();
    if *whole == 0 || !may_be() {
        return Vec::new();
    }
    *whole -= 1;
    let all = AllNeeds::of(moment, moment.live());
    found(&all, Level::Likely, false)
}

fn since(history: &History, knot: &Knot) -> Nanos {
    let operations = knot.links.iter().filter_map(|link| link.wait.operation);
    let begun = operations.filter_map(|id| Some(history.operation(id)?.begun));
    begun.max().unwrap_or_default()
}

/// Where in source the tasks of a circle wait, for what: the same for circles of one kind.
fn like(history: &History, knot: &Knot) -> Vec<String> {
    let mut like: Vec<String> = knot
        .links
        .iter()
        .map(|link| {
            let operation = link.wait.operation.and_then(|id| history.operation(id));
            let place = operation.and_then(|operation| operation.location.as_ref());
            let resource = operation
                .and_then(|operation| operation.kind.resource())
                .and_then(|id| history.resource(id));
            let made = resource.and_then(|resource| resource.created_at.as_ref());
            format!("{place:?} {made:?}")
        })
        .collect();
    like.sort_unstable();
    like.dedup();
    like
}
