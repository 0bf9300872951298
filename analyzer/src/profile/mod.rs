//! Where the time of a program goes, over all of a trace: what tasks do and wait for, by kind of task, by function, by lock.
//!
//! A history tells of each task; this tells of all of them together, and reads a trace of any size once, from its beginning to its end, in memory for
//! what is alive and not for what happened. Every poll, every wait and every hold is counted, with how long it took.

mod durations;
mod fold;

use std::path::Path;

use ais_format::frame::flag;
use serde::Serialize;

pub use durations::Distribution;

use crate::Error;
use crate::decode::{Outline, Unreadable, Windows};
use crate::filter::Filter;
use crate::history::{TaskId, ThreadId};
use crate::meter::Stage;
use crate::names::Location;
use crate::source::{Loss, Part, Source, Window};
use crate::time::Nanos;
use fold::{Alive, COLUMNS, Fold};

/// Where the time of a program goes. Lists are sorted, what takes most time first.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    /// Counted is what happened from here …
    #[serde(rename = "from_ns")]
    pub from: Nanos,
    /// … to here. What goes on then counts with how long it has lasted.
    #[serde(rename = "to_ns")]
    pub to: Nanos,
    /// Events.
    pub events: u64,
    /// Polls that began.
    pub polls: u64,
    /// The kinds of tasks.
    pub tasks: Vec<TaskTimes>,
    /// What tasks wait for, by place in source.
    pub waits: Vec<WaitTimes>,
    /// The instrumented functions.
    pub functions: Vec<FunctionTimes>,
    /// The resources, by kind and where they were made.
    pub resources: Vec<ResourceTimes>,
    /// The threads that poll tasks.
    pub workers: Vec<Worker>,
    /// The longest polls, longest first; not those of blocking jobs, and of what runs in `block_on`.
    pub longest_polls: Vec<LongPoll>,
    /// Only what some tasks did is counted, save for events, polls and threads.
    #[serde(skip)]
    pub is_restricted: bool,
    /// What is missing from the trace: none of it is counted.
    #[serde(skip)]
    pub loss: Loss,
}

/// What the tasks of a kind did: those that differ in the numbers in their names only, and were spawned at the same place.
#[derive(Clone, Debug, Serialize)]
pub struct TaskTimes {
    /// Their name, with `N` for numbers. Empty where it is not known.
    pub kind: String,
    /// `blocking job`, `runs block_on`, `bound to one thread`; none of plain tasks.
    pub what: Option<&'static str>,
    /// Where they were spawned.
    pub spawned_at: Option<Location>,
    /// How many there were.
    pub tasks: u64,
    /// Of these: alive in the end.
    pub alive: u64,
    /// Alive at the same time, at most.
    pub most_alive: u64,
    /// Completed.
    pub completed: u64,
    /// Panicked.
    pub panicked: u64,
    /// Dropped before they had completed.
    pub cancelled: u64,
    /// Polls: how long they ran.
    pub running: Distribution,
    /// How long they were due to run: from the wake, or from being spawned, to the poll.
    pub scheduled: Distribution,
    /// How long they waited: from the end of a poll to the wake.
    pub waiting: Distribution,
    /// How long they lived; of those that ended, and were seen from their beginning.
    pub life: Distribution,
    /// Wakes.
    pub wakes: u64,
    /// Of these: when the task was due to run already.
    pub needless_wakes: u64,
    /// Of these: by the task itself, in its own poll.
    pub wakes_by_itself: u64,
    /// Times that they gave way of their own accord (`yield_now`).
    pub yields: u64,
    /// What they waited for, longest first.
    pub waits: Vec<Share>,
}

/// A part of the time that tasks waited.
#[derive(Clone, Debug, Serialize)]
pub struct Share {
    /// What they waited for.
    pub what: String,
    /// Where.
    pub location: Option<Location>,
    /// How often.
    pub times: u64,
    /// How long in all.
    #[serde(rename = "total_ns")]
    pub total: Nanos,
    /// The longest.
    #[serde(rename = "max_ns")]
    pub max: Nanos,
}

/// What is waited for at a place in source.
#[derive(Clone, Debug, Serialize)]
pub struct WaitTimes {
    /// The awaited expression where that is recorded, else the call.
    pub what: String,
    /// Where.
    pub location: Option<Location>,
    /// What kind of resource it is, with where it was made: `mutex (src/bank.rs:12:18)`.
    pub resource: Option<String>,
    /// How long it took operations to get what they wanted, of those that had to wait.
    pub ready: Distribution,
    /// Operations that were given up.
    pub given_up: u64,
    /// Operations that ended since their channel or semaphore was closed.
    pub closed: u64,
    /// Operations that still wait in the end.
    pub open: u64,
    /// How long tasks waited, and it was this that they waited for. Two branches of a task wait at the same time; this counts once.
    #[serde(rename = "tasks_waited_ns")]
    pub tasks_waited: Nanos,
}

/// The calls of an instrumented function, as the state machine that they went through.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionTimes {
    /// Its name.
    pub function: String,
    /// Where it is defined.
    pub location: Option<String>,
    /// Whether all its await points are known; where not, it is a name that was given to a future.
    pub has_points: bool,
    /// How many calls there were.
    pub calls: u64,
    /// Of these: returned.
    pub returned: u64,
    /// Of these: dropped before they had returned.
    pub dropped: u64,
    /// Of these: panicked.
    pub panicked: u64,
    /// Of these: under way in the end.
    pub open: u64,
    /// Futures that were made and dropped without ever being polled; they are no calls.
    pub never_polled: u64,
    /// Calls that had to wait at least once. The others could have been plain calls.
    pub suspended: u64,
    /// How long calls took, from the first poll on.
    pub elapsed: Distribution,
    /// How long threads were in it, and not in another instrumented function that it called.
    #[serde(rename = "busy_ns")]
    pub busy: Nanos,
    /// How long tasks waited, and it was the innermost function that they were in.
    #[serde(rename = "waited_ns")]
    pub waited: Nanos,
    /// The part of that for what others had: a lock, a permit, room in a channel.
    #[serde(rename = "held_up_ns")]
    pub held_up: Nanos,
    /// Its await points, in source order.
    pub points: Vec<PointTimes>,
    /// How often, and in which time, calls went from one place to the next: what they ran in between, and no wait.
    pub steps: Vec<Step>,
    /// Who called it, the longest in all first.
    pub called_by: Vec<CallerTimes>,
}

/// An await point of a function.
#[derive(Clone, Debug, Serialize)]
pub struct PointTimes {
    /// What is awaited.
    pub expression: String,
    /// Where.
    pub location: Option<Location>,
    /// How long it took.
    pub elapsed: Distribution,
    /// How often it had to wait.
    pub suspended: u64,
    /// Polls of its task that ended while it was there.
    pub pending_polls: u64,
    /// How often it was dropped there.
    pub dropped: u64,
}

/// From one place of a function to the next.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Step {
    /// From here …
    pub from: At,
    /// … to here.
    pub to: At,
    /// How often.
    pub times: u64,
    /// How long that took in all.
    #[serde(rename = "total_ns")]
    pub total: Nanos,
    /// The longest.
    #[serde(rename = "max_ns")]
    pub max: Nanos,
}

/// A place in a function: in JSON the number of an await point, counted from 0 in source order, or a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Its beginning.
    Start,
    /// An await point.
    Point(u64),
    /// It returned.
    Returned,
    /// It was dropped.
    Dropped,
    /// It panicked.
    Panicked,
}

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            At::Start => serializer.serialize_str("start"),
            At::Point(number) => serializer.serialize_u64(*number),
            At::Returned => serializer.serialize_str("returned"),
            At::Dropped => serializer.serialize_str("dropped"),
            At::Panicked => serializer.serialize_str("panicked"),
        }
    }
}

/// Who called a function.
#[derive(Clone, Debug, Serialize)]
pub struct CallerTimes {
    /// It is a kind of task, and not a function.
    pub is_task: bool,
    /// The name of the function, or of the kind of task.
    pub name: String,
    /// Where it is defined, or spawned.
    pub location: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// How long these took in all.
    #[serde(rename = "total_ns")]
    pub total: Nanos,
    /// The longest.
    #[serde(rename = "max_ns")]
    pub max: Nanos,
}

/// Resources of a kind that were made at the same place.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceTimes {
    /// `mutex`, `channel`.
    pub kind: &'static str,
    /// Their name.
    pub name: Option<String>,
    /// Where they were made; none where that is not known.
    pub created_at: Option<Location>,
    /// How many were made in the time that is told of.
    pub made: u64,
    /// How often units of one were taken.
    pub taken: u64,
    /// Messages that were received.
    pub messages: u64,
    /// How long operations waited that got what they wanted and had to wait for it.
    pub waits: Distribution,
    /// Operations that were given up.
    pub given_up: u64,
    /// So many operations waited for the same one at the same time, at most …
    pub longest_queue: u64,
    /// … since then.
    #[serde(rename = "longest_queue_at_ns")]
    pub longest_queue_at: Nanos,
    /// How long units were held.
    pub held: Distribution,
    /// By whom: where they were taken, the longest in all first.
    pub holders: Vec<Share>,
}

/// A thread that polls tasks.
#[derive(Clone, Debug, Serialize)]
pub struct Worker {
    /// Its number.
    pub thread: ThreadId,
    /// Its name.
    pub name: Option<String>,
    /// How many polls began on it.
    pub polls: u64,
    /// How long it was in polls.
    #[serde(rename = "busy_ns")]
    pub busy: Nanos,
}

/// A poll that took long.
#[derive(Clone, Debug, Serialize)]
pub struct LongPoll {
    /// The task.
    pub task: TaskId,
    /// What kind of task it is.
    pub kind: String,
    /// Where that was spawned.
    pub spawned_at: Option<Location>,
    /// The thread that it kept.
    pub thread: ThreadId,
    /// The name of that.
    pub thread_name: Option<String>,
    /// When it began.
    #[serde(rename = "began_ns")]
    pub began: Nanos,
    /// How long it took.
    #[serde(rename = "for_ns")]
    pub long: Nanos,
}

/// What a function needs to be, as far as its calls tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It has to be async: a call had to wait.
    Waits,
    /// No call had to wait: as far as these go it could be a plain function.
    NeverWaits,
    /// It is a name that was given to a future, or was never called.
    Unknown,
}

/// A function in which much of the time goes, with the parts that are so large: each part, and the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// Of the time that functions ran.
    pub busy: Option<(Nanos, Nanos)>,
    /// Of the time that tasks waited for what others had.
    pub held_up: Option<(Nanos, Nanos)>,
}

impl FunctionTimes {
    /// What it needs to be.
    pub fn role(&self) -> Role {
        match self.suspended {
            _ if !self.has_points || self.calls == 0 => Role::Unknown,
            0 => Role::NeverWaits,
            _ => Role::Waits,
        }
    }
}

impl Profile {
    /// Whether a function is where much of the time goes: a quarter or more of what all functions ran, or of what tasks waited for what others
    /// had, and at least a millisecond.
    pub fn bottleneck(&self, of: &FunctionTimes) -> Option<Bottleneck> {
        const PARTS: u64 = 4;
        const LEAST: Nanos = Nanos(1_000_000);
        let share = |what: fn(&FunctionTimes) -> Nanos| {
            let whole: Nanos = self.functions.iter().map(what).sum();
            let part = what(of);
            (part >= LEAST && part.0 >= whole.0 / PARTS).then_some((part, whole))
        };
        let bottleneck = Bottleneck {
            busy: share(|of| of.busy),
            held_up: share(|of| of.held_up),
        };
        (bottleneck.busy.is_some() || bottleneck.held_up.is_some()).then_some(bottleneck)
    }

    /// Opens a trace and reads all of it.
    ///
    /// # Errors
    /// Nothing of it can be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Profile, Error> {
        Profile::of(&Source::open(path.as_ref())?, Window::default(), &[])
    }

    /// Reads a stretch of time of a trace. Where there are filters, only tasks that one of them matches count, what they did and what they
    /// waited for; the state of a task is not known to it ([`Filter::asks_for_state`]), and no task has one that is asked for.
    ///
    /// # Errors
    /// There are chunks, and none of them can be read.
    pub fn of(source: &Source, window: Window, filters: &[Filter]) -> Result<Profile, Error> {
        let part = source.part_in(window);
        source.meter().begin(Stage::Profiling);
        source.expect([&part]);
        read(source, &part, filters)
    }
}

fn read(source: &Source, part: &Part, filters: &[Filter]) -> Result<Profile, Error> {
    let outline = Outline::of(source, part, &Unreadable::new());
    let clock = &outline.clock;
    let until = outline.cut.unwrap_or(u64::MAX);
    let from = part.shown_from.max(part.from);
    let mut fold = Fold::new(from, filters);
    let mut windows = Windows::metered(source, part).with_columns(COLUMNS);
    let mut unreadable = Unreadable::new();
    let mut cut = 0;
    // What comes before is not known, or not all of it.
    let mut has_gap = outline.begins_late || outline.loss.is_gap();
    windows.skip_keyframes(!has_gap);
    let mut alive = Alive::default();
    let mut next = windows.next();
    while let Some(mut window) = next {
        has_gap |= !window.unreadable.is_empty();
        unreadable.append(&mut window.unreadable);
        cut = window.cut.unwrap_or(0).max(cut);
        for (_, header, chunk) in window.chunks {
            fold.names.add(&chunk);
            if header.flags & flag::KEYFRAME == 0 {
                for batch in chunk.batches {
                    fold.threads.push(batch);
                }
                continue;
            }
            if !has_gap {
                continue;
            }
            // All that came before the keyframe.
            fold.take_in(header.clock_tick.min(until), clock);
            for batch in &chunk.batches {
                fold.tell(batch, clock);
                alive.note(batch);
            }
            if header.flags & flag::KEYFRAME_END != 0 {
                fold.end_telling();
                fold.heal(&std::mem::take(&mut alive));
            }
        }
        windows.skip_keyframes(!has_gap);
        (next, ()) = rayon::join(|| windows.next(), || fold.take_in(cut.min(until), clock));
    }
    fold.take_in(until, clock);
    if let Some((_, reason)) = unreadable.first_key_value()
        && unreadable.len() == part.chunks.len()
    {
        return Err(Error::NothingReadable {
            path: source.path().to_owned(),
            reason: reason.to_string(),
        });
    }
    let mut loss = outline.loss.clone();
    loss.add(&Outline::of(source, part, &unreadable).unreadable);
    let end = match outline.cut {
        Some(cut) => clock.time(cut),
        None => clock.last().max(fold.last()),
    };
    Ok(fold.end(end, loss))
}
