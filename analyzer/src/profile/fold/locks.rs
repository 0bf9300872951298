//! Who has units of a resource, and how many wait for it.

use super::tables::OfResources;
use crate::time::Nanos;

/// A resource that is alive.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) number: u64,
    /// Its row.
    pub(super) row: u32,
    /// So many operations wait for it.
    waiting: u64,
    holds: Vec<Hold>,
    /// What was given back of holds that are not known yet, by the clocks of two threads.
    early: Vec<Early>,
}

/// So many of these are kept: it is mostly a loss.
const EARLY: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Early {
    number: u64,
    units: u64,
    at: Nanos,
}

/// Units that somebody has.
#[derive(Clone, Copy, Debug)]
struct Hold {
    number: u64,
    units: u64,
    location: u64,
    since: Nanos,
    /// Whether it was taken by what is asked for.
    counts: bool,
    /// So many gaps were before it was taken.
    gaps: u32,
}

/// Units are taken: what the event says, when it was, and whether that is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) number: u64,
    pub(super) units: u64,
    pub(super) location: u64,
    pub(super) at: Nanos,
    pub(super) counts: bool,
    pub(super) gaps: u32,
}

impl Resource {
    pub(super) fn new(number: u64, row: u32) -> Resource {
        Resource {
            number,
            row,
            waiting: 0,
            holds: Vec::new(),
            early: Vec::new(),
        }
    }

    pub(super) fn wait(&mut self, at: Nanos, of: &mut OfResources) {
        self.waiting += 1;
        if self.waiting > of.longest_queue {
            (of.longest_queue, of.longest_queue_at) = (self.waiting, at);
        }
    }

    pub(super) fn wait_no_more(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Units are taken.
    pub(super) fn take(&mut self, taken: Taken, from: Nanos, of: &mut OfResources) {
        let Taken {
            number,
            units,
            location,
            at,
            counts,
            gaps,
        } = taken;
        if self.holds.iter().any(|hold| hold.number == number) {
            return;
        }
        self.holds.push(Hold {
            number,
            units: units.max(1),
            location,
            since: at,
            counts,
            gaps,
        });
        while let Some(index) = self.early.iter().position(|early| early.number == number) {
            let early = self.early.remove(index);
            self.give_back(number, early.units, early.at.max(at), from, of);
        }
    }

    /// Units of a hold are given back, or gone: zero units are all that it has, and number zero is the only one there is.
    pub(super) fn give_back(
        &mut self,
        number: u64,
        units: u64,
        at: Nanos,
        from: Nanos,
        of: &mut OfResources,
    ) {
        let is_it = |hold: &Hold| number == 0 || hold.number == number;
        let Some(index) = self.holds.iter().position(is_it) else {
            if number != 0 && self.early.len() < EARLY {
                self.early.push(Early { number, units, at });
            }
            return;
        };
        let hold = &mut self.holds[index];
        hold.units = match units {
            0 => 0,
            _ => hold.units.saturating_sub(units),
        };
        if hold.units == 0 {
            let hold = self.holds.swap_remove(index);
            hold.end(at, from, of);
        }
    }

    /// Units of a hold become a hold of their own, which began when that did.
    pub(super) fn split(&mut self, of: u64, units: u64, number: u64) {
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.number == of) else {
            return;
        };
        let taken = units.min(hold.units);
        hold.units -= taken;
        let split = Hold {
            number,
            units: taken,
            ..*hold
        };
        if hold.units == 0 {
            *hold = split;
        } else {
            self.holds.push(split);
        }
    }

    /// A hold becomes a part of another one.
    pub(super) fn merge(&mut self, into: u64, gone: u64) {
        let Some(index) = self.holds.iter().position(|hold| hold.number == gone) else {
            return;
        };
        let gone = self.holds.swap_remove(index);
        match self.holds.iter_mut().find(|hold| hold.number == into) {
            Some(hold) => {
                hold.units += gone.units;
                hold.since = hold.since.min(gone.since);
            }
            None => self.holds.push(Hold {
                number: into,
                ..gone
            }),
        }
    }

    /// All that is held is so up to then; what was taken before the last of so many gaps may have been given back unseen.
    pub(super) fn end(&mut self, at: Nanos, gaps: u32, from: Nanos, of: &mut OfResources) {
        for hold in self.holds.drain(..) {
            if hold.gaps == gaps {
                hold.end(at, from, of);
            }
        }
    }
}

impl Hold {
    fn end(self, at: Nanos, from: Nanos, of: &mut OfResources) {
        if !self.counts || at < from {
            return;
        }
        let long = at.since(self.since.max(from));
        of.holds.add(long);
        of.holders.of(self.location).add(long);
    }
}
