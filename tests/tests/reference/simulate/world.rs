//! The simulated program as it is: its threads, tasks, futures, operations and resources, and the events that told of it so far.
//!
//! Clocks of threads disagree by up to `jitter` nanoseconds, so the times of different threads may contradict the true order. Where
//! nothing but time orders two events of an entity (what several tasks do to one future), the world *settles* between them: it waits
//! until every clock says a later time than any clock said before.

use std::collections::HashMap;

use crate::model::{Act, Event, Moment, Story};
use crate::rng::Rng;

/// A thread.
pub(super) struct Thread {
    pub(super) id: u64,
    /// By how much its clock is ahead.
    skew: u64,
    last: u64,
    /// The open polls, innermost last: indices of tasks.
    pub(super) open: Vec<usize>,
    /// The open sections, innermost last: kind and resource.
    pub(super) sections: Vec<(u64, u64)>,
}

/// A task.
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) polls: u64,
    pub(super) is_polled: bool,
    pub(super) is_over: bool,
    /// It may still be told that it was dropped: it was not, or it panicked.
    pub(super) is_there: bool,
    pub(super) waker: u64,
    /// How often each of its wakers was woken.
    pub(super) wakes: HashMap<u64, u64>,
    /// The futures that run in it, innermost last: indices.
    pub(super) futures: Vec<usize>,
}

/// An instrumented future.
pub(super) struct Future {
    pub(super) id: u64,
    pub(super) function: u64,
    pub(super) is_begun: bool,
    pub(super) point: Option<u64>,
    pub(super) is_over: bool,
    touched: Touched,
}

impl Future {
    pub(super) fn new(id: u64, function: u64) -> Future {
        Future {
            id,
            function,
            is_begun: false,
            point: None,
            is_over: false,
            touched: Touched::default(),
        }
    }
}

/// Where and by whom something that has no numbers of its own was touched last.
///
/// What one task does to it is ordered by the polls of the task, whatever the clocks say. Where several tasks do something to it (or the
/// runtime, that drops a task), there is only time: there the world settles.
#[derive(Default)]
pub(super) struct Touched {
    /// On this thread, after so many events, by this task.
    last: Option<(usize, usize, Option<usize>)>,
    /// Several have touched it, or nobody that is known.
    is_shared: bool,
    /// Its task touched it on different threads, whose clocks may contradict each other.
    is_tangled: bool,
}

/// An operation.
pub(super) struct Operation {
    pub(super) id: u64,
    /// The resource in whose queue it is: an index.
    pub(super) resource: Option<usize>,
    pub(super) units: u64,
    pub(super) task: Option<usize>,
    pub(super) is_timer: bool,
    pub(super) fires: u64,
    pub(super) is_over: bool,
    pub(super) touched: Touched,
}

/// A resource.
pub(super) struct Resource {
    pub(super) id: u64,
    pub(super) kind: u64,
    pub(super) changes: u64,
    pub(super) units: u64,
    /// Number and units of each hold.
    pub(super) holds: Vec<(u64, u64)>,
    pub(super) messages: u64,
    /// Number and side of each end.
    pub(super) handles: Vec<(u64, u64)>,
    pub(super) last_handle: u64,
    pub(super) members: Vec<u64>,
    pub(super) is_gone: bool,
}

impl Resource {
    pub(super) fn free(&self) -> u64 {
        self.units - self.holds.iter().map(|(_, units)| units).sum::<u64>()
    }

    pub(super) fn ends(&self, side: u64) -> Vec<u64> {
        let this_side = self.handles.iter().filter(|(_, of)| *of == side);
        this_side.map(|(number, _)| *number).collect()
    }
}

/// All of it.
pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) threads: Vec<Thread>,
    pub(super) tasks: Vec<Task>,
    pub(super) futures: Vec<Future>,
    pub(super) operations: Vec<Operation>,
    pub(super) resources: Vec<Resource>,
    pub(super) story: Story,
    /// Those are tried as well that are known to be rebuilt wrongly.
    all_shapes: bool,
    jitter: u64,
    now: u64,
}

impl World {
    pub(super) fn new(threads: u64, jitter: u64, seed: u64) -> World {
        let mut rng = Rng::new(seed);
        let threads = (1..=threads)
            .map(|id| Thread {
                id,
                skew: rng.below(jitter as usize + 1) as u64,
                last: 0,
                open: Vec::new(),
                sections: Vec::new(),
            })
            .collect();
        World {
            rng,
            threads,
            tasks: Vec::new(),
            futures: Vec::new(),
            operations: Vec::new(),
            resources: Vec::new(),
            story: Story::default(),
            all_shapes: crate::all_shapes(),
            jitter,
            now: 100,
        }
    }

    /// A number that is nobody's yet, in no particular order.
    pub(super) fn number(index: usize) -> u64 {
        index as u64 * 37 % 1009 + 1
    }

    /// Something happens on a thread.
    pub(super) fn happens(&mut self, thread: usize, act: impl Into<Act>) {
        self.now += 1 + self.rng.below(4) as u64;
        let jitter = if self.rng.percent(80) {
            self.threads[thread].skew
        } else {
            self.rng.below(self.jitter as usize + 1) as u64
        };
        let thread = &mut self.threads[thread];
        // Never more than `jitter` after `now`, as the last one was not either.
        thread.last = (thread.last + 1).max(self.now + jitter);
        self.story.events.push(Event {
            thread: thread.id,
            at: thread.last,
            act: act.into(),
        });
    }

    /// Whether others than its task must leave a future alone.
    pub(super) fn is_tangled(&self, future: usize) -> bool {
        self.futures[future].touched.is_tangled && !self.all_shapes
    }

    /// Something happens to a future.
    pub(super) fn happens_to(&mut self, thread: usize, future: usize, act: impl Into<Act>) {
        let touched = std::mem::take(&mut self.futures[future].touched);
        self.futures[future].touched = self.touch(thread, touched, act.into());
    }

    /// Something happens to an operation.
    pub(super) fn happens_to_operation(
        &mut self,
        thread: usize,
        operation: usize,
        act: impl Into<Act>,
    ) {
        let mut touched = std::mem::take(&mut self.operations[operation].touched);
        // These are put into the order of time even where one task did all of it.
        touched.is_shared = true;
        self.operations[operation].touched = self.touch(thread, touched, act.into());
    }

    fn touch(&mut self, thread: usize, mut touched: Touched, act: Act) -> Touched {
        let task = self.current(thread);
        let settled = self.story.moments.last().map_or(0, |it| it.events);
        if let Some((last_thread, events, last_task)) = touched.last {
            touched.is_shared |= task.is_none() || task != last_task;
            if last_thread != thread && settled < events {
                let is_told_by_polls = task.is_some() && task == last_task;
                if is_told_by_polls && (self.all_shapes || !touched.is_shared) {
                    touched.is_tangled = true;
                } else {
                    self.settle();
                }
            }
        }
        self.happens(thread, act);
        touched.last = Some((thread, self.story.events.len(), task));
        touched
    }

    /// Nothing happens until all clocks say a later time than any said before.
    pub(super) fn settle(&mut self) {
        self.now += self.jitter + 1;
        self.story.moments.push(Moment {
            events: self.story.events.len(),
            at: self.now,
        });
    }

    /// Nothing happens for some time.
    pub(super) fn pass(&mut self) {
        self.settle();
        self.now += self.rng.below(3000) as u64;
    }

    pub(super) fn finish(mut self) -> Story {
        self.settle();
        self.story.end = self.now;
        self.story
    }

    /// The task that is polled on a thread.
    pub(super) fn current(&self, thread: usize) -> Option<usize> {
        self.threads[thread].open.last().copied()
    }

    /// The number of the future in which a thread is; zero for none.
    pub(super) fn inside(&self, thread: usize) -> u64 {
        let task = self.current(thread).map(|task| &self.tasks[task]);
        task.and_then(|task| task.futures.last())
            .map_or(0, |&future| self.futures[future].id)
    }

    /// One of those that a condition holds for: its index.
    pub(super) fn one_of<T>(
        rng: &mut Rng,
        all: &[T],
        is_fit: impl Fn(&T) -> bool,
    ) -> Option<usize> {
        let fit: Vec<usize> = (0..all.len()).filter(|&i| is_fit(&all[i])).collect();
        (!fit.is_empty()).then(|| *rng.of(&fit))
    }

    pub(super) fn has_few_tasks(&self) -> bool {
        self.tasks.iter().filter(|task| !task.is_over).count() < 5
    }

    pub(super) fn has_few_resources(&self) -> bool {
        let there = self.resources.iter().filter(|resource| !resource.is_gone);
        there.count() < 5
    }

    /// The number of the next change of a resource.
    pub(super) fn change(&mut self, resource: usize) -> u64 {
        let changes = &mut self.resources[resource].changes;
        *changes += 1;
        *changes
    }
}
