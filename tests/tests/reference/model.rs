//! Events in the order in which they truly happened: what a simulated program did, known from outside.
//!
//! No trace has this list. It is what a trace is written from, and what the expected history is computed from.

use ais_format::chunk::ChunkBuilder;
use ais_format::event;

macro_rules! acts {
    ($($row:ident)*) => {
        /// What can happen, with the numbers that a recorder would write.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Act {
            $($row(event::$row),)*
        }

        impl Act {
            /// The name of its kind.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Act::$row(_) => stringify!($row),)*
                }
            }

            /// Adds it to the open batch of a chunk.
            pub(crate) fn write(self, chunk: &mut ChunkBuilder, tick: u64) {
                match self {
                    $(Act::$row(row) => chunk.event(tick, &row),)*
                }
            }
        }

        $(impl From<event::$row> for Act {
            fn from(row: event::$row) -> Act {
                Act::$row(row)
            }
        })*
    };
}

acts! {
    TaskNew PollBegin PollEnd TaskDrop Wake TaskAbort Yield Foreign WakersGone InPoll DoneBy
    FutureNew FutureBegin AwaitEnter AwaitLeave FutureEnd
    OperationBegin OperationPoll OperationFired OperationEnd TimerSet
    ResourceNew ResourceDrop Acquire Release Send SendFailed Receive Close HandleNew HandleDrop
    HoldSplit HoldMerge Forget Add Notify Arrive MemberNew MemberGone Escape Lag ResourceState
    SectionBegin SectionEnd
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// The thread whose stream it is in.
    pub(crate) thread: u64,
    /// When that thread's clock says it was, in nanoseconds.
    pub(crate) at: u64,
    /// What.
    pub(crate) act: Act,
}

/// A moment at which nothing was under way: whatever the clocks say, what came before it says an earlier time, and what came after a
/// later one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// So many events came before.
    pub(crate) events: usize,
    /// When.
    pub(crate) at: u64,
}

/// What a program did.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Its events, first to last.
    pub(crate) events: Vec<Event>,
    /// Moments at which all clocks agree on what had happened, first to last.
    pub(crate) moments: Vec<Moment>,
    /// After everything, by any clock.
    pub(crate) end: u64,
}
