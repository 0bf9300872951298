//! How waits end that get nothing: every kind of operation in a task that is aborted, and in one that panics; every kind of task.

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use ais_format::event::{
    PollEnd, TaskAbort, TaskDrop, operation_kind as kind, outcome, poll_outcome,
};
use ais_tests::events::{Events, outcome_name};
use recorded_tokio as tokio;
use tokio::sync::{
    Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch,
};
use tokio::task::{Builder, JoinHandle, JoinSet, LocalSet};

use crate::in_both_flavours;

type Waits = fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A future of each kind that waits for ever, in one operation of that kind.
macro_rules! waits {
    ($($name:literal $kind:ident $body:block)*) => {
        [$(($name, kind::$kind, (|| Box::pin(async $body)) as Waits)),*]
    };
}

const WAITS: [(&str, u64, Waits); 22] = waits! {
    "mutex" LOCK { let m = Mutex::new(()); let _held = m.lock().await; drop(m.lock().await); }
    "rwlock, read" READ { let l = RwLock::new(()); let _held = l.write().await; drop(l.read().await); }
    "rwlock, write" WRITE { let l = RwLock::new(()); let _held = l.read().await; drop(l.write().await); }
    "semaphore" ACQUIRE { drop(Semaphore::new(0).acquire().await); }
    "mpsc, send" SEND { let (s, _r) = mpsc::channel(1); s.send(1).await.unwrap(); s.send(2).await.unwrap(); }
    "mpsc, reserve" RESERVE { let (s, _r) = mpsc::channel(1); s.send(1).await.unwrap(); drop(s.reserve().await); }
    "mpsc, closed" CLOSED { let (s, _r) = mpsc::channel::<u8>(1); s.closed().await; }
    "mpsc" RECEIVE { let (_s, mut r) = mpsc::channel::<u8>(1); r.recv().await; }
    "unbounded" RECEIVE { let (_s, mut r) = mpsc::unbounded_channel::<u8>(); r.recv().await; }
    "oneshot" RECEIVE { let (_s, r) = oneshot::channel::<u8>(); drop(r.await); }
    "broadcast" RECEIVE { let (_s, mut r) = broadcast::channel::<u8>(1); drop(r.recv().await); }
    "watch" CHANGED { let (_s, mut r) = watch::channel(1); r.changed().await.unwrap(); }
    "notify" NOTIFIED { Notify::new().notified().await; }
    "barrier" BARRIER { Barrier::new(2).wait().await; }
    "once cell" INIT { let c = OnceCell::new(); tokio::join!(c.get_or_init(pending::<u8>), c.get_or_init(pending)); }
    "set once" SET { SetOnce::<u8>::new().wait().await; }
    "join" JOIN { tokio::spawn(pending::<()>()).await.unwrap(); }
    "join set" JOIN_NEXT { let mut s = JoinSet::new(); s.spawn(pending::<()>()); s.join_next().await; }
    "sleep" SLEEP { tokio::time::sleep(Duration::from_secs(1000)).await; }
    "interval" TICK {
        let far = Duration::from_secs(1000);
        tokio::time::interval_at(tokio::time::Instant::now() + far, far).tick().await;
    }
    "timeout" TIMEOUT { drop(tokio::time::timeout(Duration::from_secs(1000), pending::<()>()).await); }
    "owned mutex" LOCK {
        let m = std::sync::Arc::new(Mutex::new(()));
        let _held = std::sync::Arc::clone(&m).lock_owned().await;
        drop(m.lock_owned().await);
    }
};

/// Long enough for a task to come to where it waits.
async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(3)).await;
}

fn last_poll(events: &Events, task: u64) -> Option<u64> {
    let polls = events.rows::<PollEnd>();
    polls
        .iter()
        .rfind(|end| end.task == task)
        .map(|end| end.outcome)
}

fn is_dropped(events: &Events, task: u64) -> bool {
    events
        .rows::<TaskDrop>()
        .iter()
        .any(|drop| drop.task == task)
}

#[test]
fn whatever_a_task_waits_for_its_abort_gives_it_up() {
    for (name, kind, waits) in WAITS {
        in_both_flavours(
            || async move {
                let task = Builder::new().name("waits").spawn(waits()).unwrap();
                a_moment().await;
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            },
            |events| {
                let task = events.task("waits");
                let ended = events.outcome(kind, task);
                assert_eq!(
                    ended,
                    Some(outcome::DROPPED),
                    "{name}: {}",
                    outcome_name(ended)
                );
                assert!(
                    events
                        .rows::<TaskAbort>()
                        .iter()
                        .any(|abort| abort.task == task),
                    "{name}"
                );
                assert!(is_dropped(events, task), "{name}");
            },
        );
    }
}

#[test]
fn whatever_a_task_waits_for_its_panic_ends_it_as_panicked() {
    for (name, kind, waits) in WAITS {
        in_both_flavours(
            || async move {
                let panics = async move {
                    let later = async {
                        tokio::task::yield_now().await;
                        std::panic::resume_unwind(Box::new("on purpose"));
                    };
                    tokio::join!(biased; waits(), later);
                };
                let task = Builder::new().name("panics").spawn(panics).unwrap();
                assert!(task.await.unwrap_err().is_panic());
            },
            |events| {
                let task = events.task("panics");
                let ended = events.outcome(kind, task);
                assert_eq!(
                    ended,
                    Some(outcome::PANICKED),
                    "{name}: {}",
                    outcome_name(ended)
                );
                assert_eq!(
                    last_poll(events, task),
                    Some(poll_outcome::PANICKED),
                    "{name}"
                );
            },
        );
    }
}

/// Lets a task that waits for ever be aborted, and one that panics panic.
async fn abort_and_await(waits: JoinHandle<()>, panics: JoinHandle<()>) {
    a_moment().await;
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());
    assert!(panics.await.unwrap_err().is_panic());
}

fn panics() -> impl Future<Output = ()> {
    std::future::poll_fn(|_| std::panic::resume_unwind(Box::new("on purpose")))
}

fn check_both(events: &Events) {
    let (waits, panics) = (events.task("waits"), events.task("panics"));
    assert_eq!(last_poll(events, waits), Some(poll_outcome::PENDING));
    assert!(is_dropped(events, waits));
    assert_eq!(last_poll(events, panics), Some(poll_outcome::PANICKED));
}

#[test]
fn a_local_task_is_aborted_and_panics_like_any() {
    in_both_flavours(
        || async {
            let set = LocalSet::new();
            let waits = Builder::new()
                .name("waits")
                .spawn_local_on(pending(), &set)
                .unwrap();
            let bad = Builder::new()
                .name("panics")
                .spawn_local_on(panics(), &set)
                .unwrap();
            set.run_until(abort_and_await(waits, bad)).await;
        },
        check_both,
    );
}

#[test]
fn a_task_of_a_set_is_aborted_and_panics_like_any() {
    in_both_flavours(
        || async {
            let mut set = JoinSet::new();
            let waits = set
                .build_task()
                .name("waits")
                .spawn(pending::<()>())
                .unwrap();
            set.build_task().name("panics").spawn(panics()).unwrap();
            a_moment().await;
            waits.abort();
            while let Some(result) = set.join_next().await {
                assert!(result.is_err());
            }
        },
        check_both,
    );
}

#[test]
fn a_blocking_job_that_is_aborted_while_it_is_queued_never_runs() {
    let events = ais_tests::events_of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let first = tokio::task::spawn_blocking(move || wait.recv());
            let queued = Builder::new().name("queued").spawn_blocking(|| ()).unwrap();
            queued.abort();
            go.send(()).unwrap();
            first.await.unwrap().unwrap();
            assert!(queued.await.unwrap_err().is_cancelled());
        });
    })
    .unwrap();
    let queued = events.task("queued");
    assert_eq!(last_poll(&events, queued), None);
    assert!(is_dropped(&events, queued));
}
