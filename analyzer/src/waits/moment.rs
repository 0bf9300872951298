//! One moment of a history: what each task does then, what it waits for, and what resources are like.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::index::Index;
use super::needs::Place;
use super::rules::{Asked, Kept};
use crate::history::{
    Operation, OperationFlags, OperationId, Resource, ResourceId, ResourceState, Task, TaskId,
    TaskState,
};
use crate::time::Nanos;

/// A moment: what happened before it is known, and nothing else.
pub struct Moment<'i, 'a> {
    pub(super) index: &'i Index<'a>,
    /// The first moment that is not known.
    pub(super) at: Nanos,
    /// When that is, for people: at the end of a history everything in it is known.
    pub(super) now: Nanos,
    /// What limits how long others are waited for counts for nothing, save where it is all that is waited for: asked is what would be
    /// without time-outs.
    without_timeouts: bool,
    /// Operations that are left out.
    left_out: HashSet<OperationId>,
    /// Where the units of resources are, once that was asked.
    pub(super) kept: RefCell<HashMap<ResourceId, Option<Kept>>>,
    /// Whom the tasks of executors wait for to be polled, once that was asked.
    pub(super) executors: RefCell<HashMap<(ResourceId, Asked), Option<Place>>>,
}

/// An operation that waits at a moment.
#[derive(Clone, Copy)]
pub(super) struct Pending<'a> {
    pub(super) operation: &'a Operation,
    pub(super) flags: OperationFlags,
    pub(super) is_polled: bool,
    /// When it was last polled, or made.
    pub(super) polled_at: Nanos,
    /// Its waker was called since.
    pub(super) is_fired: bool,
}

impl Pending<'_> {
    /// Whether it keeps a clone of its task's own waker alive for sure. A call of its own waker may use that up.
    pub(super) fn keeps_a_waker(&self) -> bool {
        self.is_polled && self.flags.keep_a_waker() && !self.is_fired
    }
}

impl<'i, 'a> Moment<'i, 'a> {
    /// The end of the history.
    pub fn end(index: &'i Index<'a>) -> Moment<'i, 'a> {
        Moment {
            at: Nanos(u64::MAX),
            now: index.history.end,
            ..Moment::before(index, index.history.end)
        }
    }

    /// Just before `at`.
    pub fn before(index: &'i Index<'a>, at: Nanos) -> Moment<'i, 'a> {
        Moment {
            index,
            at,
            now: at,
            without_timeouts: false,
            left_out: HashSet::new(),
            kept: RefCell::default(),
            executors: RefCell::default(),
        }
    }

    /// The same, were there no time-outs, and none of these operations.
    #[must_use]
    pub fn without(self, operations: impl IntoIterator<Item = OperationId>) -> Moment<'i, 'a> {
        Moment {
            without_timeouts: true,
            left_out: operations.into_iter().collect(),
            ..self
        }
    }

    pub(super) fn is_end(&self) -> bool {
        self.at == Nanos(u64::MAX)
    }

    /// The tasks that live.
    pub(super) fn live(&self) -> impl Iterator<Item = TaskId> + '_ {
        let tasks = self.index.history.tasks.iter();
        tasks.map(|task| task.id).filter(|&task| self.is_live(task))
    }

    pub(super) fn is_live(&self, task: TaskId) -> bool {
        self.state_of(task).is_some_and(TaskState::is_live)
    }

    pub(super) fn task(&self, id: TaskId) -> Option<&'a Task> {
        self.index.history.task(id)
    }

    pub(super) fn state_of(&self, task: TaskId) -> Option<TaskState> {
        self.task(task)?.state_at(self.at)
    }

    /// The operations that a task waits for, by when they began; also those that are left out.
    pub(super) fn pending(&self, task: TaskId) -> Vec<Pending<'a>> {
        let operations = self.index.operations_of(task, self.at).into_iter();
        operations
            .filter_map(|operation| self.pending_of(operation))
            .filter(|(_, owner)| *owner == Some(task))
            .map(|(pending, _)| pending)
            .collect()
    }

    /// The operations of a task that were dropped before this moment, and whose channels still have their wakers: when a message comes, the
    /// task is woken, and may ask for it anew.
    pub(super) fn left_behind_by(&self, task: TaskId) -> Vec<Pending<'a>> {
        let left = self.index.left_behind.get(&task).into_iter().flatten();
        left.filter(|operation| operation.ended.is_some_and(|(at, _)| at < self.at))
            .filter_map(|operation| self.pending_of(operation))
            .map(|(pending, _)| pending)
            .filter(|pending| !pending.is_fired && pending.flags.keep_a_waker())
            .collect()
    }

    /// What an operation is at this moment, and the task it is in.
    pub(super) fn pending_of(
        &self,
        operation: &'a Operation,
    ) -> Option<(Pending<'a>, Option<TaskId>)> {
        let known = operation.as_of(self.at)?;
        let pending = Pending {
            operation,
            flags: known.flags,
            is_polled: known.is_poll,
            polled_at: known.at,
            is_fired: operation.fires_before(self.at) > known.fires_seen,
        };
        Some((pending, known.task))
    }

    /// An operation by its number.
    pub(super) fn operation(&self, id: OperationId) -> Option<(Pending<'a>, Option<TaskId>)> {
        self.pending_of(self.index.history.operation(id)?)
    }

    /// Whether an operation is left out beside `others`, what else its task waits for.
    pub(super) fn is_left_out(&self, operation: &Operation, others: &[Pending<'_>]) -> bool {
        let limits_others =
            |others: &[Pending<'_>]| others.iter().any(|other| !other.operation.kind.is_timer());
        self.left_out.contains(&operation.id)
            || (self.without_timeouts && operation.kind.is_timeout() && limits_others(others))
    }

    /// The tasks with operations that use an end of a channel at this moment.
    pub(super) fn waiting_at_end(&self, end: (ResourceId, u64)) -> Vec<Option<TaskId>> {
        let operations = self.index.operations_of_end(end, self.at).into_iter();
        operations
            .filter_map(|operation| self.pending_of(operation))
            .map(|(_, owner)| owner)
            .collect()
    }

    pub(super) fn resource(&self, id: ResourceId) -> Option<&'a Resource> {
        self.index.history.resource(id)
    }

    /// What a resource is like; none where that is not known.
    pub(super) fn state(&self, id: ResourceId) -> Option<Arc<ResourceState>> {
        self.index.state(id, self.at)
    }

    /// The history that it is a moment of.
    pub fn history(&self) -> &'a crate::history::History {
        self.index.history
    }

    /// Whether what an operation waits for has happened, and was told to others than it.
    pub fn is_lost_on(&self, operation: &Operation) -> bool {
        self.was_told_to_others(operation)
    }

    /// The operations by which a task waits: not those that it has given up, and not its time-outs where these are left out.
    pub fn awaited_by(&self, task: TaskId) -> Vec<OperationId> {
        let pending = self.pending(task);
        let waits: Vec<Pending<'_>> = pending.into_iter().filter(|p| !p.is_fired).collect();
        let counted = waits
            .iter()
            .filter(|pending| !self.is_left_out(pending.operation, &waits));
        counted.map(|pending| pending.operation.id).collect()
    }

    /// The operations of a task that waits which were told to go on, and are not polled: what they are a part of was given up. Not the
    /// handles of tasks that have ended, which keep nothing.
    pub fn given_up_by(&self, task: TaskId) -> Vec<OperationId> {
        if !matches!(self.state_of(task), Some(TaskState::Idle(_))) {
            return Vec::new();
        }
        let pending = self.pending(task).into_iter();
        let given_up = pending.filter(|pending| {
            let is_join = matches!(
                pending.operation.kind,
                crate::history::OperationKind::Join(_)
            );
            pending.is_fired && !is_join
        });
        given_up.map(|pending| pending.operation.id).collect()
    }
}
