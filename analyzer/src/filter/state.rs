//! The states that a filter can ask for.

use crate::history::TaskState;

/// A state of a task, as the summary calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Scheduled,
    Waiting,
    Stuck,
    Completed,
    Panicked,
    Cancelled,
    EndedUnseen,
}

const NAMES: [(&str, State); 9] = [
    ("running", State::Running),
    ("scheduled", State::Scheduled),
    ("waiting", State::Waiting),
    ("idle", State::Waiting),
    ("stuck", State::Stuck),
    ("completed", State::Completed),
    ("panicked", State::Panicked),
    ("cancelled", State::Cancelled),
    ("ended-unseen", State::EndedUnseen),
];

/// All names, for people.
pub(super) fn names() -> String {
    NAMES.map(|(name, _)| name).join(", ")
}

impl State {
    /// The state that is called so.
    pub(super) fn named(text: &str) -> Option<State> {
        let named = NAMES.iter().find(|(name, _)| *name == text);
        named.map(|(_, state)| *state)
    }

    /// Whether a task is in this state. One that waits and can never go on is stuck, and not waiting.
    pub(super) fn is(self, state: TaskState, is_stuck: bool) -> bool {
        match self {
            State::Running => matches!(state, TaskState::Running(_)),
            State::Scheduled => matches!(state, TaskState::Scheduled(_)),
            State::Waiting => matches!(state, TaskState::Idle(_)) && !is_stuck,
            State::Stuck => is_stuck,
            State::Completed => matches!(state, TaskState::Completed(_)),
            State::Panicked => matches!(state, TaskState::Panicked(_)),
            State::Cancelled => matches!(state, TaskState::Cancelled(_)),
            State::EndedUnseen => matches!(state, TaskState::EndedUnseen(_)),
        }
    }

    /// Whether a task in this state has ended.
    pub(super) fn is_end(self) -> bool {
        matches!(
            self,
            State::Completed | State::Panicked | State::Cancelled | State::EndedUnseen
        )
    }
}
