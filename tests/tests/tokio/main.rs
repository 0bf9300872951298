//! Real programs on the recorded tokio: what of them is in the trace. One module for each kind of thing that is recorded.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

#[macro_use]
mod auto_traits;
mod barrier;
mod broadcast;
mod endings;
mod interop;
mod lock_traits;
mod locks;
mod mpsc;
mod mutex;
mod notify;
mod once_cell;
mod oneshot;
mod rwlock;
mod semaphore;
mod set_once;
mod task;
mod task_sets;
mod time;
mod watch;

use std::future::Future;

use ais_format::event::Kind;
use ais_tests::events::{Events, outcome_name};
use ais_tests::events_of;
use recorded_tokio::runtime::Builder;

/// Runs a program on a runtime with one thread and again on one with two workers; `check` looks at what was recorded of each.
fn in_both_flavours<F: Future<Output = ()>>(program: impl Fn() -> F, check: impl Fn(&Events)) {
    let mut one = Builder::new_current_thread();
    let mut two = Builder::new_multi_thread();
    for builder in [&mut one, two.worker_threads(2)] {
        let events = events_of(|| {
            let runtime = builder.enable_all().build().unwrap();
            runtime.block_on(program());
        });
        check(&events.unwrap());
    }
}

/// The changes of a resource in the order of their numbers.
fn kinds(events: &Events, resource: u64) -> Vec<Kind> {
    let changes = events.changes(resource);
    changes.into_iter().map(|(kind, _)| kind).collect()
}

/// How the operations of a kind ended, in the order in which they began.
fn outcomes(events: &Events, kind: u64) -> Vec<&'static str> {
    let operations = events.operations(kind);
    operations
        .iter()
        .map(|(_, _, outcome)| outcome_name(*outcome))
        .collect()
}

/// Gives each branch of a `join!` a turn or more, whichever of them it begins with.
async fn let_others_run() {
    for _ in 0..3 {
        recorded_tokio::task::yield_now().await;
    }
}
