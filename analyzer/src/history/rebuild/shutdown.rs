//! Whether the last thing that a program did was to shut its runtime down, and when.

use std::collections::HashMap;

use ais_format::event::section_kind;

use super::facts::{Facts, SectionFact, TaskFact};
use crate::time::Nanos;

/// When the program shut its runtime down, or the first of several in a row: no task was made after that, and none was polled but in the
/// course of the shutdown of its own runtime. None where it did not, or went on after that: what one runtime's end lets go on in another
/// was never stuck for good.
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
    // When each of those that were looked at began to be shut down.
    let mut shut_down: HashMap<u64, Nanos> = HashMap::new();
    let mut last_act = None;
    for shutdown in shutdowns {
        let at = shutdown.place.at;
        shut_down.insert(shutdown.row.resource, at);
        let went_on = facts.tasks.iter().any(|(task, place, fact)| match fact {
            TaskFact::New(_) => place.at >= at,
            TaskFact::Began { .. } => {
                place.at >= at
                    && executors
                        .get(task)
                        .and_then(|executor| shut_down.get(executor))
                        .is_none_or(|&its_end| place.at < its_end)
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
