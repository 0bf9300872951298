//! Events as they lie in a segment: a word with the tick and the kind, then the fields, packed into as few words as they fit.
//!
//! A field that outgrows its bits keeps its lowest ones.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::chunk::{ChunkBuilder, Tables};
use crate::event::{
    Acquire, Add, Arrive, AwaitEnter, AwaitLeave, Close, Escape, Foreign, Forget, FutureBegin,
    FutureEnd, FutureNew, HandleDrop, HandleNew, HoldMerge, HoldSplit, InPoll, Kind, Lag,
    MemberGone, MemberNew, Notify, OperationBegin, OperationEnd, OperationFired, OperationPoll,
    PollBegin, PollEnd, Receive, Release, ResourceDrop, ResourceNew, Row, SectionBegin, SectionEnd,
    Send, SendFailed, TaskAbort, TaskDrop, TaskNew, TimerSet, Wake, WakersGone, Yield,
};

/// An event that can be recorded.
pub trait Record: Row {
    /// The record, its first word not yet set (see [`first_word`]), and how many of its words are used.
    fn pack(&self) -> ([u64; 8], usize);
}

/// A word of a record, in memory of one's own or in what a thread goes on writing into.
pub trait RecordWord {
    /// What it says.
    fn get(&self) -> u64;
}

impl RecordWord for u64 {
    #[inline]
    fn get(&self) -> u64 {
        *self
    }
}

impl RecordWord for AtomicU64 {
    #[inline]
    fn get(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

/// The words of the longest record.
pub const MAX_WORDS: usize = 8;

/// The first word of a record.
#[inline]
#[must_use]
pub const fn first_word(kind: Kind, tick: u64) -> u64 {
    tick << 8 | kind as u64
}

/// The word of a record that says which waker of which task: the same each time, so it can be kept.
#[inline]
#[must_use]
pub const fn waker_word(task: u64, waker: u32) -> u64 {
    task & (u64::MAX >> 16) | (waker as u64) << 48
}

/// What follows the first word in the record of a [`PollBegin`].
#[inline]
#[must_use]
pub const fn poll_begin(waker_word: u64, poll: u32, wakes: u32) -> [u64; 2] {
    [waker_word, poll as u64 | (wakes as u64) << 32]
}

/// What follows the first word in the record of a [`PollEnd`].
#[inline]
#[must_use]
pub const fn poll_end(task: u64, poll: u32, outcome: u64, wakers: u32) -> [u64; 2] {
    [task, poll as u64 | outcome << 32 | (wakers as u64) << 40]
}

/// What follows the first word in the record of a [`Wake`].
#[inline]
#[must_use]
pub const fn wake(waker_word: u64, number: u32) -> [u64; 2] {
    [waker_word, number as u64]
}

macro_rules! layouts {
    ($( $kind:ident $( [ $( $field:ident: $bits:literal ),* ] )* )*) => {
        $(
            impl Record for $kind {
                #[inline]
                fn pack(&self) -> ([u64; MAX_WORDS], usize) {
                    let mut words = [0; MAX_WORDS];
                    let mut _used = 1;
                    $(
                        let mut _shift = 0u32;
                        $(
                            words[_used] |= (self.$field & (u64::MAX >> (64 - $bits))) << _shift;
                            _shift += $bits;
                        )*
                        _used += 1;
                    )*
                    (words, _used)
                }
            }
        )*

        /// The numbers of the kinds, as patterns: a record finds its way by one jump.
        mod number {
            #![allow(non_upper_case_globals, reason = "named as the kinds are")]
            use super::Kind;
            $( pub(super) const $kind: u8 = Kind::$kind as u8; )*
        }

        /// Adds the row of a record to the table of its kind, from the words after the first; what follows it. None where no whole
        /// record of a known kind stands there.
        #[inline]
        fn move_row<'a, W: RecordWord>(
            tables: &mut Tables,
            kind: u8,
            rest: &'a [W],
        ) -> Option<&'a [W]> {
            match kind {
                $(
                    number::$kind => {
                        const WORDS: usize = {
                            let words: &[&str] = &[$( stringify!($($field)*) ),*];
                            words.len()
                        };
                        let (words, after) = rest.split_first_chunk::<WORDS>()?;
                        let mut row = $kind::default();
                        let mut _words = words.iter();
                        $(
                            let mut _word = _words.next().map_or(0, RecordWord::get);
                            $(
                                row.$field = _word & (u64::MAX >> (64 - $bits));
                                _word = _word.checked_shr($bits).unwrap_or(0);
                            )*
                        )*
                        tables.push(&row);
                        Some(after)
                    }
                )*
                // Definitions do not go through segments.
                _ => None,
            }
        }

        /// How many words the record of an event of this kind has; none where there are no such records.
        #[must_use]
        pub fn words_of(kind: Kind) -> Option<usize> {
            match kind {
                $(
                    Kind::$kind => {
                        let rest: &[&str] = &[$( stringify!($($field)*) ),*];
                        Some(1 + rest.len())
                    }
                )*
                _ => None,
            }
        }
    };
}

/// Moves the record that `words` begin with into a chunk; what follows it. None where no whole record stands there.
pub fn move_into<'a>(chunk: &mut ChunkBuilder, words: &'a [u64]) -> Option<&'a [u64]> {
    let used = move_all(chunk, words, 1);
    words.get(used..).filter(|_| used > 0)
}

/// Moves the records that `words` begin with into a chunk, but not more than `most`: how many words they are. Fewer than `most` come
/// where the words end, or where no whole record stands.
pub fn move_all<W: RecordWord>(chunk: &mut ChunkBuilder, words: &[W], most: usize) -> usize {
    let (mut rest, mut moved) = (words, 0);
    while moved < most {
        let in_block = chunk.order.extend(most - moved, || {
            let (first, fields) = rest.split_first()?;
            let first = first.get();
            rest = move_row(&mut chunk.tables, first as u8, fields)?;
            Some((first as u8, first >> 8))
        });
        if in_block == 0 {
            break;
        }
        moved += in_block;
    }
    words.len() - rest.len()
}

layouts! {
    TaskNew [task: 64] [parent: 64] [name: 32, location: 32] [size: 56, flags: 8] [executor: 64]
    PollBegin [task: 48, waker: 16] [poll: 32, wakes: 32]
    PollEnd [task: 64] [poll: 32, outcome: 8, wakers: 24]
    TaskDrop [task: 64]
    Wake [task: 48, waker: 16] [number: 32]
    TaskAbort [task: 64]
    Yield [location: 32] [future: 64]
    Foreign [task: 64]
    FutureNew [future: 64] [function: 32]
    FutureBegin [future: 64] [function: 64] [parent: 64]
    AwaitEnter [future: 64] [point: 32]
    AwaitLeave [future: 64] [point: 32, outcome: 8]
    FutureEnd [future: 64] [outcome: 8]
    ResourceNew [resource: 64] [kind: 8, flags: 8, pool: 32] [name: 32, location: 32] [capacity: 64]
    ResourceDrop [resource: 64]
    OperationBegin [operation: 64] [target: 64] [location: 32, handle: 32] [future: 64] [units: 64] [sequence: 64] [kind: 8, flags: 8, overlap: 32]
    OperationPoll [operation: 64] [fires: 32, flags: 8]
    OperationFired [operation: 64] [number: 32]
    OperationEnd [operation: 64] [resource: 64] [sequence: 56, outcome: 8]
    Acquire [resource: 64] [sequence: 64] [location: 32, units: 32] [future: 56, flags: 8] [operation: 64]
    Release [resource: 64] [sequence: 64] [hold: 64] [units: 32]
    Send [resource: 64] [sequence: 64] [handle: 32, location: 32] [flags: 8]
    SendFailed [resource: 64] [sequence: 64]
    Receive [resource: 64] [sequence: 64] [handle: 32, location: 32] [messages: 32]
    Close [resource: 64] [sequence: 64]
    HandleNew [resource: 64] [sequence: 64] [handle: 32, end: 8]
    HandleDrop [resource: 64] [sequence: 64] [handle: 32]
    HoldSplit [resource: 64] [sequence: 64] [hold: 64] [units: 32]
    HoldMerge [resource: 64] [sequence: 64] [hold: 64] [gone: 64]
    Forget [resource: 64] [sequence: 64] [hold: 64] [units: 64]
    Add [resource: 64] [sequence: 64] [units: 64] [location: 32]
    Notify [resource: 64] [sequence: 64] [mode: 8, location: 32]
    Arrive [resource: 64] [sequence: 64] [location: 32]
    MemberNew [resource: 64] [sequence: 64] [task: 64]
    MemberGone [resource: 64] [sequence: 64] [task: 64]
    Escape [resource: 64] [sequence: 64]
    SectionBegin [resource: 64] [kind: 8, location: 32, thread: 24]
    SectionEnd [resource: 64] [kind: 8]
    TimerSet [operation: 64] [delay: 64]
    Lag [resource: 64] [sequence: 64] [handle: 32] [messages: 64]
    WakersGone [task: 48, waker: 16]
    InPoll [task: 64] [poll: 32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Chunk;
    use crate::event::outcome;

    fn through_a_segment<R: Record + PartialEq + std::fmt::Debug>(row: R) {
        let (mut words, used) = row.pack();
        words[0] = first_word(R::KIND, 123);
        let mut builder = ChunkBuilder::new();
        assert_eq!(words_of(R::KIND), Some(used));
        let rest = move_into(&mut builder, &words[..used]).unwrap();
        assert!(rest.is_empty(), "{row:?} was not read to its end");
        builder.end_batch(1, 0, 0);
        let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
        let event = chunk.batches[0].events().next().unwrap();
        assert_eq!((event.tick, event.row::<R>()), (123, row));
    }

    #[test]
    fn events_come_through_a_segment_as_they_were() {
        through_a_segment(TaskNew {
            task: 1 << 40,
            parent: 2,
            name: 3,
            location: 4,
            size: 5,
            flags: 127,
            executor: u64::MAX,
        });
        through_a_segment(PollEnd {
            task: 7,
            poll: u64::from(u32::MAX),
            outcome: 2,
            wakers: 9,
        });
        through_a_segment(OperationBegin {
            operation: 1,
            kind: 2,
            target: 3,
            handle: 4,
            location: 5,
            future: 6,
            flags: 255,
            units: u64::MAX,
            sequence: 1 << 40,
            overlap: 9,
        });
        through_a_segment(OperationEnd {
            operation: 1 << 40,
            outcome: outcome::CLOSED,
            resource: 1 << 40,
            sequence: 1 << 40,
        });
    }

    #[test]
    fn changes_of_resources_come_through_a_segment_as_they_were() {
        through_a_segment(Acquire {
            resource: 1,
            sequence: 2,
            location: 3,
            future: 4,
            operation: 5,
            flags: 255,
            units: u64::from(u32::MAX),
        });
        through_a_segment(Release {
            resource: 1,
            sequence: 1 << 40,
            hold: 1 << 40,
            units: u64::from(u32::MAX),
        });
        through_a_segment(Forget {
            resource: 1,
            sequence: 2,
            hold: 3,
            units: u64::MAX,
        });
        through_a_segment(Add {
            resource: 1,
            sequence: 2,
            units: u64::MAX,
            location: u64::from(u32::MAX),
        });
        through_a_segment(HoldMerge {
            resource: 1,
            sequence: 2,
            hold: u64::MAX,
            gone: u64::MAX,
        });
        through_a_segment(Receive {
            resource: 1,
            sequence: 2,
            handle: 3,
            location: 4,
            messages: 5,
        });
        through_a_segment(Lag {
            resource: 1,
            sequence: 2,
            handle: 3,
            messages: u64::MAX,
        });
        through_a_segment(TimerSet {
            operation: 1,
            delay: u64::MAX,
        });
        through_a_segment(WakersGone {
            task: 1 << 40,
            waker: 7,
        });
        through_a_segment(ResourceNew {
            resource: 1,
            kind: 2,
            location: 3,
            capacity: 4,
            name: 5,
            flags: 1,
            pool: u64::from(u32::MAX),
        });
        through_a_segment(SectionBegin {
            kind: 2,
            resource: u64::MAX,
            location: u64::from(u32::MAX),
            thread: (1 << 24) - 1,
        });
        through_a_segment(HandleNew {
            resource: 1,
            sequence: 2,
            handle: 3,
            end: 2,
        });
    }

    #[test]
    fn the_short_ways_make_the_same_records() {
        let (task, waker, poll, wakes, wakers) = (1 << 47 | 5, 0xffff, u32::MAX, u32::MAX - 1, 77);
        let begin = PollBegin {
            task,
            poll: poll.into(),
            wakes: wakes.into(),
            waker: waker.into(),
        };
        let end = PollEnd {
            task,
            poll: poll.into(),
            outcome: 2,
            wakers: wakers.into(),
        };
        let woken = Wake {
            task,
            waker: waker.into(),
            number: wakes.into(),
        };
        let word = waker_word(task, waker);
        assert_eq!(begin.pack().0[1..3], poll_begin(word, poll, wakes));
        assert_eq!(end.pack().0[1..3], poll_end(task, poll, 2, wakers));
        assert_eq!(woken.pack().0[1..3], wake(word, wakes));
    }

    #[test]
    fn many_records_are_moved_at_once_but_not_more_than_asked_for() {
        let mut words = Vec::new();
        for tick in 0..1000 {
            let (mut record, used) = Wake {
                task: tick % 7,
                waker: 1,
                number: tick,
            }
            .pack();
            record[0] = first_word(Kind::Wake, tick);
            words.extend_from_slice(&record[..used]);
        }
        let mut builder = ChunkBuilder::new();
        assert_eq!(move_all(&mut builder, &words, 300), 900);
        assert_eq!(builder.batch_events(), 300);
        // The last record is cut: it stays, and so does all that follows.
        assert_eq!(move_all(&mut builder, &words[900..2999], usize::MAX), 2097);
        assert_eq!(builder.batch_events(), 999);
        assert_eq!(move_all(&mut builder, &words[2997..2999], 1), 0);
        builder.end_batch(1, 0, 0);
        let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
        let numbers: Vec<u64> = chunk.batches[0]
            .events()
            .map(|event| event.row::<Wake>().number)
            .collect();
        assert_eq!(numbers, (0..999).collect::<Vec<_>>());
    }

    #[test]
    fn words_that_are_no_record_end_the_reading() {
        let mut builder = ChunkBuilder::new();
        assert!(move_into(&mut builder, &[0]).is_none());
        assert!(move_into(&mut builder, &[Kind::Text as u64]).is_none());
        assert!(move_into(&mut builder, &[Kind::PollBegin as u64, 1]).is_none());
    }
}
