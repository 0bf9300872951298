//! Operations that have to wait: their own wakers, and what is recorded of them.
//!
//! An operation that can be done at once costs no more than the event of what it did. One that cannot becomes a [`Waiting`]: it gets
//! a number, and a waker of its own, made here on the slow path, so that the trace tells which operation of a task its resource
//! woke, and holds exactly one clone of the task's waker while it waits, so that the clones of others can be counted.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ais_format::event::{
    OperationBegin, OperationEnd, OperationFired, OperationPoll, operation_flag, outcome,
};

use crate::context;
use crate::define;
use crate::record::emit;
use crate::session;

/// What an operation asks for.
pub(crate) struct Request {
    /// An [`ais_format::event::operation_kind`].
    pub(crate) kind: u64,
    /// The resource, or the task for a join.
    pub(crate) target: u64,
    /// The end of the channel that is used.
    pub(crate) handle: u64,
    /// Where in source.
    pub(crate) location: &'static Location<'static>,
}

/// Whether something is polled with a waker that is not the current task's own.
fn foreign_flag(cx: &Context<'_>) -> u64 {
    if cx.waker().data().addr() == context::current().waker {
        0
    } else {
        operation_flag::FOREIGN_WAKER
    }
}

/// Whether something at `address` lies inside the future of the current task.
pub(crate) fn inline_flag(address: usize) -> u64 {
    if context::current().contains(address) {
        operation_flag::INLINE
    } else {
        0
    }
}

/// An operation that waits. Dropping it while it does is recorded as its cancellation.
pub(crate) struct Waiting {
    id: u64,
    polls: u32,
    ended: bool,
    waker: Arc<OperationWaker>,
    /// The same, as it is lent to each poll.
    lent: Waker,
}

struct OperationWaker {
    operation: u64,
    task: Waker,
    fires: AtomicU32,
}

impl OperationWaker {
    fn new(operation: u64, task: &Waker, fires: u32) -> Arc<Self> {
        Arc::new(OperationWaker {
            operation,
            task: task.clone(),
            fires: AtomicU32::new(fires),
        })
    }
}

impl Wake for OperationWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.task.wake_by_ref();
        // Stamped after the wake: whoever sees the firing knows that the task has been told.
        let number = self.fires.fetch_add(1, Ordering::AcqRel) + 1;
        if session::is_recording() {
            emit(&OperationFired {
                operation: self.operation,
                number: number.into(),
            });
        }
    }
}

impl Waiting {
    /// Records that the operation at `address` could not be done at once. To be followed by its first [`Waiting::poll`].
    #[cold]
    pub(crate) fn begin(
        request: &Request,
        flags: u64,
        address: usize,
        cx: &Context<'_>,
    ) -> Waiting {
        let context = context::current();
        let id = session::next_local_id();
        if session::is_recording() {
            emit(&OperationBegin {
                operation: id,
                kind: request.kind,
                target: request.target,
                handle: request.handle,
                location: define::location(request.location),
                future: context.future,
                flags: flags | foreign_flag(cx) | inline_flag(address),
            });
        }
        let waker = OperationWaker::new(id, cx.waker(), 0);
        Waiting {
            id,
            polls: 0,
            ended: false,
            lent: Waker::from(Arc::clone(&waker)),
            waker,
        }
    }

    /// The number of the operation.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Polls what is waited for, with the operation's own waker. The operation now lies at `address`.
    pub(crate) fn poll<T>(
        &mut self,
        address: usize,
        cx: &Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let fires = self.waker.fires.load(Ordering::Acquire);
        if !self.waker.task.will_wake(cx.waker()) {
            self.waker = OperationWaker::new(self.id, cx.waker(), fires);
            self.lent = Waker::from(Arc::clone(&self.waker));
        }
        let result = poll(&mut Context::from_waker(&self.lent));
        self.polls = self.polls.saturating_add(1);
        if result.is_pending() && self.polls > 1 && session::is_recording() {
            emit(&OperationPoll {
                operation: self.id,
                fires: fires.into(),
                flags: foreign_flag(cx) | inline_flag(address),
            });
        }
        result
    }

    /// Records how the operation ended.
    pub(crate) fn end(&mut self, outcome: u64) {
        if !std::mem::replace(&mut self.ended, true) && session::is_recording() {
            emit(&OperationEnd {
                operation: self.id,
                outcome,
            });
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end(if std::thread::panicking() {
            outcome::PANICKED
        } else {
            outcome::DROPPED
        });
    }
}
