//! What is known of an operation, or of how something was taken.

use ais_format::event::operation_flag;

/// The [`operation_flag`] bits of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperationFlags(pub u64);

impl OperationFlags {
    /// Those that each poll tells anew; the others stay as they were when the operation began.
    const OF_A_POLL: u64 =
        operation_flag::INLINE | operation_flag::FOREIGN_WAKER | operation_flag::NO_BUDGET;

    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// As of a later poll that says `flags`.
    #[must_use]
    pub const fn polled(self, flags: u64) -> OperationFlags {
        OperationFlags(self.0 & !Self::OF_A_POLL | flags & Self::OF_A_POLL)
    }

    /// Its memory lies inside its task: no other task can ever poll it.
    pub const fn is_inline(self) -> bool {
        self.has(operation_flag::INLINE)
    }

    /// It is polled by an executor inside its task, not by the task itself.
    pub const fn has_foreign_waker(self) -> bool {
        self.has(operation_flag::FOREIGN_WAKER)
    }

    /// What it takes stays where the operation is: it borrows from a resource that lies in no static memory, inside the task.
    pub const fn takes_in_place(self) -> bool {
        self.is_inline() && !self.takes_loosely()
    }

    /// What it takes borrows nothing, or from memory that may be static.
    pub const fn takes_loosely(self) -> bool {
        const MOVABLE: u64 =
            operation_flag::STATIC | operation_flag::MAYBE_STATIC | operation_flag::OWNED;
        self.has(MOVABLE)
    }

    /// Its last poll says nothing of its resource: the task had used up its budget. It may not even be in the queue.
    pub const fn had_no_budget(self) -> bool {
        self.has(operation_flag::NO_BUDGET)
    }

    /// That it is no longer awaited is not seen: it is polled through a function, or through a handle that outlives what awaits it.
    pub const fn is_no_drop(self) -> bool {
        self.has(operation_flag::NO_DROP)
    }

    /// Whether an operation with these, once it was polled, keeps a clone of its task's own waker alive, for all that is known.
    pub const fn keep_a_waker(self) -> bool {
        !self.is_blocking() && !self.had_no_budget() && !self.has_foreign_waker()
    }

    /// A thread blocks until it is done.
    pub const fn is_blocking(self) -> bool {
        self.has(operation_flag::BLOCKING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_tells_of_the_operation_and_not_of_its_resource() {
        let begun = OperationFlags(operation_flag::STATIC | operation_flag::NO_BUDGET);
        let polled = begun.polled(operation_flag::INLINE);
        assert!(polled.is_inline() && !polled.had_no_budget() && !polled.takes_in_place());
        assert!(OperationFlags(operation_flag::INLINE).takes_in_place());
    }
}
