//! Cycles among the stuck tasks, and who waits behind them.

use std::collections::{BTreeSet, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, Reversed};

use super::{Progress, Wait};
use crate::history::TaskId;

/// Tasks that wait for each other, and nobody else can help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The tasks, each waiting for the next and the last for the first where the cycle is a simple one.
    pub tasks: Vec<TaskId>,
    /// The waits between them.
    pub links: Vec<CycleLink>,
    /// Every link is exact.
    pub exact: bool,
    /// Stuck tasks that wait, directly or through others, for the cycle.
    pub victims: Vec<TaskId>,
}

/// A wait inside a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleLink {
    /// The task that waits.
    pub waiter: TaskId,
    /// What it waits for.
    pub wait: Wait,
    /// The task, of the cycle, that would have to act.
    pub on: TaskId,
}

/// All cycles, by their smallest task.
pub fn cycles(progress: &Progress) -> Vec<Cycle> {
    let mut graph: DiGraph<TaskId, Wait> = DiGraph::new();
    let mut tasks: Vec<TaskId> = progress.stuck.iter().copied().collect();
    tasks.sort_unstable();
    let nodes: HashMap<TaskId, NodeIndex> = tasks
        .iter()
        .map(|&task| (task, graph.add_node(task)))
        .collect();
    for task in &tasks {
        for wait in progress.waits.get(task).into_iter().flatten() {
            for on in &wait.on {
                if let Some(&on) = nodes.get(on) {
                    graph.add_edge(nodes[task], on, wait.clone());
                }
            }
        }
    }
    let components: Vec<Vec<NodeIndex>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| {
            component.len() > 1 || graph.find_edge(component[0], component[0]).is_some()
        })
        .collect();
    let in_a_cycle: BTreeSet<TaskId> = components
        .iter()
        .flatten()
        .map(|&node| graph[node])
        .collect();
    let mut cycles: Vec<Cycle> = components
        .iter()
        .map(|component| {
            let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
            let links = links(&graph, &members);
            let tasks = links
                .iter()
                .map(|link| link.waiter)
                .fold(Vec::new(), |mut tasks, task| {
                    if !tasks.contains(&task) {
                        tasks.push(task);
                    }
                    tasks
                });
            let mut victims = Vec::new();
            let mut search = Dfs::new(Reversed(&graph), component[0]);
            while let Some(node) = search.next(Reversed(&graph)) {
                if !in_a_cycle.contains(&graph[node]) {
                    victims.push(graph[node]);
                }
            }
            victims.sort_unstable();
            Cycle {
                exact: links.iter().all(|link| link.wait.exact),
                tasks,
                links,
                victims,
            }
        })
        .collect();
    cycles.sort_by_key(|cycle| cycle.tasks.iter().min().copied());
    cycles
}

/// The edges inside a component, along the way from waiter to holder, beginning with the smallest task.
fn links(graph: &DiGraph<TaskId, Wait>, members: &BTreeSet<NodeIndex>) -> Vec<CycleLink> {
    let mut links = Vec::new();
    let mut left = members.clone();
    let mut next = left.first().copied();
    while let Some(node) = next {
        left.remove(&node);
        let mut edges: Vec<_> = graph
            .edges(node)
            .map(|edge| (petgraph::visit::EdgeRef::target(&edge), edge.weight()))
            .collect();
        edges.retain(|(target, _)| members.contains(target));
        edges.sort_by_key(|(target, wait)| (graph[*target], wait.operation));
        for (target, wait) in &edges {
            links.push(CycleLink {
                waiter: graph[node],
                wait: (*wait).clone(),
                on: graph[*target],
            });
        }
        let onward = edges
            .iter()
            .map(|(target, _)| *target)
            .find(|target| left.contains(target));
        next = onward.or_else(|| left.first().copied());
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::OperationId;

    fn stuck(waits: &[(u64, &[u64])]) -> Progress {
        let wait = |&(task, on): &(u64, &[u64])| {
            let on = on.iter().map(|&id| TaskId(id)).collect();
            (
                TaskId(task),
                vec![Wait {
                    operation: OperationId(task),
                    on,
                    exact: true,
                }],
            )
        };
        Progress {
            stuck: waits.iter().map(|w| TaskId(w.0)).collect(),
            waits: waits.iter().map(wait).collect(),
        }
    }

    fn ids(tasks: &[TaskId]) -> Vec<u64> {
        tasks.iter().map(|task| task.0).collect()
    }

    #[test]
    fn a_cycle_is_told_in_the_order_of_waiting_and_its_victims_stand_behind() {
        let found = cycles(&stuck(&[
            (3, &[9]),
            (9, &[5]),
            (5, &[3]),
            (7, &[5]),
            (8, &[7]),
            (20, &[21]),
            (21, &[]),
        ]));
        let [cycle] = &found[..] else {
            panic!("one cycle, not {found:?}")
        };
        assert_eq!(ids(&cycle.tasks), [3, 9, 5]);
        assert_eq!(ids(&cycle.victims), [7, 8]);
        assert!(cycle.exact);
    }

    #[test]
    fn a_task_that_waits_for_itself_is_a_cycle() {
        let found = cycles(&stuck(&[(4, &[4])]));
        assert_eq!(found.len(), 1);
        assert_eq!(ids(&found[0].tasks), [4]);
    }

    #[test]
    fn a_chain_is_no_cycle() {
        assert_eq!(cycles(&stuck(&[(1, &[2]), (2, &[3]), (3, &[])])), []);
    }

    #[test]
    fn separate_cycles_are_separate() {
        let found = cycles(&stuck(&[
            (1, &[2]),
            (2, &[1]),
            (3, &[4]),
            (4, &[3]),
            (5, &[1]),
        ]));
        assert_eq!(
            found
                .iter()
                .map(|cycle| ids(&cycle.tasks))
                .collect::<Vec<_>>(),
            [[1, 2], [3, 4]]
        );
        assert_eq!(ids(&found[0].victims), [5]);
        assert_eq!(found[1].victims, []);
    }
}
