//! The events of a part, as far as a glance needs them.

use std::collections::{HashMap, HashSet};

use ais_format::chunk::Chunk;
use ais_format::event::{
    Kind, operation_flag, operation_kind, outcome, poll_outcome, resource_flag, task_flag,
};
use rustc_hash::FxBuildHasher;

use super::Seen;
use super::locks::Locks;
use super::streams::{Row, Rows, Streams};
use super::suspicions::{Limits, Suspicion};
use crate::history::{ResourceKind, Totals};
use crate::source::Part;
use crate::time::Nanos;

type Map<T> = HashMap<u64, T, FxBuildHasher>;

/// What is known of a part so far.
#[derive(Debug)]
pub(super) struct Glance {
    limits: Limits,
    /// The ticks that the part begins and ends at.
    from: u64,
    until: u64,
    suspicion: Option<Suspicion>,
    totals: Totals,
    /// The polls that are open on each thread, innermost last, in what is done outside of any.
    threads: Map<Vec<Open>>,
    /// The timers, and what waits for locks.
    operations: Map<Operation>,
    /// The operations that were fired and not polled since, and when.
    fired: Map<u64>,
    /// The mutexes and read-write locks that there are, or were.
    all_locks: HashSet<u64, FxBuildHasher>,
    locks: Locks,
    /// The begins of the polls that were open when the part began, by task.
    told: Map<u64>,
    tasks: Map<OfTask>,
    /// Tasks that existed before they were first seen.
    late: HashSet<u64, FxBuildHasher>,
    /// The last tick.
    last: u64,
}

/// A poll that is open on a thread; or none, where it is what is done outside of polls.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    task: u64,
    begin: Option<u64>,
    is_poll: bool,
    /// What was seen in it: see [`seen`].
    seen: u8,
    asked: u64,
}

/// What is seen in a poll.
mod seen {
    /// A wait was given up.
    pub(super) const GAVE_UP: u8 = 1;
    /// A timer was ready.
    pub(super) const TIMER: u8 = 1 << 1;
    /// The task woke itself.
    pub(super) const WOKE_ITSELF: u8 = 1 << 2;
    /// The task gave way to others.
    pub(super) const GAVE_WAY: u8 = 1 << 3;
    /// The task had used up its budget.
    pub(super) const NO_BUDGET: u8 = 1 << 4;
}

impl Open {
    fn see(&mut self, what: u8, is_so: bool) {
        if is_so {
            self.seen |= what;
        }
    }

    fn has(&self, what: u8) -> bool {
        self.seen & what == what
    }
}

/// A timer, or an operation that waits for a lock.
#[derive(Clone, Copy, Debug)]
struct Operation {
    kind: u64,
    begun: u64,
    location: u64,
    units: u64,
}

/// What a task does over and over.
#[derive(Clone, Debug, Default)]
struct OfTask {
    /// Polls whose cause lies in the task itself.
    turns: u64,
    /// Operations that it gave up at once: how many in a row, since when, until when.
    given_up: (u64, u64, u64),
    /// Timers that it made anew, by location: how many, since when.
    timers: Vec<(u64, u64, u64)>,
}

impl Glance {
    pub(super) fn new(limits: Limits, part: &Part) -> Glance {
        Glance {
            limits,
            from: part.begin,
            until: part.until.unwrap_or(u64::MAX),
            suspicion: None,
            totals: Totals::default(),
            threads: Map::default(),
            operations: Map::default(),
            fired: Map::default(),
            all_locks: HashSet::default(),
            locks: Locks::default(),
            told: Map::default(),
            tasks: Map::default(),
            late: HashSet::default(),
            last: 0,
        }
    }

    pub(super) fn suspicion(&self) -> Option<Suspicion> {
        self.suspicion
    }

    fn suspect(&mut self, suspicion: Suspicion) {
        self.suspicion.get_or_insert(suspicion);
    }

    /// What a chunk tells again.
    pub(super) fn read_told(&mut self, chunk: &Chunk) {
        for batch in &chunk.batches {
            let mut polls = vec![Open::default()];
            let mut rows = Rows::of(batch);
            for (&kind, &tick) in batch.kinds().iter().zip(batch.ticks()) {
                self.step_told(rows.next(kind, tick), &mut polls);
            }
        }
    }

    /// All events up to a moment; these chunks are of the part, or of what follows it.
    pub(super) fn read(&mut self, chunks: &[(Chunk, bool)]) {
        let own = chunks.iter().filter(|(_, is_own)| *is_own);
        let own = own.flat_map(|(chunk, _)| &chunk.batches);
        self.totals.events += own.map(|batch| batch.len() as u64).sum::<u64>();
        let batches = chunks.iter().flat_map(|(chunk, _)| &chunk.batches);
        let last = batches.clone().filter_map(|batch| batch.ticks().last());
        self.last = self.last.max(last.copied().max().unwrap_or(0));
        let mut threads = std::mem::take(&mut self.threads);
        Streams::of(batches).visit(self.until, |thread, rows| {
            let polls = threads
                .entry(thread)
                .or_insert_with(|| vec![Open::default()]);
            for row in rows {
                self.step(row, polls);
            }
        });
        self.threads = threads;
    }

    #[inline]
    fn step(&mut self, row: Row<'_>, polls: &mut Vec<Open>) {
        const POLL_BEGIN: u64 = Kind::PollBegin as u64;
        const POLL_END: u64 = Kind::PollEnd as u64;
        const WAKE: u64 = Kind::Wake as u64;
        const ACQUIRE: u64 = Kind::Acquire as u64;
        const RELEASE: u64 = Kind::Release as u64;
        match row.kind {
            POLL_BEGIN => {
                self.totals.polls += u64::from(row.tick >= self.from);
                polls.push(Open {
                    task: row.value(0),
                    begin: Some(row.tick),
                    is_poll: true,
                    ..Open::default()
                });
            }
            POLL_END => self.end_poll(row.value(0), row.value(2), row.tick, polls),
            WAKE => {
                if let Some(open) = polls.last_mut() {
                    open.see(seen::WOKE_ITSELF, open.task == row.value(0));
                }
            }
            ACQUIRE if self.is_lock(row.value(0)) => self.locks.take(task_of(polls), row.value(0)),
            RELEASE if self.is_lock(row.value(0)) => {
                self.locks.give_back(task_of(polls), row.value(0));
            }
            _ => self.step_seldom(row, polls),
        }
    }

    fn step_told(&mut self, row: Row<'_>, polls: &mut Vec<Open>) {
        match Kind::from_number(row.kind as u8) {
            Some(Kind::PollBegin) => _ = self.told.insert(row.value(0), row.tick),
            Some(Kind::PollEnd) => {}
            Some(Kind::ResourceNew) => self.note_lock(row),
            _ => self.step(row, polls),
        }
        if row.kind != Kind::DoneBy as u64 {
            // Whoever did something is told just before it.
            polls[0].task = 0;
        }
    }

    fn step_seldom(&mut self, row: Row<'_>, polls: &mut Vec<Open>) {
        let value = |column| row.value(column);
        let (Some(kind), Some(open)) = (Kind::from_number(row.kind as u8), polls.last_mut()) else {
            return;
        };
        match kind {
            Kind::Yield => open.see(seen::GAVE_WAY, true),
            Kind::OperationBegin => {
                open.see(seen::NO_BUDGET, value(6) & operation_flag::NO_BUDGET != 0);
                if is_timer(value(1)) || is_for_a_lock(value(1)) {
                    let begun = Operation {
                        kind: value(1),
                        begun: row.tick,
                        location: value(4),
                        units: value(7),
                    };
                    self.operations.insert(value(0), begun);
                }
            }
            Kind::OperationPoll => {
                open.see(seen::NO_BUDGET, value(2) & operation_flag::NO_BUDGET != 0);
                open.asked += 1;
                if open.asked >= self.limits.turns {
                    self.suspect(Suspicion::Spin);
                }
                self.look_at_fired(value(0), row.tick);
            }
            Kind::OperationFired => _ = self.fired.entry(value(0)).or_insert(row.tick),
            Kind::OperationEnd => self.end_operation(value(0), value(1), row.tick, open),
            Kind::ResourceNew => {
                self.note_lock(row);
                if row.tick >= self.from {
                    let kind = ResourceKind::from_number(value(1)).name();
                    *self.totals.resources.entry(kind).or_default() += 1;
                    let is_late = value(5) & resource_flag::LATE != 0;
                    self.totals.late_resources += usize::from(is_late);
                }
            }
            Kind::ResourceDrop => _ = self.all_locks.remove(&value(0)),
            Kind::TaskNew if value(5) & task_flag::LATE != 0 => _ = self.late.insert(value(0)),
            // Dropped in the course of a panic, it has panicked.
            Kind::TaskDrop => {
                self.tasks.remove(&value(0));
                self.totals.cancelled += usize::from(row.tick >= self.from);
                self.end_late(value(0), row.tick);
            }
            Kind::DoneBy => open.task = value(0),
            Kind::InPoll if open.task != value(0) || !open.is_poll => {
                let in_poll = Open {
                    task: value(0),
                    begin: self.told.remove(&value(0)),
                    is_poll: true,
                    ..Open::default()
                };
                polls.truncate(1);
                polls.push(in_poll);
            }
            Kind::Forget if self.is_lock(value(0)) => self.locks.give_back(open.task, value(0)),
            _ => {}
        }
    }

    fn note_lock(&mut self, row: Row<'_>) {
        let kind = ResourceKind::from_number(row.value(1));
        if matches!(kind, ResourceKind::Mutex | ResourceKind::RwLock) {
            self.all_locks.insert(row.value(0));
        }
    }

    #[inline]
    fn is_lock(&self, resource: u64) -> bool {
        self.all_locks.contains(&resource)
    }

    fn end_poll(&mut self, task: u64, how: u64, tick: u64, polls: &mut Vec<Open>) {
        let depth = polls
            .iter()
            .rposition(|open| open.is_poll && open.task == task);
        // Polls that are still open inside this one lost their end.
        let open = depth.and_then(|depth| polls.drain(depth..).next());
        let open = open.unwrap_or_default();
        let begin = open.begin.or_else(|| self.told.remove(&task));
        if begin.is_some_and(|begin| tick.saturating_sub(begin) >= self.limits.long_poll) {
            self.suspect(Suspicion::LongPoll);
        }
        if open.has(seen::GAVE_UP | seen::TIMER) {
            self.suspect(Suspicion::GivenUp);
        }
        let is_turn =
            open.has(seen::WOKE_ITSELF) && (self.limits.yields || !open.has(seen::GAVE_WAY));
        if is_turn || open.has(seen::NO_BUDGET) {
            let of = self.tasks.entry(task).or_default();
            of.turns += 1;
            if of.turns >= self.limits.turns / 2 {
                self.suspect(Suspicion::Spin);
            }
        }
        if tick >= self.from {
            match how {
                poll_outcome::READY => self.totals.completed += 1,
                poll_outcome::PANICKED => self.totals.panicked += 1,
                _ => {}
            }
        }
        if matches!(how, poll_outcome::READY | poll_outcome::PANICKED) {
            self.tasks.remove(&task);
            self.end_late(task, tick);
        }
    }

    /// A task that may have existed before it was first seen is over.
    fn end_late(&mut self, task: u64, tick: u64) {
        let was_late = !self.late.is_empty() && self.late.remove(&task);
        self.totals.late_tasks += usize::from(was_late && tick >= self.from);
    }

    /// An operation is polled, or over.
    fn look_at_fired(&mut self, id: u64, tick: u64) {
        let fired = self.fired.remove(&id);
        if fired.is_some_and(|fired| tick.saturating_sub(fired) >= self.limits.starved) {
            self.suspect(Suspicion::Starved);
        }
    }

    fn end_operation(&mut self, id: u64, how: u64, tick: u64, open: &mut Open) {
        self.look_at_fired(id, tick);
        let known = self.operations.remove(&id);
        let is_timer = known.is_some_and(|known| is_timer(known.kind));
        let gave_up = matches!(how, outcome::DROPPED | outcome::PANICKED);
        if is_timer {
            open.see(seen::TIMER, how == outcome::READY);
        } else if gave_up {
            open.see(seen::GAVE_UP, true);
            if !open.is_poll {
                self.suspect(Suspicion::GivenUp);
            }
            self.gave_up(tick, open.task);
        }
        let Some(known) = known else { return };
        let long = tick.saturating_sub(known.begun);
        if is_for_a_lock(known.kind) && long >= self.limits.held {
            self.suspect(Suspicion::HeldLock);
        }
        if known.kind == operation_kind::SLEEP {
            self.end_timer(known, gave_up, tick, open.task);
        }
    }

    /// A timer of a task is over.
    fn end_timer(&mut self, timer: Operation, gave_up: bool, tick: u64, task: u64) {
        let timers = &mut self.tasks.entry(task).or_default().timers;
        let index = timers
            .iter()
            .position(|(place, ..)| *place == timer.location);
        if !gave_up {
            index.map(|index| timers.swap_remove(index));
            return;
        }
        let index = index.unwrap_or_else(|| {
            timers.push((timer.location, 0, timer.begun));
            timers.len() - 1
        });
        let (_, times, since) = &mut timers[index];
        *times += 1;
        let length = self.limits.at_least(Nanos(timer.units));
        let lengths = length.saturating_mul(self.limits.timer_lengths);
        if *times >= self.limits.timer_restarts && tick.saturating_sub(*since) >= lengths {
            self.suspect(Suspicion::RestartedTimer);
        }
    }

    /// A task gave something else up.
    fn gave_up(&mut self, tick: u64, task: u64) {
        let limits = self.limits;
        let (times, since, last) = &mut self.tasks.entry(task).or_default().given_up;
        if *times == 0 || tick.saturating_sub(*last) > limits.pause {
            (*times, *since) = (0, tick);
        }
        *times += 1;
        *last = tick;
        let is_fast = tick.saturating_sub(*since) / *times <= limits.turn;
        if *times >= limits.turns && is_fast {
            self.suspect(Suspicion::ClosedArm);
        }
    }

    /// What there is in the end.
    pub(super) fn end(mut self) -> Seen {
        let last = self.until.min(self.last);
        let is_long = |since: u64, limit: u64| last.saturating_sub(since) >= limit;
        let mut fired = self.fired.values();
        let is_starved = fired.any(|&at| is_long(at, self.limits.starved));
        let mut waits = self.operations.values();
        let is_held =
            waits.any(|wait| is_for_a_lock(wait.kind) && is_long(wait.begun, self.limits.held));
        if is_starved {
            self.suspect(Suspicion::Starved);
        }
        if is_held {
            self.suspect(Suspicion::HeldLock);
        }
        if self.locks.have_a_circle() {
            self.suspect(Suspicion::LockOrder);
        }
        self.totals.cancelled = self.totals.cancelled.saturating_sub(self.totals.panicked);
        match self.suspicion {
            Some(suspicion) => Seen::Suspicious(suspicion),
            None => Seen::Dull(Box::new(self.totals)),
        }
    }
}

fn is_timer(kind: u64) -> bool {
    matches!(
        kind,
        operation_kind::SLEEP | operation_kind::TIMEOUT | operation_kind::TICK
    )
}

fn is_for_a_lock(kind: u64) -> bool {
    matches!(
        kind,
        operation_kind::LOCK | operation_kind::READ | operation_kind::WRITE
    )
}

/// The task whose poll is open, or that did what is told; zero where none did.
fn task_of(polls: &[Open]) -> u64 {
    polls.last().map_or(0, |open| open.task)
}
