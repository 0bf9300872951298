//! The fifth phase: how far down each item stands.
//!
//! The order within the layers is given, and so are the distances that neighbours must keep. Each item wants to stand where its
//! edges run level. Layer by layer, forth and back, all items of a layer are moved to where the sum of their squared wishes is least:
//! items that want into each other are pooled and moved as one, which finds the exact optimum in one pass. At the end, the bends of
//! an edge are put on one line as far as there is room.

use super::block::{Block, INSET, Side};
use super::order::{Kind, Layers};
use super::rank::Arc;

/// Between the places where edges end on one side of a node.
const PORTS: f64 = 14.0;
/// How many items may be moved all in all.
const BUDGET: usize = 3_000_000;

/// How far down things are.
pub(super) struct Places {
    /// The middle of each item.
    pub(super) y: Vec<f64>,
    /// How far from the middle of its items each segment ends, at its low and at its high end.
    pub(super) ports: Vec<[f64; 2]>,
}

impl Places {
    /// Where a segment ends.
    pub(super) fn end(&self, layers: &Layers, segment: usize, side: Side) -> f64 {
        self.y[layers.beyond(segment, side)] + self.ports[segment][side as usize]
    }
}

/// The distance from the middle of one item to that of the next.
fn apart(layers: &Layers, above: usize, below: usize) -> f64 {
    let (a, b) = (&layers.items[above], &layers.items[below]);
    let gap = match (a.kind, b.kind) {
        (Kind::Block(_), Kind::Block(_)) => 28.0,
        (Kind::Block(_), _) | (_, Kind::Block(_)) => 18.0,
        _ => 9.0,
    };
    f64::midpoint(a.size.h, b.size.h) + gap
}

pub(super) fn place(layers: &Layers, blocks: &[Block], arcs: &[Arc]) -> Places {
    let mut places = Places {
        y: vec![0.0; layers.items.len()],
        ports: ports(layers, blocks, arcs),
    };
    for layer in &layers.order {
        let mut y = 0.0;
        for (n, &item) in layer.iter().enumerate() {
            if n > 0 {
                y += apart(layers, layer[n - 1], item);
            }
            places.y[item] = y;
        }
    }
    let count = layers.order.len();
    let rounds = (BUDGET / (layers.items.len() + 2 * layers.segments.len()).max(1)).clamp(4, 40);
    for round in 0..rounds {
        let last = round + 6 >= rounds;
        for n in 0..count {
            let layer = if round % 2 == 0 { n } else { count - 1 - n };
            let sides: &[Side] = match (last, round % 2) {
                (true, _) => &[Side::Low, Side::High],
                (false, 0) => &[Side::Low],
                _ => &[Side::High],
            };
            settle(layers, layer, sides, &mut places);
        }
    }
    // What is in the way of one edge may move out of it for another.
    for _ in 0..if rounds > 8 { 4 } else { 1 } {
        straighten(layers, &mut places);
    }
    places
}

/// Where on its block each segment ends.
fn ports(layers: &Layers, blocks: &[Block], arcs: &[Arc]) -> Vec<[f64; 2]> {
    let mut at = vec![0.0; layers.items.len()];
    for layer in &layers.order {
        for (n, &item) in layer.iter().enumerate() {
            at[item] = n as f64;
        }
    }
    let mut ports = vec![[0.0; 2]; layers.segments.len()];
    let mut direct: Vec<(usize, usize, Side, f64, usize)> = Vec::new();
    for (n, segment) in layers.segments.iter().enumerate() {
        let arc = &arcs[segment.arc];
        let ends = [
            (segment.low, segment.members.0, Side::High, arc.turned),
            (segment.high, segment.members.1, Side::Low, !arc.turned),
        ];
        for (item, member, side, incoming) in ends {
            let Kind::Block(block) = layers.items[item].kind else {
                continue;
            };
            if blocks[block].members[member].free[side as usize] {
                let other = if segment.outside {
                    f64::MAX
                } else {
                    layers.end(n, side, &at, blocks)
                };
                direct.push((block, member, side, other, n));
            } else {
                let start = blocks[block].channel(member, side, incoming).start;
                let end = usize::from(item == segment.high);
                ports[n][end] = start.y - blocks[block].size.h / 2.0;
            }
        }
    }
    direct.sort_by(|a, b| {
        (a.0, a.1, a.2)
            .cmp(&(b.0, b.1, b.2))
            .then(a.3.total_cmp(&b.3))
            .then(a.4.cmp(&b.4))
    });
    for group in direct.chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2)) {
        let (block, member, side, ..) = group[0];
        let rect = blocks[block].members[member].rect;
        let room = (rect.h - 2.0 * INSET).max(0.0);
        let gaps = (group.len() - 1).max(1) as f64;
        let gap = PORTS.min(room / gaps);
        let first =
            rect.center().y - blocks[block].size.h / 2.0 - gap * (group.len() - 1) as f64 / 2.0;
        for (n, &(.., segment)) in group.iter().enumerate() {
            // What leaves a block on its high side is at the low end of its segment.
            let end = usize::from(side == Side::Low);
            ports[segment][end] = first + gap * n as f64;
        }
    }
    ports
}

/// How much a segment wants to be level: long edges more than short ones.
fn weight(layers: &Layers, segment: usize) -> f64 {
    let segment = &layers.segments[segment];
    let bends = [segment.low, segment.high]
        .iter()
        .filter(|&&item| !matches!(layers.items[item].kind, Kind::Block(_)))
        .count();
    [1.0, 2.0, 8.0][bends]
}

/// Moves the items of a layer to where the squares of their distances from what they want are least.
fn settle(layers: &Layers, layer: usize, sides: &[Side], places: &mut Places) {
    /// Items that stand as close as they may.
    struct Pool {
        weight: f64,
        wish: f64,
        count: usize,
    }
    let items = &layers.order[layer];
    let mut pools: Vec<Pool> = Vec::with_capacity(items.len());
    let mut offsets = Vec::with_capacity(items.len());
    let mut offset = 0.0;
    for (n, &item) in items.iter().enumerate() {
        if n > 0 {
            offset += apart(layers, items[n - 1], item);
        }
        offsets.push(offset);
        // Without an edge it stays where it is, if nobody else minds.
        let (mut sum, mut total) = (places.y[item] * 0.01, 0.01);
        for &side in sides {
            let own = match side {
                Side::Low => Side::High,
                Side::High => Side::Low,
            };
            for &segment in &layers.joined[item][side as usize] {
                let weight = weight(layers, segment);
                let there = places.end(layers, segment, side);
                sum += weight * (there - places.ports[segment][own as usize]);
                total += weight;
            }
        }
        let mut pool = Pool {
            weight: total,
            wish: sum / total - offset,
            count: 1,
        };
        while let Some(above) = pools.pop_if(|above| above.wish > pool.wish) {
            let weight = above.weight + pool.weight;
            pool = Pool {
                wish: (above.wish * above.weight + pool.wish * pool.weight) / weight,
                weight,
                count: above.count + pool.count,
            };
        }
        pools.push(pool);
    }
    let wishes = pools
        .iter()
        .flat_map(|pool| std::iter::repeat_n(pool.wish, pool.count));
    for ((&item, offset), wish) in items.iter().zip(offsets).zip(wishes) {
        places.y[item] = wish + offset;
    }
}

/// Puts the bends of each edge on one line, as far as their neighbours leave room.
fn straighten(layers: &Layers, places: &mut Places) {
    let mut index = vec![0; layers.items.len()];
    for layer in &layers.order {
        for (n, &item) in layer.iter().enumerate() {
            index[item] = n;
        }
    }
    let room = |item: usize, y: &[f64]| {
        let layer = &layers.order[layers.items[item].layer];
        let n = index[item];
        let least = match n.checked_sub(1) {
            Some(above) => y[layer[above]] + apart(layers, layer[above], item),
            None => f64::MIN,
        };
        let most = match layer.get(n + 1) {
            Some(&below) => y[below] - apart(layers, item, below),
            None => f64::MAX,
        };
        (least, most)
    };
    // Blocks that hang on one edge.
    for (item, joined) in layers.joined.iter().enumerate() {
        let (side, segment) = match (&joined[0][..], &joined[1][..]) {
            ([segment], []) => (Side::Low, *segment),
            ([], [segment]) => (Side::High, *segment),
            _ => continue,
        };
        let own = usize::from(side == Side::Low);
        let wish = places.end(layers, segment, side) - places.ports[segment][own];
        let (least, most) = room(item, &places.y);
        if least <= most {
            places.y[item] = wish.max(least).min(most);
        }
    }
    for chain in &layers.chains {
        let mut level = places.end(layers, chain[0], Side::Low);
        let (mut least, mut most) = (level, level);
        let mut run: Vec<usize> = Vec::new();
        for &segment in &chain[..chain.len() - 1] {
            let item = layers.segments[segment].high;
            let (above, below) = room(item, &places.y);
            // Rounding may leave less than nothing.
            let (above, below) = (above.min(places.y[item]), below.max(places.y[item]));
            if above.max(least) > below.min(most) || layers.segments[segment].outside {
                set(&run, level, least, most, &mut places.y);
                run.clear();
                level = places.y[item];
                (least, most) = (above, below);
            } else {
                (least, most) = (above.max(least), below.min(most));
            }
            run.push(item);
        }
        let end = places.end(layers, chain[chain.len() - 1], Side::High);
        if (least..=most).contains(&end) {
            level = end;
        }
        set(&run, level, least, most, &mut places.y);
    }
}

fn set(run: &[usize], level: f64, least: f64, most: f64, y: &mut [f64]) {
    let level = level.max(least).min(most);
    for &item in run {
        y[item] = level;
    }
}
