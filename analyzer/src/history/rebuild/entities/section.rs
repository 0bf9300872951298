//! Sections of threads.

use crate::history::rebuild::walk::SectionFact;
use crate::history::{ResourceId, Section, SectionKind};
use crate::names::Names;

pub(in super::super) fn sections(facts: Vec<SectionFact>, names: &Names) -> Vec<Section> {
    let mut sections: Vec<Section> = facts
        .into_iter()
        .map(|fact| Section {
            kind: SectionKind::from_number(fact.row.kind),
            thread: fact.thread,
            task: fact.place.task,
            foreign: fact.place.foreign,
            resource: (fact.row.resource != 0).then_some(ResourceId(fact.row.resource)),
            location: names.location(fact.row.location),
            begun: fact.place.at,
            ended: fact.ended,
            is_lost: fact.is_lost,
        })
        .collect();
    sections.sort_by_key(|section| (section.thread, section.begun));
    sections
}
