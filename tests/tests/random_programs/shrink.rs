//! Smaller programs with the same fault.

use crate::judge::{Fault, judge};
use crate::program::{Program, Step, Wait};
use crate::simulate::Schedule;

/// So many schedules are tried for each smaller program.
const TRIES: u64 = 12;

/// A program as small as it gets, with a schedule, that has the same fault.
pub(crate) fn shrink(program: Program, schedule: Schedule, fault: Fault) -> (Program, Schedule) {
    let mut smallest = (program, schedule);
    loop {
        let smaller = smaller(&smallest.0);
        let next = smaller.into_iter().find_map(|program| {
            let schedule =
                schedules(&smallest.1).find(|schedule| judge(&program, schedule).has(fault))?;
            Some((program, schedule))
        });
        match next {
            Some(next) => smallest = next,
            None => return smallest,
        }
    }
}

fn schedules(first: &Schedule) -> impl Iterator<Item = Schedule> + '_ {
    let others = (0..TRIES).map(|seed| Schedule {
        // Half of them to the end.
        polls: if seed % 2 == 0 {
            usize::MAX
        } else {
            first.polls
        },
        ..Schedule::seeded(seed)
    });
    [first.clone()].into_iter().chain(others)
}

/// All programs with one thing less that can be run.
fn smaller(program: &Program) -> Vec<Program> {
    let mut all = Vec::new();
    for task in 1..program.tasks.len() {
        all.push(without_task(program, task));
    }
    for (task, steps) in program.tasks.iter().enumerate() {
        for (at, step) in steps.iter().enumerate() {
            let mut changed = program.clone();
            changed.tasks[task].remove(at);
            all.push(changed);
            if let Step::SpawnWith(other, _) = *step {
                let mut changed = program.clone();
                changed.tasks[task][at] = Step::Spawn(other);
                all.push(changed);
            }
            let waits: Vec<Wait> = step.waits().collect();
            for wait in waits
                .into_iter()
                .map(Step::Wait)
                .filter(|wait| wait != step)
            {
                let mut changed = program.clone();
                changed.tasks[task][at] = wait;
                all.push(changed);
            }
        }
    }
    all.retain(|program| program.fault().is_none());
    all
}

fn without_task(program: &Program, gone: usize) -> Program {
    let moved = |task: usize| task - usize::from(task > gone);
    let wait = |wait: Wait| match wait {
        Wait::Join(task) if task == gone => None,
        Wait::Join(task) => Some(Wait::Join(moved(task))),
        other => Some(other),
    };
    let pair = |one: Wait, two: Wait, kind: fn(Wait, Wait) -> Step| match (wait(one), wait(two)) {
        (Some(one), Some(two)) => Some(kind(one, two)),
        (one, two) => one.or(two).map(Step::Wait),
    };
    let step = |step: &Step| match *step {
        Step::Spawn(task) | Step::SpawnWith(task, _) if task == gone => None,
        Step::Spawn(task) => Some(Step::Spawn(moved(task))),
        Step::SpawnWith(task, pool) => Some(Step::SpawnWith(moved(task), pool)),
        Step::Wait(one) => wait(one).map(Step::Wait),
        Step::Select(one, two) => pair(one, two, Step::Select),
        Step::Keep(one, two) => pair(one, two, Step::Keep),
        Step::Both(one, two) => pair(one, two, Step::Both),
        other => Some(other),
    };
    let mut program = program.clone();
    program.tasks.remove(gone);
    for steps in &mut program.tasks {
        *steps = steps.iter().filter_map(step).collect();
    }
    program
}
