//! What a running program keeps in memory until it is written: where its events lie, and how.
//!
//! A recorder's threads put records into memory that outlives the process when it is killed, and its writer turns them into chunks. If
//! it did not come to that, whoever reads the trace does it, in the same way: hence the layout is defined here, once for both. It is not
//! part of the file format; it may change with every version of this crate, and says which one it is.

mod record;

pub use record::{MAX_WORDS, Record, first_word, move_all, move_into};
