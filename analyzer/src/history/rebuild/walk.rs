//! One thread's events, in its order, become facts about entities.
//!
//! A thread polls one task at a time, save that a poll may block on another task (`block_on` inside a poll), so the open polls form
//! a stack, and whatever happens belongs to its top.

use ais_format::chunk::{Event, EventBatch};
use ais_format::event::{self, Kind};

use super::facts::{Facts, FutureFact, OperationFact, Place, ResourceFact, SectionFact, TaskFact};
use crate::clock::Clock;
use crate::decode::Keyframe;
use crate::history::{ForeignId, OperationId, TaskId, ThreadId, WokenBy};
use crate::meter::Meter;
use crate::time::Nanos;

struct Walker<'a> {
    thread: ThreadId,
    clock: &'a Clock,
    /// The open polls, innermost last: task, poll number.
    polls: Vec<(TaskId, u64)>,
    /// The open sections, innermost last: indices into `facts.sections`.
    sections: Vec<usize>,
    /// The unrecorded task that does what comes next.
    foreign: Option<ForeignId>,
    /// The index, in `facts.tasks`, of the wake just recorded: an operation that fires right after it is what caused it.
    last_wake: Option<usize>,
    position: usize,
    /// The generation that is read.
    generation: u32,
    /// This is a keyframe, as of then.
    told: Option<Nanos>,
    /// In a keyframe: who did what comes next.
    done_by: Option<TaskId>,
    facts: Facts,
}

impl<'a> Walker<'a> {
    fn new(thread: ThreadId, clock: &'a Clock) -> Self {
        Walker {
            thread,
            clock,
            polls: Vec::new(),
            sections: Vec::new(),
            foreign: None,
            last_wake: None,
            position: 0,
            generation: 0,
            told: None,
            done_by: None,
            facts: Facts::default(),
        }
    }
}

/// Reads what is told again at the beginning of a generation.
pub(super) fn keyframe(keyframe: &Keyframe, clock: &Clock) -> Facts {
    let mut walker = Walker::new(ThreadId(0), clock);
    walker.generation = keyframe.generation;
    walker.told = Some(clock.time(keyframe.tick));
    for event in keyframe.batches.iter().flat_map(EventBatch::events) {
        walker.step(&event);
        // Nothing in it is done inside of a poll that it tells of.
        walker.polls.clear();
        if event.kind == Some(Kind::DoneBy) {
            let row: event::DoneBy = event.row();
            walker.done_by = Some(TaskId(row.task));
        } else {
            walker.done_by = None;
        }
    }
    walker.facts.last = Nanos(0);
    walker.facts
}

/// Reads the events of one thread that were recorded before the tick `cut`.
pub(super) fn walk(
    thread: ThreadId,
    batches: &[(u32, EventBatch)],
    clock: &Clock,
    cut: Option<u64>,
    meter: &Meter,
) -> Facts {
    let mut walker = Walker::new(thread, clock);
    let (mut expected, mut dropped) = (None, 0);
    for (generation, batch) in batches {
        walker.generation = *generation;
        if expected.is_some_and(|first| first != batch.head.first) || batch.head.dropped != dropped
        {
            walker.forget_what_is_open();
        }
        expected = Some(batch.head.first.wrapping_add(batch.head.events));
        dropped = batch.head.dropped;
        for event in batch
            .events()
            .filter(|event| cut.is_none_or(|cut| event.tick < cut))
        {
            walker.step(&event);
        }
        meter.advance(0, batch.len() as u64);
    }
    walker.facts
}

impl Walker<'_> {
    /// Events are missing: which polls and sections are open is not known any more. The next poll's begin tells.
    fn forget_what_is_open(&mut self) {
        self.polls.clear();
        self.foreign = None;
        self.last_wake = None;
        for index in self.sections.drain(..) {
            self.facts.sections[index].is_lost = true;
        }
    }

    fn step(&mut self, event: &Event<'_>) {
        let Some(kind) = event.kind else { return };
        let at = self.clock.time(event.tick);
        self.facts.last = self.facts.last.max(at);
        self.position += 1;
        let wake = self.last_wake.take();
        if kind == Kind::Foreign {
            let row: event::Foreign = event.row();
            self.foreign = Some(ForeignId(row.task));
            return;
        }
        self.step_known(kind, event, at, wake);
        self.foreign = None;
    }

    fn step_known(&mut self, kind: Kind, event: &Event<'_>, at: Nanos, wake: Option<usize>) {
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
            Kind::TaskAbort => {
                let row: event::TaskAbort = event.row();
                self.task(row.task, at, TaskFact::Aborted);
            }
            Kind::Yield => {
                // One of a task that is not recorded has no poll to be counted in.
                if let Some(&(task, poll)) = self.polls.last() {
                    self.task(task.0, at, TaskFact::Yielded { poll });
                }
            }
            Kind::WakersGone => {
                let row: event::WakersGone = event.row();
                self.task(row.task, at, TaskFact::WakersGone(row));
            }
            Kind::InPoll => {
                let row: event::InPoll = event.row();
                let poll = (TaskId(row.task), row.poll);
                // Said at the beginning of each stretch of a thread's record: it may be known.
                if self.polls.last() != Some(&poll) {
                    self.polls = vec![poll];
                }
            }
            Kind::SectionBegin => self.enter_section(event.row(), at),
            Kind::SectionEnd => self.leave_section(event.row(), at),
            _ => self.step_inside(kind, event, at),
        }
    }

    fn enter_section(&mut self, row: event::SectionBegin, at: Nanos) {
        self.sections.push(self.facts.sections.len());
        self.facts.sections.push(SectionFact {
            thread: self.thread,
            place: self.place(at),
            row,
            ended: None,
            is_lost: false,
        });
    }

    fn leave_section(&mut self, row: event::SectionEnd, at: Nanos) {
        let facts = &mut self.facts.sections;
        let is_this = |&index: &usize| {
            (facts[index].row.kind, facts[index].row.resource) == (row.kind, row.resource)
        };
        // The begin of one that is not open was lost, or came before the recording.
        if let Some(depth) = self.sections.iter().rposition(is_this) {
            let index = self.sections.remove(depth);
            facts[index].ended = Some(at.max(facts[index].place.at));
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
            Kind::OperationBegin => {
                let row: event::OperationBegin = event.row();
                self.operation(row.operation, at, OperationFact::Began(row));
                if row.sequence != 0 {
                    self.resource(row.target, at, ResourceFact::OperationBegan(row));
                }
            }
            Kind::TimerSet => fact!(operation, OperationFact::TimerSet, row.operation),
            Kind::OperationPoll => fact!(operation, OperationFact::Polled, row.operation),
            Kind::OperationEnd => {
                let row: event::OperationEnd = event.row();
                self.operation(row.operation, at, OperationFact::Ended(row));
                if row.sequence != 0 {
                    self.resource(row.resource, at, ResourceFact::OperationEnded(row));
                }
            }
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
            Kind::HoldSplit => fact!(resource, ResourceFact::Split, row.resource),
            Kind::HoldMerge => fact!(resource, ResourceFact::Merged, row.resource),
            Kind::Forget => fact!(resource, ResourceFact::Forgotten, row.resource),
            Kind::Add => fact!(resource, ResourceFact::Added, row.resource),
            Kind::Notify => fact!(resource, ResourceFact::Notified, row.resource),
            Kind::Arrive => fact!(resource, ResourceFact::Arrived, row.resource),
            Kind::MemberNew => fact!(resource, ResourceFact::MemberNew, row.resource),
            Kind::MemberGone => fact!(resource, ResourceFact::MemberGone, row.resource),
            Kind::Escape => fact!(resource, ResourceFact::Escaped, row.resource),
            Kind::Lag => fact!(resource, ResourceFact::Lagged, row.resource),
            Kind::ResourceState => fact!(resource, ResourceFact::State, row.resource),
            // Handled before, or not events at all.
            Kind::TaskNew
            | Kind::PollBegin
            | Kind::PollEnd
            | Kind::TaskDrop
            | Kind::Wake
            | Kind::TaskAbort
            | Kind::Yield
            | Kind::Foreign
            | Kind::WakersGone
            | Kind::InPoll
            | Kind::DoneBy
            | Kind::OperationFired
            | Kind::SectionBegin
            | Kind::SectionEnd
            | Kind::Text
            | Kind::Location
            | Kind::Function
            | Kind::AwaitPoint
            | Kind::Thread
            | Kind::Batch
            | Kind::Order => {}
        }
    }

    fn place(&self, at: Nanos) -> Place {
        let (task, poll) = self
            .polls
            .last()
            .map_or((self.done_by, 0), |&(task, poll)| (Some(task), poll));
        Place {
            at,
            task,
            foreign: self.foreign.filter(|_| task.is_none()),
            order: (poll, self.position),
            generation: self.generation,
            told: self.told,
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
