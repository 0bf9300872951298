//! What this thread is doing: which task it polls, and which future inside it.
//!
//! Set around each recorded poll and put back after it, so that nested polls (a `block_on` inside a poll, a future inside a future)
//! leave the outer one as it was, also when they panic.
//!
//! What is known of the task lies with the task; the thread only keeps where. Copied into the thread's own memory and back, it would
//! cost some 25 instructions a poll.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

/// What is known of a task that is polled.
#[derive(Debug, Default)]
pub(crate) struct Polled {
    /// The task.
    pub(crate) task: Cell<u64>,
    /// The number of the poll.
    pub(crate) poll: Cell<u32>,
    /// The address of the data of the task's waker: another one is not its own.
    pub(crate) waker: Cell<usize>,
    /// Where the task's future lies in memory.
    pub(crate) start: Cell<usize>,
    /// Where it ends.
    pub(crate) end: Cell<usize>,
    /// The task's executor, as a resource.
    pub(crate) executor: Cell<u64>,
    /// The innermost recorded future that is polled, zero for the task itself.
    pub(crate) future: Cell<u64>,
}

thread_local! {
    /// The innermost open poll; null where there is none.
    static POLLED: Cell<*const Polled> = const { Cell::new(ptr::null()) };
    /// The innermost recorded future that is polled outside of any task.
    static FUTURE: Cell<u64> = const { Cell::new(0) };
}

/// Something of the innermost open poll of this thread; the default where there is none.
#[inline]
fn of_current<T: Default>(get: impl FnOnce(&Polled) -> T) -> T {
    current(|polled| polled.map(get).unwrap_or_default())
}

/// Something of the innermost open poll of this thread, where there is one.
#[inline]
fn current<T>(get: impl FnOnce(Option<&Polled>) -> T) -> T {
    // SAFETY: it is null, or was made of a reference by `enter`, whose scope keeps that borrowed. Scopes are dropped in the reverse
    // order of their making: they are local variables of functions that call each other, of this crate alone, and none is ever
    // forgotten. So what is current was not dropped yet.
    get(unsafe { POLLED.get().as_ref() })
}

/// The task of the innermost open poll; zero where there is none.
#[inline]
pub(crate) fn task() -> u64 {
    of_current(|polled| polled.task.get())
}

/// The task of the innermost open poll, and the innermost recorded future; zeros where there is none.
#[inline]
pub(crate) fn task_and_future() -> (u64, u64) {
    current(|polled| match polled {
        Some(polled) => (polled.task.get(), polled.future.get()),
        None => (0, FUTURE.get()),
    })
}

/// Whether this thread polls a task.
#[inline]
pub(crate) fn is_in_task() -> bool {
    !POLLED.get().is_null()
}

/// The number of the innermost open poll.
pub(crate) fn poll() -> u32 {
    of_current(|polled| polled.poll.get())
}

/// The innermost recorded future; zero for the task itself.
#[inline]
pub(crate) fn future() -> u64 {
    current(|polled| polled.map_or_else(|| FUTURE.get(), |polled| polled.future.get()))
}

/// Whether a waker with data at this address is that of the task.
pub(crate) fn is_own_waker(address: usize) -> bool {
    of_current(|polled| polled.waker.get()) == address
}

/// Whether the value at `address` lies inside the task's future.
pub(crate) fn contains(address: usize) -> bool {
    of_current(|polled| (polled.start.get()..polled.end.get()).contains(&address))
}

/// The executor, as a resource, of the task that this thread polls; zero where there is none.
#[must_use]
pub fn current_executor() -> u64 {
    of_current(|polled| polled.executor.get())
}

/// Puts back what was current when it is dropped. Not to be forgotten.
pub(crate) struct Scope<'a> {
    before: *const Polled,
    polled: PhantomData<&'a Polled>,
}

/// Makes `polled` current until the scope is dropped.
#[inline]
pub(crate) fn enter(polled: &Polled) -> Scope<'_> {
    Scope {
        before: POLLED.replace(polled),
        polled: PhantomData,
    }
}

impl Drop for Scope<'_> {
    #[inline]
    fn drop(&mut self) {
        POLLED.set(self.before);
    }
}

/// Puts back the future that was current when it is dropped, in the same poll.
pub(crate) struct FutureScope {
    before: u64,
}

/// Makes `future` the current one, in the same task.
#[inline]
pub(crate) fn enter_future(future: u64) -> FutureScope {
    FutureScope {
        before: replace_future(future),
    }
}

#[inline]
fn replace_future(future: u64) -> u64 {
    current(|polled| match polled {
        Some(polled) => polled.future.replace(future),
        None => FUTURE.replace(future),
    })
}

impl Drop for FutureScope {
    #[inline]
    fn drop(&mut self) {
        replace_future(self.before);
    }
}
