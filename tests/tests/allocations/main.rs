//! What is recorded often must not allocate: polls and wakes of a task that is there, a free lock, a message.
//!
//! An allocation in the path of a poll may take a lock or a call of the operating system, which recording promises not to. So an
//! allocator counts here, on the threads of the program. Each program warms up first: a thread's first event, a task's first poll, and a
//! place's first use may allocate, and so may the first use of each piece of the recorder's memory, which is therefore filled before.
//! Then it goes on for long enough to use many of those pieces. What was recorded is counted too: a recording that is not on
//! allocates nothing either.
//!
//! An operation that has to wait is another matter. It gets a number, a place among those that wait, and a waker of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod counting;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use ais_recorder::{Recorder, task};
use counting::Tally;

/// How many rounds a program makes before its allocations count.
const WARM_UP: u64 = 20_000;

/// And how many then.
const ROUNDS: u64 = 100_000;

/// The events of a poll and its wake: begin, end, wake.
const PER_POLL: u64 = 3;

/// The rounds of a program: those in which it warms up, and those whose allocations count.
struct Rounds {
    tally: Tally,
    begun: u64,
    when_warm: u64,
}

impl Rounds {
    fn of(tally: Tally) -> Self {
        Self {
            tally,
            begun: 0,
            when_warm: 0,
        }
    }

    /// Whether there is one more to do.
    fn next(&mut self) -> bool {
        if self.begun == WARM_UP {
            self.when_warm = self.tally.allocations();
        }
        self.begun += 1;
        self.begun <= WARM_UP + ROUNDS
    }

    /// Yields now and then, as tokio wants of a task that never waits: it would make the next operation wait.
    async fn rest(&self) {
        if self.begun.is_multiple_of(32) {
            tokio::task::yield_now().await;
        }
    }

    /// How many allocations there were until now, since it was warm.
    fn allocations(&self) -> u64 {
        self.tally.allocations() - self.when_warm
    }
}

/// What the recorder may use here: little, so that it is soon all in use.
const MEMORY: usize = 4 << 20;

/// How many allocations a program counts whose threads add to the tally that it is given, while it is recorded.
fn allocations_of(events_per_round: u64, program: impl FnOnce(Tally) -> u64) -> u64 {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::builder()
        .path(folder.path().join("trace.ais"))
        .memory_limit(MEMORY)
        .start()
        .unwrap();
    fill(&recorder);
    let filled = recorder.status();
    let tally = Tally::new();
    tally.count_this_thread();
    let allocations = program(tally);
    let status = recorder.stop().unwrap();
    let seen = status.events + status.dropped - filled.events - filled.dropped;
    assert!(
        seen >= events_per_round * (WARM_UP + ROUNDS),
        "{filled:?}, then {status:?}"
    );
    allocations
}

/// Records so much at once that events are lost: all memory that there may be is in use then.
fn fill(recorder: &Recorder) {
    let mut cx = Context::from_waker(Waker::noop());
    while recorder.status().dropped == 0 {
        let mut task = pin!(task("fills", std::future::pending::<()>()));
        for _ in 0..10_000 {
            assert!(task.as_mut().poll(&mut cx).is_pending());
        }
    }
}

#[test]
fn the_count_is_not_blind() {
    let tally = Tally::new();
    tally.count_this_thread();
    let mut rounds = Rounds::of(tally);
    while rounds.next() {
        std::hint::black_box(Box::new(1));
    }
    assert_eq!(rounds.allocations(), ROUNDS);
}

type Program = Pin<Box<dyn Future<Output = u64> + Send>>;

/// The same programs for tokio with tasks that are recorded by hand, and for the recorded tokio.
macro_rules! programs {
    ($name:ident: $tokio:ident, $task:expr, $per_operation:expr, $per_wait:expr) => {
        mod $name {
            use super::*;
            use ::$tokio as tokio;
            use tokio::sync::{Notify, mpsc};

            /// Runs a program's one task on a runtime with one thread.
            fn on_one_thread(program: impl FnOnce(Tally) -> Program) -> impl FnOnce(Tally) -> u64 {
                |tally| {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    let program = program(tally);
                    runtime.block_on(async { tokio::spawn($task(program)).await.unwrap() })
                }
            }

            /// The same on two workers, both of which are counted.
            fn on_two_workers(program: impl FnOnce(Tally) -> Program) -> impl FnOnce(Tally) -> u64 {
                |tally| {
                    let runtime = tokio::runtime::Builder::new_multi_thread()
                        .worker_threads(2)
                        .on_thread_start(move || tally.count_this_thread())
                        .build()
                        .unwrap();
                    let program = program(tally);
                    runtime.block_on(async { tokio::spawn($task(program)).await.unwrap() })
                }
            }

            fn yields(tally: Tally) -> Program {
                Box::pin(async move {
                    let mut rounds = Rounds::of(tally);
                    while rounds.next() {
                        tokio::task::yield_now().await;
                    }
                    rounds.allocations()
                })
            }

            /// Another task answers each notification, until it is aborted.
            fn pair(tally: Tally) -> Program {
                Box::pin(async move {
                    let (there, back) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
                    let (also_there, also_back) = (Arc::clone(&there), Arc::clone(&back));
                    let other = tokio::spawn($task(async move {
                        loop {
                            also_there.notified().await;
                            also_back.notify_one();
                        }
                    }));
                    let mut rounds = Rounds::of(tally);
                    while rounds.next() {
                        there.notify_one();
                        back.notified().await;
                    }
                    other.abort();
                    rounds.allocations()
                })
            }

            /// Two that yield, so that each worker has something to do.
            fn two_yield(tally: Tally) -> Program {
                Box::pin(async move {
                    let done = Arc::new(AtomicBool::new(false));
                    let is_done = Arc::clone(&done);
                    let other = tokio::spawn($task(async move {
                        while !is_done.load(Ordering::SeqCst) {
                            tokio::task::yield_now().await;
                        }
                    }));
                    let allocations = yields(tally).await;
                    done.store(true, Ordering::SeqCst);
                    other.await.unwrap();
                    allocations
                })
            }

            #[test]
            fn a_task_that_yields() {
                assert_eq!(allocations_of(PER_POLL, on_one_thread(yields)), 0);
            }

            #[test]
            fn tasks_that_yield_on_two_workers() {
                assert_eq!(allocations_of(PER_POLL, on_two_workers(two_yield)), 0);
            }

            #[test]
            fn tasks_that_notify_each_other() {
                let allocations = allocations_of(2 * PER_POLL, on_one_thread(pair));
                assert!(allocations <= $per_wait * 2 * ROUNDS, "{allocations}");
            }

            #[test]
            fn tasks_that_notify_each_other_on_two_workers() {
                // How many polls there are depends on who is faster, and the other task may be one wait ahead.
                let allocations = allocations_of(1, on_two_workers(pair));
                assert!(allocations <= $per_wait * (2 * ROUNDS + 1), "{allocations}");
            }

            /// The events of taking a lock and releasing it, or of a message that is sent and received; none where tokio's own is used.
            const PER_OPERATION: u64 = $per_operation;

            #[test]
            fn a_free_lock() {
                assert_eq!(allocations_of(PER_OPERATION, on_one_thread(lock)), 0);
            }

            #[test]
            fn a_message() {
                assert_eq!(allocations_of(PER_OPERATION, on_one_thread(channel)), 0);
            }

            fn lock(tally: Tally) -> Program {
                Box::pin(async move {
                    let lock = tokio::sync::Mutex::new(0_u64);
                    let mut rounds = Rounds::of(tally);
                    while rounds.next() {
                        *lock.lock().await += 1;
                        rounds.rest().await;
                    }
                    rounds.allocations()
                })
            }

            fn channel(tally: Tally) -> Program {
                Box::pin(async move {
                    let (sender, mut receiver) = mpsc::channel(16);
                    let mut rounds = Rounds::of(tally);
                    while rounds.next() {
                        sender.send(1).await.unwrap();
                        assert_eq!(receiver.recv().await, Some(1));
                        rounds.rest().await;
                    }
                    rounds.allocations()
                })
            }
        }
    };
}

// Tokio's own operations, and what is recorded of one: nothing; what one that waits allocates: nothing.
programs!(tasks_by_hand: tokio, |future| task("by hand", future), 0, 0);
// Two events, of what was done; an operation that waits has its place and its waker.
programs!(drop_in: recorded_tokio, std::convert::identity, 2, 2);
