//! The count of what a task may do in one turn, which tokio keeps: a poll without it says nothing of what is polled.

/// Whether the current task may do more in this turn.
pub(crate) fn has_budget() -> bool {
    real::task::coop::has_budget_remaining()
}
