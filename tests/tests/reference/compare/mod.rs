//! What a trace's history says, compared with what it must say: all of it, entity by entity.
//!
//! The first difference is told in one line. Names and places in source are left out: stories have none. So are a hold's `exact` and
//! `loose`, which are guesses about programs and not facts of a trace.

mod resources;

use std::collections::BTreeSet;

use ais_analyzer::History;
use ais_analyzer::history::{
    Future, FutureEnd, Operation, Outcome, PollOutcome, SectionKind, Task, TaskState, ThreadId,
    WokenBy,
};
use ais_format::event::{operation_flag, operation_kind, outcome, poll_outcome, section_kind};

use crate::expected::{self, By, Expected, State};
pub(crate) use resources::{is_change, resource, state};

/// Whether they agree; else the first difference.
pub(crate) type Agreement = Result<(), String>;

/// Whether two things are equal; else what they are, in a line.
#[allow(clippy::needless_pass_by_value, reason = "most are numbers")]
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, must: T) -> Agreement {
    if is == must {
        return Ok(());
    }
    let short = |text: String| text.chars().take(300).collect::<String>();
    let (is, must) = (short(format!("{is:?}")), short(format!("{must:?}")));
    Err(format!("{what}: it is said {is}, and was {must}"))
}

/// Everything in a history.
pub(crate) fn history(history: &History, expected: &Expected) -> Agreement {
    let ids = |of: &mut dyn Iterator<Item = u64>| of.collect::<BTreeSet<u64>>();
    macro_rules! all {
        ($list:ident, $compare:expr) => {
            same(
                concat!("which ", stringify!($list), " there are"),
                ids(&mut history.$list.iter().map(|one| one.id.0)),
                ids(&mut expected.$list.keys().copied()),
            )?;
            for (one, must) in history.$list.iter().zip(expected.$list.values()) {
                let told = $compare(one, must);
                told.map_err(|told| format!("{} {}: {told}", stringify!($list), one.id.0))?;
            }
        };
    }
    all!(tasks, task);
    all!(futures, future);
    all!(operations, operation);
    all!(resources, resource);
    sections(history, expected)?;
    for (&thread, &last) in &expected.last {
        let is = history.last_events.get(&ThreadId(thread));
        same("a thread's last event", is.map(|at| at.0), Some(last))?;
    }
    Ok(())
}

/// What a task does.
pub(crate) fn task_state(state: TaskState) -> Option<State> {
    Some(match state {
        TaskState::Running(at) => State::Running(at.0),
        TaskState::Scheduled(at) => State::Scheduled(at.0),
        TaskState::Idle(at) => State::Idle(at.0),
        TaskState::Completed(at) => State::Completed(at.0),
        TaskState::Panicked(at) => State::Panicked(at.0),
        TaskState::Cancelled(at) => State::Cancelled(at.0),
        TaskState::EndedUnseen(_) => return None,
    })
}

/// A poll, as one is expected.
pub(crate) fn poll(poll: &ais_analyzer::history::Poll) -> expected::Poll {
    let outcome = match poll.outcome {
        PollOutcome::Open => None,
        PollOutcome::Pending => Some(poll_outcome::PENDING),
        PollOutcome::Ready => Some(poll_outcome::READY),
        PollOutcome::Panicked => Some(poll_outcome::PANICKED),
    };
    let end = poll.end.zip(outcome);
    expected::Poll {
        number: poll.number,
        thread: poll.thread.0,
        inside: poll.inside.map(|task| task.0),
        begin: poll.begin.0,
        end: end.map(|(at, outcome)| (at.0, outcome, poll.wakers)),
        waker: poll.waker,
        wakes_seen: poll.wakes_seen,
        yields: poll.yields,
    }
}

/// A wake in numbers: when, by which task, on which thread (where that is said), of which waker, which, by which operation.
pub(crate) type WakeRow = (u64, Option<u64>, Option<u64>, u64, u64, Option<u64>);

fn wake(wake: &ais_analyzer::history::Wake) -> WakeRow {
    let (task, thread) = match wake.by {
        WokenBy::Task(task) => (Some(task.0), None),
        WokenBy::Thread(thread) => (None, Some(thread.0)),
    };
    let operation = wake.operation.map(|operation| operation.0);
    (wake.at.0, task, thread, wake.waker, wake.number, operation)
}

fn expected_wake(wake: &expected::Wake) -> WakeRow {
    let thread = wake.by.is_none().then_some(wake.thread);
    (
        wake.at,
        wake.by,
        thread,
        wake.waker,
        wake.number,
        wake.operation,
    )
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all
}

/// Who did it.
pub(crate) fn by(
    task: Option<ais_analyzer::history::TaskId>,
    foreign: Option<ais_analyzer::history::ForeignId>,
) -> By {
    By {
        task: task.map(|task| task.0),
        foreign: foreign.map(|foreign| foreign.0),
    }
}

fn task(task: &Task, must: &expected::Task) -> Agreement {
    same("when it was spawned", task.spawned.0, must.spawned)?;
    let parent = task.spawned_by.map_or(0, |parent| parent.0);
    same("who spawned it", parent, must.new.parent)?;
    same("its size", task.size, must.new.size)?;
    same("its flags", task.flags.0, must.new.flags)?;
    same("whether polls are missing", task.has_gaps, false)?;
    same(
        "how often it was polled",
        task.polls.len(),
        must.polls.len(),
    )?;
    for (is, must) in task.polls.iter().zip(&must.polls) {
        same("a poll", &poll(is), must)?;
    }
    let in_order = task.wakes.is_sorted_by_key(|wake| wake.at);
    same("whether wakes are in the order of time", in_order, true)?;
    let wakes = sorted(task.wakes.iter().map(wake));
    let must_be = sorted(must.wakes.iter().map(expected_wake));
    same("how often it was woken", wakes.len(), must_be.len())?;
    for (is, must) in wakes.into_iter().zip(must_be) {
        same("a wake", is, must)?;
    }
    let aborts = task.aborts.iter();
    same(
        "the requests to cancel it",
        sorted(aborts.map(|abort| (abort.at.0, by(abort.by, abort.foreign)))),
        sorted(must.aborts.iter().copied()),
    )?;
    let gone = task.wakers_gone.iter();
    same(
        "when its wakers went",
        sorted(gone.map(|gone| (gone.at.0, gone.waker))),
        sorted(must.wakers_gone.iter().copied()),
    )?;
    same(
        "when it was dropped",
        task.dropped.map(|at| at.0),
        must.dropped,
    )?;
    same("its state", task_state(task.state()), Some(must.state()))
}

fn future(future: &Future, must: &expected::Future) -> Agreement {
    same("its function", future.function.0, must.function)?;
    same("its task", future.task.map(|task| task.0), must.task)?;
    let parent = future.parent.map_or(0, |parent| parent.0);
    same("its parent", parent, must.parent)?;
    same("when it was made", future.made.0, must.made)?;
    same("when it began", future.begun.map(|at| at.0), must.begun)?;
    let visits = future.awaits.iter().map(|visit| expected::Visit {
        point: visit.point as u64,
        entered: visit.entered.0,
        left: visit.left.map(|at| (at.0, visit.dropped)),
    });
    let visits: Vec<expected::Visit> = visits.collect();
    same("how many await points", visits.len(), must.visits.len())?;
    for (is, must) in visits.iter().zip(&must.visits) {
        same("an await point", is, must)?;
    }
    let ended = future.ended.map(|(at, how)| (at.0, future_end(how)));
    let must_end = must.ended.map(|(at, how)| (at, Some(how)));
    same("how it ended", ended, must_end)
}

/// How a future ended, as an `outcome`.
pub(crate) fn future_end(how: FutureEnd) -> Option<u64> {
    Some(match how {
        FutureEnd::Returned => outcome::READY,
        FutureEnd::Dropped => outcome::DROPPED,
        FutureEnd::Panicked => outcome::PANICKED,
        FutureEnd::NeverPolled => outcome::NEVER_POLLED,
        FutureEnd::Unseen => return None,
    })
}

/// How an operation ended, as an `outcome`.
pub(crate) fn outcome_of(how: Outcome) -> Option<u64> {
    Some(match how {
        Outcome::Ready => outcome::READY,
        Outcome::Dropped => outcome::DROPPED,
        Outcome::Panicked => outcome::PANICKED,
        Outcome::NeverPolled => outcome::NEVER_POLLED,
        Outcome::Closed => outcome::CLOSED,
        Outcome::Unseen => return None,
    })
}

/// The flags of an operation that each of its polls tells anew.
const OF_A_POLL: u64 =
    operation_flag::INLINE | operation_flag::FOREIGN_WAKER | operation_flag::NO_BUDGET;

fn operation(operation: &Operation, must: &expected::Operation) -> Agreement {
    let begin = must.begin;
    same("its kind", is_kind(operation, must), true)?;
    same("its units", operation.units, begin.units)?;
    let future = operation.future.map_or(0, |future| future.0);
    same("its future", future, begin.future)?;
    same("its place", operation.sequence, begin.sequence)?;
    same("its overlap", operation.overlap, begin.overlap)?;
    same("when it began", operation.begun.0, must.polls[0].at)?;
    let told = begin.flags & !OF_A_POLL;
    let flags = |poll: &expected::OperationPoll| poll.flags & OF_A_POLL | told;
    // They are listed by time, and in one nanosecond they can be alike.
    let mut polls: Vec<_> = must
        .polls
        .iter()
        .map(|poll| (poll.at, poll.by.task, flags(poll), poll.fires))
        .collect();
    polls.sort_by_key(|poll| poll.0);
    let is: Vec<_> = operation
        .polls
        .iter()
        .map(|poll| {
            let task = poll.task.map(|task| task.0);
            (poll.at.0, task, poll.flags.0, poll.fires_seen)
        })
        .collect();
    same("its polls", is, polls)?;
    let last = must.polls[must.polls.len() - 1];
    let who = by(operation.task, operation.foreign);
    same("who waits", who, last.by)?;
    same("its flags", operation.flags.0, flags(&last))?;
    let is_polled = begin.kind != operation_kind::NOTIFIED || must.polls.len() > 1;
    same("whether it was polled", operation.is_polled, is_polled)?;
    let firings = operation.firings.iter();
    same(
        "its firings",
        firings.map(|firing| (firing.at.0, firing.number)).collect(),
        must.firings.clone(),
    )?;
    let deadline = must.timer.filter(|_| operation.kind.is_timer());
    same(
        "its deadline",
        operation.deadline.map(|at| at.0),
        deadline.map(|(at, delay)| at + delay),
    )?;
    same(
        "how it ended",
        operation.ended.map(|(at, how)| (at.0, outcome_of(how))),
        must.ended.map(|(at, how)| (at, Some(how))),
    )
}

fn is_kind(operation: &Operation, must: &expected::Operation) -> bool {
    let begin = must.begin;
    let resource = operation.kind.resource().map_or(0, |resource| resource.0);
    let handle = operation.kind.handle().map(|(_, handle)| handle);
    let call = operation.kind.call(begin.units);
    let is_its = match begin.kind {
        operation_kind::JOIN => {
            operation.kind
                == ais_analyzer::history::OperationKind::Join(ais_analyzer::history::TaskId(
                    begin.target,
                ))
        }
        _ => resource == begin.target,
    };
    is_its && handle.is_none_or(|handle| handle == begin.handle) && !call.is_empty()
}

fn sections(history: &History, expected: &Expected) -> Agreement {
    let is = history.sections.iter().map(|section| expected::Section {
        thread: section.thread.0,
        begun: section.begun.0,
        kind: match section.kind {
            SectionKind::BlockInPlace => section_kind::BLOCK_IN_PLACE,
            SectionKind::Borrow => section_kind::BORROW,
            SectionKind::Shutdown => section_kind::SHUTDOWN,
            SectionKind::Unknown => 0,
        },
        resource: section.resource.map_or(0, |resource| resource.0),
        by: by(section.task, section.foreign),
        ended: section.ended.map(|at| at.0),
    });
    let mut must = expected.sections.clone();
    must.sort_by_key(|section| (section.thread, section.begun));
    same("the sections of threads", is.collect(), must)
}
