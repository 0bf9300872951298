//! Whether the last thing that a program did was to shut its runtime down, and when.

use std::collections::{HashMap, HashSet};

use ais_format::event::section_kind;

use super::facts::{Facts, SectionFact, TaskFact};
use crate::time::Nanos;

/// When the program shut its runtime down, or the first of several in a row: no task was made after that, and none was polled but those
/// of these runtimes. None where it did not, or went on after that.
pub(super) fn last_act(facts: &Facts) -> Option<Nanos> {
    let mut shutdowns: Vec<&SectionFact> = facts
        .sections
        .iter()
        .filter(|section| section.row.kind == section_kind::SHUTDOWN)
        .collect();
    if shutdowns.is_empty() {
        return None;
    }
    shutdowns.sort_by_key(|section| std::cmp::Reverse(section.place.at));
    let executors: HashMap<u64, u64> = facts
        .tasks
        .iter()
        .filter_map(|(task, _, fact)| match fact {
            TaskFact::New(new) => Some((*task, new.executor)),
            _ => None,
        })
        .collect();
    let mut shut_down = HashSet::new();
    let mut last_act = None;
    for shutdown in shutdowns {
        let at = shutdown.place.at;
        shut_down.insert(shutdown.row.resource);
        let went_on = facts.tasks.iter().any(|(task, place, fact)| match fact {
            TaskFact::New(_) => place.at >= at,
            TaskFact::Began { .. } => {
                place.at >= at
                    && !executors
                        .get(task)
                        .is_some_and(|executor| *executor != 0 && shut_down.contains(executor))
            }
            _ => false,
        });
        if went_on {
            break;
        }
        last_act = Some(at);
    }
    last_act
}
