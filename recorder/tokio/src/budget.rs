//! The count of what a task may do in one turn, which tokio keeps: a poll without it says nothing of what is polled.

/// Whether tokio's semaphore, of which its locks are made, asks for budget only when it has its permits. Before 1.54 it asks first, as
/// everything else does.
pub(crate) const SEMAPHORE_ASKS_LAST: bool = cfg!(tokio_minor_at_least_54);

/// Whether the current task may do more in this turn.
pub(crate) fn has_budget() -> bool {
    real::task::coop::has_budget_remaining()
}
