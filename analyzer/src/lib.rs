//! Rebuilds what every task did from an `.ais` trace, and who waits for whom.
//!
//! # Write your own analysis
//!
//! [`Trace::open`] reads a trace and rebuilds the [`History`] in it: plain data, lists of tasks, futures, operations and resources, with
//! numbers that refer to each other. Times are [`Nanos`](time::Nanos) from the start of the recording, and lengths of time are too; as text
//! they have three digits and a unit. The examples read a trace in which two transfers of a bank wait for each other (`sample-traces/abba.ais`
//! beside this crate).
//!
//! **Who did not come to an end, and what it does instead:** [`History::live_tasks`], [`Task::state`](history::Task::state).
//!
//! ```
//! use ais_analyzer::Trace;
//!
//! let trace = Trace::open("../sample-traces/abba.ais")?;
//! let history = &trace.history;
//! for task in history.live_tasks() {
//!     let (state, since) = (task.state(), task.state().since());
//!     let wait = history.main_wait(task.id).map_or_else(String::new, |wait| wait.call());
//!     println!("{} is {state} since {since} {wait}", task.title());
//! }
//! assert!(history.live_tasks().any(|task| &*task.name == "transfer a→b"));
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **What was so at some moment:** what a task did, [`Task::state_at`](history::Task::state_at) and [`Task::states`](history::Task::states);
//! what a resource was like, [`Resource::state_at`](history::Resource::state_at), or for many moments, one after the other,
//! [`Replay`](history::Replay), which takes in each change once.
//!
//! ```
//! use ais_analyzer::Trace;
//! use ais_analyzer::history::{Replay, TaskState};
//! use ais_analyzer::time::Nanos;
//!
//! let trace = Trace::open("../sample-traces/abba.ais")?;
//! let history = &trace.history;
//! let task = history.tasks.iter().find(|task| &*task.name == "transfer a→b").expect("it is there");
//! let hangs = task.states().pop().expect("a task does something").since();
//! assert!(matches!(task.state_at(Nanos(hangs.0 + 1)), Some(TaskState::Idle(_))));
//!
//! // The lock that it wants: since when has the holder had it?
//! let wait = history.main_wait(task.id).expect("it waits");
//! let lock = wait.kind.resource().and_then(|id| history.resource(id)).expect("for a lock");
//! let held = lock.state_at(hangs);
//! assert_eq!(held.holds.len(), 1);
//! println!("{} was taken {} before", lock.title(), hangs.since(held.holds[0].since));
//!
//! // How much of the time was it held? Looked at a thousand times.
//! let mut replay = Replay::new(lock);
//! let moments = (1..=1000).map(|nth| Nanos(history.end.0 / 1000 * nth));
//! let held = moments.filter(|&at| !replay.advance(at).holds.is_empty()).count();
//! assert!(held > 500, "it hangs for most of the time");
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **How long tasks were polled, by name:** [`Task::busy`](history::Task::busy). [`names::kind_of_name`] takes `worker 3` and `worker 14` for
//! one.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use ais_analyzer::Trace;
//! use ais_analyzer::names::kind_of_name;
//! use ais_analyzer::time::Nanos;
//!
//! let history = Trace::open("../sample-traces/abba.ais")?.history;
//! let mut times: BTreeMap<String, Nanos> = BTreeMap::new();
//! for task in &history.tasks {
//!     let time = times.entry(kind_of_name(&task.name)).or_default();
//!     *time = [*time, task.busy(history.end)].into_iter().sum();
//! }
//! assert!(times["ticker"] > Nanos(0));
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **What was recorded itself, event by event,** over all threads in the order of time: [`Trace::events_in_order`], or, without rebuilding
//! anything, [`Source::events_in_order`]. The kinds of events are the row types of [`event`].
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use ais_analyzer::Source;
//! use ais_analyzer::event::{Acquire, Kind};
//!
//! let source = Source::open("../sample-traces/abba.ais".as_ref())?;
//! let mut wakes = BTreeMap::new();
//! let mut last_lock = None;
//! let mut events = source.events_in_order();
//! for event in events.by_ref() {
//!     if event.kind == Some(Kind::Wake) {
//!         *wakes.entry(event.thread).or_insert(0_u64) += 1;
//!     }
//!     if let (Some(task), Some(row)) = (event.task, event.row::<Acquire>()) {
//!         last_lock = Some((event.at, task, row));
//!     }
//! }
//! assert!(wakes.len() > 1, "several threads wake tasks: {wakes:?}");
//! let (at, task, row) = last_lock.expect("locks are taken");
//! let place = events.names().location(row.location).expect("it is known where");
//! println!("task {} took the last lock at {at}, at {place}", task.0);
//! assert_eq!(events.loss().sentence(), None, "nothing is missing from the trace");
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **All that the command finds:** [`Analysis`].
//!
//! ```
//! use ais_analyzer::findings::{Confidence, Kind};
//! use ais_analyzer::{Analysis, Trace};
//!
//! let trace = Trace::open("../sample-traces/abba.ais")?;
//! let analysis = Analysis::of(&trace);
//! for finding in &analysis.findings {
//!     println!("{}, {}: {}", finding.kind.name(), finding.confidence.name(), finding.title);
//!     for fact in &finding.facts {
//!         println!("  {}", fact.text);
//!     }
//! }
//! let first = &analysis.findings[0];
//! assert_eq!((first.kind, first.confidence), (Kind::DeadlockCycle, Confidence::Proven));
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **Where time goes,** over all of a trace of any size: [`Profile`](profile::Profile).
//!
//! ```
//! use ais_analyzer::profile::Profile;
//!
//! let profile = Profile::open("../sample-traces/http.ais")?;
//! let lock = profile.resources.iter().find(|of| of.kind == "mutex").expect("there is one");
//! println!("it was waited for {} times, for up to {}", lock.waits.count, lock.waits.max);
//! println!("one hold in a hundred took {} or longer", lock.held.p99);
//! assert_eq!((lock.name.as_deref(), lock.taken), (Some("report cache"), 50));
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! **Long traces.** A history is for as much memory as the trace has events. [`Analysis::read`] looks at a long trace part by part and
//! keeps only the history of the last one; [`Trace::end_of`] reads only the end, with all that was alive then; and whoever wants to see all
//! of it rebuilds one [part](Source::parts_of) after the other, or goes through the events, for which memory is for a window of the file.
//!
//! ```
//! use ais_analyzer::findings::Thresholds;
//! use ais_analyzer::{Analysis, Source, Trace, history};
//!
//! let open = || Source::open("../sample-traces/abba.ais".as_ref());
//! let (trace, analysis) = Analysis::read(open()?, &Thresholds::default())?;
//! println!("{} findings, {} tasks in the last part", analysis.findings.len(), trace.history.tasks.len());
//!
//! let end = Trace::end_of(open()?)?;
//! println!("{} tasks are alive at the end", end.history.live_tasks().count());
//!
//! let source = open()?;
//! let mut events = 0;
//! for part in source.parts_of(1_000_000) {
//!     events += history::rebuild(&source, &part)?.events;
//! }
//! assert_eq!(events, source.events_in_order().count() as u64);
//! # Ok::<(), ais_analyzer::Error>(())
//! ```
//!
//! # How it is made
//!
//! One stage a module, each a plain function from data to data:
//!
//! | stage | from | to |
//! |---|---|---|
//! | [`source`] | a path | the chunks that are there, and what is missing |
//! | `decode` | chunks | a window of the file at a time, decoded |
//! | [`events`] | windows | all events in the order of time |
//! | [`history`] | windows | the history of each task, future, operation and resource |
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
pub mod events;
pub mod filter;
pub mod findings;
pub mod history;
pub mod meter;
pub mod names;
pub mod number;
pub mod profile;
pub mod render;
pub mod report;
mod scan;
pub mod source;
mod thread;
pub mod time;
pub mod type_name;
pub mod waits;

use std::path::Path;

/// The kinds of events, with what each says.
pub use ais_format::event;
pub use analysis::Analysis;
pub use error::Error;
pub use events::{Event, Events};
pub use history::History;
pub use meter::Meter;
pub use source::{Access, Ending, Loss, Source, Window};

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

    /// Rebuilds a stretch of time of a trace, as of its end. Chunks in which nothing of it can be are not decoded.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn in_window(source: Source, window: Window) -> Result<Trace, Error> {
        let history = history::rebuild(&source, &source.part_in(window))?;
        Ok(Trace { source, history })
    }

    /// Rebuilds a trace as it was just before a moment, from the generation that holds it: as [`Trace::end_of`], which takes as long for
    /// a trace of any size.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn at(source: Source, moment: time::Nanos) -> Result<Trace, Error> {
        let window = Window {
            to: Some(moment),
            ..Window::default()
        };
        let part = source.parts_in(window, 0).pop().unwrap_or_default();
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

    /// The events that its history is made of, those of all threads in the order of time: of the whole trace, or of the part of it that was
    /// rebuilt.
    pub fn events_in_order(&self) -> Events<'_> {
        self.source.events_of(&self.history.part)
    }

    /// The history as it was just before a moment.
    ///
    /// # Errors
    /// As [`Trace::open`].
    pub fn history_until(&self, until: time::Nanos) -> Result<History, Error> {
        history::rebuild_until(&self.source, &self.history, until)
    }
}
