//! A history, arranged for questions about any moment of it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::stabs::Stabs;
use crate::history::{
    ChangeKind, History, Operation, OperationKind, Outcome, Replay, ResourceId, ResourceKind,
    ResourceState, Section, SectionKind, Task, TaskId, ThreadId,
};
use crate::time::Nanos;

/// What the questions of this module go to.
pub struct Index<'a> {
    pub(super) history: &'a History,
    /// The operations that each task has waited for.
    operations: HashMap<TaskId, Stabs<&'a Operation>>,
    /// The operations that used an end of a channel.
    of_end: HashMap<(ResourceId, u64), Stabs<&'a Operation>>,
    /// The tasks that each task has spawned, by time.
    pub(super) children: HashMap<TaskId, Vec<&'a Task>>,
    /// When each task sent messages that can hold something, and into which channels.
    pub(super) gifts: HashMap<TaskId, Vec<(Nanos, ResourceId)>>,
    /// The polls of `block_on` that took place inside the poll of another task.
    pub(super) nested: HashMap<TaskId, Vec<&'a Task>>,
    /// The tasks that have awaited the end of another one.
    pub(super) joined_by: HashMap<TaskId, Vec<TaskId>>,
    /// The `recv()` that each task polled last on a channel with one receiver, where it was dropped while it waited: the channel still has
    /// its waker.
    pub(super) left_behind: HashMap<TaskId, Vec<&'a Operation>>,
    /// The tasks of each executor.
    pub(super) of_executor: HashMap<ResourceId, Vec<&'a Task>>,
    /// When threads were in `block_in_place`.
    in_place: HashMap<ThreadId, Stabs<()>>,
    /// When tasks were: of a poll that a keyframe tells of it is not known on which thread it goes on.
    tasks_in_place: HashMap<TaskId, Stabs<()>>,
    /// When values of watch channels were borrowed, and by whom.
    borrows: HashMap<ResourceId, Stabs<&'a Section>>,
    /// What resources were like when that was last asked: mostly it is asked for later and later moments.
    replays: RefCell<HashMap<ResourceId, (Nanos, Replay<'a>)>>,
}

impl<'a> Index<'a> {
    /// Arranges a history.
    pub fn new(history: &'a History) -> Index<'a> {
        let mut operations: HashMap<TaskId, Vec<_>> = HashMap::new();
        let mut of_end: HashMap<(ResourceId, u64), Vec<_>> = HashMap::new();
        let mut joined_by: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
        for operation in &history.operations {
            if let (OperationKind::Join(target), Some(task)) = (operation.kind, operation.task) {
                joined_by.entry(target).or_default().push(task);
            }
            // One that was never polled waits for nothing, and is known when it is dropped.
            if matches!(operation.ended, Some((_, Outcome::NeverPolled))) {
                continue;
            }
            let item = (
                operation.begun,
                operation.ended.map(|(at, _)| at),
                operation,
            );
            let mut tasks: Vec<TaskId> = operation
                .polls
                .iter()
                .filter_map(|poll| poll.task)
                .chain(operation.task)
                .collect();
            tasks.sort_unstable();
            tasks.dedup();
            for task in tasks {
                operations.entry(task).or_default().push(item);
            }
            if let Some(end) = operation.kind.handle() {
                of_end.entry(end).or_default().push(item);
            }
        }
        let mut children: HashMap<TaskId, Vec<&Task>> = HashMap::new();
        let mut nested: HashMap<TaskId, Vec<&Task>> = HashMap::new();
        let mut of_executor: HashMap<ResourceId, Vec<&Task>> = HashMap::new();
        for task in &history.tasks {
            if let Some(parent) = task.spawned_by {
                children.entry(parent).or_default().push(task);
            }
            let outer = task.polls.last().and_then(|poll| poll.inside);
            if let Some(outer) = outer.filter(|_| task.flags.is_block_on()) {
                nested.entry(outer).or_default().push(task);
            }
            if let Some(executor) = task.executor {
                of_executor.entry(executor).or_default().push(task);
            }
        }
        for children in children.values_mut() {
            children.sort_by_key(|child| child.spawned);
        }
        let mut in_place: HashMap<ThreadId, Vec<_>> = HashMap::new();
        let mut tasks_in_place: HashMap<TaskId, Vec<_>> = HashMap::new();
        let mut borrows: HashMap<ResourceId, Vec<_>> = HashMap::new();
        for section in &history.sections {
            if let (SectionKind::Borrow, Some(id), false) =
                (section.kind, section.resource, section.is_lost)
            {
                let stretch = (section.begun, section.ended, section);
                borrows.entry(id).or_default().push(stretch);
            }
            if section.kind == SectionKind::BlockInPlace && !section.is_lost {
                let stretch = (section.begun, section.ended, ());
                in_place.entry(section.thread).or_default().push(stretch);
                if let Some(task) = section.task {
                    tasks_in_place.entry(task).or_default().push(stretch);
                }
            }
        }
        Index {
            history,
            operations: arranged(operations),
            of_end: arranged(of_end),
            children,
            gifts: gifts(history),
            nested,
            joined_by,
            left_behind: left_behind(history),
            of_executor,
            in_place: arranged(in_place),
            tasks_in_place: arranged(tasks_in_place),
            borrows: arranged(borrows),
            replays: RefCell::default(),
        }
    }

    /// The history that it is arranged from.
    pub fn history(&self) -> &'a History {
        self.history
    }

    pub(super) fn operations_of(&self, task: TaskId, at: Nanos) -> Vec<&'a Operation> {
        self.operations
            .get(&task)
            .map_or_else(Vec::new, |operations| operations.at(at))
    }

    pub(super) fn operations_of_end(
        &self,
        end: (ResourceId, u64),
        at: Nanos,
    ) -> Vec<&'a Operation> {
        self.of_end
            .get(&end)
            .map_or_else(Vec::new, |operations| operations.at(at))
    }

    /// Whether the thread on which a task is polled is in `block_in_place`.
    pub(super) fn is_in_place(&self, task: TaskId, thread: ThreadId, at: Nanos) -> bool {
        let [of_thread, of_task] = [self.in_place.get(&thread), self.tasks_in_place.get(&task)];
        let mut both = of_thread.into_iter().chain(of_task);
        both.any(|sections| !sections.at(at).is_empty())
    }

    pub(super) fn borrows_of(&self, watch: ResourceId, at: Nanos) -> Vec<&'a Section> {
        self.borrows
            .get(&watch)
            .map_or_else(Vec::new, |borrows| borrows.at(at))
    }

    /// What a resource was like just before `at`; none where that is not known.
    pub(super) fn state(&self, id: ResourceId, at: Nanos) -> Option<Arc<ResourceState>> {
        let resource = self
            .history
            .resource(id)
            .filter(|resource| !resource.uncertain)?;
        if at == Nanos(u64::MAX) {
            return Some(Arc::clone(&resource.at_end));
        }
        // From the keyframe on, and not before.
        if resource.told.as_ref().is_some_and(|told| told.at >= at) {
            return None;
        }
        let mut replays = self.replays.borrow_mut();
        let (then, replay) = replays
            .entry(id)
            .or_insert_with(|| (Nanos(0), Replay::new(resource)));
        if *then > at {
            *replay = Replay::new(resource);
        }
        *then = at;
        Some(Arc::clone(replay.advance(at)))
    }
}

fn arranged<K: std::hash::Hash + Eq, T: Copy>(
    items: HashMap<K, Vec<(Nanos, Option<Nanos>, T)>>,
) -> HashMap<K, Stabs<T>> {
    items
        .into_iter()
        .map(|(key, items)| (key, Stabs::new(items)))
        .collect()
}

fn left_behind(history: &History) -> HashMap<TaskId, Vec<&Operation>> {
    let last_poll = |operation: &Operation| operation.polls.last().map(|poll| poll.at);
    let mut last: HashMap<ResourceId, &Operation> = HashMap::new();
    for operation in &history.operations {
        let OperationKind::Receive(id, _) = operation.kind else {
            continue;
        };
        let has_one_receiver = history.resource(id).is_some_and(|channel| {
            matches!(
                channel.kind,
                ResourceKind::Channel | ResourceKind::UnboundedChannel
            )
        });
        if has_one_receiver {
            let known = last.entry(id).or_insert(operation);
            if last_poll(operation) > last_poll(known) {
                *known = operation;
            }
        }
    }
    let mut left: HashMap<TaskId, Vec<&Operation>> = HashMap::new();
    for operation in last.into_values() {
        let is_left = matches!(operation.ended, Some((_, Outcome::Dropped)));
        if let Some(task) = operation.task.filter(|_| is_left && operation.is_polled) {
            left.entry(task).or_default().push(operation);
        }
    }
    left
}

fn gifts(history: &History) -> HashMap<TaskId, Vec<(Nanos, ResourceId)>> {
    let mut gifts: HashMap<TaskId, Vec<(Nanos, ResourceId)>> = HashMap::new();
    for resource in history.resources.iter().filter(|r| r.kind.is_channel()) {
        for change in &resource.changes {
            if let (ChangeKind::Sent { can_hold: true, .. }, Some(by)) = (&change.kind, change.by) {
                gifts.entry(by).or_default().push((change.at, resource.id));
            }
        }
    }
    for gifts in gifts.values_mut() {
        gifts.sort_unstable_by_key(|&(at, _)| at);
    }
    gifts
}
