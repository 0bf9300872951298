//! The `.ais` trace file: what its events are, and how they become bytes and come back.
//!
//! A recorder inside the traced program and an analyzer outside of it both depend on this crate, and on nothing else that they
//! share: there is one definition of every event ([`event`]), one encoder and one decoder. `SPEC.md` beside this crate describes
//! every byte for readers in other languages.
//!
//! | module | what it knows |
//! |---|---|
//! | [`event`] | the tables of a trace: definitions (strings, locations, functions) and events |
//! | [`column`](mod@column) | one column of a table as one MessagePack array |
//! | [`chunk`] | tables ↔ the content of one chunk |
//! | [`frame`] | headers and checksums: where a chunk starts, and whether it is whole |
//! | [`write`](mod@write) | a growing file: header, chunks, heartbeats, end |
//! | [`live`] | records in the memory of a running program, before they are written |
//! | [`ring`] | the names of the segment files of a ring |
//! | [`msgpack`] | the few MessagePack types that traces use |
//!
//! Everything that is read is checked before it is believed: lengths against what is there, counts against stated limits. No input
//! makes this crate panic, loop, or allocate out of proportion.
#![forbid(unsafe_code)]

pub mod chunk;
pub mod column;
mod error;
pub mod event;
pub mod frame;
pub mod live;
pub mod msgpack;
pub mod ring;
pub mod write;

pub use error::Error;

/// The major version that this crate writes, and the only one that it reads.
pub const VERSION_MAJOR: u16 = 1;
/// The minor version that this crate writes. Files with a later minor version have more kinds, columns or header fields, which are
/// skipped.
pub const VERSION_MINOR: u16 = 0;

/// No chunk may decompress to more bytes than this.
pub const MAX_RAW_LEN: usize = 16 << 20;
/// No chunk may hold more rows, over all its tables, than this.
pub const MAX_ROWS: usize = 1 << 20;
