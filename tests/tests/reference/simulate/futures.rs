//! What happens to futures: they are made, begin inside each other, come to await points and go past them, end.

use ais_format::event::{AwaitEnter, AwaitLeave, FutureBegin, FutureEnd, FutureNew, outcome};

use super::world::{Future, World};

/// The functions up to this number are instrumented: they say `READY` when they are dropped, too. The others are names.
const INSTRUMENTED: u64 = 4;

impl World {
    fn make_future(&mut self, thread: usize) -> usize {
        let id = World::number(self.futures.len());
        let function = INSTRUMENTED + 1 + self.rng.below(3) as u64;
        let future = self.keep_future(id, function);
        self.happens_to(
            thread,
            future,
            FutureNew {
                future: id,
                function,
            },
        );
        future
    }

    fn keep_future(&mut self, id: u64, function: u64) -> usize {
        self.futures.push(Future::new(id, function));
        self.futures.len() - 1
    }

    fn waiting(&mut self) -> Option<usize> {
        World::one_of(&mut self.rng, &self.futures, |future| {
            !future.is_begun && !future.is_over
        })
    }

    /// Makes one, or drops one that was never polled.
    pub(super) fn future_outside(&mut self, thread: usize) {
        if self.rng.percent(60) {
            self.make_future(thread);
        } else if let Some(future) = self.waiting() {
            self.end_future(thread, future, outcome::NEVER_POLLED);
        }
    }

    /// The innermost future of the task that is polled goes on; or another one begins inside of it.
    pub(super) fn act_on_a_future(&mut self, thread: usize) {
        let Some(task) = self.current(thread) else {
            return;
        };
        let innermost = self.tasks[task].futures.last().copied();
        let point = innermost.and_then(|future| self.futures[future].point);
        match (innermost, point, self.rng.below(100)) {
            (_, _, 0..5) => {
                self.make_future(thread);
            }
            (None, ..) | (_, Some(_), 5..45) => self.begin_future(thread, task),
            (Some(future), Some(_), 45..90) => self.leave(thread, future, outcome::READY),
            // Dropped where it waits, as a branch of a `select!` is.
            (Some(future), Some(_), _) => {
                self.tasks[task].futures.pop();
                self.end_future(thread, future, outcome::DROPPED);
            }
            (Some(future), None, 5..75) => {
                let point = self.rng.below(3) as u64;
                self.futures[future].point = Some(point);
                let enter = AwaitEnter {
                    future: self.futures[future].id,
                    point,
                };
                self.happens_to(thread, future, enter);
            }
            (Some(future), None, _) => {
                self.tasks[task].futures.pop();
                self.end_future(thread, future, outcome::READY);
            }
        }
    }

    fn begin_future(&mut self, thread: usize, task: usize) {
        let parent = self.inside(thread);
        let made = self.waiting().filter(|_| self.rng.percent(40));
        let future = if let Some(future) = made {
            future
        } else {
            let function = 1 + self.rng.below(INSTRUMENTED as usize) as u64;
            self.keep_future(World::number(self.futures.len()), function)
        };
        self.futures[future].is_begun = true;
        self.tasks[task].futures.push(future);
        let begin = FutureBegin {
            future: self.futures[future].id,
            function: self.futures[future].function,
            parent,
        };
        self.happens_to(thread, future, begin);
    }

    fn leave(&mut self, thread: usize, future: usize, outcome: u64) {
        if let Some(point) = self.futures[future].point.take() {
            let leave = AwaitLeave {
                future: self.futures[future].id,
                point,
                outcome,
            };
            self.happens_to(thread, future, leave);
        }
    }

    /// A future leaves where it is, and ends. A call of an instrumented function that is dropped says `READY`.
    pub(super) fn end_future(&mut self, thread: usize, future: usize, how: u64) {
        let was_waiting = self.futures[future].point.is_some();
        self.leave(thread, future, how);
        let row = &mut self.futures[future];
        row.is_over = true;
        let is_told_otherwise = row.function <= INSTRUMENTED && was_waiting;
        let end = FutureEnd {
            future: row.id,
            outcome: match how {
                outcome::DROPPED if is_told_otherwise => outcome::READY,
                how => how,
            },
        };
        self.happens_to(thread, future, end);
    }
}
