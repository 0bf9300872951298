//! `inspect-record` on programs with each version of tokio that can be recorded.
//!
//! Those are no dependencies of this workspace: cargo downloads them. Cache and build results are kept in the target folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use ais_analyzer::Trace;

/// The minor versions of tokio 1.
const MINORS: std::ops::RangeInclusive<u32> = 47..=54;
/// The first whose semaphore asks for budget only when it has its permits.
const ASKS_LAST: u32 = 54;

/// Uses what it can; then two tasks wait for each other; and it ends while a task has used up its budget and asks for a lock.
const PROGRAM: &str = r"
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet, coop, spawn_blocking};
use tokio::time::{interval, sleep, timeout};

async fn locks() {
    let lock = Arc::new(RwLock::new(1));
    let semaphore = Arc::new(Semaphore::new(2));
    let cell = Arc::new(OnceCell::new());
    let (once, barrier) = (Arc::new(SetOnce::new()), Arc::new(Barrier::new(4)));
    let mut set = JoinSet::new();
    for number in 0..4 {
        let (lock, semaphore) = (Arc::clone(&lock), Arc::clone(&semaphore));
        let (cell, once, barrier) = (Arc::clone(&cell), Arc::clone(&once), Arc::clone(&barrier));
        set.spawn(async move {
            barrier.wait().await;
            let permits = semaphore.acquire_many(1 + number % 2).await.unwrap();
            cell.get_or_init(|| sleep(Duration::from_millis(2))).await;
            assert_ne!(*lock.read().await, 0);
            *lock.write().await += number;
            drop(permits);
            *once.wait().await
        });
    }
    sleep(Duration::from_millis(20)).await;
    once.set(1).unwrap();
    assert_eq!(set.join_all().await, [1; 4]);
    assert_eq!(*lock.read().await, 7);
}

async fn channels() {
    let (sender, mut receiver) = mpsc::channel(1);
    let sends = tokio::spawn(async move {
        for number in 0..200 {
            sender.send(number).await.unwrap();
        }
        sender.send_timeout(200, Duration::from_secs(9)).await.unwrap();
    });
    let mut sum = 0;
    while let Some(number) = receiver.recv().await {
        sum += number;
    }
    assert_eq!(sum, 20_100);
    sends.await.unwrap();
    let (state, mut states) = watch::channel(0);
    let (news, mut heard) = broadcast::channel(1);
    let (ask, answer) = oneshot::channel();
    let notify = Arc::new(Notify::new());
    let notified = Arc::clone(&notify);
    let waits = tokio::spawn(async move {
        states.wait_for(|state| *state == 1).await.unwrap();
        heard.recv().await.unwrap();
        notified.notified().await;
        ask.send(2).unwrap();
    });
    sleep(Duration::from_millis(2)).await;
    state.send(1).unwrap();
    news.send(1).unwrap();
    notify.notify_one();
    assert_eq!(answer.await.unwrap(), 2);
    waits.await.unwrap();
}

async fn others() {
    let mut ticks = interval(Duration::from_millis(1));
    ticks.tick().await;
    ticks.tick().await;
    let minute = Duration::from_secs(60);
    assert!(timeout(Duration::from_millis(2), sleep(minute)).await.is_err());
    let job = || Handle::current().block_on(async { tokio::spawn(async { 3 }).await.unwrap() });
    assert_eq!(spawn_blocking(job).await.unwrap(), 3);
    assert_eq!(Handle::current().spawn(async { 4 }).await.unwrap(), 4);
}

async fn lock_both(first: Arc<Mutex<()>>, second: Arc<Mutex<()>>) {
    let _first = first.lock().await;
    sleep(Duration::from_millis(20)).await;
    let _second = second.lock().await;
}

fn main() {
    let threads = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let all = || async { tokio::join!(locks(), channels(), others()); };
    threads.block_on(threads.spawn(all())).unwrap();
    let thread = Builder::new_current_thread().enable_all().build().unwrap();
    thread.block_on(all());
    LocalSet::new().block_on(&thread, async {
        let local = std::rc::Rc::new(5);
        assert_eq!(tokio::task::spawn_local(async move { *local }).await.unwrap(), 5);
    });

    threads.block_on(async {
        let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        tokio::spawn(lock_both(Arc::clone(&a), Arc::clone(&b)));
        tokio::spawn(lock_both(b, a));
        sleep(Duration::from_millis(100)).await;
    });
    thread.block_on(async {
        let lock = Mutex::new(());
        let _held = lock.lock().await;
        let waits = async {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            let _ = lock.lock().await;
        };
        tokio::join!(waits, async { std::process::exit(0) });
    });
}
";

#[test]
#[ignore = "downloads eight versions of tokio and builds each: takes minutes"]
fn each_version_of_tokio_can_be_recorded() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("versions");
    for minor in MINORS {
        let project = folder.join(format!("1.{minor}"));
        fs::create_dir_all(project.join("src")).unwrap();
        fs::write(project.join("src/main.rs"), PROGRAM).unwrap();
        let manifest = format!(
            "[package]\nname = \"recorded\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
             tokio = {{ version = \"~1.{minor}\", features = [\"full\"] }}\n"
        );
        fs::write(project.join("Cargo.toml"), manifest).unwrap();
        // What else is needed is there already, in these versions.
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
        fs::copy(ours, project.join("Cargo.lock")).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_inspect-record"))
            .args(["cargo", "run", "--quiet"])
            .current_dir(&project)
            .env("AIS_CACHE", folder.join("cache"))
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "1.{minor}: {said}");
        assert!(said.contains("deadlock-cycle, proven"), "1.{minor}: {said}");

        let history = Trace::open(project.join("trace.ais")).unwrap().history;
        for task in &history.tasks {
            assert!(task.executor.is_some(), "1.{minor}: {}", task.name);
        }
        let mut waits = history
            .operations
            .iter()
            .filter(|wait| wait.ended.is_none());
        assert_eq!(
            waits.any(|wait| wait.flags.had_no_budget()),
            minor < ASKS_LAST,
            "1.{minor}: whether a lock says where it stands to who has no budget"
        );
    }
}
