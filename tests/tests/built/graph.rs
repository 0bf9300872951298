//! The graph of who waits for whom.

use std::path::PathBuf;

use ais_analyzer::filter::{Filter, Selection};
use ais_analyzer::render::graph::{Graph, Mark, Shape};
use ais_analyzer::render::wait_graph;
use ais_analyzer::waits::verdict;
use ais_analyzer::{Source, Trace};
use ais_format::event::{OperationBegin, TaskNew, operation_flag, operation_kind, resource_kind};
use ais_tests::build::Build;

/// Tasks 1 and 2 hold a lock each and want the other one; so many more want the first lock.
fn graph(waiters: u64) -> Graph {
    graph_of(waiters, &[])
}

fn graph_of(waiters: u64, filters: &[&str]) -> Graph {
    let mut build = Build::new();
    (1..=2 + waiters).for_each(|task| build.task(task));
    for lock in [1, 2] {
        build.resource(lock, resource_kind::MUTEX, 1);
        build.poll(lock, 1, |build| build.acquire(lock, 1));
    }
    for (task, wanted) in [(1, 2), (2, 1)] {
        build.poll(task, 1, |build| build.wait(operation_kind::LOCK, wanted, 1));
    }
    for task in 3..3 + waiters {
        build.poll(task, 1, |build| build.wait(operation_kind::LOCK, 1, 1));
    }
    drawn(build, filters)
}

fn drawn(build: Build, filters: &[&str]) -> Graph {
    let source = Source::from_bytes(&PathBuf::from("built.ais"), build.finish()).unwrap();
    let trace = Trace::from_source(source).unwrap();
    let verdict = verdict(&trace.history);
    let filters: Vec<Filter> = filters.iter().map(|text| text.parse().unwrap()).collect();
    let selection = Selection::new(&filters, &trace.history, &verdict.progress);
    wait_graph(&trace, &verdict, &selection)
}

#[test]
fn a_circle_of_two_tasks_and_two_locks_has_four_marked_edges() {
    let graph = graph(0);
    assert_eq!(graph.nodes.len(), 4);
    assert!(graph.nodes.iter().all(|node| node.mark == Mark::Culprit));
    assert_eq!(graph.edges.len(), 4);
    assert!(graph.edges.iter().all(|edge| edge.mark == Mark::Culprit));
}

#[test]
fn many_that_wait_for_the_same_are_one_node_that_says_how_many() {
    let few = graph(3);
    assert_eq!(few.nodes.len(), 4 + 3);
    assert!(few.nodes.iter().all(|node| node.shape != Shape::Folded));

    let many = graph(1000);
    assert_eq!(many.nodes.len(), 4 + 2, "one of them, and the others");
    let folded = many.nodes.iter().find(|node| node.shape == Shape::Folded);
    let folded = folded.expect("a stack of tasks");
    assert_eq!(folded.lines[0], "999 more tasks");
    assert_eq!(folded.mark, Mark::Stuck);
}

#[test]
fn of_a_selection_there_is_what_it_waits_for_and_who_waits_for_it() {
    let behind = graph_of(1000, &["task=7"]);
    assert_eq!(
        behind.nodes.len(),
        4 + 1,
        "no other one that waits as it does"
    );
    assert!(behind.title.contains("#1 and #2 wait for each other"));
    let in_circle = graph_of(3, &["task=1"]);
    assert_eq!(in_circle.nodes.len(), 4 + 3, "all wait for it");
    let nothing = graph_of(3, &["task=99"]);
    assert!(nothing.nodes.is_empty() && nothing.edges.is_empty());
    assert!(!nothing.title.contains("stuck") && !nothing.title.contains('#'));
    assert!(
        nothing
            .facts
            .iter()
            .any(|fact| fact.contains("filter task=99: 0 of 5 match"))
    );
}

#[test]
fn a_task_without_a_name_has_its_number_alone() {
    let graph = graph(6);
    let first_lines = |shape| {
        let nodes = graph.nodes.iter().filter(move |node| node.shape == shape);
        nodes.map(|node| node.lines[0].clone()).collect::<Vec<_>>()
    };
    assert!(first_lines(Shape::Task).contains(&"#1".to_owned()));
    let folded = graph.nodes.iter().find(|node| node.shape == Shape::Folded);
    assert_eq!(folded.unwrap().lines[1], "without a name");
}

#[test]
fn who_should_drive_a_set_of_local_tasks_and_waits_itself_is_not_said_to_be_busy() {
    let mut build = Build::new();
    build.task(1);
    build.poll(1, 1, |build| {
        build.resource(10, resource_kind::LOCAL_SET, 0);
        build.event(&TaskNew {
            task: 2,
            executor: 10,
            ..TaskNew::default()
        });
        build.begin(OperationBegin {
            kind: operation_kind::JOIN,
            target: 2,
            flags: operation_flag::INLINE,
            ..OperationBegin::default()
        });
    });
    build.on_thread(2);
    build.pass(200_000_000);
    build.task(3);
    build.last_poll(3, |_| ());
    let graph = drawn(build, &[]);
    let labels: Vec<&str> = graph
        .edges
        .iter()
        .filter_map(|edge| edge.label.as_deref())
        .collect();
    assert!(labels.contains(&"to be driven by"), "{labels:?}");
    assert!(!labels.contains(&"kept busy by"), "{labels:?}");
    assert!(graph.edges.iter().all(|edge| edge.mark == Mark::Culprit));
}
