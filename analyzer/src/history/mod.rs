//! What happened, entity by entity: each task with its polls and wakes, each future with its await points, each operation, each
//! resource with its changes.
//!
//! No global order of events is ever made. Each entity has an order of its own that is true by construction (poll numbers, sequence
//! numbers, the order within one thread), so that clocks which disagree by some nanoseconds between processors cannot turn a release
//! and the next acquire around. Times only place things on the axis.

mod change;
mod future;
mod handle;
mod hold;
mod operation;
mod operation_flags;
mod operation_kind;
mod poll;
mod rebuild;
mod replay;
mod resource;
mod resource_kind;
mod resource_state;
mod section;
mod task;
mod task_flags;
mod task_state;
mod totals;
mod wake;

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use crate::names::Function;
use crate::source::{Loss, Part};
use crate::time::Nanos;

pub use change::{Change, ChangeKind, NotifyMode};
pub use future::{Await, Future, FutureEnd};
pub use handle::{Handle, HandleSide};
pub use hold::Hold;
pub use operation::{Firing, Operation, OperationPoll, Outcome};
pub use operation_flags::OperationFlags;
pub use operation_kind::OperationKind;
pub use poll::{Poll, PollOutcome};
pub(crate) use rebuild::rebuild_as_told;
pub use rebuild::{rebuild, rebuild_until};
pub use replay::Replay;
pub(crate) use replay::Told;
pub use resource::Resource;
pub use resource_kind::ResourceKind;
pub use resource_state::{Queued, ResourceState};
pub use section::{Section, SectionKind};
pub use task::{Abort, Task, WakersGone};
pub use task_flags::TaskFlags;
pub use task_state::TaskState;
pub use totals::Totals;
pub(crate) use totals::polls;
pub use wake::{Wake, WokenBy};

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
    /// A task that is not recorded, by the number that its runtime gave it.
    ForeignId
    /// An instrumented future.
    FutureId
    /// An operation that had to wait.
    OperationId
    /// A lock, a channel, an executor, …
    ResourceId
    /// A thread of the traced program.
    ThreadId
    /// A function.
    FunctionId
}

/// The history of a whole trace.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts about a recording, independent of each other"
)]
pub struct History {
    /// The tasks, by number.
    pub tasks: Vec<Task>,
    /// The instrumented futures, by number.
    pub futures: Vec<Future>,
    /// The operations that had to wait, by number.
    pub operations: Vec<Operation>,
    /// The resources, by number.
    pub resources: Vec<Resource>,
    /// The sections in which threads blocked or kept others from going on, by thread and time.
    pub sections: Vec<Section>,
    /// The functions that futures are instances of.
    pub functions: HashMap<FunctionId, Function>,
    /// The names of threads that have one.
    pub threads: HashMap<ThreadId, Arc<str>>,
    /// When the last event of each thread was.
    pub last_events: HashMap<ThreadId, Nanos>,
    /// What was over before this moment is neither counted nor shown, and nothing is found in it. Zero where all of it is.
    pub from: Nanos,
    /// The last moment that is known of all threads, or the one at which the program shut itself down: histories end here.
    pub end: Nanos,
    /// When the recording ended.
    pub recorded_until: Nanos,
    /// The program shut its runtime down then, and went no further: what came of that (its tasks are cancelled) is left out.
    pub shutdown: Option<Nanos>,
    /// Whether there is such a moment. Where there is none, what is known of different threads may not fit together.
    pub has_cut: bool,
    /// How many events there are.
    pub events: u64,
    /// What is missing.
    pub loss: Loss,
    /// All that was missing comes before a moment at which everything that was alive is told again.
    pub is_healed: bool,
    /// It begins in the middle of the recording: what came before is not kept, save for what was alive then.
    pub begins_late: bool,
    /// Where it begins in the middle: whether all that was alive then is told there.
    pub begins_whole: Option<bool>,
    /// It is followed by a later part of the trace: what goes on at its end is told of there.
    pub goes_on: bool,
    /// Of what is missing: what only reading shows, and not the headers of chunks.
    pub(crate) unreadable: Loss,
    /// What is known of the parts of the trace before it, where only this one was rebuilt.
    pub before: Totals,
    /// The part of the trace that it is the history of.
    pub(crate) part: Part,
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

    /// The tasks that have neither completed, nor panicked, nor been dropped by the end of the history.
    pub fn live_tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|task| task.state().is_live())
    }

    /// The sections in which threads are at the end of the trace.
    pub fn open_sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.is_open())
    }

    /// The operations of a task that still wait at the end of the trace.
    pub fn pending_operations(&self, task: TaskId) -> impl Iterator<Item = &Operation> {
        self.by_task
            .get(&task)
            .into_iter()
            .flat_map(|of| &of.pending)
            .map(|&index| &self.operations[index])
    }

    /// What a task waits for first of all at the end of the trace: its oldest pending operation, but one that may have been given up
    /// unseen only where there is no other, and what limits how long the others are waited for (a time, or that the other ends of a
    /// channel are gone: servers tell their connections so to shut down) only where there is nothing else.
    pub fn main_wait(&self, task: TaskId) -> Option<&Operation> {
        self.pending_operations(task).min_by_key(|operation| {
            let is_timer = operation.kind.is_timer();
            let is_closed = matches!(operation.kind, OperationKind::Closed(..));
            (
                // What was told to go on, and is not polled, was given up.
                operation.is_fired(),
                is_timer,
                is_closed,
                operation.flags.is_no_drop(),
                operation.begun,
            )
        })
    }

    /// Whether something that is not recorded can wake a task that waits: when its last poll ended, more clones of its waker were alive
    /// than its recorded operations keep.
    pub fn waits_outside(&self, task: TaskId) -> bool {
        let Some(task) = self.task(task) else {
            return false;
        };
        let ours = self
            .pending_operations(task.id)
            .filter(|operation| operation.keeps_a_waker())
            .count() as u64;
        let is_idle = matches!(task.state(), TaskState::Idle(_));
        is_idle && task.polls.last().is_some_and(|last| last.wakers > ours)
    }

    /// The futures that run, or ran, in a task.
    pub fn futures_of(&self, task: TaskId) -> impl Iterator<Item = &Future> {
        self.by_task
            .get(&task)
            .into_iter()
            .flat_map(|of| &of.futures)
            .map(|&index| &self.futures[index])
    }

    /// Names the tasks whose definition is lost by the function that they run, where that is known.
    fn name_by_function(&mut self) {
        for index in 0..self.tasks.len() {
            let task = &self.tasks[index];
            if !task.name.is_empty() {
                continue;
            }
            let mut futures = self.futures_of(task.id);
            let outermost = futures.find(|future| future.parent.is_none());
            let function = outermost.and_then(|future| self.function_of(future));
            let name: Option<Arc<str>> = function.map(|function| function.short_name().into());
            drop(futures);
            if let Some(name) = name {
                self.tasks[index].name = name;
            }
        }
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
