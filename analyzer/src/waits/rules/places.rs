//! Where guards, permits and ends of channels can be, by what was seen of them.
//!
//! What borrows from a lock inside a task's own future is there. All else can be moved: the task that used it last is the one that a
//! finding names, and whoever it may have handed it to since counts as well (tasks that it spawned, those that got its messages). That
//! leaves what nobody sees: a thread, a collection, a static.

use std::collections::{BTreeSet, HashSet};

use super::super::moment::Moment;
use super::super::needs::{Elsewhere, Link, Place};
use crate::history::{ChangeKind, Handle, HandleSide, Hold, Resource, ResourceId, Task, TaskId};
use crate::time::Nanos;

/// Tasks to which something may have been handed.
struct Handed {
    tasks: Vec<TaskId>,
    by_message: bool,
}

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

    /// The tasks that may receive from a channel; none where code outside of recorded tasks does.
    fn receivers(&self, channel: ResourceId) -> Option<Vec<TaskId>> {
        let state = self.state(channel)?;
        let receivers = state
            .handles
            .iter()
            .filter(|end| end.side == HandleSide::Receiver);
        let mut tasks = Vec::new();
        for end in receivers {
            let users = self.users_of_end(channel, end)?;
            if users.is_empty() {
                // It is with the task that made it, or went with one that this has spawned since.
                tasks.extend(end.made_by);
                tasks.extend(self.spawned_since(end.made_by?, end.made));
            }
            tasks.extend(users);
        }
        Some(tasks)
    }

    /// The tasks that have used an end, or wait with it; none where code outside of recorded tasks did.
    fn users_of_end(&self, channel: ResourceId, end: &Handle) -> Option<BTreeSet<TaskId>> {
        let waiting = self.waiting_at_end((channel, end.number));
        end.users.iter().copied().chain(waiting).collect()
    }

    /// Where an end of a channel can be, for a task that waits for whoever has it; none where nothing tells.
    pub(super) fn place_of_end(
        &self,
        channel: &Resource,
        end: &Handle,
        waiter: TaskId,
    ) -> Option<Place> {
        let link = match end.side {
            HandleSide::Receiver => Link::Receives,
            HandleSide::Sender => Link::Sends(end.number),
        };
        let users = self.users_of_end(channel.id, end)?;
        if users.is_empty() {
            return self.place_of_unused(channel, end, waiter, link);
        }
        let is_live = |task: &TaskId| self.is_live(*task);
        let live: Vec<TaskId> = users.iter().copied().filter(is_live).collect();
        let handed = self.handed_since(users.iter().copied(), end.made);
        let (named, elsewhere) = if live.is_empty() {
            // It outlived all that used it: where it went from there is not known.
            (Vec::new(), Elsewhere::Often)
        } else if end.side == HandleSide::Receiver {
            (live, Elsewhere::Rarely)
        } else {
            (live, Elsewhere::Often)
        };
        Some(Place {
            named: named.into_iter().map(|task| (task, link)).collect(),
            handed,
            elsewhere,
        })
    }

    /// The same for an end that nobody has used yet. It is where it was handed to, as far as that can be told, or with the task that made
    /// it. That it is with the very task that waits for it is said only where something shows it: it sent it to itself, or cloned others
    /// from it. Nothing is said where it may just have gone to a thread.
    fn place_of_unused(
        &self,
        channel: &Resource,
        end: &Handle,
        waiter: TaskId,
        link: Link,
    ) -> Option<Place> {
        let maker = end.made_by?;
        let handed = self.handed_since([maker], end.made);
        let first = self.first_handed(maker, end.made);
        let unknown = Place {
            named: Vec::new(),
            handed: handed.clone(),
            elsewhere: Elsewhere::Unknown,
        };
        let named = if self.has_cloned(channel, end) && self.is_live(maker) {
            vec![maker]
        } else if let Some(to) = first {
            // Who works with the other side got that, and not this one.
            let works_on = self.users_of_side(channel, end.side.other());
            let others = to.tasks.iter().copied();
            let others: Vec<TaskId> = others
                .filter(|task| *task != waiter && !works_on.contains(task))
                .collect();
            if !others.is_empty() {
                others
            } else if to.by_message {
                to.tasks
            } else if maker != waiter {
                vec![maker]
            } else {
                return Some(unknown);
            }
        } else if maker != waiter {
            vec![maker]
        } else {
            return Some(unknown);
        };
        let live = |task: &TaskId| self.is_live(*task);
        let mut named: Vec<TaskId> = named.into_iter().filter(live).collect();
        if named.is_empty() {
            // Those have ended, and may have handed it on.
            let others = handed.iter().copied();
            named = others.filter(|&task| task != waiter).collect();
        }
        Some(Place {
            named: named.into_iter().map(|task| (task, link)).collect(),
            handed: handed.into_iter().chain([maker]).filter(live).collect(),
            elsewhere: Elsewhere::Often,
        })
    }

    /// The tasks that have used a side of a channel, or wait there.
    fn users_of_side(&self, channel: &Resource, side: HandleSide) -> BTreeSet<TaskId> {
        let Some(state) = self.state(channel.id) else {
            return BTreeSet::new();
        };
        let ends = state.handles.iter().filter(|end| end.side == side);
        let users = ends.filter_map(|end| self.users_of_end(channel.id, end));
        let now = users.flatten();
        let before = channel
            .changes
            .iter()
            .take_while(|change| change.at < self.at);
        let before = before.filter(|change| match change.kind {
            ChangeKind::Sent { .. } => side == HandleSide::Sender,
            ChangeKind::Received { .. } => side == HandleSide::Receiver,
            _ => false,
        });
        now.chain(before.filter_map(|change| change.by)).collect()
    }

    /// To whom a task handed something first that it had at `since`: by a message, or with tasks that it spawned.
    fn first_handed(&self, task: TaskId, since: Nanos) -> Option<Handed> {
        let gifts = self.index.gifts.get(&task).map_or(&[][..], Vec::as_slice);
        let gift = gifts[gifts.partition_point(|&(at, _)| at < since)..]
            .first()
            .filter(|&&(at, _)| at < self.at);
        let children = self.index.children.get(&task).into_iter().flatten();
        let children: Vec<&Task> = children
            .filter(|child| child.spawned >= since && child.spawned < self.at)
            .copied()
            .collect();
        match (gift, children.first()) {
            (Some(&(at, channel)), child) if child.is_none_or(|child| at < child.spawned) => {
                let tasks = self.receivers(channel)?;
                Some(Handed {
                    tasks,
                    by_message: true,
                })
            }
            (_, Some(_)) => Some(Handed {
                tasks: children.iter().map(|child| child.id).collect(),
                by_message: false,
            }),
            _ => None,
        }
    }

    /// Whether the task that made an end made further ones of that side, and recorded tasks used such.
    fn has_cloned(&self, channel: &Resource, end: &Handle) -> bool {
        let changes = channel.changes.iter();
        let (mut is_cloned, mut is_used) = (false, false);
        for change in changes.take_while(|change| change.at < self.at) {
            match change.kind {
                ChangeKind::HandleNew(number, side) => {
                    let is_like = side == end.side && number > end.number;
                    is_cloned |= is_like && change.by == end.made_by;
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
