//! Where things lie in a live file, as numbers of words of eight bytes in the machine's own order.
//!
//! ```text
//! file     = block, block, …                    1 MiB each
//! block 0  = head, definitions                  who records, and what was defined since the last chunk
//! block n  = segment, segment, …  (16)          one thread's records each; or, where its bit is set, something else
//! segment  = head, record, record, …            64 KiB
//! ```

/// A block, in words: as much as is taken from the system at a time.
pub const BLOCK_WORDS: usize = 1 << 17;
/// A segment, in words.
pub const SEGMENT_WORDS: usize = 1 << 13;
/// How many segments are in a block.
pub const SEGMENTS_PER_BLOCK: usize = BLOCK_WORDS / SEGMENT_WORDS;

/// Words at the start of the file.
pub mod file {
    /// [`VERSION`].
    pub const MAGIC: usize = 0;
    /// The recording, as in the header of its trace; zero while there is none.
    pub const RECORDING: usize = 1;
    /// A reading of the recording's clock …
    pub const CLOCK_TICK: usize = 2;
    /// … and of the monotonic clock, in nanoseconds since the recording began: the last time that the writer was seen.
    pub const CLOCK_NS: usize = 3;
    /// How many words of definitions there are.
    pub const DEFINITIONS_LEN: usize = 4;
    /// A bit for each block, from the lowest of the first word: it holds no segments, but what its recorder keeps for itself.
    pub const OTHER_BLOCKS: usize = 8;
    /// Where definitions begin.
    pub const DEFINITIONS: usize = 128;

    /// The first word of a live file of this layout.
    pub const VERSION: u64 = u64::from_le_bytes(*b"AISLIVE1");
}

/// Words at the start of a segment.
///
/// The first eight are written by the thread that owns it, the next by the writer: each has a cache line of its own.
pub mod segment {
    /// How many words are used, those of the head included. Moved on after a record is complete.
    pub const LEN: usize = 0;
    /// Whose it is: [`FREE`], [`OWNED`], [`RETIRED`].
    pub const STATE: usize = 1;
    /// The number of the thread that owns it.
    pub const THREAD: usize = 2;
    /// Orders the segments that a thread owned one after the other.
    pub const TAKEN: usize = 3;
    /// How many events the owner had lost when it took the segment: more than before means that its record has a gap here.
    pub const DROPPED: usize = 4;
    /// Up to where the records are in the trace: two pairs, so that one of them is always true. The first of a pair is the number of a
    /// chunk plus one, the second the number of words that are in the trace if that chunk is. The pair of the larger chunk counts that the
    /// trace has whole.
    pub const READ: [usize; 2] = [8, 10];
    /// Where records begin.
    pub const RECORDS: usize = 16;

    /// Nobody's: for any thread to take.
    pub const FREE: u64 = 0;
    /// A thread writes into it.
    pub const OWNED: u64 = 1;
    /// Its thread is done with it; the writer is not.
    pub const RETIRED: u64 = 2;
}

/// The kind of a record that is no event: its second word says how many events the thread has lost by now. The events before and after it
/// do not follow each other.
pub const GAP: u8 = 0;
