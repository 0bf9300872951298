//! The writer's side: what is published and not yet in the trace.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use ais_format::event::Kind;
use ais_format::live::layout::segment::RECORDS;
use ais_format::live::words_of;

use super::handover::{self, Seen};
use super::pool::{self, Segment};

/// How many words tell of a gap.
const GAP_WORDS: usize = 2;

/// Published records of one thread that are not in the trace.
pub(crate) struct Part {
    segment: &'static Segment,
    seen: Seen,
    from: usize,
}

impl Part {
    /// The number of the thread.
    pub(crate) fn thread(&self) -> u64 {
        self.seen.thread
    }

    /// How many events the thread had lost when the segment became its own.
    pub(crate) fn dropped(&self) -> u64 {
        self.seen.dropped
    }

    /// The records: whole ones. They stay as they are until all of it [is written](Part::is_written).
    pub(crate) fn records(&self) -> &'static [AtomicU64] {
        &self.segment[self.from..self.seen.len]
    }

    /// All but the last `left` words will be in the trace once it has the chunk with this number.
    pub(crate) fn claim(&self, chunk: u64, left: usize) {
        handover::claim(self.segment, chunk, self.seen.len - left);
    }

    /// All of it is in the trace: the segment is freed where its thread is done with it.
    pub(crate) fn is_written(&self) {
        if self.seen.is_retired {
            handover::free(self.segment);
            pool::freed();
        }
    }
}

/// Every published record that is not in the trace, thread by thread and in each thread's order. Only the writer calls this.
pub(crate) fn unread() -> Vec<Part> {
    let mut parts: Vec<Part> = pool::segments()
        .filter_map(|segment| {
            let seen = handover::look(segment)?;
            let from = handover::claimed(segment).min(seen.len);
            Some(Part {
                segment,
                seen,
                from,
            })
        })
        .collect();
    parts.sort_unstable_by_key(|part| (part.seen.thread, part.seen.order));
    for i in 1..parts.len() {
        // A thread may have moved on to its next segment between the two looks: whoever has a successor here is complete by now.
        if parts[i].seen.thread == parts[i - 1].seen.thread
            && let Some(seen) = handover::look(parts[i - 1].segment)
            && seen.order == parts[i - 1].seen.order
        {
            parts[i - 1].seen = seen;
        }
    }
    parts.retain(|part| part.from < part.seen.len || part.seen.is_retired);
    parts
}

/// The polls that threads are in, as far as what was claimed tells: by thread, task and number. Only the writer calls this.
pub(crate) fn open_polls() -> HashMap<u64, (u64, u32)> {
    let mut open = HashMap::new();
    for segment in pool::segments() {
        let Some(seen) = handover::look(segment).filter(|seen| !seen.is_retired) else {
            continue;
        };
        let to = handover::claimed(segment).min(seen.len);
        let words: Vec<u64> = segment[RECORDS..to]
            .iter()
            .map(|word| word.load(Ordering::Relaxed))
            .collect();
        if let Some(poll) = open_poll(&words) {
            open.insert(seen.thread, poll);
        }
    }
    open
}

/// The innermost poll that is open after these records of a thread. They begin with the one that is open before them.
fn open_poll(mut words: &[u64]) -> Option<(u64, u32)> {
    let mut open: Vec<(u64, u32)> = Vec::new();
    while let Some(&first) = words.first() {
        let kind = Kind::from_number(first as u8);
        let len = kind.map_or(Some(GAP_WORDS), words_of)?;
        match (kind, words) {
            (None, _) => open.clear(),
            (Some(Kind::PollBegin), &[_, task, poll, ..]) => {
                open.push((task & (u64::MAX >> 16), poll as u32));
            }
            (Some(Kind::PollEnd), _) => {
                open.pop();
            }
            (Some(Kind::InPoll), &[_, task, poll, ..]) => open = vec![(task, poll as u32)],
            _ => {}
        }
        words = words.get(len..)?;
    }
    open.pop()
}

/// Forgets what is published and unread: what a recording left behind that was stopped. Only called while no writer runs.
pub(crate) fn discard() {
    for segment in pool::segments() {
        if let Some(seen) = handover::look(segment) {
            if seen.is_retired {
                handover::free(segment);
                pool::freed();
            } else {
                handover::skip(segment, seen.len);
            }
        }
    }
    super::forget_losses();
}
