//! What a running program keeps in memory until it is written: where its events lie, and how.
//!
//! A recorder's threads put records into memory that outlives the process when it is killed (a *live file*), and its writer turns them
//! into chunks. If it did not come to that, whoever reads the trace does it, in the same way: hence all of it is defined here, once for
//! both. It is not part of the file format; it may change with every version of this crate, and says which one it is.
//!
//! Records speak only of what is defined in the trace already or in the live file itself: a pointer would die with its process.

mod definitions;
pub mod layout;
mod record;
mod recover;

pub use definitions::{move_definition, write_row, write_text};
pub use layout::GAP;
pub use record::{
    MAX_WORDS, Record, RecordWord, first_word, move_all, move_into, poll_begin, poll_end, wake,
    waker_word, words_of,
};
pub use recover::{Live, Recovered, Written};
