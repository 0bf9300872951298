//! The may-progress fixpoint over tasks.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::moment::Moment;
use super::needs::{Elsewhere, Link, Needed, Needs, Place, Units};
use super::rules::TaskNeeds;
use crate::history::{OperationId, ResourceId, TaskId};

/// So many of the tasks that keep something from a waiting one are named, so that thousands which wait for what thousands hold do not
/// make millions of edges.
const NAMED: usize = 1000;

/// How much is taken for granted about what nobody saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: what may be elsewhere can come from there. Whoever is stuck at this level is stuck, by what is recorded alone.
    Proven,
    /// That a thing which was moved unseen is with one of the recorded tasks: it can come as long as any of them can go on.
    Likely,
    /// That things which are rarely moved unseen were not moved, and that what looks as if it was no longer awaited is not.
    Possible,
}

/// Which tasks can progress, and what the others wait for.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Tasks that are alive and can never progress again, unless somebody cancels them.
    pub stuck: HashSet<TaskId>,
    /// What each stuck task waits for: nothing of it can ever come.
    pub waits: HashMap<TaskId, Vec<Wait>>,
    /// All that are alive are stuck.
    pub is_total: bool,
}

/// What a stuck task waits for, and the tasks that alone could end the wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The operation; none where it waits to be polled, or in a `block_on`.
    pub operation: Option<OperationId>,
    /// The tasks that hold what is wanted, stand before it in the queue, or could send or receive it, and how.
    pub on: Vec<(TaskId, Link)>,
    /// Whether what is wanted may be elsewhere than with these tasks.
    pub elsewhere: Elsewhere,
}

/// What tasks need, at a moment.
pub(super) struct AllNeeds {
    pub(super) needs: HashMap<TaskId, Vec<Needed>>,
    /// Tasks that can go on by themselves.
    pub(super) can: HashSet<TaskId>,
}

impl AllNeeds {
    /// Those of these tasks.
    pub(super) fn of(moment: &Moment<'_, '_>, tasks: impl IntoIterator<Item = TaskId>) -> AllNeeds {
        let mut all = AllNeeds {
            needs: HashMap::new(),
            can: HashSet::new(),
        };
        for task in tasks {
            all.add(moment, task);
        }
        all
    }

    /// Those of `task`, and of all tasks that could help it, and so on.
    pub(super) fn around(moment: &Moment<'_, '_>, task: TaskId) -> AllNeeds {
        let mut all = AllNeeds::of(moment, []);
        let mut open = vec![task];
        while let Some(task) = open.pop() {
            if all.needs.contains_key(&task) || all.can.contains(&task) {
                continue;
            }
            all.add(moment, task);
            let needed = all.needs.get(&task).into_iter().flatten();
            let places = needed.flat_map(|needed| needed.needs.places());
            open.extend(places.flat_map(|place| {
                let named = place.named.iter().map(|&(task, _)| task);
                named.chain(place.handed.iter().copied())
            }));
        }
        all
    }

    fn add(&mut self, moment: &Moment<'_, '_>, task: TaskId) {
        match moment.needs_of_task(task) {
            TaskNeeds::Can => {
                self.can.insert(task);
            }
            TaskNeeds::Needs(needed) => {
                self.needs.insert(task, needed);
            }
        }
    }

    /// The fixpoint over them. `others_can`: somebody else can go on.
    pub(super) fn progress(&self, level: Level, others_can: bool) -> Progress {
        let mut can = self.can.clone();
        loop {
            let round = Round {
                can: &can,
                level,
                anybody: others_can || !can.is_empty(),
                back: RefCell::default(),
            };
            let more: Vec<TaskId> = self
                .needs
                .iter()
                .filter(|(task, needed)| {
                    !can.contains(task) && needed.iter().any(|needed| round.can_come(needed))
                })
                .map(|(&task, _)| task)
                .collect();
            if more.is_empty() {
                break;
            }
            can.extend(more);
        }
        let end = Round {
            can: &can,
            level,
            anybody: others_can || !can.is_empty(),
            back: RefCell::default(),
        };
        let stuck: HashSet<TaskId> = self
            .needs
            .keys()
            .copied()
            .filter(|task| !can.contains(task))
            .collect();
        let waits = stuck
            .iter()
            .map(|&task| (task, self.waits_of(task, &end)))
            .collect();
        Progress {
            is_total: can.is_empty() && !others_can,
            stuck,
            waits,
        }
    }
}

impl AllNeeds {
    fn waits_of(&self, task: TaskId, end: &Round<'_>) -> Vec<Wait> {
        let needed = self.needs[&task].iter();
        needed.map(|needed| wait(needed, end)).collect()
    }
}

/// The tasks that can progress by now, and how many units of each resource those have.
struct Round<'a> {
    can: &'a HashSet<TaskId>,
    level: Level,
    /// Some recorded task can progress.
    anybody: bool,
    back: RefCell<HashMap<ResourceId, u64>>,
}

impl Round<'_> {
    fn can_come(&self, needed: &Needed) -> bool {
        if needed.is_dormant && self.level == Level::Possible {
            return false;
        }
        let acts = |place: &Place| self.can_act(place);
        match &needed.needs {
            Needs::Nothing => true,
            Needs::One(places) => places.iter().any(acts),
            Needs::Units(units) => {
                let comes_back = || units.missing == 0 || self.back(units) >= units.missing;
                (comes_back() && units.ahead.iter().all(acts)) || units.others.iter().any(acts)
            }
        }
    }

    /// The units that can come back. Many may wait for one resource, and many have units of it: it is counted once.
    fn back(&self, units: &Units) -> u64 {
        let mut back = self.back.borrow_mut();
        *back.entry(units.resource).or_insert_with(|| {
            units
                .kept
                .iter()
                .filter(|(_, place)| self.can_act(place))
                .fold(0, |sum: u64, (units, _)| sum.saturating_add(*units))
        })
    }

    /// Whether somebody who can have it can move.
    fn can_act(&self, place: &Place) -> bool {
        let named = place.named.iter().map(|(task, _)| task);
        let is_with_one_that_can = named
            .chain(&place.handed)
            .any(|task| self.can.contains(task));
        is_with_one_that_can
            || match (place.elsewhere, self.level) {
                (Elsewhere::No, _) | (Elsewhere::Rarely, Level::Possible) => false,
                (_, Level::Proven) => true,
                _ => self.anybody,
            }
    }
}

/// What keeps a task waiting, at the end of the fixpoint: of units those that cannot come back, or, where they can, who is served before.
fn wait(needed: &Needed, end: &Round<'_>) -> Wait {
    let places: Vec<&Place> = match &needed.needs {
        Needs::Units(units) if units.missing > 0 && end.back(units) < units.missing => {
            let kept = units.kept.iter().map(|(_, place)| place);
            kept.filter(|place| !end.can_act(place))
                .chain(&units.others)
                .collect()
        }
        Needs::Units(units) => {
            let ahead = units.ahead.iter();
            ahead
                .filter(|place| !end.can_act(place))
                .chain(&units.others)
                .collect()
        }
        needs => needs.places().collect(),
    };
    let named = places.iter().flat_map(|place| &place.named);
    // One way each: the first is that by which it would have to act first.
    let mut on: BTreeMap<TaskId, Link> = BTreeMap::new();
    for &(task, link) in named.take(NAMED) {
        on.entry(task).or_insert(link);
    }
    let elsewhere = places.iter().map(|place| place.elsewhere).max();
    let elsewhere = elsewhere.unwrap_or(Elsewhere::No);
    Wait {
        operation: needed.operation,
        on: on.into_iter().collect(),
        elsewhere: if needed.is_certain {
            elsewhere
        } else {
            elsewhere.max(Elsewhere::Rarely)
        },
    }
}
