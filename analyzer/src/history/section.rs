//! What threads were in the middle of.

use ais_format::event::section_kind;

use super::{ForeignId, ResourceId, TaskId, ThreadId};
use crate::names::Location;
use crate::time::Nanos;

/// A stretch of a thread's time in which it blocks, or keeps others from going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is.
    pub kind: SectionKind,
    /// The thread.
    pub thread: ThreadId,
    /// The task whose poll was open.
    pub task: Option<TaskId>,
    /// The unrecorded task that ran, as its runtime numbers it.
    pub foreign: Option<ForeignId>,
    /// The resource that it keeps others from.
    pub resource: Option<ResourceId>,
    /// Where in source.
    pub location: Option<Location>,
    /// When it began.
    pub begun: Nanos,
    /// When it ended; none where it goes on at the end of the history, or where that is lost.
    pub ended: Option<Nanos>,
    /// Events of its thread are missing since it began, so that it may have ended unseen.
    pub is_lost: bool,
}

/// What a thread is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `block_in_place`: the thread blocks, and others take over its tasks.
    BlockInPlace,
    /// The value of a watch channel is borrowed: senders block.
    Borrow,
    /// A runtime is shut down: its tasks are cancelled.
    Shutdown,
    /// Something that a later version records.
    Unknown,
}

impl SectionKind {
    /// The kind with this number in the trace.
    pub fn from_number(number: u64) -> SectionKind {
        match number {
            section_kind::BLOCK_IN_PLACE => SectionKind::BlockInPlace,
            section_kind::BORROW => SectionKind::Borrow,
            section_kind::SHUTDOWN => SectionKind::Shutdown,
            _ => SectionKind::Unknown,
        }
    }
}

impl Section {
    /// Whether its thread is in it at the end of the history, as far as is known.
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && !self.is_lost
    }
}
