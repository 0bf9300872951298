//! From events to histories, in two parallel steps.
//!
//! First every thread's events are read in that thread's order ([`walk`]): the polls that are open on the thread tell which task did
//! what, so each event becomes a *fact* about one entity, with the task, and the poll, in which it happened. Then the facts of each
//! entity are brought together ([`assemble`]) and put into the entity's own order.

mod assemble;
mod base;
mod facts;
mod shutdown;
mod walk;

use rayon::prelude::*;

use super::{FunctionId, History, ThreadId};
use crate::decode::Decoded;
use crate::meter::{Meter, Stage};
use crate::time::Nanos;
use base::Base;
use facts::Facts;

/// Rebuilds the history of every entity, up to the last moment that is known of all threads.
///
/// A recorder writes the threads' events one thread after the other, so that a trace which ends in the middle (of a program that was
/// killed, or still runs) may know more of one thread than of another: a task that was seen to wait on one, and not seen to release
/// on the other just before it, would seem to hold what it does not.
///
/// Where the last thing that the program did was to shut its runtime down, histories end before that: a runtime that is shut down
/// cancels its tasks, and a program that gives up on a deadlock and returns from `main` would seem to have had none.
pub fn rebuild(decoded: &Decoded) -> History {
    rebuild_until(decoded, None)
}

/// The same, as it was just before a moment.
pub fn rebuild_until(decoded: &Decoded, until: Option<Nanos>) -> History {
    rebuild_metered(decoded, until, &Meter::new())
}

/// The same; `meter` tells meanwhile how far it is.
pub fn rebuild_metered(decoded: &Decoded, until: Option<Nanos>, meter: &Meter) -> History {
    meter.begin(Stage::Rebuilding);
    meter.expect(0, decoded.events);
    let base = Base::of(decoded);
    let told = base
        .keyframes()
        .map(|keyframe| walk::keyframe(keyframe, &decoded.clock));
    let walked: Vec<(ThreadId, Facts)> = decoded
        .threads
        .par_iter()
        .map(|(&thread, batches)| {
            let thread = ThreadId(thread);
            let facts = walk::walk(thread, batches, &decoded.clock, decoded.cut, meter);
            (thread, facts)
        })
        .collect();
    meter.begin(Stage::Ordering);
    let last_events = walked
        .iter()
        .map(|(thread, facts)| (*thread, facts.last))
        .collect();
    let mut facts = Facts::default();
    for part in told.chain(walked.into_iter().map(|(_, facts)| facts)) {
        facts.append(part);
    }
    base.end_what_is_not_told(&mut facts, |tick| decoded.clock.time(tick));
    let recorded_until = decoded.cut.map_or_else(
        || decoded.clock.last().max(facts.last),
        |cut| decoded.clock.time(cut),
    );
    let shutdown = shutdown::last_act(&facts);
    let last = shutdown.unwrap_or(recorded_until);
    let end = until.map_or(last, |until| until.min(last));
    if shutdown.is_some() || until.is_some() {
        facts.cut(end);
    }
    let names = &decoded.names;
    let ((tasks, futures), (operations, resources)) = rayon::join(
        || {
            rayon::join(
                || assemble::tasks(facts.tasks, names),
                || assemble::futures(facts.futures),
            )
        },
        || {
            rayon::join(
                || assemble::operations(facts.operations, names),
                || assemble::resources(facts.resources, names),
            )
        },
    );
    let sections = assemble::sections(facts.sections, names);
    let functions = futures
        .iter()
        .map(|future| future.function)
        .collect::<std::collections::HashSet<_>>();
    let mut history = History {
        tasks,
        futures,
        operations,
        resources,
        sections,
        functions: functions
            .into_iter()
            .filter_map(|id: FunctionId| names.function(id.0).map(|function| (id, function)))
            .collect(),
        threads: decoded
            .threads
            .keys()
            .filter_map(|&id| names.thread(id).map(|name| (ThreadId(id), name)))
            .collect(),
        last_events,
        end,
        recorded_until,
        shutdown,
        has_cut: decoded.cut.is_some(),
        events: decoded.events,
        loss: decoded.loss.clone(),
        is_healed: base.is_healed,
        begins_late: decoded.begins_late,
        begins_whole: decoded.begins_late.then(|| base.begins_whole()),
        by_task: std::collections::HashMap::new(),
    };
    history.index_by_task();
    history
}
