//! Events that come too fast: what was lost is made good by what is told again.

use std::task::{Context, Waker};
use std::time::Duration;

use ais_analyzer::findings::wait_findings;
use ais_analyzer::history::TaskState;
use ais_analyzer::report::trace_info;
use ais_recorder::Recorder;

use super::{Lock, assert_deadlock_is_proven, deadlock, flood, recorded, storm, turn};

/// The least that a recorder takes.
const LITTLE: usize = 1;

#[test]
fn a_deadlock_is_proven_though_events_were_lost_before_and_after_it() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().memory_limit(LITTLE);
    let (trace, recorder) = recorded(builder, &path, async |recorder| {
        flood("before", recorder);
        deadlock().await;
        flood("after", recorder);
        // Long enough for what is alive to be told again.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        storm("at last", 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    assert!(
        trace.history.loss.events_dropped > 0,
        "the storms were too much"
    );
    let coverage = trace_info(&trace).coverage;
    assert_eq!(coverage.is_healed, Some(true));
    assert!(
        coverage
            .dropped_share
            .is_some_and(|share| share > 0.0 && share < 1.0)
    );
    assert_deadlock_is_proven(&trace);
    let storms = trace
        .history
        .tasks
        .iter()
        .filter(|task| &*task.name == "before");
    for task in storms {
        let state = task.state();
        assert!(
            matches!(state, TaskState::Cancelled(_) | TaskState::EndedUnseen(_)),
            "{state:?}"
        );
    }
    for lock in trace
        .history
        .resources
        .iter()
        .filter(|lock| lock.name.as_deref() == Some("before"))
    {
        assert!(lock.holders().is_empty(), "it was given back");
    }
    recorder.stop().unwrap();
}

/// Where memory is full, each thread loses some events before each of its segments: batches are small, and there are many of them.
#[test]
fn what_much_is_lost_of_can_be_read_all_the_same() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().memory_limit(32 << 20);
    let (trace, recorder) = recorded(builder, &path, async |_| {
        let storms = (0..4).map(|_| {
            std::thread::spawn(|| {
                let lock = Lock::named("storm", 0);
                for _ in 0..500_000 {
                    let mut locks = std::pin::pin!(lock.lock());
                    let mut cx = Context::from_waker(Waker::noop());
                    assert!(locks.as_mut().poll(&mut cx).is_ready());
                }
            })
        });
        for storm in storms.collect::<Vec<_>>() {
            storm.join().unwrap();
        }
    });
    let loss = &trace.history.loss;
    assert!(loss.events_dropped > 0, "the storms were too much");
    assert_eq!((loss.chunks, loss.bytes), (0, 0), "{:?}", loss.notes);
    recorder.stop().unwrap();
}

#[test]
fn a_storm_of_polls_leaves_room_for_what_tells_more_and_is_told_itself() {
    const POLLS: u64 = 1_000_000;
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().memory_limit(LITTLE);
    let (trace, recorder) = recorded(builder, &path, async |recorder| {
        let counts = tokio::spawn(async {
            for number in 0..200u32 {
                let name = format!("step {number}");
                ais_recorder::spawn(name, async {}, tokio::spawn)
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        storm("storm", POLLS).await;
        flood("flood", recorder);
        counts.await.unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        storm("at last", 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    let history = &trace.history;
    assert!(history.loss.events_dropped > 0);
    for number in 0..200 {
        let name = format!("step {number}");
        assert!(
            history.tasks.iter().any(|task| *task.name == *name),
            "{name} is missing"
        );
    }
    let storm = history
        .tasks
        .iter()
        .find(|task| &*task.name == "storm")
        .unwrap();
    let last = storm.polls.last().unwrap();
    assert!(
        last.number > POLLS / 2,
        "{} of its polls are told",
        last.number
    );
    assert!(wait_findings(history).1.is_empty());
    recorder.stop().unwrap();
    let bytes = path.metadata().unwrap().len();
    assert!(bytes < 20 << 20, "{bytes} bytes");
}
