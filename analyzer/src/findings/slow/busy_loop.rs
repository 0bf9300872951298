//! Tasks that are polled over and over though nothing has happened.
//!
//! A *turn* is a short poll whose only cause lies in the task itself: it called its own waker in the poll before, and of this one came
//! nothing that is recorded (no operation became ready, nothing was sent, received, taken or given back, no await point was left). A wake
//! by another task, through an operation, or from a thread outside of any poll (I/O that is not recorded) is a cause. So is the wish to
//! give way (`yield_now`) unless [`Thresholds::busy_yields`] says otherwise. A turn without a wake of its own is one that ended because the
//! task had used up its budget while it asked a closed channel for more; what else it did with that is not known, so it is only possible,
//! and that it got past await points in doing so says nothing.
//!
//! The other way to spin is not to return at all: one operation is polled again and again in a single poll of its task. In a poll a task
//! has no budget for a thousand things that are ready, so nothing else can have been; still it may compute in between, and is only possible.

use std::collections::HashMap;

use super::doings::{Doing, Doings};
use super::{Class, Instance, TaskKind, Thresholds, classes, confidence, fact, finding};
use crate::findings::{Fact, Finding, Kind};
use crate::history::{
    History, Operation, OperationKind, Poll, Task, TaskId, TaskState, Wake, WokenBy,
};
use crate::number::{counted, grouped};
use crate::report::place_of;
use crate::time::Nanos;

/// Among so many turns there may be one poll that had a cause: a ticker beside a loop that spins does not make it useful.
const CAUSES: u64 = 50;

/// A turn in which a closed channel is asked for as long as the budget lasts takes so many times as long as another one.
const BUDGET: u64 = 5;

/// So many of the last polls of a task need not have been turns any more: where a program ends, its threads are interrupted.
const NEAR_THE_END: usize = 4;

/// A stretch of turns.
#[derive(Clone, Copy)]
struct Spin<'a> {
    task: &'a Task,
    from: Nanos,
    to: Nanos,
    turns: u64,
    /// Polls in between that had a cause.
    caused: u64,
    /// The time of all its polls.
    busy: Nanos,
    /// What it did with its budget, but for asking a closed channel, is not known.
    asks: bool,
    /// The index of the poll that was the last turn.
    last: usize,
    /// The operation that is polled again and again within one poll.
    operation: Option<&'a Operation>,
    /// It goes on at the end of the history.
    is_open: bool,
}

impl Instance for Spin<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        self.to
    }

    fn long(&self) -> Nanos {
        self.to.since(self.from)
    }

    fn weight(&self) -> (bool, Nanos) {
        (self.is_open, self.long())
    }
}

pub(super) fn busy_loops(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let rules = Rules {
        history,
        thresholds,
    };
    let candidates: Vec<&Task> = history
        .tasks
        .iter()
        .filter(|task| !task.has_gaps && task.polls.len() as u64 >= thresholds.busy_turns)
        .filter(|task| !rules.spins(task, None).is_empty())
        .collect();
    let within: Vec<Spin<'_>> = history
        .operations
        .iter()
        .filter(|operation| operation.polls.len() as u64 >= thresholds.busy_turns)
        .filter_map(|operation| rules.spin_within_a_poll(operation))
        .collect();
    let all = |task: &Task| (task.id, (Nanos(0), history.end));
    let windows: HashMap<_, _> = candidates
        .iter()
        .copied()
        .chain(within.iter().map(|spin| spin.task))
        .map(all)
        .collect();
    let doings = Doings::within(history, windows);
    let over_polls = candidates
        .into_iter()
        .flat_map(|task| rules.spins(task, Some(doings.of(task.id))));
    let within = within.into_iter().filter(|spin| {
        between(doings.of(spin.task.id), spin.from, spin.to)
            .iter()
            .all(|doing| !doing.is_progress())
    });
    let found = over_polls.chain(within).map(|spin| {
        let place = spin
            .operation
            .and_then(|operation| operation.location.clone());
        ((TaskKind::of(spin.task), place), spin)
    });
    classes(history, found)
        .iter()
        .map(|class| one(history, thresholds, &doings, class))
        .collect()
}

/// Why a poll took place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The task woke itself, and that is all there was.
    Itself,
    /// It did, but something else happened as well.
    Also,
    /// Something happened.
    Other,
}

struct Rules<'a> {
    history: &'a History,
    thresholds: &'a Thresholds,
}

impl<'a> Rules<'a> {
    /// The stretches of turns of a task that did this; where that was not looked for yet, those that there are at most.
    fn spins(&self, task: &'a Task, doings: Option<&[Doing<'_>]>) -> Vec<Spin<'a>> {
        let mut spins = Vec::new();
        let mut spin: Option<Spin<'_>> = None;
        let mut wakes = &task.wakes[..];
        let at_most = doings.is_none();
        let mut doings = doings.unwrap_or_default();
        let mut was_out_of_budget = false;
        let mut before: Option<&Poll> = None;
        for (index, poll) in task.polls.iter().enumerate() {
            let end = poll.end.unwrap_or(self.history.end);
            let woken = split_before(&mut wakes, |wake| wake.at <= poll.begin);
            let done = split_before(&mut doings, |doing| doing.at <= end);
            let asks = at_most || was_out_of_budget && done.iter().any(Doing::is_closed);
            let cause = before.map_or(Cause::Other, |before| {
                self.cause(task, before, woken, done, asks)
            });
            was_out_of_budget = done.iter().any(Doing::is_out_of_budget);
            before = Some(poll);
            // One that was interrupted for long, or worked, is none.
            let long = end.since(poll.begin);
            let is_short = long.0 <= self.thresholds.busy_turn.0.saturating_mul(CAUSES);
            match (cause, &mut spin) {
                (Cause::Itself, Some(spin)) if is_short => {
                    spin.turns += 1;
                    spin.to = end;
                    spin.last = index;
                    spin.asks |= asks;
                    spin.busy.0 += long.0;
                }
                (Cause::Itself, None) if is_short => {
                    spin = Some(Spin {
                        task,
                        from: poll.begin,
                        to: end,
                        turns: 1,
                        caused: 0,
                        busy: long,
                        last: index,
                        asks,
                        operation: None,
                        is_open: false,
                    });
                }
                (Cause::Itself | Cause::Also, Some(open))
                    if (open.caused + 1).saturating_mul(CAUSES) <= open.turns =>
                {
                    open.caused += 1;
                }
                _ => spins.extend(spin.take().and_then(|spin| self.checked(spin))),
            }
        }
        spins.extend(spin.and_then(|spin| self.checked(spin)));
        spins
    }

    fn cause(
        &self,
        task: &Task,
        before: &Poll,
        woken: &[Wake],
        done: &[Doing<'_>],
        asks_a_closed_channel: bool,
    ) -> Cause {
        let gave_way = before.yields > 0;
        let is_own = |wake: &Wake| {
            wake.operation.is_none() && wake.by == WokenBy::Task(task.id) && !gave_way
        };
        let is_polite = |wake: &Wake| {
            let no_time = wake
                .operation
                .and_then(|id| self.history.operation(id))
                .is_some_and(|timer| timer.kind == OperationKind::Sleep && timer.units == 0);
            let deferred = wake.operation.is_none()
                && (matches!(wake.by, WokenBy::Thread(_)) || wake.by == WokenBy::Task(task.id));
            self.thresholds.busy_yields && (no_time || (gave_way && deferred))
        };
        let is_told_to_come_again = |wake: &Wake| {
            asks_a_closed_channel
                && wake.operation.is_none()
                && matches!(wake.by, WokenBy::Thread(_))
        };
        let is_turn = |wake: &Wake| is_own(wake) || is_polite(wake) || is_told_to_come_again(wake);
        // What is awaited in a loop, to ask a closed channel for more, is got past each time.
        let is_cause = |doing: &Doing<'_>| {
            doing.is_progress() && !(asks_a_closed_channel && doing.is_of_a_future())
        };
        let has_own = woken.iter().any(is_turn);
        let has_other = !woken.iter().all(is_turn) || done.iter().any(is_cause);
        match (has_own, has_other) {
            (true, false) => Cause::Itself,
            (true, true) => Cause::Also,
            (false, _) => Cause::Other,
        }
    }

    /// A stretch that is long enough, of turns that are short enough.
    fn checked<'b>(&self, spin: Spin<'b>) -> Option<Spin<'b>> {
        let limits = self.thresholds;
        let is_spin = spin.turns >= limits.busy_turns
            && spin.long() >= limits.busy_for
            && spin.busy.0 / spin.turns <= limits.busy_turn.0 * if spin.asks { BUDGET } else { 1 };
        // What runs or is to run has not been given the time for another turn.
        let is_last = spin.last + NEAR_THE_END >= spin.task.polls.len();
        let goes_on = match spin.task.state() {
            TaskState::Running(_) | TaskState::Scheduled(_) if is_last => true,
            state => state.is_live() && self.history.end.since(spin.to) <= limits.busy_at_end,
        };
        is_spin.then_some(Spin {
            is_open: goes_on && !spin.asks && !self.history.goes_on,
            ..spin
        })
    }

    /// The longest stretch in which an operation was polled again and again in one poll of its task, and was not ready.
    fn spin_within_a_poll(&self, operation: &'a Operation) -> Option<Spin<'a>> {
        let limits = self.thresholds;
        let mut longest: Option<Spin<'_>> = None;
        let mut polls = &operation.polls[..];
        while let Some(first) = polls.first() {
            let around = first
                .task
                .and_then(|id| self.history.task(id))
                .and_then(|task| Some((task, poll_around(task, first.at)?)));
            let is_same = |poll: &crate::history::OperationPoll| {
                let (task, around) = around?;
                let is_inside = poll.at <= around.end.unwrap_or(self.history.end);
                let is_same = poll.task == Some(task.id) && poll.fires_seen == first.fires_seen;
                (is_inside && is_same).then_some(())
            };
            let n = polls
                .iter()
                .take_while(|poll| is_same(poll).is_some())
                .count()
                .max(1);
            let (run, rest) = polls.split_at(n);
            polls = rest;
            let Some((task, _)) = around else { continue };
            let (from, to) = (first.at, run[n - 1].at);
            let turns = n as u64;
            let is_spin = turns >= limits.busy_turns
                && to.since(from) >= limits.busy_for
                && to.since(from).0 / turns <= limits.busy_turn.0
                && !task.has_gaps;
            let is_longer = longest
                .as_ref()
                .is_none_or(|known| known.long() < to.since(from));
            if is_spin && is_longer {
                longest = Some(Spin {
                    task,
                    from,
                    to,
                    turns,
                    caused: 0,
                    busy: to.since(from),
                    last: 0,
                    asks: false,
                    operation: Some(operation),
                    is_open: false,
                });
            }
        }
        longest
    }
}

/// The poll that was under way at a moment.
fn poll_around(task: &Task, at: Nanos) -> Option<&Poll> {
    let begun = task.polls.partition_point(|poll| poll.begin <= at);
    let poll = task.polls[..begun].last()?;
    poll.end.is_none_or(|end| at <= end).then_some(poll)
}

/// Takes those off that come first.
fn split_before<'a, T>(list: &mut &'a [T], is_before: impl Fn(&T) -> bool) -> &'a [T] {
    // From where the last one ended: each is looked at once.
    let n = list.iter().take_while(|item| is_before(item)).count();
    let (first, rest) = list.split_at(n);
    *list = rest;
    first
}

fn between<'a, 'b>(doings: &'b [Doing<'a>], from: Nanos, to: Nanos) -> &'b [Doing<'a>] {
    let first = doings.partition_point(|doing| doing.at < from);
    let last = doings.partition_point(|doing| doing.at <= to);
    &doings[first..last]
}

fn one(
    history: &History,
    thresholds: &Thresholds,
    doings: &Doings<'_>,
    class: &Class<Spin<'_>>,
) -> Finding {
    let spin = &class.worst;
    let (task, long) = (spin.task, spin.long());
    let turns = grouped(spin.turns);
    let limits = format!(
        "it rests on the limits of {} and {}",
        thresholds.busy_for,
        counted(thresholds.busy_turns, "turn")
    );
    let (confidence, confidence_because) = confidence(
        history,
        spin.is_open,
        match (spin.is_open, spin.operation) {
            (true, _) => format!("{limits}; it goes on at the end of the trace"),
            (false, None) if spin.asks => {
                format!("{limits}, and the task may do something in between that is not recorded")
            }
            (false, None) => format!("{limits}, and it came to an end"),
            (false, Some(_)) => format!("{limits}, and the task may compute in between"),
        },
    );
    let title = match spin.operation {
        None if spin.is_open => format!(
            "{} has been polled {turns} times within {long} though nothing happened",
            task.title()
        ),
        None => format!(
            "{} was polled {turns} times within {long} though nothing happened",
            task.title()
        ),
        Some(operation) => format!(
            "{} polled {} {turns} times within {long} in one poll of its own",
            task.title(),
            operation.call()
        ),
    };
    let closed = closed_channel(doings, spin);
    let facts = facts(history, doings, class);
    let mut found = finding(history, Kind::BusyLoop, class);
    if closed.is_some() {
        "leave the loop when the channel is closed (recv() gives None), or switch the branch off: it is ready at once for ever"
            .clone_into(&mut found.advice);
    }
    Finding {
        confidence,
        confidence_because,
        since: spin.from,
        title,
        facts,
        why_it_cannot_end: match spin.operation {
            None => "each turn takes a processor's time and a place in the queue of the executor, and brings the task no further",
            Some(_) => "each turn takes a processor's time and keeps the thread from its other tasks, and brings the task no further",
        }
        .to_owned(),
        ..found
    }
}

/// The last time within a stretch that a closed channel was asked for more.
fn closed_channel<'a, 'b>(doings: &'b Doings<'a>, spin: &Spin<'_>) -> Option<&'b Doing<'a>> {
    let done = between(doings.of(spin.task.id), spin.from, spin.to);
    done.iter().rfind(|doing| doing.is_closed())
}

fn facts(history: &History, doings: &Doings<'_>, class: &Class<Spin<'_>>) -> Vec<Fact> {
    let spin = &class.worst;
    let task = spin.task;
    let turns = grouped(spin.turns);
    let closed = closed_channel(doings, spin);
    let mut facts = vec![fact(
        task.id,
        match spin.operation {
            None => format!(
                "task #{} was polled {turns} times from {} after the start on, {} each on average, and {} each time",
                task.id.0,
                spin.from,
                Nanos(spin.busy.0 / spin.turns),
                if spin.asks {
                    "used up its budget"
                } else {
                    "woke itself"
                }
            ),
            Some(operation) => format!(
                "task #{} polled {} {turns} times from {} after the start on, and it had not fired",
                task.id.0,
                place_of(history, operation),
                spin.from
            ),
        },
        match spin.operation {
            None => task.spawned_at.clone(),
            Some(operation) => operation.location.clone(),
        },
        spin.from,
    )];
    if spin.caused > 0 {
        facts.push(fact(
            task.id,
            format!(
                "only {} in between had another cause",
                counted(spin.caused, "poll")
            ),
            None,
            spin.from,
        ));
    }
    let last = closed.or_else(|| {
        // Before it, too: what is polled by a hand-written future is asked for once.
        let known = doings
            .of(task.id)
            .partition_point(|doing| doing.at <= spin.to);
        doings.of(task.id)[..known].last()
    });
    if let Some(last) = last.filter(|_| spin.operation.is_none()) {
        let (words, place) = doings.in_words(last);
        facts.push(fact(
            task.id,
            format!("the last thing recorded of it: task #{} {words}", task.id.0),
            place,
            last.at,
        ));
    }
    if class.times > 1 {
        facts.push(fact(
            task.id,
            format!(
                "so did {}, {} in all, for {}",
                counted(class.tasks.len() as u64, "such task"),
                counted(class.times, "time"),
                class.total
            ),
            task.spawned_at.clone(),
            spin.from,
        ));
    }
    facts
}
