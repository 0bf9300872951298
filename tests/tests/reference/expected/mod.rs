//! The history that must come out, computed in the most obvious way: one event after the other, in the order in which they happened.
//!
//! This order is what the analysis of a trace lacks, and all that it does to bring events of different threads together is not needed
//! here. Nothing is fast: the history up to a moment is computed anew from the first event on.

mod resources;

use std::collections::BTreeMap;

use ais_format::event::{OperationBegin, TaskNew, outcome, poll_outcome};

use crate::model::{Act, Event};
pub(crate) use resources::{Change, Handle, Resource};

/// Who did something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct By {
    pub(crate) task: Option<u64>,
    /// A task that is not recorded; none inside of a poll.
    pub(crate) foreign: Option<u64>,
}

/// A poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Poll {
    pub(crate) number: u64,
    pub(crate) thread: u64,
    pub(crate) inside: Option<u64>,
    pub(crate) begin: u64,
    /// When and with which `poll_outcome` it ended, and with how many wakers.
    pub(crate) end: Option<(u64, u64, u64)>,
    pub(crate) waker: u64,
    pub(crate) wakes_seen: u64,
    pub(crate) yields: u64,
}

/// A wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wake {
    pub(crate) at: u64,
    /// The task that did it.
    pub(crate) by: Option<u64>,
    pub(crate) thread: u64,
    pub(crate) waker: u64,
    pub(crate) number: u64,
    pub(crate) operation: Option<u64>,
    /// It came after this many polls had begun.
    polls: usize,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running(u64),
    Scheduled(u64),
    Idle(u64),
    Completed(u64),
    Panicked(u64),
    Cancelled(u64),
}

/// A task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    pub(crate) new: TaskNew,
    pub(crate) spawned: u64,
    pub(crate) polls: Vec<Poll>,
    pub(crate) wakes: Vec<Wake>,
    pub(crate) aborts: Vec<(u64, By)>,
    /// When, and which.
    pub(crate) wakers_gone: Vec<(u64, u64)>,
    pub(crate) dropped: Option<u64>,
}

impl Task {
    /// What it does after all that is known of it.
    pub(crate) fn state(&self) -> State {
        let Some(last) = self.polls.last() else {
            return self
                .dropped
                .map_or(State::Scheduled(self.spawned), State::Cancelled);
        };
        match last.end {
            None => State::Running(last.begin),
            Some((end, poll_outcome::READY, _)) => State::Completed(end),
            Some((end, poll_outcome::PANICKED, _)) => State::Panicked(end),
            Some((end, ..)) => {
                if let Some(dropped) = self.dropped {
                    return State::Cancelled(dropped);
                }
                let begun = self.polls.len();
                let woken = self.wakes.iter().filter(|wake| wake.polls == begun);
                match woken.map(|wake| wake.at).min() {
                    Some(at) => State::Scheduled(at.max(end)),
                    None => State::Idle(end),
                }
            }
        }
    }
}

impl Task {
    /// When it had ended, where it has.
    pub(crate) fn ended(&self) -> Option<u64> {
        match self.state() {
            State::Completed(at) | State::Panicked(at) | State::Cancelled(at) => Some(at),
            State::Running(_) | State::Scheduled(_) | State::Idle(_) => None,
        }
    }

    /// Whether it was woken since its last poll began.
    pub(crate) fn is_woken(&self) -> bool {
        self.wakes.iter().any(|wake| wake.polls == self.polls.len())
    }

    /// The number of the last wake of a waker.
    pub(crate) fn last_wake_of(&self, waker: u64) -> Option<u64> {
        let its = self.wakes.iter().rfind(|wake| wake.waker == waker);
        its.map(|wake| wake.number)
    }
}

/// A visit of an await point: which, when it was entered, when left, and whether by dropping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) point: u64,
    pub(crate) entered: u64,
    pub(crate) left: Option<(u64, bool)>,
}

/// A future.
#[derive(Clone, Debug, Default)]
pub(crate) struct Future {
    pub(crate) function: u64,
    pub(crate) task: Option<u64>,
    pub(crate) parent: u64,
    pub(crate) made: u64,
    pub(crate) begun: Option<u64>,
    pub(crate) visits: Vec<Visit>,
    /// When, and how as an `outcome`: dropped where its last visit says so.
    pub(crate) ended: Option<(u64, u64)>,
}

/// When an operation was made or polled, by whom, how often its waker had been called by then, the flags that were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationPoll {
    pub(crate) at: u64,
    pub(crate) by: By,
    pub(crate) fires: u64,
    pub(crate) flags: u64,
}

/// An operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operation {
    pub(crate) begin: OperationBegin,
    pub(crate) polls: Vec<OperationPoll>,
    /// When, and its number.
    pub(crate) firings: Vec<(u64, u64)>,
    /// When its deadline was last set, and to how long after that.
    pub(crate) timer: Option<(u64, u64)>,
    pub(crate) ended: Option<(u64, u64)>,
}

/// A section of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) thread: u64,
    pub(crate) begun: u64,
    pub(crate) kind: u64,
    pub(crate) resource: u64,
    pub(crate) by: By,
    pub(crate) ended: Option<u64>,
}

/// A whole history, by the numbers of what it tells of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub(crate) tasks: BTreeMap<u64, Task>,
    pub(crate) futures: BTreeMap<u64, Future>,
    pub(crate) operations: BTreeMap<u64, Operation>,
    pub(crate) resources: BTreeMap<u64, Resource>,
    pub(crate) sections: Vec<Section>,
    /// The time of the last event of each thread.
    pub(crate) last: BTreeMap<u64, u64>,
    threads: BTreeMap<u64, Thread>,
}

/// What a thread is in the middle of.
#[derive(Clone, Debug, Default)]
struct Thread {
    open: Vec<u64>,
    foreign: Option<u64>,
    /// The task that its last event woke.
    woken: Option<u64>,
}

/// What `events` come to.
pub(crate) fn expected(events: &[Event]) -> Expected {
    let mut expected = Expected::default();
    for event in events {
        expected.step(event);
    }
    expected
}

impl Expected {
    fn step(&mut self, event: &Event) {
        self.last.insert(event.thread, event.at);
        let thread = self.threads.entry(event.thread).or_default();
        let task = thread.open.last().copied();
        let foreign = thread.foreign.take().filter(|_| task.is_none());
        let woken = thread.woken.take();
        let by = By { task, foreign };
        if let Act::Foreign(row) = event.act {
            thread.foreign = Some(row.task);
        }
        self.step_task(event, by);
        self.step_future(event, by);
        self.step_operation(event, by, woken);
        self.step_section(event, by);
        if let Some((resource, change)) = resources::change(event, by) {
            self.resources.entry(resource).or_default().step(change);
        }
        match event.act {
            Act::ResourceNew(row) => {
                let resource = self.resources.entry(row.resource).or_default();
                resource.make(row, event.at, by);
            }
            Act::ResourceDrop(row) => {
                self.resources.entry(row.resource).or_default().dropped = Some(event.at);
            }
            _ => {}
        }
    }

    fn task(&mut self, id: u64) -> &mut Task {
        self.tasks.entry(id).or_default()
    }

    fn step_task(&mut self, event: &Event, by: By) {
        let at = event.at;
        let open = &mut self.threads.entry(event.thread).or_default().open;
        match event.act {
            Act::TaskNew(row) => {
                let task = self.task(row.task);
                (task.new, task.spawned) = (row, at);
            }
            Act::PollBegin(row) => {
                open.push(row.task);
                self.task(row.task).polls.push(Poll {
                    number: row.poll,
                    thread: event.thread,
                    inside: by.task,
                    begin: at,
                    end: None,
                    waker: row.waker,
                    wakes_seen: row.wakes,
                    yields: 0,
                });
            }
            Act::PollEnd(row) => {
                open.pop();
                if let Some(poll) = self.task(row.task).polls.last_mut() {
                    poll.end = Some((at, row.outcome, row.wakers));
                }
            }
            Act::TaskDrop(row) => self.task(row.task).dropped = Some(at),
            Act::TaskAbort(row) => self.task(row.task).aborts.push((at, by)),
            Act::WakersGone(row) => self.task(row.task).wakers_gone.push((at, row.waker)),
            Act::Yield(_) => {
                let poll = by.task.and_then(|task| self.task(task).polls.last_mut());
                if let Some(poll) = poll {
                    poll.yields += 1;
                }
            }
            Act::Wake(row) => {
                let task = self.task(row.task);
                let polls = task.polls.len();
                task.wakes.push(Wake {
                    at,
                    by: by.task,
                    thread: event.thread,
                    waker: row.waker,
                    number: row.number,
                    operation: None,
                    polls,
                });
                self.threads.entry(event.thread).or_default().woken = Some(row.task);
            }
            _ => {}
        }
    }

    fn step_future(&mut self, event: &Event, by: By) {
        let at = event.at;
        match event.act {
            Act::FutureNew(row) => {
                let future = self.futures.entry(row.future).or_default();
                (future.function, future.made) = (row.function, at);
            }
            Act::FutureBegin(row) => {
                let is_new = !self.futures.contains_key(&row.future);
                let future = self.futures.entry(row.future).or_default();
                (future.function, future.parent) = (row.function, row.parent);
                (future.task, future.begun) = (by.task, Some(at));
                if is_new {
                    future.made = at;
                }
            }
            Act::AwaitEnter(row) => {
                let future = self.futures.entry(row.future).or_default();
                future.visits.push(Visit {
                    point: row.point,
                    entered: at,
                    left: None,
                });
            }
            Act::AwaitLeave(row) => {
                let future = self.futures.entry(row.future).or_default();
                if let Some(visit) = future.visits.last_mut() {
                    // Left on another thread, by a clock that is behind: no visit ends before it begins.
                    let left = at.max(visit.entered);
                    visit.left = Some((left, row.outcome != outcome::READY));
                }
            }
            Act::FutureEnd(row) => {
                let future = self.futures.entry(row.future).or_default();
                let last = future.visits.last().and_then(|visit| visit.left);
                let was_dropped = last.is_some_and(|(_, dropped)| dropped);
                let how = match row.outcome {
                    outcome::READY if was_dropped => outcome::DROPPED,
                    how => how,
                };
                future.ended = Some((at, how));
            }
            _ => {}
        }
    }

    fn step_operation(&mut self, event: &Event, by: By, woken: Option<u64>) {
        let at = event.at;
        match event.act {
            Act::OperationBegin(row) => {
                let operation = self.operations.entry(row.operation).or_default();
                operation.begin = row;
                operation.timer = Some((at, row.units));
                operation.polls.push(OperationPoll {
                    at,
                    by,
                    fires: 0,
                    flags: row.flags,
                });
            }
            Act::OperationPoll(row) => {
                let operation = self.operations.entry(row.operation).or_default();
                operation.polls.push(OperationPoll {
                    at,
                    by,
                    fires: row.fires,
                    flags: row.flags,
                });
            }
            Act::OperationFired(row) => {
                let operation = self.operations.entry(row.operation).or_default();
                operation.firings.push((at, row.number));
                let wakes = woken.map(|task| &mut self.task(task).wakes);
                if let Some(wake) = wakes.and_then(|wakes| wakes.last_mut()) {
                    wake.operation = Some(row.operation);
                }
            }
            Act::TimerSet(row) => {
                let operation = self.operations.entry(row.operation).or_default();
                operation.timer = Some((at, row.delay));
            }
            Act::OperationEnd(row) => {
                let operation = self.operations.entry(row.operation).or_default();
                operation.ended = Some((at, row.outcome));
            }
            _ => {}
        }
    }

    fn step_section(&mut self, event: &Event, by: By) {
        match event.act {
            Act::SectionBegin(row) => self.sections.push(Section {
                thread: event.thread,
                begun: event.at,
                kind: row.kind,
                resource: row.resource,
                by,
                ended: None,
            }),
            Act::SectionEnd(row) => {
                let open = self.sections.iter_mut().rfind(|section| {
                    let is_this = (section.kind, section.resource) == (row.kind, row.resource);
                    section.thread == event.thread && section.ended.is_none() && is_this
                });
                if let Some(section) = open {
                    section.ended = Some(event.at);
                }
            }
            _ => {}
        }
    }
}
