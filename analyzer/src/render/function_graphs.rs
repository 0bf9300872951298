//! Functions as graphs to be drawn: the state machine of one as its calls went through it, and who calls whom.

use std::collections::BTreeMap;

use super::graph::{Edge, Graph, Legend, Line, Mark, Node, Shape};
use crate::names::on_one_line;
use crate::number::{counted, grouped, often};
use crate::profile::{At, CallerTimes, FunctionTimes, PointTimes, Profile, Role};
use crate::time::Nanos;

/// So many functions are drawn at most, those that took most time.
const FUNCTIONS: usize = 60;
/// A name in a box has at most so many characters.
const NAME: usize = 48;

/// The state machine of a function: its await points in source order, how long calls were at each, and where they went from there.
pub fn states_graph(of: &FunctionTimes) -> Graph {
    let place = of.location.as_ref();
    let start = [
        Some(format!("{}()", of.function)),
        place.cloned(),
        Some(counted(of.calls, "call")),
    ];
    let mut graph = Graph {
        title: format!("{}(), as its calls went through it", of.function),
        facts: vec![facts(of)],
        nodes: vec![Node {
            lines: start.into_iter().flatten().collect(),
            shape: Shape::Resource,
            mark: Mark::Plain,
        }],
        edges: Vec::new(),
        legend: Legend::States,
    };
    let longest = of.points.iter().map(|point| point.elapsed.total).max();
    for (number, point) in of.points.iter().enumerate() {
        graph.nodes.push(state(of, number, point, longest));
    }
    let mut ends: BTreeMap<&'static str, usize> = BTreeMap::new();
    for step in &of.steps {
        let mut node = |at: At, graph: &mut Graph| match at {
            At::Start => 0,
            At::Point(number) => 1 + usize::try_from(number).unwrap_or(usize::MAX - 1),
            At::Returned => end("returned", of.returned, &mut ends, graph),
            At::Dropped => end("dropped", of.dropped, &mut ends, graph),
            At::Panicked => end("panicked", of.panicked, &mut ends, graph),
        };
        let from = node(step.from, &mut graph);
        let to = node(step.to, &mut graph);
        graph.edges.push(Edge {
            from,
            to,
            label: Some(often(step.times)),
            line: Line::Solid,
            mark: Mark::Plain,
        });
    }
    graph
}

fn facts(of: &FunctionTimes) -> String {
    let mut facts = format!(
        "{}: {} (p50), {} (p99), {} at most",
        counted(of.calls, "call"),
        of.elapsed.p50,
        of.elapsed.p99,
        of.elapsed.max
    );
    for (n, what) in [
        (of.open, "under way at the end"),
        (of.never_polled, "made and never polled"),
    ] {
        if n > 0 {
            facts += &format!("; {} {what}", grouped(n));
        }
    }
    facts
}

/// The node of a way to end, which there is once.
fn end(
    how: &'static str,
    calls: u64,
    ends: &mut BTreeMap<&'static str, usize>,
    graph: &mut Graph,
) -> usize {
    *ends.entry(how).or_insert_with(|| {
        graph.nodes.push(Node {
            lines: vec![how.to_owned(), counted(calls, "call")],
            shape: Shape::Resource,
            mark: Mark::Plain,
        });
        graph.nodes.len() - 1
    })
}

fn state(of: &FunctionTimes, number: usize, point: &PointTimes, longest: Option<Nanos>) -> Node {
    let mut lines = vec![
        format!(
            "{} of {}  {}",
            number + 1,
            of.points.len(),
            short(&point.expression)
        ),
        point
            .location
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
    ];
    lines.retain(|line| !line.is_empty());
    if point.elapsed.count == 0 {
        lines.push("never left".to_owned());
    } else {
        lines.push(format!(
            "{} (p50), {} (p99)",
            point.elapsed.p50, point.elapsed.p99
        ));
        lines.push(format!(
            "had to wait {} of {}",
            often(point.suspended),
            grouped(point.elapsed.count)
        ));
    }
    let is_longest = point.elapsed.total > Nanos(0) && Some(point.elapsed.total) == longest;
    Node {
        lines,
        shape: Shape::Task,
        mark: match point.suspended {
            _ if is_longest => Mark::Stuck,
            0 if point.elapsed.count > 0 => Mark::Sound,
            _ => Mark::Plain,
        },
    }
}

/// Who calls whom: tasks, and the functions that run in them.
pub fn call_graph(profile: &Profile) -> Graph {
    let shown = &profile.functions[..profile.functions.len().min(FUNCTIONS)];
    let mut graph = Graph {
        title: "who calls whom".to_owned(),
        facts: vec![format!(
            "{} under #[trace], from {} to {} after the start",
            counted(profile.functions.len() as u64, "function"),
            profile.from,
            profile.to
        )],
        legend: Legend::Calls,
        ..Graph::default()
    };
    if let Some(more) = profile
        .functions
        .len()
        .checked_sub(FUNCTIONS)
        .filter(|&more| more > 0)
    {
        let more = counted(more as u64, "more function");
        graph
            .facts
            .push(format!("{more}, in which less time went, are not drawn"));
    }
    graph.nodes = shown.iter().map(|of| function(profile, of)).collect();
    let mut tasks: Vec<&CallerTimes> = Vec::new();
    for (to, of) in shown.iter().enumerate() {
        for caller in &of.called_by {
            let by = |other: &FunctionTimes| {
                !caller.is_task
                    && (&other.function, &other.location) == (&caller.name, &caller.location)
            };
            let from = if caller.is_task {
                let is_same = |task: &&CallerTimes| {
                    (&task.name, &task.location) == (&caller.name, &caller.location)
                };
                let known = tasks.iter().position(is_same);
                shown.len()
                    + known.unwrap_or_else(|| {
                        tasks.push(caller);
                        tasks.len() - 1
                    })
            } else {
                // One that is not drawn calls from outside of the picture.
                let Some(from) = shown.iter().position(by) else {
                    continue;
                };
                from
            };
            graph.edges.push(Edge {
                from,
                to,
                label: Some(counted(caller.calls, "call")),
                line: Line::Solid,
                mark: Mark::Plain,
            });
        }
    }
    graph.nodes.extend(tasks.into_iter().map(|task| {
        Node {
            lines: [format!("task {}", short(&task.name))]
                .into_iter()
                .chain(task.location.clone())
                .collect(),
            shape: Shape::Resource,
            mark: Mark::Plain,
        }
    }));
    graph
}

fn function(profile: &Profile, of: &FunctionTimes) -> Node {
    let call = if of.has_points { "()" } else { "" };
    let name = format!("{}{call}", short(&of.function));
    let bottleneck = profile.bottleneck(of);
    let (sign, mark) = match of.role() {
        _ if bottleneck.is_some() => ("▲ ", Mark::Stuck),
        Role::Waits => ("● ", Mark::Waits),
        Role::NeverWaits => ("○ ", Mark::Sound),
        Role::Unknown => ("", Mark::Plain),
    };
    let mut lines = vec![format!("{sign}{name}")];
    lines.extend(of.location.clone());
    lines.push(counted(of.calls, "call"));
    lines.push(format!(
        "{} (p50), {} (p99)",
        of.elapsed.p50, of.elapsed.p99
    ));
    if let Some(bottleneck) = bottleneck {
        for (share, of_what) in [
            (bottleneck.busy, "of what all functions ran"),
            (bottleneck.held_up, "of all waits for what others had"),
        ] {
            if let Some((part, whole)) = share {
                let percent = part.0 as f64 / whole.0.max(1) as f64 * 100.0;
                lines.push(format!("{percent:.0} % {of_what}"));
            }
        }
    }
    Node {
        lines,
        shape: Shape::Task,
        mark,
    }
}

/// A name or an expression, as a box has room for.
fn short(text: &str) -> String {
    on_one_line(text, NAME)
}
