//! What happens to tasks: they are spawned, polled, woken, cancelled, dropped.

use std::collections::HashMap;

use ais_format::event::{
    InPoll, PollBegin, PollEnd, SectionBegin, SectionEnd, TaskAbort, TaskDrop, TaskNew, Wake,
    WakersGone, Yield, outcome, poll_outcome, section_kind, task_flag,
};

use super::world::{Task, World};

/// The lowest 32 bits, all that a recorder keeps of most counts.
fn low(number: u64) -> u64 {
    u64::from(number as u32)
}

impl World {
    pub(super) fn spawn(&mut self, thread: usize) {
        let id = World::number(self.tasks.len());
        let parent = self.current(thread).map_or(0, |task| self.tasks[task].id);
        // One that was there before may be about to run out of numbers.
        let is_late = self.rng.percent(15);
        let before = if is_late { u64::from(u32::MAX) - 2 } else { 0 };
        self.happens(
            thread,
            TaskNew {
                task: id,
                parent,
                size: 8 * self.tasks.len() as u64,
                flags: if is_late { task_flag::LATE } else { 0 },
                ..TaskNew::default()
            },
        );
        self.tasks.push(Task {
            id,
            polls: before,
            is_polled: false,
            is_over: false,
            is_there: true,
            waker: 1,
            wakes: HashMap::from([(1, before)]),
            futures: Vec::new(),
        });
    }

    pub(super) fn begin_poll(&mut self, thread: usize) {
        let idle = |task: &Task| !task.is_polled && !task.is_over;
        let Some(index) = World::one_of(&mut self.rng, &self.tasks, idle) else {
            return;
        };
        let another = self.rng.percent(5);
        if another {
            // Between wakes of one waker and polls with another there is only time.
            self.settle();
        }
        let task = &mut self.tasks[index];
        task.is_polled = true;
        task.polls += 1;
        task.waker += u64::from(another);
        let begin = PollBegin {
            task: task.id,
            poll: low(task.polls),
            wakes: low(*task.wakes.entry(task.waker).or_default()),
            waker: task.waker,
        };
        self.happens(thread, begin);
        self.threads[thread].open.push(index);
    }

    pub(super) fn end_poll(&mut self, thread: usize) {
        let Some(index) = self.current(thread) else {
            return;
        };
        let how = match self.rng.below(100) {
            0..12 => poll_outcome::READY,
            12..15 => poll_outcome::PANICKED,
            _ => poll_outcome::PENDING,
        };
        if how != poll_outcome::PENDING {
            let (of_futures, of_operations) = match how {
                poll_outcome::READY => (outcome::READY, outcome::READY),
                _ => (outcome::PANICKED, outcome::PANICKED),
            };
            self.end_all_inside(thread, index, of_futures, of_operations);
            self.tasks[index].is_over = true;
            self.tasks[index].is_there = how == poll_outcome::PANICKED;
        }
        self.threads[thread].open.pop();
        self.tasks[index].is_polled = false;
        let wakers = self.rng.below(3) as u64;
        let (task, poll) = (self.tasks[index].id, low(self.tasks[index].polls));
        self.happens(
            thread,
            PollEnd {
                task,
                poll,
                outcome: how,
                wakers,
            },
        );
    }

    fn end_all_inside(&mut self, thread: usize, task: usize, futures: u64, operations: u64) {
        while let Some(future) = self.tasks[task].futures.pop() {
            self.end_future(thread, future, futures);
        }
        for operation in 0..self.operations.len() {
            let is_its = self.operations[operation].task == Some(task);
            if is_its && !self.operations[operation].is_over {
                self.end_this(thread, operation, operations);
            }
        }
    }

    pub(super) fn drop_task(&mut self, thread: usize) {
        let idle = |task: &Task| !task.is_polled && task.is_there;
        let Some(index) = World::one_of(&mut self.rng, &self.tasks, idle) else {
            return;
        };
        let futures = &self.tasks[index].futures;
        if futures.iter().any(|&future| self.is_tangled(future)) {
            return;
        }
        self.end_all_inside(thread, index, outcome::DROPPED, outcome::DROPPED);
        let task = &mut self.tasks[index];
        (task.is_over, task.is_there) = (true, false);
        let task = task.id;
        self.happens(thread, TaskDrop { task });
    }

    pub(super) fn wake(&mut self, thread: usize) {
        let Some(index) = World::one_of(&mut self.rng, &self.tasks, |task| task.is_there) else {
            return;
        };
        let task = &mut self.tasks[index];
        let waker = if self.rng.percent(90) {
            task.waker
        } else {
            1 + self.rng.below(task.waker as usize) as u64
        };
        let is_old = waker != task.waker;
        let number = task.wakes.entry(waker).or_default();
        *number += 1;
        let wake = Wake {
            task: task.id,
            waker,
            number: low(*number),
        };
        if is_old {
            self.settle();
        }
        self.happens(thread, wake);
        if self.rng.percent(40) {
            self.fire(thread, index);
        }
        if is_old {
            self.settle();
        }
    }

    pub(super) fn abort(&mut self, thread: usize) {
        if let Some(index) = World::one_of(&mut self.rng, &self.tasks, |_| true) {
            let task = self.tasks[index].id;
            self.happens(thread, TaskAbort { task });
        }
    }

    pub(super) fn wakers_gone(&mut self, thread: usize) {
        if let Some(index) = World::one_of(&mut self.rng, &self.tasks, |task| !task.is_over) {
            let (task, waker) = (self.tasks[index].id, self.tasks[index].waker);
            self.happens(thread, WakersGone { task, waker });
        }
    }

    pub(super) fn give_way(&mut self, thread: usize) {
        let (location, future) = (0, self.inside(thread));
        self.happens(thread, Yield { location, future });
    }

    /// Says in the middle of a poll which one that is.
    pub(super) fn in_poll(&mut self, thread: usize) {
        if let Some(index) = self.current(thread) {
            let (task, poll) = (self.tasks[index].id, low(self.tasks[index].polls));
            self.happens(thread, InPoll { task, poll });
        }
    }

    /// Enters a section, or leaves the innermost one.
    pub(super) fn section(&mut self, thread: usize) {
        if self.rng.percent(60)
            && let Some((kind, resource)) = self.threads[thread].sections.pop()
        {
            self.happens(thread, SectionEnd { kind, resource });
            return;
        }
        let kind = *self
            .rng
            .of(&[section_kind::BLOCK_IN_PLACE, section_kind::BORROW]);
        let resource = self.rng.below(4) as u64;
        self.threads[thread].sections.push((kind, resource));
        self.happens(
            thread,
            SectionBegin {
                thread: 0,
                kind,
                resource,
                location: 0,
            },
        );
    }
}
