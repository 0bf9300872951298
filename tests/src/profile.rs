//! Where time goes, counted from histories: slow, obvious, and the same as what is counted from events as they come.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ais_analyzer::history::{
    ChangeKind, Future, FutureEnd, History, Outcome, PollOutcome, Resource, TaskState,
};
use ais_analyzer::names::kind_of_name;
use ais_analyzer::profile::{Distribution, Profile};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Trace, Window};

/// How many, how long in all, and the longest.
type Counted = (u64, u64, u64);

/// Checks that a trace is counted as its history tells; one of which something is missing is not looked at.
///
/// # Panics
/// It is not.
pub fn counts_what_happened(trace: &Trace) {
    let history = &trace.history;
    let loss = trace.loss();
    if loss.chunks > 0 || loss.bytes > 0 || loss.events_dropped > 0 || history.begins_late {
        return;
    }
    let window = Window {
        to: history.shutdown,
        ..Window::default()
    };
    let profile = Profile::of(&trace.source, window, &[]).expect("what was read can be read again");
    assert_eq!(profile.to, history.end, "where it ends");
    same("tasks", &tasks(history), &told_tasks(&profile));
    let polls: usize = history.tasks.iter().map(|task| task.polls.len()).sum();
    assert_eq!(profile.polls, polls as u64, "polls");
    same("waits", &waits(history), &told_waits(&profile));
    same("functions", &functions(history), &told_functions(&profile));
    same("steps", &steps(history), &told_steps(&profile));
    same("callers", &callers(history), &told_callers(&profile));
    let mut told = told_holds(&profile);
    for resource in history
        .resources
        .iter()
        .filter(|resource| !is_plain(resource))
    {
        told.remove(&name_of(resource));
    }
    same("holds", &holds(history), &told);
}

/// Checks that of a trace of which something is missing no more is counted than its `tasks` and `polls`, and nothing that took longer than the
/// trace.
///
/// # Panics
/// More is.
pub fn makes_nothing_up(trace: &Trace, tasks: u64, polls: u64) {
    let profile = Profile::of(&trace.source, Window::default(), &[]);
    let profile = profile.expect("what was read can be read again");
    assert!(profile.polls <= polls, "{} polls of {polls}", profile.polls);
    let told: u64 = profile.tasks.iter().map(|of| of.tasks).sum();
    assert!(told <= tasks, "{told} tasks of {tasks}");
    for of in &profile.tasks {
        assert!(
            of.completed + of.panicked + of.cancelled + of.alive <= of.tasks,
            "ends"
        );
        for long in [&of.running, &of.scheduled, &of.waiting] {
            assert!(long.max <= profile.to, "{long:?} in {}", profile.to);
        }
    }
}

fn same<T: Debug + PartialEq>(what: &str, truth: &BTreeMap<String, T>, told: &BTreeMap<String, T>) {
    for (name, truth) in truth {
        assert_eq!(told.get(name), Some(truth), "{what}: {name}");
    }
    let more: Vec<&String> = told
        .keys()
        .filter(|name| !truth.contains_key(*name))
        .collect();
    assert!(more.is_empty(), "{what}: {more:?} are not there");
}

fn add(counted: &mut Counted, long: Nanos) {
    counted.0 += 1;
    counted.1 += long.0;
    counted.2 = counted.2.max(long.0);
}

fn counted(of: &Distribution) -> Counted {
    (of.count, of.total.0, of.max.0)
}

/// What tasks of a kind did: how many there are, how many completed, panicked, were cancelled; polls, how long they were due to run, and
/// waited.
#[derive(Debug, Default, PartialEq)]
struct OfTasks {
    ends: [u64; 4],
    running: Counted,
    scheduled: (u64, u64),
    waiting: (u64, u64),
}

fn tasks(history: &History) -> BTreeMap<String, OfTasks> {
    let mut all: BTreeMap<String, OfTasks> = BTreeMap::new();
    for task in &history.tasks {
        let place = task.spawned_at.as_ref().map(ToString::to_string);
        let kind = kind_of_name(&task.name);
        let name = format!("{kind} {place:?} {:?}", task.flags.in_words());
        let of = all.entry(name).or_default();
        of.ends[0] += 1;
        match task.state() {
            TaskState::Completed(_) => of.ends[1] += 1,
            TaskState::Panicked(_) => of.ends[2] += 1,
            TaskState::Cancelled(_) => of.ends[3] += 1,
            _ => {}
        }
        for poll in &task.polls {
            let end = match poll.outcome {
                PollOutcome::Open => history.end,
                _ => poll.end.unwrap_or(history.end),
            };
            add(&mut of.running, end.since(poll.begin));
        }
        let states = task.states();
        let next = states.iter().skip(1).map(|state| state.since());
        // What a task did before it was first seen is not known.
        let skipped = usize::from(task.late && matches!(states[..], [TaskState::Scheduled(_), ..]));
        for (state, until) in states.iter().zip(next.chain([history.end])).skip(skipped) {
            let long = until.since(state.since()).0;
            match state {
                TaskState::Scheduled(_) => of.scheduled.0 = of.scheduled.0.max(long),
                TaskState::Idle(_) => of.waiting.0 = of.waiting.0.max(long),
                _ => continue,
            }
            match state {
                TaskState::Scheduled(_) => of.scheduled.1 += long,
                _ => of.waiting.1 += long,
            }
        }
    }
    all
}

fn told_tasks(profile: &Profile) -> BTreeMap<String, OfTasks> {
    let tasks = profile.tasks.iter().map(|of| {
        let place = of.spawned_at.as_ref().map(ToString::to_string);
        let told = OfTasks {
            ends: [of.tasks, of.completed, of.panicked, of.cancelled],
            running: counted(&of.running),
            scheduled: (of.scheduled.max.0, of.scheduled.total.0),
            waiting: (of.waiting.max.0, of.waiting.total.0),
        };
        (format!("{} {place:?} {:?}", of.kind, of.what), told)
    });
    tasks.collect()
}

/// By place: how operations ended, how long those waited that got what they wanted, and how many still wait.
fn waits(history: &History) -> BTreeMap<String, (Counted, [u64; 3])> {
    let mut all: BTreeMap<String, (Counted, [u64; 3])> = BTreeMap::new();
    for operation in &history.operations {
        let Some(place) = &operation.location else {
            continue;
        };
        let (ready, others) = all.entry(place.to_string()).or_default();
        match operation.ended {
            Some((at, Outcome::Ready)) => add(ready, at.since(operation.begun)),
            Some((_, Outcome::Closed)) => others[1] += 1,
            Some(_) => others[0] += 1,
            None => others[2] += 1,
        }
    }
    all
}

fn told_waits(profile: &Profile) -> BTreeMap<String, (Counted, [u64; 3])> {
    let mut all: BTreeMap<String, (Counted, [u64; 3])> = BTreeMap::new();
    for of in &profile.waits {
        let Some(place) = &of.location else { continue };
        // Operations of several kinds may stand there, and what is awaited there and not recorded.
        let (ready, others) = all.entry(place.to_string()).or_default();
        let (count, total, max) = counted(&of.ready);
        *ready = (ready.0 + count, ready.1 + total, ready.2.max(max));
        for (sum, n) in others.iter_mut().zip([of.given_up, of.closed, of.open]) {
            *sum += n;
        }
    }
    all.retain(|_, (ready, others)| ready.0 > 0 || others.iter().any(|&n| n > 0));
    all
}

/// By name: calls, how many are under way, how long they took.
fn functions(history: &History) -> BTreeMap<String, (u64, Counted)> {
    let mut all: BTreeMap<String, (u64, Counted)> = BTreeMap::new();
    for future in &history.futures {
        let Some(begun) = future.begun else { continue };
        let function = history.function_of(future);
        let name = function.map_or("?", |function| &*function.name);
        let of = all.entry(name.to_owned()).or_default();
        of.0 += u64::from(future.ended.is_none());
        let end = future.ended.map_or(history.end, |(at, _)| at);
        add(&mut of.1, end.since(begun));
    }
    all
}

fn told_functions(profile: &Profile) -> BTreeMap<String, (u64, Counted)> {
    let mut all: BTreeMap<String, (u64, Counted)> = BTreeMap::new();
    for of in &profile.functions {
        let (open, elapsed) = all.entry(of.function.clone()).or_default();
        *open += of.open;
        let (count, total, max) = counted(&of.elapsed);
        *elapsed = (elapsed.0 + count, elapsed.1 + total, elapsed.2.max(max));
    }
    all
}

/// By function: how often calls ended so, and how often they went from one place to the next.
fn steps(history: &History) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for future in &history.futures {
        let function = history.function_of(future);
        let name = function.map_or("?", |function| &*function.name);
        let mut count = |what: String| *all.entry(format!("{name} {what}")).or_default() += 1;
        let end = future.ended.map(|(_, how)| how);
        if future.begun.is_none() {
            if end == Some(FutureEnd::NeverPolled) {
                count("never polled".to_owned());
            }
            continue;
        }
        let mut last = "Start".to_owned();
        for visit in &future.awaits {
            let next = format!("Point({})", visit.point);
            count(format!("{last} {next}"));
            last = next;
        }
        let told = [FutureEnd::Returned, FutureEnd::Dropped, FutureEnd::Panicked];
        if let Some(end) = end.filter(|end| told.contains(end)) {
            count(format!("{last} {end:?}"));
        }
    }
    all
}

fn told_steps(profile: &Profile) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for of in &profile.functions {
        for step in &of.steps {
            let name = format!("{} {:?} {:?}", of.function, step.from, step.to);
            *all.entry(name).or_default() += step.times;
        }
        if of.never_polled > 0 {
            *all.entry(format!("{} never polled", of.function))
                .or_default() += of.never_polled;
        }
        assert_eq!(of.returned + of.dropped + of.panicked + of.open, of.calls);
    }
    all
}

/// How often who called which function.
fn callers(history: &History) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    let name_of = |future: &Future| {
        let function = history.function_of(future);
        function.map_or("?", |function| &*function.name).to_owned()
    };
    for future in history
        .futures
        .iter()
        .filter(|future| future.begun.is_some())
    {
        let parent = future.parent.and_then(|parent| history.future(parent));
        // One that is over, or of which more than its number is not known, is no caller.
        let began = future.begun.unwrap_or_default();
        let is_under_way = |parent: &&Future| {
            let ended = parent.ended.map_or(Nanos(u64::MAX), |(at, _)| at);
            parent.begun.is_some_and(|begun| begun <= began) && ended > began
        };
        let caller = match parent.filter(is_under_way) {
            Some(parent) => format!("fn {}", name_of(parent)),
            None => {
                let task = future.task.and_then(|task| history.task(task));
                format!(
                    "task {}",
                    task.map_or_else(String::new, |task| kind_of_name(&task.name))
                )
            }
        };
        *all.entry(format!("{caller} → {}", name_of(future)))
            .or_default() += 1;
    }
    all
}

fn told_callers(profile: &Profile) -> BTreeMap<String, u64> {
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for of in &profile.functions {
        for caller in &of.called_by {
            let kind = if caller.is_task { "task" } else { "fn" };
            let name = format!("{kind} {} → {}", caller.name, of.function);
            *all.entry(name).or_default() += caller.calls;
        }
    }
    all
}

/// By kind and place: how often units were taken, and how long they were held.
fn holds(history: &History) -> BTreeMap<String, (u64, Counted)> {
    let mut all: BTreeMap<String, (u64, Counted)> = BTreeMap::new();
    for resource in history
        .resources
        .iter()
        .filter(|resource| is_plain(resource))
    {
        let name = (resource.kind.name(), &resource.name, &resource.created_at);
        let of = all.entry(format!("{name:?}")).or_default();
        // By number: units, and since when.
        let mut held: HashMap<u64, (u64, Nanos)> = HashMap::new();
        for change in &resource.changes {
            match &change.kind {
                ChangeKind::Acquired(hold) => {
                    of.0 += 1;
                    held.insert(hold.number, (hold.units.max(1), change.at));
                }
                ChangeKind::Released { hold, units } => {
                    // Older traces do not say which: it is the only one.
                    let only = held.keys().next().filter(|_| *hold == 0).copied();
                    let hold = only.unwrap_or(*hold);
                    if let Some((left, since)) = held.get_mut(&hold) {
                        *left = left.saturating_sub(if *units == 0 { *left } else { *units });
                        if *left == 0 {
                            add(&mut of.1, change.at.since(*since));
                            held.remove(&hold);
                        }
                    }
                }
                _ => {}
            }
        }
        let end = resource.dropped.unwrap_or(history.end);
        for (_, since) in held.into_values() {
            add(&mut of.1, end.since(since));
        }
    }
    for resource in history
        .resources
        .iter()
        .filter(|resource| !is_plain(resource))
    {
        all.remove(&name_of(resource));
    }
    all.retain(|_, of| of.0 > 0);
    all
}

fn name_of(resource: &Resource) -> String {
    let name = (resource.kind.name(), &resource.name, &resource.created_at);
    format!("{name:?}")
}

/// Whether what is held of it is only taken and given back.
fn is_plain(resource: &Resource) -> bool {
    !resource.changes.iter().any(|change| {
        matches!(
            change.kind,
            ChangeKind::Split { .. } | ChangeKind::Merged { .. } | ChangeKind::Forgotten { .. }
        )
    })
}

fn told_holds(profile: &Profile) -> BTreeMap<String, (u64, Counted)> {
    let held = profile.resources.iter().filter(|of| of.taken > 0);
    let told = held.map(|of| {
        let name = (of.kind, &of.name, &of.created_at);
        (format!("{name:?}"), (of.taken, counted(&of.held)))
    });
    told.collect()
}
