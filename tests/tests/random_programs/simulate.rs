//! Runs a program for real, recorded, and beside it the model: after each poll they must agree on where every task is, and on who can be
//! polled next.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::interpreter::Run;
use crate::model::{Model, Pace, Stand, State};
use crate::program::Program;
use crate::rng::Rng;

/// No program of a few steps takes so many polls.
const ENDLESS: usize = 1000;

/// Which task is polled when, and when that is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    pub(crate) order: Order,
    /// After so many polls, if not before since nobody can be polled.
    pub(crate) polls: usize,
}

/// In which order tasks are polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Any, as follows from a seed.
    Seed(u64),
    /// Just this one, as far as it goes.
    These(Vec<usize>),
}

impl Schedule {
    /// To the end.
    pub(crate) fn seeded(seed: u64) -> Schedule {
        Schedule {
            order: Order::Seed(seed),
            polls: usize::MAX,
        }
    }

    /// These tasks, and no more.
    pub(crate) fn of(polled: &[usize]) -> Schedule {
        Schedule {
            order: Order::These(polled.to_vec()),
            polls: polled.len(),
        }
    }
}

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) model: Model,
    /// Where it was stopped.
    pub(crate) state: State,
    /// The tasks, in the order in which they were polled.
    pub(crate) polled: Vec<usize>,
    run: Rc<Run>,
    /// The tasks end, too, while nobody else is recorded. Last, since fields are dropped in their order.
    _turn: MutexGuard<'static, ()>,
}

impl Ran {
    /// The number that a recorded task has in the program.
    pub(crate) fn number_of(&self, recorded: u64) -> Option<usize> {
        self.run.executor.number_of(recorded)
    }

    /// The number that a task of the program has in the trace.
    pub(crate) fn recorded(&self, number: usize) -> Option<u64> {
        self.run.executor.recorded(number)
    }
}

/// Runs a program while it is recorded into a file.
///
/// The tasks live on until the result is dropped, which is after the recording.
pub(crate) fn simulate(
    program: &Program,
    schedule: &Schedule,
    trace: &Path,
) -> Result<Ran, String> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let recorded = ais_tests::record(trace, || lockstep(program, schedule, turn));
    let (ran, status) = recorded.map_err(|error| format!("it cannot be recorded: {error}"))?;
    if status.dropped > 0 {
        return Err(format!("{} events were lost", status.dropped));
    }
    ran
}

fn lockstep(
    program: &Program,
    schedule: &Schedule,
    turn: MutexGuard<'static, ()>,
) -> Result<Ran, String> {
    let mut chooser = Chooser::of(&schedule.order);
    let run = Run::new(Model::new(program.clone()));
    let mut state = run.model.start();
    run.start();
    let mut polled = Vec::new();
    while polled.len() < schedule.polls {
        if polled.len() == ENDLESS {
            return Err("it goes on for ever".to_owned());
        }
        let woken = run.executor.woken();
        if woken != state.woken() {
            let model = state.woken();
            return Err(format!(
                "{woken:?} are woken, and not {model:?}, after {polled:?}"
            ));
        }
        if woken.is_empty() {
            break;
        }
        let Some(task) = chooser.next(&woken) else {
            return Err(format!("the schedule is not possible after {polled:?}"));
        };
        polled.push(task);
        run.executor.poll(task);
        run.model.poll(&mut state, task, Pace::Poll);
        let stands: Vec<Stand> = (0..program.tasks.len())
            .map(|task| Stand {
                life: run.executor.life(task),
                ..run.stands[task].get()
            })
            .collect();
        if stands != state.stands() {
            let model = state.stands();
            return Err(format!(
                "the tasks are at {stands:?}, and not at {model:?}, after {polled:?}"
            ));
        }
    }
    Ok(Ran {
        model: Model::new(program.clone()),
        state,
        polled,
        run,
        _turn: turn,
    })
}

/// Chooses who is polled next.
enum Chooser<'a> {
    Random(Rng),
    Listed(std::slice::Iter<'a, usize>),
}

impl Chooser<'_> {
    fn of(order: &Order) -> Chooser<'_> {
        match order {
            Order::Seed(seed) => Chooser::Random(Rng::new(*seed)),
            Order::These(tasks) => Chooser::Listed(tasks.iter()),
        }
    }

    /// One of the woken tasks; none where the list says another one, or nothing.
    fn next(&mut self, woken: &[usize]) -> Option<usize> {
        match self {
            Chooser::Random(rng) => Some(*rng.of(woken)),
            Chooser::Listed(tasks) => tasks.next().copied().filter(|task| woken.contains(task)),
        }
    }
}
