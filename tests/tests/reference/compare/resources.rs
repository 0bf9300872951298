//! Resources: their changes one by one, and what they are like.

use std::collections::BTreeSet;

use ais_analyzer::history::{
    ChangeKind, HandleSide, NotifyMode, Resource, ResourceKind, ResourceState, TaskId,
};
use ais_format::event::{handle_end, notify_mode, operation_flag, send_flag};

use super::{Agreement, by, outcome_of, same};
use crate::expected;
use crate::model::Act;

/// Everything of a resource.
pub(crate) fn resource(resource: &Resource, must: &expected::Resource) -> Agreement {
    let kind = ResourceKind::from_number(must.new.kind);
    same("its kind", resource.kind, kind)?;
    same("its capacity", resource.capacity, must.new.capacity)?;
    same("when it was made", resource.made().0, must.made)?;
    let made_by = resource.created_by.map(|task| task.0);
    same("who made it", made_by, must.made_by)?;
    let dropped = resource.dropped.map(|at| at.0);
    same("when it was dropped", dropped, must.dropped)?;
    same("whether it is late", resource.late, must.is_late())?;
    let is_uncertain = must.is_late() || must.is_escaped;
    same("whether it is uncertain", resource.uncertain, is_uncertain)?;
    same(
        "how often it changed",
        resource.changes.len(),
        must.changes.len(),
    )?;
    for (is, must) in resource.changes.iter().zip(&must.changes) {
        same("a change's number", is.sequence, must.sequence)?;
        same("a change's time", is.at.0, must.at)?;
        same("who changed it", by(is.by, is.foreign), must.by)?;
        if !is_change(&is.kind, must) {
            return same(
                "a change",
                format!("{:?}", is.kind),
                format!("{:?}", must.act),
            );
        }
    }
    if must.is_late() {
        return Ok(());
    }
    state(&resource.at_end, must)
}

/// Whether a change is this one.
pub(crate) fn is_change(is: &ChangeKind, must: &expected::Change) -> bool {
    match (is, must.act) {
        (ChangeKind::Acquired(hold), Act::Acquire(row)) => {
            hold.number == row.sequence
                && hold.units == row.units
                && by(hold.task, hold.foreign) == must.by
                && hold.since.0 == must.at
                && hold.future.map_or(0, |future| future.0) == row.future
                && hold.operation.map_or(0, |operation| operation.0) == row.operation
        }
        (&ChangeKind::Released { hold, units }, Act::Release(row)) => {
            (hold, units) == (row.hold, row.units)
        }
        (&ChangeKind::Split { hold, units }, Act::HoldSplit(row)) => {
            (hold, units) == (row.hold, row.units)
        }
        (&ChangeKind::Merged { hold, gone }, Act::HoldMerge(row)) => {
            (hold, gone) == (row.hold, row.gone)
        }
        (&ChangeKind::Forgotten { hold, units }, Act::Forget(row)) => {
            (hold, units) == (row.hold, row.units)
        }
        (&ChangeKind::Added { units, .. }, Act::Add(row)) => units == row.units,
        (&ChangeKind::Sent { handle, can_hold }, Act::Send(row)) => {
            handle == row.handle && can_hold == (row.flags & send_flag::CAN_HOLD != 0)
        }
        (ChangeKind::SendFailed, Act::SendFailed(_))
        | (ChangeKind::Closed, Act::Close(_))
        | (ChangeKind::Arrived(_), Act::Arrive(_))
        | (ChangeKind::Escaped, Act::Escape(_)) => true,
        (&ChangeKind::Received { handle, messages }, Act::Receive(row)) => {
            (handle, messages) == (row.handle, row.messages)
        }
        (&ChangeKind::Lagged { handle, messages }, Act::Lag(row)) => {
            (handle, messages) == (row.handle, row.messages)
        }
        (&ChangeKind::HandleNew(handle, side), Act::HandleNew(row)) => {
            let is_receiver = side == HandleSide::Receiver;
            handle == row.handle && is_receiver == (row.end == handle_end::RECEIVER)
        }
        (&ChangeKind::HandleDropped(handle), Act::HandleDrop(row)) => handle == row.handle,
        (ChangeKind::Notified { mode, .. }, Act::Notify(row)) => matches!(
            (mode, row.mode),
            (NotifyMode::One, notify_mode::ONE)
                | (NotifyMode::Last, notify_mode::LAST)
                | (NotifyMode::Waiters, notify_mode::WAITERS)
                | (NotifyMode::Set, notify_mode::SET)
        ),
        (&ChangeKind::MemberNew(task), Act::MemberNew(row)) => task.0 == row.task,
        (&ChangeKind::MemberGone(task), Act::MemberGone(row)) => {
            task.map_or(0, |task| task.0) == row.task
        }
        (
            &ChangeKind::Began {
                operation,
                units,
                overlap,
                is_queued,
            },
            Act::OperationBegin(row),
        ) => {
            let has_budget = row.flags & operation_flag::NO_BUDGET == 0;
            (operation.0, units, overlap) == (row.operation, row.units, row.overlap)
                && is_queued == has_budget
        }
        (&ChangeKind::Ended { operation, outcome }, Act::OperationEnd(row)) => {
            operation.0 == row.operation && outcome_of(outcome) == Some(row.outcome)
        }
        _ => false,
    }
}

/// Who holds it, and how much is free.
pub(crate) fn holders(state: &ResourceState, must: &expected::Resource) -> Agreement {
    let is = state.holds.iter().map(|hold| {
        let (future, operation) = (hold.future, hold.operation);
        (
            (hold.number, hold.units, by(hold.task, hold.foreign)),
            future.map_or(0, |future| future.0),
            operation.map_or(0, |operation| operation.0),
            hold.since.0,
        )
    });
    let must_be = must.holds.iter().map(|hold| {
        (
            (hold.number, hold.units, hold.by),
            hold.future,
            hold.operation,
            hold.since,
        )
    });
    let (is, must_be): (Vec<_>, Vec<_>) = (is.collect(), must_be.collect());
    same("its holders", is, must_be)?;
    same("its units", state.units, must.units)
}

/// What it is like.
pub(crate) fn state(state: &ResourceState, must: &expected::Resource) -> Agreement {
    holders(state, must)?;
    same(
        "its queue",
        state
            .queue
            .iter()
            .map(|queued| (queued.operation.0, queued.units, queued.sequence))
            .collect::<Vec<_>>(),
        must.queue
            .iter()
            .map(|begin| (begin.operation, begin.units, begin.sequence))
            .collect(),
    )?;
    same("its messages", state.messages, must.messages)?;
    let numbers = |users: &mut dyn Iterator<Item = Option<TaskId>>| {
        users
            .map(|user| user.map(|task| task.0))
            .collect::<BTreeSet<_>>()
    };
    let handles = state.handles.iter().map(|end| expected::Handle {
        number: end.number,
        is_receiver: end.side == HandleSide::Receiver,
        made: end.made.0,
        made_by: end.made_by.map(|task| task.0),
        users: numbers(&mut end.users.iter().copied()),
        unseen: end.unseen,
    });
    same("its ends", handles.collect(), must.handles.clone())?;
    let users = numbers(&mut state.users.iter().copied());
    same("who uses it", &users, &must.users)?;
    let signallers = numbers(&mut state.signallers.iter().copied());
    same("who signals through it", &signallers, &must.signallers)?;
    let members: BTreeSet<u64> = state.members.iter().map(|task| task.0).collect();
    same("its members", &members, &must.members)?;
    same("how many arrived", state.arrivals, must.arrivals)?;
    same("whether it is closed", state.is_closed, must.is_closed)?;
    same("whether it is set", state.is_set, must.is_set)?;
    same("whether it is unwrapped", state.is_escaped, must.is_escaped)?;
    same("whether it contradicts itself", state.contradiction, None)
}
