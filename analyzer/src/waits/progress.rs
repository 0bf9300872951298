//! The may-progress fixpoint over tasks.

use std::collections::{HashMap, HashSet};

use crate::history::{
    HandleSide, History, Hold, Operation, OperationId, OperationKind, Resource, ResourceId, Task,
    TaskId, TaskState,
};
use crate::time::Nanos;

/// Which tasks can progress, and what the others wait for.
#[derive(Debug, Default)]
pub struct Progress {
    /// Tasks that are alive and can never progress again, unless somebody cancels them.
    pub stuck: HashSet<TaskId>,
    /// What each stuck task waits for: nothing of it can ever come.
    pub waits: HashMap<TaskId, Vec<Wait>>,
}

/// A pending operation of a stuck task, and the tasks that alone could end the wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The operation.
    pub operation: OperationId,
    /// The tasks that hold what is wanted, or could send or receive it.
    pub on: Vec<TaskId>,
    /// These tasks are known to be the only ones: no guard or handle can be elsewhere.
    pub exact: bool,
}

/// Where something that a waiting operation needs can be.
struct Places {
    /// The task that is known to have had it last, and that a finding names.
    named: Vec<TaskId>,
    /// Others to which it may have been handed: any of all these could act.
    handed: Vec<TaskId>,
    /// It is nowhere else.
    exact: bool,
}

/// What could end a wait.
enum Needs {
    /// It can end: what it waits for is there, or comes from outside of what was recorded.
    Nothing,
    /// One of these must act.
    One(Vec<Places>),
}

/// The fixpoint at the end of the trace.
pub fn progress(history: &History) -> Progress {
    let model = Model::new(history);
    let live: Vec<TaskId> = model.live.iter().copied().collect();
    let needs: HashMap<TaskId, Vec<(OperationId, Needs)>> = live
        .iter()
        .filter_map(|&task| model.needs_of_task(task).map(|needs| (task, needs)))
        .collect();
    // Whoever needs nothing of others can progress.
    let mut can: HashSet<TaskId> = live
        .iter()
        .copied()
        .filter(|task| !needs.contains_key(task))
        .collect();
    loop {
        let more: Vec<TaskId> = needs
            .iter()
            .filter(|(task, operations)| {
                !can.contains(task) && operations.iter().any(|(_, needs)| can_end(needs, &can))
            })
            .map(|(&task, _)| task)
            .collect();
        if more.is_empty() {
            break;
        }
        can.extend(more);
    }
    let stuck: HashSet<TaskId> = live
        .into_iter()
        .filter(|task| !can.contains(task))
        .collect();
    let waits = needs
        .into_iter()
        .filter(|(task, _)| stuck.contains(task))
        .map(|(task, operations)| {
            let waits = operations
                .into_iter()
                .map(|(operation, needs)| wait(operation, needs));
            (task, waits.collect())
        });
    Progress {
        waits: waits.collect(),
        stuck,
    }
}

fn can_end(needs: &Needs, can: &HashSet<TaskId>) -> bool {
    match needs {
        Needs::Nothing => true,
        // A thing that may be anywhere can be moved by anybody who can move.
        Needs::One(places) => places.iter().any(|place| {
            place
                .named
                .iter()
                .chain(&place.handed)
                .any(|task| can.contains(task))
                || (!place.exact && !can.is_empty())
        }),
    }
}

fn wait(operation: OperationId, needs: Needs) -> Wait {
    let places = match needs {
        Needs::Nothing => Vec::new(),
        Needs::One(places) => places,
    };
    let mut on: Vec<TaskId> = places
        .iter()
        .flat_map(|place| place.named.iter().copied())
        .collect();
    on.sort_unstable();
    on.dedup();
    Wait {
        operation,
        on,
        exact: places.iter().all(|place| place.exact),
    }
}

/// The state at the end of the trace, arranged for questions about waiting.
struct Model<'a> {
    history: &'a History,
    /// The tasks that have not ended.
    live: HashSet<TaskId>,
    pending: HashMap<TaskId, Vec<&'a Operation>>,
    /// The tasks that each task has spawned.
    children: HashMap<TaskId, Vec<&'a Task>>,
    /// The tasks whose pending operations use an end of a channel.
    using: HashMap<(ResourceId, u64), Vec<TaskId>>,
}

impl<'a> Model<'a> {
    fn new(history: &'a History) -> Self {
        let mut pending: HashMap<TaskId, Vec<&Operation>> = HashMap::new();
        let mut using: HashMap<(ResourceId, u64), Vec<TaskId>> = HashMap::new();
        for operation in history
            .operations
            .iter()
            .filter(|operation| operation.ended.is_none())
        {
            let Some(task) = operation.task else { continue };
            pending.entry(task).or_default().push(operation);
            if let OperationKind::Send(resource, handle)
            | OperationKind::Receive(resource, handle) = operation.kind
            {
                using.entry((resource, handle)).or_default().push(task);
            }
        }
        let mut children: HashMap<TaskId, Vec<&Task>> = HashMap::new();
        for task in &history.tasks {
            if let Some(parent) = task.spawned_by {
                children.entry(parent).or_default().push(task);
            }
        }
        let live = history
            .tasks
            .iter()
            .filter(|task| task.state().is_live())
            .map(|task| task.id)
            .collect();
        Model {
            history,
            live,
            pending,
            children,
            using,
        }
    }

    /// What a live task needs from others; none where it can progress by itself or the trace cannot tell.
    fn needs_of_task(&self, id: TaskId) -> Option<Vec<(OperationId, Needs)>> {
        let task = self.history.task(id)?;
        let TaskState::Idle(_) = task.state() else {
            return None;
        };
        let operations: &[&Operation] = self.pending.get(&id).map_or(&[], Vec::as_slice);
        // Each of our operations keeps one clone of its task's waker. Any more belong to what was not recorded: a timer, I/O, another
        // library's lock. That can wake the task.
        let ours = operations
            .iter()
            .filter(|operation| !operation.foreign_waker)
            .count() as u64;
        let last = task.polls.last()?;
        let is_foreign = operations.iter().any(|operation| operation.foreign_waker);
        // A task that is a part of another one ends when that one drops it: on a time-out of its own, for instance.
        if last.wakers > ours || is_foreign || last.inside.is_some() || task.late || task.has_gaps {
            return None;
        }
        Some(
            operations
                .iter()
                .map(|operation| (operation.id, self.needs_of_operation(operation)))
                .collect(),
        )
    }

    fn needs_of_operation(&self, operation: &Operation) -> Needs {
        match operation.kind {
            OperationKind::Lock(id) => {
                self.known(id)
                    .map_or(Needs::Nothing, |mutex| match mutex.holder() {
                        Some(hold) => self.needs_holder(hold),
                        None => Needs::Nothing,
                    })
            }
            OperationKind::Send(id, _) => self.known(id).map_or(Needs::Nothing, |channel| {
                if channel.queued() < channel.capacity.cast_signed() || channel.is_closed() {
                    Needs::Nothing
                } else {
                    self.needs_a_receiver(channel)
                }
            }),
            OperationKind::Join(id) => match self.history.task(id) {
                Some(task) if task.state().is_live() => Needs::One(vec![Places {
                    named: vec![id],
                    handed: Vec::new(),
                    exact: true,
                }]),
                _ => Needs::Nothing,
            },
            // A message can come from whoever has a sender, and senders are made to be handed around, to threads that nobody
            // records as well: that nobody is left who could send is not judged yet.
            OperationKind::Receive(..) | OperationKind::Unknown => Needs::Nothing,
        }
    }

    /// A resource whose state is known.
    fn known(&self, id: ResourceId) -> Option<&'a Resource> {
        self.history
            .resource(id)
            .filter(|resource| !resource.uncertain)
    }

    fn needs_holder(&self, hold: &Hold) -> Needs {
        let Some(task) = hold.task else {
            return Needs::Nothing;
        };
        let is_live = self.is_live(task);
        // A guard that outlived its task is somewhere else.
        let named = if is_live { vec![task] } else { Vec::new() };
        Needs::One(vec![Places {
            named,
            handed: self.spawned_since(task, hold.since),
            exact: hold.exact && is_live,
        }])
    }

    /// The live tasks that `task` has spawned since, and those that these have spawned: a guard that it held may have gone with them.
    fn spawned_since(&self, task: TaskId, since: Nanos) -> Vec<TaskId> {
        let mut spawned: Vec<TaskId> = Vec::new();
        let mut seen = HashSet::from([task]);
        let mut open = vec![task];
        while let Some(parent) = open.pop() {
            for child in self.children.get(&parent).into_iter().flatten() {
                if child.spawned >= since && seen.insert(child.id) {
                    open.push(child.id);
                    spawned.extend(Some(child.id).filter(|&id| self.is_live(id)));
                }
            }
        }
        spawned
    }

    fn is_live(&self, task: TaskId) -> bool {
        self.live.contains(&task)
    }

    /// Somebody with a receiver must act.
    ///
    /// Ends are used through shared references, so who uses one need not be the only one who has it: never exact. An end that nobody
    /// has used yet, or that code outside of recorded tasks has used, may be anywhere.
    fn needs_a_receiver(&self, channel: &Resource) -> Needs {
        let mut places = Vec::new();
        for end in channel
            .handles()
            .into_iter()
            .filter(|handle| handle.side == HandleSide::Receiver)
        {
            let waiting = self
                .using
                .get(&(channel.id, end.number))
                .into_iter()
                .flatten()
                .copied();
            let Some(used): Option<Vec<TaskId>> = end.users.iter().copied().collect() else {
                return Needs::Nothing;
            };
            let tasks: Vec<TaskId> = waiting
                .chain(used)
                .filter(|&task| self.is_live(task))
                .collect();
            if tasks.is_empty() {
                return Needs::Nothing;
            }
            places.push(Places {
                named: tasks,
                handed: Vec::new(),
                exact: false,
            });
        }
        Needs::One(places)
    }
}
