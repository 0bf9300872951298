//! What is told again at the beginning of a generation: needed where a trace begins in the middle, and where something was lost.

use std::collections::HashSet;

use ais_format::chunk::EventBatch;
use ais_format::event::Kind;

use super::{Doer, Fold};
use crate::clock::Clock;
use crate::names::Names;

/// Everything that was alive when a generation began.
#[derive(Debug, Default)]
pub(in crate::profile) struct Alive {
    pub(super) tasks: HashSet<u64>,
    pub(super) futures: HashSet<u64>,
    pub(super) operations: HashSet<u64>,
    pub(super) resources: HashSet<u64>,
}

impl Alive {
    /// Notes what a batch tells of.
    pub(in crate::profile) fn note(&mut self, batch: &EventBatch) {
        for event in batch.events() {
            let all = match event.kind {
                Some(Kind::TaskNew) => &mut self.tasks,
                Some(Kind::FutureNew | Kind::FutureBegin) => &mut self.futures,
                Some(Kind::OperationBegin) => &mut self.operations,
                Some(Kind::ResourceNew) => &mut self.resources,
                _ => continue,
            };
            all.insert(event.value(0));
        }
    }
}

impl Fold<'_> {
    /// Takes in what a batch tells of what is not known yet.
    pub(in crate::profile) fn tell(&mut self, batch: &EventBatch, clock: &Clock) {
        let mut clock = clock.reader();
        let names = std::mem::take(&mut self.names);
        let mut doer = Doer::default();
        for event in batch.events() {
            self.rest.now = clock.time(event.tick);
            self.tell_of(&names, &mut doer, &event);
        }
        self.names = names;
    }

    fn tell_of(&mut self, names: &Names, doer: &mut Doer, event: &ais_format::chunk::Event<'_>) {
        let rest = &mut self.rest;
        let number = event.value(0);
        if event.kind == Some(Kind::DoneBy) {
            doer.polls = vec![(rest.task(number), number)];
            return;
        }
        let is_news = match event.kind {
            Some(Kind::TaskNew) => rest.tasks.place(number).is_none() && self.told.insert(number),
            // Of what is known, better is known.
            Some(Kind::PollBegin | Kind::PollEnd | Kind::Wake) => self.told.contains(&number),
            _ => true,
        };
        if is_news {
            rest.take(names, 0, doer, event);
        }
        doer.polls.clear();
    }

    /// All of it was told.
    pub(in crate::profile) fn end_telling(&mut self) {
        self.told.clear();
    }
}
