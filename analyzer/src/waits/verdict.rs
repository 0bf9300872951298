//! The verdict at a moment: who is stuck, and because of what.

use std::collections::HashSet;

use super::index::Index;
use super::knots::{Knot, knots, together};
use super::moment::Moment;
use super::progress::{AllNeeds, Level, Progress};
use crate::history::{History, TaskId};

/// Who is stuck at a moment, and why.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Which tasks are stuck, for all that is known of them, and what they wait for.
    pub progress: Progress,
    /// What is behind that: the strongest first.
    pub knots: Vec<Knot>,
}

/// The verdict at the end of a history.
pub fn verdict(history: &History) -> Verdict {
    let index = Index::new(history);
    verdict_at(&Moment::end(&index))
}

/// The verdict at a moment.
pub fn verdict_at(moment: &Moment<'_, '_>) -> Verdict {
    let history = moment.history();
    let all = AllNeeds::of(moment, moment.live());
    let proven = all.progress(Level::Proven, false);
    let likely = all.progress(Level::Likely, false);
    let possible = all.progress(Level::Possible, false);
    let mut told: HashSet<TaskId> = HashSet::new();
    let mut found: Vec<Knot> = Vec::new();
    let mut take = |knots: Vec<Knot>| {
        for knot in knots {
            let is_new = knot.tasks.iter().all(|task| !told.contains(task));
            if is_new {
                told.extend(&knot.tasks);
                told.extend(&knot.victims);
                found.push(knot);
            }
        }
    };
    // A task that nobody can help waits for one thing, mostly.
    let only_wait = |task| match &moment.awaited_by(task)[..] {
        [operation] => history.operation(*operation)?.kind.resource(),
        _ => None,
    };
    let knots = |progress: &Progress, level| together(knots(progress, level), only_wait);
    let behind = knots(&likely, Level::Likely);
    let with_victims = |mut knot: Knot| {
        // Others may wait behind it, though that is not certain.
        let same = behind
            .iter()
            .find(|other| other.tasks.contains(&knot.tasks[0]));
        if let Some(same) = same.filter(|same| same.tasks.len() == knot.tasks.len()) {
            knot.victims.clone_from(&same.victims);
        }
        knot
    };
    take(
        knots(&proven, Level::Proven)
            .into_iter()
            .map(with_victims)
            .filter(|knot| harms(knot, &likely))
            .collect(),
    );
    take(
        behind
            .iter()
            .filter(|knot| harms(knot, &likely))
            .cloned()
            .collect(),
    );
    // What rests on guesses is told only where tasks wait for each other.
    let mut guessed = knots(&possible, Level::Possible);
    guessed.retain(|knot| knot.is_circle);
    take(guessed);
    let mut progress = likely;
    for knot in &found {
        for task in knot.tasks.iter().chain(&knot.victims) {
            if let Some(waits) = possible.waits.get(task) {
                progress.stuck.insert(*task);
                progress.waits.entry(*task).or_insert_with(|| waits.clone());
            }
        }
    }
    Verdict {
        progress,
        knots: found,
    }
}

/// Whether that a task is stuck is of any consequence: somebody waits for it, or nothing goes on at all. A branch may be parked on
/// purpose; so may be a task that waits for nothing, which is how programs are kept alive whose threads do the work.
fn harms(knot: &Knot, progress: &Progress) -> bool {
    let waits_for_something = || {
        let waits = knot
            .tasks
            .iter()
            .filter_map(|task| progress.waits.get(task));
        waits.flatten().next().is_some()
    };
    knot.is_circle || !knot.victims.is_empty() || (progress.is_total && waits_for_something())
}
