//! The summary: the first screen. What this is, what is wrong, where everything is, what to look at next.

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use ais_analyzer::filter::Filter;
use ais_analyzer::number::grouped;
use ais_analyzer::report::{self, LiveTask, Summary, TraceInfo};

use super::{
    ALARM, BOLD, DIM, WARN, count,
    coverage::{missing, recorded},
    doctor, filter,
    finding::{headline, none_found},
    row, styled,
};
use crate::analysis::Analysis;
use crate::output::clean;

/// How many findings are listed.
const FINDINGS: usize = 20;
/// How many live tasks are listed.
const LIVE: usize = 20;
/// So many tasks that are alike share a line.
const MANY: usize = 4;
/// So many of them are named by number.
const NUMBERS: usize = 8;

/// The summary of a trace.
pub(crate) fn summary(analysis: &Analysis) -> String {
    let info = report::trace_info(&analysis.trace);
    let summary = summed_up(analysis);
    let mut text = head(analysis, &info, &summary);
    text += "\n";
    text += &found(analysis);
    if !summary.live.is_empty() {
        text += "\n";
        text += &live(analysis, &summary);
    }
    text += "\n";
    text + &next(analysis, &info, &summary, false)
}

/// The summary without the list of tasks: for somebody who has just seen the program run.
pub(crate) fn brief(analysis: &Analysis) -> String {
    let info = report::trace_info(&analysis.trace);
    let summary = summed_up(analysis);
    let parts = [
        String::new(),
        head(analysis, &info, &summary),
        found(analysis),
        next(analysis, &info, &summary, true),
    ];
    parts.join("\n")
}

fn summed_up(analysis: &Analysis) -> Summary {
    let (history, progress) = (&analysis.trace.history, &analysis.verdict.progress);
    report::summary(history, progress, &analysis.selection)
}

/// One more trace, in one line.
pub(crate) fn also(analysis: &Analysis) -> String {
    let info = report::trace_info(&analysis.trace);
    row(
        "also",
        &clean(&format!(
            "{}, {}, pid {}: {}, {}",
            info.path,
            info.program,
            info.pid,
            count(info.events as usize, "event"),
            count(analysis.findings.len(), "finding")
        )),
    )
}

/// A trace that cannot be read, in one line.
pub(crate) fn unusable(error: &str) -> String {
    row("unusable", &styled(WARN, &clean(error)))
}

fn head(analysis: &Analysis, info: &TraceInfo, summary: &Summary) -> String {
    let started = UNIX_EPOCH + Duration::from_nanos(info.started_unix_ns);
    let mut text = row("trace", &styled(BOLD, &clean(&info.path)));
    text += &row(
        "program",
        &clean(&format!(
            "{}, pid {}, recorded {} by {}",
            info.program,
            info.pid,
            humantime::format_rfc3339_seconds(started),
            info.recorder
        )),
    );
    text += &recorded(&info.coverage);
    let ended = info
        .ending
        .sentence()
        .map_or_else(String::new, |ending| format!("; {ending}"));
    text += &row(
        "length",
        &format!(
            "{}, {}{ended}",
            info.duration,
            count(info.events as usize, "event")
        ),
    );
    if let Some(at) = info.shutdown {
        text += &row(
            "shutdown",
            &format!(
                "the program shut its runtime down after {at}, which cancels its tasks: what follows is as of then"
            ),
        );
    }
    text += &missing(&info.lost, &info.coverage);
    text += &doctor::brief(&report::diagnosis(&analysis.trace, &analysis.selection));
    text += &filter::filter(analysis);
    let tasks = &summary.tasks;
    let alive = tasks.running + tasks.scheduled + tasks.waiting;
    let parts = [
        (tasks.stuck, "stuck"),
        (tasks.waiting - tasks.stuck, "waiting"),
        (tasks.scheduled, "scheduled"),
        (tasks.running, "running"),
    ];
    let states = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, name)| format!("{} {name}", grouped(*n as u64)));
    let states = states.collect::<Vec<_>>().join(", ");
    let states = if states.is_empty() {
        String::new()
    } else {
        format!(" ({states})")
    };
    let mut ends = vec![format!("{} alive{states}", grouped(alive as u64))];
    for (n, name) in [
        (tasks.completed, "completed"),
        (tasks.panicked, "panicked"),
        (tasks.cancelled, "cancelled"),
        (tasks.ended_unseen, "ended unseen"),
    ] {
        if n > 0 {
            ends.push(format!("{} {name}", grouped(n as u64)));
        }
    }
    let all = match analysis.selection.restriction() {
        Some(restriction) => restriction.share(),
        None => grouped(info.tasks as u64),
    };
    text += &row(
        "tasks",
        &format!(
            "{all}: {}; {}",
            ends.join(", "),
            count(summary.polls as usize, "poll")
        ),
    );
    if !summary.resources.is_empty() {
        let plural = |(kind, n): (&&str, &usize)| match (*kind, *n) {
            ("mutex", n) if n != 1 => format!("{n} mutexes"),
            ("notify", n) => format!("{n} notify"),
            (kind, n) => count(n, kind),
        };
        let kinds: Vec<String> = summary.resources.iter().map(plural).collect();
        text += &row("resources", &kinds.join(", "));
    }
    text
}

fn found(analysis: &Analysis) -> String {
    let mut text = if analysis.has_hangs() {
        String::new()
    } else {
        none_found(analysis)
    };
    if !analysis.findings.is_empty() {
        text += &format!("{}:\n", count(analysis.findings.len(), "finding"));
        for finding in analysis.findings.iter().take(FINDINGS) {
            text += &format!("  {}\n", headline(finding));
        }
        let more = analysis.findings.len().saturating_sub(FINDINGS);
        if more > 0 {
            text += &format!("  and {} more\n", grouped(more as u64));
        }
    }
    text + &filter::left_out(analysis).unwrap_or_default()
}

fn live(analysis: &Analysis, summary: &Summary) -> String {
    let in_finding = |task: &LiveTask| {
        analysis
            .findings
            .iter()
            .any(|finding| finding.tasks.iter().any(|named| named.id == task.id))
    };
    let (named, others): (Vec<&LiveTask>, Vec<&LiveTask>) =
        summary.live.iter().partition(|task| in_finding(task));
    let mut shown: Vec<Alike<'_>> = named.into_iter().map(|task| (task, Vec::new())).collect();
    shown.extend(alike(others));
    shown.truncate(LIVE);
    let names: Vec<String> = shown
        .iter()
        .map(|(task, _)| shorten(&clean(&task.id.label(&task.name))))
        .collect();
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = match analysis.selection.restriction() {
        Some(_) => "alive at the end, of those that match:\n".to_owned(),
        None => "alive at the end:\n".to_owned(),
    };
    for ((task, like_it), name) in shown.iter().zip(&names) {
        let state_name = if task.state == "stuck" && analysis.trace.history.loss.is_gap() {
            "stuck?"
        } else {
            task.state
        };
        let pad = " ".repeat(width.saturating_sub(name.chars().count()));
        let state = format!("{state_name:<9}");
        let state = if task.state == "stuck" {
            styled(ALARM, &state)
        } else {
            state
        };
        let kind = task
            .kind
            .map_or_else(String::new, |kind| styled(DIM, &format!(" ({kind})")));
        text += &format!(
            "  {name}{pad}  {state} {:>9}  {}{kind}\n",
            task.long.to_string(),
            clean(&task.at)
        );
        if !like_it.is_empty() {
            let numbers = like_it
                .iter()
                .take(NUMBERS)
                .map(|task| format!("#{}", task.id.0));
            let numbers = numbers.collect::<Vec<_>>().join(", ");
            let dots = if like_it.len() > NUMBERS { ", …" } else { "" };
            let n = grouped(like_it.len() as u64);
            text += &format!("    and {n} more like it, for less long: {numbers}{dots}\n");
        }
    }
    let told: usize = shown.iter().map(|(_, like_it)| 1 + like_it.len()).sum();
    if summary.live.len() > told {
        let more = grouped((summary.live.len() - told) as u64);
        text += &format!("  and {more} more\n");
    }
    text
}

/// A task, and those that are at the same place in the same state under the same name.
type Alike<'a> = (&'a LiveTask, Vec<&'a LiveTask>);

/// Puts tasks together that differ in number only, where they are many: the connections of a server are one line.
fn alike(tasks: Vec<&LiveTask>) -> Vec<Alike<'_>> {
    let key = |task: &LiveTask| (task.name.clone(), task.kind, task.state, task.at.clone());
    let mut counts: HashMap<_, usize> = HashMap::new();
    for task in &tasks {
        *counts.entry(key(task)).or_default() += 1;
    }
    let mut lines: Vec<Alike<'_>> = Vec::new();
    let mut line_of: HashMap<_, usize> = HashMap::new();
    for task in tasks {
        let key = key(task);
        match line_of.get(&key) {
            Some(&line) => lines[line].1.push(task),
            None => {
                if counts[&key] >= MANY {
                    line_of.insert(key, lines.len());
                }
                lines.push((task, Vec::new()));
            }
        }
    }
    lines
}

/// What to ask for; with the summary too, to somebody who has not seen all of it.
fn next(analysis: &Analysis, info: &TraceInfo, summary: &Summary, is_brief: bool) -> String {
    let trace = clean(&info.path) + &filter::option(analysis);
    let mut lines = Vec::new();
    if !analysis.findings.is_empty() {
        lines.push(("--deadlocks".to_owned(), "the evidence"));
    }
    if is_brief && !summary.live.is_empty() {
        lines.push((String::new(), "which tasks were left, and where"));
    }
    let in_finding = analysis
        .findings
        .first()
        .and_then(|finding| finding.tasks.first())
        .map(|task| task.id);
    let circles = analysis.lock_circles();
    let in_circle = || circles.first().and_then(|circle| circle.first()).copied();
    if let Some(task) = in_finding
        .or_else(in_circle)
        .or_else(|| summary.live.first().map(|task| task.id))
    {
        lines.push((format!("--task {}", task.0), "where that task is, and why"));
    }
    let filters = analysis.selection.restriction();
    let by_state = filters.is_some_and(|filters| filters.any_of.iter().any(Filter::asks_for_state));
    if !by_state {
        lines.push(("--perf".to_owned(), "where the time of all tasks goes"));
    }
    lines.push((
        "--timeline timeline.svg".to_owned(),
        "what every task did over time, as a picture",
    ));
    let width = lines
        .iter()
        .map(|(option, _)| option.len())
        .max()
        .unwrap_or(0);
    let lines = lines.iter().map(|(option, what)| {
        format!(
            "  inspect-analyze {trace} {option:<width$}  {}\n",
            styled(DIM, what)
        )
    });
    format!("next:\n{}", lines.collect::<String>())
}

/// A name, cut to what a table has room for.
fn shorten(name: &str) -> String {
    const ROOM: usize = 48;
    if name.chars().count() <= ROOM {
        return name.to_owned();
    }
    name.chars().take(ROOM - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use ais_analyzer::history::TaskId;
    use ais_analyzer::time::Nanos;

    use super::*;

    fn task(id: u64, name: &str, at: &str) -> LiveTask {
        LiveTask {
            id: TaskId(id),
            name: name.to_owned(),
            kind: None,
            state: "waiting",
            long: Nanos(1000 - id),
            at: at.to_owned(),
        }
    }

    fn numbers(tasks: &[LiveTask]) -> Vec<(u64, usize)> {
        let lines = alike(tasks.iter().collect());
        lines
            .iter()
            .map(|(task, more)| (task.id.0, more.len()))
            .collect()
    }

    #[test]
    fn many_tasks_that_are_alike_share_a_line_and_few_do_not() {
        let mut tasks: Vec<LiveTask> = (1..=3).map(|id| task(id, "serve", "recv()")).collect();
        tasks.insert(1, task(7, "main", "recv()"));
        tasks.push(task(8, "serve", "sleep()"));
        assert_eq!(numbers(&tasks), [(1, 0), (7, 0), (2, 0), (3, 0), (8, 0)]);
        tasks.push(task(9, "serve", "recv()"));
        assert_eq!(numbers(&tasks), [(1, 3), (7, 0), (8, 0)]);
    }
}
