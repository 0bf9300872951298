//! What is alive, told again: the beginning of each generation but the first, so that it needs nothing that is before it.
//!
//! The cells are copied while the program goes on, one after the other. That is enough. Threads change a cell before they record why, and
//! everything that they record from before the first copy on comes after the keyframe in the trace: so what a copy misses is recorded
//! there, and what it has already is told twice, under the same number. Only what is counted needs more: how many messages are in a channel
//! is copied together with the number of the change that left so many.

use std::collections::HashMap;

use ais_format::chunk::ChunkBuilder;
use ais_format::event::{
    AwaitEnter, DoneBy, Foreign, Kind, OperationFired, OperationPoll, ResourceState, TaskAbort,
    resource_status,
};
use ais_format::live::{first_word, move_into, poll_end, wake};

use crate::cells::{self, Copied, at};
use crate::future::future_now;
use crate::operation::operation_now;
use crate::resource::noted;
use crate::section::section_now;
use crate::task::{task_now, was_aborted};

/// Tells again what is alive and was born at `since` or later: into `chunk`, each time followed by `is_full`, which may take what is in it.
/// Returns whether that is all.
pub(crate) fn write<E>(
    chunk: &mut ChunkBuilder,
    since: u64,
    now: u64,
    mut is_full: impl FnMut(&mut ChunkBuilder) -> Result<(), E>,
) -> Result<bool, E> {
    // Before anything else is copied.
    let mut changes: HashMap<u64, u64> = HashMap::new();
    cells::copy_all(since, |cell| {
        if kind(&cell) == Some(Kind::ResourceNew) {
            changes.insert(cell.words[at::RECORD], sequence(&cell));
        }
    });
    let mut copies: Vec<Copied> = Vec::new();
    let mut is_all = cells::copy_all(since, |cell| copies.push(cell));
    // After everything else was.
    let mut resources: HashMap<u64, Copied> = HashMap::new();
    is_all &= cells::copy_all(since, |cell| {
        if kind(&cell) == Some(Kind::ResourceNew) {
            resources.insert(cell.words[at::RECORD], cell);
        }
    });
    for copy in &copies {
        let mut tell = Tell { chunk, now };
        tell.alive(copy);
        if kind(copy) == Some(Kind::ResourceNew) {
            let id = copy.words[at::RECORD];
            let first = changes.get(&id).copied().unwrap_or(0);
            // One that was dropped meanwhile has its end in the trace.
            tell.state(first, resources.get(&id).unwrap_or(copy));
        }
        is_full(chunk)?;
    }
    Ok(is_all && cells::is_complete())
}

fn kind(cell: &Copied) -> Option<Kind> {
    Kind::from_number(cell.words[at::FIRST] as u8)
}

/// How many changes a resource had.
fn sequence(cell: &Copied) -> u64 {
    cell.words[noted::CHANGES] >> noted::MESSAGE_BITS
}

struct Tell<'a> {
    chunk: &'a mut ChunkBuilder,
    /// The tick of what has none of its own.
    now: u64,
}

impl Tell<'_> {
    /// Adds a record. The first word tells when; where it is none, that was never noted.
    fn record(&mut self, kind: Kind, first: u64, rest: &[u64]) {
        let tick = if first == 0 { self.now } else { first >> 8 };
        let words: Vec<u64> = [&[first_word(kind, tick)], rest].concat();
        // What does not fit its layout is no record, and is left out.
        let _ = move_into(self.chunk, &words);
    }

    fn done_by(&mut self, task: u64) {
        if task != 0 {
            self.chunk.event(self.now, &DoneBy { task });
        }
    }

    fn alive(&mut self, cell: &Copied) {
        let words = &cell.words;
        let Some(kind) = kind(cell) else { return };
        let first = words[at::FIRST];
        let mut record: Vec<u64> = words[at::RECORD..].to_vec();
        if kind == Kind::Acquire {
            // As many units as are left of them.
            record[2] = record[2] & u64::from(u32::MAX) | words[at::NOW] << 32;
        }
        self.done_by(words[at::BY]);
        if kind == Kind::SectionBegin {
            let task = words[at::NOW + section_now::FOREIGN];
            if task != 0 {
                self.chunk.event(self.now, &Foreign { task });
            }
        }
        self.record(kind, first, &record);
        match kind {
            Kind::TaskNew => self.polls(words),
            Kind::FutureBegin => {
                let point = words[at::NOW + future_now::POINT];
                if point != 0 {
                    let since = words[at::NOW + future_now::SINCE].max(first) >> 8;
                    let future = words[at::RECORD];
                    self.done_by(words[at::BY]);
                    self.chunk.event(
                        since,
                        &AwaitEnter {
                            future,
                            point: point - 1,
                        },
                    );
                }
            }
            Kind::OperationBegin => self.operation(words),
            _ => {}
        }
    }

    /// What the last poll of a task was, and whether it was woken since.
    fn polls(&mut self, words: &[u64; cells::CELL_WORDS]) {
        let (task, waker) = (words[at::RECORD], words[task_now::WAKER]);
        let (poll, ended) = (words[task_now::POLL], words[task_now::ENDED]);
        if poll != 0 {
            self.done_by(words[task_now::INSIDE]);
            self.record(Kind::PollBegin, words[task_now::BEGIN], &[waker, poll]);
            if poll as u32 == ended as u32 {
                let (outcome, wakers) = (ended >> 32 & 0xff, ended >> 40);
                let end = poll_end(task, ended as u32, outcome, wakers as u32);
                // Most polls are short.
                self.record(Kind::PollEnd, words[task_now::BEGIN], &end);
            }
        }
        let (wakes, seen) = (words[task_now::WAKES], (poll >> 32) as u32);
        let is_its_own = wakes >> 32 == task & u64::from(u32::MAX);
        // Where it had other wakers before, which of them was woken last is not known: it may be this one.
        let number = if waker >> 48 > 1 {
            seen.wrapping_add(1)
        } else {
            wakes as u32
        };
        if is_its_own && number != seen {
            self.record(Kind::Wake, 0, &wake(waker, number));
        }
        if was_aborted(task) {
            self.chunk.event(self.now, &TaskAbort { task });
        }
    }

    fn operation(&mut self, words: &[u64; cells::CELL_WORDS]) {
        let operation = words[at::RECORD];
        let polled = words[at::NOW + operation_now::POLLED];
        let fired = words[at::NOW + operation_now::FIRES];
        let fires = polled >> 32 & (u64::MAX >> 33);
        if polled & operation_now::WAS_POLLED != 0 {
            let flags = polled & u64::from(u32::MAX);
            self.done_by(words[at::BY]);
            self.chunk.event(
                self.now,
                &OperationPoll {
                    operation,
                    fires,
                    flags,
                },
            );
        }
        let number = fired & u64::from(u32::MAX);
        if fired >> 32 == operation & u64::from(u32::MAX) && number > fires {
            self.chunk
                .event(self.now, &OperationFired { operation, number });
        }
    }

    /// What a resource is like; `first` changes had happened before anything was copied.
    fn state(&mut self, first: u64, cell: &Copied) {
        let words = &cell.words;
        let resource = words[at::RECORD];
        let hold = words[noted::HOLD];
        if hold != 0 {
            let [by, rest @ ..] = noted::HOLD_REST.map(|at| words[at]);
            self.done_by(by);
            self.record(Kind::Acquire, hold, &[&[resource][..], &rest].concat());
        }
        let status = words[noted::STATUS];
        let messages = words[noted::CHANGES] & ((1 << noted::MESSAGE_BITS) - 1);
        let counted = messages.checked_sub(noted::NO_MESSAGES);
        let unknown = if counted.is_none() {
            resource_status::MESSAGES_UNKNOWN
        } else {
            0
        };
        let capacity = words[at::RECORD + 3];
        let added = status.cast_signed() >> 16;
        self.chunk.event(
            self.now,
            &ResourceState {
                resource,
                since: first,
                sequence: sequence(cell),
                messages: counted.unwrap_or(0),
                status: status & 7 | unknown,
                units: capacity.saturating_add_signed(added),
            },
        );
    }
}
