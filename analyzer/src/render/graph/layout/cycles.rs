//! The first phase: which nodes are drawn as a ring.
//!
//! A cycle is what the picture is about, and a layered drawing would tear it apart: one of its edges has to run backwards past all
//! the others. So cycles are found first, and each becomes one block that the layers treat as a single node. What becomes a ring:
//! the shortest cycle of strong edges, again and again until none is left, and any small part of the graph that is a cycle and
//! nothing else. All other cycles keep their nodes apart and have one edge drawn backwards.

use std::collections::VecDeque;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::Link;

/// A ring of more nodes could not be taken in at a glance, layered or not.
const LONGEST: usize = 64;
/// The longest ring of edges that are not strong.
const LONGEST_PLAIN: usize = 8;
/// After so many rings the picture is lost anyway.
const MOST: usize = 64;
/// How many steps the search may take.
const BUDGET: usize = 4_000_000;

/// The rings, each a list of nodes in the order of its edges. No node is in two.
pub(super) fn rings(nodes: usize, links: &[Link]) -> Vec<Vec<usize>> {
    let mut search = Search {
        taken: vec![false; nodes],
        budget: BUDGET,
        rings: Vec::new(),
    };
    search.strong(nodes, links);
    search.plain(nodes, links);
    search.rings
}

struct Search {
    /// Nodes that are in a ring already.
    taken: Vec<bool>,
    budget: usize,
    rings: Vec<Vec<usize>>,
}

impl Search {
    fn strong(&mut self, nodes: usize, links: &[Link]) {
        let strong = Successors::new(nodes, links.iter().filter(|link| link.strong));
        for component in components(&strong) {
            while self.rings.len() < MOST && self.budget > 0 {
                let Some(ring) = self.shortest(&strong, &component) else {
                    break;
                };
                self.take(ring);
            }
        }
    }

    fn plain(&mut self, nodes: usize, links: &[Link]) {
        let free = |link: &&Link| !self.taken[link.from] && !self.taken[link.to];
        let all = Successors::new(nodes, links.iter().filter(free));
        for component in components(&all) {
            if component.len() > LONGEST_PLAIN || self.rings.len() >= MOST {
                continue;
            }
            let mut ring = vec![component[0]];
            let mut pure = true;
            for _ in 1..component.len() {
                let last = ring[ring.len() - 1];
                let mut next = all.of[last].iter().filter(|n| component.contains(n));
                match (next.next(), next.next()) {
                    (Some(&next), None) if !ring.contains(&next) => ring.push(next),
                    _ => pure = false,
                }
                if !pure {
                    break;
                }
            }
            let last = ring[ring.len() - 1];
            let mut back = all.of[last].iter().filter(|n| component.contains(n));
            if pure && back.next() == Some(&ring[0]) && back.next().is_none() {
                self.take(ring);
            }
        }
    }

    fn take(&mut self, ring: Vec<usize>) {
        for &node in &ring {
            self.taken[node] = true;
        }
        self.rings.push(ring);
    }

    /// The shortest cycle through nodes of `component` that are free. Being the shortest, it has no edge between its nodes besides
    /// its own.
    fn shortest(&mut self, graph: &Successors, component: &[usize]) -> Option<Vec<usize>> {
        let mut best: Option<Vec<usize>> = None;
        for &start in component {
            if self.taken[start] || self.budget == 0 {
                continue;
            }
            let longest = best.as_ref().map_or(LONGEST, |ring| ring.len() - 1);
            if let Some(ring) = self.through(graph, start, longest) {
                best = Some(ring);
            }
        }
        best
    }

    /// The shortest cycle through `start`, of at most `longest` nodes and at least two.
    fn through(&mut self, graph: &Successors, start: usize, longest: usize) -> Option<Vec<usize>> {
        let mut before: Vec<Option<usize>> = vec![None; graph.of.len()];
        self.budget = self.budget.saturating_sub(graph.of.len() / 8);
        let mut queue = VecDeque::from([(start, 1)]);
        while let Some((node, length)) = queue.pop_front() {
            for &next in &graph.of[node] {
                self.budget = self.budget.saturating_sub(1);
                if next == start && length > 1 {
                    let mut ring = vec![node];
                    while let Some(node) = before[ring[ring.len() - 1]] {
                        ring.push(node);
                    }
                    ring.reverse();
                    return Some(ring);
                }
                if next != start && before[next].is_none() && !self.taken[next] && length < longest
                {
                    before[next] = Some(node);
                    queue.push_back((next, length + 1));
                }
            }
            if self.budget == 0 {
                return None;
            }
        }
        None
    }
}

/// Where the edges of each node lead, each target once.
struct Successors {
    of: Vec<Vec<usize>>,
}

impl Successors {
    fn new<'a>(nodes: usize, links: impl Iterator<Item = &'a Link>) -> Successors {
        let mut of = vec![Vec::new(); nodes];
        for link in links.filter(|link| link.from != link.to) {
            of[link.from].push(link.to);
        }
        for targets in &mut of {
            targets.sort_unstable();
            targets.dedup();
        }
        Successors { of }
    }
}

/// The strongly connected components of more than one node, each in the order of its nodes.
fn components(graph: &Successors) -> Vec<Vec<usize>> {
    let mut all: DiGraph<(), ()> = DiGraph::new();
    let ids: Vec<_> = (0..graph.of.len()).map(|_| all.add_node(())).collect();
    for (from, targets) in graph.of.iter().enumerate() {
        for &to in targets {
            all.add_edge(ids[from], ids[to], ());
        }
    }
    let mut components: Vec<Vec<usize>> = tarjan_scc(&all)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| {
            let mut nodes: Vec<usize> = component.into_iter().map(NodeIndex::index).collect();
            nodes.sort_unstable();
            nodes
        })
        .collect();
    components.sort_unstable();
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(from: usize, to: usize, strong: bool) -> Link {
        Link {
            from,
            to,
            label: None,
            strong,
        }
    }

    #[test]
    fn a_marked_cycle_is_a_ring_whatever_hangs_off_it() {
        let mut links: Vec<Link> = (0..4).map(|n| link(n, (n + 1) % 4, true)).collect();
        links.extend([link(4, 1, false), link(5, 4, false), link(1, 6, false)]);
        assert_eq!(rings(7, &links), [vec![0, 1, 2, 3]]);
    }

    #[test]
    fn two_cycles_that_share_a_node_are_one_ring_and_the_rest() {
        let links: Vec<Link> = [(0, 1), (1, 0), (0, 2), (2, 3), (3, 0)]
            .map(|(from, to)| link(from, to, true))
            .into();
        assert_eq!(rings(4, &links), [vec![0, 1]]);
    }

    #[test]
    fn a_loop_of_plain_edges_is_a_ring_only_if_it_is_nothing_else() {
        let mut links: Vec<Link> = (0..3).map(|n| link(n, (n + 1) % 3, false)).collect();
        assert_eq!(rings(3, &links), [vec![0, 1, 2]]);
        links.push(link(1, 0, false));
        assert!(rings(3, &links).is_empty());
    }

    #[test]
    fn a_node_that_points_at_itself_is_no_ring() {
        assert!(rings(1, &[link(0, 0, true)]).is_empty());
    }

    #[test]
    fn the_search_ends_in_the_densest_graph() {
        let links: Vec<Link> = (0..300)
            .flat_map(|from| (0..300).map(move |to| link(from, to, true)))
            .collect();
        let count = rings(300, &links).len();
        assert!((1..=MOST).contains(&count), "{count}");
    }
}
