//! The last phase of the layout: how far along each layer stands, and the way of each edge.
//!
//! Within a layer an edge runs level: there is a place for it among the items. Only between two layers, where nothing stands, it
//! sways up or down. So no edge touches a block or a label that it has nothing to do with.

use super::Drawing;
use super::block::{Block, Side};
use super::geometry::{Path, Rect, at};
use super::order::{Kind, Layers};
use super::place::Places;
use super::rank::Arc;

/// Between edges that go round outside.
const OUTSIDE: f64 = 6.0;

/// Between two layers, and what a sway of one pixel adds: the steeper, the more room. But not without end.
const GAP: f64 = 34.0;
const GAP_FOR_SWAY: f64 = 0.16;
const MOST_FOR_SWAY: f64 = 90.0;

/// What stands where, when all items have their places.
pub(super) fn route(
    layers: &Layers,
    places: &Places,
    blocks: &[Block],
    arcs: &[Arc],
    drawing: &mut Drawing,
) {
    let bands = bands(layers, places);
    let mut lowest = 0.0_f64;
    for (n, item) in layers.items.iter().enumerate() {
        let rect = bands.item(layers, places, n);
        lowest = lowest.max(rect.bottom());
        match item.kind {
            Kind::Block(block) => drawing.add_block(&blocks[block], at(rect.x, rect.y)),
            Kind::Label(arc) => drawing.routes[arcs[arc].link].label = Some(rect),
            Kind::Bend => {}
        }
    }
    let mut router = Router {
        layers,
        places,
        blocks,
        bands,
        lane: lowest + 2.0 * OUTSIDE,
    };
    for (n, arc) in arcs.iter().enumerate() {
        let path = router.path(arc, &layers.chains[n]);
        drawing.routes[arc.link].path = if arc.turned { path.reversed() } else { path };
    }
}

/// Where each layer begins and ends.
struct Bands(Vec<(f64, f64)>);

impl Bands {
    fn item(&self, layers: &Layers, places: &Places, n: usize) -> Rect {
        let item = &layers.items[n];
        let (start, end) = self.0[item.layer];
        Rect::centred(at(f64::midpoint(start, end), places.y[n]), item.size)
    }
}

fn bands(layers: &Layers, places: &Places) -> Bands {
    let mut bands = Vec::with_capacity(layers.order.len());
    let mut x = 0.0;
    for (n, layer) in layers.order.iter().enumerate() {
        if n > 0 {
            let segments = layers.order[n - 1]
                .iter()
                .flat_map(|&item| &layers.joined[item][Side::High as usize]);
            let sway = segments.map(|&segment| {
                let low = places.end(layers, segment, Side::Low);
                (low - places.end(layers, segment, Side::High)).abs()
            });
            let sway = sway.fold(0.0, f64::max);
            x += GAP + (sway * GAP_FOR_SWAY).min(MOST_FOR_SWAY);
        }
        let widths = layer.iter().map(|&item| layers.items[item].size.w);
        let end = x + widths.fold(0.0, f64::max);
        bands.push((x, end));
        x = end;
    }
    Bands(bands)
}

struct Router<'a> {
    layers: &'a Layers,
    places: &'a Places,
    blocks: &'a [Block],
    bands: Bands,
    /// Where the next edge that goes round outside runs.
    lane: f64,
}

impl Router<'_> {
    /// The way of an arc from low to high.
    fn path(&mut self, arc: &Arc, chain: &[usize]) -> Path {
        let mut path = self.leave(chain[0], arc, Side::High);
        for &segment in chain {
            let ends = self.layers.segments[segment];
            let low = self.layers.items[ends.low].layer;
            let high = self.layers.items[ends.high].layer;
            let from = at(
                self.bands.0[low].1,
                self.places.end(self.layers, segment, Side::Low),
            );
            let to = at(
                self.bands.0[high].0,
                self.places.end(self.layers, segment, Side::High),
            );
            // Level to the end of the layer.
            path.line(from);
            if ends.outside {
                let after =
                    |layer: usize| f64::midpoint(self.bands.0[layer].1, self.bands.0[layer + 1].0);
                let (down, up) = (after(low), after(high - 1));
                let points = [
                    from,
                    at(down, from.y),
                    at(down, self.lane),
                    at(up, self.lane),
                    at(up, to.y),
                    to,
                ];
                path.join(Path::along(&points, 8.0));
                self.lane += OUTSIDE;
            } else {
                path.sway(to);
            }
        }
        let end = self.leave(chain[chain.len() - 1], arc, Side::Low);
        path.join(end.reversed());
        path
    }

    /// The way from a node to the border of its block on `side`; `segment` is the one that begins there.
    fn leave(&self, segment: usize, arc: &Arc, side: Side) -> Path {
        let ends = self.layers.segments[segment];
        let (item, (block, member), incoming, here) = match side {
            Side::High => (ends.low, arc.low, arc.turned, Side::Low),
            Side::Low => (ends.high, arc.high, !arc.turned, Side::High),
        };
        let block = &self.blocks[block];
        let all = self.bands.item(self.layers, self.places, item);
        let corner = at(all.x, all.y);
        if !block.members[member].free[side as usize] {
            let channel = block.channel(member, side, incoming);
            return channel.reversed().moved(corner);
        }
        let node = block.members[member].rect.moved(corner);
        let y = self.places.end(self.layers, segment, here);
        let (border, end) = match side {
            Side::Low => (node.x, all.x),
            Side::High => (node.right(), all.right()),
        };
        let mut path = Path::from(at(border, y));
        path.line(at(end, y));
        path
    }
}
