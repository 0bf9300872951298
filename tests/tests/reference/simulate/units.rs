//! What happens to resources that have units: they are taken, given back, divided, added. And how resources come and go.

use ais_format::event::{
    Acquire, Add, Arrive, Escape, Forget, HoldMerge, HoldSplit, MemberGone, MemberNew, Notify,
    Release, ResourceDrop, ResourceNew, handle_end, notify_mode, resource_flag, resource_kind,
};

use super::world::{Resource, World};

const KINDS: [u64; 16] = [
    resource_kind::MUTEX,
    resource_kind::MUTEX,
    resource_kind::MUTEX,
    resource_kind::RWLOCK,
    resource_kind::SEMAPHORE,
    resource_kind::SEMAPHORE,
    resource_kind::SEMAPHORE,
    resource_kind::CHANNEL,
    resource_kind::CHANNEL,
    resource_kind::UNBOUNDED_CHANNEL,
    resource_kind::BROADCAST,
    resource_kind::WATCH,
    resource_kind::NOTIFY,
    resource_kind::BARRIER,
    resource_kind::TASK_SET,
    resource_kind::SET_ONCE,
];

pub(super) fn has_ends(kind: u64) -> bool {
    matches!(
        kind,
        resource_kind::CHANNEL
            | resource_kind::UNBOUNDED_CHANNEL
            | resource_kind::BROADCAST
            | resource_kind::WATCH
    )
}

impl World {
    pub(super) fn make_resource(&mut self, thread: usize) {
        let kind = *self.rng.of(&KINDS);
        let capacity = match kind {
            resource_kind::MUTEX => 1,
            resource_kind::UNBOUNDED_CHANNEL => 0,
            _ => 2 + self.rng.below(6) as u64,
        };
        let is_late = self.rng.percent(5);
        let id = World::number(self.resources.len());
        self.happens(
            thread,
            ResourceNew {
                resource: id,
                kind,
                capacity,
                flags: if is_late { resource_flag::LATE } else { 0 },
                ..ResourceNew::default()
            },
        );
        self.resources.push(Resource {
            id,
            kind,
            changes: if is_late { 41 } else { 0 },
            units: capacity,
            holds: Vec::new(),
            messages: 0,
            handles: Vec::new(),
            last_handle: 0,
            members: Vec::new(),
            is_gone: false,
        });
        if has_ends(kind) {
            let resource = self.resources.len() - 1;
            self.make_handle(thread, resource, handle_end::SENDER);
            self.make_handle(thread, resource, handle_end::RECEIVER);
        }
    }

    pub(super) fn act_on_units(&mut self, thread: usize) {
        let fit = |resource: &Resource| !resource.is_gone && !has_ends(resource.kind);
        let Some(index) = World::one_of(&mut self.rng, &self.resources, fit) else {
            return;
        };
        let resource = self.resources[index].id;
        match self.resources[index].kind {
            resource_kind::MUTEX | resource_kind::RWLOCK | resource_kind::SEMAPHORE => {
                self.act_on_holds(thread, index);
            }
            resource_kind::NOTIFY | resource_kind::SET_ONCE => {
                let modes = [
                    notify_mode::ONE,
                    notify_mode::LAST,
                    notify_mode::WAITERS,
                    notify_mode::SET,
                ];
                let mode = *self.rng.of(&modes);
                let sequence = self.change(index);
                let location = 0;
                self.happens(
                    thread,
                    Notify {
                        resource,
                        sequence,
                        mode,
                        location,
                    },
                );
            }
            resource_kind::BARRIER => {
                let (sequence, location) = (self.change(index), 0);
                self.happens(
                    thread,
                    Arrive {
                        resource,
                        sequence,
                        location,
                    },
                );
            }
            _ => self.act_on_members(thread, index),
        }
        self.drop_or_escape(thread, index);
    }

    fn act_on_members(&mut self, thread: usize, index: usize) {
        let resource = self.resources[index].id;
        let members = self.resources[index].members.clone();
        let joined = World::one_of(&mut self.rng, &self.tasks, |task| {
            !members.contains(&task.id)
        });
        match (joined, members.is_empty()) {
            (Some(task), is_empty) if is_empty || self.rng.percent(50) => {
                let (task, sequence) = (self.tasks[task].id, self.change(index));
                self.resources[index].members.push(task);
                self.happens(
                    thread,
                    MemberNew {
                        resource,
                        sequence,
                        task,
                    },
                );
            }
            (_, false) => {
                let (task, sequence) = if self.rng.percent(10) {
                    self.resources[index].members.clear();
                    (0, self.change(index))
                } else {
                    let gone = self.rng.below(members.len());
                    (
                        self.resources[index].members.remove(gone),
                        self.change(index),
                    )
                };
                self.happens(
                    thread,
                    MemberGone {
                        resource,
                        sequence,
                        task,
                    },
                );
            }
            _ => {}
        }
    }

    /// Rarely a resource goes, or is unwrapped.
    fn drop_or_escape(&mut self, thread: usize, index: usize) {
        let resource = self.resources[index].id;
        let waits = self
            .operations
            .iter()
            .any(|operation| operation.resource == Some(index) && !operation.is_over);
        match self.rng.below(60) {
            0 if self.resources[index].holds.is_empty() && !waits => {
                self.resources[index].is_gone = true;
                self.happens(thread, ResourceDrop { resource });
            }
            1 => {
                let sequence = self.change(index);
                self.happens(thread, Escape { resource, sequence });
            }
            _ => {}
        }
    }

    /// Takes units for an operation (zero: none had to wait), where there are as many.
    pub(super) fn take(&mut self, thread: usize, index: usize, units: u64, operation: u64) {
        let resource = &self.resources[index];
        let units = match resource.kind {
            resource_kind::RWLOCK if units > 3 => resource.units,
            resource_kind::MUTEX | resource_kind::RWLOCK => 1,
            resource_kind::SEMAPHORE => units,
            _ => return,
        };
        if units > resource.free() {
            return;
        }
        let sequence = self.change(index);
        self.resources[index].holds.push((sequence, units));
        let acquire = Acquire {
            resource: self.resources[index].id,
            sequence,
            location: 0,
            future: self.inside(thread),
            operation,
            flags: self.flags(),
            units,
        };
        self.happens(thread, acquire);
    }

    fn act_on_holds(&mut self, thread: usize, index: usize) {
        let choice = self.rng.below(100);
        let holds = self.resources[index].holds.len();
        if choice < 40 || holds == 0 {
            let units = 1 + self.rng.below(4) as u64;
            self.take(thread, index, units, 0);
            return;
        }
        let of = self.rng.below(holds);
        let (hold, all) = self.resources[index].holds[of];
        let resource = self.resources[index].id;
        let kind = self.resources[index].kind;
        if choice < 70 || kind != resource_kind::SEMAPHORE {
            let units = match kind {
                resource_kind::RWLOCK if self.rng.percent(50) && all > 1 => all - 1,
                resource_kind::SEMAPHORE => 1 + self.rng.below(all as usize) as u64,
                _ => all,
            };
            let sequence = self.change(index);
            self.lose(index, of, units);
            self.happens(
                thread,
                Release {
                    resource,
                    sequence,
                    hold,
                    units,
                },
            );
            return;
        }
        self.divide(thread, index, of, choice);
    }

    /// What only permits of a semaphore do.
    fn divide(&mut self, thread: usize, index: usize, of: usize, choice: usize) {
        let resource = self.resources[index].id;
        let (hold, all) = self.resources[index].holds[of];
        let units = 1 + self.rng.below(all as usize) as u64;
        match choice {
            70..80 => {
                let sequence = self.change(index);
                self.lose(index, of, units);
                self.resources[index].holds.push((sequence, units));
                self.happens(
                    thread,
                    HoldSplit {
                        resource,
                        sequence,
                        hold,
                        units,
                    },
                );
            }
            80..90 if self.resources[index].holds.len() > 1 => {
                let sequence = self.change(index);
                self.resources[index].holds.remove(of);
                let into = &mut self.resources[index].holds[0];
                into.1 += all;
                let (gone, hold) = (hold, into.0);
                self.happens(
                    thread,
                    HoldMerge {
                        resource,
                        sequence,
                        hold,
                        gone,
                    },
                );
            }
            90..95 => {
                let sequence = self.change(index);
                let is_free = self.resources[index].free() > 0 && self.rng.percent(50);
                let (hold, units) = if is_free { (0, 1) } else { (hold, units) };
                if !is_free {
                    self.lose(index, of, units);
                }
                self.resources[index].units -= units;
                self.happens(
                    thread,
                    Forget {
                        resource,
                        sequence,
                        hold,
                        units,
                    },
                );
            }
            _ => {
                let (sequence, location) = (self.change(index), 0);
                self.resources[index].units += units;
                self.happens(
                    thread,
                    Add {
                        resource,
                        sequence,
                        units,
                        location,
                    },
                );
            }
        }
    }

    fn lose(&mut self, index: usize, of: usize, units: u64) {
        let holds = &mut self.resources[index].holds;
        holds[of].1 -= units;
        if holds[of].1 == 0 {
            holds.remove(of);
        }
    }
}
