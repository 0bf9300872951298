//! Random programs: mostly of things that people do, in an order that may be wrong.

use crate::model::{Model, Pace};
use crate::program::{Oneshot, Pool, Program, Step, Wait};
use crate::rng::Rng;
use crate::simulate::Schedule;

/// A task other than the first has at most so many steps.
const STEPS: usize = 6;

/// The program of a seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut rng = Rng::new(seed);
    loop {
        let program = Maker::new(&mut rng).program();
        if program.fault().is_none() {
            return program;
        }
    }
}

struct Maker<'a> {
    rng: &'a mut Rng,
    program: Program,
    /// Which task uses an end that only one can use, where that is decided.
    receivers: Vec<usize>,
    answers: Vec<usize>,
    questions: Vec<usize>,
    handles: Vec<usize>,
    /// What the task at hand has taken, and will give back.
    owed: Vec<usize>,
}

impl Maker<'_> {
    fn new(rng: &mut Rng) -> Maker<'_> {
        let tasks = 2 + rng.below(3);
        let pools = (0..rng.below(4))
            .map(|_| match rng.below(5) {
                0..=1 => Pool::Mutex,
                2 => Pool::RwLock(*rng.of(&[2, 3, u32::MAX >> 3])),
                _ => Pool::Semaphore(*rng.of(&[0, 1, 1, 1, 2, 2, 3])),
            })
            .collect();
        let channels: Vec<usize> = (0..rng.below(3)).map(|_| 1 + rng.below(2)).collect();
        let oneshots: Vec<Oneshot> = (0..rng.below(3).saturating_sub(usize::from(rng.percent(50))))
            .map(|_| {
                *rng.of(&[
                    Oneshot::Recorded,
                    Oneshot::Recorded,
                    Oneshot::Recorded,
                    Oneshot::Hidden,
                ])
            })
            .collect();
        let program = Program {
            pools,
            oneshots,
            owned: rng.percent(20),
            notifies: rng.below(2),
            tasks: vec![Vec::new(); tasks],
            channels,
        };
        let ends = |rng: &mut Rng, count| (0..count).map(|_| rng.below(tasks)).collect();
        Maker {
            receivers: ends(rng, program.channels.len()),
            answers: ends(rng, program.oneshots.len()),
            questions: ends(rng, program.oneshots.len()),
            // Mostly the first task waits for the others.
            handles: (0..tasks)
                .map(|task| {
                    if rng.percent(75) {
                        0
                    } else {
                        (task + 1 + rng.below(3)).min(tasks - 1)
                    }
                })
                .collect(),
            program,
            rng,
            owed: Vec::new(),
        }
    }

    fn program(mut self) -> Program {
        for task in 0..self.program.tasks.len() {
            let count = 1 + self.rng.below(STEPS);
            let mut steps = Vec::new();
            while steps.len() < count {
                self.steps(task, &mut steps);
                if self.rng.percent(50) {
                    steps.extend(self.owed.pop().map(Step::Release));
                }
            }
            steps.truncate(STEPS);
            self.owed.clear();
            self.program.tasks[task] = steps;
        }
        if self.rng.percent(80) {
            self.helps();
        }
        self.spawns();
        self.program
    }

    /// For most waits that only another task can end, puts in what ends it, somewhere.
    fn helps(&mut self) {
        let waits: Vec<(usize, Wait)> = (0..self.program.tasks.len())
            .flat_map(|task| {
                let steps = self.program.tasks[task].iter();
                steps.flat_map(move |step| step.waits().map(move |wait| (task, wait)))
            })
            .collect();
        for (task, wait) in waits {
            let count = self.program.tasks.len();
            let other = (task + 1 + self.rng.below(count - 1)) % count;
            let help = match wait {
                Wait::Send(channel) => {
                    Some((self.receivers[channel], Step::Wait(Wait::Recv(channel))))
                }
                Wait::Recv(channel) => Some((other, Step::Wait(Wait::Send(channel)))),
                Wait::Question(oneshot) => Some((self.answers[oneshot], Step::Answer(oneshot))),
                Wait::Notified(notify) => Some((other, Step::NotifyOne(notify))),
                _ => None,
            };
            if let Some((helper, step)) = help
                && self.rng.percent(70)
                && self.program.tasks[helper].len() < STEPS
            {
                let at = self.rng.below(self.program.tasks[helper].len() + 1);
                self.program.tasks[helper].insert(at, step);
            }
        }
    }

    /// Puts in where the first task spawns the others.
    fn spawns(&mut self) {
        // What can be handed over was taken before.
        let (late, pools) = if self.program.owned {
            (true, self.program.pools.len())
        } else {
            (self.rng.percent(25), 0)
        };
        let main = &mut self.program.tasks[0];
        let count = self.handles.len();
        let mut at = 0;
        for task in 1..count {
            if late {
                at += self.rng.below(main.len() + 1 - at);
            }
            let step = match pools {
                0 => Step::Spawn(task),
                _ if self.rng.percent(50) => Step::SpawnWith(task, self.rng.below(pools)),
                _ => Step::Spawn(task),
            };
            main.insert(at, step);
            at += 1;
            if let Step::SpawnWith(_, pool) = step
                && self.rng.percent(30)
            {
                let again = match self.program.pools[pool] {
                    Pool::Mutex => Wait::Lock(pool),
                    Pool::RwLock(_) => Wait::Write(pool),
                    Pool::Semaphore(_) => Wait::Acquire(pool, 1),
                };
                main.insert(at, Step::Wait(again));
                at += 1;
            }
        }
    }

    /// Adds a step, or some that belong together.
    fn steps(&mut self, task: usize, steps: &mut Vec<Step>) {
        match self.rng.below(20) {
            0..=8 => {
                if let Some(wait) = self.wait(task) {
                    steps.push(Step::Wait(wait));
                    self.later_release(wait, steps);
                }
            }
            9 => steps.push(Step::Yield),
            10..=13 => {
                let act = self.act(task);
                steps.extend(act);
            }
            14..=19 => {
                let Some((one, two)) = self.wait(task).zip(self.other_wait(task)) else {
                    return;
                };
                match self.rng.below(3) {
                    0 => steps.push(Step::Select(one, two)),
                    1 => steps.push(Step::Both(one, two)),
                    _ => {
                        steps.push(Step::Keep(one, two));
                        if self.rng.percent(60) {
                            let wait = self.wait(task);
                            steps.extend(wait.map(Step::Wait));
                        }
                        match self.rng.below(4) {
                            0 => steps.push(Step::DropKept),
                            1 => {}
                            _ => steps.push(Step::Resume),
                        }
                    }
                }
                self.later_release(one, steps);
            }
            _ => {}
        }
    }

    /// What was taken is mostly given back in time.
    fn later_release(&mut self, wait: Wait, steps: &mut Vec<Step>) {
        let (Wait::Lock(pool) | Wait::Read(pool) | Wait::Write(pool) | Wait::Acquire(pool, _)) =
            wait
        else {
            return;
        };
        if self.rng.percent(60) {
            if self.rng.percent(30) {
                steps.push(Step::Yield);
            }
            self.owed.push(pool);
        } else if let Wait::Acquire(..) = wait
            && self.rng.percent(10)
        {
            steps.push(Step::Forget(pool));
        }
    }

    /// Beside another one: more often for something that is not in the trace, and could help.
    fn other_wait(&mut self, task: usize) -> Option<Wait> {
        let is_hidden = |oneshot: &usize| {
            self.program.oneshots[*oneshot] == Oneshot::Hidden && self.questions[*oneshot] == task
        };
        let hidden = (0..self.program.oneshots.len()).find(is_hidden);
        match hidden {
            Some(oneshot) if self.rng.percent(50) => Some(Wait::Question(oneshot)),
            _ => self.wait(task),
        }
    }

    fn wait(&mut self, task: usize) -> Option<Wait> {
        let pools = self.program.pools.len();
        let channels = self.program.channels.len();
        for _ in 0..20 {
            let found = match self.rng.below(20) {
                0..=7 if pools > 0 => {
                    let pool = self.rng.below(pools);
                    // Mostly nobody takes what he has.
                    (!self.owed.contains(&pool) || self.rng.percent(20)).then(|| {
                        match self.program.pools[pool] {
                            Pool::Mutex => Wait::Lock(pool),
                            Pool::RwLock(_) if self.rng.percent(50) => Wait::Read(pool),
                            Pool::RwLock(_) => Wait::Write(pool),
                            Pool::Semaphore(permits) => {
                                let most = permits as usize + usize::from(self.rng.percent(10));
                                Wait::Acquire(pool, 1 + self.rng.below(most) as u32)
                            }
                        }
                    })
                }
                8..=10 if channels > 0 => Some(Wait::Send(self.rng.below(channels))),
                11..=13 if channels > 0 => {
                    let channel = self.rng.below(channels);
                    (self.receivers[channel] == task).then_some(Wait::Recv(channel))
                }
                14..=15 if !self.program.oneshots.is_empty() => {
                    let oneshot = self.rng.below(self.program.oneshots.len());
                    (self.questions[oneshot] == task).then_some(Wait::Question(oneshot))
                }
                16..=17 if self.program.notifies > 0 => {
                    Some(Wait::Notified(self.rng.below(self.program.notifies)))
                }
                18..=19 => {
                    let target = 1 + self.rng.below(self.handles.len() - 1);
                    (self.handles[target] == task && target != task).then_some(Wait::Join(target))
                }
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn act(&mut self, task: usize) -> Option<Step> {
        let pools = self.program.pools.len();
        let channels = self.program.channels.len();
        for _ in 0..20 {
            let found = match self.rng.below(12) {
                0..=1 if pools > 0 => {
                    let pool = self.rng.below(pools);
                    match self.program.pools[pool] {
                        Pool::Semaphore(_) => Some(Step::Add(pool, 1 + self.rng.below(2) as u32)),
                        _ => Some(Step::Release(pool)),
                    }
                }
                2 if channels > 0 => Some(Step::DropSender(self.rng.below(channels))),
                3 if channels > 0 => {
                    let channel = self.rng.below(channels);
                    (self.receivers[channel] == task).then_some(Step::DropReceiver(channel))
                }
                4..=7 if !self.program.oneshots.is_empty() => {
                    let oneshot = self.rng.below(self.program.oneshots.len());
                    let (answers, asks) = (
                        self.answers[oneshot] == task,
                        self.questions[oneshot] == task,
                    );
                    match self.rng.below(4) {
                        0..=1 => answers.then_some(Step::Answer(oneshot)),
                        2 => answers.then_some(Step::DropAnswer(oneshot)),
                        _ => asks.then_some(Step::DropQuestion(oneshot)),
                    }
                }
                8..=11 if self.program.notifies > 0 => {
                    let notify = self.rng.below(self.program.notifies);
                    Some(if self.rng.percent(75) {
                        Step::NotifyOne(notify)
                    } else {
                        Step::NotifyAll(notify)
                    })
                }
                _ => None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The schedule of a seed: it ends with the program, or anywhere before.
pub(crate) fn schedule(seed: u64, program: &Program) -> Schedule {
    let schedule = Schedule::seeded(seed);
    let mut rng = Rng::new(!seed);
    if rng.percent(50) {
        return schedule;
    }
    let polls = 1 + rng.below(polls(&Model::new(program.clone()), seed));
    Schedule { polls, ..schedule }
}

/// How many polls a program takes, by the model.
fn polls(model: &Model, seed: u64) -> usize {
    let mut rng = Rng::new(seed);
    let mut state = model.start();
    for polls in 0.. {
        let woken = state.woken();
        if woken.is_empty() {
            return polls;
        }
        model.poll(&mut state, *rng.of(&woken), Pace::Poll);
    }
    unreachable!("a program has an end")
}
