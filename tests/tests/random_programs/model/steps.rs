//! What a poll of a task does.

use super::{Hold, Life, Model, Pace, Phase, SLOTS, Slot, State};
use crate::program::{Step, Wait};

impl Model {
    /// Polls a task.
    pub(crate) fn poll(&self, state: &mut State, task: usize, pace: Pace) {
        state.tasks[task].woken = false;
        let steps = &self.program.tasks[task];
        while let Some(&step) = steps.get(state.tasks[task].at) {
            if !self.step(state, task, step) {
                return;
            }
            state.tasks[task].active = [None; 2];
            state.tasks[task].at += 1;
            if pace == Pace::Step {
                state.wake(task);
                return;
            }
        }
        self.end(state, task);
    }

    /// Goes on with a step. Whether it is done.
    fn step(&self, state: &mut State, task: usize, step: Step) -> bool {
        match step {
            Step::Wait(wait) => {
                state.begin(task, &[wait]);
                self.polled(state, task, 0)
                    .then(|| state.finish(task, 0))
                    .is_some()
            }
            Step::Select(one, two) | Step::Keep(one, two) => {
                state.begin(task, &[one, two]);
                let Some(first) = (0..2).find(|&which| self.polled(state, task, which)) else {
                    return false;
                };
                state.finish(task, first);
                let other = state.tasks[task].active[1 - first];
                if let Step::Keep(..) = step {
                    state.tasks[task].kept = other;
                } else if let Some(other) = other {
                    self.drop_wait(state, task, other);
                }
                true
            }
            Step::Both(one, two) => {
                state.begin(task, &[one, two]);
                let done = [0, 1].map(|which| self.polled(state, task, which));
                if done == [true, true] {
                    state.finish(task, 0);
                    state.finish(task, 1);
                }
                done == [true, true]
            }
            Step::Resume => {
                let Some(kept) = state.tasks[task].kept else {
                    return true;
                };
                state.tasks[task].active = [Some(kept), None];
                let done = self.polled(state, task, 0);
                if done {
                    state.finish(task, 0);
                    state.tasks[task].kept = None;
                }
                done
            }
            Step::Yield => {
                let yielded = std::mem::take(&mut state.tasks[task].yielded);
                if !yielded {
                    state.tasks[task].yielded = true;
                    state.wake(task);
                }
                yielded
            }
            Step::DropKept
            | Step::Release(_)
            | Step::Forget(_)
            | Step::Add(..)
            | Step::DropSender(_)
            | Step::DropReceiver(_)
            | Step::Answer(_)
            | Step::DropAnswer(_)
            | Step::DropQuestion(_)
            | Step::NotifyOne(_)
            | Step::NotifyAll(_)
            | Step::Spawn(_)
            | Step::SpawnWith(..) => {
                self.act(state, task, step);
                true
            }
        }
    }

    /// A step that waits for nothing.
    fn act(&self, state: &mut State, task: usize, step: Step) {
        match step {
            Step::DropKept => {
                if let Some(kept) = state.tasks[task].kept.take() {
                    self.drop_wait(state, task, kept);
                }
            }
            Step::Release(pool) | Step::Forget(pool) => {
                if let Some(hold) = state.tasks[task].taken_last(pool)
                    && let Step::Release(_) = step
                {
                    state.give_back(pool, hold.units);
                }
            }
            Step::Add(pool, units) => state.give_back(pool, units),
            Step::DropSender(channel) => state.drop_sender(task, channel),
            Step::DropReceiver(channel) => self.drop_receiver(state, channel),
            Step::Answer(oneshot) => state.answer(oneshot, true),
            Step::DropAnswer(oneshot) => state.answer(oneshot, false),
            Step::DropQuestion(oneshot) => state.drop_question(oneshot),
            Step::NotifyOne(notify) => {
                state.notifies[notify].was_used = true;
                state.notify_one(notify);
            }
            Step::NotifyAll(notify) => {
                state.notifies[notify].was_used = true;
                state.notify_all(notify);
            }
            Step::Spawn(other) | Step::SpawnWith(other, _) => {
                if let Step::SpawnWith(_, pool) = step {
                    let given = state.tasks[task].taken_last(pool);
                    let given = given.map(|hold| Hold {
                        given: true,
                        ..hold
                    });
                    state.tasks[other].holds.extend(given);
                }
                state.tasks[other].life = Life::Live;
                state.wake(other);
            }
            _ => unreachable!("{step:?} waits"),
        }
    }

    /// Polls a wait of this step. Whether it is done.
    fn polled(&self, state: &mut State, task: usize, which: usize) -> bool {
        let slot = state.tasks[task].active[which].expect("it has begun");
        let Some(Slot { wait, phase }) = state.tasks[task].slots[slot] else {
            return true;
        };
        let done = phase == Phase::Done || self.is_ready(state, wait, phase, (task, slot));
        // A phase that became another one meanwhile did so by this very poll.
        if let Some(slot) = &mut state.tasks[task].slots[slot] {
            if done {
                slot.phase = Phase::Done;
            } else if slot.phase == Phase::Fresh {
                slot.phase = Phase::Queued;
            }
        }
        done
    }

    fn is_ready(&self, state: &mut State, wait: Wait, phase: Phase, op: (usize, usize)) -> bool {
        let task = op.0;
        if let Wait::Send(channel) = wait
            && !state.channels[channel].senders.contains(&task)
        {
            return true;
        }
        if let Some((pool, units)) = wait.takes(&self.program) {
            return state.has_taken(wait, phase, (pool, units), op);
        }
        match wait {
            Wait::Recv(channel) => {
                let receives = &mut state.channels[channel];
                if !receives.has_receiver {
                    return true;
                }
                if receives.messages > 0 {
                    receives.was_received = true;
                    receives.messages -= 1;
                    state.give_back(self.program.pools.len() + channel, 1);
                    return true;
                }
                if receives.senders.is_empty() {
                    return true;
                }
                receives.waker = Some(task);
                false
            }
            Wait::Question(oneshot) => {
                let asks = &mut state.oneshots[oneshot];
                let done = !asks.has_receiver || asks.has_answer || !asks.has_sender;
                if done {
                    // It is gone with its answer.
                    state.drop_question(oneshot);
                } else {
                    asks.waker = Some(task);
                    asks.asked = Some(task);
                }
                done
            }
            Wait::Join(target) => {
                let other = &mut state.tasks[target];
                let done = !other.is_live();
                if !done {
                    other.joiner = Some(task);
                }
                other.asked = Some(task).filter(|_| !done);
                done
            }
            Wait::Notified(notify) => match phase {
                Phase::Fresh if std::mem::take(&mut state.notifies[notify].permit) => true,
                Phase::Fresh => {
                    state.notifies[notify].queue.push_back(op);
                    false
                }
                Phase::Queued => false,
                Phase::Granted | Phase::GrantedToAll | Phase::Done => true,
            },
            Wait::Lock(_) | Wait::Read(_) | Wait::Write(_) | Wait::Acquire(..) | Wait::Send(_) => {
                unreachable!("it takes units")
            }
        }
    }
}

impl State {
    /// Makes the waits of a step, unless they are there.
    fn begin(&mut self, task: usize, waits: &[Wait]) {
        let task = &mut self.tasks[task];
        if task.active[0].is_some() {
            return;
        }
        for (which, &wait) in waits.iter().enumerate() {
            let free = (0..SLOTS).find(|&slot| task.slots[slot].is_none());
            let free = free.expect("there are slots for a pair and what is kept");
            task.active[which] = Some(free);
            task.slots[free] = Some(Slot {
                wait,
                phase: Phase::Fresh,
            });
        }
    }

    fn finish(&mut self, task: usize, which: usize) {
        if let Some(slot) = self.tasks[task].active[which] {
            self.tasks[task].slots[slot] = None;
        }
    }

    /// A wait for units of a pool is polled.
    fn has_taken(
        &mut self,
        wait: Wait,
        phase: Phase,
        (pool, units): (usize, u32),
        op: (usize, usize),
    ) -> bool {
        if self.pools[pool].closed {
            if phase == Phase::Granted {
                self.give_back(pool, units);
            }
            return true;
        }
        let has = match phase {
            Phase::Fresh => self.take(pool, units, op),
            Phase::Queued => false,
            Phase::Granted | Phase::GrantedToAll | Phase::Done => true,
        };
        if has {
            match wait {
                Wait::Send(channel) => self.message(channel),
                _ => self.tasks[op.0].holds.push(Hold {
                    pool,
                    units,
                    given: false,
                }),
            }
        }
        has
    }
}
