//! Who can still move, and who waits for whom, at the end of the trace.
//!
//! The question is which tasks can ever make progress again without being cancelled from outside. *May-progress* is a least
//! fixpoint: it begins with the outside world, running and runnable tasks, and grows by tasks that wait for something which one that
//! may progress could give them ([`mod@progress`]; what each kind of wait needs stands in `model`). Whoever is left is stuck, by proof and not by time-out. The strongly connected
//! components of what is left are the cycles ([`graph`]).
//!
//! Histories end at a moment up to which the events of all threads are known. What is recorded after the fact may still be on its way
//! there (a lock that was just taken looks free), which can only hide a wait; what lets others go on (a release, a message, a wake) is
//! recorded before it takes effect, so nothing that is known can have been overtaken by something that is not.

pub mod graph;
mod model;
mod needs;
pub mod progress;

pub use graph::{Cycle, CycleLink, cycles};
pub use progress::{Progress, Wait, progress};
