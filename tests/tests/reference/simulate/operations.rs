//! What happens to operations: they begin to wait, are polled again, by another task even, are fired, and end.

use ais_format::event::{
    OperationBegin, OperationEnd, OperationFired, OperationPoll, TimerSet, operation_flag,
    operation_kind, outcome, resource_kind,
};

use super::world::{Operation, Resource, Touched, World};

/// What can wait in the queue of a resource.
fn kinds(resource: u64) -> &'static [u64] {
    match resource {
        resource_kind::MUTEX => &[operation_kind::LOCK],
        resource_kind::RWLOCK => &[operation_kind::READ, operation_kind::WRITE],
        resource_kind::SEMAPHORE => &[operation_kind::ACQUIRE],
        resource_kind::CHANNEL => &[
            operation_kind::SEND,
            operation_kind::RECEIVE,
            operation_kind::RESERVE,
            operation_kind::CLOSED,
        ],
        resource_kind::NOTIFY => &[operation_kind::NOTIFIED],
        resource_kind::BARRIER => &[operation_kind::BARRIER],
        resource_kind::TASK_SET => &[operation_kind::JOIN_NEXT],
        resource_kind::SET_ONCE => &[operation_kind::SET],
        resource_kind::WATCH => &[operation_kind::CHANGED],
        _ => &[operation_kind::RECEIVE],
    }
}

const FLAGS: [u64; 8] = [
    0,
    operation_flag::INLINE,
    operation_flag::INLINE,
    operation_flag::INLINE | operation_flag::OWNED,
    operation_flag::FOREIGN_WAKER,
    operation_flag::NO_BUDGET,
    operation_flag::STATIC,
    operation_flag::NO_DROP,
];

impl World {
    /// Flags of something that takes units.
    pub(super) fn flags(&mut self) -> u64 {
        *self.rng.of(&FLAGS)
    }

    /// One that is not recorded waits, and blocks its thread.
    pub(super) fn block(&mut self, thread: usize) {
        let ended = World::one_of(&mut self.rng, &self.operations, |operation| {
            operation.task.is_none() && !operation.is_over
        });
        match ended.filter(|_| self.rng.percent(60)) {
            Some(operation) => self.end_this(thread, operation, outcome::READY),
            None => self.begin_with(thread, operation_flag::BLOCKING),
        }
    }

    pub(super) fn begin_operation(&mut self, thread: usize) {
        let flags = self.flags();
        self.begin_with(thread, flags);
        if self.rng.percent(5) {
            let last = self.operations.len() - 1;
            self.end_this(thread, last, outcome::NEVER_POLLED);
        }
    }

    fn begin_with(&mut self, thread: usize, flags: u64) {
        let there = |resource: &Resource| !resource.is_gone;
        let resource =
            World::one_of(&mut self.rng, &self.resources, there).filter(|_| self.rng.percent(75));
        let joined = World::one_of(&mut self.rng, &self.tasks, |_| true);
        let (kind, target, sequence) = match (resource, joined) {
            (Some(resource), _) => {
                let kind = *self.rng.of(kinds(self.resources[resource].kind));
                let sequence = self.change(resource);
                (kind, self.resources[resource].id, sequence)
            }
            (None, Some(task)) if self.rng.percent(50) => {
                (operation_kind::JOIN, self.tasks[task].id, 0)
            }
            _ => {
                let timers = [
                    operation_kind::SLEEP,
                    operation_kind::TIMEOUT,
                    operation_kind::TICK,
                ];
                (*self.rng.of(&timers), 0, 0)
            }
        };
        let id = World::number(self.operations.len());
        let row = OperationBegin {
            operation: id,
            kind,
            target,
            handle: self.rng.below(3) as u64,
            location: 0,
            future: self.inside(thread),
            flags,
            units: 1 + self.rng.below(4) as u64,
            sequence,
            overlap: self.rng.below(3) as u64,
        };
        self.operations.push(Operation {
            id,
            resource,
            units: row.units,
            task: self.current(thread),
            is_timer: resource.is_none() && kind != operation_kind::JOIN,
            fires: 0,
            is_over: false,
            touched: Touched::default(),
        });
        self.happens_to_operation(thread, self.operations.len() - 1, row);
    }

    pub(super) fn poll_operation(&mut self, thread: usize) {
        let task = self.current(thread);
        // Now and then one that another task has polled before.
        let is_moved = self.rng.percent(10);
        let fit = |operation: &Operation| {
            !operation.is_over && (is_moved || operation.task == task) && operation.task.is_some()
        };
        let Some(index) = World::one_of(&mut self.rng, &self.operations, fit) else {
            return;
        };
        self.operations[index].task = task;
        let poll = OperationPoll {
            operation: self.operations[index].id,
            fires: self.operations[index].fires,
            flags: self.flags(),
        };
        self.happens_to_operation(thread, index, poll);
    }

    /// The waker of an operation of a task was called, and has woken the task.
    pub(super) fn fire(&mut self, thread: usize, task: usize) {
        let its = |operation: &Operation| operation.task == Some(task) && !operation.is_over;
        if let Some(index) = World::one_of(&mut self.rng, &self.operations, its) {
            let operation = &mut self.operations[index];
            operation.fires += 1;
            let (operation, number) = (operation.id, operation.fires);
            self.happens(thread, OperationFired { operation, number });
        }
    }

    pub(super) fn set_timer(&mut self, thread: usize) {
        let task = self.current(thread);
        let timer = |operation: &Operation| {
            operation.is_timer && !operation.is_over && operation.task == task
        };
        if let Some(index) = World::one_of(&mut self.rng, &self.operations, timer) {
            let set = TimerSet {
                operation: self.operations[index].id,
                delay: 1000 + self.rng.below(100) as u64,
            };
            self.happens_to_operation(thread, index, set);
        }
    }

    /// An operation of the task that is polled ends; with what it waited for, where there is such a thing.
    pub(super) fn end_operation(&mut self, thread: usize) {
        let task = self.current(thread);
        let its = |operation: &Operation| operation.task == task && !operation.is_over;
        let Some(index) = World::one_of(&mut self.rng, &self.operations, its) else {
            return;
        };
        let how = match self.rng.below(10) {
            0 => outcome::CLOSED,
            1..3 => outcome::DROPPED,
            _ => outcome::READY,
        };
        let (id, units) = (self.operations[index].id, self.operations[index].units);
        let resource = self.operations[index].resource;
        self.end_this(thread, index, how);
        if let Some(resource) = resource.filter(|_| how == outcome::READY) {
            self.take(thread, resource, units, id);
        }
    }

    pub(super) fn end_this(&mut self, thread: usize, operation: usize, how: u64) {
        self.operations[operation].is_over = true;
        let resource = self.operations[operation].resource;
        let sequence = resource.map_or(0, |resource| self.change(resource));
        let end = OperationEnd {
            operation: self.operations[operation].id,
            outcome: how,
            resource: resource.map_or(0, |resource| self.resources[resource].id),
            sequence,
        };
        self.happens_to_operation(thread, operation, end);
    }
}
