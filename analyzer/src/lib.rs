//! Rebuilds what every task did from an `.ais` trace, and who waits for whom.
//!
//! One stage a module, each a plain function from data to data:
//!
//! | stage | from | to |
//! |---|---|---|
//! | [`source`] | a path | the chunks that are there, and what is missing |
//! | [`decode`](mod@decode) | chunks | events, thread by thread |
//! | [`history`] | events | the history of each task, future, operation and resource |
//! | [`waits`] | histories | who can still move, and who waits for whom |
//! | [`findings`] | waits | verdicts with their evidence |
//! | [`report`] | all of it | what a reader asked for: summary, panel |
//! | [`render`] | reports | pictures |
//!
//! A [`Meter`] tells meanwhile how far they are.
//!
//! Nothing here prints. Texts that people read are built where the facts are, laid out by the command.
#![deny(unsafe_code)]

mod analysis;
pub mod clock;
pub mod decode;
mod error;
pub mod findings;
pub mod history;
pub mod meter;
pub mod names;
pub mod number;
pub mod render;
pub mod report;
pub mod source;
pub mod time;
pub mod type_name;
pub mod waits;

use std::path::Path;

pub use analysis::Analysis;
pub use error::Error;
pub use history::History;
pub use meter::Meter;
pub use source::{Access, Ending, Source};

/// A trace, read and rebuilt.
#[derive(Debug)]
pub struct Trace {
    /// The file.
    pub source: Source,
    /// What happened in it.
    pub history: History,
}

impl Trace {
    /// Reads a trace. [`Source::open_with`] and [`Trace::from_source`] do the same with a say in how the file is read.
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
        Trace::from_source_metered(source, &Meter::new())
    }

    /// The same; `meter` tells meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn from_source_metered(source: Source, meter: &Meter) -> Result<Trace, Error> {
        let decoded = decode::decode_metered(&source, meter)?;
        let history = history::rebuild_metered(&decoded, None, meter);
        Ok(Trace { source, history })
    }

    /// The history as it was just before a moment.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn history_until(&self, until: time::Nanos) -> Result<History, Error> {
        self.history_until_metered(until, &Meter::new())
    }

    /// The same; `meter` tells meanwhile how far it is.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn history_until_metered(
        &self,
        until: time::Nanos,
        meter: &Meter,
    ) -> Result<History, Error> {
        let decoded = decode::decode_metered(&self.source, meter)?;
        Ok(history::rebuild_metered(&decoded, Some(until), meter))
    }
}
