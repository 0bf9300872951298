//! One event, as those who look at all of them get it.

use std::fmt;

use ais_format::chunk;
use ais_format::event::{Kind, Row};

use crate::history::{ForeignId, TaskId, ThreadId};
use crate::time::Nanos;

/// One event: when, where, by whom, and what.
///
/// What it says can be had as a [row](Event::row) of its kind, whose fields are documented there, or [by name](Event::value). All fields
/// are numbers: of tasks, resources and so on as in a history; of strings and places in source as [`Names`](crate::names::Names) knows
/// them. Zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// When, from the start of the trace; not before any event that is told before it.
    pub at: Nanos,
    /// When, in ticks of the recording's clock, as it was recorded.
    pub tick: u64,
    /// The thread that recorded it.
    pub thread: ThreadId,
    /// The task in whose poll it happened, as far as is known: none outside of polls, and where events of the thread are missing, up to the
    /// next poll. The end of a poll is in it; its begin is in the poll around it, if there is one.
    pub task: Option<TaskId>,
    /// The task that did it, where that is not recorded, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
    /// Its kind; none for one that a later version added. Of such an event no more is known than its number.
    pub kind: Option<Kind>,
    /// The number of its kind.
    pub number: u8,
    columns: [u64; COLUMNS],
}

/// The most columns that a kind has.
const COLUMNS: usize = {
    let mut most = 0;
    let mut kinds = Kind::ALL;
    while let [kind, rest @ ..] = kinds {
        if kind.columns().len() > most {
            most = kind.columns().len();
        }
        kinds = rest;
    }
    most
};

impl Event {
    /// What a thread recorded, and when and by whom that was.
    pub(super) fn new(
        event: &chunk::Event<'_>,
        at: Nanos,
        thread: ThreadId,
        task: Option<TaskId>,
        foreign: Option<ForeignId>,
    ) -> Event {
        let known = event.kind.map_or(0, |kind| kind.columns().len());
        let mut columns = [0; COLUMNS];
        for (index, column) in columns[..known].iter_mut().enumerate() {
            *column = event.value(index);
        }
        Event {
            at,
            tick: event.tick,
            thread,
            task,
            foreign,
            kind: event.kind,
            number: event.number,
            columns,
        }
    }

    /// What it says, if it is of this kind: `event.row::<Wake>()`.
    #[inline]
    pub fn row<R: Row>(&self) -> Option<R> {
        (self.kind == Some(R::KIND)).then(|| R::from_columns(|column| self.columns[column]))
    }

    /// The name of its kind, as in the specification of the format: `poll_begin`. None for one that a later version added.
    pub fn name(&self) -> Option<&'static str> {
        self.kind.map(Kind::name)
    }

    /// The field with this name; none where its kind has no such field. One that was not recorded yet in the version that wrote the trace
    /// is zero.
    pub fn value(&self, name: &str) -> Option<u64> {
        let mut fields = self.fields();
        fields.find_map(|(field, value)| (field == name).then_some(value))
    }

    /// Its fields with their names, in the order of its kind; none for a kind that a later version added.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let columns = self.kind.map_or(&[][..], Kind::columns);
        let names = columns.iter().map(|column| column.name);
        names.zip(self.columns)
    }
}

/// `wake task=7 waker=1 number=12`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "kind {}, of a later version", self.number)?,
        }
        for (field, value) in self.fields() {
            write!(f, " {field}={value}")?;
        }
        Ok(())
    }
}
