//! What happens to channels: ends are made and dropped, messages are put in, taken back and taken out.

use ais_format::event::{
    Close, HandleDrop, HandleNew, Lag, Receive, Send, SendFailed, handle_end, resource_kind,
    send_flag,
};

use super::units::has_ends;
use super::world::{Resource, World};

impl World {
    pub(super) fn make_handle(&mut self, thread: usize, index: usize, end: u64) {
        let sequence = self.change(index);
        let resource = &mut self.resources[index];
        resource.last_handle += 1;
        let (handle, resource_id) = (resource.last_handle, resource.id);
        resource.handles.push((handle, end));
        self.happens(
            thread,
            HandleNew {
                resource: resource_id,
                sequence,
                handle,
                end,
            },
        );
    }

    pub(super) fn act_on_a_channel(&mut self, thread: usize) {
        let fit = |resource: &Resource| !resource.is_gone && has_ends(resource.kind);
        let Some(index) = World::one_of(&mut self.rng, &self.resources, fit) else {
            return;
        };
        match self.rng.below(100) {
            0..40 => self.send(thread, index),
            40..75 => self.receive(thread, index),
            75..85 => {
                let end = *self.rng.of(&[handle_end::SENDER, handle_end::RECEIVER]);
                // A clone of one that is there.
                if !self.resources[index].ends(end).is_empty() {
                    self.make_handle(thread, index, end);
                }
            }
            85..97 => self.drop_handle(thread, index),
            _ => {
                let (resource, sequence) = (self.resources[index].id, self.change(index));
                self.happens(thread, Close { resource, sequence });
            }
        }
    }

    fn drop_handle(&mut self, thread: usize, index: usize) {
        let there = self.resources[index].handles.len();
        if there == 0 {
            return;
        }
        let of = self.rng.below(there);
        let sequence = self.change(index);
        let resource = &mut self.resources[index];
        let (handle, _) = resource.handles.remove(of);
        let resource = resource.id;
        self.happens(
            thread,
            HandleDrop {
                resource,
                sequence,
                handle,
            },
        );
    }

    fn is_for_each_receiver(&self, index: usize) -> bool {
        matches!(
            self.resources[index].kind,
            resource_kind::BROADCAST | resource_kind::WATCH
        )
    }

    fn send(&mut self, thread: usize, index: usize) {
        let ends = self.resources[index].ends(handle_end::SENDER);
        if ends.is_empty() {
            return;
        }
        let handle = *self.rng.of(&ends);
        let (resource, sequence) = (self.resources[index].id, self.change(index));
        self.resources[index].messages += 1;
        let can_hold = self.rng.percent(20);
        self.happens(
            thread,
            Send {
                resource,
                sequence,
                handle,
                location: 0,
                flags: if can_hold { send_flag::CAN_HOLD } else { 0 },
            },
        );
        if self.rng.percent(15) && !self.is_for_each_receiver(index) {
            let sequence = self.change(index);
            self.resources[index].messages -= 1;
            self.happens(thread, SendFailed { resource, sequence });
        }
    }

    fn receive(&mut self, thread: usize, index: usize) {
        let ends = self.resources[index].ends(handle_end::RECEIVER);
        let there = self.resources[index].messages;
        if ends.is_empty() || there == 0 {
            return;
        }
        let handle = *self.rng.of(&ends);
        let messages = 1 + self.rng.below(there as usize) as u64;
        let (resource, sequence) = (self.resources[index].id, self.change(index));
        if !self.is_for_each_receiver(index) {
            self.resources[index].messages -= messages;
        } else if self.rng.percent(20) {
            self.happens(
                thread,
                Lag {
                    resource,
                    sequence,
                    handle,
                    messages,
                },
            );
            return;
        }
        self.happens(
            thread,
            Receive {
                resource,
                sequence,
                handle,
                location: 0,
                messages,
            },
        );
    }
}
