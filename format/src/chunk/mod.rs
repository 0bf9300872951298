//! Tables ↔ the content of one chunk.
//!
//! The content is a sequence of tables, definitions first. A table is one MessagePack array, its *head*
//! `[kind, rows, [encoding, bytes, encoding, bytes, …]]`, followed by one array per column. The byte lengths let a reader step over
//! the tables and columns that it does not know or does not need; a reader that does not care can ignore them.
//!
//! Columns instead of rows, because the same field of neighbouring events is alike, so it compresses better and decodes in a tight
//! loop; grouped by kind, so that every row of a table has the same fields (`benches/RESULTS.md` has the figures for both layouts).

mod builder;
mod decoder;
mod order;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use builder::MAX_WIDTH;
pub(crate) use builder::Tables;
pub use builder::{ChunkBuilder, Content};
pub use decoder::{Chunk, Columns, Cursor, Event, EventBatch, Table};
