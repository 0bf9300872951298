//! What is not known of the tasks: where they wait, for what, which of many one is.
//!
//! A task waits from the end of a poll to the wake that asks for the next one. Each such stretch is looked at: whether an operation of the
//! task was pending when it began, and whether a future of the task was ever recorded.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::crates::RECORD_ALL;
use super::{Cost, Lack, LackKind, LackPlace, first_places};
use crate::filter::Selection;
use crate::history::{History, PollOutcome, Resource, ResourceKind, Task, TaskId};
use crate::names::{Location, kind_of_name};
use crate::number::{counted, grouped};
use crate::report::coverage::Coverage;
use crate::time::Nanos;

/// So many tasks of one kind that nobody named are hard to tell apart.
const MANY: u64 = 100;
/// What the type of an async block ends in; before it stands that of its function.
const BLOCK: &str = "::{block}";

/// What is not known of the tasks of a selection.
pub(super) fn lacks(history: &History, selection: &Selection, coverage: &Coverage) -> Vec<Lack> {
    let kinds = kinds(history, selection);
    let way_in = coverage.way_in.as_deref();
    // Traces of earlier versions do not say what they were recorded through.
    let is_runtime = |resource: &Resource| resource.kind == ResourceKind::Runtime;
    let is_tokio_recorded = way_in.is_some_and(|way_in| way_in.contains("tokio"))
        || history.resources.iter().any(is_runtime);
    let all = [
        no_await_points(history, &kinds),
        waits_unrecorded(&kinds, is_tokio_recorded),
        unnamed(&kinds),
    ];
    all.into_iter().flatten().collect()
}

/// Tasks whose names differ in numbers only and that were spawned at the same place.
#[derive(Default)]
struct Kind<'a> {
    name: String,
    first: Option<&'a Task>,
    tasks: u64,
    unnamed: u64,
    /// Those that waited, and how long.
    waiting: u64,
    waited: Nanos,
    /// Of these: no future of theirs is recorded.
    untraced: u64,
    untraced_for: Nanos,
    /// Those that waited while no operation of theirs was pending.
    outside: u64,
    outside_for: Nanos,
    /// Where the longest such wait was, and how long it was.
    longest: Option<(Nanos, Option<Location>)>,
}

impl Kind<'_> {
    fn spawned_at(&self) -> Option<&Location> {
        self.first.and_then(|task| task.spawned_at.as_ref())
    }

    fn place(&self, tasks: u64, time: Nanos) -> LackPlace {
        let name = match self.first {
            Some(task) if self.tasks == 1 => task.title(),
            _ => format!("{} like {:?}", counted(tasks, "task"), self.name),
        };
        LackPlace {
            what: format!("{name}, {time} in all"),
            location: self.spawned_at().cloned(),
        }
    }

    /// Whether somebody else's crate spawned it, as its place in source says: `axum-0.8.9/src/serve.rs`.
    fn is_of_a_library(&self) -> bool {
        self.spawned_at().is_some_and(|place| {
            let folder = place.file.split('/').next().unwrap_or_default();
            let version = folder.rsplit_once('-').map(|(_, version)| version);
            version.is_some_and(|version| {
                version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.')
            })
        })
    }
}

fn kinds<'a>(history: &'a History, selection: &Selection) -> Vec<Kind<'a>> {
    let futures = history.futures.iter();
    let traced: HashSet<TaskId> = futures.filter_map(|future| future.task).collect();
    // Those that poll others wait for these.
    let polls = history.tasks.iter().flat_map(|task| &task.polls);
    let hosts: HashSet<TaskId> = polls.filter_map(|poll| poll.inside).collect();
    let pending = Pending::of(history);
    let mut kinds: BTreeMap<_, Kind<'a>> = BTreeMap::new();
    for task in history.own_tasks().filter(|task| selection.has(task.id)) {
        if task.flags.is_blocking() {
            continue;
        }
        let place = task.spawned_at.as_ref();
        let place = place.map(|of| (of.file.clone(), of.line, of.column));
        let kind = kinds.entry((kind_of_name(&task.name), place));
        let kind = kind.or_insert_with(|| Kind {
            name: kind_of_name(&task.name),
            first: Some(task),
            ..Kind::default()
        });
        kind.tasks += 1;
        kind.unnamed += u64::from(task.flags.is_unnamed());
        let (mut waited, mut outside) = (Nanos(0), Nanos(0));
        for wait in waits(history, task) {
            waited = [waited, wait.long].into_iter().sum();
            let is_known = hosts.contains(&task.id) || pending.is_any(task.id, wait.from);
            // Where no waker was left nobody outside can wake it.
            if is_known || wait.wakers == 0 {
                continue;
            }
            outside = [outside, wait.long].into_iter().sum();
            if kind
                .longest
                .as_ref()
                .is_none_or(|(long, _)| *long < wait.long)
            {
                kind.longest = Some((wait.long, await_at(history, task.id, wait.from)));
            }
        }
        if waited > Nanos(0) {
            kind.waiting += 1;
            kind.waited = [kind.waited, waited].into_iter().sum();
            if !traced.contains(&task.id) {
                kind.untraced += 1;
                kind.untraced_for = [kind.untraced_for, waited].into_iter().sum();
            }
        }
        if outside > Nanos(0) {
            kind.outside += 1;
            kind.outside_for = [kind.outside_for, outside].into_iter().sum();
        }
    }
    kinds.into_values().collect()
}

/// A stretch in which a task waited.
struct Wait {
    from: Nanos,
    long: Nanos,
    /// Clones of its waker that were alive.
    wakers: u64,
}

fn waits<'a>(history: &'a History, task: &'a Task) -> impl Iterator<Item = Wait> + 'a {
    let gone = task.dropped.into_iter().chain(task.ended_unseen).min();
    task.polls
        .iter()
        .enumerate()
        .filter_map(move |(index, poll)| {
            let from = poll.end.filter(|_| poll.outcome == PollOutcome::Pending)?;
            let from = from.max(history.from);
            let next = task.polls.get(index + 1);
            let until = next.map_or(gone.unwrap_or(history.end), |next| next.begin);
            let wake = next.and_then(|_| task.woken_for(index + 1));
            let until = wake.map_or(until, |wake| wake.at.min(until));
            let long = until.since(from);
            (long > Nanos(0) && until > from).then_some(Wait {
                from,
                long,
                wakers: poll.wakers,
            })
        })
}

/// When operations of each task were pending: when each began, and the latest end of those that began until then.
struct Pending(HashMap<TaskId, Vec<(Nanos, Nanos)>>);

impl Pending {
    fn of(history: &History) -> Pending {
        let mut of: HashMap<TaskId, Vec<(Nanos, Nanos)>> = HashMap::new();
        for operation in &history.operations {
            let until = operation.ended.map_or(Nanos(u64::MAX), |(at, _)| at);
            // A future can be moved to another task between polls.
            let polled_by = operation.polls.iter().map(|poll| poll.task);
            let mut tasks: Vec<TaskId> = polled_by.chain([operation.task]).flatten().collect();
            tasks.sort_unstable();
            tasks.dedup();
            for task in tasks {
                of.entry(task).or_default().push((operation.begun, until));
            }
        }
        for spans in of.values_mut() {
            spans.sort_unstable();
            let mut latest = Nanos(0);
            for (_, until) in spans {
                latest = latest.max(*until);
                *until = latest;
            }
        }
        Pending(of)
    }

    fn is_any(&self, task: TaskId, at: Nanos) -> bool {
        self.0.get(&task).is_some_and(|spans| {
            let begun = spans.partition_point(|(from, _)| *from <= at);
            spans[..begun].last().is_some_and(|(_, until)| *until > at)
        })
    }
}

/// The innermost await point of a task at a moment.
fn await_at(history: &History, task: TaskId, at: Nanos) -> Option<Location> {
    let visits = history.futures_of(task).flat_map(|future| {
        let awaits = future.awaits.iter().map(move |visit| (future, visit));
        awaits.filter(|(_, visit)| visit.entered <= at && visit.left.is_none_or(|left| left > at))
    });
    let (future, visit) = visits.max_by_key(|(future, visit)| (visit.entered, future.id))?;
    let points = history.function_of(future)?.points.as_ref()?;
    points.get(visit.point)?.location.clone()
}

fn no_await_points(history: &History, kinds: &[Kind<'_>]) -> Option<Lack> {
    let mut untraced: Vec<&Kind<'_>> = kinds.iter().filter(|kind| kind.untraced > 0).collect();
    // What the reader can change comes first. Time of which nothing at all is known counts double.
    untraced.sort_by_key(|kind| {
        let time: Nanos = [kind.untraced_for, kind.outside_for].into_iter().sum();
        (kind.is_of_a_library(), std::cmp::Reverse(time))
    });
    let first = untraced.first()?;
    let all: u64 = kinds.iter().map(|kind| kind.waiting).sum();
    let waited: Nanos = kinds.iter().map(|kind| kind.waited).sum();
    let tasks: u64 = untraced.iter().map(|kind| kind.untraced).sum();
    let time: Nanos = untraced.iter().map(|kind| kind.untraced_for).sum();
    let places = untraced.iter();
    let places = places.map(|kind| kind.place(kind.untraced, kind.untraced_for));
    let (places, more_places) = first_places(places.collect());
    let manifest = if history.functions.is_empty() {
        ", with `ais-recorder = { path = \"../ais/recorder\" }` in Cargo.toml"
    } else {
        ""
    };
    Some(Lack {
        kind: LackKind::NoAwaitPoints,
        costs: Cost::Places,
        title: format!(
            "the await points of {} of {}",
            grouped(tasks),
            counted(all, "task")
        ),
        evidence: format!(
            "no #[trace] and no .traced(…) is in {} of {} that waited: {time} of {waited} that tasks waited in all",
            grouped(tasks),
            counted(all, "task"),
        ),
        places,
        more_places,
        change: attribute_for(first) + manifest,
    })
}

/// The function whose future a task is, where its name tells: `bank::main`, or `bank::main::{block}` for a block in it.
fn function_of(task: &Task) -> Option<&str> {
    let name = &*task.name;
    let path = name.strip_suffix(BLOCK).unwrap_or(name);
    let is_path = |path: &str| {
        let mut parts = path.split("::");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        path.contains("::") && parts.all(|part| !part.is_empty() && part.chars().all(is_word))
    };
    (task.flags.is_unnamed() && is_path(path)).then_some(name)
}

/// Where `#[trace]` has to stand for a kind of task to have await points.
fn attribute_for(kind: &Kind<'_>) -> String {
    let at = kind.spawned_at();
    let at = at.map_or_else(String::new, |place| format!(" at {place}"));
    if kind.is_of_a_library() {
        return format!(
            "put #[ais_recorder::trace] on your own async functions that the tasks spawned{at} call"
        );
    }
    let is_block_on = kind.first.is_some_and(|task| task.flags.is_block_on());
    let how = if is_block_on { "runs" } else { "is spawned" };
    let function = kind.first.and_then(function_of);
    match function.map(|name| (name, name.strip_suffix(BLOCK))) {
        Some((_, Some(function))) => format!(
            "put #[ais_recorder::trace] on the function {function}, whose async block {how}{at}"
        ),
        Some((function, None)) => {
            format!("put #[ais_recorder::trace] on the async fn {function}, which {how}{at}")
        }
        None => format!(
            "put #[ais_recorder::trace] on the async fn that {how}{at}, or where it is a block, on the function around it"
        ),
    }
}

fn waits_unrecorded(kinds: &[Kind<'_>], is_tokio_recorded: bool) -> Option<Lack> {
    let mut outside: Vec<&Kind<'_>> = kinds.iter().filter(|kind| kind.outside > 0).collect();
    if outside.is_empty() {
        return None;
    }
    outside.sort_by_key(|kind| std::cmp::Reverse(kind.outside_for));
    let tasks: u64 = outside.iter().map(|kind| kind.outside).sum();
    let time: Nanos = outside.iter().map(|kind| kind.outside_for).sum();
    let waited: Nanos = kinds.iter().map(|kind| kind.waited).sum();
    let places = outside.iter().map(|kind| {
        let place = kind.place(kind.outside, kind.outside_for);
        let at = kind.longest.as_ref().and_then(|(_, at)| at.clone());
        LackPlace {
            location: at.or(place.location),
            ..place
        }
    });
    let (places, more_places) = first_places(places.collect());
    let (what, change) = if is_tokio_recorded {
        let change = "where that is a lock or a channel of another library, use tokio's in its place; I/O itself is not recorded: name \
                      what waits for it with `.traced(\"…\")`";
        ("I/O, or what other libraries have", change.to_owned())
    } else {
        let change = format!(
            "where it is a tokio program, record its timers, locks and channels too: `{RECORD_ALL}`"
        );
        ("I/O, or timers, locks and channels of a library", change)
    };
    Some(Lack {
        kind: LackKind::WaitsUnrecorded,
        costs: if is_tokio_recorded {
            Cost::Details
        } else {
            Cost::Verdicts
        },
        title: format!("what {} waited for", counted(tasks, "task")),
        evidence: format!(
            "no operation of theirs was recorded, and clones of their wakers were alive ({what}), for {time} of {waited} that tasks \
             waited; of one that waits so nothing is concluded"
        ),
        places,
        more_places,
        change,
    })
}

fn unnamed(kinds: &[Kind<'_>]) -> Option<Lack> {
    let many = kinds
        .iter()
        .filter(|kind| kind.unnamed >= MANY && !kind.is_of_a_library());
    let mut many: Vec<&Kind<'_>> = many.collect();
    many.sort_by_key(|kind| std::cmp::Reverse(kind.unnamed));
    let tasks: u64 = many.iter().map(|kind| kind.unnamed).sum();
    let first = many.first()?;
    let at = first.spawned_at();
    let at = at.map_or_else(String::new, |place| format!(" at {place}"));
    let change = format!(
        "name them where they are spawned{at}: `tokio::task::Builder::new().name(&format!(\"… {{id}}\")).spawn(…)`"
    );
    let places = many.iter().map(|kind| LackPlace {
        what: format!("{} like {:?}", counted(kind.unnamed, "task"), kind.name),
        location: kind.spawned_at().cloned(),
    });
    let (places, more_places) = first_places(places.collect());
    Some(Lack {
        kind: LackKind::TasksUnnamed,
        costs: Cost::Details,
        title: format!("names of {}", counted(tasks, "task")),
        evidence: format!(
            "they are called by the type of their future, {} or more of one kind: one cannot be told from the others",
            grouped(MANY)
        ),
        places,
        more_places,
        change,
    })
}
