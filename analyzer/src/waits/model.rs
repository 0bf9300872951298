//! The state at the end of the trace, arranged for questions about waiting: what each task needs, and who could give it.
//!
//! Judged are waits for locks, read and write locks, permits, room in bounded channels, and the ends of tasks. All other waits (for
//! messages, notifications, barriers, values, times, sets of tasks) can end for all that is judged here.
//!
//! Two things need care beyond who holds what. A guard that borrows nothing, or borrows from static memory, can be anywhere. And an
//! operation of which nobody sees that it is given up may no longer be awaited. For the handle of a task, which outlives what awaits it,
//! that can only add a way to go on: a task that is stuck in spite of it is stuck, but that it waits for just this is not certain where
//! it waits for something else, too. Other such operations (`poll_recv`, …) are not judged.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::needs::{Needs, Place, Units};
use crate::history::{
    HandleSide, History, Hold, Operation, OperationId, OperationKind, Resource, ResourceId,
    ResourceKind, Task, TaskId, TaskState,
};
use crate::time::Nanos;

/// So many operations that are served first are looked at, from the head of the queue: those behind them wait for the same. To look at
/// fewer can only hide that a task is stuck.
const AHEAD: usize = 32;

/// Units of a resource, and where they are.
type Kept = Rc<[(u64, Place)]>;

/// What a pending operation needs.
pub(super) struct Needed {
    pub(super) operation: OperationId,
    /// The task is known to wait for this.
    pub(super) is_certain: bool,
    pub(super) needs: Needs,
}

pub(super) struct Model<'a> {
    history: &'a History,
    /// The tasks that have not ended.
    pub(super) live: HashSet<TaskId>,
    pending: HashMap<TaskId, Vec<&'a Operation>>,
    /// The tasks that each task has spawned.
    children: HashMap<TaskId, Vec<&'a Task>>,
    /// The tasks whose pending operations use an end of a channel.
    using: HashMap<(ResourceId, u64), Vec<TaskId>>,
    /// Where the units of resources are, once that was asked.
    kept: RefCell<HashMap<ResourceId, Option<Kept>>>,
}

impl<'a> Model<'a> {
    pub(super) fn new(history: &'a History) -> Self {
        let mut pending: HashMap<TaskId, Vec<&Operation>> = HashMap::new();
        let mut using: HashMap<(ResourceId, u64), Vec<TaskId>> = HashMap::new();
        for operation in history
            .operations
            .iter()
            .filter(|operation| operation.ended.is_none())
        {
            let Some(task) = operation.task else { continue };
            pending.entry(task).or_default().push(operation);
            if let Some(end) = operation.kind.handle() {
                using.entry(end).or_default().push(task);
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
            kept: RefCell::default(),
        }
    }

    /// What a live task needs from others; none where it can progress by itself or the trace cannot tell.
    pub(super) fn needs_of_task(&self, id: TaskId) -> Option<Vec<Needed>> {
        let task = self.history.task(id)?;
        let TaskState::Idle(_) = task.state() else {
            return None;
        };
        // Its executor will drop it, which gives back what it holds.
        if !task.aborts.is_empty() {
            return None;
        }
        let operations: &[&Operation] = self.pending.get(&id).map_or(&[], Vec::as_slice);
        // Each of our operations keeps one clone of its task's waker. Any more belong to what was not recorded: a timer, I/O, another
        // library's lock. That can wake the task.
        let ours = operations
            .iter()
            .filter(|operation| operation.keeps_a_waker())
            .count() as u64;
        let last = task.polls.last()?;
        let is_foreign = operations
            .iter()
            .any(|operation| operation.flags.has_foreign_waker());
        // A task that is a part of another one ends when that one drops it: on a time-out of its own, for instance.
        if last.wakers > ours || is_foreign || last.inside.is_some() || task.late || task.has_gaps {
            return None;
        }
        let is_only_wait = operations.len() == 1;
        let needed = operations.iter().map(|operation| Needed {
            operation: operation.id,
            is_certain: is_only_wait || !operation.flags.is_no_drop(),
            needs: self.needs_of_operation(operation),
        });
        Some(needed.collect())
    }

    fn needs_of_operation(&self, operation: &Operation) -> Needs {
        // Without budget it may not even be in the queue, and its task was told to come again; a blocked thread is no task's wait.
        if operation.flags.had_no_budget() || operation.flags.is_blocking() {
            return Needs::Nothing;
        }
        let is_join = matches!(operation.kind, OperationKind::Join(_));
        if operation.flags.is_no_drop() && !is_join {
            return Needs::Nothing;
        }
        match operation.kind {
            OperationKind::Lock(id) => {
                self.known(id)
                    .and_then(Resource::holder)
                    .map_or(Needs::Nothing, |hold| {
                        self.place_of(hold)
                            .map_or(Needs::Nothing, |place| Needs::One(vec![place]))
                    })
            }
            OperationKind::Read(id) | OperationKind::Write(id) => self
                .known(id)
                .filter(|lock| lock.kind == ResourceKind::RwLock)
                .and_then(|lock| self.needs_units(lock, operation, Vec::new()))
                .unwrap_or(Needs::Nothing),
            OperationKind::Acquire(id) => self
                .known(id)
                .filter(|semaphore| semaphore.kind == ResourceKind::Semaphore)
                .filter(|semaphore| !semaphore.is_closed())
                .and_then(|semaphore| {
                    let others = self.whoever_reaches(semaphore)?;
                    self.needs_units(semaphore, operation, vec![others])
                })
                .unwrap_or(Needs::Nothing),
            OperationKind::Send(id, _) | OperationKind::Reserve(id, _) => self
                .known(id)
                .filter(|channel| channel.kind == ResourceKind::Channel)
                .and_then(|channel| self.needs_room(channel, operation.units.max(1)))
                .unwrap_or(Needs::Nothing),
            OperationKind::Join(id) => match self.history.task(id) {
                Some(task) if task.state().is_live() => Needs::One(vec![Place {
                    named: vec![id],
                    handed: Vec::new(),
                    exact: true,
                }]),
                _ => Needs::Nothing,
            },
            // A message can come from whoever has a sender, and senders are made to be handed around, to threads that nobody
            // records as well: that nobody is left who could send is not judged yet. Nor is who could notify, arrive or set a value.
            OperationKind::Receive(..)
            | OperationKind::Closed(..)
            | OperationKind::Changed(..)
            | OperationKind::Notified(_)
            | OperationKind::Barrier(_)
            | OperationKind::Init(_)
            | OperationKind::Set(_)
            | OperationKind::JoinNext(_)
            | OperationKind::Sleep
            | OperationKind::Timeout
            | OperationKind::Tick
            | OperationKind::Unknown => Needs::Nothing,
        }
    }

    /// A resource whose state is known.
    fn known(&self, id: ResourceId) -> Option<&'a Resource> {
        self.history
            .resource(id)
            .filter(|resource| !resource.uncertain)
    }

    /// Where the guard or the permits of a hold can be; none where that is outside of recorded tasks.
    fn place_of(&self, hold: &Hold) -> Option<Place> {
        let task = hold.task?;
        let is_live = self.is_live(task);
        // A guard that outlived its task is somewhere else.
        let named = if is_live { vec![task] } else { Vec::new() };
        Some(Place {
            named,
            handed: self.spawned_since(task, hold.since),
            exact: hold.exact && is_live,
        })
    }

    /// Who must give units back, and who is served first. None where the units are there and nobody is, or where that cannot be told.
    fn needs_units(
        &self,
        resource: &Resource,
        operation: &Operation,
        others: Vec<Place>,
    ) -> Option<Needs> {
        let missing = operation.units.saturating_sub(resource.at_end.free());
        let mut ahead = Vec::new();
        for id in resource.ahead_of(operation.id).take(AHEAD) {
            let other = self.history.operation(id)?;
            let task = other.task.filter(|&task| self.is_live(task))?;
            ahead.push(Place {
                named: vec![task],
                handed: Vec::new(),
                exact: other.flags.is_inline() && !other.flags.is_no_drop(),
            });
        }
        if missing == 0 && ahead.is_empty() {
            return None;
        }
        let kept = if missing == 0 {
            Rc::default()
        } else {
            self.kept(resource)?
        };
        Some(Needs::Units(Units {
            resource: resource.id,
            missing,
            kept,
            ahead,
            others,
        }))
    }

    /// Where the units of a resource are that somebody has; none where some are outside of recorded tasks.
    fn kept(&self, resource: &Resource) -> Option<Kept> {
        if let Some(known) = self.kept.borrow().get(&resource.id) {
            return known.clone();
        }
        // Where units can be added, that those which are held come back is not the only way.
        let may_grow = resource.kind == ResourceKind::Semaphore;
        let places = resource.holders().iter().map(|hold| {
            let place = self.place_of(hold)?;
            let exact = place.exact && !may_grow;
            Some((hold.units, Place { exact, ..place }))
        });
        let kept: Option<Rc<[_]>> = places.collect();
        self.kept.borrow_mut().insert(resource.id, kept.clone());
        kept
    }

    /// Who could add permits to a semaphore, or close it: whoever made it or used it, and whoever may have got it from these. None where
    /// code outside of recorded tasks did.
    fn whoever_reaches(&self, semaphore: &Resource) -> Option<Place> {
        let users = semaphore.at_end.users.iter().copied();
        let tasks: Option<Vec<TaskId>> = users.chain([semaphore.created_by]).collect();
        Some(Place {
            named: Vec::new(),
            handed: tasks?
                .into_iter()
                .filter(|&task| self.is_live(task))
                .collect(),
            exact: false,
        })
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

    /// Somebody with a receiver must act, or with a slot that is kept free for a message to come. None where there is room, or where
    /// that could be anybody.
    ///
    /// Ends are used through shared references, so who uses one need not be the only one who has it: never exact. An end that nobody
    /// has used yet, or that code outside of recorded tasks has used, may be anywhere.
    fn needs_room(&self, channel: &Resource, units: u64) -> Option<Needs> {
        let slots = channel
            .holders()
            .iter()
            .fold(0, |sum: u64, hold| sum.saturating_add(hold.units));
        let taken = channel.queued().saturating_add(slots);
        if taken.saturating_add(units) <= channel.capacity || channel.is_closed() {
            return None;
        }
        let mut places = Vec::new();
        for end in channel
            .handles()
            .iter()
            .filter(|handle| handle.side == HandleSide::Receiver)
        {
            let waiting = self
                .using
                .get(&(channel.id, end.number))
                .into_iter()
                .flatten()
                .copied();
            let used: Option<Vec<TaskId>> = end.users.iter().copied().collect();
            let tasks: Vec<TaskId> = waiting
                .chain(used?)
                .filter(|&task| self.is_live(task))
                .collect();
            if tasks.is_empty() {
                return None;
            }
            places.push(Place {
                named: tasks,
                handed: Vec::new(),
                exact: false,
            });
        }
        for hold in channel.holders() {
            let place = self.place_of(hold)?;
            places.push(Place {
                exact: false,
                ..place
            });
        }
        Some(Needs::One(places))
    }
}
