//! The panel of one task.

use ais_analyzer::history::History;
use ais_analyzer::number::grouped;
use ais_analyzer::report::{PanelState, TaskPanel};

use super::{ALARM, BOLD, DIM, count, styled};
use crate::output::clean;

/// Everything about one task that fits on a screen.
pub(crate) fn panel(panel: &TaskPanel, history: &History) -> String {
    let mut text = styled(
        BOLD,
        &clean(&format!("task {}", panel.id.and_name(&panel.name))),
    ) + "\n";
    let mut row = |name: &str, value: &str| {
        for (i, line) in value.split('\n').enumerate() {
            text += &format!(
                "  {}{}\n",
                styled(DIM, &format!("{:<11}", if i == 0 { name } else { "" })),
                line
            );
        }
    };
    row(
        "state",
        &state(panel, history.loss.is_gap() || !history.has_cut),
    );
    if let Some(asked) = panel.abort {
        let ago = history.end.since(asked);
        row("abort", &format!("asked to end {ago} before the end"));
    }
    if let Some(at) = &panel.at {
        let name = if panel.state == PanelState::Stuck {
            "stuck at"
        } else {
            "at"
        };
        row(name, &clean(at));
    }
    if !panel.because.is_empty() {
        row(
            "reason",
            &panel
                .because
                .iter()
                .map(|line| clean(line))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    if panel.path.len() > 1 {
        let path: Vec<String> = panel
            .path
            .iter()
            .map(|frame| clean(&frame.title()))
            .collect();
        row("inside", &path.join(" › "));
    }
    if !panel.holds.is_empty() {
        row(
            "holds",
            &panel
                .holds
                .iter()
                .map(|line| clean(line))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    if let Some(kind) = panel.kind {
        row("kind", kind);
    }
    row("spawned", &spawned(panel, history));
    if let Some(executor) = &panel.executor {
        row("executor", &clean(executor));
    }
    row("polls", &polls(panel));
    row("woken", &woken(panel, history));
    row("future", &future(panel));
    if !panel.transitions.is_empty() {
        row("states", &transitions(panel));
    }
    text
}

fn state(panel: &TaskPanel, is_uncertain: bool) -> String {
    let long = panel.long;
    match panel.state {
        PanelState::Running => format!("running for {long}"),
        PanelState::Scheduled => format!("scheduled for {long}: woken or new, not yet polled"),
        PanelState::Waiting => format!("waiting for {long}"),
        PanelState::Stuck if is_uncertain => {
            format!("perhaps stuck for {long}: part of the record is missing")
        }
        PanelState::Stuck => format!(
            "{} for {long}: it can only be cancelled",
            styled(ALARM, "stuck")
        ),
        PanelState::Completed => format!("completed at {}, after {long}", panel.since),
        PanelState::Panicked => format!(
            "{} at {}, after {long}",
            styled(ALARM, "panicked"),
            panel.since
        ),
        PanelState::EndedUnseen => {
            format!("has ended by {}, how is not in the record", panel.since)
        }
        PanelState::Cancelled => format!("cancelled at {}, after {long}", panel.since),
    }
}

fn spawned(panel: &TaskPanel, history: &History) -> String {
    let at = panel
        .spawned_at
        .as_ref()
        .map_or_else(String::new, |place| format!("at {place} "));
    let by = match panel.spawned_by.map(|id| (id, history.task(id))) {
        Some((_, Some(task))) => format!("by {}", task.title()),
        Some((id, None)) => format!("by task #{}", id.0),
        None => "outside of any recorded task".to_owned(),
    };
    let when = if panel.late {
        "before the recording began".to_owned()
    } else {
        format!("{} after the start", panel.spawned)
    };
    clean(&format!("{at}{by}, {when}"))
}

fn future(panel: &TaskPanel) -> String {
    let size = count(panel.size as usize, "byte");
    match &panel.type_name {
        Some(name) => format!("{size}: {}", clean(name)),
        None => size,
    }
}

fn polls(panel: &TaskPanel) -> String {
    let yields = match panel.yields {
        0 => String::new(),
        n => format!("; gave way {}", count(n as usize, "time")),
    };
    format!(
        "{}, {} in all, {} the longest{yields}",
        grouped(panel.polls as u64),
        panel.busy,
        panel.longest_poll
    )
}

fn woken(panel: &TaskPanel, history: &History) -> String {
    let times = count(panel.wakes, "time");
    match &panel.last_wake {
        None => times,
        Some(wake) => {
            let through = wake
                .operation
                .as_ref()
                .map_or_else(String::new, |operation| format!(", through {operation}"));
            clean(&format!(
                "{times}, last {} before the end, by {}{through}",
                history.end.since(wake.at),
                wake.by
            ))
        }
    }
}

fn transitions(panel: &TaskPanel) -> String {
    let lines = panel.transitions.iter().map(|step| {
        let at = step
            .location
            .as_ref()
            .map_or_else(String::new, |place| format!(" at {place}"));
        let left = match step.left {
            Some("ready") => "",
            Some(_) => ", dropped there",
            None => ", still there",
        };
        let line = format!(
            "{}: {}{at}, for {}{left}",
            step.function, step.expression, step.long
        );
        format!("{:>9}  {}", format!("+{}", step.at), clean(&line))
    });
    lines.collect::<Vec<_>>().join("\n")
}
