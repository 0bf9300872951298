//! What happened, entity by entity: each task with its polls and wakes, each future with its await points, each operation, each
//! resource with its changes.
//!
//! No global order of events is ever made. Each entity has an order of its own that is true by construction (poll numbers, sequence
//! numbers, the order within one thread), so that clocks which disagree by some nanoseconds between processors cannot turn a release
//! and the next acquire around. Times only place things on the axis.

mod future;
mod operation;
mod rebuild;
mod resource;
mod task;

use std::collections::HashMap;

use serde::Serialize;

use crate::names::Function;
use crate::source::Loss;
use crate::time::Nanos;

pub use future::{Await, Future, FutureEnd};
pub use operation::{Operation, OperationKind, Outcome};
pub use rebuild::rebuild;
pub use resource::{Change, ChangeKind, Handle, HandleSide, Hold, Resource, ResourceKind};
pub use task::{Poll, PollOutcome, Task, TaskState, Wake, WokenBy};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);
    )*};
}

ids! {
    /// A task.
    TaskId
    /// An instrumented future.
    FutureId
    /// An operation that had to wait.
    OperationId
    /// A lock or a channel.
    ResourceId
    /// A thread of the traced program.
    ThreadId
    /// A function.
    FunctionId
}

/// The history of a whole trace.
#[derive(Debug, Default)]
pub struct History {
    /// The tasks, by number.
    pub tasks: Vec<Task>,
    /// The instrumented futures, by number.
    pub futures: Vec<Future>,
    /// The operations that had to wait, by number.
    pub operations: Vec<Operation>,
    /// The resources, by number.
    pub resources: Vec<Resource>,
    /// The functions that futures are instances of.
    pub functions: HashMap<FunctionId, Function>,
    /// The names of threads that have one.
    pub threads: HashMap<ThreadId, std::sync::Arc<str>>,
    /// The last moment that is known of all threads: histories end here.
    pub end: Nanos,
    /// Whether there is such a moment. Where there is none, what is known of different threads may not fit together.
    pub has_cut: bool,
    /// How many events there are.
    pub events: u64,
    /// What is missing.
    pub loss: Loss,
    by_task: HashMap<TaskId, OfTask>,
}

/// What belongs to a task, as indices into the lists of a history.
#[derive(Debug, Default)]
struct OfTask {
    pending: Vec<usize>,
    futures: Vec<usize>,
}

macro_rules! look_ups {
    ($($(#[$doc:meta])* $name:ident: $list:ident[$id:ty] -> $entity:ty;)*) => {
        impl History {$(
            $(#[$doc])*
            pub fn $name(&self, id: $id) -> Option<&$entity> {
                self.$list.binary_search_by_key(&id, |entity| entity.id).ok().map(|index| &self.$list[index])
            }
        )*}
    };
}

look_ups! {
    /// The task with this number.
    task: tasks[TaskId] -> Task;
    /// The future with this number.
    future: futures[FutureId] -> Future;
    /// The operation with this number.
    operation: operations[OperationId] -> Operation;
    /// The resource with this number.
    resource: resources[ResourceId] -> Resource;
}

impl History {
    /// The function of a future.
    pub fn function_of(&self, future: &Future) -> Option<&Function> {
        self.functions.get(&future.function)
    }

    /// The operations of a task that still wait at the end of the trace.
    pub fn pending_operations(&self, task: TaskId) -> impl Iterator<Item = &Operation> {
        self.by_task
            .get(&task)
            .into_iter()
            .flat_map(|of| &of.pending)
            .map(|&index| &self.operations[index])
    }

    /// The futures that run, or ran, in a task.
    pub fn futures_of(&self, task: TaskId) -> impl Iterator<Item = &Future> {
        self.by_task
            .get(&task)
            .into_iter()
            .flat_map(|of| &of.futures)
            .map(|&index| &self.futures[index])
    }

    fn index_by_task(&mut self) {
        for (index, operation) in self.operations.iter().enumerate() {
            if let Some(task) = operation.task.filter(|_| operation.ended.is_none()) {
                self.by_task.entry(task).or_default().pending.push(index);
            }
        }
        for (index, future) in self.futures.iter().enumerate() {
            if let Some(task) = future.task {
                self.by_task.entry(task).or_default().futures.push(index);
            }
        }
    }
}
