//! A lock and a channel whose use is recorded: who holds it since when, who waits for it, what is queued.
//!
//! They wrap the ones of [`async_lock`] and [`async_channel`], work on any executor, and behave as these do.

mod channel;
mod mutex;

pub use async_channel::{RecvError, SendError, TryRecvError, TrySendError};
pub use channel::{Receiver, Sender, channel, named_channel};
pub use mutex::{Mutex, MutexGuard};
