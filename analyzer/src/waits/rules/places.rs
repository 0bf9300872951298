//! Where guards, permits and ends of channels can be, by what was seen of them.
//!
//! What borrows from a lock inside a task's own future is there. All else can be moved: the task that used it last is the one that a
//! finding names, and whoever it may have handed it to since counts as well (tasks that it spawned, those that got its messages). That
//! leaves what nobody sees: a thread, a collection, a static.

use std::collections::{BTreeSet, HashSet};

use super::super::moment::Moment;
use super::super::needs::{Elsewhere, Link, Place};
use crate::history::{Handle, HandleSide, Hold, Resource, ResourceState, TaskId};
use crate::time::Nanos;

impl Moment<'_, '_> {
    /// Where the guard or the permits of a hold can be; none where that is outside of recorded tasks.
    pub(super) fn place_of_hold(&self, hold: &Hold) -> Option<Place> {
        let task = hold.task?;
        let is_live = self.is_live(task);
        let is_exact = hold.exact && is_live;
        let handed = if hold.exact {
            // It borrows: no message can carry it.
            self.spawned_since(task, hold.since)
        } else {
            self.handed_since([task], hold.since)
        };
        Some(Place {
            // A guard that outlived its task is somewhere else.
            named: is_live.then_some((task, Link::Holds)).into_iter().collect(),
            handed,
            elsewhere: match (is_exact, is_live || (hold.exact && !self.can_return(task))) {
                (true, _) => Elsewhere::No,
                (false, true) => Elsewhere::Rarely,
                // It outlived the task, and can be anywhere.
                (false, false) => Elsewhere::Often,
            },
        })
    }

    /// Whether what a task returns can hold a guard, or an end of a channel.
    fn can_return(&self, task: TaskId) -> bool {
        self.task(task).is_none_or(|task| task.flags.can_return())
    }

    /// The live tasks that `task` has spawned since, and those that these have spawned: a guard that it held may have gone with them.
    pub(super) fn spawned_since(&self, task: TaskId, since: Nanos) -> Vec<TaskId> {
        self.reached([task], since, false)
    }

    /// The live tasks that may have got something that `tasks` had at `since`: those that these have spawned since, those that got their
    /// messages, and so on.
    pub(super) fn handed_since(
        &self,
        tasks: impl IntoIterator<Item = TaskId>,
        since: Nanos,
    ) -> Vec<TaskId> {
        self.reached(tasks, since, true)
    }

    fn reached(
        &self,
        tasks: impl IntoIterator<Item = TaskId>,
        since: Nanos,
        by_messages: bool,
    ) -> Vec<TaskId> {
        /// There is no point in going further: somebody of so many can go on, or all are stuck anyway.
        const MOST: usize = 10_000;
        let mut open: Vec<TaskId> = tasks.into_iter().collect();
        let mut seen: HashSet<TaskId> = open.iter().copied().collect();
        let mut channels = HashSet::new();
        let mut reached = Vec::new();
        while let Some(task) = open.pop() {
            let children = self.index.children.get(&task).into_iter().flatten();
            let children = children
                .filter(|child| child.spawned >= since && child.spawned < self.at)
                .map(|child| child.id);
            let mut next: Vec<TaskId> = children.collect();
            if by_messages && self.can_return(task) && !self.is_live(task) {
                // To whoever awaited its end: mostly the task that spawned it.
                next.extend(self.task(task).and_then(|task| task.spawned_by));
                next.extend(self.index.joined_by.get(&task).into_iter().flatten());
            }
            if by_messages {
                let gifts = self.index.gifts.get(&task).map_or(&[][..], Vec::as_slice);
                let from = gifts.partition_point(|&(at, _)| at < since);
                let sent = gifts[from..].iter().take_while(|&&(at, _)| at < self.at);
                for &(_, channel) in sent {
                    if channels.insert(channel) {
                        next.extend(self.receivers(channel).into_iter().flatten());
                    }
                }
            }
            for task in next {
                if seen.len() < MOST && seen.insert(task) {
                    open.push(task);
                    reached.extend(Some(task).filter(|&task| self.is_live(task)));
                }
            }
        }
        reached
    }

    /// The tasks that receive from a channel; none stands for code outside of recorded tasks.
    pub(super) fn receivers(&self, channel: crate::history::ResourceId) -> Vec<Option<TaskId>> {
        let Some(state) = self.state(channel) else {
            return vec![None];
        };
        let receivers = state
            .handles
            .iter()
            .filter(|end| end.side == HandleSide::Receiver);
        let tasks = receivers.flat_map(|end| {
            let waiting = self.waiting_at_end((channel, end.number));
            waiting.into_iter().chain(end.users.iter().copied())
        });
        tasks.collect()
    }

    /// Where an end of a channel can be, for a task that waits for whoever has it; none where nothing tells.
    ///
    /// An end that no recorded task has used may have gone to a thread at once. Only where something shows that recorded tasks work with
    /// it, this is taken to be one of theirs: it was handed to tasks after it was made, or it is the one that others were cloned from.
    pub(super) fn place_of_end(
        &self,
        channel: &Resource,
        state: &ResourceState,
        end: &Handle,
        waiter: TaskId,
    ) -> Option<Place> {
        let link = match end.side {
            HandleSide::Receiver => Link::Receives,
            HandleSide::Sender => Link::Sends(end.number),
        };
        let waiting = self.waiting_at_end((channel.id, end.number));
        let users: Option<BTreeSet<TaskId>> = end.users.iter().copied().chain(waiting).collect();
        let users = users?;
        let live: Vec<TaskId> = users
            .iter()
            .copied()
            .filter(|&task| self.is_live(task))
            .collect();
        let elsewhere = match end.side {
            HandleSide::Receiver => Elsewhere::Rarely,
            HandleSide::Sender => Elsewhere::Often,
        };
        if !users.is_empty() {
            let handed = self.handed_since(users.iter().copied(), end.made);
            // It outlived all that used it: where it went from there is not known.
            let (named, elsewhere) = if live.is_empty() {
                (handed.clone(), Elsewhere::Often)
            } else {
                (live, elsewhere)
            };
            return Some(Place {
                named: named.into_iter().map(|task| (task, link)).collect(),
                handed,
                elsewhere,
            });
        }
        let maker = end.made_by?;
        let handed = self.handed_since([maker], end.made);
        let has_cloned = state.handles.iter().any(|other| {
            other.side == end.side && other.number > end.number && other.made_by == Some(maker)
        }) || self.has_cloned(channel, end);
        let named = if has_cloned && self.is_live(maker) {
            vec![maker]
        } else if handed.is_empty() {
            return None;
        } else {
            let others = handed.iter().copied().filter(|&task| task != waiter);
            let others: Vec<TaskId> = others.collect();
            if others.is_empty() {
                handed.clone()
            } else {
                others
            }
        };
        Some(Place {
            named: named.into_iter().map(|task| (task, link)).collect(),
            handed: handed
                .into_iter()
                .chain([maker])
                .filter(|&task| self.is_live(task))
                .collect(),
            elsewhere: Elsewhere::Often,
        })
    }

    /// Whether the task that made an end made further ones of that side, which recorded tasks used.
    fn has_cloned(&self, channel: &Resource, end: &Handle) -> bool {
        use crate::history::ChangeKind;
        let changes = channel
            .changes
            .iter()
            .take_while(|change| change.at < self.at);
        let mut is_cloned = false;
        let mut is_used = false;
        for change in changes {
            match change.kind {
                ChangeKind::HandleNew(number, side) => {
                    is_cloned |=
                        side == end.side && number > end.number && change.by == end.made_by;
                }
                ChangeKind::Sent { .. } if end.side == HandleSide::Sender => {
                    is_used |= change.by.is_some();
                }
                _ => {}
            }
            if is_cloned && is_used {
                return true;
            }
        }
        false
    }
}
