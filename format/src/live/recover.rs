//! From what a killed process left behind to the chunks that its writer would have written next.
//!
//! Each segment says up to where its records are in the trace, as two pairs of (chunk, words): the writer notes the pair of a chunk
//! before it writes that chunk, in place of the older pair. So whether the process was killed before, in or after that write, one of the
//! two is true, and the trace tells which: the later one counts if it has that chunk whole. Nothing is written twice, nothing is left out.

use super::layout::{self, SEGMENT_WORDS, SEGMENTS_PER_BLOCK, file, segment};
use super::{GAP, move_definition, move_into};
use crate::Error;
use crate::chunk::{ChunkBuilder, Content};
use crate::write::ClockPair;

/// The content of a live file. It is read whole, and after its process is gone.
#[derive(Debug)]
pub struct Live {
    words: Vec<u64>,
}

/// How far a thread's record has come into the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events that are in the trace.
    pub events: u64,
    /// Events that were lost, as the trace tells.
    pub dropped: u64,
}

/// What was left to be written.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The contents of the chunks to write, in this order.
    pub chunks: Vec<Content>,
    /// How many events are in them.
    pub events: u64,
    /// Events that were lost, over those that the trace tells of.
    pub dropped: u64,
}

/// Records that the trace does not have.
struct Unread<'a> {
    thread: u64,
    taken: u64,
    dropped: u64,
    words: &'a [u64],
}

impl Live {
    /// A live file from its bytes.
    ///
    /// # Errors
    /// They are none, or of another layout than that of this version.
    pub fn new(bytes: &[u8]) -> Result<Live, Error> {
        let words: Vec<u64> = bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&word| u64::from_ne_bytes(word))
            .collect();
        match words.get(file::MAGIC) {
            None => Err(Error::Cut("a live file")),
            Some(&file::VERSION) if words.len() > file::DEFINITIONS => Ok(Live { words }),
            Some(_) => Err(Error::Malformed("a live file of another version")),
        }
    }

    /// The recording that it belongs to; zero where that had ended.
    #[must_use]
    pub fn recording(&self) -> u64 {
        self.words[file::RECORDING]
    }

    /// The last time that the writer was seen.
    #[must_use]
    pub fn clock(&self) -> ClockPair {
        ClockPair {
            tick: self.words[file::CLOCK_TICK],
            ns: self.words[file::CLOCK_NS],
        }
    }

    /// The numbers of the threads with records that a trace with chunks up to number `last` does not have.
    #[must_use]
    pub fn threads(&self, last: Option<u64>) -> Vec<u64> {
        let mut threads: Vec<u64> = self.unread(last).iter().map(|part| part.thread).collect();
        threads.dedup();
        threads
    }

    /// What a trace with chunks up to number `last` does not have. `written` tells how far a thread is in it.
    #[must_use]
    pub fn recover(&self, last: Option<u64>, written: impl Fn(u64) -> Written) -> Recovered {
        let mut recovered = Recovered::default();
        let mut chunk = ChunkBuilder::new();
        let len = self.words[file::DEFINITIONS_LEN].min(layout::BLOCK_WORDS as u64) as usize;
        let mut definitions = self.words.get(file::DEFINITIONS..len).unwrap_or_default();
        while let Some(rest) = move_definition(&mut chunk, definitions) {
            definitions = rest;
            if chunk.is_large() {
                recovered.chunks.push(chunk.finish());
            }
        }
        let mut stream = None;
        for part in self.unread(last) {
            let (thread, mut state) = match stream {
                Some((thread, state)) if thread == part.thread => (thread, state),
                _ => (part.thread, written(part.thread)),
            };
            state = recovered.lose(state, part.dropped);
            let mut words = part.words;
            loop {
                if let &[first, dropped, ref rest @ ..] = words
                    && first as u8 == GAP
                {
                    end_batch(&mut chunk, thread, &mut state, &mut recovered);
                    state = recovered.lose(state, dropped);
                    words = rest;
                } else if let Some(rest) = move_into(&mut chunk, words) {
                    words = rest;
                } else {
                    break;
                }
            }
            end_batch(&mut chunk, thread, &mut state, &mut recovered);
            if chunk.is_large() {
                recovered.chunks.push(chunk.finish());
            }
            stream = Some((thread, state));
        }
        if !chunk.is_empty() {
            recovered.chunks.push(chunk.finish());
        }
        recovered
    }

    /// In the order of threads, and of each thread's record.
    fn unread(&self, last: Option<u64>) -> Vec<Unread<'_>> {
        let is_other = |index: usize| {
            let words = &self.words[file::OTHER_BLOCKS..file::DEFINITIONS];
            words
                .get(index / 64)
                .is_some_and(|bits| bits >> (index % 64) & 1 != 0)
        };
        let blocks = self.words.chunks_exact(layout::BLOCK_WORDS).enumerate();
        let blocks = blocks
            .skip(1)
            .filter(|(index, _)| !is_other(*index))
            .map(|(_, block)| block);
        let mut unread: Vec<Unread<'_>> = blocks
            .flat_map(|block| block.chunks_exact(SEGMENT_WORDS).take(SEGMENTS_PER_BLOCK))
            .filter(|words| words[segment::STATE] != segment::FREE)
            .filter_map(|words| {
                let to = words[segment::LEN].min(SEGMENT_WORDS as u64) as usize;
                let from = read_up_to(words, last).max(segment::RECORDS);
                Some(Unread {
                    thread: words[segment::THREAD],
                    taken: words[segment::TAKEN],
                    dropped: words[segment::DROPPED],
                    words: words.get(from..to).filter(|words| !words.is_empty())?,
                })
            })
            .collect();
        unread.sort_unstable_by_key(|part| (part.thread, part.taken));
        unread
    }
}

impl Recovered {
    /// A thread has lost so many events by now.
    fn lose(&mut self, state: Written, dropped: u64) -> Written {
        self.dropped += dropped.saturating_sub(state.dropped);
        Written {
            dropped: dropped.max(state.dropped),
            ..state
        }
    }
}

fn end_batch(chunk: &mut ChunkBuilder, thread: u64, state: &mut Written, all: &mut Recovered) {
    let events = chunk.batch_events() as u64;
    if events > 0 {
        chunk.end_batch(thread, state.events, state.dropped);
        state.events += events;
        all.events += events;
    }
}

/// Up to where the records of a segment are in a trace that has the chunks up to number `last`.
fn read_up_to(words: &[u64], last: Option<u64>) -> usize {
    let written = last.map_or(0, |last| last.saturating_add(1));
    segment::READ
        .iter()
        .map(|&at| (words[at], words[at + 1]))
        .filter(|&(chunk, _)| chunk <= written)
        .max()
        .map_or(0, |(_, read)| read as usize)
}
