//! Whether two stretches of two tasks can have happened at the same time, as far as the trace tells.
//!
//! They cannot where all of the one comes before all of the other by more than chance: its task spawned the other one (or one that did)
//! after it; its task had ended, and the other one had waited for that, or is its parent and may have; or it sent a message after it that
//! the other one received before. Nor do tasks meet that never lived at the same time. A join and a message are taken for an order though
//! another one may have been meant: to say nothing is better than to accuse.

use std::collections::{HashMap, HashSet};

use super::edges::Edge;
use crate::history::{
    ChangeKind, History, OperationKind, Outcome, ResourceId, Task, TaskId, TaskState,
};
use crate::time::Nanos;

/// From when the first lock was taken to when the second one was.
type Stretch = (Nanos, Nanos);

/// What orders the tasks that are looked at.
pub(super) struct Order<'a> {
    history: &'a History,
    /// What each of them told others, by time: through what.
    told: HashMap<TaskId, Vec<(Nanos, ResourceId)>>,
    /// What each of them was told, by time.
    heard: HashMap<TaskId, Vec<(Nanos, ResourceId)>>,
    /// The ends of tasks for which each of them waited.
    joined: HashMap<TaskId, HashMap<TaskId, Nanos>>,
}

impl<'a> Order<'a> {
    pub(super) fn of(history: &'a History, tasks: &HashSet<TaskId>) -> Order<'a> {
        let mut order = Order {
            history,
            told: HashMap::new(),
            heard: HashMap::new(),
            joined: HashMap::new(),
        };
        for resource in history
            .resources
            .iter()
            .filter(|known| !known.kind.has_units())
        {
            for change in &resource.changes {
                let Some(by) = change.by.filter(|by| tasks.contains(by)) else {
                    continue;
                };
                let entry = (change.at, resource.id);
                match change.kind {
                    ChangeKind::Sent { .. }
                    | ChangeKind::Notified { .. }
                    | ChangeKind::Closed
                    | ChangeKind::HandleDropped(_)
                    | ChangeKind::Arrived(_) => order.told.entry(by).or_default().push(entry),
                    ChangeKind::Received { .. } => order.heard.entry(by).or_default().push(entry),
                    _ => {}
                }
            }
        }
        for operation in &history.operations {
            let (Some(task), Some((at, Outcome::Ready | Outcome::Closed))) = (
                operation.task.filter(|task| tasks.contains(task)),
                operation.ended,
            ) else {
                continue;
            };
            match (operation.kind, operation.kind.resource()) {
                (OperationKind::Join(target), _) => {
                    let joined = order.joined.entry(task).or_default();
                    let first = joined.entry(target).or_insert(at);
                    *first = at.min(*first);
                }
                (_, Some(resource)) => order.heard.entry(task).or_default().push((at, resource)),
                _ => {}
            }
        }
        for list in order.told.values_mut().chain(order.heard.values_mut()) {
            list.sort_unstable();
        }
        order
    }

    /// Whether the two can have been walked at the same time.
    pub(super) fn can_meet(&self, one: &Edge, other: &Edge) -> bool {
        let (Some(a), Some(b)) = (self.history.task(one.task), self.history.task(other.task))
        else {
            return false;
        };
        let overlap = a.spawned < self.end_of(b) && b.spawned < self.end_of(a);
        let can_meet = |&one: &Stretch, &other: &Stretch| {
            !self.is_before(one, a, other, b) && !self.is_before(other, b, one, a)
        };
        let mut ones = one.stretches.iter();
        overlap && ones.any(|one| other.stretches.iter().any(|other| can_meet(one, other)))
    }

    fn end_of(&self, task: &Task) -> Nanos {
        match task.state() {
            TaskState::Running(_) | TaskState::Scheduled(_) | TaskState::Idle(_) => {
                self.history.end
            }
            state => state.since(),
        }
    }

    /// Whether all of `first` was over before anything of `then` began, and not by chance.
    fn is_before(&self, first: Stretch, a: &Task, then: Stretch, b: &Task) -> bool {
        let (last, next) = (first.1, then.0);
        last <= next
            && (self.was_spawned_after(b, a, last)
                || self.may_have_joined(b, a, next)
                || self.was_told(a.id, last, b.id, next))
    }

    /// Whether `task`, or one that it descends from, was spawned by `by` after that moment.
    fn was_spawned_after(&self, task: &Task, by: &Task, after: Nanos) -> bool {
        let mut ancestors = self.lineage(task);
        ancestors.any(|child| child.spawned_by == Some(by.id) && child.spawned >= after)
    }

    /// A task, the one that spawned it, and so on.
    fn lineage<'b>(&'b self, task: &'b Task) -> impl Iterator<Item = &'b Task> {
        /// A longer line than this is not followed.
        const LONGEST: usize = 100;
        let parent = |task: &&'b Task| task.spawned_by.and_then(|id| self.history.task(id));
        std::iter::successors(Some(task), parent).take(LONGEST)
    }

    /// Whether `waiter` waited for the end of `ended` before that moment, or may have: a join of a task that has ended already leaves no
    /// trace. Or it was spawned later by one that did.
    fn may_have_joined(&self, waiter: &Task, ended: &Task, before: Nanos) -> bool {
        let end = self.end_of(ended);
        if end > before || ended.state().is_live() {
            return false;
        }
        let parents: Vec<TaskId> = self.lineage(ended).skip(1).map(|task| task.id).collect();
        let mut until = before;
        for task in self.lineage(waiter) {
            if end > until {
                return false;
            }
            let has_joined = self
                .joined
                .get(&task.id)
                .is_some_and(|joined| joined.get(&ended.id).is_some_and(|&at| at <= until));
            if has_joined || (parents.contains(&task.id)) {
                return true;
            }
            until = task.spawned;
        }
        false
    }

    /// Whether `teller` said something after that moment that `hearer` heard before the other one.
    fn was_told(&self, teller: TaskId, after: Nanos, hearer: TaskId, before: Nanos) -> bool {
        let (Some(told), Some(heard)) = (self.told.get(&teller), self.heard.get(&hearer)) else {
            return false;
        };
        let first = told.partition_point(|&(at, _)| at < after);
        let mut earliest: HashMap<ResourceId, Nanos> = HashMap::new();
        for &(at, through) in told[first..].iter().take_while(|&&(at, _)| at <= before) {
            earliest.entry(through).or_insert(at);
        }
        let from = heard.partition_point(|&(at, _)| at < after);
        heard[from..]
            .iter()
            .take_while(|&&(at, _)| at <= before)
            .any(|(at, through)| earliest.get(through).is_some_and(|told| told <= at))
    }
}
