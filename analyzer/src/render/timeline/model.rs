//! What a timeline shows, as plain data, before anybody thinks about pixels.
//!
//! The rest of the analyzer fills this in from task histories and findings; [`super::svg()`] draws it. All names in here are what
//! the traced program chose (`</text><script>` is a possible task name): drawing escapes them.

use crate::time::Nanos;

/// Everything that one timeline picture shows.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The facts printed on top.
    pub header: Header,
    /// What the rows are restricted to; none where all tasks were asked for.
    pub filter: Option<FilterNote>,
    /// The time that the picture covers.
    pub from: Nanos,
    /// The time that the picture covers.
    pub to: Nanos,
    /// The findings that the picture explains, most important first.
    pub findings: Vec<FindingNote>,
    /// The rows, top to bottom: what is stuck first.
    pub rows: Vec<Row>,
    /// Tasks for which there was no row left, and how many there are of each kind (by name).
    pub hidden: Vec<(String, usize)>,
    /// Who waits for whom, between rows.
    pub links: Vec<Link>,
}

/// The facts printed on top of the picture.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// The name of the trace file, without folders.
    pub trace: String,
    /// The recorded program, as it called itself.
    pub program: String,
    /// How long the recording is.
    pub duration: Nanos,
    /// Tasks in the trace.
    pub tasks: usize,
    /// Events in the trace.
    pub events: u64,
    /// What is missing, as a sentence; none where nothing is.
    pub lost: Option<String>,
    /// Name and version of the tool that drew it.
    pub tool: String,
}

/// What the rows are restricted to.
#[derive(Clone, Debug)]
pub struct FilterNote {
    /// `name=worker*`.
    pub text: String,
    /// How many tasks match.
    pub matching: usize,
    /// How many findings are left out.
    pub findings_left_out: usize,
}

/// One finding as the picture tells it.
#[derive(Clone, Debug)]
pub struct FindingNote {
    /// `deadlock-cycle, proven: task #7 "transfer b→a" and task #8 "transfer a→b" wait for each other since 2.31 s`.
    pub headline: String,
    /// One short line for each fact: `#7 holds mutex "b" (src/bank.rs:13:18), taken at src/bank.rs:41:22`.
    pub facts: Vec<String>,
    /// One line of advice.
    pub advice: String,
    /// Since when it has been so.
    pub since: Nanos,
}

/// One task (or worker thread) over time.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// `#7 transfer b→a`.
    pub label: String,
    /// Where it is at the end, or how it ended: `awaits a.lock() at src/bank.rs:43:22`, `completed`, `cancelled`.
    pub detail: String,
    /// Rows of one group stand together under its name: `stuck`, `waiting`, `completed`, `workers`.
    pub group: String,
    /// Part of a finding: drawn so that the eye goes there first.
    pub stuck: bool,
    /// When the task was spawned (the row is empty before).
    pub from: Nanos,
    /// When it completed or was dropped; none while it lives.
    pub ended: Option<Nanos>,
    /// Disjoint, in order. There may be millions, most narrower than a pixel.
    pub spans: Vec<Span>,
}

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub from: Nanos,
    /// When it ended (the end of the trace where it had not).
    pub to: Nanos,
    /// What the task did.
    pub activity: Activity,
}

/// What a task does at a time: the alphabet of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Activity {
    /// A poll is under way.
    Running,
    /// Woken (or new), not polled yet: waits for its executor.
    Scheduled,
    /// Waits for a lock or a permit.
    WaitsForLock,
    /// Waits for a channel: a message, or room for one.
    WaitsForChannel,
    /// Waits for another task to end.
    WaitsForTask,
    /// Waits for something that was not recorded: I/O, a timer, another library's primitive.
    WaitsForOther,
    /// Part of a wait that cannot end (whatever it is that it waits for).
    Stuck,
}

/// An edge of the wait-for graph: the row `waiter` waits, the row `holder` keeps what it wants.
#[derive(Clone, Debug)]
pub struct Link {
    /// Index into [`Timeline::rows`].
    pub waiter: usize,
    /// Index into [`Timeline::rows`].
    pub holder: usize,
    /// When the wait began.
    pub at: Nanos,
    /// What it is about: `mutex "b"`.
    pub what: String,
}
