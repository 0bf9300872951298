//! Operations that block their thread.

use ais_format::event::{operation_flag, outcome};

use super::slot::{Slot, State};
use super::{Done, Request};

/// An operation that blocks its thread, from when it is begun until it is [done](Blocking::done). Dropped before that, it has panicked.
///
/// What blocks is called in between and not through a closure, so that a panic of it can name the place of its caller.
#[derive(Debug)]
#[must_use = "what blocks is to be done before this is"]
pub struct Blocking<'a> {
    slot: Slot,
    request: Request<'a>,
}

impl<'a> Blocking<'a> {
    /// Begins one.
    pub fn begin(request: Request<'a>) -> Blocking<'a> {
        let request = Request {
            flags: request.flags | operation_flag::BLOCKING,
            ..request
        };
        Blocking {
            slot: Slot::begun(&request),
            request,
        }
    }

    /// It was done.
    pub fn done(self) -> Done {
        self.ended(outcome::READY)
    }

    /// It ended like this, an [`outcome`].
    pub fn ended(mut self, outcome: u64) -> Done {
        let mut done = Done::at(self.request.location);
        if let State::Waiting(waiting) = std::mem::replace(&mut self.slot.0, State::Ended) {
            waiting.end(self.request.resource(), outcome);
            done.operation = waiting.id;
        }
        done
    }
}

impl Drop for Blocking<'_> {
    fn drop(&mut self) {
        self.slot.give_up(&self.request);
    }
}
