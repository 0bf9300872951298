//! What of the program is outside of the record: crates, resources that left it, awaits that macros hide.

use std::collections::BTreeSet;

use super::{Cost, Lack, LackKind, LackPlace, first_places};
use crate::history::{ChangeKind, ForeignId, History};
use crate::number::counted;
use crate::report::coverage::Coverage;

/// Records all crates of a tokio program.
pub(super) const RECORD_ALL: &str = "inspect-record cargo run";

/// What of a program is outside of the record.
pub(super) fn lacks(history: &History, coverage: &Coverage) -> Vec<Lack> {
    let all = [
        foreign(history, coverage),
        escaped(history),
        unseen(history),
    ];
    all.into_iter().flatten().collect()
}

fn foreign(history: &History, coverage: &Coverage) -> Option<Lack> {
    let waits = history.operations.iter().filter_map(|operation| {
        let resource = operation.kind.resource();
        operation.foreign.map(|foreign| (foreign, resource))
    });
    let changes = history.resources.iter().flat_map(|resource| {
        let by = resource
            .changes
            .iter()
            .filter(|change| is_done_in_a_poll(&change.kind));
        let by = by.filter_map(|change| change.foreign);
        by.map(|foreign| (foreign, Some(resource.id)))
    });
    let seen: Vec<_> = waits.chain(changes).collect();
    let way_in = coverage.way_in.as_deref();
    let is_all = way_in.is_some_and(|way_in| way_in.contains("in all crates"));
    if seen.is_empty() || is_all {
        return None;
    }
    let tasks: BTreeSet<ForeignId> = seen.iter().map(|(foreign, _)| *foreign).collect();
    let used: BTreeSet<_> = seen.iter().filter_map(|(_, resource)| *resource).collect();
    let places = used.iter().filter_map(|&id| history.resource(id));
    let places = places.map(|resource| LackPlace {
        what: resource.short_title(),
        location: resource.created_at.clone(),
    });
    let (places, more_places) = first_places(places.collect());
    let way_in = way_in.map_or_else(String::new, |way_in| {
        format!("; the program is recorded through {way_in}")
    });
    Some(Lack {
        kind: LackKind::CratesUnrecorded,
        costs: Cost::Verdicts,
        title: counted(tasks.len() as u64, "unrecorded task"),
        evidence: format!(
            "tasks that the runtime knows and the recorder does not used {}, {} in all{way_in}; what these tasks hold and wait for is \
             not known, and findings about that are likely at most",
            counted(used.len() as u64, "recorded resource"),
            counted(seen.len() as u64, "time"),
        ),
        places,
        more_places,
        change: format!("record all crates: `{RECORD_ALL}`, with tokio itself in Cargo.toml"),
    })
}

/// Whether it shows that a task ran which is not recorded. What a drop can do does not: the future of a recorded task that is cancelled is
/// dropped outside of its polls.
fn is_done_in_a_poll(kind: &ChangeKind) -> bool {
    matches!(
        kind,
        ChangeKind::Acquired(_) | ChangeKind::Received { .. } | ChangeKind::Arrived(_)
    )
}

fn escaped(history: &History) -> Option<Lack> {
    let escaped = history.own_resources();
    let escaped: Vec<_> = escaped.filter(|of| of.at_end.is_escaped).collect();
    if escaped.is_empty() {
        return None;
    }
    let places = escaped.iter().map(|resource| LackPlace {
        what: resource.short_title(),
        location: resource.created_at.clone(),
    });
    let (places, more_places) = first_places(places.collect());
    Some(Lack {
        kind: LackKind::ResourcesEscaped,
        costs: Cost::Verdicts,
        title: counted(escaped.len() as u64, "escaped resource"),
        evidence: "they were unwrapped (into_inner(), From) for a crate that wants tokio's own types: what is done with them from then \
                   on is not recorded, and nothing is concluded about them"
            .to_owned(),
        places,
        more_places,
        change: format!(
            "record all crates, which then take the recorded types: `{RECORD_ALL}`, with tokio itself in Cargo.toml and no unwrapping"
        ),
    })
}

fn unseen(history: &History) -> Option<Lack> {
    let functions = history.functions.values();
    let mut calls: Vec<_> = functions
        .flat_map(|function| function.unseen.iter().map(move |call| (function, call)))
        .collect();
    calls.sort_by_key(|(function, call)| {
        let place = call.location.as_ref();
        let place = place.map(|of| (of.file.clone(), of.line, of.column));
        (place, function.name.clone())
    });
    let (_, first) = calls.first()?;
    let name = first.name.trim_end_matches('!').to_owned();
    let at = first.location.as_ref();
    let at = at.map_or_else(String::new, |place| format!(" at {place}"));
    let change = format!(
        "await before {name}!{at} and hand it the result, or name the future in it: `.traced(\"…\")`"
    );
    let functions: BTreeSet<_> = calls.iter().map(|(function, _)| &function.name).collect();
    let evidence = format!(
        "{} awaits in {} of macros that #[trace] does not know the syntax of: these awaits are none of its states",
        counted(functions.len() as u64, "traced function"),
        counted(calls.len() as u64, "call"),
    );
    let title = format!(
        "the awaits in {}",
        counted(calls.len() as u64, "macro call")
    );
    let places = calls.iter().map(|(function, call)| LackPlace {
        what: format!(
            "{}! in {}",
            call.name.trim_end_matches('!'),
            function.title()
        ),
        location: call.location.clone(),
    });
    let (places, more_places) = first_places(places.collect());
    Some(Lack {
        kind: LackKind::AwaitsUnseen,
        costs: Cost::Places,
        title,
        evidence,
        places,
        more_places,
        change,
    })
}
