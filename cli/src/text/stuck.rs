//! The tasks that make no progress, as text.

use ais_analyzer::number::grouped;
use ais_analyzer::report::{Standing, StuckGroup};

use super::{ALARM, BOLD, DIM, WARN, count, styled};
use crate::analysis::Analysis;
use crate::output::clean;

/// So many tasks of a group are named by number.
const NUMBERS: usize = 12;
/// So many lines tell why.
const REASONS: usize = 4;

/// All groups, or that there is none.
pub(crate) fn stuck(analysis: &Analysis, groups: &[StuckGroup]) -> String {
    if groups.is_empty() {
        let end = analysis.trace.history.end;
        return match analysis.selection.restriction() {
            Some(_) => format!("no task that matches waits {end} after the start\n"),
            None => format!("every task that is alive {end} after the start runs\n"),
        };
    }
    let parts: Vec<String> = groups.iter().map(one).collect();
    parts.join("\n")
}

fn one(group: &StuckGroup) -> String {
    let (style, standing) = match group.standing {
        Standing::Stuck => (ALARM, "stuck: it can never go on"),
        Standing::Behind => (ALARM, "waits behind a task that is stuck"),
        Standing::Parked => (WARN, "parked: it can never go on, and nobody waits for it"),
        Standing::Scheduled => (DIM, "ready, and not polled yet"),
        Standing::Waiting => (DIM, "waits for what may still come"),
    };
    let longest = group.tasks.first();
    let long = longest.map_or_else(String::new, |task| task.long.to_string());
    let who = match &group.tasks[..] {
        [task] => format!("task {}", task.id.and_name(&task.name)),
        tasks if group.name.is_empty() => format!("{} without a name", count(tasks.len(), "task")),
        tasks => format!("{} like {:?}", count(tasks.len(), "task"), group.name),
    };
    let up_to = if group.tasks.len() > 1 { "up to " } else { "" };
    let mut text = format!(
        "{}, for {up_to}{long}\n  {}\n",
        styled(BOLD, &clean(&who)),
        styled(style, standing)
    );
    text += &format!("  at         {}\n", clean(&group.at));
    for (index, line) in group.because.iter().take(REASONS).enumerate() {
        let label = if index == 0 { "because" } else { "" };
        text += &format!("  {label:<9}  {}\n", clean(line));
    }
    if group.tasks.len() > 1 {
        let numbers = group.tasks.iter().take(NUMBERS);
        let numbers: Vec<String> = numbers.map(|task| format!("#{}", task.id.0)).collect();
        let more = group.tasks.len().saturating_sub(NUMBERS);
        let more = if more > 0 {
            format!(" and {} more", grouped(more as u64))
        } else {
            String::new()
        };
        text += &format!("  tasks      {}{more}\n", numbers.join(" "));
    }
    text
}
