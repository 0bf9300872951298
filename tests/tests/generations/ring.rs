//! A ring of segments.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ais_analyzer::history::Future;
use ais_analyzer::report::trace_info;
use ais_analyzer::time::Nanos;
use ais_analyzer::{Ending, Source, Trace};
use ais_recorder::{Recorder, spawn, trace, traced};

use super::{assert_deadlock_is_proven, deadlock, found, recorded, runtime, storm, turn};

const LIMIT: u64 = 256 << 10;

fn segments(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_lock_that_was_taken_long_ago_is_known_though_its_segment_is_gone() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let (trace, recorder) = recorded(Recorder::builder().ring(LIMIT), &path, async |_| {
        deadlock().await;
        storm("storm", 2_000_000).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    });
    assert_eq!(trace.source.ending, Ending::Running);
    assert!(trace.history.begins_late, "the first segments are gone");
    let coverage = trace_info(&trace).coverage;
    assert!(coverage.begins_at.is_some_and(|at| at > Nanos(0)));
    assert_eq!(coverage.begins_whole, Some(true));
    assert_eq!(coverage.dropped_share, None, "what is gone is not counted");
    assert_eq!(trace.history.loss.chunks, 0, "{:?}", trace.history.loss);
    assert_deadlock_is_proven(&trace);
    let status = recorder.stop().unwrap();
    assert!(status.bytes > LIMIT, "more was written than is kept");

    let segments = segments(folder.path());
    assert!(segments.len() > 1, "{segments:?}");
    assert!(!segments[0].ends_with("trace.0001.ais"));
    let lengths = segments.iter().map(|path| path.metadata().unwrap().len());
    assert!(lengths.sum::<u64>() <= LIMIT, "they stay within the limit");
    let trace = Trace::open(&path).unwrap();
    assert_eq!(trace.source.ending, Ending::Finished);
    assert_deadlock_is_proven(&trace);

    // `cat` of segments is a trace; and so is each of them.
    let all: Vec<u8> = segments
        .iter()
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    let cat = folder.path().join("cat.ais");
    std::fs::write(&cat, all).unwrap();
    assert_eq!(
        Trace::open(&cat).unwrap().history.events,
        trace.history.events
    );
    for segment in &segments {
        assert_deadlock_is_proven(&Trace::open(segment).unwrap());
    }
}

#[trace]
async fn waits_in_select() {
    tokio::select! {
        () = std::future::pending() => {}
        () = waits_at_its_second() => {}
    }
}

#[trace]
async fn waits_at_its_second() {
    tokio::task::yield_now().await;
    std::future::pending::<()>().await;
}

#[test]
fn where_a_traced_function_stands_is_known_though_its_beginning_is_gone() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let (trace, recorder) = recorded(Recorder::builder().ring(LIMIT), &path, async |_| {
        drop(spawn("hangs", waits_in_select(), tokio::spawn));
        let unpolled = traced!("unpolled", async { waits_at_its_second().await });
        storm("storm", 2_000_000).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        std::mem::forget(unpolled);
    });
    let history = &trace.history;
    assert!(history.begins_late, "the first segments are gone");
    let of = |name: &str| {
        let is_of = |future: &&Future| {
            let function = history.function_of(future);
            function.is_some_and(|function| function.short_name() == name)
        };
        history.futures.iter().find(is_of).unwrap()
    };
    let (outer, inner) = (of("waits_in_select"), of("waits_at_its_second"));
    assert_eq!(outer.waits_at().unwrap().point, 0);
    assert_eq!(inner.waits_at().unwrap().point, 1);
    assert_eq!(inner.parent, Some(outer.id));
    let unpolled = of("unpolled");
    assert_eq!((unpolled.begun, unpolled.ended), (None, None));
    assert!(unpolled.made < history.end);
    recorder.stop().unwrap();
}

/// What was noted of its polls and wakes went into a place that the second recording did not look at.
#[test]
fn a_task_that_an_earlier_recording_knew_is_told_with_its_polls() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let is_over = Arc::new(AtomicBool::new(false));
    let recorder = Recorder::builder()
        .path(folder.path().join("first.ais"))
        .start()
        .unwrap();
    let old = {
        let is_over = Arc::clone(&is_over);
        let yields = async move {
            while !is_over.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
        };
        let _guard = runtime.enter();
        spawn("old", yields, tokio::spawn)
    };
    recorder.stop().unwrap();
    let ring = folder.path().join("ring");
    std::fs::create_dir(&ring).unwrap();
    let recorder = Recorder::builder()
        .ring(LIMIT)
        .path(ring.join("trace.ais"))
        .start()
        .unwrap();
    let is_first_gone = || {
        let left = segments(&ring);
        left.len() > 1 && !left[0].ends_with("trace.0001.ais")
    };
    while !is_first_gone() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    is_over.store(true, Ordering::Relaxed);
    runtime.block_on(old).unwrap();
    recorder.stop().unwrap();
    let segments = segments(&ring);
    // The last may have begun when the task had ended, and what it did just before was still to be written: it is not told there.
    let (_, segments) = segments.split_last().unwrap();
    for segment in segments {
        let history = Trace::open(segment).unwrap().history;
        let tasks: Vec<&str> = history.tasks.iter().map(|task| &*task.name).collect();
        assert_eq!(
            tasks,
            ["old"],
            "what is told is told of a task that there is"
        );
        assert!(history.tasks[0].polls.len() > 1);
    }
}

/// A task that is polled by another one ends when that one drops it: whoever does not know that takes it for one that an executor keeps.
#[test]
fn a_task_inside_of_another_is_told_to_be_there() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let (trace, recorder) = recorded(Recorder::builder().ring(LIMIT), &path, async |_| {
        let inner = ais_recorder::task("inner", std::future::pending::<()>());
        let outer = async move {
            futures::future::select(Box::pin(inner), Box::pin(storm("storm", 2_000_000))).await;
        };
        spawn("outer", outer, tokio::spawn).await.unwrap();
    });
    recorder.stop().unwrap();
    let history = &trace.history;
    assert!(history.begins_late, "the first segments are gone");
    let task = |name: &str| {
        history
            .tasks
            .iter()
            .find(|task| &*task.name == name)
            .unwrap()
    };
    let told = &task("inner").polls[0];
    assert_eq!(told.inside, Some(task("outer").id));
}

#[test]
fn the_next_recording_goes_on_in_the_ring_and_is_the_one_that_is_shown() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let of = |name: &'static str| {
        let (_, recorder) = recorded(Recorder::builder().ring(LIMIT), &path, async |_| {
            storm(name, 1000).await;
        });
        recorder.stop().unwrap();
    };
    of("first");
    of("second");
    let names: Vec<_> = segments(folder.path())
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["trace.0001.ais", "trace.0002.ais"]);
    let tasks = |path: &std::path::Path| -> Vec<String> {
        let history = Trace::open(path).unwrap().history;
        history
            .tasks
            .iter()
            .map(|task| task.name.to_string())
            .collect()
    };
    assert!(tasks(&path).contains(&"second".to_owned()));
    assert!(!tasks(&path).contains(&"first".to_owned()));
    assert!(tasks(&folder.path().join("trace.0001.ais")).contains(&"first".to_owned()));
}

#[test]
fn a_ring_that_is_damaged_is_read_as_far_as_it_goes_and_proves_nothing_that_it_lacks() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().ring(40 << 10);
    let (_, recorder) = recorded(builder, &path, async |_| {
        deadlock().await;
        storm("storm", 200_000).await;
    });
    recorder.stop().unwrap();
    let segments = segments(folder.path());
    let whole: Vec<u8> = segments
        .iter()
        .flat_map(|path| std::fs::read(path).unwrap())
        .collect();
    for step in 1..40 {
        let at = whole.len() * step / 40;
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        for bytes in [whole[..at].to_vec(), flipped] {
            let Ok(source) = Source::from_bytes(&path, bytes) else {
                continue;
            };
            let Ok(trace) = Trace::from_source(source) else {
                continue;
            };
            let found = found(&trace);
            assert!(found.len() <= 1, "only one thing is wrong");
            let tells =
                trace.history.loss.sentence().is_some() || trace.source.ending != Ending::Finished;
            assert!(tells, "at {at}: what is missing is told");
        }
    }
}

#[test]
fn a_ring_whose_segments_are_deleted_while_it_is_opened_is_opened() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let (_, recorder) = recorded(Recorder::builder().ring(LIMIT), &path, async |_| {
        storm("storm", 1000).await;
    });
    recorder.stop().unwrap();
    let one = std::fs::read(&segments(folder.path())[0]).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let segment = |number| ais_format::ring::segment(&path, number);
            let mut number = 1;
            while !is_over.load(Ordering::Relaxed) {
                std::fs::write(segment(number + 1), &one).unwrap();
                std::fs::remove_file(segment(number)).unwrap();
                number += 1;
            }
        });
        let opened = (0..500).try_for_each(|_| Source::open(&path).map(drop));
        is_over.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
}
