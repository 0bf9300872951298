//! How long the tasks of a trace were polled, by their names: `poll_times trace.ais`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use ais_analyzer::Trace;
use ais_analyzer::names::kind_of_name;
use ais_analyzer::time::Nanos;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: poll_times TRACE");
        return ExitCode::from(2);
    };
    match Trace::open(path) {
        Ok(trace) => print(&trace),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What the tasks with a name have in common.
#[derive(Default)]
struct Polled {
    tasks: usize,
    polls: usize,
    time: Nanos,
    longest: Nanos,
}

fn print(trace: &Trace) {
    let history = &trace.history;
    let mut by_name: BTreeMap<String, Polled> = BTreeMap::new();
    for task in &history.tasks {
        let polled = by_name.entry(kind_of_name(&task.name)).or_default();
        let lengths = task
            .polls
            .iter()
            .map(|poll| poll.end.unwrap_or(history.end).since(poll.begin));
        polled.tasks += 1;
        polled.polls += task.polls.len();
        polled.time = [polled.time, task.busy(history.end)].into_iter().sum();
        polled.longest = lengths.max().unwrap_or_default().max(polled.longest);
    }
    let mut rows: Vec<(&String, &Polled)> = by_name.iter().collect();
    rows.sort_by_key(|(_, polled)| std::cmp::Reverse(polled.time));
    println!(
        "{:>10} {:>10} {:>8} {:>6}  name",
        "polled", "longest", "polls", "tasks"
    );
    for (name, polled) in rows {
        let (time, longest) = (polled.time.to_string(), polled.longest.to_string());
        println!(
            "{time:>10} {longest:>10} {:>8} {:>6}  {name}",
            polled.polls, polled.tasks
        );
    }
    if let Some(missing) = trace.loss().sentence() {
        println!("not in the trace: {missing}");
    }
}
