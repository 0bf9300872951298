//! The waker that an operation gives to its resource.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

use ais_format::event::OperationFired;

use super::slot::operation_now;
use crate::cells::Cell;
use crate::record::emit;
use crate::session;

/// Wakes the task of an operation, and records that the operation was meant.
pub(super) struct OperationWaker {
    operation: u64,
    /// The waker of the task; none where it was used up. A waker that is called by whoever owns it is gone then, and so must be the
    /// task's: what it keeps alive may be waited for.
    task: Mutex<Option<Waker>>,
    fires: AtomicU32,
    /// The cell of the operation.
    cell: Cell,
}

/// How many references to the waker an operation keeps for itself, see [`Lent`].
const OWN: usize = 2;

/// The waker of an operation, and the same as it is lent to each poll.
pub(super) struct Lent {
    shared: Arc<OperationWaker>,
    waker: Waker,
}

impl Lent {
    pub(super) fn new(operation: u64, cell: Cell) -> Lent {
        cell.share();
        let shared = Arc::new(OperationWaker {
            operation,
            task: Mutex::new(None),
            fires: AtomicU32::new(0),
            cell,
        });
        Lent {
            waker: Waker::from(Arc::clone(&shared)),
            shared,
        }
    }

    /// To poll with, see [`Lent::wakes`].
    pub(super) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// From now on `task` is woken, by wakers that were lent before too. Returns what was woken until now: to be dropped after the poll,
    /// as the resource would have done it, since what a waker does then is not known.
    #[must_use]
    pub(super) fn wakes(&self, task: &Waker) -> Option<Waker> {
        let mut current = self.shared.lock();
        if current.as_ref().is_some_and(|waker| waker.will_wake(task)) {
            return None;
        }
        current.replace(task.clone())
    }

    /// The operation is done: nothing is to be woken for it any more, by a waker that is just being called or was left behind. (Not where
    /// it was dropped: there are programs that make a new `recv()` for each poll, and wait by what the last one left behind.)
    pub(super) fn is_done(&self) {
        let task = self.shared.lock().take();
        drop(task);
    }

    /// How often it was called.
    pub(super) fn fires(&self) -> u32 {
        self.shared.fires.load(Ordering::Acquire)
    }
}

impl OperationWaker {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fire(&self, task: Option<Waker>) {
        if let Some(task) = task {
            task.wake();
        }
        // Stamped after the wake: whoever sees the firing knows that the task has been told.
        let number = self.fires.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        if session::is_recording() {
            self.cell.set(
                operation_now::FIRES,
                self.operation << 32 | u64::from(number),
            );
            emit(&OperationFired {
                operation: self.operation,
                number: number.into(),
            });
        }
    }
}

impl Drop for OperationWaker {
    fn drop(&mut self) {
        self.cell.unshare();
    }
}

impl Wake for OperationWaker {
    fn wake(self: Arc<Self>) {
        // Where others have it too, it may be called again.
        let is_last = Arc::strong_count(&self) <= OWN + 1;
        let task = if is_last {
            self.lock().take()
        } else {
            self.lock().clone()
        };
        self.fire(task);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let task = self.lock().clone();
        self.fire(task);
    }
}
