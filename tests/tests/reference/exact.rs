//! Traces of which nothing is missing: what is rebuilt is what happened, at the end and at any moment.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ais_analyzer::history::{self, Replay, TaskId};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Ending, Trace};
use ais_tests::profile::counts_what_happened;

use crate::compare::{self, Agreement, same};
use crate::expected::{Expected, Task, expected};
use crate::layout::{Layout, Written, write};
use crate::model::{Moment, Story};
use crate::simulate::simulate;
use crate::{read, try_all};

/// At so many moments of each program it is looked at what was the case.
const MOMENTS: usize = 5;

/// The kinds of events, but those that only a keyframe has.
const ACTS: usize = 42;

/// What the trace says of itself as a whole.
fn whole(trace: &Trace, written: &Written, ending: Ending) -> Agreement {
    let history = &trace.history;
    same("how it ended", trace.source.ending, ending)?;
    same("when it ended", history.end, Nanos(written.end))?;
    same(
        "until when it is known",
        history.recorded_until,
        history.end,
    )?;
    same("whether it has a cut", history.has_cut, true)?;
    same("how many events it has", history.events, written.events)?;
    same("whether something is lost", history.loss.is_gap(), false)?;
    same("what is said of losses", history.loss.notes.len(), 0)?;
    same("whether it begins late", history.begins_late, false)
}

/// What was the case at a moment, as the history of the whole trace tells it.
fn at(trace: &Trace, moment: Moment, must: &Expected) -> Agreement {
    let at = Nanos(moment.at);
    for task in &trace.history.tasks {
        let expected = must.tasks.get(&task.id.0);
        let (is, must) = (task.state_at(at), expected.map(Task::state));
        same("a task's state", is.and_then(compare::task_state), must)?;
    }
    for operation in &trace.history.operations {
        let expected = must.operations.get(&operation.id.0);
        let fired = expected.map_or(0, |must| must.firings.len() as u64);
        same("how often it fired", operation.fires_before(at), fired)?;
        let polled = expected.and_then(|must| must.polls.iter().map(|poll| poll.at).max());
        let last = operation.as_of(at).map(|poll| poll.at.0);
        same("when it was last polled", last, polled)?;
    }
    for resource in &trace.history.resources {
        let state = Replay::new(resource).advance(at).clone();
        match must.resources.get(&resource.id.0) {
            Some(must) if must.is_late() => {}
            Some(must) => compare::state(&state, must)
                .map_err(|told| format!("resource {}: {told}", resource.id.0))?,
            None => same("its users before it was made", state.users.len(), 0)?,
        }
    }
    Ok(())
}

fn moments(trace: &Trace, story: &Story, known: usize) -> Agreement {
    let moments: Vec<&Moment> = story
        .moments
        .iter()
        .filter(|it| it.events <= known)
        .collect();
    for moment in moments.iter().step_by(moments.len().div_ceil(MOMENTS)) {
        let then = expected(&story.events[..moment.events]);
        at(trace, **moment, &then).map_err(|told| format!("at {}: {told}", moment.at))?;
        let until = trace
            .history_until(Nanos(moment.at))
            .map_err(|error| error.to_string())?;
        compare_until(&until, &then).map_err(|told| format!("until {}: {told}", moment.at))?;
    }
    Ok(())
}

/// The history up to a moment. Who waits, and how, is all that there was then.
fn compare_until(until: &ais_analyzer::History, must: &Expected) -> Agreement {
    for (&id, task) in &must.tasks {
        let is = until.task(TaskId(id)).map(history::Task::state);
        same(
            "a task's state",
            is.and_then(compare::task_state),
            Some(task.state()),
        )?;
    }
    // The last event of a thread is that of the whole trace.
    let mut until_then = must.clone();
    until_then.last.clear();
    compare::history(until, &until_then)
}

fn is_rebuilt(layout: Layout, ending: Ending) {
    try_all(500, |program, seed| {
        let story = simulate(program);
        let written = write(&story, Layout { seed, ..layout });
        let trace = read(written.bytes()).map_err(|error| error.to_string())?;
        whole(&trace, &written, ending)?;
        let must = expected(&story.events[..written.known]);
        compare::history(&trace.history, &must)?;
        // What it counts goes by the clocks, save for polls.
        if program.jitter == 0 {
            counts_what_happened(&trace);
        }
        moments(&trace, &story, written.known)
    });
}

/// So much of everything happens in the programs of one test that what is compared is not nothing.
#[test]
fn programs_do_everything() {
    let counts = RefCell::new(BTreeMap::new());
    try_all(200, |program, _| {
        for event in simulate(program).events {
            *counts.borrow_mut().entry(event.act.name()).or_insert(0) += 1;
        }
        Ok(())
    });
    println!("{counts:?}");
    let counts = counts.into_inner();
    assert_eq!(counts.len(), ACTS, "kinds of events: {counts:?}");
    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < 10).collect();
    assert!(rare.is_empty(), "too rare: {rare:?}");
}

#[test]
fn what_a_whole_trace_tells_is_what_happened() {
    is_rebuilt(Layout::default(), Ending::Finished);
}

#[test]
fn what_a_killed_program_did_is_known_up_to_the_last_cut() {
    let layout = Layout {
        is_killed: true,
        ..Layout::default()
    };
    is_rebuilt(layout, Ending::Unknown);
}

#[test]
fn what_is_told_again_in_later_generations_changes_nothing() {
    let layout = Layout {
        generations: 50,
        ..Layout::default()
    };
    is_rebuilt(layout, Ending::Finished);
}
