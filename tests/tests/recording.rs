//! What an analysis relies on is in the trace: real programs are recorded, and their histories compared with what they did.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::future::{Future, pending, poll_fn};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use ais_analyzer::findings::{Confidence, wait_findings};
use ais_analyzer::history::{FutureEnd, History, PollOutcome, Task, TaskState, WokenBy};
use ais_analyzer::{Ending, Trace};
use ais_format::event::Kind;
use ais_recorder::sync::{Mutex, channel, named_channel};
use ais_recorder::{Recorder, TraceExt as _, spawn, task, trace};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

const MOMENT: Duration = Duration::from_millis(20);

/// One program at a time, its end included.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Records `main` on a runtime of its own.
fn recorded<F: Future>(main: F) -> History {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let runtime = runtime();
    ais_tests::record(&path, || runtime.block_on(task("main", main))).unwrap();
    runtime.shutdown_timeout(Duration::from_secs(5));
    Trace::open(&path).unwrap().history
}

fn called<'a>(history: &'a History, name: &str) -> &'a Task {
    history
        .tasks
        .iter()
        .find(|task| &*task.name == name)
        .unwrap_or_else(|| panic!("no task {name}"))
}

#[test]
fn a_task_has_its_name_its_parent_its_place_and_all_its_polls() {
    let line = std::sync::atomic::AtomicU32::new(0);
    let history = recorded(async {
        let steps = async {
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
        };
        line.store(line!() + 1, std::sync::atomic::Ordering::Relaxed);
        spawn("child", steps, tokio::spawn).await.unwrap();
    });
    let line = line.into_inner();
    let (main, child) = (called(&history, "main"), called(&history, "child"));
    assert_eq!(child.spawned_by, Some(main.id));
    assert_eq!(
        child.spawned_at.as_ref().unwrap().to_string(),
        format!("tests/tests/recording.rs:{line}:9")
    );
    assert_eq!(
        child
            .polls
            .iter()
            .map(|poll| poll.number)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6]
    );
    assert!(
        child
            .polls
            .windows(2)
            .all(|pair| pair[0].end.unwrap() <= pair[1].begin),
        "polls do not overlap"
    );
    assert!(
        child.polls[..5]
            .iter()
            .all(|poll| poll.outcome == PollOutcome::Pending)
    );
    assert!(matches!(child.state(), TaskState::Completed(_)));
    assert!(!child.late && child.size > 0);
}

#[test]
fn tasks_that_panic_are_aborted_or_never_run_are_told_apart() {
    let history = recorded(async {
        let panics = spawn(
            "panics",
            async { std::panic::resume_unwind(Box::new("on purpose")) },
            tokio::spawn,
        );
        let aborted = spawn("aborted", pending::<()>(), tokio::spawn);
        sleep(MOMENT).await;
        aborted.abort();
        assert!(panics.await.unwrap_err().is_panic() && aborted.await.unwrap_err().is_cancelled());
        drop(task("never run", async {}));
        spawn("lives", pending::<()>(), tokio::spawn);
        sleep(MOMENT).await;
    });
    assert!(matches!(
        called(&history, "panics").state(),
        TaskState::Panicked(_)
    ));
    assert!(matches!(
        called(&history, "aborted").state(),
        TaskState::Cancelled(_)
    ));
    assert!(matches!(
        called(&history, "never run").state(),
        TaskState::Cancelled(_)
    ));
    assert!(called(&history, "never run").polls.is_empty());
    assert!(matches!(
        called(&history, "lives").state(),
        TaskState::Idle(_)
    ));
    assert_eq!(
        called(&history, "lives").polls[0].wakers,
        0,
        "nobody can wake it"
    );
}

#[test]
fn a_wake_tells_who_woke_through_what() {
    let history = recorded(async {
        let (sender, receiver) = channel(1);
        let consumer = spawn(
            "consumer",
            async move { receiver.recv().await.unwrap() },
            tokio::spawn,
        );
        sleep(MOMENT).await;
        spawn(
            "producer",
            async move { sender.send(7).await.unwrap() },
            tokio::spawn,
        )
        .await
        .unwrap();
        assert_eq!(consumer.await.unwrap(), 7);
        spawn("sleeper", sleep(MOMENT), tokio::spawn).await.unwrap();
    });
    let (consumer, producer) = (called(&history, "consumer"), called(&history, "producer"));
    let wake = consumer.wakes.first().unwrap();
    assert_eq!(wake.by, WokenBy::Task(producer.id));
    let operation = history.operation(wake.operation.unwrap()).unwrap();
    assert_eq!(
        (operation.call().as_str(), operation.task),
        ("recv()", Some(consumer.id))
    );
    assert!(operation.ended.is_some());
    assert!(operation.flags.is_inline() && !operation.flags.has_foreign_waker());
    let by_timer = called(&history, "sleeper").wakes.first().unwrap();
    assert!(matches!(by_timer.by, WokenBy::Thread(_)) && by_timer.operation.is_none());
}

#[trace]
async fn outer(lock: &Mutex<u32>) -> Option<u32> {
    let first = inner(1).await?;
    let second = *lock.lock().await + inner(2).await?;
    inner(0).await?;
    Some(first + second)
}

#[trace]
async fn inner(n: u32) -> Option<u32> {
    tokio::task::yield_now().await;
    (n > 0).then_some(n)
}

#[test]
fn await_points_have_their_expression_and_place_and_futures_their_parents() {
    let history = recorded(async {
        assert_eq!(outer(&Mutex::new(5)).await, None);
    });
    let functions: Vec<_> = history
        .functions
        .values()
        .filter(|function| function.short_name() == "outer")
        .collect();
    let [function] = functions[..] else {
        panic!("one function")
    };
    assert_eq!(&*function.name, "recording::outer");
    let points = function.points.as_ref().unwrap();
    let expressions: Vec<&str> = points.iter().map(|point| &*point.expression).collect();
    assert_eq!(
        expressions,
        ["inner(1)", "lock.lock()", "inner(2)", "inner(0)"]
    );
    let place = |index: usize| points[index].location.clone().unwrap();
    assert_eq!(
        (&*place(0).file, place(0).column),
        ("tests/tests/recording.rs", 26)
    );
    assert_eq!(
        (place(1).line, place(2).line, place(3).line),
        (place(0).line + 1, place(0).line + 1, place(0).line + 2)
    );

    let outer = history
        .futures
        .iter()
        .find(|future| history.function_of(future).unwrap().short_name() == "outer")
        .unwrap();
    assert_eq!(outer.task, Some(called(&history, "main").id));
    assert_eq!(
        outer
            .awaits
            .iter()
            .map(|visit| visit.point)
            .collect::<Vec<_>>(),
        [0, 1, 2, 3]
    );
    assert!(
        matches!(outer.ended, Some((_, FutureEnd::Returned))),
        "`?` returns"
    );
    let inner: Vec<_> = history
        .futures
        .iter()
        .filter(|future| future.parent == Some(outer.id))
        .collect();
    assert_eq!(inner.len(), 3, "each call of inner runs inside outer");
}

#[test]
fn futures_that_are_dropped_say_where_or_that_they_never_ran() {
    #[trace]
    async fn waits() {
        inner(1).await;
        pending::<()>().await;
    }
    let history = recorded(async {
        let _ = tokio::time::timeout(MOMENT, waits()).await;
        let _ = tokio::time::timeout(MOMENT, pending::<()>().traced("dropped")).await;
        drop(async {}.traced("forgotten"));
        async {}.traced("done").await;
    });
    let of = |name: &str| {
        history
            .futures
            .iter()
            .find(|future| history.function_of(future).unwrap().short_name() == name)
            .unwrap()
    };
    assert_eq!(of("waits").ended.unwrap().1, FutureEnd::Dropped);
    assert!(of("waits").awaits[1].dropped && !of("waits").awaits[0].dropped);
    assert_eq!(of("dropped").ended.unwrap().1, FutureEnd::Dropped);
    assert_eq!(of("forgotten").ended.unwrap().1, FutureEnd::NeverPolled);
    assert_eq!(of("done").ended.unwrap().1, FutureEnd::Returned);
}

#[test]
fn a_lock_has_one_holder_at_a_time_in_the_order_of_its_changes() {
    use ais_analyzer::history::{Change, ChangeKind};
    let history = recorded(async {
        let lock = Arc::new(Mutex::named("counter", 0u32));
        let handles: Vec<_> = (0..8)
            .map(|i| {
                let lock = Arc::clone(&lock);
                let work = async move {
                    for _ in 0..200 {
                        let mut count = lock.lock().await;
                        // Held while others run: they have to wait.
                        tokio::task::yield_now().await;
                        *count += 1;
                    }
                };
                spawn(format!("worker {i}"), work, tokio::spawn)
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
        assert_eq!(*lock.lock().await, 1600);
    });
    let lock = history
        .resources
        .iter()
        .find(|resource| resource.name.as_deref() == Some("counter"))
        .unwrap();
    assert!(!lock.uncertain && lock.holder().is_none());
    let is_hold = |change: &&Change| {
        matches!(
            change.kind,
            ChangeKind::Acquired(_) | ChangeKind::Released { .. }
        )
    };
    let changes: Vec<&Change> = lock.changes.iter().filter(is_hold).collect();
    assert_eq!(changes.len(), 2 * 1601);
    for pair in changes.chunks(2) {
        let (ChangeKind::Acquired(hold), ChangeKind::Released { hold: number, .. }) =
            (&pair[0].kind, &pair[1].kind)
        else {
            panic!("taken, given back, taken, given back: not {pair:?}")
        };
        assert_eq!(hold.number, *number, "it is what was taken");
        assert_eq!(hold.task, pair[1].by, "who took it gives it back");
    }
    assert!(
        lock.changes.len() > changes.len() && lock.at_end.queue.is_empty(),
        "some had to wait, and none does any more"
    );
}

#[test]
fn a_channel_counts_what_is_queued_and_who_has_its_ends() {
    let history = recorded(async {
        let (sender, receiver) = named_channel("letters", 3);
        let second = sender.clone();
        for i in 0..3 {
            sender.send(i).await.unwrap();
        }
        assert!(second.try_send(3).is_err());
        assert_eq!(receiver.try_recv().unwrap(), 0);
        drop(second);
        std::mem::forget((sender, receiver));
    });
    let letters = history
        .resources
        .iter()
        .find(|resource| resource.name.as_deref() == Some("letters"))
        .unwrap();
    assert_eq!(
        (letters.capacity, letters.queued(), letters.handles().len()),
        (3, 2, 2)
    );
    assert!(!letters.is_closed() && !letters.uncertain);
}

#[test]
fn futures_executors_without_tokio_are_recorded_too() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    ais_tests::record(&path, || {
        let mut pool = futures::executor::LocalPool::new();
        let spawner = pool.spawner();
        let (sender, receiver) = channel(1);
        let spawn_local = |task| futures::task::LocalSpawnExt::spawn_local(&spawner, task).unwrap();
        spawn(
            "sends",
            async move {
                for i in 0..10 {
                    sender.send(i).await.unwrap();
                }
            },
            spawn_local,
        );
        let sum = pool.run_until(task("sums", async {
            let mut sum = 0;
            while let Ok(n) = receiver.recv().await {
                sum += n;
            }
            sum
        }));
        assert_eq!(sum, 45);
    })
    .unwrap();
    let history = Trace::open(&path).unwrap().history;
    assert!(matches!(
        called(&history, "sends").state(),
        TaskState::Completed(_)
    ));
    assert!(
        called(&history, "sums")
            .wakes
            .iter()
            .any(|wake| wake.by == WokenBy::Task(called(&history, "sends").id))
    );
}

#[test]
fn the_waker_stays_the_same_from_poll_to_poll() {
    let history = recorded(async {
        let mut first = None;
        poll_fn(move |cx| {
            let same = first
                .get_or_insert_with(|| cx.waker().clone())
                .will_wake(cx.waker());
            assert!(same, "a waker that is kept must be recognised");
            if cx.waker().will_wake(&first.clone().unwrap()) && first.is_some() {
                static POLLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
                if POLLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 3 {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
            Poll::Ready(())
        })
        .await;
    });
    let main = called(&history, "main");
    assert_eq!(
        main.wakes
            .iter()
            .map(|wake| (wake.waker, wake.number))
            .collect::<Vec<_>>(),
        [(1, 1), (1, 2), (1, 3)]
    );
    assert!(
        main.wakes
            .iter()
            .all(|wake| wake.by == WokenBy::Task(main.id)),
        "it woke itself"
    );
}

#[test]
fn events_that_come_too_fast_are_dropped_counted_and_told() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let recorder = Recorder::builder()
        .path(&path)
        .memory_limit(1)
        .start()
        .unwrap();
    let mut polls = 0u32;
    futures::executor::block_on(task(
        "storm",
        poll_fn(|cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 300_000 || recorder.status().dropped == 0 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }),
    ));
    let status = recorder.stop().unwrap();
    assert!(status.dropped > 0, "3 MiB cannot hold this: {status:?}");
    let file = ais_tests::Trace::read(&std::fs::read(&path).unwrap()).unwrap();
    let batches = file.chunks.iter().flat_map(|(.., chunk)| &chunk.batches);
    // Those say after a gap where the thread is.
    let resumed = batches
        .flat_map(ais_format::chunk::EventBatch::events)
        .filter(|event| event.kind == Some(Kind::InPoll))
        .count() as u64;
    let trace = Trace::open(&path).unwrap();
    let history = &trace.history;
    assert_eq!(
        (history.loss.events_dropped, history.events),
        (status.dropped, status.events)
    );
    assert!(
        history
            .loss
            .sentence()
            .unwrap()
            .contains("dropped by the recorder")
    );
    assert_eq!(
        status.events + status.dropped,
        resumed + 1 + 3 * u64::from(polls),
        "each event is in the file or counted"
    );
}

#[test]
fn what_follows_a_gap_is_not_blamed_on_the_task_before_it() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().path(&path).memory_limit(1);
    let recorder = std::rc::Rc::new(builder.start().unwrap());
    let mut pool = futures::executor::LocalPool::new();
    for name in ["a", "b", "c"] {
        let lock = Mutex::named(name, 0);
        let recorder = std::rc::Rc::clone(&recorder);
        let work = async move {
            // Until events are lost, and some more.
            while recorder.status().dropped == 0 {
                for _ in 0..50_000 {
                    *lock.lock().await += 1;
                    tokio::task::yield_now().await;
                }
            }
        };
        futures::task::LocalSpawnExt::spawn_local(&pool.spawner(), task(name, work)).unwrap();
    }
    pool.run();
    let recorder = std::rc::Rc::into_inner(recorder).unwrap();
    assert!(recorder.stop().unwrap().dropped > 0);
    let history = Trace::open(&path).unwrap().history;
    let mut known = 0;
    for lock in &history.resources {
        for change in &lock.changes {
            let by = change
                .by
                .and_then(|id| history.task(id))
                .map(|task| task.name.to_string());
            assert!(
                by.is_none() || by.as_deref() == lock.name.as_deref(),
                "{by:?} did not touch {:?}",
                lock.name
            );
            known += usize::from(by.is_some());
        }
    }
    assert!(known > 1000, "most is known: {known}");
}

#[test]
fn more_names_than_a_chunk_holds_are_all_there() {
    let name = |i: usize| format!("{i} {}", "long ".repeat(250));
    let history = recorded(async move {
        for i in 0..6000 {
            drop(task(name(i), async {}));
        }
    });
    let cut = |name: &str| name[..1024].to_owned();
    let names: std::collections::HashSet<&str> =
        history.tasks.iter().map(|task| &*task.name).collect();
    assert!(
        (0..6000).all(|i| names.contains(cut(&name(i)).as_str())),
        "of {} names",
        names.len()
    );
    assert_eq!(history.loss.sentence(), None);
}

#[test]
fn a_file_that_another_recorder_has_is_left_alone() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let taken = File::create(&path).unwrap();
    taken.lock().unwrap();
    let recorder = Recorder::builder().path(&path).start().unwrap();
    assert_eq!(
        recorder.path(),
        folder
            .path()
            .join(format!("trace.{}.ais", std::process::id()))
    );
    assert_eq!(
        Recorder::builder()
            .path(folder.path().join("second.ais"))
            .start()
            .unwrap_err()
            .kind(),
        std::io::ErrorKind::AlreadyExists
    );
    recorder.stop().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn traces_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    ais_tests::record(&path, || ()).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_and_the_program_goes_on() {
    let _turn = turn();
    let error = Recorder::builder()
        .path("/no/such/folder/trace.ais")
        .start()
        .unwrap_err();
    assert!(
        error.to_string().contains("/no/such/folder/trace.ais"),
        "{error}"
    );
    if cfg!(target_os = "linux") {
        assert!(
            Recorder::builder().path("/dev/full").start().is_err(),
            "a full disk"
        );
    }
    assert_eq!(
        futures::executor::block_on(task("unrecorded", async { 1 })),
        1
    );
}

#[trace]
async fn take_both(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    let _one = first.lock().await;
    sleep(MOMENT).await;
    let _two = second.lock().await;
}

/// The program of the next test, in a process of its own.
#[test]
#[ignore = "hangs by design: run by the test below"]
fn child_that_hangs() {
    let _recorder = Recorder::from_env().unwrap().expect("AIS_TRACE is set");
    runtime().block_on(task("main", async {
        let (a, b) = (
            Arc::new(Mutex::named("a", 0)),
            Arc::new(Mutex::named("b", 0)),
        );
        let one = spawn("a then b", take_both(a.clone(), b.clone()), tokio::spawn);
        let _two = spawn("b then a", take_both(b, a), tokio::spawn);
        let _ = one.await;
    }));
}

#[test]
fn a_hung_program_that_is_killed_leaves_its_deadlock_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_hangs", "--ignored", "--nocapture"])
        .env("AIS_TRACE", &path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let is_hung = |path: &Path| {
        let trace = Trace::open(path).ok()?;
        // Signs of life go on while nothing happens.
        let found = wait_findings(&trace.history).1;
        found
            .first()
            .filter(|finding| trace.history.end.since(finding.since).0 > 1_000_000_000)
            .cloned()
    };
    let started = Instant::now();
    let finding = loop {
        // A file that is being written can be read at any moment.
        if let Some(finding) = is_hung(&path) {
            break finding;
        }
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "the deadlock does not show"
        );
        std::thread::sleep(MOMENT);
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let trace = Trace::open(&path).unwrap();
    assert!(trace.source.ending != Ending::Finished && trace.history.loss.sentence().is_none());
    let after = wait_findings(&trace.history).1;
    assert_eq!((after.len(), after[0].confidence), (1, Confidence::Proven));
    assert_eq!(after[0].since, finding.since);
    assert_eq!(after[0].victims.len(), 1, "main waits for one of them");
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 10_000, "idling costs no disk: {size} bytes");
}
