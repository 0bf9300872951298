//! The fourth phase: the layers, and what stands before what in each.
//!
//! Edges with labels get a place for the label in a layer of its own, between the layers of the blocks: so a label can overlap
//! nothing. An edge that passes layers is given a bend in each. Both are items, as the blocks are. Then the items of each layer are
//! put in the order in which edges cross least: layer by layer, forth and back, each item goes to the mean of those that it is joined
//! to, and neighbours change places where that helps. How often depends on how much there is.
//!
//! An edge that passes very many layers in a very large graph gets no bends in between, or there would be more bends than the memory
//! holds. It goes round outside ([`super::route`]).

use super::Link;
use super::block::{Block, Side};
use super::geometry::Size;
use super::rank::Arc;

/// What is kept free for an edge that passes.
const BEND: f64 = 4.0;
/// There are no more bends than this.
const MOST_BENDS: usize = 40_000;
/// How much work the sweeps may do, counted in items and segments looked at.
const BUDGET: usize = 6_000_000;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Block(usize),
    Bend,
    /// The label of an arc.
    Label(usize),
}

/// Something that stands in a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) layer: usize,
    pub(super) size: Size,
}

/// A part of an arc between two items.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) low: usize,
    pub(super) high: usize,
    pub(super) arc: usize,
    /// Which member of the block it leaves, where that is a block; and which it enters.
    pub(super) members: (usize, usize),
    /// The items are not in layers next to each other.
    pub(super) outside: bool,
}

/// The items, layer by layer.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) items: Vec<Item>,
    /// The items of each layer, in order.
    pub(super) order: Vec<Vec<usize>>,
    pub(super) segments: Vec<Segment>,
    /// The segments of each arc, from low to high.
    pub(super) chains: Vec<Vec<usize>>,
    /// The segments on each side of each item.
    pub(super) joined: Vec<[Vec<usize>; 2]>,
}

impl Layers {
    /// The items of blocks in these `ranks`.
    pub(super) fn new(blocks: &[Block], arcs: &[Arc], ranks: &[usize], links: &[Link]) -> Layers {
        let last = ranks.iter().copied().max().unwrap_or(0);
        // Layers as if there were a layer for labels after each layer of blocks; then those that nothing needs are left out.
        let label_at = |arc: &Arc| {
            // Near to where the edge begins: there is more room than where many meet.
            let layer = if arc.turned {
                2 * ranks[arc.high.0] - 1
            } else {
                2 * ranks[arc.low.0] + 1
            };
            links[arc.link].label.map(|_| layer)
        };
        let mut needed = vec![false; 2 * last + 1];
        for &rank in ranks {
            needed[2 * rank] = true;
        }
        for layer in arcs.iter().filter_map(label_at) {
            needed[layer] = true;
        }
        let mut count = 0;
        let numbers: Vec<usize> = needed
            .iter()
            .map(|needed| {
                count += usize::from(*needed);
                count - usize::from(*needed)
            })
            .collect();

        let mut all = Layers {
            items: Vec::new(),
            order: vec![Vec::new(); count],
            segments: Vec::new(),
            chains: Vec::new(),
            joined: Vec::new(),
        };
        for (n, block) in blocks.iter().enumerate() {
            all.add(Kind::Block(n), numbers[2 * ranks[n]], block.size);
        }
        let longest = longest_with_bends(arcs, ranks);
        for (n, arc) in arcs.iter().enumerate() {
            let (from, to) = (2 * ranks[arc.low.0], 2 * ranks[arc.high.0]);
            let label = label_at(arc);
            let long = to - from > longest;
            let mut chain = Vec::new();
            let mut before = arc.low.0;
            for layer in (from + 1..to).filter(|&layer| needed[layer]) {
                let item = if label == Some(layer) {
                    let size = links[arc.link].label.unwrap_or_default();
                    all.add(Kind::Label(n), numbers[layer], size)
                } else if long && layer > from + 2 && layer + 2 < to {
                    continue;
                } else {
                    let size = Size { w: 0.0, h: BEND };
                    all.add(Kind::Bend, numbers[layer], size)
                };
                chain.push(all.join(n, arc, before, item));
                before = item;
            }
            chain.push(all.join(n, arc, before, arc.high.0));
            all.chains.push(chain);
        }
        all
    }

    fn add(&mut self, kind: Kind, layer: usize, size: Size) -> usize {
        self.items.push(Item { kind, layer, size });
        self.joined.push([Vec::new(), Vec::new()]);
        self.order[layer].push(self.items.len() - 1);
        self.items.len() - 1
    }

    /// Adds the part of an arc from item `low` to item `high`.
    fn join(&mut self, number: usize, arc: &Arc, low: usize, high: usize) -> usize {
        let n = self.segments.len();
        let outside = self.items[high].layer - self.items[low].layer > 1;
        self.segments.push(Segment {
            low,
            high,
            arc: number,
            members: (arc.low.1, arc.high.1),
            outside,
        });
        if !outside {
            self.joined[low][Side::High as usize].push(n);
            self.joined[high][Side::Low as usize].push(n);
        }
        n
    }

    /// The other end of a segment of an item.
    pub(super) fn beyond(&self, segment: usize, side: Side) -> usize {
        match side {
            Side::Low => self.segments[segment].low,
            Side::High => self.segments[segment].high,
        }
    }

    /// Puts the items of each layer in the order in which edges cross least.
    pub(super) fn sort(&mut self, blocks: &[Block]) {
        let mut at = vec![0.0; self.items.len()];
        for layer in 0..self.order.len() {
            if layer > 0 {
                self.by_mean(layer, Side::Low, &at, blocks);
            }
            self.number(layer, &mut at);
        }
        let mut best = (self.crossings(&at, blocks), self.order.clone());
        let work = self.items.len() + self.segments.len() * 4;
        let sweeps = (BUDGET / work.max(1)).clamp(1, 24);
        let swap = work < 40_000;
        let mut idle = 0;
        for sweep in 0..sweeps {
            if best.0 == 0 || idle > 6 {
                break;
            }
            let count = self.order.len();
            for n in 1..count {
                let (layer, side) = if sweep % 2 == 0 {
                    (count - 1 - n, Side::High)
                } else {
                    (n, Side::Low)
                };
                self.by_mean(layer, side, &at, blocks);
                self.number(layer, &mut at);
            }
            if swap {
                self.swap_neighbours(&mut at, blocks);
            }
            let crossings = self.crossings(&at, blocks);
            if crossings < best.0 {
                best = (crossings, self.order.clone());
                idle = 0;
            } else {
                idle += 1;
            }
        }
        self.order = best.1;
    }

    fn number(&self, layer: usize, at: &mut [f64]) {
        for (n, &item) in self.order[layer].iter().enumerate() {
            at[item] = n as f64;
        }
    }

    /// Where a segment ends on `side`, in terms of the order: the item, and which part of it.
    pub(super) fn end(&self, segment: usize, side: Side, at: &[f64], blocks: &[Block]) -> f64 {
        let item = self.beyond(segment, side);
        let part = match self.items[item].kind {
            Kind::Block(block) => {
                let members = self.segments[segment].members;
                let member = match side {
                    Side::Low => members.0,
                    Side::High => members.1,
                };
                let block = &blocks[block];
                block.members[member].rect.center().y / block.size.h.max(1.0) * 0.9
            }
            _ => 0.45,
        };
        at[item] + part
    }

    /// Sorts a layer by where its edges to the layer on `side` end.
    fn by_mean(&mut self, layer: usize, side: Side, at: &[f64], blocks: &[Block]) {
        let mut keyed: Vec<(f64, usize)> = self.order[layer]
            .iter()
            .map(|&item| {
                let ends = &self.joined[item][side as usize];
                let sum: f64 = ends
                    .iter()
                    .map(|&segment| self.end(segment, side, at, blocks))
                    .sum();
                (sum / ends.len() as f64, item)
            })
            .collect();
        // What has no edge there stays with what stood before it.
        let mut last = -1.0;
        for (key, _) in &mut keyed {
            if key.is_nan() {
                *key = last;
            }
            last = *key;
        }
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.order[layer] = keyed.into_iter().map(|(_, item)| item).collect();
    }

    fn swap_neighbours(&mut self, at: &mut [f64], blocks: &[Block]) {
        for layer in 0..self.order.len() {
            let mut ends: Vec<[Vec<f64>; 2]> = Vec::with_capacity(self.order[layer].len());
            for &item in &self.order[layer] {
                ends.push([Side::Low, Side::High].map(|side| {
                    let of = self.joined[item][side as usize].iter();
                    let mut ends: Vec<f64> = of.map(|&s| self.end(s, side, at, blocks)).collect();
                    ends.sort_by(f64::total_cmp);
                    ends
                }));
            }
            for _ in 0..3 {
                let mut swapped = false;
                for n in 1..ends.len() {
                    let between = |a: usize, b: usize| -> usize {
                        (0..2)
                            .map(|side| inversions(&ends[a][side], &ends[b][side]))
                            .sum()
                    };
                    if between(n, n - 1) < between(n - 1, n) {
                        ends.swap(n - 1, n);
                        self.order[layer].swap(n - 1, n);
                        swapped = true;
                    }
                }
                if !swapped {
                    break;
                }
            }
            self.number(layer, at);
        }
    }

    /// How often edges cross.
    fn crossings(&self, at: &[f64], blocks: &[Block]) -> usize {
        let mut total = 0;
        for layer in &self.order {
            let mut segments: Vec<(f64, f64)> = layer
                .iter()
                .flat_map(|&item| &self.joined[item][Side::High as usize])
                .map(|&segment| {
                    (
                        self.end(segment, Side::Low, at, blocks),
                        self.end(segment, Side::High, at, blocks),
                    )
                })
                .collect();
            segments.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            let mut highs: Vec<f64> = segments.iter().map(|segment| segment.1).collect();
            highs.sort_by(f64::total_cmp);
            highs.dedup();
            // A tree of counts over the ends: how many before this one end beyond it.
            let mut tree = vec![0_usize; highs.len() + 1];
            for (n, (_, high)) in segments.iter().enumerate() {
                let place = highs.partition_point(|other| other < high) + 1;
                let (mut up_to, mut k) = (0, place);
                while k > 0 {
                    up_to += tree[k];
                    k &= k - 1;
                }
                total += n - up_to;
                let mut k = place;
                while k < tree.len() {
                    tree[k] += 1;
                    k += k & k.wrapping_neg();
                }
            }
        }
        total
    }
}

/// How many pairs of sorted ends are in the wrong order, if `first` stands before `second`.
fn inversions(first: &[f64], second: &[f64]) -> usize {
    let (mut count, mut n) = (0, 0);
    for a in first {
        while n < second.len() && second[n] < *a {
            n += 1;
        }
        count += n;
    }
    count
}

/// Arcs over more layers than this get no bends in between.
fn longest_with_bends(arcs: &[Arc], ranks: &[usize]) -> usize {
    let mut spans: Vec<usize> = arcs
        .iter()
        .map(|arc| 2 * (ranks[arc.high.0] - ranks[arc.low.0]))
        .collect();
    spans.sort_unstable();
    let mut bends = 0;
    for span in spans {
        bends += span;
        if bends > MOST_BENDS {
            return (span - 1).max(8);
        }
    }
    usize::MAX
}
