//! A flight recorder for async Rust: runs inside a program and writes `.ais` traces of what its tasks do, wait for and hold, for
//! `inspect-analyze` to explain.
//!
//! ```
//! use ais_recorder::{Recorder, spawn, sync::Mutex, trace};
//! use std::sync::Arc;
//!
//! #[trace]
//! async fn deposit(account: Arc<Mutex<u64>>, amount: u64) {
//!     *account.lock().await += amount;
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//! #   let folder = tempfile::tempdir()?;
//! #   std::env::set_current_dir(folder.path())?;
//!     let recorder = Recorder::builder().path("trace.ais").start()?;
//!     let account = Arc::new(Mutex::new(0));
//!     spawn("deposit", deposit(account, 5), tokio::spawn).await?;
//!     recorder.stop()?;
//!     Ok(())
//! }
//! ```
//!
//! | to have recorded | use |
//! |---|---|
//! | a task | [`spawn`] with your executor's spawn function, or [`task()`] around what you hand to it |
//! | every await point of an `async fn` | [`#[trace]`](macro@trace) |
//! | every await point of an async block or closure | [`traced!`](macro@traced) |
//! | any other future, under a name | [`.traced("name")`](TraceExt::traced) |
//! | a lock, a channel | [`sync::Mutex`], [`sync::channel`] |
//!
//! It works on any executor. Where no recording is under way each of these costs one relaxed load.
//!
//! # How it works
//! A thread writes its events into memory of its own (no lock, no allocation, no system call); a writer thread turns them into
//! compressed columns, ten times a second. When events come faster than they can be written, polls and wakes are left out first, then
//! anything; all of it is counted, in the trace too: the program never waits for the recorder.
//!
//! On Linux that memory is a file, the *live file*, in `/dev/shm` or else beside the trace. It outlives a program that is killed, and
//! `inspect-analyze` adds what is in it to the trace. It is deleted when the program ends.
//!
//! A trace is made of *generations*. Each but the first begins with a *keyframe*: all tasks, futures, operations and resources that are
//! alive, told again, so that it can be understood without those before it. This is what lets a ring ([`Builder::ring`]) and a flight
//! recorder ([`Builder::flight_recorder`]) forget the oldest, and what makes good that events were left out: another generation begins
//! within about a second.
#![deny(unsafe_code)]

// `#[trace]` names this crate as its users do, also where it is used in here.
#[allow(unused_extern_crates, reason = "used in what the macro expands to")]
extern crate self as ais_recorder;

mod atomic;
mod cells;
mod context;
mod define;
mod destination;
mod dumps;
mod foreign;
mod fork;
mod future;
pub mod instrument;
mod keyframe;
mod operation;
mod output;
mod platform;
mod record;
mod recorder;
mod resource;
mod section;
mod segment;
mod session;
mod settings;
#[cfg(feature = "sync")]
pub mod sync;
mod task;
mod trace;
mod waker;
mod writer;

pub use future::{TraceExt, Traced};
pub use recorder::{Builder, Recorder, Status};
pub use settings::TRACE_VARIABLE;
pub use task::{JoinHandle, Task, spawn, task};

#[cfg(feature = "macros")]
pub use ais_macros::{trace, traced};

/// The examples of the macros' documentation: they need this crate, which the macros' own cannot use.
#[cfg(all(doctest, feature = "macros"))]
mod examples_of_macros {
    #[doc = include_str!("../macros/docs/trace.md")]
    struct Trace;
    #[doc = include_str!("../macros/docs/traced.md")]
    struct Traced;
}

/// What the macros expand to. Not for use by hand: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use crate::trace::{
        AwaitPoint, Awaiting, Frame, Function, Inside, Place, Unseen, Within, at, inside,
    };
}
