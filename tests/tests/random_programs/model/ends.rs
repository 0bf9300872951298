//! What becomes of ends of channels, and of all that a task has when it ends.

use super::{Life, Model, Phase, State};
use crate::program::Wait;

impl State {
    pub(super) fn drop_sender(&mut self, task: usize, channel: usize) {
        let senders = &mut self.channels[channel].senders;
        let before = senders.len();
        senders.retain(|&other| other != task);
        if senders.is_empty() && before > 0 {
            self.wake_receiver(channel);
        }
    }

    /// The answer is given, or never will be.
    pub(super) fn answer(&mut self, oneshot: usize, has_answer: bool) {
        let oneshot = &mut self.oneshots[oneshot];
        if std::mem::take(&mut oneshot.has_sender) && oneshot.has_receiver {
            oneshot.has_answer = has_answer;
            if let Some(task) = oneshot.waker.take() {
                self.wake(task);
            }
        }
    }

    pub(super) fn drop_question(&mut self, oneshot: usize) {
        let oneshot = &mut self.oneshots[oneshot];
        oneshot.has_receiver = false;
        oneshot.has_answer = false;
        oneshot.waker = None;
        oneshot.asked = None;
    }
}

impl Model {
    pub(super) fn drop_receiver(&self, state: &mut State, channel: usize) {
        if std::mem::take(&mut state.channels[channel].has_receiver) {
            state.close(self.program.pools.len() + channel);
            state.channels[channel].messages = 0;
            state.channels[channel].waker = None;
        }
    }

    /// Drops the wait in a slot.
    pub(super) fn drop_wait(&self, state: &mut State, task: usize, slot: usize) {
        let Some(dropped) = state.tasks[task].slots[slot].take() else {
            return;
        };
        let op = (task, slot);
        if let Some((pool, units)) = dropped.wait.takes(&self.program) {
            match dropped.phase {
                Phase::Queued => state.leave_queue(pool, units, op),
                Phase::Granted => state.give_back(pool, units),
                Phase::Fresh | Phase::GrantedToAll | Phase::Done => {}
            }
        } else if let Wait::Notified(notify) = dropped.wait {
            state.notifies[notify].queue.retain(|other| *other != op);
            if dropped.phase == Phase::Granted {
                state.notify_one(notify);
            }
        }
    }

    /// A task is done: all that it has is dropped, and who waits for its end is woken.
    pub(super) fn end(&self, state: &mut State, task: usize) {
        for slot in 0..super::SLOTS {
            self.drop_wait(state, task, slot);
        }
        state.tasks[task].kept = None;
        for hold in std::mem::take(&mut state.tasks[task].holds) {
            state.give_back(hold.pool, hold.units);
        }
        for channel in 0..state.channels.len() {
            state.drop_sender(task, channel);
            if self.owners.receivers[channel] == task {
                self.drop_receiver(state, channel);
            }
        }
        for oneshot in 0..state.oneshots.len() {
            if self.owners.answers[oneshot] == task {
                state.answer(oneshot, false);
            }
            if self.owners.questions[oneshot] == task {
                state.drop_question(oneshot);
            }
        }
        state.tasks[task].life = Life::Ended;
        state.tasks[task].woken = false;
        if let Some(joiner) = state.tasks[task].joiner.take() {
            state.wake(joiner);
        }
        // It is never polled again, so whatever it would have been woken by is forgotten.
        let forget = |waker: &mut Option<usize>| *waker = waker.filter(|&other| other != task);
        state
            .channels
            .iter_mut()
            .for_each(|channel| forget(&mut channel.waker));
        state
            .oneshots
            .iter_mut()
            .for_each(|oneshot| forget(&mut oneshot.waker));
        state
            .tasks
            .iter_mut()
            .for_each(|other| forget(&mut other.asked));
        state
            .tasks
            .iter_mut()
            .for_each(|other| forget(&mut other.joiner));
    }
}
