//! The third phase: which layer each block belongs to.
//!
//! An arc is an edge between two blocks. Arcs run from a low layer to a high one; some are turned round to make that possible, and
//! are drawn against the stream:
//!
//! - What leads to the right column of a ring, and to nothing else of it, is put on its right, where it has a straight way.
//! - One arc of each cycle that is left is turned round.
//!
//! Then each block gets the layer that is as close as possible to what it points at.

use super::Link;
use super::block::{Block, Side};

/// An edge between two blocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) link: usize,
    /// The block and the member of it in the lower layer.
    pub(super) low: (usize, usize),
    /// The block and the member of it in the higher layer.
    pub(super) high: (usize, usize),
    /// The edge points from high to low.
    pub(super) turned: bool,
}

impl Arc {
    fn turn(&mut self) {
        std::mem::swap(&mut self.low, &mut self.high);
        self.turned = !self.turned;
    }
}

/// The edges between blocks; `place` tells the block and the member of each node.
pub(super) fn arcs(links: &[Link], place: &[(usize, usize)]) -> Vec<Arc> {
    links
        .iter()
        .enumerate()
        .filter(|(_, link)| place[link.from].0 != place[link.to].0)
        .map(|(n, link)| Arc {
            link: n,
            low: place[link.from],
            high: place[link.to],
            turned: false,
        })
        .collect()
}

/// Arcs by the block that they leave, or that they enter.
fn by_end(blocks: usize, arcs: &[Arc], end: impl Fn(&Arc) -> usize) -> Vec<Vec<usize>> {
    let mut by = vec![Vec::new(); blocks];
    for (n, arc) in arcs.iter().enumerate() {
        by[end(arc)].push(n);
    }
    by
}

/// Turns round the arcs of what waits only for the right column of a ring.
pub(super) fn mirror(blocks: &[Block], arcs: &mut [Arc]) {
    let entering = by_end(blocks.len(), arcs, |arc| arc.high.0);
    // A block that is on the right of one ring cannot be moved for another.
    let mut moved = vec![false; blocks.len()];
    for (ring, block) in blocks.iter().enumerate() {
        if block.ring.is_none() || moved[ring] {
            continue;
        }
        let upstream = |side: Side| {
            let mut seen = vec![false; blocks.len()];
            let faces = |arc: &&usize| block.members[arcs[**arc].high.1].free[side as usize];
            let mut open: Vec<usize> = entering[ring]
                .iter()
                .filter(faces)
                .map(|&arc| arcs[arc].low.0)
                .collect();
            while let Some(block) = open.pop() {
                if block != ring && !seen[block] {
                    seen[block] = true;
                    open.extend(entering[block].iter().map(|&arc| arcs[arc].low.0));
                }
            }
            seen
        };
        let (left, right) = (upstream(Side::Low), upstream(Side::High));
        let only_right: Vec<bool> = left.iter().zip(&right).map(|(l, r)| *r && !l).collect();
        // Not what the ring leads to: that is on the right anyway.
        let turn: Vec<usize> = (0..arcs.len())
            .filter(|&n| {
                let (from, to) = (arcs[n].low.0, arcs[n].high.0);
                only_right[from] && !moved[from] && (to == ring || only_right[to])
            })
            .filter(|&n| !arcs[n].turned)
            .collect();
        for n in turn {
            moved[arcs[n].low.0] = true;
            arcs[n].turn();
        }
        for n in 0..blocks.len() {
            moved[n] |= only_right[n];
        }
    }
}

/// Turns round one arc of each cycle.
pub(super) fn break_cycles(blocks: usize, arcs: &mut [Arc]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Open,
        Done,
    }
    let leaving = by_end(blocks, arcs, |arc| arc.low.0);
    let mut entered = vec![0_usize; blocks];
    for arc in arcs.iter() {
        entered[arc.high.0] += 1;
    }
    let mut seen = vec![Seen::No; blocks];
    let sources = (0..blocks).filter(|&block| entered[block] == 0);
    let mut back = Vec::new();
    for start in sources.chain(0..blocks) {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Open;
        let mut stack = vec![(start, 0)];
        while let Some((block, next)) = stack.pop() {
            let Some(&arc) = leaving[block].get(next) else {
                seen[block] = Seen::Done;
                continue;
            };
            stack.push((block, next + 1));
            let to = arcs[arc].high.0;
            match seen[to] {
                Seen::No => {
                    seen[to] = Seen::Open;
                    stack.push((to, 0));
                }
                Seen::Open => back.push(arc),
                Seen::Done => {}
            }
        }
    }
    for arc in back {
        arcs[arc].turn();
    }
}

/// The layer of each block, from 0. The arcs have no cycle.
pub(super) fn layers(blocks: usize, arcs: &[Arc]) -> Vec<usize> {
    let leaving = by_end(blocks, arcs, |arc| arc.low.0);
    let entering = by_end(blocks, arcs, |arc| arc.high.0);
    let mut missing: Vec<usize> = leaving.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..blocks).filter(|&block| missing[block] == 0).collect();
    // How far each block is from the end.
    let mut height = vec![0_usize; blocks];
    let mut done = 0;
    while done < order.len() {
        let block = order[done];
        done += 1;
        for &arc in &entering[block] {
            let before = arcs[arc].low.0;
            height[before] = height[before].max(height[block] + 1);
            missing[before] -= 1;
            if missing[before] == 0 {
                order.push(before);
            }
        }
    }
    let highest = height.iter().copied().max().unwrap_or(0);
    let mut layer: Vec<usize> = height.iter().map(|height| highest - height).collect();
    // Whoever has more arcs coming in than going out goes as far back as it can.
    for _ in 0..3 {
        for &block in order.iter().rev() {
            let least = entering[block]
                .iter()
                .map(|&arc| layer[arcs[arc].low.0] + 1);
            if entering[block].len() > leaving[block].len() {
                layer[block] = least.max().unwrap_or(layer[block]);
            }
        }
        for &block in &order {
            let most = leaving[block]
                .iter()
                .map(|&arc| layer[arcs[arc].high.0] - 1);
            if leaving[block].len() > entering[block].len() {
                layer[block] = most.min().unwrap_or(layer[block]);
            }
        }
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arc(low: usize, high: usize) -> Arc {
        Arc {
            link: 0,
            low: (low, 0),
            high: (high, 0),
            turned: false,
        }
    }

    #[test]
    fn without_cycles_nothing_is_turned() {
        let mut arcs = [arc(3, 0), arc(0, 1), arc(1, 2), arc(3, 2)];
        break_cycles(4, &mut arcs);
        assert!(arcs.iter().all(|arc| !arc.turned));
        assert_eq!(layers(4, &arcs), [1, 2, 3, 0]);
    }

    #[test]
    fn of_a_cycle_one_arc_is_turned() {
        let mut arcs = [arc(0, 1), arc(1, 2), arc(2, 0), arc(2, 3)];
        break_cycles(4, &mut arcs);
        assert_eq!(arcs.iter().filter(|arc| arc.turned).count(), 1);
        let layer = layers(4, &arcs);
        assert!(arcs.iter().all(|arc| layer[arc.low.0] < layer[arc.high.0]));
    }

    #[test]
    fn a_source_stands_next_to_what_it_points_at() {
        let arcs = [arc(0, 1), arc(1, 2), arc(3, 2)];
        assert_eq!(layers(4, &arcs), [0, 1, 2, 1]);
    }
}
