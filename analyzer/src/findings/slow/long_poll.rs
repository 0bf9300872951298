//! Polls that keep their thread for long: whatever else the thread has to poll waits meanwhile.
//!
//! The one to blame is the innermost: of a poll inside of which others are polled (a `block_on` within a task, a set of local tasks) only
//! the time counts that none of those had. Some threads may be kept: a blocking job (`spawn_blocking`) has one of its own, and so does
//! whoever blocks on a future unless tasks are polled on that thread too; within `block_in_place` others have taken over the thread's
//! tasks.

use std::collections::{HashMap, HashSet};

use super::doings::{Doing, Doings};
use super::why_incomplete;
use super::{Class, Instance, TaskKind, Thresholds, classes, confidence, fact, finding};
use crate::findings::{Fact, Finding, Kind};
use crate::history::{
    History, Poll, Section, SectionKind, Task, TaskFlags, TaskId, ThreadId, WokenBy,
};
use crate::number::counted;
use crate::time::Nanos;

/// A poll that took long.
#[derive(Clone, Copy)]
struct LongPoll<'a> {
    task: &'a Task,
    poll: &'a Poll,
    /// Its time without that of what was polled inside of it or blocked in place.
    own: Nanos,
    is_open: bool,
}

impl Instance for LongPoll<'_> {
    fn task(&self) -> TaskId {
        self.task.id
    }

    fn until(&self) -> Nanos {
        self.poll.end.unwrap_or(Nanos(u64::MAX))
    }

    fn long(&self) -> Nanos {
        self.own
    }

    fn weight(&self) -> (bool, Nanos) {
        (self.is_open, self.own)
    }
}

pub(super) fn long_polls(history: &History, thresholds: &Thresholds) -> Vec<Finding> {
    let candidates: Vec<(&Task, &Poll)> = history
        .tasks
        .iter()
        .filter(|task| !task.flags.is_blocking())
        .flat_map(|task| task.polls.iter().map(move |poll| (task, poll)))
        .filter(|(_, poll)| end_of(history, poll).since(poll.begin) >= thresholds.long_poll)
        .collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let inner = InnerPolls::of(history, &candidates);
    let shared = shared_threads(history);
    let found = candidates
        .into_iter()
        .filter(|(task, poll)| keeps_others(history, &shared, task, poll))
        .filter_map(|(task, poll)| {
            let long = LongPoll {
                task,
                poll,
                own: own_time(history, &inner, task, poll),
                is_open: is_open(task, poll),
            };
            // The end of one that is not the last may be lost, and its length with it.
            let is_known = long.is_open || !task.has_gaps;
            // What goes on is told of where it ends.
            let is_known = is_known && !(long.is_open && history.goes_on);
            (long.own >= thresholds.long_poll && is_known).then(|| (TaskKind::of(task), long))
        });
    let classes = classes(history, found);
    let windows = classes
        .iter()
        .map(|class| {
            let LongPoll { task, poll, .. } = class.worst;
            (task.id, (poll.begin, end_of(history, poll)))
        })
        .collect();
    let doings = Doings::within(history, windows);
    classes
        .iter()
        .map(|class| one(history, thresholds, &doings, class))
        .collect()
}

fn end_of(history: &History, poll: &Poll) -> Nanos {
    poll.end.unwrap_or(history.end)
}

fn is_open(task: &Task, poll: &Poll) -> bool {
    poll.end.is_none() && task.state().is_live()
}

/// The polls inside of others, by the task of the outer one.
struct InnerPolls(HashMap<TaskId, Vec<(Nanos, Nanos)>>);

impl InnerPolls {
    fn of(history: &History, outer: &[(&Task, &Poll)]) -> InnerPolls {
        let mut inner: HashMap<TaskId, Vec<(Nanos, Nanos)>> = outer
            .iter()
            .map(|(task, _)| (task.id, Vec::new()))
            .collect();
        for poll in history.tasks.iter().flat_map(|task| &task.polls) {
            if let Some(times) = poll.inside.and_then(|outer| inner.get_mut(&outer)) {
                times.push((poll.begin, end_of(history, poll)));
            }
        }
        for times in inner.values_mut() {
            times.sort_unstable();
        }
        InnerPolls(inner)
    }
}

/// The time of a poll in which it was that very poll that kept the thread.
fn own_time(history: &History, inner: &InnerPolls, task: &Task, poll: &Poll) -> Nanos {
    let (begin, end) = (poll.begin, end_of(history, poll));
    let polled = inner.0.get(&task.id).into_iter().flatten().copied();
    let in_place = sections_of(history, task, poll)
        .filter(|section| section.kind == SectionKind::BlockInPlace)
        .map(|section| (section.begun, section.ended.unwrap_or(history.end)));
    let mut others: Vec<(Nanos, Nanos)> = polled
        .chain(in_place)
        .filter(|&(from, to)| from < end && to > begin)
        .map(|(from, to)| (from.max(begin), to.min(end)))
        .collect();
    others.sort_unstable();
    let mut own = end.since(begin);
    let mut until = begin;
    for (from, to) in others {
        own = own.since(to.since(from.max(until)));
        until = until.max(to);
    }
    own
}

/// The sections of the thread on which a poll goes on; where that is not known, those that its task was in.
fn sections_of<'a>(
    history: &'a History,
    task: &Task,
    poll: &Poll,
) -> impl Iterator<Item = &'a Section> {
    let (task, thread, sections) = (task.id, poll.thread, &history.sections);
    let of_thread = if thread == ThreadId(0) {
        0..sections.len()
    } else {
        let from = sections.partition_point(|section| section.thread < thread);
        from..sections.partition_point(|section| section.thread <= thread)
    };
    let is_known = thread != ThreadId(0);
    sections[of_thread]
        .iter()
        .filter(move |section| is_known || section.task == Some(task))
}

/// The threads on which tasks are polled that somebody spawned, and on whose account nobody blocks.
fn shared_threads(history: &History) -> HashSet<ThreadId> {
    let has_own_thread = |flags: TaskFlags| flags.is_blocking() || flags.is_block_on();
    let mut threads = HashSet::new();
    for task in &history.tasks {
        if !has_own_thread(task.flags) {
            let mut last = None;
            for poll in &task.polls {
                if last != Some(poll.thread) && !is_in_blocking_job(history, poll) {
                    threads.insert(poll.thread);
                }
                last = Some(poll.thread);
            }
        }
    }
    threads
}

/// Whether somebody else could have used the thread of this poll.
fn keeps_others(history: &History, shared: &HashSet<ThreadId>, task: &Task, poll: &Poll) -> bool {
    if is_in_blocking_job(history, poll) {
        return false;
    }
    // Whoever blocks on a future keeps but a thread of its own, unless something else in the same future was ready.
    let was_woken = || {
        let end = end_of(history, poll);
        let after = task.wakes.partition_point(|wake| wake.at <= poll.begin);
        task.wakes[after..]
            .iter()
            .take_while(|wake| wake.at < end)
            .any(|wake| wake.by != WokenBy::Task(task.id))
    };
    !task.flags.is_block_on() || shared.contains(&poll.thread) || was_woken()
}

/// Whether a poll took place on the thread of a blocking job.
fn is_in_blocking_job(history: &History, poll: &Poll) -> bool {
    /// Deeper nesting than this is damage.
    const DEEPEST: usize = 16;
    let mut outer = poll.inside;
    for _ in 0..DEEPEST {
        let Some(task) = outer.and_then(|id| history.task(id)) else {
            return false;
        };
        if task.flags.is_blocking() {
            return true;
        }
        let index = task
            .polls
            .partition_point(|other| other.begin <= poll.begin);
        outer = task.polls[..index].last().and_then(|around| around.inside);
    }
    false
}

fn one(
    history: &History,
    thresholds: &Thresholds,
    doings: &Doings<'_>,
    class: &Class<LongPoll<'_>>,
) -> Finding {
    let LongPoll {
        task,
        poll,
        own,
        is_open,
    } = class.worst;
    let limit = thresholds.long_poll;
    let title = if is_open {
        format!(
            "{} has kept its thread for {own}: it is in a poll that has not ended",
            task.title()
        )
    } else {
        format!("{} kept its thread for {own} in one poll", task.title())
    };
    let because = if is_open {
        format!(
            "the poll goes on at the end of the trace, and lasts longer than the limit of {limit}: it could still end by itself"
        )
    } else {
        format!("it rests on the limit of {limit} for one poll, and the poll did end")
    };
    let (confidence, confidence_because) = confidence(history, is_open, because);
    let mut facts = vec![poll_fact(history, task, poll, own)];
    facts.extend(gap_facts(history, doings, task, poll));
    facts.extend(silence_fact(history, task, poll).filter(|_| is_open));
    if class.times > 1 {
        facts.push(fact(
            task.id,
            format!(
                "{} of {}{} took longer than {limit}, {} in all",
                counted(class.times, "poll"),
                counted(class.tasks.len() as u64, "such task"),
                task.spawned_at
                    .as_ref()
                    .map_or_else(String::new, |place| format!(" (spawned at {place})")),
                class.total
            ),
            task.spawned_at.clone(),
            poll.begin,
        ));
    }
    Finding {
        confidence,
        confidence_because,
        since: poll.begin,
        title,
        facts,
        why_it_cannot_end: what_it_costs(task, is_open).to_owned(),
        ..finding(history, Kind::LongPoll, class)
    }
}

fn what_it_costs(task: &Task, is_open: bool) -> &'static str {
    match (task.flags.is_block_on(), is_open) {
        (false, true) => {
            "its thread polls nothing else until then: tasks that are queued there, and what the thread would do for timers and I/O, wait"
        }
        (false, false) => {
            "while it ran, its thread could poll nothing else: tasks that were queued there, and what the thread would have done for timers \
             and I/O, waited"
        }
        (true, true) => {
            "until then, nothing else that runs on this thread, or in the same future, can go on"
        }
        (true, false) => {
            "while it ran, nothing else that runs on this thread, or in the same future, could go on"
        }
    }
}

fn poll_fact(history: &History, task: &Task, poll: &Poll, own: Nanos) -> Fact {
    let thread = match history.threads.get(&poll.thread) {
        Some(name) => format!("thread {:?} (#{})", &**name, poll.thread.0),
        None => format!("thread #{}", poll.thread.0),
    };
    let verb = if poll.end.is_some() { "was" } else { "is" };
    let all = end_of(history, poll).since(poll.begin);
    let of_which = if own < all {
        format!(", {own} of that by itself")
    } else {
        String::new()
    };
    let spawned = task
        .spawned_at
        .as_ref()
        .map_or_else(String::new, |place| format!(" (spawned at {place})"));
    fact(
        task.id,
        format!(
            "task #{}{spawned} {verb} polled on {thread} for {all}{of_which}, from {} after the start on",
            task.id.0, poll.begin
        ),
        task.spawned_at.clone(),
        poll.begin,
    )
}

/// The things that a task did last before, and first after, the longest time in the poll of which nothing is recorded.
fn gap_facts(history: &History, doings: &Doings<'_>, task: &Task, poll: &Poll) -> Vec<Fact> {
    let end = end_of(history, poll);
    let all = doings.of(task.id);
    let after = |index: usize| all.get(index).map_or(end, |doing| doing.at);
    let before = |index: usize| index.checked_sub(1).map_or(poll.begin, |last| all[last].at);
    let Some(gap) = (0..=all.len()).max_by_key(|&i| (after(i).since(before(i)), i)) else {
        return Vec::new();
    };
    let told = |doing: &Doing<'_>, when: &str| {
        let (words, place) = doings.in_words(doing);
        let text = format!("{when} task #{} {words}", task.id.0);
        fact(task.id, text, place, doing.at)
    };
    let silent = after(gap).since(before(gap));
    let mut facts = Vec::new();
    if let Some(last) = gap.checked_sub(1) {
        facts.push(told(&all[last], "the last thing before that:"));
    }
    match all.get(gap) {
        Some(next) => facts.push(told(next, &format!("the next thing, {silent} later:"))),
        None if gap > 0 && poll.end.is_some() => facts.push(fact(
            task.id,
            format!("nothing more is recorded of it until the poll ended, {silent} later"),
            None,
            end,
        )),
        None => {}
    }
    facts
}

/// That nothing is recorded of the thread of an open poll, and since when.
fn silence_fact(history: &History, task: &Task, poll: &Poll) -> Option<Fact> {
    let last = *history.last_events.get(&poll.thread)?;
    let silent = history.end.since(last);
    let is_silent = last < history.end && why_incomplete(history).is_none();
    is_silent.then(|| {
        fact(
            task.id,
            format!(
                "nothing is recorded of its thread for the last {silent}: it computes, or it sleeps in a call that blocks (a lock or a \
                 channel of std, I/O, a sleep)"
            ),
            None,
            last,
        )
    })
}
