//! One thread's events, in its order, become facts about entities. Whatever happens belongs to the innermost poll that is open.

use ais_format::chunk::Event;
use ais_format::event::{self, Kind};

use super::facts::{Facts, FutureFact, OperationFact, Place, ResourceFact, TaskFact};
use crate::history::{ForeignId, OperationId, TaskId, ThreadId, WokenBy};
use crate::thread::OpenPolls;
use crate::time::Nanos;

/// A section of a thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct SectionFact {
    pub(super) thread: ThreadId,
    pub(super) place: Place,
    pub(super) row: event::SectionBegin,
    pub(super) ended: Option<Nanos>,
    /// Events of the thread are missing since it began.
    pub(super) is_lost: bool,
}

impl SectionFact {
    /// Whether both tell of the same one, of one thread.
    fn is_same(&self, other: &SectionFact) -> bool {
        let key = |fact: &SectionFact| {
            let row = &fact.row;
            (row.kind, row.resource, row.location, fact.place.at)
        };
        key(self) == key(other)
    }

    /// Whether a keyframe has told of this one, which is now recorded.
    fn is_told_again(&self, recorded: &SectionFact) -> bool {
        self.place.told.is_some() && self.is_same(recorded)
    }
}

/// What one thread is in the middle of.
#[derive(Debug)]
pub(super) struct Walker {
    thread: ThreadId,
    polls: OpenPolls,
    /// The open sections, innermost last: indices into `sections`.
    open: Vec<usize>,
    /// All sections of the thread.
    pub(super) sections: Vec<SectionFact>,
    /// The unrecorded task that does what comes next.
    foreign: Option<ForeignId>,
    /// The wake just recorded: an operation that fires right after it is what caused it.
    wake: Option<(Place, event::Wake, WokenBy)>,
    /// The generation that is read.
    generation: u32,
    /// This is a keyframe, as of then.
    told: Option<Nanos>,
    /// In a keyframe: who did what comes next.
    done_by: Option<TaskId>,
    /// When the last event was.
    pub(super) last: Nanos,
}

impl Walker {
    pub(super) fn new(thread: ThreadId) -> Self {
        Walker {
            thread,
            polls: OpenPolls::default(),
            open: Vec::new(),
            sections: Vec::new(),
            foreign: None,
            wake: None,
            generation: 0,
            told: None,
            done_by: None,
            last: Nanos(0),
        }
    }

    /// For what is told again at the beginning of a generation, at that time.
    pub(super) fn telling(generation: u32, at: Nanos) -> Self {
        Walker {
            generation,
            told: Some(at),
            ..Walker::new(ThreadId(0))
        }
    }

    /// What is told next.
    pub(super) fn tell(&mut self, event: &Event<'_>, at: Nanos, facts: &mut impl Facts) {
        self.step(event, at, facts);
        // Nothing in it is done inside of a poll that it tells of.
        self.polls.forget();
        self.done_by = (event.kind == Some(Kind::DoneBy)).then(|| {
            let row: event::DoneBy = event.row();
            TaskId(row.task)
        });
    }

    pub(super) fn thread(&self) -> ThreadId {
        self.thread
    }

    /// Events of this generation follow.
    pub(super) fn enter_generation(&mut self, generation: u32) {
        self.generation = generation;
    }

    /// Events are missing: which polls and sections are open is not known any more. The next poll's begin tells.
    pub(super) fn forget_what_is_open(&mut self, facts: &mut impl Facts) {
        self.tell_wake(None, facts);
        self.polls.forget();
        self.foreign = None;
        for index in self.open.drain(..) {
            self.sections[index].is_lost = true;
        }
    }

    /// The thread's next event.
    pub(super) fn step(&mut self, event: &Event<'_>, at: Nanos, facts: &mut impl Facts) {
        let Some(kind) = event.kind else { return };
        self.last = self.last.max(at);
        if self.wake.is_some() {
            let fired = (kind == Kind::OperationFired).then(|| event.row());
            self.tell_wake(fired, facts);
        }
        if kind == Kind::Foreign {
            let row: event::Foreign = event.row();
            self.foreign = Some(ForeignId(row.task));
            return;
        }
        self.step_known(kind, event, at, facts);
        self.foreign = None;
    }

    /// The thread has no more events.
    pub(super) fn end(&mut self, facts: &mut impl Facts) {
        self.tell_wake(None, facts);
    }

    fn tell_wake(&mut self, fired: Option<event::OperationFired>, facts: &mut impl Facts) {
        if let Some((place, wake, by)) = self.wake.take() {
            let operation = fired.map(|fired| OperationId(fired.operation));
            let woken = TaskFact::Woken {
                wake,
                by,
                operation,
            };
            facts.task(wake.task, place, woken);
        }
    }

    fn step_known(&mut self, kind: Kind, event: &Event<'_>, at: Nanos, facts: &mut impl Facts) {
        match kind {
            Kind::TaskNew => {
                let row: event::TaskNew = event.row();
                facts.task(row.task, self.place(at), TaskFact::New(row));
            }
            Kind::PollBegin => {
                let row: event::PollBegin = event.row();
                // Before it is open itself: its place is the poll around it.
                facts.task(
                    row.task,
                    self.place(at),
                    TaskFact::Began {
                        poll: row,
                        thread: self.thread,
                    },
                );
                self.polls.begin(&row);
            }
            Kind::PollEnd => {
                let row: event::PollEnd = event.row();
                facts.task(row.task, self.place(at), TaskFact::Ended(row));
                self.polls.end(&row);
            }
            Kind::TaskDrop => facts.task(
                event.row::<event::TaskDrop>().task,
                self.place(at),
                TaskFact::Dropped,
            ),
            Kind::Wake => {
                let row: event::Wake = event.row();
                let task = self.polls.task();
                let by = task.map_or(WokenBy::Thread(self.thread), WokenBy::Task);
                self.wake = Some((self.place(at), row, by));
            }
            Kind::OperationFired => {
                let row: event::OperationFired = event.row();
                facts.operation(row.operation, self.place(at), OperationFact::Fired(row));
            }
            Kind::TaskAbort => {
                let row: event::TaskAbort = event.row();
                facts.task(row.task, self.place(at), TaskFact::Aborted);
            }
            Kind::Yield => {
                // One of a task that is not recorded has no poll to be counted in.
                if let Some((task, poll)) = self.polls.innermost() {
                    facts.task(task.0, self.place(at), TaskFact::Yielded { poll });
                }
            }
            Kind::WakersGone => {
                let row: event::WakersGone = event.row();
                facts.task(row.task, self.place(at), TaskFact::WakersGone(row));
            }
            Kind::InPoll => self.polls.told(&event.row()),
            Kind::SectionBegin => self.enter_section(event.row(), at),
            Kind::SectionEnd => self.leave_section(event.row(), at),
            _ => self.step_inside(kind, event, at, facts),
        }
    }

    fn enter_section(&mut self, row: event::SectionBegin, at: Nanos) {
        let fact = SectionFact {
            // In a keyframe, which is on no thread, it tells that itself.
            thread: self.told.map_or(self.thread, |_| ThreadId(row.thread)),
            place: self.place(at),
            row,
            ended: None,
            is_lost: false,
        };
        let is_told = |&index: &usize| self.sections[index].is_told_again(&fact);
        // It began while the keyframe was written.
        if self.told.is_none() && self.open.iter().any(is_told) {
            return;
        }
        self.open.push(self.sections.len());
        self.sections.push(fact);
    }

    /// A keyframe tells that this thread is in a section.
    pub(super) fn is_in(&mut self, section: SectionFact) {
        let is_it = |known: &SectionFact| known.is_same(&section);
        match self.sections.iter().rposition(is_it) {
            // As is known, or what was lost since it began did not end it.
            Some(index) if self.sections[index].ended.is_none() => {
                self.sections[index].is_lost = false;
                if !self.open.contains(&index) {
                    self.open.push(index);
                }
            }
            Some(_) => {}
            None => {
                self.open.push(self.sections.len());
                self.sections.push(section);
            }
        }
    }

    fn leave_section(&mut self, row: event::SectionEnd, at: Nanos) {
        let sections = &mut self.sections;
        let is_this = |&index: &usize| {
            (sections[index].row.kind, sections[index].row.resource) == (row.kind, row.resource)
        };
        // The begin of one that is not open was lost, or came before the recording.
        if let Some(depth) = self.open.iter().rposition(is_this) {
            let index = self.open.remove(depth);
            sections[index].ended = Some(at.max(sections[index].place.at));
        }
    }

    /// The events that are mostly recorded inside of polls.
    fn step_inside(&self, kind: Kind, event: &Event<'_>, at: Nanos, facts: &mut impl Facts) {
        macro_rules! fact {
            ($kind:ident, $fact:expr, $row:ident.$id:ident) => {{
                let $row = event.row();
                let fact = $fact($row);
                facts.$kind($row.$id, self.place(at), fact);
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
                facts.operation(row.operation, self.place(at), OperationFact::Began(row));
                if row.sequence != 0 {
                    facts.resource(
                        row.target,
                        self.place(at),
                        ResourceFact::OperationBegan(row),
                    );
                }
            }
            Kind::TimerSet => fact!(operation, OperationFact::TimerSet, row.operation),
            Kind::OperationPoll => fact!(operation, OperationFact::Polled, row.operation),
            Kind::OperationEnd => {
                let row: event::OperationEnd = event.row();
                facts.operation(row.operation, self.place(at), OperationFact::Ended(row));
                if row.sequence != 0 {
                    facts.resource(
                        row.resource,
                        self.place(at),
                        ResourceFact::OperationEnded(row),
                    );
                }
            }
            Kind::ResourceNew => fact!(resource, ResourceFact::New, row.resource),
            Kind::ResourceDrop => {
                let row: event::ResourceDrop = event.row();
                facts.resource(row.resource, self.place(at), ResourceFact::Dropped);
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
            | Kind::Unseen
            | Kind::Batch
            | Kind::Order => {}
        }
    }

    fn place(&self, at: Nanos) -> Place {
        let task = self.polls.task().or(self.done_by);
        Place {
            at,
            task,
            foreign: self.foreign.filter(|_| task.is_none()),
            generation: self.generation,
            told: self.told,
        }
    }
}
