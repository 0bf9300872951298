//! Rebuilds what every task did from an `.ais` trace, and who waits for whom.
//!
//! One stage a module, each a plain function from data to data:
//!
//! | stage | from | to |
//! |---|---|---|
//! | [`source`] | a path | the chunks that are there, and what is missing |
//! | `decode` | chunks | events, a window of the file at a time |
//! | [`history`] | events | the history of each task, future, operation and resource |
//! | [`waits`] | histories | who can still move, and who waits for whom |
//! | [`findings`] | waits | verdicts with their evidence |
//! | [`filter`] | all of it | the tasks that are shown |
//! | [`report`] | all of it | what a reader asked for: summary, panel |
//! | [`render`] | reports | pictures |
//!
//! Nothing here prints. Texts that people read are built where the facts are, laid out by the command.
#![deny(unsafe_code)]

mod analysis;
pub mod clock;
mod decode;
mod error;
pub mod filter;
pub mod findings;
pub mod history;
pub mod meter;
pub mod names;
pub mod number;
pub mod render;
pub mod report;
mod scan;
pub mod source;
pub mod time;
pub mod type_name;
pub mod waits;

use std::path::Path;

pub use analysis::Analysis;
pub use error::Error;
pub use history::History;
pub use meter::Meter;
pub use source::{Access, Ending, Loss, Source};

/// A trace, read and rebuilt.
#[derive(Debug)]
pub struct Trace {
    /// The file.
    pub source: Source,
    /// What happened in it.
    pub history: History,
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Errors
    /// Nothing of it can be read. What is merely missing is told in [`History::loss`].
    pub fn open(path: impl AsRef<Path>) -> Result<Trace, Error> {
        Trace::from_source(Source::open(path.as_ref())?)
    }

    /// Rebuilds the trace in `source`.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn from_source(source: Source) -> Result<Trace, Error> {
        let history = history::rebuild(&source, &source.whole())?;
        Ok(Trace { source, history })
    }

    /// Reads the last generation of a trace, and nothing of what comes before it: what is alive at the end, and what happened lately. That
    /// takes as long for a trace of any size.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn end_of(source: Source) -> Result<Trace, Error> {
        let part = source.last_part().unwrap_or_default();
        let history = history::rebuild(&source, &part)?;
        Ok(Trace { source, history })
    }

    /// What is missing from the trace, also before the part of it that was rebuilt.
    pub fn loss(&self) -> Loss {
        let history = &self.history;
        if history.part.chunks.len() == self.source.chunks.len() {
            return history.loss.clone();
        }
        let mut loss = self.source.loss.clone();
        loss.add(&history.before.unreadable);
        loss.add(&history.unreadable);
        loss
    }

    /// The history as it was just before a moment.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn history_until(&self, until: time::Nanos) -> Result<History, Error> {
        history::rebuild_until(&self.source, &self.history, until)
    }
}
