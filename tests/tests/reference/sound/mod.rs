//! What is said of a trace that has lost something, compared with what happened: nothing in it may be wrong.
//!
//! Less may be said than happened, and that something has not ended yet may be said of what has. But what is told of a poll, a wake, a change
//! is as it was; what is said to have ended has, then and so; and a resource that is not called uncertain was, after its last change that
//! is known, as it is said to be.

mod resources;

use ais_analyzer::History;
use ais_analyzer::history::{
    Future, FutureEnd, Operation, Poll, PollOutcome, Section, SectionKind, Task, TaskId, TaskState,
    WokenBy,
};
use ais_analyzer::time::Nanos;
use ais_format::event::section_kind;

use crate::compare::{self, Agreement, same};
use crate::expected::{self, By, Expected};

/// What is said where nothing is told wrongly though something may be missing. What a keyframe tells is told at the moment
/// `told`, and was so before that or while it was told; how resources were meanwhile cannot be told from outside, and is not looked at.
pub(crate) fn history(history: &History, happened: &Expected, told: Option<Nanos>) -> Agreement {
    let is_told = |at: Nanos| Some(at) == told;
    macro_rules! all {
        ($list:ident, $check:expr) => {
            for one in &history.$list {
                let what = format!("{} {}", stringify!($list), one.id.0);
                let Some(must) = happened.$list.get(&one.id.0) else {
                    return Err(format!("{what}: there is none"));
                };
                $check(one, must).map_err(|told| format!("{what}: {told}"))?;
            }
        };
    }
    all!(tasks, |one, must| task(one, must, &is_told));
    all!(futures, future);
    if told.is_none() {
        all!(operations, operation);
        all!(resources, resources::resource);
    }
    history
        .sections
        .iter()
        .try_for_each(|it| section(it, happened))
}

/// What is said must be so; nothing need be said.
fn known<T: PartialEq + std::fmt::Debug>(what: &str, is: Option<T>, must: Option<T>) -> Agreement {
    is.map_or(Ok(()), |is| same(what, Some(is), must))
}

/// Where who did it is not said, it may have been anybody.
fn by(is: By, must: By) -> Agreement {
    known("who did it", is.task, must.task)?;
    known("which unrecorded task did it", is.foreign, must.foreign)
}

fn task(task: &Task, must: &expected::Task, is_told: &impl Fn(Nanos) -> bool) -> Agreement {
    let parent = (must.new.parent != 0).then_some(TaskId(must.new.parent));
    known("who spawned it", task.spawned_by, parent)?;
    known(
        "when it was dropped",
        task.dropped.map(|at| at.0),
        must.dropped,
    )?;
    if let Some(unseen) = task.ended_unseen {
        let is_so = must.ended().is_some_and(|ended| ended <= unseen.0);
        same("whether it had ended unseen", true, is_so)?;
    }
    match task.state() {
        TaskState::Running(_)
        | TaskState::Scheduled(_)
        | TaskState::Idle(_)
        | TaskState::EndedUnseen(_) => {}
        // That it panicked before that is lost.
        TaskState::Cancelled(at) if !crate::all_shapes() => {
            same("when it was dropped", Some(at.0), must.dropped)?;
        }
        ended => same("its end", compare::task_state(ended), Some(must.state()))?,
    }
    polls(task, must)?;
    for wake in &task.wakes {
        let is_at = |at: u64| at == wake.at.0 || is_told(wake.at);
        let is_it = |it: &&expected::Wake| {
            is_at(it.at) && (it.waker, it.number) == (wake.waker, wake.number)
        };
        let Some(must) = must.wakes.iter().find(is_it) else {
            return Err(format!("it was not woken at {}", wake.at.0));
        };
        match wake.by {
            _ if is_told(wake.at) => {}
            WokenBy::Task(task) => same("who woke it", Some(task.0), must.by)?,
            WokenBy::Thread(thread) => same("where it was woken", thread.0, must.thread)?,
        }
        let operation = wake.operation.map(|operation| operation.0);
        known("which operation woke it", operation, must.operation)?;
    }
    for abort in &task.aborts {
        // By clocks that do not agree, two may have aborted it at the same time.
        let who = compare::by(abort.by, abort.foreign);
        let mut then = must.aborts.iter().filter(|(at, _)| *at == abort.at.0);
        if !then.any(|(_, must)| by(who, *must).is_ok()) {
            return Err(format!("it was not aborted at {} by {who:?}", abort.at.0));
        }
    }
    let is_gone = |gone: &ais_analyzer::history::WakersGone| {
        must.wakers_gone.contains(&(gone.at.0, gone.waker))
    };
    same(
        "whether its wakers went",
        task.wakers_gone.iter().all(is_gone),
        true,
    )
}

fn polls(task: &Task, must: &expected::Task) -> Agreement {
    let mut places = Vec::new();
    for (i, poll) in task.polls.iter().enumerate() {
        let is_it = |it: &expected::Poll| it.number == poll.number;
        let Some(place) = must.polls.iter().position(is_it) else {
            return Err(format!("it was not polled the {}th time", poll.number));
        };
        let told = known_poll(poll, &must.polls[place], task, i);
        told.map_err(|told| format!("poll {}: {told}", poll.number))?;
        places.push(place);
    }
    let in_order = places.is_sorted_by(|a, b| a < b);
    same("whether polls are in their order", in_order, true)?;
    if !task.has_gaps {
        let is_next = |pair: &[usize]| pair[1] == pair[0] + 1;
        let all = places.windows(2).all(is_next);
        same("whether polls are missing", true, all)?;
        let begins = task.late || places.first().is_none_or(|&first| first == 0);
        same(
            "whether its first polls are missing",
            true,
            begins || !crate::all_shapes(),
        )?;
    }
    Ok(())
}

fn known_poll(poll: &Poll, must: &expected::Poll, task: &Task, index: usize) -> Agreement {
    let is = compare::poll(poll);
    // A keyframe tells neither on which thread a poll was nor when it ended.
    let is_told = is.thread == 0;
    if !is_told {
        same("its thread", is.thread, must.thread)?;
    }
    same("its begin", is.begin, must.begin)?;
    same("its waker", is.waker, must.waker)?;
    same("the wakes that it saw", is.wakes_seen, must.wakes_seen)?;
    known("what is around it", is.inside, must.inside)?;
    same(
        "whether it gave way so often",
        is.yields <= must.yields,
        true,
    )?;
    let next = task.polls.get(index + 1);
    let is_closed = next.is_some_and(|next| poll.end == Some(next.begin.max(poll.begin)));
    if is_closed && task.has_gaps && poll.outcome == PollOutcome::Pending {
        // Its end is lost, but it had one.
        let outcome = must.end.map(|(_, outcome, _)| outcome);
        return same(
            "its outcome",
            is.end.map(|(_, outcome, _)| outcome),
            outcome,
        );
    }
    let must = must.end.map(|(at, outcome, wakers)| {
        let is_at_begin = is_told && is.end.is_some_and(|(end, ..)| end == is.begin);
        (if is_at_begin { is.begin } else { at }, outcome, wakers)
    });
    known("its end", is.end, must)
}

fn future(future: &Future, must: &expected::Future) -> Agreement {
    known("its task", future.task.map(|task| task.0), must.task)?;
    known("when it began", future.begun.map(|at| at.0), must.begun)?;
    if future.begun.is_some() {
        let parent = future.parent.map_or(0, |parent| parent.0);
        same("its parent", parent, must.parent)?;
        same("its function", future.function.0, must.function)?;
    }
    for visit in &future.awaits {
        let is_it =
            |it: &&expected::Visit| (it.point, it.entered) == (visit.point as u64, visit.entered.0);
        let Some(must) = must.visits.iter().find(is_it) else {
            return Err(format!(
                "it was not at an await point at {}",
                visit.entered.0
            ));
        };
        if crate::all_shapes() {
            let left = visit.left.map(|at| (at.0, visit.dropped));
            known("when it left an await point", left, must.left)?;
        }
    }
    if let Some((at, how)) = future.ended
        && how != FutureEnd::Unseen
    {
        same("when it ended", Some(at.0), must.ended.map(|(at, _)| at))?;
        if crate::all_shapes() {
            let how = compare::future_end(how);
            same("how it ended", how, must.ended.map(|(_, how)| how))?;
        }
    }
    Ok(())
}

fn operation(operation: &Operation, must: &expected::Operation) -> Agreement {
    for poll in &operation.polls {
        let Some(must) = must.polls.iter().find(|it| it.at == poll.at.0) else {
            return Err(format!("it was not polled at {}", poll.at.0));
        };
        same("how often it had fired", poll.fires_seen, must.fires)?;
        known("who polled it", poll.task.map(|task| task.0), must.by.task)?;
    }
    for firing in &operation.firings {
        let is_it = must.firings.contains(&(firing.at.0, firing.number));
        same("whether it fired", true, is_it)?;
    }
    let ended = operation.ended;
    let told = ended.and_then(|(at, how)| Some((at.0, compare::outcome_of(how)?)));
    known("how it ended", told, must.ended)
}

fn section(section: &Section, happened: &Expected) -> Agreement {
    let is_it =
        |it: &&expected::Section| (it.thread, it.begun) == (section.thread.0, section.begun.0);
    let Some(must) = happened.sections.iter().find(is_it) else {
        return Err(format!("no section began at {}", section.begun.0));
    };
    let kind = match section.kind {
        SectionKind::BlockInPlace => section_kind::BLOCK_IN_PLACE,
        SectionKind::Borrow => section_kind::BORROW,
        _ => 0,
    };
    same("a section's kind", kind, must.kind)?;
    by(compare::by(section.task, section.foreign), must.by)?;
    known("a section's end", section.ended.map(|at| at.0), must.ended)
}
