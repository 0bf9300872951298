//! The ends of a channel.

use super::TaskId;
use crate::time::Nanos;

/// One end of a channel that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// Its number in its channel.
    pub number: u64,
    /// What it does.
    pub side: HandleSide,
    /// When it was made.
    pub made: Nanos,
    /// The task that made it; none where that is not recorded.
    pub made_by: Option<TaskId>,
    /// The tasks that have used it to send or receive; none stands for a use that no recorded task made.
    pub users: Vec<Option<TaskId>>,
    /// How many messages it has still to get, where each receiver gets each message: all of them in a broadcast, the last one in a
    /// watch channel.
    pub unseen: u64,
}

/// Which end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandleSide {
    /// It sends.
    Sender,
    /// It receives.
    Receiver,
}

impl HandleSide {
    /// What is at the other end.
    #[must_use]
    pub fn other(self) -> HandleSide {
        match self {
            HandleSide::Sender => HandleSide::Receiver,
            HandleSide::Receiver => HandleSide::Sender,
        }
    }
}
