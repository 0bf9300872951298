//! Recorded channels with many senders and one receiver.
//!
//! A message of a bounded channel takes a slot of it. A `send()` waits for one, as an operation, is recorded, and puts the message in.
//! `reserve()` waits for one too, and keeps it: the permit holds one unit of the channel, recorded as taken, and as given back when it
//! sends or is dropped. The permits of one `reserve_many(n)` share one hold of `n` units, of which each gives back its own.
//!
//! A blocking send cannot be divided so: the message is recorded when the thread begins to wait for room, and may stand in the record
//! before there is any. What it waits with is marked as blocking.
//!
//! A weak sender is no end: it keeps nobody waiting. What it is upgraded to is one.

pub use real::sync::mpsc::error;

mod bounded;
mod permit;
mod receiver;
#[cfg(feature = "time")]
mod timeout;
mod unbounded;
mod weak;

pub use bounded::{Sender, channel};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::{Receiver, UnboundedReceiver};
pub use unbounded::{UnboundedSender, unbounded_channel};
pub use weak::{WeakSender, WeakUnboundedSender};
