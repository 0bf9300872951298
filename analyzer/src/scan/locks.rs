//! Which locks tasks took while they held others.

use std::collections::{HashMap, HashSet};

use petgraph::algo::is_cyclic_directed;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxBuildHasher;

/// So many locks of a task are looked at, as by the rule itself.
const HELD: usize = 16;

/// The locks that tasks hold, and the pairs that were taken one after the other.
#[derive(Debug, Default)]
pub(super) struct Locks {
    held: HashMap<u64, Vec<u64>, FxBuildHasher>,
    pairs: HashSet<(u64, u64), FxBuildHasher>,
}

impl Locks {
    pub(super) fn take(&mut self, task: u64, lock: u64) {
        let held = self.held.entry(task).or_default();
        let others = held.iter().rev().take(HELD);
        let others = others.filter(|&&other| other != lock);
        self.pairs.extend(others.map(|&other| (other, lock)));
        held.push(lock);
    }

    /// Where a guard went to another task, that one has nothing to give back: the pairs that come of it are too many, not too few.
    pub(super) fn give_back(&mut self, task: u64, lock: u64) {
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
