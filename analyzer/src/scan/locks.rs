//! Which locks tasks took while they held others.

use std::collections::{HashMap, HashSet};

use petgraph::algo::is_cyclic_directed;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxBuildHasher;

/// So many locks of a task are looked at, as by the rule itself.
const HELD: usize = 16;

/// What a task did with a lock.
#[derive(Clone, Copy, Debug)]
struct Step {
    tick: u64,
    task: u64,
    lock: u64,
    takes: bool,
}

/// The locks that tasks hold, and the pairs that were taken one after the other.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// What is not in order yet: threads are read one after the other.
    steps: Vec<Step>,
    held: HashMap<u64, Vec<u64>, FxBuildHasher>,
    pairs: HashSet<(u64, u64), FxBuildHasher>,
}

impl Locks {
    /// A task took a lock, or gave it back. It may be of another kind of resource: see [`Locks::settle`].
    #[inline]
    pub(super) fn step(&mut self, tick: u64, task: u64, lock: u64, takes: bool) {
        self.steps.push(Step {
            tick,
            task,
            lock,
            takes,
        });
    }

    /// Everything before a moment is told: puts what tasks did in order. Which resources are locks is known now, too.
    pub(super) fn settle(&mut self, is_lock: impl Fn(u64) -> bool) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.sort_by_key(|step| step.tick);
        for step in steps.drain(..).filter(|step| is_lock(step.lock)) {
            if step.takes {
                self.take(step.task, step.lock);
            } else {
                self.give_back(step.task, step.lock);
            }
        }
        self.steps = steps;
    }

    fn take(&mut self, task: u64, lock: u64) {
        let held = self.held.entry(task).or_default();
        let others = held.iter().rev().take(HELD);
        let others = others.filter(|&&other| other != lock);
        self.pairs.extend(others.map(|&other| (other, lock)));
        held.push(lock);
    }

    /// Where a guard went to another task, that one has nothing to give back: the pairs that come of it are too many, not too few.
    fn give_back(&mut self, task: u64, lock: u64) {
        if let Some(held) = self.held.get_mut(&task)
            && let Some(index) = held.iter().rposition(|&other| other == lock)
        {
            held.remove(index);
            if held.is_empty() {
                self.held.remove(&task);
            }
        }
    }

    /// Whether there is a circle of locks, each taken while the one before was held.
    pub(super) fn have_a_circle(&self) -> bool {
        if self.pairs.is_empty() {
            return false;
        }
        let mut graph: DiGraph<(), ()> = DiGraph::new();
        let mut nodes: HashMap<u64, NodeIndex> = HashMap::new();
        for &(from, to) in &self.pairs {
            let [from, to] = [from, to].map(|lock| {
                let node = nodes.entry(lock);
                *node.or_insert_with(|| graph.add_node(()))
            });
            graph.add_edge(from, to, ());
        }
        is_cyclic_directed(&graph)
    }
}
