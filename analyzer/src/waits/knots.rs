//! Among the stuck tasks: circles, tasks that nobody can help, and who waits behind these.

use std::collections::{BTreeSet, HashMap};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef as _, Reversed};

use super::{Elsewhere, Level, Link, Progress, Wait};
use crate::history::{ResourceId, TaskId};

/// Tasks that are stuck because of each other, or one that is stuck because of nobody: what the others wait behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knot {
    /// The tasks, each waiting for the next and the last for the first where it is a simple circle.
    pub tasks: Vec<TaskId>,
    /// The waits between them.
    pub links: Vec<KnotLink>,
    /// They wait for each other, or one for itself. Else it is one task for which nobody can act, and those that wait for what that one was
    /// given and does not take.
    pub is_circle: bool,
    /// At which level they are stuck.
    pub level: Level,
    /// Whether what they wait for may be elsewhere than with these tasks.
    pub elsewhere: Elsewhere,
    /// Stuck tasks that wait, directly or through others, for these.
    pub victims: Vec<TaskId>,
}

/// A wait inside a knot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnotLink {
    /// The task that waits.
    pub waiter: TaskId,
    /// What it waits for.
    pub wait: Wait,
    /// The task, of the knot, that would have to act.
    pub on: TaskId,
    /// How that one keeps it.
    pub link: Link,
}

/// An edge: a wait, and how it is kept.
type Edge<'a> = (&'a Wait, Link);

/// All knots, by their smallest task.
pub fn knots(progress: &Progress, level: Level) -> Vec<Knot> {
    let mut graph: DiGraph<TaskId, Edge<'_>> = DiGraph::new();
    let mut tasks: Vec<TaskId> = progress.stuck.iter().copied().collect();
    tasks.sort_unstable();
    let nodes: HashMap<TaskId, NodeIndex> = tasks
        .iter()
        .map(|&task| (task, graph.add_node(task)))
        .collect();
    for task in &tasks {
        for wait in progress.waits.get(task).into_iter().flatten() {
            for &(on, link) in &wait.on {
                if let Some(&on) = nodes.get(&on) {
                    graph.add_edge(nodes[task], on, (wait, link));
                }
            }
        }
    }
    let is_circle = |component: &[NodeIndex]| {
        component.len() > 1 || graph.find_edge(component[0], component[0]).is_some()
    };
    let is_end = |component: &[NodeIndex]| graph.edges(component[0]).next().is_none();
    let components: Vec<Vec<NodeIndex>> = tarjan_scc(&graph)
        .into_iter()
        .filter(|component| is_circle(component) || is_end(component))
        .collect();
    let in_a_knot: BTreeSet<TaskId> = components
        .iter()
        .flatten()
        .map(|&node| graph[node])
        .collect();
    let mut knots: Vec<Knot> = components
        .iter()
        .map(|component| {
            let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
            let mut links = links(&graph, &members);
            if links.is_empty() {
                links = given_up_by(&graph, component[0]);
            }
            let mut tasks: Vec<TaskId> = Vec::new();
            for task in links.iter().map(|link| link.waiter) {
                if !tasks.contains(&task) {
                    tasks.push(task);
                }
            }
            if !is_circle(component) {
                tasks.push(graph[component[0]]);
            }
            let mut victims = Vec::new();
            let mut search = Dfs::new(Reversed(&graph), component[0]);
            while let Some(node) = search.next(Reversed(&graph)) {
                if !in_a_knot.contains(&graph[node]) && !tasks.contains(&graph[node]) {
                    victims.push(graph[node]);
                }
            }
            victims.sort_unstable();
            Knot {
                elsewhere: elsewhere(progress, &tasks, &links),
                is_circle: is_circle(component),
                level,
                tasks,
                links,
                victims,
            }
        })
        .collect();
    knots.sort_by_key(|knot| knot.tasks.iter().min().copied());
    knots
}

/// Tasks that nobody can help, and that wait for one and the same: they are told together.
pub(super) fn together(knots: Vec<Knot>, what: impl Fn(TaskId) -> Option<ResourceId>) -> Vec<Knot> {
    let mut all: Vec<Knot> = Vec::new();
    for knot in knots {
        let waits_for = |knot: &Knot| what(knot.tasks[0]).filter(|_| knot.links.is_empty());
        let wanted = waits_for(&knot);
        let same = all
            .iter_mut()
            .find(|other| wanted.is_some() && waits_for(other) == wanted);
        match same {
            Some(other) => {
                other.tasks.extend(knot.tasks);
                other.victims.extend(knot.victims);
                other.victims.sort_unstable();
                other.victims.dedup();
                other.elsewhere = other.elsewhere.max(knot.elsewhere);
            }
            None => all.push(knot),
        }
    }
    all
}

/// The waits for what was given to an operation that this task, which nobody can help, does not poll.
fn given_up_by(graph: &DiGraph<TaskId, Edge<'_>>, node: NodeIndex) -> Vec<KnotLink> {
    let waits = graph.edges_directed(node, petgraph::Direction::Incoming);
    let mut links: Vec<KnotLink> = waits
        .filter(|edge| matches!(edge.weight().1, Link::Granted(_)))
        .map(|edge| KnotLink {
            waiter: graph[edge.source()],
            wait: edge.weight().0.clone(),
            on: graph[node],
            link: edge.weight().1,
        })
        .collect();
    links.sort_by_key(|link| (link.waiter, link.wait.operation));
    links.dedup_by_key(|link| link.waiter);
    links
}

/// Whether what the tasks of a knot wait for may be elsewhere: of one that nobody can help all that it waits for counts.
fn elsewhere(progress: &Progress, tasks: &[TaskId], links: &[KnotLink]) -> Elsewhere {
    let alone = tasks
        .iter()
        .filter(|_| links.is_empty())
        .filter_map(|task| progress.waits.get(task))
        .flatten();
    let waits = links.iter().map(|link| &link.wait).chain(alone);
    waits
        .map(|wait| wait.elsewhere)
        .max()
        .unwrap_or(Elsewhere::No)
}

/// The edges inside a component, along the way from waiter to holder, beginning with the smallest task.
fn links(graph: &DiGraph<TaskId, Edge<'_>>, members: &BTreeSet<NodeIndex>) -> Vec<KnotLink> {
    let mut links = Vec::new();
    let mut left = members.clone();
    let mut next = left.first().copied();
    while let Some(node) = next {
        left.remove(&node);
        let mut edges: Vec<(NodeIndex, &Edge<'_>)> = graph
            .edges(node)
            .map(|edge| (edge.target(), edge.weight()))
            .collect();
        edges.retain(|(target, _)| members.contains(target));
        edges.sort_by_key(|(target, (wait, _))| (graph[*target], wait.operation));
        for (target, (wait, link)) in &edges {
            links.push(KnotLink {
                waiter: graph[node],
                wait: (*wait).clone(),
                on: graph[*target],
                link: *link,
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
            let on = on.iter().map(|&id| (TaskId(id), Link::Ends)).collect();
            (
                TaskId(task),
                vec![Wait {
                    operation: Some(OperationId(task)),
                    on,
                    elsewhere: Elsewhere::No,
                }],
            )
        };
        Progress {
            stuck: waits.iter().map(|w| TaskId(w.0)).collect(),
            waits: waits.iter().map(wait).collect(),
            is_total: false,
        }
    }

    /// The knots that are circles.
    fn circles(progress: &Progress) -> Vec<Knot> {
        let mut found = knots(progress, Level::Proven);
        found.retain(|knot| knot.is_circle);
        found
    }

    fn ids(tasks: &[TaskId]) -> Vec<u64> {
        tasks.iter().map(|task| task.0).collect()
    }

    #[test]
    fn a_cycle_is_told_in_the_order_of_waiting_and_its_victims_stand_behind() {
        let found = circles(&stuck(&[
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
        assert_eq!(cycle.elsewhere, Elsewhere::No);
    }

    #[test]
    fn a_task_that_waits_for_itself_is_a_cycle() {
        let found = circles(&stuck(&[(4, &[4])]));
        assert_eq!(found.len(), 1);
        assert_eq!(ids(&found[0].tasks), [4]);
    }

    #[test]
    fn a_chain_is_no_circle_and_all_wait_behind_its_end() {
        let found = knots(&stuck(&[(1, &[2]), (2, &[3]), (3, &[])]), Level::Proven);
        assert_eq!(found.len(), 1);
        assert!(!found[0].is_circle);
        assert_eq!(ids(&found[0].tasks), [3]);
        assert_eq!(ids(&found[0].victims), [1, 2]);
    }

    #[test]
    fn separate_cycles_are_separate() {
        let found = circles(&stuck(&[
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
