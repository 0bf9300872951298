//! The resources, and what using them does: their queues, what is handed over to whom, and who is woken.

use std::collections::VecDeque;

use super::{Op, Phase, State};

/// A semaphore as tokio has it below its locks and channels: who comes first is served first, and what comes back goes to the head of
/// the queue, bit by bit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Pool {
    pub(crate) free: u32,
    /// Who waits, and how much is still missing.
    pub(crate) queue: VecDeque<(Op, u32)>,
    pub(crate) closed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Channel {
    pub(crate) messages: usize,
    /// The tasks that have a sender.
    pub(crate) senders: Vec<usize>,
    pub(crate) has_receiver: bool,
    /// A message has been sent.
    pub(crate) was_sent: bool,
    /// A message has been received.
    pub(crate) was_received: bool,
    /// Who is woken by the next message. Nobody takes it back when a `recv()` is dropped.
    pub(crate) waker: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Oneshot {
    pub(crate) has_answer: bool,
    pub(crate) has_sender: bool,
    pub(crate) has_receiver: bool,
    pub(crate) waker: Option<usize>,
    /// Who has polled the receiver, which is not done.
    pub(crate) asked: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Notify {
    pub(crate) permit: bool,
    /// It has been notified.
    pub(crate) was_used: bool,
    pub(crate) queue: VecDeque<Op>,
}

impl Pool {
    pub(super) fn of(units: u32) -> Pool {
        Pool {
            free: units,
            queue: VecDeque::new(),
            closed: false,
        }
    }
}

impl Channel {
    pub(super) fn of(senders: &[usize]) -> Channel {
        Channel {
            messages: 0,
            senders: senders.to_vec(),
            has_receiver: true,
            was_sent: false,
            was_received: false,
            waker: None,
        }
    }
}

impl Default for Oneshot {
    fn default() -> Oneshot {
        Oneshot {
            has_answer: false,
            has_sender: true,
            has_receiver: true,
            waker: None,
            asked: None,
        }
    }
}

impl State {
    fn set(&mut self, (task, slot): Op, phase: Phase) {
        if let Some(slot) = &mut self.tasks[task].slots[slot] {
            slot.phase = phase;
        }
    }

    /// Takes units at once, or comes into the queue with those that there are. True where it has them all.
    pub(super) fn take(&mut self, pool: usize, units: u32, op: Op) -> bool {
        let pool = &mut self.pools[pool];
        if pool.free >= units {
            pool.free -= units;
            return true;
        }
        let missing = units - pool.free;
        pool.free = 0;
        pool.queue.push_back((op, missing));
        false
    }

    pub(super) fn give_back(&mut self, pool: usize, mut units: u32) {
        while units > 0 {
            let Some((op, missing)) = self.pools[pool].queue.front_mut() else {
                self.pools[pool].free += units;
                return;
            };
            let given = units.min(*missing);
            units -= given;
            *missing -= given;
            if *missing == 0 {
                let op = *op;
                self.pools[pool].queue.pop_front();
                self.set(op, Phase::Granted);
                self.wake(op.0);
            }
        }
    }

    /// Takes a wait for units out of the queue; what it had got already is given to others.
    pub(super) fn leave_queue(&mut self, pool: usize, units: u32, op: Op) {
        let queue = &mut self.pools[pool].queue;
        // Where it is not there any more, the pool was closed.
        if let Some(at) = queue.iter().position(|(other, _)| *other == op) {
            let missing = queue.remove(at).map_or(0, |(_, missing)| missing);
            self.give_back(pool, units - missing);
        }
    }

    pub(super) fn close(&mut self, pool: usize) {
        self.pools[pool].closed = true;
        while let Some((op, _)) = self.pools[pool].queue.pop_front() {
            self.wake(op.0);
        }
    }

    /// Somebody has a slot, and puts a message in.
    pub(super) fn message(&mut self, channel: usize) {
        self.channels[channel].messages += 1;
        self.channels[channel].was_sent = true;
        self.wake_receiver(channel);
    }

    pub(super) fn wake_receiver(&mut self, channel: usize) {
        if let Some(task) = self.channels[channel].waker.take() {
            self.wake(task);
        }
    }

    pub(super) fn notify_one(&mut self, notify: usize) {
        match self.notifies[notify].queue.pop_front() {
            Some(op) => {
                self.set(op, Phase::Granted);
                self.wake(op.0);
            }
            None => self.notifies[notify].permit = true,
        }
    }

    pub(super) fn notify_all(&mut self, notify: usize) {
        while let Some(op) = self.notifies[notify].queue.pop_front() {
            self.set(op, Phase::GrantedToAll);
            self.wake(op.0);
        }
    }
}
