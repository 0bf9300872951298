//! The events of a trace, taken in one after the other; kept is what is alive, and what is counted.

mod calls;
mod locks;
mod polls;
mod slots;
mod step;
mod tables;
mod task;
mod told;
mod totals;
mod waits;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ais_format::chunk::Columns;
use ais_format::event::{Kind, operation_kind};
use rustc_hash::FxBuildHasher;

use super::LongPoll;
use crate::clock::Clock;
use crate::filter::Filter;
use crate::names::{Location, Names, kind_of_name};
use crate::thread::InOrder;
use crate::time::Nanos;
use locks::Resource;
use slots::{Ended, Slots};
use tables::{Book, Caller, Place};
use task::{NONE, Task};
pub(super) use told::Alive;

/// The columns that are looked at.
pub(super) const COLUMNS: Columns = Columns::ORDER
    .and(Kind::Text, 1 << 1)
    .and(Kind::Location, 0b1111)
    .and(Kind::Function, 0b1_1111)
    .and(Kind::AwaitPoint, 0b1111)
    .and(Kind::Thread, 0b11)
    .and(Kind::TaskNew, 1 << 2 | 1 << 3 | 1 << 5)
    .and(Kind::PollBegin, 1 << 1 | 1 << 2 | 1 << 3)
    .and(Kind::PollEnd, 1 << 1 | 1 << 2)
    .and(Kind::TaskDrop, 0)
    .and(Kind::Wake, 1 << 1 | 1 << 2)
    .and(Kind::InPoll, 1 << 1)
    .and(Kind::DoneBy, 0)
    .and(Kind::FutureNew, 1 << 1)
    .and(Kind::FutureBegin, 1 << 1 | 1 << 2)
    .and(Kind::AwaitEnter, 1 << 1)
    .and(Kind::AwaitLeave, 1 << 1 | 1 << 2)
    .and(Kind::FutureEnd, 1 << 1)
    .and(Kind::ResourceNew, 1 << 1 | 1 << 2 | 1 << 4)
    .and(Kind::ResourceDrop, 0)
    .and(Kind::OperationBegin, 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6)
    .and(Kind::OperationPoll, 0)
    .and(Kind::OperationEnd, 1 << 1)
    .and(Kind::Acquire, 1 << 1 | 1 << 2 | 1 << 6)
    .and(Kind::Release, 1 << 2 | 1 << 3)
    .and(Kind::HoldSplit, 1 << 1 | 1 << 2 | 1 << 3)
    .and(Kind::HoldMerge, 1 << 2 | 1 << 3)
    .and(Kind::Forget, 1 << 2 | 1 << 3)
    .and(Kind::Receive, 1 << 4);

/// A kind of task: tasks that differ in the numbers in their names only, spawned at the same place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TaskKind {
    pub(super) name: Arc<str>,
    pub(super) spawned_at: Option<Location>,
    pub(super) what: Option<&'static str>,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Site {
    /// An operation: the number of its kind, its location.
    Operation(u64, u64),
    /// What is awaited there is not recorded: a function, and the number of the await point.
    Await(u64, u64),
    /// It is not recorded.
    Unknown,
    /// Sites for which there was no room.
    Others,
}

impl Site {
    /// Whether it is waited for what another task has, or has not taken yet.
    fn is_contended(self) -> bool {
        let Site::Operation(kind, _) = self else {
            return false;
        };
        matches!(
            kind,
            operation_kind::LOCK
                | operation_kind::READ
                | operation_kind::WRITE
                | operation_kind::ACQUIRE
                | operation_kind::SEND
                | operation_kind::RESERVE
                | operation_kind::INIT
        )
    }
}

/// Resources that are alike: the number of the kind, where they were made, the name as a text.
pub(super) type ResourceKey = (u64, u64, u64);

/// Resources for which there was no room, or of which it is not known what they are.
const OTHER_RESOURCES: ResourceKey = (0, 0, 0);

/// What one thread is in the middle of.
#[derive(Debug)]
pub(super) struct Doer {
    /// The polls that are open, innermost last: the task, by its place and by its number.
    polls: Vec<(u32, u64)>,
    /// When the outermost one began.
    since: Nanos,
    busy: u64,
    n: u64,
    /// The function that runs, as a row, and since when.
    runs: u32,
    runs_since: Nanos,
    last: Nanos,
}

impl Default for Doer {
    fn default() -> Doer {
        Doer {
            polls: Vec::new(),
            since: Nanos(0),
            busy: 0,
            n: 0,
            runs: NONE,
            runs_since: Nanos(0),
            last: Nanos(0),
        }
    }
}

/// Everything so far.
#[derive(Debug)]
pub(super) struct Fold<'a> {
    pub(super) names: Names,
    pub(super) threads: InOrder<Doer>,
    rest: Rest<'a>,
    /// The tasks that are told of again, and were not known.
    told: HashSet<u64>,
}

/// All but the threads.
#[derive(Debug)]
struct Rest<'a> {
    filters: &'a [Filter],
    now: Nanos,
    tasks: Slots<Task>,
    ended: Ended,
    operations: Slots<Operation>,
    futures: Slots<Call>,
    resources: Slots<Resource>,
    book: Book,
    /// The rows of kinds that were looked up, by the numbers of name and location, and flags.
    known_kinds: HashMap<(u64, u64, u64), u32>,
    /// Futures that were made and not polled yet, and their functions.
    made: HashMap<u64, u64, FxBuildHasher>,
    /// The last one of these, which is not among them.
    made_last: Option<(u64, u64)>,
    long_polls: Vec<LongPoll>,
    /// How often events were missing so far. What began before they were may have ended there.
    gaps: u32,
    events: u64,
    polls: u64,
}

/// An operation that waits.
#[derive(Debug)]
struct Operation {
    /// The task that waits; none where that is not recorded, or not asked for.
    task: u32,
    site: u32,
    /// The resource, by its number and by its place; zero where it has none.
    resource: u64,
    resource_place: u32,
    begun: Nanos,
    /// What it waits for counts less than something else: it limits how long that is waited for.
    is_limit: bool,
    /// So many gaps were before it began.
    gaps: u32,
}

/// A call of an instrumented function.
#[derive(Debug)]
struct Call {
    number: u64,
    function: u64,
    row: u32,
    task: u32,
    caller: Caller,
    begun: Nanos,
    /// The await point that it is at, since when, and whether a poll ended there.
    point: Option<(u64, Nanos)>,
    is_suspended_there: bool,
    is_suspended: bool,
    /// Where it was last, and since when it is there no more.
    last: (Place, Nanos),
    /// It was dropped there.
    is_dropped: bool,
    /// So many gaps were before it began.
    gaps: u32,
}

impl<'a> Fold<'a> {
    /// Of what was before `from` nothing is counted.
    pub(super) fn new(from: Nanos, filters: &'a [Filter]) -> Fold<'a> {
        Fold {
            names: Names::default(),
            threads: InOrder::default(),
            told: HashSet::new(),
            rest: Rest {
                filters,
                now: Nanos(0),
                tasks: Slots::default(),
                ended: Ended::default(),
                operations: Slots::default(),
                futures: Slots::default(),
                resources: Slots::default(),
                book: Book::new(from),
                known_kinds: HashMap::new(),
                made: HashMap::default(),
                made_last: None,
                long_polls: Vec::new(),
                gaps: 0,
                events: 0,
                polls: 0,
            },
        }
    }

    /// Takes in what was before the tick `limit`.
    pub(super) fn take_in(&mut self, limit: u64, clock: &Clock) {
        let Fold {
            names,
            threads,
            rest,
            ..
        } = self;
        let mut clock = clock.reader();
        threads.visit(limit, |thread, doer, next| {
            rest.step(names, thread, doer, next, &mut clock);
        });
    }

    /// When the last event was.
    pub(super) fn last(&self) -> Nanos {
        let last = self.threads.threads().map(|(_, doer)| doer.last);
        last.max().unwrap_or_default()
    }

    /// What is not among these any more has ended unseen.
    pub(super) fn heal(&mut self, alive: &Alive) {
        let rest = &mut self.rest;
        rest.operations
            .retain(|operation| alive.operations.contains(&operation));
        rest.futures
            .retain(|future| alive.futures.contains(&future));
        rest.resources
            .retain(|resource| alive.resources.contains(&resource));
        for (_, task) in rest.tasks.all() {
            if !alive.tasks.contains(&task.number)
                && let Some(of) = rest.book.kinds.at(task.kind)
            {
                of.alive -= 1;
            }
        }
        rest.tasks.retain(|task| alive.tasks.contains(&task));
    }
}

impl TaskKind {
    /// Of which nothing is known.
    fn unknown() -> TaskKind {
        TaskKind {
            name: "".into(),
            spawned_at: None,
            what: None,
        }
    }

    /// Those for which there was no room.
    fn others() -> TaskKind {
        TaskKind {
            name: "(others)".into(),
            ..TaskKind::unknown()
        }
    }

    fn without_numbers(&self) -> TaskKind {
        TaskKind {
            name: kind_of_name(&self.name).into(),
            ..self.clone()
        }
    }
}
