//! Does what a program says, with the recorded types.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::executor::Executor;
use crate::model::{Model, SLOTS, Stand};
use crate::program::{MOST, Step, Wait};
use crate::world::{Env, Guard, OwnedGuard, make, wait};

/// A task can hold so much at a time.
const HELD: usize = 16;

/// What the tasks of a run share besides the resources. Of what is in here nothing is recorded.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) executor: Executor,
    pub(crate) stands: [Cell<Stand>; MOST],
    /// What the tasks have that are not spawned yet. It is the first task that keeps it.
    waiting: RefCell<Vec<Option<Env>>>,
}

impl Run {
    pub(crate) fn new(model: Model) -> Rc<Run> {
        Rc::new(Run {
            model,
            executor: Executor::default(),
            stands: Default::default(),
            waiting: RefCell::default(),
        })
    }

    /// Spawns the first task.
    pub(crate) fn start(self: &Rc<Run>) {
        let run = Rc::clone(self);
        let first = async move {
            let mut envs = make(&run.model).into_iter();
            let own = envs.next().expect("there is a first task");
            *run.waiting.borrow_mut() = [None].into_iter().chain(envs.map(Some)).collect();
            interpret(&run, 0, own, None).await;
        };
        ais_recorder::spawn("0", first, |task| self.executor.push(0, task));
    }

    pub(crate) fn stand(&self, task: usize, change: impl FnOnce(&mut Stand)) {
        let mut stand = self.stands[task].get();
        change(&mut stand);
        self.stands[task].set(stand);
    }

    /// Spawns a task, and gives its handle to whoever will wait for its end.
    fn spawn(self: &Rc<Run>, number: usize, own: &Env, given: Option<(usize, OwnedGuard)>) {
        let env = self.waiting.borrow_mut()[number].take();
        let env = env.expect("it is spawned once");
        let run = Rc::clone(self);
        let body = async move { interpret(&run, number, env, given).await };
        let handle = ais_recorder::spawn(number.to_string(), body, |task| {
            self.executor.push(number, task)
        });
        match self.model.owners.handles[number] {
            None => {}
            Some(0) => *own.handles[number].borrow_mut() = Some(handle),
            Some(owner) => {
                if let Some(env) = &self.waiting.borrow()[owner] {
                    *env.handles[number].borrow_mut() = Some(handle);
                }
            }
        }
    }
}

/// What a task has taken, in the order in which it did.
struct Holds<'a>([Option<(usize, Guard<'a>)>; HELD]);

impl<'a> Holds<'a> {
    fn put(&mut self, pool: usize, guard: Guard<'a>) {
        let free = self.0.iter_mut().find(|place| place.is_none());
        *free.expect("there is room for all that a task can take") = Some((pool, guard));
    }

    /// What was taken last of a pool.
    fn take(&mut self, pool: usize) -> Option<Guard<'a>> {
        let is_of = |place: &&mut Option<(usize, Guard<'_>)>| {
            place.as_ref().is_some_and(|held| held.0 == pool)
        };
        let place = self.0.iter_mut().rfind(is_of)?;
        let taken = place.take();
        // Those that came later move up: the order stays.
        let last = self
            .0
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |at| at + 1);
        if let Some(gap) = self.0[..last].iter().position(Option::is_none) {
            self.0[gap..last].rotate_left(1);
        }
        taken.map(|(_, guard)| guard)
    }
}

async fn interpret(run: &Rc<Run>, task: usize, env: Env, given: Option<(usize, OwnedGuard)>) {
    let env = &env;
    let mut holds = Holds([const { None }; HELD]);
    if let Some((pool, guard)) = given {
        holds.put(pool, Guard::Owned(guard));
    }
    let (one, two, three) = (pin!(None), pin!(None), pin!(None));
    let mut slots: [Pin<&mut Option<_>>; SLOTS] = [one, two, three];
    let mut kept: Option<(usize, Wait)> = None;
    let steps = &run.model.program.tasks[task];
    for (at, &step) in steps.iter().enumerate() {
        run.stand(task, |stand| (stand.at, stand.done) = (at, [false; 2]));
        let mut waits = [None; 2];
        let mut free = (0..SLOTS).filter(|&slot| Some(slot) != kept.map(|kept| kept.0));
        for (place, wanted) in waits.iter_mut().zip(step.waits()) {
            let slot = free
                .next()
                .expect("there are slots for a pair and what is kept");
            slots[slot].set(Some(wait(wanted, env)));
            *place = Some((slot, wanted));
        }
        let all = match step {
            Step::Wait(_) | Step::Both(..) => true,
            Step::Select(..) | Step::Keep(..) => false,
            Step::Resume => {
                waits[0] = kept.take();
                true
            }
            _ => {
                act(run, env, &mut holds, step).await;
                if let (Step::DropKept, Some((slot, _))) = (step, kept) {
                    slots[slot].set(None);
                    kept = None;
                }
                continue;
            }
        };
        let mut done = [false; 2];
        poll_fn(|cx| {
            for (which, (slot, wanted)) in waits
                .iter()
                .enumerate()
                .filter_map(|(i, wait)| Some((i, (*wait)?)))
            {
                if done[which] {
                    continue;
                }
                if let Poll::Ready(guard) = polled(&mut slots[slot], cx) {
                    if let (Some(guard), Some((pool, _))) =
                        (guard, wanted.takes(&run.model.program))
                    {
                        holds.put(pool, guard);
                    }
                    done[which] = true;
                    run.stand(task, |stand| stand.done = done);
                    if !all {
                        return Poll::Ready(());
                    }
                }
            }
            let is_done = waits
                .iter()
                .zip(done)
                .all(|(wait, done)| done || wait.is_none());
            if is_done {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        for (which, (slot, wanted)) in waits
            .iter()
            .enumerate()
            .filter_map(|(i, wait)| Some((i, (*wait)?)))
        {
            if let (Step::Keep(..), false) = (step, done[which]) {
                kept = Some((slot, wanted));
            } else {
                slots[slot].set(None);
            }
        }
    }
    run.stand(task, |stand| {
        (stand.at, stand.done) = (steps.len(), [false; 2]);
    });
    for mut slot in slots {
        slot.set(None);
    }
}

fn polled<F: Future>(slot: &mut Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    let future = slot.as_mut().as_pin_mut();
    let result = future.expect("it is there until it is done").poll(cx);
    if result.is_ready() {
        slot.set(None);
    }
    result
}

/// A step that waits for nothing, except for its next turn.
async fn act(run: &Rc<Run>, env: &Env, holds: &mut Holds<'_>, step: Step) {
    match step {
        Step::Release(pool) => drop(holds.take(pool)),
        Step::Forget(pool) => match holds.take(pool) {
            Some(Guard::Permit(permit)) => permit.forget(),
            Some(Guard::Owned(OwnedGuard::Permit(permit))) => permit.forget(),
            _ => {}
        },
        Step::Add(pool, units) => env.world.semaphore(pool).add_permits(units as usize),
        Step::DropSender(channel) => drop(env.senders[channel].take()),
        Step::DropReceiver(channel) => drop(env.receivers[channel].take()),
        Step::Answer(oneshot) => {
            if let Some(answer) = env.answers[oneshot].take() {
                answer.give();
            }
        }
        Step::DropAnswer(oneshot) => drop(env.answers[oneshot].take()),
        Step::DropQuestion(oneshot) => drop(env.questions[oneshot].take()),
        Step::NotifyOne(notify) => env.world.notifies[notify].notify_one(),
        Step::NotifyAll(notify) => env.world.notifies[notify].notify_waiters(),
        Step::Spawn(number) => run.spawn(number, env, None),
        Step::SpawnWith(number, pool) => match holds.take(pool) {
            Some(Guard::Owned(guard)) => run.spawn(number, env, Some((pool, guard))),
            _ => run.spawn(number, env, None),
        },
        Step::Yield => yield_once().await,
        Step::DropKept
        | Step::Wait(_)
        | Step::Select(..)
        | Step::Keep(..)
        | Step::Both(..)
        | Step::Resume => {}
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
