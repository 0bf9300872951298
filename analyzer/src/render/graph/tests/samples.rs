//! Graphs as they occur.

use crate::render::graph::{Edge, Graph, Legend, Line, Mark, Node, Shape};

pub(super) fn node(shape: Shape, mark: Mark, lines: &[&str]) -> Node {
    Node {
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        shape,
        mark,
    }
}

pub(super) fn edge(from: usize, to: usize, label: &str, mark: Mark) -> Edge {
    Edge {
        from,
        to,
        label: (!label.is_empty()).then(|| label.to_owned()),
        line: Line::Solid,
        mark,
    }
}

fn facts() -> Vec<String> {
    vec![
        "bank.ais, at its end, 2.50 s; everything that is stuck, nothing hidden".to_owned(),
        "nothing was lost · inspect-analyze 0.1.0".to_owned(),
    ]
}

/// Two tasks that took two locks in different orders, and three that wait behind them.
pub(super) fn abba() -> Graph {
    use Mark::{Culprit, Stuck};
    use Shape::{Resource, Task};
    Graph {
        title: "Two tasks wait for each other since 2.31 s, and 3 wait behind them".to_owned(),
        facts: facts(),
        nodes: vec![
            node(
                Task,
                Culprit,
                &[
                    "#7 transfer b→a",
                    "awaits a.lock() for 2.31 s",
                    "src/bank.rs:43:22",
                ],
            ),
            node(Resource, Culprit, &["mutex \"a\"", "src/bank.rs:12:18"]),
            node(
                Task,
                Culprit,
                &[
                    "#8 transfer a→b",
                    "awaits b.lock() for 2.30 s",
                    "src/bank.rs:43:22",
                ],
            ),
            node(Resource, Culprit, &["mutex \"b\"", "src/bank.rs:13:18"]),
            node(
                Task,
                Stuck,
                &["#9 audit", "awaits a.lock() for 2.1 s", "src/audit.rs:17:9"],
            ),
            node(
                Task,
                Stuck,
                &[
                    "#10 report",
                    "awaits b.lock() for 1.9 s",
                    "src/report.rs:88:31",
                ],
            ),
            node(
                Task,
                Stuck,
                &[
                    "#11 transfer c→a",
                    "awaits a.lock() for 1.2 s",
                    "src/bank.rs:43:22",
                ],
            ),
        ],
        edges: vec![
            edge(0, 1, "waits for", Culprit),
            edge(1, 2, "held by", Culprit),
            edge(2, 3, "waits for", Culprit),
            edge(3, 0, "held by", Culprit),
            edge(4, 1, "waits for", Stuck),
            edge(5, 3, "waits for", Stuck),
            edge(6, 1, "queued behind #9", Stuck),
        ],
        legend: Legend::Waits,
    }
}

/// A task that locks what it holds.
pub(super) fn self_deadlock() -> Graph {
    use Mark::Culprit;
    Graph {
        title: "A task waits for a lock that it holds itself".to_owned(),
        facts: facts(),
        nodes: vec![
            node(
                Shape::Task,
                Culprit,
                &[
                    "#7 refresh cache",
                    "awaits cache.lock() for 2.31 s",
                    "src/cache.rs:43:22",
                ],
            ),
            node(
                Shape::Resource,
                Culprit,
                &["mutex \"cache\"", "src/cache.rs:12:18"],
            ),
        ],
        edges: vec![
            edge(0, 1, "waits for", Culprit),
            edge(1, 0, "held by", Culprit),
        ],
        legend: Legend::Waits,
    }
}

/// A lock that was granted to a future of the task that waits for it.
pub(super) fn futurelock() -> Graph {
    use Mark::Stuck;
    let mut graph = self_deadlock();
    graph.title =
        "Futurelock: the mutex was granted to a future that its task does not poll any more"
            .to_owned();
    graph.edges[1].label = Some("granted to a future it no longer polls".to_owned());
    graph.nodes.push(node(
        Shape::Task,
        Stuck,
        &["#12 flush", "awaits cache.lock() for 2.0 s"],
    ));
    graph.edges.push(edge(2, 1, "waits for", Stuck));
    graph
}

/// As many tasks around a table, and as many that wait behind them.
pub(super) fn ring(tasks: usize, behind: usize) -> Graph {
    use Mark::{Culprit, Stuck};
    let mut graph = Graph {
        title: format!("{tasks} philosophers wait for each other, {behind} tasks behind them"),
        facts: facts(),
        ..Graph::default()
    };
    for n in 0..tasks {
        graph.nodes.push(node(
            Shape::Task,
            Culprit,
            &[
                &format!("#{} philosopher {n}", n + 3),
                "awaits right.lock() for 12.4 s",
                "src/table.rs:43:22",
            ],
        ));
        graph.nodes.push(node(
            Shape::Resource,
            Culprit,
            &[&format!("mutex \"fork {n}\""), "src/table.rs:12:18"],
        ));
    }
    for n in 0..tasks {
        graph
            .edges
            .push(edge(2 * n, 2 * n + 1, "waits for", Culprit));
        graph.edges.push(edge(
            2 * n + 1,
            (2 * n + 2) % (2 * tasks),
            "held by",
            Culprit,
        ));
    }
    if behind > 0 {
        let name = format!("{behind} more tasks");
        graph.nodes.push(node(
            Shape::Folded,
            Stuck,
            &[&name, "guest, all at src/table.rs:71:14"],
        ));
        graph.edges.push(edge(2 * tasks, 3, "wait for", Stuck));
        graph.nodes.push(node(
            Shape::Task,
            Stuck,
            &["#1 main", "awaits guests.join_next()", "src/main.rs:20:9"],
        ));
        graph.edges.push(Edge {
            line: Line::Dashed,
            ..edge(2 * tasks + 1, 2 * tasks, "awaits", Stuck)
        });
    }
    graph
}

/// Two graphs in one picture.
pub(super) fn both(mut one: Graph, other: Graph) -> Graph {
    let by = one.nodes.len();
    one.nodes.extend(other.nodes);
    one.edges.extend(other.edges.into_iter().map(|edge| Edge {
        from: edge.from + by,
        to: edge.to + by,
        ..edge
    }));
    one
}

/// A graph without cycles; or with, where `back` of a hundred edges lead backwards.
pub(super) fn random(nodes: usize, edges: usize, back: usize, labels: bool, seed: u64) -> Graph {
    let mut state = seed;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % below.max(1)
    };
    let mut graph = Graph {
        title: format!("{nodes} nodes and {edges} edges at random"),
        facts: facts(),
        ..Graph::default()
    };
    for n in 0..nodes {
        let shape = [Shape::Task, Shape::Task, Shape::Resource][n % 3];
        let place = format!("src/module_{}.rs:{}:9", next(9), next(400));
        graph
            .nodes
            .push(node(shape, Mark::Plain, &[&format!("#{n} node"), &place]));
    }
    for _ in 0..edges {
        let (a, b) = (next(nodes), next(nodes));
        let (from, to) = if next(100) < back {
            (a.max(b), a.min(b))
        } else {
            (a.min(b), a.max(b))
        };
        if from == to && back == 0 {
            continue;
        }
        let label = if labels {
            ["waits for", "held by", ""][next(3)]
        } else {
            ""
        };
        graph.edges.push(edge(from, to, label, Mark::Plain));
    }
    graph
}
