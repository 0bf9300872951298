//! Who can still move, and who waits for whom, at the end of a history or at any moment of it.
//!
//! The question is which tasks can ever make progress again without being cancelled from outside. *May-progress* is a least
//! fixpoint: it begins with the outside world, running and runnable tasks, and grows by tasks that wait for something which one that
//! may progress could give them ([`mod@progress`]; what each kind of wait needs is a rule in `rules`, asked at a [`Moment`]). Whoever is
//! left is stuck, by proof and not by time-out. The strongly connected components of what is left are the circles, and tasks that wait for
//! nobody are what nobody can help ([`knots`](mod@knots)).
//!
//! There are three such fixpoints ([`Level`]), by what is taken for granted about things that can be moved unseen.
//!
//! A moment is one up to which the events of all threads are known. What is recorded after the fact may still be on its way
//! there (a lock that was just taken looks free), which can only hide a wait; what lets others go on (a release, a message, a wake) is
//! recorded before it takes effect, so nothing that is known can have been overtaken by something that is not.

mod broken;
mod index;
pub mod knots;
mod moment;
mod needs;
pub mod progress;
mod rules;
mod stabs;
mod verdict;

pub use broken::{Breaker, Broken, broken};
pub use index::Index;
pub use knots::{Knot, KnotLink, knots};
pub use moment::Moment;
pub use needs::{Elsewhere, Link};
pub use progress::{Level, Progress, Wait};
pub use verdict::{Verdict, verdict, verdict_at};
