//! One thread's events, in its order, become facts about entities.
//!
//! A thread polls one task at a time, save that a poll may block on another task (`block_on` inside a poll), so the open polls form
//! a stack, and whatever happens belongs to its top.

use ais_format::chunk::{Event, EventBatch};
use ais_format::event::{self, Kind};

use crate::clock::Clock;
use crate::history::{OperationId, TaskId, ThreadId, WokenBy};
use crate::time::Nanos;

/// Facts about one kind of entity: the entity's number, where and when, and what.
pub(super) type FactsOf<T> = Vec<(u64, Place, T)>;

/// When and by whom.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) at: Nanos,
    /// The task whose poll was open.
    pub(super) task: Option<TaskId>,
    /// That poll's number, then the position in its thread's record: the true order of what one task does.
    pub(super) order: (u64, usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TaskFact {
    New(event::TaskNew),
    Began {
        poll: event::PollBegin,
        thread: ThreadId,
    },
    Ended(event::PollEnd),
    Dropped,
    Woken {
        wake: event::Wake,
        by: WokenBy,
        operation: Option<OperationId>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum FutureFact {
    New(event::FutureNew),
    Began(event::FutureBegin),
    Entered(event::AwaitEnter),
    Left(event::AwaitLeave),
    Ended(event::FutureEnd),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum OperationFact {
    Began(event::OperationBegin),
    Polled(event::OperationPoll),
    Fired(event::OperationFired),
    Ended(event::OperationEnd),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum ResourceFact {
    New(event::ResourceNew),
    Dropped,
    Acquired(event::Acquire),
    Released(event::Release),
    Sent(event::Send),
    SendFailed(event::SendFailed),
    Received(event::Receive),
    Closed(event::Close),
    HandleNew(event::HandleNew),
    HandleDropped(event::HandleDrop),
}

/// What was learnt from a thread, or from several.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) tasks: FactsOf<TaskFact>,
    pub(super) futures: FactsOf<FutureFact>,
    pub(super) operations: FactsOf<OperationFact>,
    pub(super) resources: FactsOf<ResourceFact>,
    /// When the last event was.
    pub(super) last: Nanos,
}

impl Facts {
    pub(super) fn append(&mut self, mut other: Facts) {
        self.tasks.append(&mut other.tasks);
        self.futures.append(&mut other.futures);
        self.operations.append(&mut other.operations);
        self.resources.append(&mut other.resources);
        self.last = self.last.max(other.last);
    }
}

struct Walker<'a> {
    thread: ThreadId,
    clock: &'a Clock,
    /// The open polls, innermost last: task, poll number.
    polls: Vec<(TaskId, u64)>,
    /// The index, in `facts.tasks`, of the wake just recorded: an operation that fires right after it is what caused it.
    last_wake: Option<usize>,
    position: usize,
    facts: Facts,
}

/// Reads the events of one thread that were recorded before the tick `cut`.
pub(super) fn walk(
    thread: ThreadId,
    batches: &[EventBatch],
    clock: &Clock,
    cut: Option<u64>,
) -> Facts {
    let mut walker = Walker {
        thread,
        clock,
        polls: Vec::new(),
        last_wake: None,
        position: 0,
        facts: Facts::default(),
    };
    let (mut expected, mut dropped) = (None, 0);
    for batch in batches {
        if expected.is_some_and(|first| first != batch.head.first) || batch.head.dropped != dropped
        {
            // Events are missing: which polls are open is not known any more. The next poll's begin tells.
            walker.polls.clear();
        }
        expected = Some(batch.head.first.wrapping_add(batch.head.events));
        dropped = batch.head.dropped;
        for event in batch
            .events()
            .filter(|event| cut.is_none_or(|cut| event.tick < cut))
        {
            walker.step(&event);
        }
    }
    walker.facts
}

impl Walker<'_> {
    fn step(&mut self, event: &Event<'_>) {
        let Some(kind) = event.kind else { return };
        let at = self.clock.time(event.tick);
        self.facts.last = self.facts.last.max(at);
        self.position += 1;
        let wake = self.last_wake.take();
        match kind {
            Kind::TaskNew => {
                let row: event::TaskNew = event.row();
                self.task(row.task, at, TaskFact::New(row));
            }
            Kind::PollBegin => {
                let row: event::PollBegin = event.row();
                // Before it is open itself: its place is the poll around it.
                self.task(
                    row.task,
                    at,
                    TaskFact::Began {
                        poll: row,
                        thread: self.thread,
                    },
                );
                self.polls.push((TaskId(row.task), row.poll));
            }
            Kind::PollEnd => {
                let row: event::PollEnd = event.row();
                self.task(row.task, at, TaskFact::Ended(row));
                // Polls that are still open inside this one lost their end.
                if let Some(depth) = self.polls.iter().rposition(|&(task, _)| task.0 == row.task) {
                    self.polls.truncate(depth);
                }
            }
            Kind::TaskDrop => self.task(event.row::<event::TaskDrop>().task, at, TaskFact::Dropped),
            Kind::Wake => {
                let row: event::Wake = event.row();
                let by = self
                    .polls
                    .last()
                    .map_or(WokenBy::Thread(self.thread), |&(task, _)| {
                        WokenBy::Task(task)
                    });
                self.last_wake = Some(self.facts.tasks.len());
                self.task(
                    row.task,
                    at,
                    TaskFact::Woken {
                        wake: row,
                        by,
                        operation: None,
                    },
                );
            }
            Kind::OperationFired => {
                let row: event::OperationFired = event.row();
                if let Some((_, _, TaskFact::Woken { operation, .. })) =
                    wake.and_then(|index| self.facts.tasks.get_mut(index))
                {
                    *operation = Some(OperationId(row.operation));
                }
                self.operation(row.operation, at, OperationFact::Fired(row));
            }
            _ => self.step_inside(kind, event, at),
        }
    }

    /// The events that are mostly recorded inside of polls.
    fn step_inside(&mut self, kind: Kind, event: &Event<'_>, at: Nanos) {
        macro_rules! fact {
            ($list:ident, $fact:expr, $row:ident.$id:ident) => {{
                let $row = event.row();
                let fact = $fact($row);
                self.$list($row.$id, at, fact);
            }};
        }
        match kind {
            Kind::FutureNew => fact!(future, FutureFact::New, row.future),
            Kind::FutureBegin => fact!(future, FutureFact::Began, row.future),
            Kind::AwaitEnter => fact!(future, FutureFact::Entered, row.future),
            Kind::AwaitLeave => fact!(future, FutureFact::Left, row.future),
            Kind::FutureEnd => fact!(future, FutureFact::Ended, row.future),
            Kind::OperationBegin => fact!(operation, OperationFact::Began, row.operation),
            Kind::OperationPoll => fact!(operation, OperationFact::Polled, row.operation),
            Kind::OperationEnd => fact!(operation, OperationFact::Ended, row.operation),
            Kind::ResourceNew => fact!(resource, ResourceFact::New, row.resource),
            Kind::ResourceDrop => {
                let row: event::ResourceDrop = event.row();
                self.resource(row.resource, at, ResourceFact::Dropped);
            }
            Kind::Acquire => fact!(resource, ResourceFact::Acquired, row.resource),
            Kind::Release => fact!(resource, ResourceFact::Released, row.resource),
            Kind::Send => fact!(resource, ResourceFact::Sent, row.resource),
            Kind::SendFailed => fact!(resource, ResourceFact::SendFailed, row.resource),
            Kind::Receive => fact!(resource, ResourceFact::Received, row.resource),
            Kind::Close => fact!(resource, ResourceFact::Closed, row.resource),
            Kind::HandleNew => fact!(resource, ResourceFact::HandleNew, row.resource),
            Kind::HandleDrop => fact!(resource, ResourceFact::HandleDropped, row.resource),
            // Handled by `step`, or not events at all.
            Kind::TaskNew
            | Kind::PollBegin
            | Kind::PollEnd
            | Kind::TaskDrop
            | Kind::Wake
            | Kind::OperationFired
            | Kind::Text
            | Kind::Location
            | Kind::Function
            | Kind::AwaitPoint
            | Kind::Thread
            | Kind::Batch
            | Kind::Order => {}
            // Not looked at yet.
            Kind::TaskAbort
            | Kind::Yield
            | Kind::Foreign
            | Kind::HoldSplit
            | Kind::HoldMerge
            | Kind::Forget
            | Kind::Add
            | Kind::Notify
            | Kind::Arrive
            | Kind::MemberNew
            | Kind::MemberGone
            | Kind::Escape
            | Kind::SectionBegin
            | Kind::SectionEnd
            | Kind::TimerSet
            | Kind::Lag
            | Kind::WakersGone => {}
        }
    }

    fn place(&self, at: Nanos) -> Place {
        match self.polls.last() {
            Some(&(task, poll)) => Place {
                at,
                task: Some(task),
                order: (poll, self.position),
            },
            None => Place {
                at,
                task: None,
                order: (0, self.position),
            },
        }
    }

    fn task(&mut self, id: u64, at: Nanos, fact: TaskFact) {
        let place = self.place(at);
        self.facts.tasks.push((id, place, fact));
    }

    fn future(&mut self, id: u64, at: Nanos, fact: FutureFact) {
        let place = self.place(at);
        self.facts.futures.push((id, place, fact));
    }

    fn operation(&mut self, id: u64, at: Nanos, fact: OperationFact) {
        let place = self.place(at);
        self.facts.operations.push((id, place, fact));
    }

    fn resource(&mut self, id: u64, at: Nanos, fact: ResourceFact) {
        let place = self.place(at);
        self.facts.resources.push((id, place, fact));
    }
}
