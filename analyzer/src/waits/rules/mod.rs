//! What each kind of wait needs: one rule a kind of resource, as `Needs`.
//!
//! A rule may say that a wait can end though it cannot: then something is missed. It must never say that it cannot end where it can.

mod channels;
mod executors;
mod places;
mod signals;
mod tasks;
mod units;

use super::moment::{Moment, Pending};
use super::needs::{Elsewhere, Link, Needs, Place};
use crate::history::{OperationKind, ResourceKind, TaskId};

pub(super) use executors::Asked;
pub(super) use tasks::TaskNeeds;
pub(super) use units::Kept;

impl Moment<'_, '_> {
    /// What an operation of `waiter` needs from others.
    fn needs_of_operation(&self, pending: &Pending<'_>, waiter: TaskId) -> Needs {
        let operation = pending.operation;
        // Without budget it may not even be in the queue, and its task was told to come again.
        if pending.flags.had_no_budget() {
            return Needs::Nothing;
        }
        // Nobody sees whether it is still waited for.
        if pending.flags.is_no_drop() && !self.is_of_handle(pending) {
            return Needs::Nothing;
        }
        match operation.kind {
            OperationKind::Lock(id) => self.needs_lock(id, ResourceKind::Mutex, pending),
            OperationKind::Read(id) | OperationKind::Write(id) => {
                self.needs_lock(id, ResourceKind::RwLock, pending)
            }
            OperationKind::Acquire(id) => self.needs_permits(id, pending),
            OperationKind::Send(id, _) if self.is_watch(id) => self.needs_no_borrow(id),
            OperationKind::Send(id, _) | OperationKind::Reserve(id, _) => {
                self.needs_room(id, operation.units.max(1), pending, waiter)
            }
            OperationKind::Receive(id, handle) | OperationKind::Changed(id, handle) => {
                self.needs_message(id, handle, waiter)
            }
            OperationKind::Closed(id, _) => self.needs_closed(id, waiter),
            OperationKind::Notified(id) => self.needs_notice(id, pending, waiter),
            OperationKind::Barrier(id) => self.needs_arrivals(id, waiter),
            OperationKind::Init(id) => self.needs_value(id),
            OperationKind::Join(id) => self.needs_end_of(id),
            OperationKind::JoinNext(id) => self.needs_end_of_one_of(id),
            OperationKind::Sleep | OperationKind::Timeout | OperationKind::Tick => {
                self.needs_time(waiter)
            }
            OperationKind::Set(id) => self.needs_setting(id, waiter),
            OperationKind::Unknown => Needs::Nothing,
        }
    }

    /// Whether an operation is polled through a handle that is good for it alone, and keeps a waker as long as it lives: that of a task, or
    /// the receiver of an answer. Such a one can only add a way to go on: a task that is stuck in spite of it is stuck.
    fn is_of_handle(&self, pending: &Pending<'_>) -> bool {
        match pending.operation.kind {
            OperationKind::Join(_) => true,
            OperationKind::Receive(id, _) => self
                .resource(id)
                .is_some_and(|channel| channel.kind == ResourceKind::Oneshot),
            _ => false,
        }
    }

    /// A task must end.
    fn needs_end_of(&self, id: TaskId) -> Needs {
        if self.is_live(id) {
            Needs::One(vec![end_of(id)])
        } else {
            Needs::Nothing
        }
    }
}

/// The end of a task: nobody else can bring it about.
fn end_of(task: TaskId) -> Place {
    Place {
        named: vec![(task, Link::Ends)],
        handed: Vec::new(),
        elsewhere: Elsewhere::No,
    }
}
