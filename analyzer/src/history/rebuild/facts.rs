//! What is learnt from events before it is known what belongs together: facts about entities.

use ais_format::event;

use crate::history::{ForeignId, OperationId, TaskId, ThreadId, WokenBy};
use crate::time::Nanos;

/// Facts about one kind of entity: the entity's number, where and when, and what.
pub(super) type FactsOf<T> = Vec<(u64, Place, T)>;

/// When and by whom.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) at: Nanos,
    /// The task whose poll was open.
    pub(super) task: Option<TaskId>,
    /// The unrecorded task that did it, where that is said.
    pub(super) foreign: Option<ForeignId>,
    /// That poll's number, then the position in its thread's record: the true order of what one task does.
    pub(super) order: (u64, usize),
    /// The generation in which it stands.
    pub(super) generation: u32,
    /// It is told again, as of then.
    pub(super) told: Option<Nanos>,
}

impl Place {
    /// When it stands in the record: what is told again stands at the beginning of its generation.
    pub(super) fn recorded(&self) -> Nanos {
        self.told.unwrap_or(self.at)
    }
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
    /// Somebody asked for it to be cancelled.
    Aborted,
    /// It gave way of its own accord, in its poll with this number.
    Yielded {
        poll: u64,
    },
    /// It has ended, but that is not in the record.
    EndedUnseen,
    /// The last clone of this one of its wakers is gone.
    WakersGone(event::WakersGone),
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
    /// It has ended, but that is not in the record.
    EndedUnseen,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum OperationFact {
    Began(event::OperationBegin),
    Polled(event::OperationPoll),
    Fired(event::OperationFired),
    TimerSet(event::TimerSet),
    Ended(event::OperationEnd),
    /// It has ended, but that is not in the record.
    EndedUnseen,
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
    Split(event::HoldSplit),
    Merged(event::HoldMerge),
    Forgotten(event::Forget),
    Added(event::Add),
    Notified(event::Notify),
    Arrived(event::Arrive),
    MemberNew(event::MemberNew),
    MemberGone(event::MemberGone),
    Escaped(event::Escape),
    Lagged(event::Lag),
    /// What it was like at the beginning of a generation.
    State(event::ResourceState),
    OperationBegan(event::OperationBegin),
    OperationEnded(event::OperationEnd),
}

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

/// What was learnt from a thread, or from several.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) tasks: FactsOf<TaskFact>,
    pub(super) futures: FactsOf<FutureFact>,
    pub(super) operations: FactsOf<OperationFact>,
    pub(super) resources: FactsOf<ResourceFact>,
    pub(super) sections: Vec<SectionFact>,
    /// When the last event was.
    pub(super) last: Nanos,
}

impl Facts {
    pub(super) fn append(&mut self, mut other: Facts) {
        self.tasks.append(&mut other.tasks);
        self.futures.append(&mut other.futures);
        self.operations.append(&mut other.operations);
        self.resources.append(&mut other.resources);
        self.sections.append(&mut other.sections);
        self.last = self.last.max(other.last);
    }

    /// Leaves out what was not before `end`.
    pub(super) fn cut(&mut self, end: Nanos) {
        self.tasks.retain(|(_, place, _)| place.at < end);
        self.futures.retain(|(_, place, _)| place.at < end);
        self.operations.retain(|(_, place, _)| place.at < end);
        self.resources.retain(|(_, place, _)| place.at < end);
        self.sections.retain(|section| section.place.at < end);
        for section in &mut self.sections {
            section.ended = section.ended.filter(|&ended| ended < end);
        }
    }
}
