//! Who can still move, and who waits for whom, at the end of the trace.
//!
//! The question is which tasks can ever make progress again without being cancelled from outside. *May-progress* is a least
//! fixpoint: it begins with the outside world, running and runnable tasks, and grows by tasks that wait for something which one that
//! may progress could give them ([`mod@progress`]). Whoever is left is stuck, by proof and not by time-out. The strongly connected
//! components of what is left are the cycles ([`graph`]).
//!
//! The end of a trace need not be one moment on all threads. That does no harm: whatever lets a task go on (a release, a message, a
//! wake) is recorded before it takes effect, so tasks that are stuck on each other by what is recorded cannot have moved since.

pub mod graph;
pub mod progress;

pub use graph::{Cycle, CycleLink, cycles};
pub use progress::{Progress, Wait, progress};
