//! Whether Graphviz reads what we write for it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{hostile, named, pictures};
use crate::render::graph::{Graph, dot};

/// What `dot -Tsvg` makes of a graph; none where it is not installed.
fn graphviz(graph: &Graph) -> Option<Result<String, String>> {
    let child = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            eprintln!("SKIPPED, for want of Graphviz: dot does not start: {error}");
            return None;
        }
    };
    let text = dot(graph);
    let mut input = child.stdin.take().expect("it is piped");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().unwrap().expect("it reads to the end");
    let said = String::from_utf8_lossy(&output.stderr);
    let drawn = String::from_utf8_lossy(&output.stdout).into_owned();
    // It warns of fonts that are not there; everything else is about what we wrote.
    let warned = said
        .lines()
        .any(|line| !line.contains("font") && !line.contains("Pango"));
    Some(if output.status.success() && !warned {
        Ok(drawn)
    } else {
        Err(said.into_owned())
    })
}

#[test]
fn graphviz_reads_every_graph_and_draws_every_node_and_edge() {
    for (name, graph) in pictures() {
        let Some(drawn) = graphviz(&graph) else {
            return;
        };
        let drawn = drawn.unwrap_or_else(|error| panic!("{name}: {error}"));
        let count = |class: &str| drawn.matches(&format!("class=\"{class}\"")).count();
        assert_eq!(count("node"), graph.nodes.len(), "{name}");
        assert_eq!(count("edge"), graph.edges.len(), "{name}");
    }
}

#[test]
fn graphviz_shows_a_hostile_name_as_it_is() {
    for name in [&hostile()[0], &hostile()[6], &hostile()[7]] {
        let Some(drawn) = graphviz(&named(name)) else {
            return;
        };
        let drawn = drawn.expect("it reads it");
        let escaped = name
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;");
        // It writes some characters as references; those that matter here are enough.
        let plain = drawn
            .replace("&#45;", "-")
            .replace("&#39;", "'")
            .replace("&#160;", " ");
        assert!(plain.contains(&escaped), "{name:?}");
    }
}
