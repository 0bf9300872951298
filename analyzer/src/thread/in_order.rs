//! The events of several threads in the order of time, of those who read a trace window by window.

use ais_format::chunk::{Event, EventBatch};

use super::Batches;

/// Later than any tick: there is no event any more.
pub(crate) const NEVER: u64 = u64::MAX;

/// Which of some ticks is the smallest, and the smallest of the others; [`NEVER`] where there are none.
#[inline]
pub(crate) fn earliest(ticks: &[u64]) -> (usize, u64, u64) {
    let (mut at, mut first, mut next) = (0, NEVER, NEVER);
    for (index, &tick) in ticks.iter().enumerate() {
        if tick < first {
            next = first;
            (at, first) = (index, tick);
        } else {
            next = next.min(tick);
        }
    }
    (at, first, next)
}

/// Threads, each with what somebody knows of it.
#[derive(Debug)]
pub(crate) struct InOrder<S> {
    of: Vec<Thread<S>>,
}

#[derive(Debug)]
struct Thread<S> {
    id: u64,
    batches: Batches<()>,
    known: S,
}

impl<S> Default for InOrder<S> {
    fn default() -> Self {
        InOrder { of: Vec::new() }
    }
}

impl<S: Default> InOrder<S> {
    /// More events of a thread.
    pub(crate) fn push(&mut self, batch: EventBatch) {
        let id = batch.head.thread;
        let index = match self.of.iter().position(|thread| thread.id == id) {
            Some(index) => index,
            None => {
                self.of.push(Thread {
                    id,
                    batches: Batches::default(),
                    known: S::default(),
                });
                self.of.len() - 1
            }
        };
        self.of[index].batches.push((), batch);
    }

    /// Goes through all events before the tick `limit`: those of each thread in its order, the threads by their ticks. `each` is told of each,
    /// or that events of that thread are missing before the next one.
    pub(crate) fn visit(
        &mut self,
        limit: u64,
        mut each: impl FnMut(u64, &mut S, Option<&Event<'_>>),
    ) {
        let mut heads: Vec<u64> = Vec::with_capacity(self.of.len());
        for thread in &mut self.of {
            let Thread { id, batches, known } = thread;
            let next = batches.peek(|(), is_gap| {
                if is_gap {
                    each(*id, known, None);
                }
            });
            heads.push(next.map_or(NEVER, |(tick, _)| tick));
        }
        loop {
            let (at, first, next) = earliest(&heads);
            if first >= limit {
                return;
            }
            let Thread { id, batches, known } = &mut self.of[at];
            // Up to the next event of another thread.
            let left = batches.run(next, limit, |event| each(*id, known, event));
            heads[at] = left.unwrap_or(NEVER);
        }
    }

    /// The threads, with their numbers.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (u64, &S)> {
        self.of.iter().map(|thread| (thread.id, &thread.known))
    }
}
