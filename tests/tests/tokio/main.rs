//! Real programs on the recorded tokio: what of them is in the trace. One module for each kind of thing that is recorded.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod barrier;
mod interop;
mod lock_traits;
mod locks;
mod mutex;
mod notify;
mod once_cell;
mod rwlock;
mod semaphore;
mod set_once;
mod task;
mod task_sets;

use std::future::Future;

use ais_tests::events::Events;
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
