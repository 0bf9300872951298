//! What this thread is doing: which task it polls, and which future inside it.
//!
//! Set around each recorded poll and put back after it, so that nested polls (a `block_on` inside a poll, a future inside a future)
//! leave the outer one as it was, also when they panic.

use std::cell::Cell;

/// The innermost open poll of this thread. Zeros where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context {
    /// The task.
    pub(crate) task: u64,
    /// The number of the poll.
    pub(crate) poll: u32,
    /// The innermost recorded future, zero for the task itself.
    pub(crate) future: u64,
    /// The address of the data of the task's waker: another one is not its own.
    pub(crate) waker: usize,
    /// Where the task's future lies in memory.
    pub(crate) start: usize,
    /// Where it ends.
    pub(crate) end: usize,
    /// The task's executor, as a resource.
    pub(crate) executor: u64,
}

impl Context {
    pub(crate) const NONE: Context = Context {
        task: 0,
        poll: 0,
        future: 0,
        waker: 0,
        start: 0,
        end: 0,
        executor: 0,
    };

    /// Whether the value at `address` lies inside the task's future.
    pub(crate) fn contains(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }
}

thread_local! {
    static CURRENT: Cell<Context> = const { Cell::new(Context::NONE) };
}

/// The innermost open poll.
#[inline]
pub(crate) fn current() -> Context {
    CURRENT.get()
}

/// The executor, as a resource, of the task that this thread polls; zero where there is none.
#[must_use]
pub fn current_executor() -> u64 {
    CURRENT.get().executor
}

/// Puts back what was current when it is dropped.
pub(crate) struct Scope {
    before: Context,
}

/// Makes `context` current until the scope is dropped.
#[inline]
pub(crate) fn enter(context: Context) -> Scope {
    Scope {
        before: CURRENT.replace(context),
    }
}

/// Makes `future` the current one, in the same task.
#[inline]
pub(crate) fn enter_future(future: u64) -> Scope {
    enter(Context {
        future,
        ..CURRENT.get()
    })
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}
