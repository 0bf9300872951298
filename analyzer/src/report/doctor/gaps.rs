//! What is missing from the record: events, parts of the file, its beginning.

use super::{Cost, Lack, LackKind, LackPlace, first_places};
use crate::Trace;
use crate::number::counted;
use crate::report::coverage::Coverage;
use crate::source::Ending;

/// What is missing, of a trace with this coverage.
pub(super) fn lacks(trace: &Trace, coverage: &Coverage) -> Vec<Lack> {
    let all = [
        dropped(trace, coverage),
        damaged(trace),
        late(trace, coverage),
        beginning(trace, coverage),
    ];
    all.into_iter().flatten().collect()
}

fn dropped(trace: &Trace, coverage: &Coverage) -> Option<Lack> {
    let dropped = trace.loss().events_dropped;
    if dropped == 0 {
        return None;
    }
    let share = coverage.dropped_share.map_or_else(String::new, |share| {
        let percent = share * 100.0;
        match percent {
            ..0.1 => ", less than 0.1 % of all".to_owned(),
            _ => format!(", {percent:.1} % of all"),
        }
    });
    let gaps = trace.history.tasks.iter().filter(|task| task.has_gaps);
    let gaps = match gaps.count() as u64 {
        0 => String::new(),
        n => format!("; polls of {} are missing", counted(n, "task")),
    };
    let healed = match coverage.is_healed {
        Some(true) => "what was alive after that is known again",
        _ => "what rests on what was alive then is possible at most",
    };
    Some(Lack {
        kind: LackKind::EventsDropped,
        costs: Cost::Verdicts,
        title: format!("{}{share}", counted(dropped, "dropped event")),
        evidence: format!("they came faster than they could be written{gaps}; {healed}"),
        places: Vec::new(),
        more_places: 0,
        change:
            "give the recorder more memory: AIS_TRACE_BUFFER=256MiB (it is 64MiB where unset; memory_limit() in code)"
                .to_owned(),
    })
}

fn damaged(trace: &Trace) -> Option<Lack> {
    let loss = trace.loss();
    let parts = [(loss.chunks, "chunk"), (loss.bytes, "byte")];
    let parts = parts.iter().filter(|(n, _)| *n > 0);
    let parts: Vec<String> = parts.map(|&(n, what)| counted(n, what)).collect();
    if parts.is_empty() {
        return None;
    }
    let first = loss.notes.first().map_or("", String::as_str);
    Some(Lack {
        kind: LackKind::FileDamaged,
        costs: Cost::Verdicts,
        title: format!("{} of the file", parts.join(" and ")),
        evidence: format!(
            "they are missing or cannot be read{}{first}",
            if first.is_empty() { "" } else { ": " }
        ),
        places: Vec::new(),
        more_places: 0,
        change:
            "copy the file once more from where it was recorded, after inspect-analyze has read it there once"
                .to_owned(),
    })
}

fn late(trace: &Trace, coverage: &Coverage) -> Option<Lack> {
    let older = [
        (coverage.late_tasks as u64, "task"),
        (coverage.late_resources as u64, "resource"),
    ];
    let older: Vec<String> = older
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|&(n, what)| counted(n, what))
        .collect();
    // A program that makes its first runtime late has lost nothing by that.
    if older.is_empty() {
        return None;
    }
    let after = coverage.began_late.map_or_else(String::new, |late| {
        format!("the recording began {late} after the program; ")
    });
    let history = &trace.history;
    let resources = history.own_resources().filter(|resource| resource.late);
    let resources = resources.map(|resource| LackPlace {
        what: resource.short_title(),
        location: resource.created_at.clone(),
    });
    let tasks = history.own_tasks().filter(|task| task.late);
    let tasks = tasks.map(|task| LackPlace {
        what: task.title(),
        location: task.spawned_at.clone(),
    });
    let (places, more_places) = first_places(resources.chain(tasks).collect());
    Some(Lack {
        kind: LackKind::BeganLate,
        costs: Cost::Verdicts,
        title: format!("the beginning of {}", older.join(" and ")),
        evidence: format!(
            "{after}they were there before they were first seen: who held them, or what they had done, is not known"
        ),
        places,
        more_places,
        change: "begin the recording before anything else: `let _recorder = Recorder::from_env()?;` as the first line of main"
            .to_owned(),
    })
}

fn beginning(trace: &Trace, coverage: &Coverage) -> Option<Lack> {
    let at = coverage.begins_at?;
    let (is_whole, alive) = match coverage.begins_whole {
        Some(true) => (true, "what was alive then is known"),
        _ => (false, "what was alive then is not all known"),
    };
    let (limit, usual) = match trace.source.ending {
        Ending::Snapshot => ("256MiB", "64MiB of a flight recorder"),
        _ => ("1GiB", "256MiB of a ring"),
    };
    Some(Lack {
        kind: LackKind::BeginningNotKept,
        costs: if is_whole {
            Cost::Details
        } else {
            Cost::Verdicts
        },
        title: format!("what ended before {at}"),
        evidence: format!(
            "only what is newest was kept, and the trace begins {at} after the recording; {alive}"
        ),
        places: Vec::new(),
        more_places: 0,
        change: format!("keep more: AIS_TRACE_LIMIT={limit} (where it is unset, {usual})"),
    })
}
