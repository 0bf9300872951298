//! What a trace says, event by event, in a form that tests can put questions to.
//!
//! Like the rest of this crate it is slow and obvious: each thread's stream is followed by itself, the polls that are open tell who did
//! what, and events of one resource are put into the order of their numbers.

use std::collections::HashMap;

use ais_format::event::{
    Foreign, Kind, OperationBegin, OperationEnd, PollBegin, PollEnd, ResourceNew, Row, TaskNew,
    outcome,
};

use crate::Trace;

/// One event, by whom and on which thread.
#[derive(Clone, Debug)]
pub struct Told {
    /// The kind of the event.
    pub kind: Kind,
    /// Its columns.
    pub columns: Vec<u64>,
    /// The thread.
    pub thread: u64,
    /// The task whose poll was open; zero where there was none.
    pub task: u64,
    /// The runtime's number of the unrecorded task that did it; zero where that is not said.
    pub foreign: u64,
    /// When, in ticks.
    pub tick: u64,
}

impl Told {
    /// As a row of its table, if it is one of these.
    #[must_use]
    pub fn row<R: Row>(&self) -> Option<R> {
        (self.kind == R::KIND).then(|| R::from_columns(|i| self.columns[i]))
    }
}

/// All events of a trace, thread by thread.
#[derive(Debug, Default)]
pub struct Events {
    /// The events of each thread in their order, one thread after the other.
    pub all: Vec<Told>,
    texts: HashMap<u64, String>,
    /// Number, file (a text), line.
    locations: HashMap<u64, (u64, u64)>,
}

impl Events {
    /// Those of `trace`.
    #[must_use]
    pub fn of(trace: &Trace) -> Events {
        let mut events = Events::default();
        let mut streams: HashMap<u64, Vec<Told>> = HashMap::new();
        for (_, _, chunk) in &trace.chunks {
            events.texts.extend(chunk.texts.iter().cloned());
            for place in chunk.definitions::<ais_format::event::Location>() {
                events.locations.insert(place.id, (place.file, place.line));
            }
            for batch in &chunk.batches {
                let stream = streams.entry(batch.head.thread).or_default();
                for event in batch.events() {
                    let Some(kind) = event.kind else { continue };
                    stream.push(Told {
                        kind,
                        columns: columns(kind, &event),
                        thread: batch.head.thread,
                        task: 0,
                        foreign: 0,
                        tick: event.tick,
                    });
                }
            }
        }
        let mut threads: Vec<u64> = streams.keys().copied().collect();
        threads.sort_unstable();
        for thread in threads {
            events
                .all
                .extend(attribute(streams.remove(&thread).unwrap_or_default()));
        }
        events
    }

    /// All events of a kind.
    pub fn rows<R: Row>(&self) -> Vec<R> {
        self.told::<R>().into_iter().map(|(_, row)| row).collect()
    }

    /// All events of a kind, with who did them.
    pub fn told<R: Row>(&self) -> Vec<(&Told, R)> {
        self.all
            .iter()
            .filter_map(|told| Some((told, told.row()?)))
            .collect()
    }

    /// A text by its number.
    #[must_use]
    pub fn text(&self, id: u64) -> &str {
        self.texts.get(&id).map_or("", String::as_str)
    }

    /// `file:line` of a place.
    #[must_use]
    pub fn place(&self, id: u64) -> String {
        self.locations
            .get(&id)
            .map_or_else(String::new, |&(file, line)| {
                format!("{}:{line}", self.text(file))
            })
    }

    /// The number of the only task with this name.
    ///
    /// # Panics
    /// There is none, or there are several.
    #[must_use]
    pub fn task(&self, name: &str) -> u64 {
        let tasks: Vec<TaskNew> = self
            .rows::<TaskNew>()
            .into_iter()
            .filter(|task| self.text(task.name) == name)
            .collect();
        assert_eq!(tasks.len(), 1, "tasks called {name:?}: {tasks:?}");
        tasks[0].task
    }

    /// The resources of this kind, in the order in which they were made on their threads.
    #[must_use]
    pub fn resources(&self, kind: u64) -> Vec<ResourceNew> {
        let mut made = self.rows::<ResourceNew>();
        made.retain(|resource| resource.kind == kind);
        made
    }

    /// The only resource of this kind.
    ///
    /// # Panics
    /// There is none, or there are several.
    #[must_use]
    pub fn resource(&self, kind: u64) -> ResourceNew {
        let found = self.resources(kind);
        assert_eq!(found.len(), 1, "resources of kind {kind}: {found:?}");
        found[0]
    }

    /// The changes of a resource in the order of their numbers: the kind of each, and by which task. They have no gaps.
    ///
    /// # Panics
    /// A change is missing or there twice.
    #[must_use]
    pub fn changes(&self, resource: u64) -> Vec<(Kind, u64)> {
        let mut changes: Vec<(u64, Kind, u64)> = self
            .all
            .iter()
            .filter_map(|told| {
                let column = |name| {
                    let at = told.kind.columns().iter().position(|c| c.name == name)?;
                    Some(told.columns[at])
                };
                let of = column("resource").or_else(|| column("target"))?;
                let sequence = column("sequence").filter(|&sequence| sequence != 0)?;
                (of == resource).then_some((sequence, told.kind, told.task))
            })
            .collect();
        changes.sort_unstable();
        for (i, change) in changes.iter().enumerate() {
            assert_eq!(change.0, i as u64 + 1, "changes without gaps: {changes:?}");
        }
        changes
            .into_iter()
            .map(|(_, kind, task)| (kind, task))
            .collect()
    }

    /// The operations of a kind, in the order in which they began on their threads: how each began, by which task, and how it ended (none
    /// where it did not).
    #[must_use]
    pub fn operations(&self, kind: u64) -> Vec<(OperationBegin, u64, Option<u64>)> {
        let ends: HashMap<u64, u64> = self
            .rows::<OperationEnd>()
            .into_iter()
            .map(|end| (end.operation, end.outcome))
            .collect();
        self.told::<OperationBegin>()
            .into_iter()
            .filter(|(_, begin)| begin.kind == kind)
            .map(|(told, begin)| (begin, told.task, ends.get(&begin.operation).copied()))
            .collect()
    }

    /// How the only operation of a kind that began in `task` ended.
    ///
    /// # Panics
    /// There is none, or there are several.
    #[must_use]
    pub fn outcome(&self, kind: u64, task: u64) -> Option<u64> {
        let found: Vec<Option<u64>> = self
            .operations(kind)
            .into_iter()
            .filter(|(_, by, _)| *by == task)
            .map(|(_, _, outcome)| outcome)
            .collect();
        assert_eq!(
            found.len(),
            1,
            "operations of kind {kind} in {task}: {found:?}"
        );
        found[0]
    }

    /// Nothing that was begun is left open: each operation has ended, each poll, each hold was given back. What every program must leave
    /// behind that ran to its end with all it had dropped.
    ///
    /// # Panics
    /// Something is open.
    pub fn assert_complete(&self) {
        let polls = |kind: Kind| self.all.iter().filter(|told| told.kind == kind).count();
        assert_eq!(polls(Kind::PollBegin), polls(Kind::PollEnd), "open polls");
        for kind in 1..=32 {
            for (begin, task, outcome) in self.operations(kind) {
                assert!(outcome.is_some(), "open in task {task}: {begin:?}");
            }
        }
    }
}

/// Outcomes by name, for messages.
#[must_use]
pub fn outcome_name(outcome: Option<u64>) -> &'static str {
    match outcome {
        None => "open",
        Some(outcome::READY) => "ready",
        Some(outcome::DROPPED) => "dropped",
        Some(outcome::PANICKED) => "panicked",
        Some(outcome::NEVER_POLLED) => "never polled",
        Some(outcome::CLOSED) => "closed",
        Some(_) => "unknown",
    }
}

fn columns(kind: Kind, event: &ais_format::chunk::Event<'_>) -> Vec<u64> {
    (0..kind.columns().len()).map(|i| event.value(i)).collect()
}

/// Says of each event of one thread who did it.
fn attribute(mut stream: Vec<Told>) -> Vec<Told> {
    let mut polls: Vec<u64> = Vec::new();
    let mut foreign = 0;
    for told in &mut stream {
        told.task = polls.last().copied().unwrap_or(0);
        told.foreign = std::mem::take(&mut foreign);
        if let Some(begin) = told.row::<PollBegin>() {
            polls.push(begin.task);
        } else if told.row::<PollEnd>().is_some() {
            polls.pop();
        } else if let Some(row) = told.row::<Foreign>() {
            foreign = row.task;
        }
    }
    stream
}
