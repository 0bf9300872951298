//! The edges of the lock-order graph: who took which lock while it held which.
//!
//! Each lock is replayed by the order of its changes, each task by time. Left out is what says nothing: locks whose history is uncertain, or
//! whose guards go from task to task; and in tasks that run several futures at once (`join!`), what one of them took while another one held
//! something, as far as that can be told: by the futures, by an operation that waits while its task takes or gives back other locks, and by a
//! lock that was taken only after the other one was asked for.

use std::collections::{HashMap, HashSet};

use crate::history::{
    ChangeKind, FutureId, History, Hold, Operation, OperationKind, Resource, ResourceId,
    ResourceKind, TaskId,
};
use crate::names::Location;
use crate::time::Nanos;

/// Of the locks that a task holds, so many are looked at: those that it took last.
const HELD: usize = 16;

/// One side of an edge: a lock, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Side {
    pub(super) lock: ResourceId,
    pub(super) writes: bool,
    pub(super) location: Option<Location>,
}

/// A lock that was held as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Gate {
    pub(super) lock: ResourceId,
    pub(super) writes: bool,
}

/// A task took a lock while it held another one, once or several times.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) task: TaskId,
    pub(super) holds: Side,
    pub(super) wants: Side,
    /// What else it held each time.
    pub(super) gates: Vec<Gate>,
    /// When the held lock was taken, for the first time.
    pub(super) first: Nanos,
    /// When the other one was taken for the first time.
    pub(super) taken: Nanos,
    /// Some of the times, from all over them: from when the held lock was taken to when the other one was.
    pub(super) stretches: Vec<(Nanos, Nanos)>,
    pub(super) times: u64,
}

impl Edge {
    /// So many stretches are kept.
    const KEPT: u64 = 8;

    /// It happened once more.
    fn again(&mut self, from: Nanos, to: Nanos) {
        // Each n-th of them is kept, n a power of two so that there are at least half of those that can be.
        let kept_of = |times: u64| (times.div_ceil(Self::KEPT)).next_power_of_two();
        let (before, now) = (kept_of(self.times), kept_of(self.times + 1));
        if now != before {
            let mut index = 0;
            self.stretches.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
        if self.times.is_multiple_of(now) {
            self.stretches.push((from, to));
        }
        self.times += 1;
    }
}

/// All of them, by the locks that they lead from and to.
pub(super) struct Edges {
    pub(super) pairs: HashMap<(ResourceId, ResourceId), Vec<Edge>>,
    after: HashMap<ResourceId, Vec<ResourceId>>,
    writers: HashSet<ResourceId>,
}

impl Edges {
    pub(super) fn of(history: &History) -> Edges {
        let mut steps = Vec::new();
        let mut writers = HashSet::new();
        let mut waits = Vec::new();
        for resource in history.resources.iter().filter(|lock| is_known(lock)) {
            steps_of(history, resource, &mut steps, &mut waits, &mut writers);
        }
        let many = tasks_of_several(&steps);
        steps.retain(|step| many.contains(&step.task));
        // What was given back at the same moment was not held any more.
        steps.sort_unstable_by_key(|step| (step.task, step.at, !step.is_release));
        waits.retain(|wait: &Wait| many.contains(&wait.task));
        waits.sort_unstable_by_key(|wait| (wait.task, wait.from));
        let mut edges = Edges {
            pairs: HashMap::new(),
            after: HashMap::new(),
            writers,
        };
        let mut index = HashMap::new();
        let mut waits = &waits[..];
        for steps in steps.chunk_by(|a, b| a.task == b.task) {
            let task = steps[0].task;
            let before = waits.partition_point(|wait| wait.task < task);
            let up_to = waits.partition_point(|wait| wait.task <= task);
            let is_concurrent = takes_while_it_waits(steps, &waits[before..up_to]);
            waits = &waits[up_to..];
            edges.walk(history, steps, is_concurrent, &mut index);
        }
        for ways in edges.pairs.values_mut() {
            ways.sort_by_key(|way| (way.first, way.task));
        }
        for &(from, to) in edges.pairs.keys() {
            edges.after.entry(from).or_default().push(to);
        }
        for after in edges.after.values_mut() {
            after.sort_unstable();
        }
        edges
    }

    /// The locks that were taken while this one was held.
    pub(super) fn after(&self, lock: ResourceId) -> &[ResourceId] {
        self.after.get(&lock).map_or(&[], Vec::as_slice)
    }

    /// Whether anybody ever wrote under this lock, or wanted to: readers wait behind a writer, and so for other readers.
    pub(super) fn has_writer(&self, lock: ResourceId) -> bool {
        self.writers.contains(&lock)
    }

    /// Follows what one task took and gave back.
    fn walk(
        &mut self,
        history: &History,
        steps: &[Step<'_>],
        is_concurrent: bool,
        index: &mut HashMap<Key, usize>,
    ) {
        index.clear();
        let mut held: Vec<&Step<'_>> = Vec::new();
        for step in steps {
            if step.is_release {
                let number = step.hold.number;
                held.retain(|known| known.lock != step.lock || known.hold.number != number);
                continue;
            }
            if step.at < history.from {
                held.push(step);
                continue;
            }
            let sure: Vec<&Step<'_>> = held
                .iter()
                .rev()
                .take(HELD)
                .copied()
                .filter(|known| known.lock != step.lock && known.at <= step.asked)
                .filter(|known| is_held_by(history, known, step, is_concurrent))
                .collect();
            for known in &sure {
                let mut gates: Vec<Gate> = sure
                    .iter()
                    .filter(|other| other.lock != known.lock)
                    .map(|other| Gate {
                        lock: other.lock,
                        writes: other.writes,
                    })
                    .collect();
                gates.sort_unstable();
                self.add(known, step, gates, index);
            }
            held.push(step);
        }
    }

    fn add(
        &mut self,
        holds: &Step<'_>,
        wants: &Step<'_>,
        gates: Vec<Gate>,
        index: &mut HashMap<Key, usize>,
    ) {
        let ways = self.pairs.entry((holds.lock, wants.lock)).or_default();
        let key = Key {
            locks: (holds.lock, wants.lock),
            write: (holds.writes, wants.writes),
            lines: (line(holds), line(wants)),
            gates,
        };
        if let Some(&known) = index.get(&key) {
            ways[known].again(holds.at, wants.at);
            return;
        }
        ways.push(Edge {
            task: wants.task,
            holds: side(holds),
            wants: side(wants),
            gates: key.gates.clone(),
            first: holds.at,
            taken: wants.at,
            stretches: vec![(holds.at, wants.at)],
            times: 1,
        });
        index.insert(key, ways.len() - 1);
    }
}

/// What makes an edge of one task another one.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    locks: (ResourceId, ResourceId),
    write: (bool, bool),
    lines: (u64, u64),
    gates: Vec<Gate>,
}

/// Enough of a place in source to tell those of one task apart.
fn line(step: &Step<'_>) -> u64 {
    let place = step.hold.location.as_ref();
    place.map_or(0, |place| place.line << 16 | place.column)
}

fn side(step: &Step<'_>) -> Side {
    Side {
        lock: step.lock,
        writes: step.writes,
        location: step.hold.location.clone(),
    }
}

/// A lock was taken or given back.
#[derive(Clone, Copy)]
struct Step<'a> {
    task: TaskId,
    at: Nanos,
    /// When it was asked for.
    asked: Nanos,
    lock: ResourceId,
    hold: &'a Hold,
    writes: bool,
    is_release: bool,
}

/// A task waited for a lock.
#[derive(Clone, Copy)]
struct Wait {
    task: TaskId,
    lock: ResourceId,
    from: Nanos,
    to: Nanos,
}

fn is_known(resource: &Resource) -> bool {
    matches!(resource.kind, ResourceKind::Mutex | ResourceKind::RwLock)
        && !resource.uncertain
        && !resource.at_end.guards_move
}

/// What was taken and given back of one lock, with the tasks that did, and who waited.
fn steps_of<'a>(
    history: &'a History,
    resource: &'a Resource,
    steps: &mut Vec<Step<'a>>,
    waits: &mut Vec<Wait>,
    writers: &mut HashSet<ResourceId>,
) {
    let mut open: Vec<(&Hold, TaskId, bool)> = Vec::new();
    for change in &resource.changes {
        match &change.kind {
            ChangeKind::Acquired(hold) => {
                let writes =
                    resource.kind == ResourceKind::Mutex || hold.units >= resource.capacity;
                if writes {
                    writers.insert(resource.id);
                }
                let operation = hold.operation.and_then(|id| history.operation(id));
                // Which of the futures that an executor inside the task polls took it is not known.
                let is_foreign =
                    operation.is_some_and(|operation| operation.flags.has_foreign_waker());
                let Some(task) = hold.task.filter(|_| !is_foreign) else {
                    continue;
                };
                open.push((hold, task, writes));
                steps.push(Step {
                    task,
                    at: change.at,
                    asked: operation.map_or(change.at, |operation| operation.begun),
                    lock: resource.id,
                    hold,
                    writes,
                    is_release: false,
                });
            }
            ChangeKind::Released {
                hold: number,
                units,
            }
            | ChangeKind::Forgotten {
                hold: number,
                units,
            } => {
                let Some(index) = open.iter().position(|(hold, ..)| hold.number == *number) else {
                    continue;
                };
                let (hold, task, writes) = open[index];
                // A writer that becomes a reader goes on to hold it.
                if *units != 0 && *units < hold.units {
                    continue;
                }
                open.swap_remove(index);
                steps.push(Step {
                    task,
                    at: change.at,
                    asked: change.at,
                    lock: resource.id,
                    hold,
                    writes,
                    is_release: true,
                });
            }
            &ChangeKind::Began { operation, .. } => {
                if let Some(operation) = history.operation(operation) {
                    if matches!(operation.kind, OperationKind::Write(_)) {
                        writers.insert(resource.id);
                    }
                    waits.extend(wait(history, resource.id, operation));
                }
            }
            _ => {}
        }
    }
}

fn wait(history: &History, lock: ResourceId, operation: &Operation) -> Option<Wait> {
    Some(Wait {
        task: operation.task?,
        lock,
        from: operation.begun,
        to: operation.ended.map_or(history.end, |(at, _)| at),
    })
}

/// The tasks that took more than one lock: nobody else can have held one while it took another.
fn tasks_of_several(steps: &[Step<'_>]) -> HashSet<TaskId> {
    let mut first: HashMap<TaskId, ResourceId> = HashMap::new();
    let mut several = HashSet::new();
    let mut last = None;
    for step in steps {
        if last == Some((step.task, step.lock)) {
            continue;
        }
        last = Some((step.task, step.lock));
        if *first.entry(step.task).or_insert(step.lock) != step.lock {
            several.insert(step.task);
        }
    }
    several
}

/// Whether a task took or gave back a lock while it waited for another one: it runs several futures at once.
fn takes_while_it_waits(steps: &[Step<'_>], waits: &[Wait]) -> bool {
    waits.iter().any(|wait| {
        let first = steps.partition_point(|step| step.at <= wait.from);
        steps[first..]
            .iter()
            .take_while(|step| step.at < wait.to)
            .any(|step| step.lock != wait.lock)
    })
}

/// Whether what was taken is still held by the same future as takes `next`, as far as can be told.
fn is_held_by(history: &History, known: &Step<'_>, next: &Step<'_>, is_concurrent: bool) -> bool {
    match (known.hold.future, next.hold.future) {
        (Some(holder), Some(taker)) if holder != taker => {
            has_returned(history, holder, next.at) || is_inside(history, taker, holder)
        }
        (Some(_), Some(_)) => true,
        // A function without a name called one that has one, or the other way around.
        _ => !is_concurrent,
    }
}

/// A future that has ended gave its guards to whoever called it.
fn has_returned(history: &History, future: FutureId, at: Nanos) -> bool {
    history
        .future(future)
        .and_then(|future| future.ended)
        .is_some_and(|(ended, _)| ended <= at)
}

fn is_inside(history: &History, inner: FutureId, outer: FutureId) -> bool {
    /// Deeper nesting than this is damage.
    const DEEPEST: usize = 1000;
    let parent = |id: &FutureId| history.future(*id).and_then(|future| future.parent);
    std::iter::successors(Some(inner), parent)
        .take(DEEPEST)
        .any(|future| future == outer)
}
