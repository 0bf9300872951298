//! Programs whose truth is known are recorded, and the analysis must say just that: every deadlock named with its tasks and
//! resources, no accusation of a program that is merely slow.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::Future;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use ais_analyzer::findings::{Confidence, Finding, Kind, wait_findings};
use ais_analyzer::{Ending, Trace};
use ais_recorder::sync::{Mutex, channel};
use ais_recorder::{TraceExt as _, spawn, task, trace};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

const MOMENT: Duration = Duration::from_millis(40);

/// A runtime of each flavour.
fn runtimes() -> [Runtime; 2] {
    let multi = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let single = Builder::new_current_thread().enable_all().build().unwrap();
    [multi, single]
}

/// One program at a time, its end included: tasks that are dropped late must not fall into the next one's recording.
fn turn() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Records `program` and reads the trace back.
fn recorded(program: impl FnOnce()) -> Trace {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let ((), status) = ais_tests::record(&path, program).unwrap();
    assert_eq!(status.dropped, 0);
    if let Some(keep) = std::env::var_os("DBG_KEEP") {
        std::fs::copy(&path, keep).unwrap();
    }
    let trace = Trace::open(&path).unwrap();
    assert_eq!(trace.history.events, status.events);
    assert!(trace.source.ending == Ending::Finished && trace.history.loss.sentence().is_none());
    trace
}

fn findings(trace: &Trace) -> Vec<Finding> {
    wait_findings(&trace.history).1
}

/// Runs `main` on both flavours; gives what was found in each.
fn on_tokio<F: Future<Output = ()> + Send + 'static>(main: impl Fn() -> F) -> Vec<Vec<Finding>> {
    let run = |runtime: Runtime| {
        let _turn = turn();
        let trace = recorded(|| runtime.block_on(main()));
        runtime.shutdown_timeout(Duration::from_secs(5));
        findings(&trace)
    };
    runtimes().into_iter().map(run).collect()
}

fn names(finding: &Finding) -> Vec<&str> {
    finding
        .tasks
        .iter()
        .map(|task| task.name.as_str())
        .collect()
}

/// The one finding of each run, which must be of this kind.
fn only(runs: Vec<Vec<Finding>>, kind: Kind, confidence: Confidence) -> Vec<Finding> {
    runs.into_iter()
        .map(|found| {
            assert_eq!(found.len(), 1, "{found:#?}");
            let [finding] = found.try_into().unwrap();
            assert_eq!(
                (finding.kind, finding.confidence),
                (kind, confidence),
                "{finding:#?}"
            );
            finding
        })
        .collect()
}

fn assert_innocent(runs: &[Vec<Finding>]) {
    for found in runs {
        assert!(
            found
                .iter()
                .all(|finding| finding.confidence == Confidence::Possible),
            "a correct program was accused: {found:#?}"
        );
    }
}

#[trace(crate = ais_recorder)]
async fn take_both(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
    let mut one = first.lock().await;
    sleep(MOMENT).await;
    let mut two = second.lock().await;
    *one += 1;
    *two += 1;
}

fn two_locks() -> (Arc<Mutex<u32>>, Arc<Mutex<u32>>) {
    (
        Arc::new(Mutex::named("a", 0)),
        Arc::new(Mutex::named("b", 0)),
    )
}

#[test]
fn two_tasks_that_take_two_locks_in_opposite_order() {
    let runs = on_tokio(|| async {
        let (a, b) = two_locks();
        spawn("a then b", take_both(a.clone(), b.clone()), tokio::spawn);
        spawn("b then a", take_both(b.clone(), a.clone()), tokio::spawn);
        sleep(MOMENT).await;
        spawn("late", take_both(a, b), tokio::spawn);
        spawn(
            "bystander",
            async { sleep(Duration::from_mins(1)).await },
            tokio::spawn,
        );
        sleep(2 * MOMENT).await;
    });
    for finding in only(runs, Kind::DeadlockCycle, Confidence::Proven) {
        assert_eq!(names(&finding), ["a then b", "b then a"]);
        assert_eq!(
            finding
                .resources
                .iter()
                .filter_map(|r| r.name.as_deref())
                .collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert_eq!(finding.victims.len(), 1, "the late task waits behind it");
        let facts: Vec<&str> = finding
            .facts
            .iter()
            .map(|fact| fact.text.as_str())
            .collect();
        assert_eq!(facts.len(), 4);
        assert!(
            facts[0].contains(r#"holds mutex "a""#) && facts[1].contains(r#"wants mutex "b""#),
            "{facts:#?}"
        );
        assert!(
            facts[1].contains("second.lock() at tests/tests/deadlocks.rs:"),
            "{facts:#?}"
        );
        assert!(
            facts[1].contains("state 3 of 3 of take_both()"),
            "{facts:#?}"
        );
        let lines: Vec<u64> = finding
            .facts
            .iter()
            .filter_map(|fact| fact.location.as_ref())
            .map(|at| at.line)
            .collect();
        assert_eq!(
            lines,
            [lines[0], lines[0] + 2, lines[0], lines[0] + 2],
            "hold and wait are two lines apart in source"
        );
    }
}

#[test]
fn a_deadlock_on_smol_is_the_same_deadlock() {
    #[trace(crate = ais_recorder)]
    async fn take(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
        let _one = first.lock().await;
        smol::Timer::after(MOMENT).await;
        let _two = second.lock().await;
    }
    let _turn = turn();
    let executor = smol::Executor::new();
    let trace = recorded(|| {
        let (a, b) = two_locks();
        let one = spawn("one", take(a.clone(), b.clone()), |task| {
            executor.spawn(task)
        });
        let two = spawn("two", take(b, a), |task| executor.spawn(task));
        smol::block_on(executor.run(smol::Timer::after(3 * MOMENT)));
        one.into_inner().detach();
        two.into_inner().detach();
    });
    let found = only(
        vec![findings(&trace)],
        Kind::DeadlockCycle,
        Confidence::Proven,
    );
    assert_eq!(names(&found[0]), ["one", "two"]);
}

#[test]
fn three_tasks_in_a_ring() {
    let runs = on_tokio(|| async {
        let locks: Vec<_> = (0..3).map(|_| Arc::new(Mutex::new(0))).collect();
        for i in 0..3 {
            spawn(
                format!("philosopher {i}"),
                take_both(locks[i].clone(), locks[(i + 1) % 3].clone()),
                tokio::spawn,
            );
        }
        sleep(3 * MOMENT).await;
    });
    for finding in only(runs, Kind::DeadlockCycle, Confidence::Proven) {
        let mut names = names(&finding);
        names.sort_unstable();
        assert_eq!(names, ["philosopher 0", "philosopher 1", "philosopher 2"]);
        assert_eq!(finding.facts.len(), 6);
    }
}

#[test]
fn a_task_that_takes_a_lock_twice() {
    let runs = on_tokio(|| async {
        let lock = Arc::new(Mutex::new(0));
        spawn("twice", take_both(lock.clone(), lock), tokio::spawn);
        sleep(3 * MOMENT).await;
    });
    for finding in only(runs, Kind::SelfDeadlock, Confidence::Proven) {
        assert_eq!(names(&finding), ["twice"]);
    }
}

#[test]
fn branches_of_one_join_that_hold_what_the_other_wants() {
    let runs = on_tokio(|| async {
        let (a, b) = two_locks();
        let both = async move { futures::join!(take_both(a.clone(), b.clone()), take_both(b, a)) };
        spawn("joined", both, tokio::spawn);
        sleep(3 * MOMENT).await;
    });
    for finding in only(runs, Kind::SelfDeadlock, Confidence::Proven) {
        assert_eq!(names(&finding), ["joined"]);
        assert_eq!(finding.resources.len(), 2);
    }
}

#[test]
fn a_task_that_joins_another_which_wants_its_lock() {
    let runs = on_tokio(|| async {
        let lock = Arc::new(Mutex::named("config", 0));
        let parent = async move {
            let _guard = lock.lock().await;
            let lock = lock.clone();
            let child = spawn(
                "child",
                async move { *lock.lock().await += 1 },
                tokio::spawn,
            );
            let _ = child.await;
        };
        spawn("parent", parent, tokio::spawn);
        sleep(3 * MOMENT).await;
    });
    for finding in only(runs, Kind::DeadlockCycle, Confidence::Proven) {
        assert_eq!(names(&finding), ["parent", "child"]);
        let text = finding
            .facts
            .iter()
            .map(|fact| fact.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            text.contains(r"wants the end of task") && text.contains(r#"wants mutex "config""#),
            "{text}"
        );
    }
}

#[test]
fn two_tasks_that_send_into_each_others_full_channel() {
    let runs = on_tokio(|| async {
        let (to_b, from_a) = channel(1);
        let (to_a, from_b) = channel(1);
        let a = async move {
            loop {
                to_b.send(()).await.unwrap();
                to_b.send(()).await.unwrap();
                from_b.recv().await.unwrap();
            }
        };
        let b = async move {
            loop {
                to_a.send(()).await.unwrap();
                to_a.send(()).await.unwrap();
                from_a.recv().await.unwrap();
            }
        };
        // Each has used both of its ends before: the trace knows whose they are.
        spawn("a", a, tokio::spawn);
        spawn("b", b, tokio::spawn);
        sleep(2 * MOMENT).await;
    });
    // Neither got as far as receiving: for all that the trace knows, the receivers may be anywhere.
    assert_innocent(&runs);

    let runs = on_tokio(|| async {
        let (to_b, from_a) = channel(1);
        let (to_a, from_b) = channel(1);
        let talk = |to: ais_recorder::sync::Sender<()>, from: ais_recorder::sync::Receiver<()>| async move {
            to.send(()).await.unwrap();
            from.recv().await.unwrap();
            loop {
                to.send(()).await.unwrap();
            }
        };
        spawn("a", talk(to_b, from_b), tokio::spawn);
        spawn("b", talk(to_a, from_a), tokio::spawn);
        sleep(2 * MOMENT).await;
    });
    for finding in only(runs, Kind::BackpressureCycle, Confidence::Likely) {
        assert_eq!(names(&finding), ["a", "b"]);
        assert!(finding.confidence_because.is_some());
    }
}

#[test]
fn contention_behind_a_slow_holder_is_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let (a, b) = two_locks();
        for i in 0..20 {
            spawn(
                format!("worker {i}"),
                take_both(a.clone(), b.clone()),
                tokio::spawn,
            );
        }
        // The recording ends while most of them wait.
        sleep(4 * MOMENT).await;
    }));
}

#[test]
fn opposite_orders_behind_a_gate_are_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let gate = Arc::new(Mutex::named("gate", ()));
        let (a, b) = two_locks();
        for (first, second) in [(a.clone(), b.clone()), (b.clone(), a.clone())] {
            let gate = gate.clone();
            let gated = async move {
                let _gate = gate.lock().await;
                take_both(first, second).await;
            };
            spawn("gated", gated, tokio::spawn);
        }
        sleep(MOMENT).await;
    }));
}

#[test]
fn a_cycle_that_a_time_out_will_break_is_no_deadlock() {
    async fn impatient(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
        let _one = first.lock().await;
        sleep(MOMENT).await;
        let _ = timeout(Duration::from_secs(5), second.lock()).await;
    }
    assert_innocent(&on_tokio(|| async {
        let (a, b) = two_locks();
        spawn("a then b", impatient(a.clone(), b.clone()), tokio::spawn);
        spawn("b then a", impatient(b, a), tokio::spawn);
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn a_cycle_through_a_static_lock_is_not_proven() {
    static A: OnceLock<Mutex<u32>> = OnceLock::new();
    async fn a_then(second: Arc<Mutex<u32>>) {
        let _one = A.get_or_init(|| Mutex::new(0)).lock().await;
        sleep(MOMENT).await;
        let _two = second.lock().await;
    }
    async fn then_a(first: Arc<Mutex<u32>>) {
        let _one = first.lock().await;
        sleep(MOMENT).await;
        let _two = A.get_or_init(|| Mutex::new(0)).lock().await;
    }
    // A guard of a static lock can be kept anywhere, and a bystander that can move could drop it.
    assert_innocent(&on_tokio(|| async {
        let b = Arc::new(Mutex::new(0));
        spawn("a then b", a_then(b.clone()), tokio::spawn);
        spawn("b then a", then_a(b), tokio::spawn);
        spawn(
            "bystander",
            async { sleep(Duration::from_mins(1)).await },
            tokio::spawn,
        );
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn servers_that_wait_for_silent_clients_are_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        // The other end in a thread that nobody records, after having been used by it; and one that nobody has used.
        let (to_server, inbox) = channel::<u32>(4);
        let (stop, stopped) = mpsc::channel::<()>();
        let (sent, was_sent) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            to_server.try_send(1).unwrap();
            sent.send(()).unwrap();
            let _ = stopped.recv();
        });
        was_sent.recv().unwrap();
        let (_unused, second_inbox) = channel::<u32>(4);
        spawn(
            "server",
            async move { while inbox.recv().await.is_ok() {} },
            tokio::spawn,
        );
        spawn(
            "second server",
            async move { while second_inbox.recv().await.is_ok() {} },
            tokio::spawn,
        );
        sleep(MOMENT).await;
        drop(stop);
    }));
}

#[test]
fn a_sender_that_went_to_a_thread_after_its_first_use_is_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let (stop, stopped) = mpsc::channel::<()>();
        let main = async move {
            let (sender, receiver) = channel::<u32>(4);
            sender.send(1).await.unwrap();
            let consumer = spawn(
                "consumer",
                async move { while receiver.recv().await.is_ok() {} },
                tokio::spawn,
            );
            std::thread::spawn(move || {
                let _ = stopped.recv();
                drop(sender);
            });
            let _ = consumer.await;
        };
        spawn("main", main, tokio::spawn);
        sleep(2 * MOMENT).await;
        drop(stop);
    }));
}

#[test]
fn a_cycle_inside_of_a_task_that_will_give_up_is_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let (a, b) = two_locks();
        for (first, second) in [(a.clone(), b.clone()), (b, a)] {
            let patient = timeout(
                Duration::from_secs(5),
                task("inner", take_both(first, second)),
            );
            spawn("outer", patient, tokio::spawn);
        }
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn an_operation_that_moved_beside_a_timer_is_no_deadlock() {
    use futures::FutureExt;
    use futures::stream::{FuturesUnordered, StreamExt};
    async fn moves(first: Arc<Mutex<u32>>, second: Arc<Mutex<u32>>) {
        let _one = first.lock().await;
        sleep(MOMENT).await;
        let mut lock = second.lock().map(|_| ()).boxed();
        // Polled by the task itself first, then in a set together with a timer that will end the wait.
        assert!(futures::poll!(&mut lock).is_pending());
        let mut set = FuturesUnordered::new();
        set.push(lock);
        set.push(sleep(Duration::from_secs(5)).boxed());
        let _ = set.next().await;
    }
    assert_innocent(&on_tokio(|| async {
        let (a, b) = two_locks();
        spawn("a then b", moves(a.clone(), b.clone()), tokio::spawn);
        spawn("b then a", moves(b, a), tokio::spawn);
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn a_guard_that_went_along_with_a_spawned_task_is_no_deadlock() {
    static SHARDS: OnceLock<Vec<Mutex<u32>>> = OnceLock::new();
    assert_innocent(&on_tokio(|| async {
        let shard = &SHARDS.get_or_init(|| vec![Mutex::new(0)])[0];
        let parent = async move {
            let guard = shard.lock().await;
            let child = async move {
                sleep(10 * MOMENT).await;
                drop(guard);
            };
            spawn("child", child, tokio::spawn);
            *shard.lock().await += 1;
        };
        spawn("parent", parent, tokio::spawn);
        sleep(2 * MOMENT).await;
    }));
}

#[test]
fn a_handle_that_another_task_waits_on_by_now_is_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let lock = Arc::new(Mutex::named("m", 0));
        let (hand_over, handed_over) = tokio::sync::oneshot::channel::<
            ais_recorder::JoinHandle<tokio::task::JoinHandle<()>>,
        >();
        let reaper = async move { handed_over.await.unwrap().await.unwrap() };
        spawn("reaper", reaper, tokio::spawn);
        let wants = lock.clone();
        let parent = async move {
            let guard = lock.lock().await;
            // Spawned by nobody that is recorded: the guard cannot have gone along.
            let wait = async move { *wants.lock().await += 1 };
            let runtime = tokio::runtime::Handle::current();
            let child =
                std::thread::spawn(move || spawn("child", wait, |task| runtime.spawn(task)));
            let mut child = child.join().unwrap();
            // It gives up waiting, and leaves that to somebody else.
            assert!(timeout(MOMENT / 4, &mut child).await.is_err());
            assert!(hand_over.send(child).is_ok());
            sleep(MOMENT / 2).await;
            sleep(10 * MOMENT).await;
            drop(guard);
        };
        spawn("parent", parent, tokio::spawn);
        sleep(2 * MOMENT).await;
    }));
}

#[test]
fn a_lock_whose_guards_were_seen_to_move_is_not_relied_on() {
    let _turn = turn();
    // An executor whose tasks borrow: guards can go from one to the other without any `'static`.
    let lock = OnceLock::new();
    let (sender, receiver) = smol::channel::bounded(1);
    let executor = smol::LocalExecutor::new();
    let trace = recorded(|| {
        let lock = lock.get_or_init(|| Mutex::named("m", 0));
        let (sender, receiver) = (sender.clone(), receiver.clone());
        let gives = async move {
            for _ in 0..2 {
                let guard = lock.lock().await;
                sender.send(guard).await.unwrap();
                *lock.lock().await += 1;
            }
        };
        let takes = async move {
            drop(receiver.recv().await.unwrap());
            let _kept = receiver.recv().await.unwrap();
            smol::Timer::after(10 * MOMENT).await;
        };
        spawn("gives", gives, |task| executor.spawn(task))
            .into_inner()
            .detach();
        spawn("takes", takes, |task| executor.spawn(task))
            .into_inner()
            .detach();
        smol::block_on(executor.run(smol::Timer::after(2 * MOMENT)));
    });
    let waiting = trace
        .history
        .tasks
        .iter()
        .filter(|task| trace.history.pending_operations(task.id).count() > 0);
    assert_eq!(
        waiting.count(),
        1,
        "one task waits for the lock whose guard it gave away"
    );
    assert_innocent(&[findings(&trace)]);
}

#[test]
fn locks_that_are_not_recorded_are_not_judged() {
    // A true deadlock, but one lock is tokio's own: the trace cannot know who holds it, so nothing is claimed.
    assert_innocent(&on_tokio(|| async {
        let ours = Arc::new(Mutex::new(0));
        let theirs = Arc::new(tokio::sync::Mutex::new(0));
        let (first, second) = (ours.clone(), theirs.clone());
        spawn(
            "ours then theirs",
            async move {
                let _one = first.lock().await;
                sleep(MOMENT).await;
                let _two = second.lock().await;
            },
            tokio::spawn,
        );
        spawn(
            "theirs then ours",
            async move {
                let _one = theirs.lock().await;
                sleep(MOMENT).await;
                let _two = ours.lock().await;
            },
            tokio::spawn,
        );
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn a_holder_that_waits_for_a_thread_is_no_deadlock() {
    assert_innocent(&on_tokio(|| async {
        let lock = Arc::new(Mutex::new(0));
        let (answer, question) = tokio::sync::oneshot::channel::<()>();
        let holder = lock.clone();
        spawn(
            "holder",
            async move {
                let _guard = holder.lock().await;
                let _ = question.await;
            },
            tokio::spawn,
        );
        sleep(MOMENT).await;
        spawn(
            "waiter",
            async move { *lock.lock().await += 1 },
            tokio::spawn,
        );
        sleep(MOMENT).await;
        drop(answer);
    }));
}

#[test]
fn a_guard_from_try_lock_may_be_anywhere() {
    assert_innocent(&on_tokio(|| async {
        let (a, b) = two_locks();
        let (a2, b2) = (a.clone(), b.clone());
        spawn(
            "tries",
            async move {
                let _one = a.try_lock().unwrap();
                sleep(MOMENT).await;
                let _two = b.lock().await;
            },
            tokio::spawn,
        );
        spawn("b then a", take_both(b2, a2), tokio::spawn);
        spawn(
            "bystander",
            async { sleep(Duration::from_mins(1)).await },
            tokio::spawn,
        );
        sleep(3 * MOMENT).await;
    }));
}

#[test]
fn a_program_that_completes_has_nothing_to_hide() {
    let _turn = turn();
    let trace = recorded(|| {
        let work = async {
            let lock = Mutex::new(1);
            *lock.lock().await += 1;
            async { 3 }.traced("three").await + *lock.lock().await
        };
        assert_eq!(futures::executor::block_on(task("main", work)), 5);
    });
    assert!(findings(&trace).is_empty());
    assert!(
        trace
            .history
            .tasks
            .iter()
            .all(|task| !task.state().is_live())
    );
}
