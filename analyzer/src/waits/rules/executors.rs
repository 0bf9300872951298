//! Tasks that are ready and must be polled: by a thread that is free.

use super::super::moment::Moment;
use super::super::needs::{Elsewhere, Needed, Needs, Place};
use super::tasks::executes;
use crate::history::{Resource, ResourceKind, Task, TaskId, TaskState};
use crate::time::Nanos;

/// A thread that is free takes up what is ready much sooner than this.
const LONG: Nanos = Nanos(100_000_000);

/// What is asked about an executor at a moment: many tasks ask the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::waits) enum Asked {
    /// Whether one of its threads is free.
    Worker,
    /// Who drives one that has no threads of its own.
    Driver,
    /// Whether one of its threads for blocking jobs is free.
    Pool,
}

impl Moment<'_, '_> {
    /// The answer, which is worked out once.
    fn ask(&self, executor: &Resource, asked: Asked) -> Option<Place> {
        let key = (executor.id, asked);
        if let Some(known) = self.executors.borrow().get(&key) {
            return known.clone();
        }
        let answer = match asked {
            Asked::Worker => self.find_worker(executor),
            Asked::Driver if executor.kind == ResourceKind::LocalSet => self.find_driver(executor),
            Asked::Driver => self.find_who_drives(executor),
            Asked::Pool => self.find_thread_of_pool(executor),
        };
        self.executors.borrow_mut().insert(key, answer.clone());
        answer
    }

    /// What a task needs that is ready since then: that a thread polls it.
    pub(super) fn needs_of_scheduled(&self, task: &Task, since: Nanos) -> Option<Vec<Needed>> {
        let executor = self.resource(task.executor?)?;
        let place = match executor.kind {
            ResourceKind::Runtime if task.flags.is_blocking() => {
                self.thread_of_pool(executor, since)?
            }
            ResourceKind::Runtime if !task.flags.is_block_on() => self
                .worker(executor)
                .or_else(|| self.somebody_who_drives(executor, since))?,
            ResourceKind::LocalSet => self.driver(executor, since)?,
            _ => return None,
        };
        Some(vec![Needed {
            operation: None,
            is_certain: true,
            is_dormant: false,
            needs: Needs::One(vec![place]),
        }])
    }

    /// A time must come, which the threads of the task's runtime see to, too.
    pub(super) fn needs_time(&self, task: TaskId) -> Needs {
        let executor = self.task(task).and_then(|task| task.executor);
        let runtime = executor
            .and_then(|id| self.resource(id))
            .filter(|executor| executor.kind == ResourceKind::Runtime);
        match runtime.and_then(|runtime| self.worker(runtime)) {
            Some(place) => Needs::One(vec![Place {
                // It may be a timer of another runtime.
                elsewhere: place.elsewhere.max(Elsewhere::Rarely),
                ..place
            }]),
            None => Needs::Nothing,
        }
    }

    /// A runtime without threads of its own polls its tasks while somebody blocks on it: but not by its handle, which drives nothing.
    fn somebody_who_drives(&self, runtime: &Resource, since: Nanos) -> Option<Place> {
        let is_asked = runtime.capacity == 0 && self.is_end() && self.now.since(since) >= LONG;
        is_asked.then(|| self.ask(runtime, Asked::Driver))?
    }

    fn find_who_drives(&self, runtime: &Resource) -> Option<Place> {
        let of_executor = self.index.of_executor.get(&runtime.id)?;
        let blocks = of_executor.iter().filter(|task| {
            task.flags.is_block_on()
                && matches!(task.state_at(self.at), Some(TaskState::Idle(at)) if self.now.since(at) >= LONG)
        });
        let named: Vec<_> = blocks.map(|task| executes(task.id)).collect();
        (!named.is_empty()).then_some(Place {
            named,
            handed: Vec::new(),
            elsewhere: Elsewhere::Often,
        })
    }

    /// One of the tasks whose polls keep all threads of a runtime must come to the end of its poll. None where a thread is free.
    fn worker(&self, runtime: &Resource) -> Option<Place> {
        self.ask(runtime, Asked::Worker)
    }

    fn find_worker(&self, runtime: &Resource) -> Option<Place> {
        let of_executor = self.index.of_executor.get(&runtime.id)?;
        let running = of_executor.iter().filter(|task| {
            let runs = matches!(task.state_at(self.at), Some(TaskState::Running(_)));
            // In `block_in_place`, another thread takes over.
            let gave_way = || {
                task.poll_at(self.at)
                    .is_some_and(|poll| self.index.is_in_place(task.id, poll.thread, self.at))
            };
            // A task that a thread blocks on runs on that thread: which is the worker only where the runtime has none of its own.
            let is_worker = !task.flags.is_block_on() || runtime.capacity == 0;
            runs && !task.flags.is_blocking() && is_worker && !gave_way()
        });
        let running: Vec<&Task> = running.copied().collect();
        if running.is_empty() || (running.len() as u64) < runtime.capacity {
            return None;
        }
        // Several threads may block on a runtime at once, and one of them drives it: it is the one that has polled other tasks.
        let thread_of = |task: &Task| task.poll_at(self.at).map(|poll| poll.thread);
        let has_driven = |driver: &Task| {
            !driver.flags.is_block_on()
                || of_executor.iter().any(|task| {
                    let is_other = !task.flags.is_block_on() && !task.flags.is_blocking();
                    is_other && thread_of(task) == thread_of(driver)
                })
        };
        Some(Place {
            elsewhere: if running.iter().all(|task| has_driven(task)) {
                Elsewhere::No
            } else {
                Elsewhere::Rarely
            },
            named: running.iter().map(|task| executes(task.id)).collect(),
            handed: Vec::new(),
        })
    }

    /// One of the blocking jobs that keep all threads of the pool must end. None where a thread is free. Where it is not recorded how many
    /// there may be, there is none left where a job waits for long while others run.
    fn thread_of_pool(&self, runtime: &Resource, since: Nanos) -> Option<Place> {
        let waits_for_long = || self.is_end() && self.now.since(since) >= LONG;
        let is_asked = runtime.pool.is_some() || waits_for_long();
        is_asked.then(|| self.ask(runtime, Asked::Pool))?
    }

    fn find_thread_of_pool(&self, runtime: &Resource) -> Option<Place> {
        let of_executor = self.index.of_executor.get(&runtime.id)?;
        let running = of_executor.iter().filter(|task| {
            task.flags.is_blocking()
                && matches!(task.state_at(self.at), Some(TaskState::Running(_)))
        });
        let running: Vec<_> = running.map(|task| executes(task.id)).collect();
        // What is not recorded takes threads, too, but only until it is done.
        let most = runtime.pool.unwrap_or(1);
        (running.len() as u64 >= most).then_some(Place {
            named: running,
            handed: Vec::new(),
            elsewhere: match runtime.pool {
                Some(_) => Elsewhere::No,
                None => Elsewhere::Rarely,
            },
        })
    }

    /// Somebody must poll a set of local tasks. None where one of them was polled already, so that somebody does.
    fn driver(&self, set: &Resource, since: Nanos) -> Option<Place> {
        let is_asked = self.is_end() && self.now.since(since) >= LONG;
        is_asked.then(|| self.ask(set, Asked::Driver))?
    }

    fn find_driver(&self, set: &Resource) -> Option<Place> {
        let of_executor = self.index.of_executor.get(&set.id)?;
        if of_executor.iter().any(|task| !task.polls.is_empty()) {
            return None;
        }
        let maker = set.created_by?;
        let handed = self.handed_since([maker], set.made());
        Some(Place {
            named: [maker]
                .into_iter()
                .filter(|&task| self.is_live(task))
                .map(executes)
                .collect(),
            handed,
            // It cannot go to another thread.
            elsewhere: Elsewhere::Rarely,
        })
    }
}
