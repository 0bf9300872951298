//! What a hang is made of, and which of that the analysis judges.

use std::collections::BTreeSet;

use crate::model::{Model, Phase, State};
use crate::program::{Oneshot, Wait};

/// Something without which a hang would be another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Feature {
    Lock,
    ReadWrite,
    Permits,
    /// Room in a channel, whose receiver has been used.
    Room,
    /// The same, but the receiver has not been used yet.
    UnusedReceiver,
    Join,
    /// A message of a channel into which one was sent before.
    Receive,
    /// The same, but none was.
    UnusedSender,
    Question,
    /// Something of which nothing is in the trace: it can never be judged.
    Hidden,
    /// A notification by what was notified before.
    Notified,
    /// The same, but it was not.
    UnusedNotify,
    /// A wait is kept and not polled.
    Kept,
    /// A task is neither in a circle nor behind one.
    Leaked,
    /// A task has what another one took.
    Given,
    /// A wait was left for another one, and its waker is still in the resource, or nobody sees that it was left.
    Left,
}

/// The one place that says which hangs must be found: those that are made of nothing but what is judged.
pub(crate) const JUDGED: [(Feature, bool); 16] = [
    (Feature::Lock, true),
    (Feature::ReadWrite, true),
    (Feature::Permits, true),
    (Feature::Room, true),
    (Feature::UnusedReceiver, true),
    (Feature::Join, true),
    (Feature::Receive, true),
    (Feature::UnusedSender, true),
    (Feature::Question, true),
    (Feature::Hidden, false),
    (Feature::Notified, true),
    (Feature::UnusedNotify, true),
    (Feature::Kept, true),
    (Feature::Leaked, true),
    (Feature::Given, true),
    (Feature::Left, true),
];

/// Where this is `all`, all hangs must be found but those with something that is hidden: to see what is missing.
const JUDGE: &str = "AIS_TEST_JUDGE";

impl Feature {
    pub(crate) fn is_judged(self) -> bool {
        let all = std::env::var(JUDGE).is_ok_and(|what| what == "all");
        JUDGED.contains(&(self, true)) || (all && self != Feature::Hidden)
    }
}

/// What a hang is made of: a state in which nobody can be polled.
pub(crate) fn features(model: &Model, state: &State) -> BTreeSet<Feature> {
    let mut features = BTreeSet::new();
    for &task in &state.live() {
        let stuck = &state.tasks[task];
        for (slot, pending) in stuck.pending() {
            if stuck.kept == Some(slot) && !stuck.active.contains(&Some(slot)) {
                features.insert(Feature::Kept);
            }
            // What was never polled is not there.
            if pending.phase != Phase::Fresh {
                features.insert(feature_of(model, state, pending.wait));
            }
        }
        if stuck.holds.iter().any(|hold| hold.given) {
            features.insert(Feature::Given);
        }
        if !leads_into_a_circle(model, state, task) {
            features.insert(Feature::Leaked);
        }
    }
    if has_left(state) {
        features.insert(Feature::Left);
        // What is hidden keeps the waker of whoever has left it, and nobody knows.
        let mut oneshots = model.program.oneshots.iter();
        if oneshots.any(|oneshot| *oneshot == Oneshot::Hidden) {
            features.insert(Feature::Hidden);
        }
    }
    features
}

fn feature_of(model: &Model, state: &State, wait: Wait) -> Feature {
    match wait {
        Wait::Lock(_) => Feature::Lock,
        Wait::Read(_) | Wait::Write(_) => Feature::ReadWrite,
        Wait::Acquire(..) => Feature::Permits,
        Wait::Send(channel) if state.channels[channel].was_received => Feature::Room,
        Wait::Send(_) => Feature::UnusedReceiver,
        Wait::Join(_) => Feature::Join,
        Wait::Recv(channel) if state.channels[channel].was_sent => Feature::Receive,
        Wait::Recv(_) => Feature::UnusedSender,
        Wait::Question(oneshot) => match model.program.oneshots[oneshot] {
            Oneshot::Recorded => Feature::Question,
            Oneshot::Hidden => Feature::Hidden,
        },
        Wait::Notified(notify) if state.notifies[notify].was_used => Feature::Notified,
        Wait::Notified(_) => Feature::UnusedNotify,
    }
}

/// Whether a task was, and is not any more, waiting for something that still knows of it.
fn has_left(state: &State) -> bool {
    let waits = |task: usize, wanted: Wait| {
        state.tasks[task]
            .pending()
            .any(|(_, slot)| slot.wait == wanted)
    };
    let channels = state.channels.iter().enumerate();
    let mut receives = channels.map(|(i, channel)| (channel.waker, Wait::Recv(i)));
    let oneshots = state.oneshots.iter().enumerate();
    let mut asks = oneshots.map(|(i, oneshot)| (oneshot.asked, Wait::Question(i)));
    let tasks = state.tasks.iter().enumerate();
    let mut joins = tasks.map(|(i, task)| (task.asked, Wait::Join(i)));
    let is_left = |(waker, wait): (Option<usize>, Wait)| {
        waker.is_some_and(|task| state.tasks[task].is_live() && !waits(task, wait))
    };
    receives.any(is_left) || asks.any(is_left) || joins.any(is_left)
}

/// Whether a task waits, directly or through others, for one that waits for itself in this way.
fn leads_into_a_circle(model: &Model, state: &State, task: usize) -> bool {
    let behind = reached(model, state, task);
    behind
        .iter()
        .any(|&other| reached(model, state, other).contains(&other))
}

/// The live tasks that a task waits for, directly or through others.
fn reached(model: &Model, state: &State, task: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![task];
    while let Some(waiter) = open.pop() {
        for other in waits_for(model, state, waiter) {
            if state.tasks[other].is_live() && reached.insert(other) {
                open.push(other);
            }
        }
    }
    reached
}

/// Who has what a task waits for.
fn waits_for(model: &Model, state: &State, task: usize) -> Vec<usize> {
    let mut others = Vec::new();
    for slot in state.tasks[task].active.into_iter().flatten() {
        let pending = state.tasks[task].slots[slot];
        let Some(pending) = pending.filter(|pending| pending.phase != Phase::Done) else {
            continue;
        };
        if let Some((pool, _)) = pending.wait.takes(&model.program) {
            others.extend(keepers(model, state, pool));
            let queue = state.pools[pool].queue.iter().map(|(op, _)| *op);
            let ahead = queue.take_while(|&op| op != (task, slot));
            others.extend(ahead.map(|(other, _)| other));
        }
        match pending.wait {
            Wait::Send(channel) if state.channels[channel].has_receiver => {
                others.push(model.owners.receivers[channel]);
            }
            Wait::Recv(channel) => others.extend(&state.channels[channel].senders),
            Wait::Question(oneshot) if state.oneshots[oneshot].has_sender => {
                others.push(model.owners.answers[oneshot]);
            }
            Wait::Join(target) => others.push(target),
            _ => {}
        }
    }
    others
}

/// The tasks that hold units of a pool, or have got them without knowing it.
fn keepers(model: &Model, state: &State, pool: usize) -> Vec<usize> {
    let keeps = |task: &usize| {
        let task = &state.tasks[*task];
        let granted = |slot: &crate::model::Slot| {
            slot.phase == Phase::Granted
                && slot
                    .wait
                    .takes(&model.program)
                    .is_some_and(|takes| takes.0 == pool)
        };
        task.holds.iter().any(|held| held.pool == pool) || task.slots.iter().flatten().any(granted)
    };
    (0..state.tasks.len()).filter(keeps).collect()
}
