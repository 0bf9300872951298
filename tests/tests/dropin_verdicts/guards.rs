//! Correct programs with locks: guards that go elsewhere, and waits that others end.

use std::pin::pin;
use std::sync::{Arc, LazyLock, OnceLock};

use recorded_tokio as tokio;
use recorded_tokio::sync::{Mutex, MutexGuard, OwnedMutexGuard, RwLock, mpsc, oneshot};

use crate::{WHILE, later, programs, settled, unrecorded_while};

programs![
    owned_guard_to_a_thread,
    owned_guard_to_an_unrecorded_task,
    owned_guard_through_a_channel,
    owned_guard_in_a_slot,
    guard_of_a_lazy_static_to_a_thread,
    guard_of_a_static_through_a_channel,
    read_guard_of_a_static_to_a_thread,
    owned_read_guard_to_a_thread,
    a_reader_again_behind_a_writer_that_gives_up,
    a_reader_again_behind_a_writer_that_gives_up_unrecorded,
    select_with_an_unrecorded_time,
    select_with_a_time,
    a_lock_future_that_is_kept_while_others_wake,
    branches_on_one_lock,
    an_unrecorded_task_holds,
    a_thread_holds_what_it_blocked_for,
    a_job_blocks_on_a_future_while_it_holds,
    a_panic_while_it_holds,
];

async fn owned_guard_to_a_thread() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.clone().lock_owned().await;
    later(move || drop(guard));
    drop(lock.lock().await);
}

async fn owned_guard_to_an_unrecorded_task() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.clone().lock_owned().await;
    ::tokio::spawn(async move {
        unrecorded_while().await;
        drop(guard);
    });
    drop(lock.lock().await);
}

async fn owned_guard_through_a_channel() {
    let (sender, mut receiver) = mpsc::channel::<OwnedMutexGuard<()>>(1);
    tokio::spawn(async move {
        let guard = receiver.recv().await;
        unrecorded_while().await;
        drop(guard);
    });
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.clone().lock_owned().await;
    sender.send(guard).await.unwrap();
    drop(lock.lock().await);
}

async fn owned_guard_in_a_slot() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.clone().lock_owned().await;
    let slot = Arc::new(std::sync::Mutex::new(Some(guard)));
    later(move || drop(slot.lock().unwrap().take()));
    drop(lock.lock().await);
}

async fn guard_of_a_lazy_static_to_a_thread() {
    static LOCK: LazyLock<Mutex<u8>> = LazyLock::new(|| Mutex::new(1));
    let guard = LOCK.lock().await;
    later(move || drop(guard));
    drop(LOCK.lock().await);
}

async fn guard_of_a_static_through_a_channel() {
    static LOCK: Mutex<u8> = Mutex::const_new(1);
    let (sender, receiver) = oneshot::channel::<MutexGuard<'static, u8>>();
    tokio::spawn(async move {
        let guard = receiver.await;
        unrecorded_while().await;
        drop(guard);
    });
    let guard = LOCK.lock().await;
    assert!(sender.send(guard).is_ok());
    drop(LOCK.lock().await);
}

async fn read_guard_of_a_static_to_a_thread() {
    static LOCK: OnceLock<RwLock<u8>> = OnceLock::new();
    let lock = LOCK.get_or_init(RwLock::default);
    let guard = lock.read().await;
    later(move || drop(guard));
    drop(lock.write().await);
}

async fn owned_read_guard_to_a_thread() {
    let lock = Arc::new(RwLock::new(()));
    let guard = lock.clone().read_owned().await;
    later(move || drop(guard));
    drop(lock.write().await);
}

async fn a_reader_again_behind_a_writer_that_gives_up() {
    let lock = Arc::new(RwLock::new(()));
    let _read = lock.read().await;
    let written = lock.clone();
    tokio::spawn(async move { tokio::time::timeout(WHILE, written.write()).await.is_ok() });
    settled().await;
    drop(lock.read().await);
}

async fn a_reader_again_behind_a_writer_that_gives_up_unrecorded() {
    let lock = Arc::new(RwLock::new(()));
    let _read = lock.read().await;
    let written = lock.clone();
    tokio::spawn(async move { ::tokio::time::timeout(WHILE, written.write()).await.is_ok() });
    settled().await;
    drop(lock.read().await);
}

async fn select_with_an_unrecorded_time() {
    let lock = Mutex::new(());
    let _held = lock.lock().await;
    tokio::select! {
        _ = lock.lock() => unreachable!(),
        () = unrecorded_while() => {}
    }
}

async fn select_with_a_time() {
    let lock = Mutex::new(());
    let _held = lock.lock().await;
    tokio::select! {
        biased;
        _ = lock.lock() => unreachable!(),
        () = tokio::time::sleep(WHILE) => {}
    }
}

async fn a_lock_future_that_is_kept_while_others_wake() {
    let (sender, receiver) = ::tokio::sync::oneshot::channel();
    later(move || sender.send(()).unwrap());
    let lock = Mutex::new(());
    let held = lock.lock().await;
    let mut again = pin!(lock.lock());
    assert!(futures::poll!(again.as_mut()).is_pending());
    tokio::task::yield_now().await;
    receiver.await.unwrap();
    drop(held);
    drop(again.await);
}

async fn branches_on_one_lock() {
    let lock = Mutex::new(());
    let slow = async {
        let _held = lock.lock().await;
        unrecorded_while().await;
    };
    tokio::join!(slow, async { drop(lock.lock().await) });
}

async fn an_unrecorded_task_holds() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let held = a.lock().await;
    let (wanted, taken) = (a.clone(), b.clone());
    ::tokio::spawn(async move {
        let _taken = taken.lock().await;
        ::tokio::time::timeout(WHILE, wanted.lock()).await.is_ok()
    });
    settled().await;
    drop(b.lock().await);
    drop(held);
}

async fn a_thread_holds_what_it_blocked_for() {
    let lock = Arc::new(Mutex::new(()));
    let (taken, handle) = (lock.clone(), tokio::runtime::Handle::current());
    std::thread::spawn(move || {
        let guard = handle.block_on(taken.lock());
        std::thread::sleep(WHILE);
        drop(guard);
    });
    settled().await;
    drop(lock.lock().await);
}

async fn a_job_blocks_on_a_future_while_it_holds() {
    let lock = Arc::new(Mutex::new(()));
    let guard = lock.clone().lock_owned().await;
    tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(unrecorded_while());
        drop(guard);
    });
    drop(lock.lock().await);
}

async fn a_panic_while_it_holds() {
    let lock = Arc::new(Mutex::new(()));
    let taken = lock.clone();
    let task = tokio::spawn(async move {
        let _held = taken.lock().await;
        unrecorded_while().await;
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    settled().await;
    drop(lock.lock().await);
    assert!(task.await.is_err());
}
