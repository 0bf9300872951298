//! The abstract program: what tokio's primitives do, as plain data, and what each poll of a task changes in it.
//!
//! A state is everything that decides what can happen from there on: two equal ones have the same future. What is left open is which of
//! the woken tasks is polled next, and, where that is asked for ([`Pace::Step`]), how far it gets before others go on beside it.

mod ends;
mod resources;
mod steps;

use crate::program::{Owners, Program, Wait};
pub(crate) use resources::{Channel, Notify, Oneshot, Pool};

/// So many waits a task can have at a time: two of a pair, and one that is kept.
pub(crate) const SLOTS: usize = 3;

/// How far a poll of a task goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Until the task must wait: a poll.
    Poll,
    /// At most to the end of a step: the rest of the poll comes later, as if other threads had been quicker.
    Step,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) tasks: Vec<Task>,
    /// Those of the program, then the slots of channels.
    pub(crate) pools: Vec<Pool>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) oneshots: Vec<Oneshot>,
    pub(crate) notifies: Vec<Notify>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Task {
    pub(crate) life: Life,
    pub(crate) woken: bool,
    /// The step that it is at.
    pub(crate) at: usize,
    yielded: bool,
    pub(crate) slots: [Option<Slot>; SLOTS],
    /// The slots of the waits of this step.
    pub(crate) active: [Option<usize>; 2],
    pub(crate) kept: Option<usize>,
    /// What it has of pools.
    pub(crate) holds: Vec<Hold>,
    /// Somebody waited for its end, and is woken by it.
    pub(crate) joiner: Option<usize>,
    /// Who has polled its handle, and has not seen its end.
    pub(crate) asked: Option<usize>,
}

/// Units of a pool that a task has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hold {
    pub(crate) pool: usize,
    pub(crate) units: u32,
    /// Another task took it, and gave it away.
    pub(crate) given: bool,
}

/// Whether a task is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// It was not spawned yet.
    #[default]
    Before,
    Live,
    Ended,
}

/// A wait that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) wait: Wait,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Not polled yet.
    Fresh,
    /// In the queue, or registered.
    Queued,
    /// It has got what it wants, and was not polled since. By `notify_one` where it is a notification.
    Granted,
    /// By `notify_waiters`, which is not handed on.
    GrantedToAll,
    Done,
}

/// How far a task is: it progresses when this changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) life: Life,
    pub(crate) at: usize,
    /// Which waits of this step are done.
    pub(crate) done: [bool; 2],
}

/// Where a wait is noted in a queue: a task, and a slot of it.
type Op = (usize, usize);

/// A program, and what follows from it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) program: Program,
    pub(crate) owners: Owners,
}

impl Model {
    pub(crate) fn new(program: Program) -> Model {
        Model {
            owners: program.owners(),
            program,
        }
    }

    /// Before anything was polled: the first task is there.
    pub(crate) fn start(&self) -> State {
        let program = &self.program;
        let mut tasks = vec![Task::default(); program.tasks.len()];
        tasks[0].life = Life::Live;
        tasks[0].woken = true;
        let units = program.pools.iter().map(|pool| pool.units());
        let room = program.channels.iter().map(|&room| room as u32);
        State {
            tasks,
            pools: units.chain(room).map(Pool::of).collect(),
            channels: self
                .owners
                .senders
                .iter()
                .map(|senders| Channel::of(senders))
                .collect(),
            oneshots: vec![Oneshot::default(); program.oneshots.len()],
            notifies: vec![Notify::default(); program.notifies],
        }
    }
}

impl State {
    /// The tasks that can be polled.
    pub(crate) fn woken(&self) -> Vec<usize> {
        let is_woken = |task: &usize| self.tasks[*task].is_live() && self.tasks[*task].woken;
        (0..self.tasks.len()).filter(is_woken).collect()
    }

    pub(crate) fn live(&self) -> Vec<usize> {
        let is_live = |task: &usize| self.tasks[*task].is_live();
        (0..self.tasks.len()).filter(is_live).collect()
    }

    pub(crate) fn stands(&self) -> Vec<Stand> {
        self.tasks.iter().map(Task::stand).collect()
    }

    fn wake(&mut self, task: usize) {
        // What has ended is never polled again.
        self.tasks[task].woken = self.tasks[task].life != Life::Ended;
    }
}

impl Task {
    pub(crate) fn is_live(&self) -> bool {
        self.life == Life::Live
    }

    /// What it took last of a pool: it has it no more.
    fn taken_last(&mut self, pool: usize) -> Option<Hold> {
        let at = self.holds.iter().rposition(|hold| hold.pool == pool)?;
        Some(self.holds.remove(at))
    }

    pub(crate) fn stand(&self) -> Stand {
        let done = self.active.map(|slot| {
            let slot = slot.and_then(|slot| self.slots[slot]);
            slot.is_some_and(|slot| slot.phase == Phase::Done)
        });
        Stand {
            life: self.life,
            at: self.at,
            done,
        }
    }

    /// Its waits that are not over, with their slots: those of this step, and the one that is kept.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (usize, Slot)> {
        let slots = self.slots.iter().enumerate();
        slots.filter_map(|(i, slot)| {
            Some((i, (*slot)?)).filter(|(_, slot)| slot.phase != Phase::Done)
        })
    }
}
