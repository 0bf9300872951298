//! What a task needs: what it does says whether it waits at all, and for which of its operations.

use super::super::moment::{Moment, Pending};
use super::super::needs::{Elsewhere, Link, Needed, Needs, Place};
use crate::history::{Poll, ResourceKind, Task, TaskId, TaskState};
use crate::time::Nanos;

/// A thread that has told nothing for so long, inside a poll that waits for something, blocks on it.
const SILENT: Nanos = Nanos(100_000_000);

/// What a live task needs from others.
pub(in super::super) enum TaskNeeds {
    /// It can go on by itself, or the trace cannot tell.
    Can,
    /// One of these must come; where there is none, nobody can wake it.
    Needs(Vec<Needed>),
}

impl Moment<'_, '_> {
    /// What a live task needs from others.
    pub(in super::super) fn needs_of_task(&self, id: TaskId) -> TaskNeeds {
        let needs = self.task(id).and_then(|task| {
            // Some of what it did is not known; or its executor will drop it, which gives back what it holds.
            let is_aborted = task.aborts.iter().any(|abort| abort.at < self.at);
            if task.late || task.has_gaps || is_aborted {
                return None;
            }
            match task.state_at(self.at)? {
                TaskState::Running(since) => self.needs_of_running(task, since),
                TaskState::Scheduled(since) => self.needs_of_scheduled(task, since),
                TaskState::Idle(_) => self.needs_of_idle(task),
                _ => None,
            }
        });
        needs.map_or(TaskNeeds::Can, TaskNeeds::Needs)
    }

    fn needs_of_idle(&self, task: &Task) -> Option<Vec<Needed>> {
        let last = task.poll_at(self.at)?;
        // A task that is a part of another one ends when that one drops it: on a time-out of its own, for instance. One that a thread
        // blocks on, inside of a poll, is not dropped before it ends.
        let is_part = last.inside.is_some() && !task.flags.is_block_on() && !self.is_local(task);
        let pending = self.pending(task.id);
        // Each of our operations keeps one clone of its task's waker. Any more belong to what was not recorded: a timer, I/O, another
        // library's lock. That can wake the task.
        let ours = pending
            .iter()
            .filter(|pending| pending.keeps_a_waker())
            .count() as u64;
        // The last of them went, and it was not woken.
        let are_gone = task
            .wakers_gone
            .iter()
            .any(|gone| gone.waker == last.waker && gone.at >= last.begin && gone.at < self.at);
        let foreign = if are_gone {
            0
        } else {
            last.wakers.saturating_sub(ours)
        };
        // What is left of operations that are over or have come may still have some: answers keep the waker until they are taken.
        let left = self.left_behind_by(task.id);
        let come = pending.iter().filter(|pending| {
            pending.is_fired && pending.flags.keep_a_waker() && self.is_of_handle(pending)
        });
        let ours_too = left.len() + come.count();
        if is_part || foreign > ours_too as u64 {
            return None;
        }
        let waits: Vec<Pending<'_>> = pending
            .into_iter()
            // It was told, and has not been polled since, though its task was: nobody waits for it any more.
            .filter(|pending| !pending.is_fired)
            .collect();
        let counts = |pending: &&Pending<'_>| !self.is_left_out(pending.operation, &waits);
        let counted: Vec<&Pending<'_>> = waits.iter().filter(counts).collect();
        let is_only_wait = counted.len() == 1;
        let needed = counted.into_iter().map(|pending| Needed {
            operation: Some(pending.operation.id),
            is_certain: is_only_wait || !pending.flags.is_no_drop(),
            is_dormant: self.is_of_handle(pending) && is_dormant(pending, last),
            needs: self.needs_of_operation(pending, task.id),
        });
        let left = left
            .iter()
            .map(|left| loosely(self.needs_of_operation(left, task.id)));
        // That a waker which nobody else is known to have is one of those is concluded, and not certain.
        let concluded = Needs::One(vec![Place {
            named: Vec::new(),
            handed: Vec::new(),
            elsewhere: Elsewhere::Rarely,
        }]);
        let left = left.chain([concluded]).filter(|_| foreign > 0);
        let left = left.map(|needs| Needed {
            operation: None,
            is_certain: true,
            is_dormant: false,
            needs,
        });
        Some(needed.chain(left).collect())
    }

    /// A task that runs needs others where its thread blocks: for an operation that says so, in a `block_on` of another task, or, as far as
    /// can be told, in one of an executor that nobody records.
    fn needs_of_running(&self, task: &Task, since: Nanos) -> Option<Vec<Needed>> {
        let pending = self.pending(task.id);
        let blocking = pending
            .iter()
            .rfind(|pending| pending.flags.is_blocking() && pending.polled_at >= since);
        if let Some(blocking) = blocking {
            return Some(vec![Needed {
                operation: Some(blocking.operation.id),
                is_certain: true,
                is_dormant: false,
                needs: self.needs_of_operation(blocking, task.id),
            }]);
        }
        let nested = self.index.nested.get(&task.id).into_iter().flatten();
        let nested = nested.filter(|inner| self.is_live(inner.id)).find(|inner| {
            let last = inner.poll_at(self.at);
            last.is_some_and(|last| last.inside == Some(task.id) && last.begin >= since)
        });
        if let Some(inner) = nested {
            return Some(vec![Needed {
                operation: None,
                is_certain: true,
                is_dormant: false,
                needs: self.needs_end_of(inner.id),
            }]);
        }
        self.needs_of_silent(task, since, &pending)
    }

    /// The last that was seen of a poll is that it polled operations with a waker that is not its task's own, and then nothing for long:
    /// they are blocked on.
    fn needs_of_silent(
        &self,
        task: &Task,
        since: Nanos,
        pending: &[Pending<'_>],
    ) -> Option<Vec<Needed>> {
        let last = task.poll_at(self.at)?;
        let told = *self.index.history.last_events.get(&last.thread)?;
        let is_silent = self.is_end() && self.now.since(told) >= SILENT;
        let in_this_poll = |pending: &&Pending<'_>| pending.polled_at >= since && !pending.is_fired;
        let inner: Vec<&Pending<'_>> = pending.iter().filter(in_this_poll).collect();
        let all_foreign = inner.iter().all(|p| p.flags.has_foreign_waker());
        let was_last = inner.iter().any(|pending| pending.polled_at == told);
        if !is_silent || !all_foreign || !was_last {
            return None;
        }
        let needed = inner.into_iter().map(|pending| Needed {
            operation: Some(pending.operation.id),
            is_certain: true,
            is_dormant: false,
            needs: loosely(self.needs_of_operation(pending, task.id)),
        });
        Some(needed.collect())
    }

    /// Whether a task is driven by a set of local tasks, in the poll of whoever awaits that.
    pub(super) fn is_local(&self, task: &Task) -> bool {
        let executor = task.executor.and_then(|id| self.resource(id));
        executor.is_some_and(|executor| executor.kind == ResourceKind::LocalSet)
    }
}

/// Whether it looks as if a task awaited an operation no more that outlives what awaits it: its last poll passed it by.
fn is_dormant(pending: &Pending<'_>, last: &Poll) -> bool {
    pending.flags.is_no_drop()
        && !pending.flags.has_foreign_waker()
        && pending.polled_at < last.begin
}

/// The same, but not for certain: that a thread blocks is a guess.
fn loosely(needs: Needs) -> Needs {
    let loosely = |place: Place| Place {
        elsewhere: place.elsewhere.max(Elsewhere::Rarely),
        ..place
    };
    match needs {
        Needs::Nothing => Needs::Nothing,
        Needs::One(places) => Needs::One(places.into_iter().map(loosely).collect()),
        // Of units too, any place that can act is enough then.
        Needs::Units(units) => {
            let places = Needs::Units(units);
            Needs::One(places.places().cloned().map(loosely).collect())
        }
    }
}

/// The poll of a task that keeps a thread.
pub(super) fn executes(task: TaskId) -> (TaskId, Link) {
    (task, Link::Executes)
}
