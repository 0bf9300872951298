//! Whether the last thing that a program did was to shut its runtime down, and when.

use std::collections::HashMap;

use ais_format::event::section_kind;

use super::entities::{Entities, SoFar};
use super::walk::SectionFact;
use crate::history::{Poll, ResourceId};
use crate::time::Nanos;

/// When the program shut its runtime down, or the first of several in a row: no task was made after that, and none was polled but in the
/// course of the shutdown of its own runtime. None where it did not, or went on after that: what one runtime's end lets go on in another
/// was never stuck for good.
pub(super) fn last_act(sections: &[SectionFact], entities: &Entities) -> Option<Nanos> {
    let mut shutdowns: Vec<&SectionFact> = sections
        .iter()
        .filter(|section| section.row.kind == section_kind::SHUTDOWN)
        .collect();
    shutdowns.sort_by_key(|section| std::cmp::Reverse(section.place.at));
    // When each of those that were looked at began to be shut down.
    let mut shut_down: HashMap<ResourceId, Nanos> = HashMap::new();
    let mut last_act = None;
    for shutdown in shutdowns {
        let at = shutdown.place.at;
        shut_down.insert(ResourceId(shutdown.row.resource), at);
        let goes_on = |task: SoFar<'_>| {
            let its_end = task.task.executor.and_then(|id| shut_down.get(&id));
            let is_polled = |poll: &Poll| {
                poll.begin >= at && its_end.is_none_or(|&its_end| poll.begin < its_end)
            };
            let mut later = task.polls.iter().rev().take_while(|poll| poll.begin >= at);
            (task.is_introduced && task.task.spawned >= at) || later.any(is_polled)
        };
        if entities.tasks().any(goes_on) {
            break;
        }
        last_act = Some(at);
    }
    last_act
}
