//! What one thread recorded: the events in its order ([`Batches`]), and in whose poll it is between them ([`OpenPolls`]).
//!
//! Whoever reads a trace reads each thread by itself, so both the reconstruction of histories and the list of all events begin here.

mod batches;
mod in_order;
mod open_polls;

pub(crate) use batches::Batches;
pub(crate) use in_order::{InOrder, NEVER, earliest};
pub(crate) use open_polls::OpenPolls;
