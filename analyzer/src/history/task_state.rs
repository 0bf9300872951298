//! What a task does at a moment.

use std::fmt;

use crate::time::Nanos;

/// What a task does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// A poll is under way since then.
    Running(Nanos),
    /// It was spawned or woken then, and not polled since.
    Scheduled(Nanos),
    /// It waits since then.
    Idle(Nanos),
    /// It completed then.
    Completed(Nanos),
    /// It panicked then.
    Panicked(Nanos),
    /// It was dropped then, before it completed.
    Cancelled(Nanos),
    /// It had ended by then, but how and when is not in the record.
    EndedUnseen(Nanos),
}

impl TaskState {
    /// Whether the task can still do something.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            TaskState::Running(_) | TaskState::Scheduled(_) | TaskState::Idle(_)
        )
    }

    /// Since when it is in this state.
    pub fn since(self) -> Nanos {
        match self {
            TaskState::Running(at)
            | TaskState::Scheduled(at)
            | TaskState::Idle(at)
            | TaskState::Completed(at)
            | TaskState::Panicked(at)
            | TaskState::Cancelled(at)
            | TaskState::EndedUnseen(at) => at,
        }
    }
}

/// In words, without since when: `waiting`.
impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskState::Running(_) => "running",
            TaskState::Scheduled(_) => "scheduled",
            TaskState::Idle(_) => "waiting",
            TaskState::Completed(_) => "completed",
            TaskState::Panicked(_) => "panicked",
            TaskState::Cancelled(_) => "cancelled",
            TaskState::EndedUnseen(_) => "ended unseen",
        })
    }
}
