//! The facts of each entity, brought together and put into the entity's own order.

mod futures;
mod operations;
mod polls;
mod resources;
mod sections;
mod tasks;

use rayon::prelude::*;

use super::facts::{FactsOf, Place};

pub(super) use futures::futures;
pub(super) use operations::operations;
pub(super) use resources::resources;
pub(super) use sections::sections;
pub(super) use tasks::tasks;

/// Groups facts by entity and makes one entity of each group, in parallel; ordered by the entities' numbers.
pub(super) fn entities<T: Send + Sync, E: Send>(
    mut facts: FactsOf<T>,
    make: impl Fn(u64, &mut [(u64, Place, T)]) -> E + Sync,
) -> Vec<E> {
    facts.par_sort_by_key(|(id, ..)| *id);
    let groups: Vec<&mut [(u64, Place, T)]> = facts.chunk_by_mut(|a, b| a.0 == b.0).collect();
    groups
        .into_par_iter()
        .map(|group| make(group[0].0, group))
        .collect()
}

/// What one task did comes in the order of its polls; where others did something to the entity too, all of it by time.
pub(super) fn sort_by_task<T>(facts: &mut [(u64, Place, T)]) {
    facts.sort_by_key(|(_, place, _)| place.recorded());
    let owner = facts[0].1.task;
    let is_other = |place: &Place| place.task != owner || place.told.is_some();
    if owner.is_none() || facts.iter().any(|(_, place, _)| is_other(place)) {
        return;
    }
    let mut extend = Extend::default();
    for (_, place, _) in facts.iter_mut() {
        place.order.0 = extend.next(place.order.0);
    }
    facts.sort_by_key(|(_, place, _)| place.order);
}

/// Extends numbers of which only the lowest 32 bits are recorded: given in the order of time, which is nearly their own, each is taken
/// to be near the one before.
#[derive(Default)]
pub(super) struct Extend {
    last: Option<u64>,
}

impl Extend {
    pub(super) fn next(&mut self, low: u64) -> u64 {
        /// Far enough from zero for a first number that is not the smallest.
        const START: u64 = 1 << 40;
        let low = low as u32;
        let extended = match self.last {
            None => START + u64::from(low),
            Some(last) => {
                last.wrapping_add_signed(i64::from(low.wrapping_sub(last as u32).cast_signed()))
            }
        };
        self.last = Some(extended);
        extended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_wrapped_around_go_on() {
        let mut extend = Extend::default();
        let first = extend.next(u64::from(u32::MAX) - 1);
        assert_eq!(extend.next(u64::from(u32::MAX)), first + 1);
        assert_eq!(extend.next(0), first + 2);
        assert_eq!(extend.next(2), first + 4);
        assert_eq!(extend.next(1), first + 3);
    }
}
