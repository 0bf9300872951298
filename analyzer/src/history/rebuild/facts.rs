//! What an event says about one entity: a fact, with when it was, and who did it.

use ais_format::event;

use crate::history::{ForeignId, OperationId, TaskId, ThreadId, WokenBy};
use crate::time::Nanos;

/// When and by whom.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) at: Nanos,
    /// The task whose poll was open.
    pub(super) task: Option<TaskId>,
    /// The unrecorded task that did it, where that is said.
    pub(super) foreign: Option<ForeignId>,
    /// The generation in which it stands.
    pub(super) generation: u32,
    /// It is told again, as of then.
    pub(super) told: Option<Nanos>,
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
}

#[derive(Clone, Copy, Debug)]
pub(super) enum OperationFact {
    Began(event::OperationBegin),
    Polled(event::OperationPoll),
    Fired(event::OperationFired),
    TimerSet(event::TimerSet),
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

/// Whoever takes in facts: given the number of the entity that each is about.
pub(super) trait Facts {
    fn task(&mut self, id: u64, place: Place, fact: TaskFact);
    fn future(&mut self, id: u64, place: Place, fact: FutureFact);
    fn operation(&mut self, id: u64, place: Place, fact: OperationFact);
    fn resource(&mut self, id: u64, place: Place, fact: ResourceFact);
}
