//! How an operation came about, for what is recorded of its effect.

use std::panic::Location;

/// How an operation was done.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Its number; zero where it did not have to wait.
    pub operation: u64,
    /// [`INLINE`](ais_format::event::operation_flag::INLINE) where it lay inside its task.
    pub flags: u64,
    /// Where in source it was asked for.
    pub location: &'static Location<'static>,
}

impl Done {
    /// At once, without an operation that could have waited: `try_lock()` and the like.
    #[must_use]
    #[track_caller]
    pub fn at_once() -> Done {
        Done::at(Location::caller())
    }

    /// The same, for a call at `location`.
    #[must_use]
    pub fn at(location: &'static Location<'static>) -> Done {
        Done {
            operation: 0,
            flags: 0,
            location,
        }
    }
}
