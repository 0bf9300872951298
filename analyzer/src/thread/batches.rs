//! The events of one thread that were read and not yet taken in.

use std::collections::VecDeque;

use ais_format::chunk::{Cursor, Event, EventBatch};
use ais_format::event::Kind;

/// What was read of a thread and not yet taken in, in the thread's order. With each batch goes what else has to be known of it.
#[derive(Debug)]
pub(crate) struct Batches<T> {
    /// The batches that are left, by what came before them; the cursor stands in the first.
    left: VecDeque<(T, EventBatch)>,
    cursor: Option<Cursor>,
    /// How many events came before the next batch, and how many were lost, if nothing is missing.
    expected: Option<u64>,
    dropped: u64,
}

impl<T> Default for Batches<T> {
    fn default() -> Self {
        Batches {
            left: VecDeque::new(),
            cursor: None,
            expected: None,
            dropped: 0,
        }
    }
}

impl<T: Copy> Batches<T> {
    /// More events.
    pub(crate) fn push(&mut self, known: T, batch: EventBatch) {
        let later = |(_, other): &&(T, EventBatch)| other.head.first > batch.head.first;
        // Nothing goes before what is read already.
        let first = usize::from(self.cursor.is_some());
        let index = self.left.len() - self.left.iter().rev().take_while(later).count();
        self.left.insert(index.max(first), (known, batch));
    }

    /// The next event's tick and kind. `begins` is told of each batch that is come to: what is known of it, and whether events are missing
    /// before it.
    #[inline]
    pub(crate) fn peek(&mut self, mut begins: impl FnMut(T, bool)) -> Option<(u64, Option<Kind>)> {
        loop {
            let (known, batch) = self.left.front()?;
            let cursor = match &self.cursor {
                Some(cursor) => cursor,
                None => {
                    let head = &batch.head;
                    let is_gap = self.expected.is_some_and(|first| first != head.first)
                        || head.dropped != self.dropped;
                    begins(*known, is_gap);
                    self.expected = Some(head.first.wrapping_add(head.events));
                    self.dropped = head.dropped;
                    self.cursor.insert(Cursor::new(batch))
                }
            };
            if let Some(next) = cursor.peek(batch) {
                return Some(next);
            }
            self.left.pop_front();
            self.cursor = None;
        }
    }

    /// The next event, without going on to the one after it. None where nobody peeked at it.
    pub(crate) fn event(&self) -> Option<Event<'_>> {
        let (_, batch) = self.left.front()?;
        self.cursor.as_ref()?.event(batch)
    }

    /// The event that was peeked at; what comes next is the one after it.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        let (_, batch) = self.left.front()?;
        self.cursor.as_mut()?.next(batch)
    }

    /// The events up to the tick `until` and before the tick `limit`, one after the other; the tick of the first one that is left. `each` is
    /// told of each, or that events are missing before the next one.
    #[inline]
    pub(crate) fn run(
        &mut self,
        until: u64,
        limit: u64,
        mut each: impl FnMut(Option<&Event<'_>>),
    ) -> Option<u64> {
        loop {
            let (tick, _) = self.peek(|_, is_gap| {
                if is_gap {
                    each(None);
                }
            })?;
            if tick > until || tick >= limit {
                return Some(tick);
            }
            let (_, batch) = self.left.front()?;
            let cursor = self.cursor.as_mut()?;
            while let Some(tick) = cursor.tick(batch) {
                if tick > until || tick >= limit {
                    return Some(tick);
                }
                if let Some(event) = cursor.next(batch) {
                    each(Some(&event));
                }
            }
        }
    }

    /// All that was read, from the next event on.
    pub(crate) fn ahead(&self) -> impl Iterator<Item = Event<'_>> {
        let mut cursor = self.cursor.clone();
        self.left.iter().flat_map(move |(_, batch)| {
            let mut cursor = cursor.take().unwrap_or_else(|| Cursor::new(batch));
            std::iter::from_fn(move || cursor.next(batch))
        })
    }
}
