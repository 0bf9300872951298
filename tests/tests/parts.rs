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
use ais_analyzer::report::{Summary, summary, trace_info};
use ais_analyzer::{Analysis, Source, Trace};
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
            sleep(millis(15)).await;
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

fn record(path: &Path) {
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
    runtime.block_on(async {
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
    // The deadlock goes on.
    std::mem::forget(runtime);
    recorder.stop().unwrap();
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
        let (last, in_parts) = Analysis::in_parts(source(), &thresholds, 0, part).unwrap();
        assert!(last.history.tasks.len() < whole.history.tasks.len());
        assert_eq!(kinds(&in_parts), kinds(&of_whole));
        let (one, other) = (summed_up(&last, &in_parts), summed_up(&whole, &of_whole));
        assert_eq!(one.tasks, other.tasks);
        assert_eq!(one.polls, other.polls);
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
