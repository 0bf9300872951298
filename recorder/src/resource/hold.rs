//! What somebody has of a resource.

use super::HasResource;
use crate::cells::Cell;

/// Units of a resource that somebody has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    /// The number of the change by which they were taken, zero where that was not recorded.
    pub(super) number: u64,
    /// Where it is noted that somebody has them; the hold of a mutex is noted in the cell of that.
    pub(super) cell: Cell,
}

impl Hold {
    /// One that was not recorded.
    pub const NONE: Hold = Hold {
        number: 0,
        cell: Cell::NONE,
    };
}

/// The recorded side of a guard: a hold that is given back when this is dropped. To stand before the guard itself, so that it is
/// recorded before the fact.
#[derive(Debug)]
pub struct Held<R: HasResource> {
    /// Of what.
    pub of: R,
    /// Since which change.
    pub hold: Hold,
    /// How many units of it; zero where it was given back.
    pub units: u64,
}

impl<R: HasResource> Held<R> {
    /// Records that it is given back, now and not when this is dropped.
    #[inline]
    pub fn release(&mut self) {
        let units = std::mem::take(&mut self.units);
        if units != 0 {
            self.of.resource().releasing(self.hold, units);
        }
    }
}

impl<R: HasResource> Drop for Held<R> {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}
