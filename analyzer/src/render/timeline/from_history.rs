//! From histories and findings to what the picture shows: which rows, in which order, and what each task did when.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::{Activity, FilterNote, FindingNote, Header, Link, Row, Span, Timeline};
use crate::Trace;
use crate::filter::{Restriction, Selection};
use crate::findings::Finding;
use crate::history::{History, Operation, OperationKind, Task, TaskId, TaskState};
use crate::names::kind_of_name;
use crate::report::whereabouts_in_short;
use crate::source::Ending;
use crate::time::Nanos;
use crate::waits::{Progress, Verdict};

/// No picture has more rows than this: what more there is, is counted.
const MAX_ROWS: usize = 60;

/// The timeline of a whole trace. Of a selection, the tasks that it has and those in the findings have rows.
pub fn timeline(
    trace: &Trace,
    verdict: &Verdict,
    findings: &[Finding],
    selection: &Selection,
) -> Timeline {
    let progress = &verdict.progress;
    let history = &trace.history;
    let mut waits: HashMap<TaskId, Vec<&Operation>> = HashMap::new();
    for operation in &history.operations {
        if let Some(task) = operation.task {
            waits.entry(task).or_default().push(operation);
        }
    }
    for operations in waits.values_mut() {
        operations.sort_by_key(|operation| (operation.begun, operation.id));
    }

    let in_findings = findings.iter().flat_map(|finding| &finding.tasks);
    let in_findings: HashSet<TaskId> = in_findings.map(|task| task.id).collect();
    let mut tasks: Vec<(Rank, &Task)> = history
        .tasks
        .iter()
        .filter(|task| selection.has(task.id) || in_findings.contains(&task.id))
        .map(|task| (Rank::of(history, progress, findings, task), task))
        .collect();
    tasks.sort_by_key(|(rank, task)| (*rank, task.id));
    let hidden = tasks.split_off(tasks.len().min(MAX_ROWS));
    let rows: Vec<Row> = tasks
        .iter()
        .map(|(rank, task)| {
            let operations = waits.get(&task.id).map_or(&[][..], Vec::as_slice);
            row(history, progress, rank, task, operations)
        })
        .collect();
    let row_of: HashMap<TaskId, usize> = tasks
        .iter()
        .enumerate()
        .map(|(index, (_, task))| (task.id, index))
        .collect();
    Timeline {
        header: header(trace),
        filter: selection.restriction().map(filter_note),
        from: history.from,
        to: history.end,
        findings: findings.iter().map(note).collect(),
        rows,
        hidden: count_by_kind(hidden.iter().map(|(_, task)| &*task.name)),
        links: links(history, verdict, &row_of),
    }
}

fn header(trace: &Trace) -> Header {
    let path = trace.source.path();
    Header {
        trace: path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned(),
        program: trace.source.header.program.clone(),
        duration: trace.source.known_until().max(trace.history.recorded_until),
        tasks: trace.history.tasks.len(),
        events: trace.history.events,
        lost: lost(trace),
        tool: concat!("inspect-analyze ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

fn lost(trace: &Trace) -> Option<String> {
    let sentence = trace.history.loss.sentence();
    let end = match trace.source.ending {
        Ending::Finished | Ending::Killed | Ending::Snapshot => return sentence,
        Ending::Running => "its end: the program still runs",
        Ending::Unknown => "its end: the program was killed, or still runs",
    };
    Some(sentence.map_or_else(|| end.to_owned(), |lost| format!("{lost}; {end}")))
}

fn filter_note(restriction: &Restriction) -> FilterNote {
    FilterNote {
        text: restriction.filter(),
        matching: restriction.matching,
        findings_left_out: restriction.findings_left_out,
    }
}

fn note(finding: &Finding) -> FindingNote {
    let facts = finding.facts.iter().map(|fact| fact.text.clone());
    let because = finding.confidence_because.as_ref();
    let because = because.map(|because| format!("{} only: {because}", finding.confidence.name()));
    FindingNote {
        headline: format!(
            "{}, {}: {}",
            finding.kind.name(),
            finding.confidence.name(),
            finding.title
        ),
        facts: facts.chain(because).collect(),
        advice: finding.advice.clone(),
        since: finding.since,
    }
}

/// Where a task stands in the picture: smaller is higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// In the finding with this number, at this place in it.
    InFinding(usize, usize),
    /// Stuck behind a finding.
    Stuck,
    /// Alive; the longer in its state the higher.
    Alive(std::cmp::Reverse<Nanos>),
    /// Ended by a panic or by being dropped.
    EndedEarly(Nanos),
    /// Completed; the longer it lived the higher.
    Completed(std::cmp::Reverse<Nanos>),
}

impl Rank {
    fn of(history: &History, progress: &Progress, findings: &[Finding], task: &Task) -> Rank {
        for (index, finding) in findings.iter().enumerate() {
            if let Some(place) = finding.tasks.iter().position(|named| named.id == task.id) {
                return Rank::InFinding(index, place);
            }
        }
        let state = task.state();
        match state {
            _ if progress.stuck.contains(&task.id) => Rank::Stuck,
            TaskState::Running(at) | TaskState::Scheduled(at) | TaskState::Idle(at) => {
                Rank::Alive(std::cmp::Reverse(history.end.since(at)))
            }
            TaskState::Panicked(at) | TaskState::Cancelled(at) | TaskState::EndedUnseen(at) => {
                Rank::EndedEarly(at)
            }
            TaskState::Completed(at) => Rank::Completed(std::cmp::Reverse(at.since(task.spawned))),
        }
    }

    fn group(self) -> &'static str {
        match self {
            Rank::InFinding(..) | Rank::Stuck => "stuck",
            Rank::Alive(_) => "alive at the end",
            Rank::EndedEarly(_) => "cancelled or panicked",
            Rank::Completed(_) => "completed",
        }
    }
}

fn row(
    history: &History,
    progress: &Progress,
    rank: &Rank,
    task: &Task,
    operations: &[&Operation],
) -> Row {
    let state = task.state();
    let stuck = progress.stuck.contains(&task.id);
    let lived = state.since().since(task.spawned);
    let detail = match state {
        TaskState::Completed(_) => format!("completed after {lived}"),
        TaskState::Panicked(_) => format!("panicked after {lived}"),
        TaskState::Cancelled(_) => format!("cancelled after {lived}"),
        TaskState::EndedUnseen(_) => format!("ended unseen, after {lived} at most"),
        TaskState::Running(_) => format!("runs: {}", whereabouts_in_short(history, task)),
        TaskState::Scheduled(_) => "scheduled to run".to_owned(),
        TaskState::Idle(_) => format!("awaits {}", whereabouts_in_short(history, task)),
    };
    Row {
        label: task.id.label(&task.name),
        detail,
        group: rank.group().to_owned(),
        stuck,
        from: task.spawned,
        ended: (!state.is_live()).then(|| state.since()),
        spans: spans(task, operations, history.end, stuck),
    }
}

/// What a task did over time. `operations` are those of the task that had to wait, by the time they began.
fn spans(task: &Task, operations: &[&Operation], end: Nanos, stuck: bool) -> Vec<Span> {
    let mut spans = Vec::with_capacity(2 * task.polls.len() + 2);
    let mut push = |from: Nanos, to: Nanos, activity| {
        // A poll shorter than the clock can tell is still a poll.
        if from < to || (from == to && activity == Activity::Running) {
            spans.push(Span { from, to, activity });
        }
    };
    let mut wakes = task.wakes.iter().peekable();
    let mut open: Vec<&Operation> = Vec::new();
    let mut operations = operations.iter().copied().peekable();
    let lives_until = if task.state().is_live() {
        end
    } else {
        task.state().since()
    };
    let first = task.polls.first().map_or(lives_until, |poll| poll.begin);
    push(task.spawned, first, Activity::Scheduled);
    for (index, poll) in task.polls.iter().enumerate() {
        let ended = poll.end.unwrap_or(lives_until);
        push(poll.begin, ended, Activity::Running);
        let next = task.polls.get(index + 1);
        let until = next.map_or(lives_until, |next| next.begin);
        while let Some(operation) = operations.next_if(|operation| operation.begun <= ended) {
            open.push(operation);
        }
        open.retain(|operation| operation.ended.is_none_or(|(at, _)| at > ended));
        // The wake that leads to the next poll: the first one since this poll began.
        while wakes.next_if(|wake| wake.at < poll.begin).is_some() {}
        let woken = wakes
            .peek()
            .map(|wake| wake.at.max(ended))
            .filter(|&at| at < until);
        let is_last_wait = next.is_none() && woken.is_none();
        let waits_until = woken.unwrap_or(until);
        let activity = if stuck && is_last_wait {
            Activity::Stuck
        } else {
            // A time limits how long something else is waited for.
            let what = open.iter().find(|operation| !operation.kind.is_timer());
            waits_for(what.or(open.first()).copied())
        };
        push(ended, waits_until, activity);
        if woken.is_some() {
            push(waits_until, until, Activity::Scheduled);
        }
    }
    spans
}

fn waits_for(operation: Option<&Operation>) -> Activity {
    match operation.map(|operation| operation.kind) {
        Some(
            OperationKind::Lock(_)
            | OperationKind::Read(_)
            | OperationKind::Write(_)
            | OperationKind::Acquire(_)
            | OperationKind::Init(_),
        ) => Activity::WaitsForLock,
        Some(
            OperationKind::Send(..)
            | OperationKind::Reserve(..)
            | OperationKind::Receive(..)
            | OperationKind::Closed(..)
            | OperationKind::Changed(..),
        ) => Activity::WaitsForChannel,
        // Others have to come, or to say so: the legend has no word of its own for each of these.
        Some(
            OperationKind::Join(_)
            | OperationKind::JoinNext(_)
            | OperationKind::Notified(_)
            | OperationKind::Barrier(_)
            | OperationKind::Set(_),
        ) => Activity::WaitsForTask,
        Some(
            OperationKind::Sleep
            | OperationKind::Timeout
            | OperationKind::Tick
            | OperationKind::Unknown,
        )
        | None => Activity::WaitsForOther,
    }
}

fn links(history: &History, verdict: &Verdict, row_of: &HashMap<TaskId, usize>) -> Vec<Link> {
    let mut links = Vec::new();
    let mut seen = HashSet::new();
    for link in verdict.knots.iter().flat_map(|knot| &knot.links) {
        let operation = link.wait.operation.and_then(|id| history.operation(id));
        let Some(operation) = operation else {
            continue;
        };
        let (Some(&waiter), Some(&holder)) = (row_of.get(&link.waiter), row_of.get(&link.on))
        else {
            continue;
        };
        if seen.insert((waiter, holder, operation.kind.resource())) {
            let resource = operation
                .kind
                .resource()
                .and_then(|id| history.resource(id));
            let what = resource.map_or_else(
                || "its end".to_owned(),
                crate::history::Resource::short_title,
            );
            links.push(Link {
                waiter,
                holder,
                at: operation.begun,
                what,
            });
        }
    }
    links
}

/// How many tasks there are of each kind: names that differ only in numbers are of one kind.
fn count_by_kind<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let kind = kind_of_name(name);
        *counts.entry(kind).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{
        OperationFlags, OperationId, Poll, PollOutcome, ResourceId, TaskFlags, ThreadId, Wake,
        WokenBy,
    };

    fn poll(number: u64, begin: u64, end: u64) -> Poll {
        Poll {
            number,
            thread: ThreadId(1),
            inside: None,
            begin: Nanos(begin),
            end: Some(Nanos(end)),
            outcome: PollOutcome::Pending,
            waker: 1,
            wakes_seen: number - 1,
            wakers: 1,
            yields: 0,
        }
    }

    fn wake(at: u64, number: u64) -> Wake {
        Wake {
            at: Nanos(at),
            by: WokenBy::Thread(ThreadId(1)),
            waker: 1,
            number,
            operation: None,
        }
    }

    #[test]
    fn a_task_is_scheduled_then_runs_then_waits_then_is_scheduled_again() {
        let task = Task {
            id: TaskId(1),
            name: "worker".into(),
            spawned_at: None,
            spawned_by: None,
            spawned: Nanos(10),
            size: 0,
            type_name: None,
            flags: TaskFlags::default(),
            executor: None,
            late: false,
            has_gaps: false,
            polls: vec![poll(1, 20, 30), poll(2, 70, 80)],
            wakes: vec![wake(60, 1)],
            wakers_gone: Vec::new(),
            aborts: Vec::new(),
            ended_unseen: None,
            dropped: None,
        };
        let lock = Operation {
            id: OperationId(1),
            kind: OperationKind::Lock(ResourceId(1)),
            location: None,
            task: Some(TaskId(1)),
            foreign: None,
            future: None,
            units: 1,
            flags: OperationFlags::default(),
            is_polled: true,
            sequence: 0,
            overlap: 0,
            deadline: None,
            begun: Nanos(25),
            polls: Vec::new(),
            firings: Vec::new(),
            ended: Some((Nanos(75), crate::history::Outcome::Ready)),
        };
        let drawn: Vec<_> = spans(&task, &[&lock], Nanos(100), false)
            .iter()
            .map(|s| (s.from.0, s.to.0, s.activity))
            .collect();
        assert_eq!(
            drawn,
            [
                (10, 20, Activity::Scheduled),
                (20, 30, Activity::Running),
                (30, 60, Activity::WaitsForLock),
                (60, 70, Activity::Scheduled),
                (70, 80, Activity::Running),
                (80, 100, Activity::WaitsForOther),
            ]
        );
        let last = spans(&task, &[&lock], Nanos(100), true).pop().unwrap();
        assert_eq!((last.from.0, last.activity), (80, Activity::Stuck));
    }

    #[test]
    fn names_that_differ_in_numbers_are_one_kind() {
        let names = ["connection 1", "connection 27", "ticker", "connection 300"];
        assert_eq!(
            count_by_kind(names.into_iter()),
            [("connection N".to_owned(), 3), ("ticker".to_owned(), 1)]
        );
    }
}
