//! Which of many stretches of time hold a moment.
//!
//! Stretches are kept by their beginning, with a tree over them that knows the latest end of each of its parts. A part in which all is
//! over is stepped over at once: a moment that `k` stretches hold is found in `k log n` steps, however long ago some of them began.

use crate::time::Nanos;

/// Stretches of time, each with something that goes with it.
#[derive(Debug)]
pub(super) struct Stabs<T> {
    /// Beginning, end (none: still open), and what goes with it; by beginning.
    items: Vec<(Nanos, Option<Nanos>, T)>,
    /// The latest end in each part: the root is 1, the children of `n` are `2n` and `2n + 1`, the items are the leaves.
    latest: Vec<Nanos>,
}

const OPEN: Nanos = Nanos(u64::MAX);

impl<T: Copy> Stabs<T> {
    pub(super) fn new(mut items: Vec<(Nanos, Option<Nanos>, T)>) -> Stabs<T> {
        items.sort_by_key(|(begin, ..)| *begin);
        let leaves = items.len().next_power_of_two();
        let mut latest = vec![Nanos(0); 2 * leaves];
        for (index, (_, end, _)) in items.iter().enumerate() {
            latest[leaves + index] = end.unwrap_or(OPEN);
        }
        for part in (1..leaves).rev() {
            latest[part] = latest[2 * part].max(latest[2 * part + 1]);
        }
        Stabs { items, latest }
    }

    /// What began before `at` and was not over before it, by beginning.
    pub(super) fn at(&self, at: Nanos) -> Vec<T> {
        let begun = self.items.partition_point(|(begin, ..)| *begin < at);
        let mut found = Vec::new();
        if begun > 0 {
            let leaves = self.latest.len() / 2;
            self.collect(1, 0, leaves, begun, at, &mut found);
        }
        found
    }

    /// Looks into the part `part`, of the items from `first` on, `count` of them.
    fn collect(
        &self,
        part: usize,
        first: usize,
        count: usize,
        begun: usize,
        at: Nanos,
        found: &mut Vec<T>,
    ) {
        if first >= begun || self.latest[part] < at {
            return;
        }
        if count == 1 {
            found.push(self.items[first].2);
            return;
        }
        let half = count / 2;
        self.collect(2 * part, first, half, begun, at, found);
        self.collect(2 * part + 1, first + half, half, begun, at, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_same_are_found_as_by_looking_at_all(
            stretches in prop::collection::vec((0u64..50, prop::option::of(0u64..60)), 0..40),
            at in 0u64..60,
        ) {
            let items: Vec<_> = (0..)
                .zip(&stretches)
                .map(|(i, &(begin, end))| (Nanos(begin), end.map(Nanos), i))
                .collect();
            let mut slow: Vec<(Nanos, usize)> = items
                .iter()
                .filter(|(begin, end, _)| *begin < Nanos(at) && end.is_none_or(|end| end >= Nanos(at)))
                .map(|&(begin, _, i)| (begin, i))
                .collect();
            slow.sort_by_key(|&(begin, _)| begin);
            let slow: Vec<usize> = slow.into_iter().map(|(_, i)| i).collect();
            prop_assert_eq!(Stabs::new(items).at(Nanos(at)), slow);
        }
    }
}
