//! Polls that keep a worker for long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use recorded_tokio as tokio;
use recorded_tokio::runtime::Builder;

use crate::table::buggy;
use crate::{named, settled};

buggy! {
    "long-poll" ends {
        async a_shell_that_sleeps: Possible, ["shell"], [];
        async a_password_hashed_in_a_handler: Possible, ["login"], [];
        async a_lock_of_std_under_contention: Possible, ["authorize"], [];
    }
    "long-poll" hangs {
        fn a_loop_that_awaits_nothing: Possible, ["spawner"], [];
        async a_blocking_client_in_a_task: Possible, ["client"], [];
    }
}

/// Longer than a poll may be.
const LONG: Duration = Duration::from_millis(150);

/// A task sleeps as a thread does. <https://github.com/Hmbown/Codewhale/pull/831>
async fn a_shell_that_sleeps(fixed: bool) {
    let shell = named("shell", async move {
        if fixed {
            tokio::time::sleep(LONG).await;
        } else {
            std::thread::sleep(LONG);
        }
    });
    shell.await.unwrap();
}

/// A password is hashed where requests are handled. <https://github.com/kaj/warp-diesel-ructe-sample/issues/4>
async fn a_password_hashed_in_a_handler(fixed: bool) {
    fn hash(password: u64) -> u64 {
        let until = Instant::now() + LONG;
        let mut hash = password;
        while Instant::now() < until {
            hash = std::hint::black_box(hash.wrapping_mul(31).rotate_left(7));
        }
        hash
    }
    let login = named("login", async move {
        if fixed {
            return tokio::task::spawn_blocking(|| hash(1)).await.unwrap();
        }
        hash(1)
    });
    login.await.unwrap();
}

/// Whether something is allowed is asked under a lock that blocks. <https://github.com/oxidecomputer/omicron/issues/1584>
async fn a_lock_of_std_under_contention(fixed: bool) {
    let rules = Arc::new(Mutex::new(0));
    let (reloaded, (reloads, reloading)) = (rules.clone(), mpsc::channel());
    let reload = std::thread::spawn(move || {
        let mut reloaded = reloaded.lock().unwrap();
        reloads.send(()).unwrap();
        std::thread::sleep(LONG);
        *reloaded += 1;
    });
    reloading.recv().unwrap();
    let authorize = named("authorize", async move {
        let ask = move || *rules.lock().unwrap();
        if fixed {
            return tokio::task::spawn_blocking(ask).await.unwrap();
        }
        ask()
    });
    assert_eq!(authorize.await.unwrap(), 1);
    reload.join().unwrap();
}

/// A task loops until another one has run, for which there is no other thread. <https://github.com/tokio-rs/tokio/issues/6954>
fn a_loop_that_awaits_nothing(fixed: bool) {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(async {
        let has_run = Arc::new(AtomicBool::new(false));
        let runs = has_run.clone();
        let spawner = named("spawner", async move {
            named("demo", async move { runs.store(true, Ordering::SeqCst) });
            while !has_run.load(Ordering::SeqCst) {
                if fixed {
                    tokio::task::yield_now().await;
                }
                std::hint::spin_loop();
            }
        });
        spawner.await.unwrap();
    });
}

/// A task waits for a response as a thread does, and the response does not come before the program ends.
/// <https://github.com/seanmonstar/reqwest/issues/938>
async fn a_blocking_client_in_a_task(fixed: bool) {
    let (server, response) = mpsc::channel();
    std::thread::spawn(move || {
        std::thread::sleep(10 * LONG);
        server.send(()).unwrap();
    });
    let client = named("client", async move {
        if fixed {
            tokio::task::spawn_blocking(move || response.recv_timeout(LONG));
            return settled().await;
        }
        response.recv().unwrap();
    });
    client.await.unwrap();
}
