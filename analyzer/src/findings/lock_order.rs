//! Locks that are taken in both orders: nothing has come of it in this trace, but where the two orders meet, neither task goes on.
//!
//! Three steps. [`edges`](mod@edges) replays who held what when a task took another lock: each pair is an edge of the *lock-order graph*. The
//! circles of that graph are looked for in its strongly connected components: all those of two locks, and one shortest circle of each
//! component beyond those. A circle counts when its edges can have been walked at the same time: by different tasks whose lives
//! overlapped, to ends that exclude each other (two readers do not, unless a writer between them makes the second one wait), under no lock
//! that they all hold (a gate), and not in an [`order`](mod@order) that a spawn, a join or a message forces upon them.
//!
//! What cannot be told: a lock that was free looks the same whether it was taken by `lock()` or by `try_lock()`, and only the first can
//! wait. Whether another run takes the two orders at once is not known either. So it is never more than *possible*.

mod edges;
mod order;
mod report;

use std::collections::{HashMap, HashSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::Finding;
use crate::history::{History, OperationKind, Resource, ResourceId, TaskId};
use edges::{Edge, Edges};
use order::Order;

/// So many ways from one lock to another are tried, and with each of them so many that lead on: the nearest in time.
const WAYS: usize = 64;
/// So many circles of one component are tried.
const TRIES: usize = 1_000;

/// The findings about locks that were taken in an order that another task has turned around: one for each place in source, the most
/// frequent first.
pub fn lock_order_inversions(history: &History) -> Vec<Finding> {
    let edges = Edges::of(history);
    let circles = circles(history, &edges);
    report::findings(history, circles)
}

/// Edges each of which ends where the next one begins, by different tasks at the same time.
fn circles<'a>(history: &'a History, edges: &'a Edges) -> Vec<Vec<&'a Edge>> {
    let mut graph: DiGraph<ResourceId, ()> = DiGraph::new();
    let mut nodes: HashMap<ResourceId, NodeIndex> = HashMap::new();
    for &(from, to) in edges.pairs.keys() {
        let mut node = |lock| *nodes.entry(lock).or_insert_with(|| graph.add_node(lock));
        let (from, to) = (node(from), node(to));
        graph.add_edge(from, to, ());
    }
    let components: Vec<Vec<NodeIndex>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .collect();
    if components.is_empty() {
        return Vec::new();
    }
    let in_circles: HashSet<ResourceId> = components
        .iter()
        .flatten()
        .map(|&node| graph[node])
        .collect();
    let suspects = edges
        .pairs
        .iter()
        .filter(|((from, to), _)| in_circles.contains(from) && in_circles.contains(to))
        .flat_map(|(_, ways)| ways.iter().map(|edge| edge.task));
    let judge = Judge {
        edges,
        order: Order::of(history, &suspects.collect()),
        deadlocked: deadlocked(history),
    };
    let mut found = Vec::new();
    for component in components {
        let mut locks: Vec<ResourceId> = component.iter().map(|&node| graph[node]).collect();
        locks.sort_unstable();
        let pairs = judge.pairs(&locks);
        if pairs.is_empty() {
            found.extend(judge.shortest(&locks));
        } else {
            found.extend(pairs);
        }
    }
    found
}

/// The locks that tasks wait for at the end of the history while they hold others: where they do so in a circle, that is told as a
/// deadlock.
fn deadlocked(history: &History) -> HashSet<ResourceId> {
    let holders: HashSet<TaskId> = history
        .resources
        .iter()
        .flat_map(Resource::holders)
        .filter_map(|hold| hold.task)
        .collect();
    history
        .operations
        .iter()
        .filter(|operation| operation.ended.is_none())
        .filter(|operation| operation.task.is_some_and(|task| holders.contains(&task)))
        .filter_map(|operation| match operation.kind {
            OperationKind::Lock(id) | OperationKind::Read(id) | OperationKind::Write(id) => {
                Some(id)
            }
            _ => None,
        })
        .collect()
}

struct Judge<'a> {
    edges: &'a Edges,
    order: Order<'a>,
    /// Locks that are waited for at the end.
    deadlocked: HashSet<ResourceId>,
}

impl<'a> Judge<'a> {
    /// The circles of two locks.
    fn pairs(&self, locks: &[ResourceId]) -> Vec<Vec<&'a Edge>> {
        let mut found = Vec::new();
        for &from in locks {
            for &to in self.edges.after(from) {
                if from < to && self.edges.pairs.contains_key(&(to, from)) {
                    found.extend(self.circle(&[from, to]));
                }
            }
        }
        found
    }

    /// One of the shortest circles that counts, if there is one among those that are tried.
    fn shortest(&self, locks: &[ResourceId]) -> Option<Vec<&'a Edge>> {
        let mut circles: Vec<Vec<ResourceId>> = locks
            .iter()
            .take(TRIES)
            .filter_map(|&lock| self.shortest_through(lock))
            .collect();
        circles.sort_by_key(Vec::len);
        circles.iter().find_map(|circle| self.circle(circle))
    }

    /// The shortest way from a lock back to it.
    fn shortest_through(&self, lock: ResourceId) -> Option<Vec<ResourceId>> {
        /// So many locks are visited on the way.
        const VISITS: usize = 10_000;
        let mut came_from: HashMap<ResourceId, ResourceId> = HashMap::new();
        let mut queue = VecDeque::from([lock]);
        while let Some(at) = queue.pop_front() {
            for &next in self.edges.after(at) {
                if next == lock {
                    let mut circle = vec![at];
                    while let Some(&before) = circle.last().and_then(|last| came_from.get(last)) {
                        circle.push(before);
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if came_from.len() < VISITS && !came_from.contains_key(&next) {
                    came_from.insert(next, at);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// Edges along these locks that can be walked at the same time.
    fn circle(&self, locks: &[ResourceId]) -> Option<Vec<&'a Edge>> {
        if locks.iter().all(|lock| self.deadlocked.contains(lock)) {
            return None;
        }
        // What is rare is tried first, with what is near to it.
        let rarest = (0..locks.len()).min_by_key(|&index| self.ways(locks, index).len())?;
        let mut locks = locks.to_vec();
        locks.rotate_left(rarest);
        let mut tries = WAYS * WAYS;
        let mut chosen = Vec::new();
        self.choose(&locks, &mut chosen, &mut tries)
            .then_some(chosen)
    }

    /// The ways along one edge of a circle, by time.
    fn ways(&self, locks: &[ResourceId], index: usize) -> &'a [Edge] {
        let pair = (locks[index], locks[(index + 1) % locks.len()]);
        self.edges.pairs.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// Chooses a way for each edge from `chosen.len()` on, one after the other.
    fn choose(&self, locks: &[ResourceId], chosen: &mut Vec<&'a Edge>, tries: &mut usize) -> bool {
        let at = chosen.len();
        if at == locks.len() {
            return has_no_gate(chosen);
        }
        let ways = self.ways(locks, at);
        let near = match chosen.first() {
            Some(first) => {
                let middle = ways.partition_point(|way| way.first <= first.first);
                let from = middle.saturating_sub(WAYS / 2);
                &ways[from..ways.len().min(from + WAYS)]
            }
            None => ways,
        };
        // All of them where they are few, else as many from all over the time.
        for way in near.iter().step_by(near.len().div_ceil(WAYS).max(1)) {
            if *tries == 0 {
                return false;
            }
            *tries -= 1;
            if self.fits(chosen, way, at + 1 == locks.len()) {
                chosen.push(way);
                if self.choose(locks, chosen, tries) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }

    fn fits(&self, chosen: &[&Edge], way: &Edge, is_last: bool) -> bool {
        let meets = |before: &Edge, next: &Edge| {
            before.wants.writes || next.holds.writes || self.edges.has_writer(next.holds.lock)
        };
        chosen.last().is_none_or(|before| meets(before, way))
            && (!is_last || chosen.first().is_none_or(|first| meets(way, first)))
            && chosen
                .iter()
                .all(|other| other.task != way.task && self.order.can_meet(other, way))
    }
}

/// Whether no lock keeps the edges from being walked at the same time.
///
/// Two of them are enough for that.
fn has_no_gate(circle: &[&Edge]) -> bool {
    circle.iter().enumerate().all(|(index, one)| {
        circle[index + 1..].iter().all(|other| {
            one.gates.iter().all(|gate| {
                let same = other.gates.iter().find(|known| known.lock == gate.lock);
                same.is_none_or(|known| !known.writes && !gate.writes)
            })
        })
    })
}
