//! Correct programs that hang until they cancel something, and then go on.

use std::sync::Arc;

use recorded_tokio as tokio;
use recorded_tokio::sync::Mutex;

use crate::{WHILE, programs, runtime, settled};

programs![
    a_runtime_ended_while_its_task_holds,
    a_task_aborted_while_it_holds
];

async fn both(first: Arc<Mutex<()>>, second: Arc<Mutex<()>>) {
    let _first = first.lock().await;
    let _second = second.lock().await;
}

async fn a_runtime_ended_while_its_task_holds() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let _held = b.lock().await;
    let task = both(a.clone(), b.clone());
    std::thread::spawn(move || {
        let other = runtime();
        other.spawn(task);
        std::thread::sleep(WHILE);
        other.shutdown_background();
    });
    settled().await;
    drop(a.lock().await);
}

async fn a_task_aborted_while_it_holds() {
    let (a, b) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
    let _held = b.lock().await;
    let task = tokio::spawn(both(a.clone(), b.clone()));
    let abort = task.abort_handle();
    tokio::spawn(async move {
        tokio::time::sleep(WHILE).await;
        abort.abort();
    });
    settled().await;
    drop(a.lock().await);
    assert!(task.await.unwrap_err().is_cancelled());
}
