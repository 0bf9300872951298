//! Where everything of a graph stands: sizes in, coordinates out. What is drawn at them is not known here.
//!
//! The phases, one a module, stand in the order of the work; the essay in [`super`] tells why.

mod block;
mod cycles;
mod geometry;
mod order;
mod place;
mod rank;
mod route;

use block::{Block, Ring, Side};
use geometry::at;
pub(super) use geometry::{Path, Piece, Point, Rect, Size};
use order::Layers;

/// Between parts of the graph that have nothing to do with each other.
const BETWEEN_PARTS: f64 = 44.0;
/// A picture that is wider is made smaller where it is shown, and cannot be read any more.
const WIDEST: f64 = 1_150.0;

/// An edge, as far as the layout needs to know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Option<Size>,
    /// Part of what the picture is about: cycles of such edges become rings.
    pub(super) strong: bool,
}

/// The way of an edge.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Route {
    /// From the border of its first node to that of its second.
    pub(super) path: Path,
    pub(super) label: Option<Rect>,
}

/// Where everything stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Drawing {
    pub(super) size: Size,
    /// A node may be larger than was asked for.
    pub(super) nodes: Vec<Rect>,
    pub(super) routes: Vec<Route>,
    /// The nodes that form a ring, and the ring with the air around it.
    pub(super) rings: Vec<(Vec<usize>, Rect)>,
}

impl Drawing {
    fn empty(nodes: usize, links: usize) -> Drawing {
        Drawing {
            size: Size::default(),
            nodes: vec![Rect::default(); nodes],
            routes: vec![Route::default(); links],
            rings: Vec::new(),
        }
    }

    fn add_block(&mut self, block: &Block, corner: Point) {
        for member in &block.members {
            self.nodes[member.node] = member.rect.moved(corner);
        }
        for inner in &block.inner {
            self.routes[inner.link] = Route {
                path: inner.path.moved(corner),
                label: inner.label.map(|label| label.moved(corner)),
            };
        }
        if let Some(ring) = block.ring {
            let nodes = block.members.iter().map(|member| member.node).collect();
            self.rings.push((nodes, ring.moved(corner)));
        }
    }
}

/// Lays a graph out. All edges must join nodes that there are.
pub(super) fn lay_out(sizes: &[Size], links: &[Link]) -> Drawing {
    let rings = cycles::rings(sizes.len(), links);
    let mut parts: Vec<(bool, Part)> = parts(sizes.len(), links)
        .into_iter()
        .map(|(nodes, edges)| {
            let strong = edges.iter().any(|&edge| links[edge].strong);
            (strong, part(&nodes, &edges, sizes, links, &rings))
        })
        .collect();
    // What matters first, then the largest. The order is stable.
    parts.sort_by(|(a_strong, a), (b_strong, b)| {
        let area = |part: &Part| part.drawing.size.w * part.drawing.size.h;
        b_strong.cmp(a_strong).then(area(b).total_cmp(&area(a)))
    });
    pack(
        sizes.len(),
        links.len(),
        parts.into_iter().map(|(_, part)| part).collect(),
    )
}

/// A part of the graph that nothing joins to the rest: its drawing, and the numbers of its nodes and edges in the whole.
struct Part {
    nodes: Vec<usize>,
    edges: Vec<usize>,
    drawing: Drawing,
}

/// The nodes and edges of each connected part.
fn parts(nodes: usize, links: &[Link]) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut sets = petgraph::unionfind::UnionFind::<usize>::new(nodes);
    for link in links {
        sets.union(link.from, link.to);
    }
    let mut number = vec![usize::MAX; nodes];
    let mut parts: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for node in 0..nodes {
        let root = sets.find(node);
        if number[root] == usize::MAX {
            number[root] = parts.len();
            parts.push((Vec::new(), Vec::new()));
        }
        parts[number[root]].0.push(node);
    }
    for (n, link) in links.iter().enumerate() {
        parts[number[sets.find(link.from)]].1.push(n);
    }
    parts
}

/// Lays out one part: from left to right, or from top to bottom where that would be too wide.
fn part(
    nodes: &[usize],
    edges: &[usize],
    sizes: &[Size],
    links: &[Link],
    rings: &[Vec<usize>],
) -> Part {
    let local = |node: usize| nodes.partition_point(|&other| other < node);
    let own = |ring: &&Vec<usize>| nodes.binary_search(&ring[0]).is_ok();
    let rings: Vec<Vec<usize>> = rings
        .iter()
        .filter(own)
        .map(|ring| ring.iter().map(|&node| local(node)).collect())
        .collect();
    let links: Vec<Link> = edges
        .iter()
        .map(|&edge| Link {
            from: local(links[edge].from),
            to: local(links[edge].to),
            ..links[edge]
        })
        .collect();
    let sizes: Vec<Size> = nodes.iter().map(|&node| sizes[node]).collect();
    let mut drawing = layered(&sizes, &links, &rings);
    if drawing.size.w > WIDEST {
        let swapped: Vec<Size> = sizes.iter().map(|size| size.swapped()).collect();
        let swapped_links: Vec<Link> = links
            .iter()
            .map(|link| Link {
                label: link.label.map(Size::swapped),
                ..*link
            })
            .collect();
        let other = layered(&swapped, &swapped_links, &rings).swapped();
        if too_large(other.size) < too_large(drawing.size) {
            drawing = other;
        }
    }
    Part {
        nodes: nodes.to_vec(),
        edges: edges.to_vec(),
        drawing,
    }
}

/// How much smaller a picture of this size has to be made until it can be shown. A page can be scrolled down, but not sideways.
fn too_large(size: Size) -> f64 {
    (size.w / WIDEST).max(size.h / (3.0 * WIDEST)).max(1.0)
}

impl Drawing {
    fn swapped(self) -> Drawing {
        Drawing {
            size: self.size.swapped(),
            nodes: self.nodes.into_iter().map(Rect::swapped).collect(),
            routes: self
                .routes
                .into_iter()
                .map(|route| Route {
                    path: route.path.swapped(),
                    label: route.label.map(Rect::swapped),
                })
                .collect(),
            rings: self
                .rings
                .into_iter()
                .map(|(nodes, ring)| (nodes, ring.swapped()))
                .collect(),
        }
    }

    /// Moves everything so that it begins at the origin, and measures it.
    fn measure(&mut self) {
        let mut all: Option<Rect> = None;
        let labels = self.routes.iter().filter_map(|route| route.label);
        let paths = self.routes.iter().map(|route| route.path.bounds());
        let rings = self.rings.iter().map(|ring| ring.1);
        for rect in self
            .nodes
            .iter()
            .copied()
            .chain(labels)
            .chain(paths)
            .chain(rings)
        {
            all = Some(all.map_or(rect, |all| all.with(rect)));
        }
        let all = all.unwrap_or_default();
        let by = at(-all.x, -all.y);
        self.nodes
            .iter_mut()
            .for_each(|node| *node = node.moved(by));
        for route in &mut self.routes {
            route.path = route.path.moved(by);
            route.label = route.label.map(|label| label.moved(by));
        }
        self.rings
            .iter_mut()
            .for_each(|ring| ring.1 = ring.1.moved(by));
        self.size = Size { w: all.w, h: all.h };
    }
}

/// Lays out a connected graph from left to right.
fn layered(sizes: &[Size], links: &[Link], rings: &[Vec<usize>]) -> Drawing {
    let sizes = &roomy(sizes, links);
    let (mut blocks, place, rings) = blocks(sizes, links, rings);
    let mut arcs = rank::arcs(links, &place);
    rank::mirror(&blocks, &mut arcs);
    rank::break_cycles(blocks.len(), &mut arcs);
    // Only now it is known which edges come to a ring from the wrong side. Its nodes stay in their order, so the arcs stay true.
    for (at, ring) in rings {
        let wrong = |end: (usize, usize), side: Side| {
            end.0 == at && !blocks[at].members[end.1].free[side as usize]
        };
        if arcs
            .iter()
            .any(|arc| wrong(arc.low, Side::High) || wrong(arc.high, Side::Low))
        {
            blocks[at] = Block::ring(&ring, sizes, links, true);
        }
    }
    let ranks = rank::layers(blocks.len(), &arcs);
    let mut layers = Layers::new(&blocks, &arcs, &ranks, links);
    layers.sort(&blocks);
    let places = place::place(&layers, &blocks, &arcs);
    let mut drawing = Drawing::empty(sizes.len(), links.len());
    route::route(&layers, &places, &blocks, &arcs, &mut drawing);
    drawing.measure();
    drawing
}

/// The sizes, with nodes so tall that the heads of their edges can be told apart.
fn roomy(sizes: &[Size], links: &[Link]) -> Vec<Size> {
    const MOST: usize = 16;
    const HEAD: f64 = 9.0;
    let mut ends = vec![[0_usize; 2]; sizes.len()];
    for link in links {
        ends[link.from][0] += 1;
        ends[link.to][1] += 1;
    }
    sizes
        .iter()
        .zip(ends)
        .map(|(size, [from, to])| Size {
            h: size
                .h
                .max(2.0 * block::INSET + HEAD * from.max(to).min(MOST) as f64),
            ..*size
        })
        .collect()
}

/// The blocks; in which block and where in it each node is; and which blocks are rings.
#[expect(
    clippy::type_complexity,
    reason = "three lists that are taken apart at once"
)]
fn blocks(
    sizes: &[Size],
    links: &[Link],
    rings: &[Vec<usize>],
) -> (Vec<Block>, Vec<(usize, usize)>, Vec<(usize, Ring)>) {
    const NONE: usize = usize::MAX;
    let mut ring_of = vec![NONE; sizes.len()];
    for (n, ring) in rings.iter().enumerate() {
        for &node in ring {
            ring_of[node] = n;
        }
    }
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); sizes.len()];
    let mut within: Vec<Vec<usize>> = vec![Vec::new(); rings.len()];
    // How many edges from elsewhere each node has.
    let mut outer = vec![0_usize; sizes.len()];
    for (n, link) in links.iter().enumerate() {
        if ring_of[link.from] != NONE && ring_of[link.from] == ring_of[link.to] {
            within[ring_of[link.from]].push(n);
        } else if link.from == link.to {
            own[link.from].push(n);
        } else {
            outer[link.from] += 1;
            outer[link.to] += 1;
        }
    }
    let mut blocks = Vec::new();
    let mut whole = Vec::new();
    let mut place = vec![(NONE, 0); sizes.len()];
    for node in 0..sizes.len() {
        if place[node].0 != NONE {
            continue;
        }
        let block = match rings.get(ring_of[node]) {
            None => Block::single(node, sizes[node], &own[node], links),
            Some(ring) => {
                let nodes = turned(ring, &outer);
                let mut across = within[ring_of[node]].clone();
                let mut around = Vec::with_capacity(nodes.len());
                for (n, &from) in nodes.iter().enumerate() {
                    let to = nodes[(n + 1) % nodes.len()];
                    let is = |strong| {
                        across.iter().position(|&link| {
                            let link = &links[link];
                            (link.from, link.to) == (from, to) && link.strong >= strong
                        })
                    };
                    if let Some(at) = is(true).or_else(|| is(false)) {
                        around.push(across.remove(at));
                    }
                }
                let ring = Ring {
                    nodes,
                    around,
                    across,
                };
                let block = Block::ring(&ring, sizes, links, false);
                whole.push((blocks.len(), ring));
                block
            }
        };
        for (n, member) in block.members.iter().enumerate() {
            place[member.node] = (blocks.len(), n);
        }
        blocks.push(block);
    }
    (blocks, place, whole)
}

/// The ring, begun with the node that brings most of what hangs off it to the left column.
fn turned(ring: &[usize], outer: &[usize]) -> Vec<usize> {
    let count = ring.len();
    let on_the_right = |first: usize| -> usize {
        let right = (1..=count / 2).map(|n| ring[(first + n) % count]);
        right.map(|node| outer[node]).sum()
    };
    let first = (0..count).min_by_key(|&first| (on_the_right(first), ring[first]));
    let mut turned = ring.to_vec();
    turned.rotate_left(first.unwrap_or(0));
    turned
}

/// Puts the parts beside each other as long as there is room, then below.
fn pack(nodes: usize, links: usize, parts: Vec<Part>) -> Drawing {
    let area: f64 = parts
        .iter()
        .map(|part| (part.drawing.size.w + BETWEEN_PARTS) * (part.drawing.size.h + BETWEEN_PARTS))
        .sum();
    let widest = parts
        .iter()
        .map(|part| part.drawing.size.w)
        .fold(WIDEST, f64::max);
    // Thousands of small parts are a square rather than a tower.
    let room = widest.max(area.sqrt() * 0.8);
    let mut all = Drawing::empty(nodes, links);
    let (mut x, mut y, mut tall) = (0.0, 0.0, 0.0_f64);
    for part in parts {
        let drawing = part.drawing;
        if x > 0.0 && x + drawing.size.w > room {
            (x, y, tall) = (0.0, y + tall + BETWEEN_PARTS, 0.0);
        }
        let by = at(x, y);
        for (&node, rect) in part.nodes.iter().zip(drawing.nodes) {
            all.nodes[node] = rect.moved(by);
        }
        for (&edge, route) in part.edges.iter().zip(drawing.routes) {
            all.routes[edge] = Route {
                path: route.path.moved(by),
                label: route.label.map(|label| label.moved(by)),
            };
        }
        for (ring, rect) in drawing.rings {
            let ring = ring.into_iter().map(|node| part.nodes[node]).collect();
            all.rings.push((ring, rect.moved(by)));
        }
        all.size.w = all.size.w.max(x + drawing.size.w);
        all.size.h = all.size.h.max(y + drawing.size.h);
        x += drawing.size.w + BETWEEN_PARTS;
        tall = tall.max(drawing.size.h);
    }
    all
}
