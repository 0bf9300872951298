//! A long trace is looked at part by part: what is found and counted is what is found and counted in it as a whole.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ais_analyzer::filter::{Restriction, Selection};
use ais_analyzer::findings::{Confidence, Kind, Thresholds};
use ais_analyzer::history::{History, Poll, TaskState};
use ais_analyzer::report::{Summary, summary, trace_info};
use ais_analyzer::time::Nanos;
use ais_analyzer::{Analysis, Event, Source, Trace, Window};
use ais_format::frame::{ChunkHeader, flag};
use ais_recorder::Recorder;
use recorded_tokio as tokio;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// Some ten thousand events.
const GENERATION: u64 = 1 << 18;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Takes two locks, the second one after the other task has its first.
async fn take_both(first: Arc<Mutex<()>>, second: Arc<Mutex<()>>) {
    let _first = first.lock().await;
    sleep(millis(20)).await;
    let _second = second.lock().await;
}

async fn broken_circle() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let one = tokio::spawn(timeout(millis(60), take_both(a.clone(), b.clone())));
    let other = tokio::spawn(timeout(millis(300), take_both(b, a)));
    let _ = (one.await, other.await);
}

async fn inverted_order() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    for _ in 0..2 {
        let (a, b) = (a.clone(), b.clone());
        let one = tokio::spawn({
            let (a, b) = (a.clone(), b.clone());
            async move {
                let _a = a.lock().await;
                sleep(millis(1)).await;
                let _b = b.lock().await;
            }
        });
        let other = tokio::spawn(async move {
            // Long after, however busy the machine is: it must not hang.
            sleep(millis(200)).await;
            let _b = b.lock().await;
            let _a = a.lock().await;
        });
        let _ = (one.await, other.await);
    }
}

async fn long_poll() {
    let _ = tokio::spawn(async { std::thread::sleep(millis(200)) }).await;
}

async fn held_lock() {
    let lock = Arc::new(Mutex::new(()));
    let holder = tokio::spawn({
        let lock = lock.clone();
        async move {
            let _held = lock.lock().await;
            sleep(millis(600)).await;
        }
    });
    sleep(millis(20)).await;
    let waiter = tokio::spawn(async move { drop(lock.lock().await) });
    let _ = (holder.await, waiter.await);
}

/// Nothing that is wrong, but much of it: generations go by.
async fn storm() {
    let tasks = (0..64).map(|_| {
        tokio::spawn(async {
            let lock = Mutex::new(0_u32);
            for _ in 0..800 {
                *lock.lock().await += 1;
                tokio::task::yield_now().await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn recorded(path: &Path, program: impl Future<Output = ()>) {
    // One recording at a time.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorder = Recorder::builder()
        .path(path)
        .generation(GENERATION)
        .start()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(program);
    // What hangs goes on.
    std::mem::forget(runtime);
    recorder.stop().unwrap();
}

fn record(path: &Path) {
    recorded(path, async {
        storm().await;
        broken_circle().await;
        storm().await;
        inverted_order().await;
        storm().await;
        long_poll().await;
        storm().await;
        held_lock().await;
        storm().await;
        let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        drop(tokio::spawn(take_both(a.clone(), b.clone())));
        drop(tokio::spawn(take_both(b, a)));
        sleep(millis(100)).await;
    });
}

fn kinds(analysis: &Analysis) -> BTreeSet<(&'static str, bool, bool)> {
    let findings = analysis.findings.iter();
    findings
        .map(|finding| {
            let is_proven = finding.confidence == Confidence::Proven;
            (finding.kind.name(), finding.resolved.is_some(), is_proven)
        })
        .collect()
}

fn summed_up(trace: &Trace, analysis: &Analysis) -> Summary {
    summary(
        &trace.history,
        &analysis.verdict.progress,
        &Selection::everything(),
    )
}

/// The findings that a filter shows, and what it counts.
fn selected(filter: &str, trace: &Trace, analysis: &Analysis) -> (usize, Restriction) {
    let (history, progress) = (&trace.history, &analysis.verdict.progress);
    let mut findings = analysis.findings.clone();
    let mut selection = Selection::new(&[filter.parse().unwrap()], history, progress);
    selection.restrict(&mut findings, history);
    assert!(!findings.is_empty(), "{filter}");
    (findings.len(), selection.restriction().unwrap().clone())
}

#[test]
fn what_is_found_in_parts_is_what_is_found_in_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.ais");
    record(&path);
    let source = || Source::open(&path).unwrap();
    let thresholds = Thresholds::default();
    let whole = Trace::from_source(source()).unwrap();
    let of_whole = Analysis::with(&whole, &thresholds);
    for part in [1, 80_000] {
        let parts = source().parts_of(part).len();
        assert!(parts > 2, "{parts} parts");
        let (last, in_parts) =
            Analysis::in_parts(source(), Window::default(), &thresholds, 0, part).unwrap();
        assert!(last.history.tasks.len() < whole.history.tasks.len());
        assert_eq!(kinds(&in_parts), kinds(&of_whole));
        let (one, other) = (summed_up(&last, &in_parts), summed_up(&whole, &of_whole));
        assert_eq!(one.tasks, other.tasks);
        // A thread that was interrupted just before it wrote a poll down told of it after the border that it was before.
        assert!(
            one.polls.abs_diff(other.polls) <= 3,
            "{} and {}",
            one.polls,
            other.polls
        );
        assert_eq!(one.resources, other.resources);
        let (one, other) = (trace_info(&last), trace_info(&whole));
        assert_eq!((one.events, one.tasks), (other.events, other.tasks));
        assert_eq!(one.duration, other.duration);
        assert_eq!(one.lost.notes, other.lost.notes);
        for filter in ["name=*take_both*", "state=stuck"] {
            let (of_last, of_all) = (
                selected(filter, &last, &in_parts),
                selected(filter, &whole, &of_whole),
            );
            assert_eq!(of_last.0, of_all.0, "{filter}");
            assert_eq!(of_last.1.tasks, of_all.1.tasks);
            assert!(of_last.1.over_before > 0 && of_all.1.over_before == 0);
        }
    }
    assert!(kinds(&of_whole).contains(&(Kind::DeadlockCycle.name(), true, true)));
    let found: BTreeSet<_> = of_whole.findings.iter().map(|f| f.kind.name()).collect();
    for kind in [
        Kind::DeadlockCycle,
        Kind::LockOrderInversion,
        Kind::LongPoll,
        Kind::Starvation,
    ] {
        assert!(found.contains(kind.name()), "{kind:?} in {found:?}");
    }
}

#[test]
fn where_nothing_is_wrong_a_first_look_is_enough() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storm.ais");
    recorded(&path, async {
        storm().await;
        // Given up, but by nobody's time-out; and a time-out that nobody needs.
        let lock = Arc::new(Mutex::new(()));
        let held = lock.clone().lock_owned().await;
        let waiter = tokio::spawn(async move { drop(lock.lock().await) });
        let _ = timeout(millis(5), sleep(millis(1))).await;
        drop(held);
        let _ = waiter.await;
    });
    let source = Source::open(&path).unwrap();
    assert!(Analysis::is_dull(&source, &Thresholds::default()));
    // The storm itself is slow, by another measure.
    let strict = Thresholds {
        long_poll: Nanos(1),
        ..Thresholds::default()
    };
    assert!(!Analysis::is_dull(&source, &strict));
}

#[test]
fn of_a_stretch_of_time_is_told_what_was_in_it_and_the_rest_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.ais");
    record(&path);
    let whole = Trace::open(&path).unwrap();
    let tasks = &whole.history.tasks;
    let slow = tasks.iter().find(|task| task.name.contains("long_poll"));
    let poll = &slow.unwrap().polls[0];
    let (begin, end) = (poll.begin, poll.end.unwrap());
    let some = Nanos(10_000_000);
    let thresholds = Thresholds::default();
    let look = |from: Option<Nanos>, to: Option<Nanos>| {
        let source = Source::open(&path).unwrap();
        let window = Window { from, to };
        Analysis::in_parts(source, window, &thresholds, 0, 80_000).unwrap()
    };

    let around = (Nanos(begin.0 - some.0), Nanos(end.0 + some.0));
    let (trace, analysis) = look(Some(around.0), Some(around.1));
    let long = Kind::LongPoll.name();
    assert_eq!(kinds(&analysis), BTreeSet::from([(long, false, false)]));
    // To the tick.
    assert!(trace.history.end.since(around.1) < Nanos(100));
    let read = trace.history.before.events + trace.history.events;
    assert!(read < whole.history.events / 2);
    let polls = tasks.iter().flat_map(|task| &task.polls);
    let within = |poll: &&Poll| poll.begin >= around.0 && poll.begin < around.1;
    let summed = summed_up(&trace, &analysis);
    assert_eq!(summed.polls, polls.filter(within).count() as u64);
    let alive = tasks.iter().filter(|task| {
        let state = task.state();
        let has_ended = !state.is_live() && state.since() < around.0;
        task.spawned < around.1 && !has_ended
    });
    let counts = &summed.tasks;
    let told = counts.running
        + counts.scheduled
        + counts.waiting
        + counts.completed
        + counts.cancelled
        + counts.panicked;
    assert_eq!(told, alive.count());

    // Before it, and after it.
    let (_, before) = look(None, Some(around.0));
    let found = kinds(&before);
    assert!(found.contains(&(Kind::DeadlockCycle.name(), true, true)));
    assert!(!found.contains(&(long, false, false)), "{found:?}");
    let (_, after) = look(Some(around.1), None);
    let found = kinds(&after);
    assert!(found.contains(&(Kind::DeadlockCycle.name(), false, true)));
    assert!(
        found
            .iter()
            .all(|(kind, ..)| *kind != long && *kind != Kind::LockOrderInversion.name()),
        "{found:?}"
    );

    // In the middle of it.
    let moment = Nanos(begin.0.midpoint(end.0));
    let at = Trace::at(Source::open(&path).unwrap(), moment).unwrap();
    assert!(at.history.events < whole.history.events / 2);
    let task = at.history.task(slow.unwrap().id).unwrap();
    assert_eq!(task.state(), TaskState::Running(begin));
    let then = whole.history_until(moment).unwrap();
    let live = |history: &History| -> Vec<_> {
        let live = history.tasks.iter().filter(|task| task.state().is_live());
        live.map(|task| task.id).collect()
    };
    assert_eq!(live(&at.history), live(&then));
}

#[test]
fn the_end_of_a_long_trace_is_read_without_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.ais");
    record(&path);
    let end = Trace::end_of(Source::open(&path).unwrap()).unwrap();
    let whole = Trace::open(&path).unwrap();
    assert!(end.history.events < whole.history.events / 2);
    assert_eq!(end.history.end, whole.history.end);
    let live = |trace: &Trace| -> Vec<_> {
        let tasks = trace.history.tasks.iter();
        let live = tasks.filter(|task| task.state().is_live());
        live.map(|task| (task.id, task.state(), task.name.clone()))
            .collect()
    };
    let (ours, theirs) = (live(&end), live(&whole));
    assert_eq!(ours.len(), theirs.len());
    for ((id, state, name), (its_id, its_state, its_name)) in ours.into_iter().zip(theirs) {
        assert_eq!((id, name), (its_id, its_name));
        assert_eq!(discriminant(&state), discriminant(&its_state));
        // A keyframe tells when the last poll began, not when it ended.
        assert!(state.since() <= its_state.since());
    }
    let found = Analysis::of(&end).findings;
    assert!(
        found
            .iter()
            .any(|finding| finding.kind == Kind::DeadlockCycle
                && finding.confidence == Confidence::Proven),
        "the deadlock is proven by what a keyframe tells"
    );
}

/// An event as the tests' own reader tells it: thread, tick, kind, who did it, columns.
type Plain = (u64, u64, &'static str, u64, Vec<u64>);

/// The events of each thread in its order, one thread after the other, by the tests' own reader.
fn told_plainly(path: &Path) -> Vec<Plain> {
    let mut trace = ais_tests::Trace::read(&std::fs::read(path).unwrap()).unwrap();
    let is_told_again = |header: &ChunkHeader| header.flags & flag::KEYFRAME != 0;
    trace.chunks.retain(|(header, ..)| !is_told_again(header));
    let events = ais_tests::events::Events::of(&trace).all.into_iter();
    events
        .map(|told| {
            (
                told.thread,
                told.tick,
                told.kind.name(),
                told.task,
                told.columns,
            )
        })
        .collect()
}

fn plain(event: &Event) -> Plain {
    (
        event.thread.0,
        event.tick,
        event.name().unwrap(),
        event.task.map_or(0, |task| task.0),
        event.fields().map(|(_, value)| value).collect(),
    )
}

#[test]
fn all_events_come_in_order_each_once_in_the_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.ais");
    record(&path);
    let source = Source::open(&path).unwrap();
    let mut events = source.events_in_order();
    let all: Vec<Event> = events.by_ref().collect();
    assert_eq!(events.loss(), &source.loss);
    for pair in all.windows(2) {
        let [one, other] = pair else { continue };
        assert!(one.at <= other.at, "{one:?} comes before {other:?}");
    }
    // Of each thread just what it recorded, in its order.
    let mut by_thread: Vec<Plain> = all.iter().map(plain).collect();
    by_thread.sort_by_key(|event| event.0);
    assert!(by_thread == told_plainly(&path));
    // The parts, one after the other, are the whole.
    for part in [1, 80_000] {
        let parts = source.parts_of(part);
        assert!(parts.len() > 2);
        let events = parts.iter().flat_map(|part| source.events_of(part));
        let in_parts: Vec<Plain> = events.map(|event| plain(&event)).collect();
        assert!(in_parts == all.iter().map(plain).collect::<Vec<_>>());
    }
    // Names are known by the time that they are needed.
    let mut events = source.events_in_order();
    while let Some(event) = events.next() {
        for name in ["name", "location"] {
            let names = events.names();
            let is_known = match event.value(name) {
                None | Some(0) => true,
                Some(id) if name == "name" => names.text(id).is_some(),
                Some(id) => names.location(id).is_some(),
            };
            assert!(is_known, "{name} of {event}");
        }
    }
    let trace = Trace::from_source(source).unwrap();
    assert_eq!(trace.history.events, all.len() as u64);
    assert_eq!(trace.events_in_order().count(), all.len());
    let wakes: usize = trace
        .history
        .tasks
        .iter()
        .map(|task| task.wakes.len())
        .sum();
    let told = all.iter().filter(|event| event.name() == Some("wake"));
    assert_eq!(told.count(), wakes);
}
