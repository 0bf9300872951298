//! The second phase: blocks, which are what the layers are made of. A block is one node, or a ring with all its nodes.
//!
//! A ring stands in two columns. Its edges run down the right column and back up the left one:
//!
//! ```text
//!  ┌────┐   ┌────┐
//!  │ m0 ├──▶│ m1 │     Every node has one side free, so that edges from other blocks reach it without passing through the ring.
//!  └────┘   └─┬──┘     An edge that comes from the wrong side takes a channel over the row of its node (under it, in the lower
//!    ▲        ▼        half) and bends into the node from there.
//!  ┌─┴──┐   ┌────┐
//!  │ m3 │◀──┤ m2 │     An odd one out stands at the bottom, between the columns.
//!  └────┘   └────┘
//! ```
//!
//! Other edges between nodes of one block (a second edge beside one of the ring, an edge across, an edge from a node to itself) run
//! in lanes around the block.

use super::Link;
use super::geometry::{Path, Point, Rect, Size, at};

/// Around a ring, within its block.
const PAD: f64 = 30.0;
/// Between a label and what stands before and behind it on its edge.
const BESIDE_LABEL: f64 = 20.0;
/// What the channels of a row take, and how far from the row they run.
const CHANNELS: f64 = 32.0;
const CHANNEL_IN: f64 = 14.0;
const CHANNEL_OUT: f64 = 24.0;
/// From the node at the bottom of a ring to where its edges bend up.
const BEND: f64 = 22.0;
/// How far the two edges of a ring of two lean apart.
const BOW: f64 = 14.0;
/// Between lanes.
const LANE: f64 = 14.0;
/// No edge ends nearer to the end of a side.
pub(super) const INSET: f64 = 16.0;

/// A direction along the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Towards the first layer.
    Low,
    /// Towards the last layer.
    High,
}

/// A node in its block.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) node: usize,
    pub(super) rect: Rect,
    /// The sides on which nothing stands between it and the edge of the block.
    pub(super) free: [bool; 2],
    /// Where its row begins and ends, and whether its channels are above that.
    row: (f64, f64),
    above: bool,
    /// The room that its channels take.
    channels: f64,
}

/// An edge that is drawn within its block.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) link: usize,
    pub(super) path: Path,
    pub(super) label: Option<Rect>,
}

/// What the layers are made of.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) size: Size,
    pub(super) members: Vec<Member>,
    pub(super) inner: Vec<Inner>,
    /// The ring with the air around it; none for a single node.
    pub(super) ring: Option<Rect>,
}

/// A ring, before anybody thinks about where it stands.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    pub(super) nodes: Vec<usize>,
    /// Its edges, the first from its first node to its second.
    pub(super) around: Vec<usize>,
    /// All other edges between its nodes.
    pub(super) across: Vec<usize>,
}

impl Block {
    /// A block of one node; `own` are the edges from it to itself.
    pub(super) fn single(node: usize, size: Size, own: &[usize], links: &[Link]) -> Block {
        let rect = Rect {
            x: 0.0,
            y: 0.0,
            w: size.w,
            h: size.h,
        };
        let mut all = rect;
        let mut inner = Vec::new();
        // How far the ears so far reach up, and to each side.
        let (mut reach, mut run) = (0.0, 0.0_f64);
        for &link in own {
            let label = links[link].label.unwrap_or_default();
            // An ear on top of the node; one around the other where there are more.
            run = (size.w / 2.0 - INSET)
                .min(34.0)
                .max(label.w / 2.0 + BESIDE_LABEL)
                .max(run + LANE);
            let middle = rect.center().x;
            let top = reach - 18.0 - label.h / 2.0;
            reach = top - label.h / 2.0;
            let foot = (size.w / 2.0 - INSET) * (inner.len() + 1) as f64 / own.len() as f64;
            let foot = foot.min(run);
            let points = [
                at(middle - foot, 0.0),
                at(middle - foot, -8.0),
                at(middle - run, -8.0),
                at(middle - run, top),
                at(middle + run, top),
                at(middle + run, -8.0),
                at(middle + foot, -8.0),
                at(middle + foot, 0.0),
            ];
            let path = if (run - foot).abs() < 1.0 {
                Path::along(&[points[0], points[3], points[4], points[7]], 9.0)
            } else {
                Path::along(&points, 6.0)
            };
            let label = links[link]
                .label
                .map(|label| Rect::centred(at(middle, top), label));
            all = all.with(path.bounds());
            if let Some(label) = label {
                all = all.with(label);
            }
            inner.push(Inner { link, path, label });
        }
        let members = vec![Member {
            node,
            rect,
            free: [true, true],
            row: (0.0, size.h),
            above: true,
            channels: 0.0,
        }];
        Block {
            size: Size::default(),
            members,
            inner,
            ring: None,
        }
        .at_origin(all)
    }

    /// A block of a ring; with room for channels if there has to be.
    pub(super) fn ring(ring: &Ring, sizes: &[Size], links: &[Link], channels: bool) -> Block {
        let Ring {
            nodes,
            around,
            across,
        } = ring;
        let labels: Vec<Size> = around
            .iter()
            .map(|&link| links[link].label.unwrap_or_default())
            .collect();
        let mut block = Block {
            size: Size::default(),
            members: stand(nodes, sizes, &labels, if channels { CHANNELS } else { 0.0 }),
            inner: Vec::new(),
            ring: None,
        };
        for (n, &link) in around.iter().enumerate() {
            let (path, label) = block.along_ring(n, labels[n]);
            let label = links[link].label.map(|size| Rect::centred(label, size));
            block.inner.push(Inner { link, path, label });
        }
        let mut all = block.extent();
        all = Rect {
            x: all.x - PAD,
            y: all.y - PAD,
            w: all.w + 2.0 * PAD,
            h: all.h + 2.0 * PAD,
        };
        block.ring = Some(all);
        for (lane, &link) in across.iter().enumerate() {
            let inner = block.in_lane(link, &links[link], &mut all, lane);
            block.inner.push(inner);
        }
        block.at_origin(all)
    }

    fn extent(&self) -> Rect {
        let mut all = self.members[0].rect;
        for member in &self.members {
            let row = Rect {
                y: member.row.0,
                h: member.row.1 - member.row.0,
                ..member.rect
            };
            all = all.with(member.rect).with(row);
        }
        for inner in &self.inner {
            all = all.with(inner.path.bounds());
            if let Some(label) = inner.label {
                all = all.with(label);
            }
        }
        all
    }

    /// The same block with the corner of `all` at the origin.
    fn at_origin(mut self, all: Rect) -> Block {
        let by = at(-all.x, -all.y);
        for member in &mut self.members {
            member.rect = member.rect.moved(by);
            member.row = (member.row.0 + by.y, member.row.1 + by.y);
        }
        for inner in &mut self.inner {
            inner.path = inner.path.moved(by);
            inner.label = inner.label.map(|label| label.moved(by));
        }
        self.ring = self.ring.map(|ring| ring.moved(by));
        self.size = Size { w: all.w, h: all.h };
        self
    }

    /// The path of the `n`th edge of the ring, and where the middle of its label is.
    fn along_ring(&self, n: usize, label: Size) -> (Path, Point) {
        let count = self.members.len();
        let (from, to) = (&self.members[n], &self.members[(n + 1) % count]);
        let (a, b) = (from.rect, to.rect);
        let down = count / 2;
        if count == 2 {
            // Two arcs, as of a lens.
            let shift = lens(label);
            let (y, bow, x0, x1) = if n == 0 {
                (a.center().y - shift, -BOW, a.right(), b.x)
            } else {
                (a.center().y + shift, BOW, a.x, b.right())
            };
            let lean = (x1 - x0) * 0.3;
            let mut path = Path::from(at(x0, y));
            path.pieces.push(super::geometry::Piece::Curve(
                at(x0 + lean, y + bow),
                at(x1 - lean, y + bow),
                at(x1, y),
            ));
            return (path, at(f64::midpoint(x0, x1), y + bow * 0.75));
        }
        let odd = count % 2 == 1;
        if odd && n == down {
            let x = a.center().x.max(b.right() + BEND);
            let mut path = Path::from(at(x, a.bottom()));
            path.line(at(x, b.center().y - 14.0));
            path.corner(at(x, b.center().y), at(x - 14.0, b.center().y));
            path.line(at(b.right(), b.center().y));
            return (path, at(x, between(from, to)));
        }
        if odd && n == down + 1 {
            let x = b.center().x.min(a.x - BEND);
            let mut path = Path::from(at(a.x, a.center().y));
            path.line(at(x + 14.0, a.center().y));
            path.corner(at(x, a.center().y), at(x, a.center().y - 14.0));
            path.line(at(x, b.bottom()));
            return (path, at(x, between(to, from)));
        }
        let mut path;
        if n == 0 {
            path = Path::from(at(a.right(), a.center().y));
            path.line(at(b.x, b.center().y));
            return (path, at(f64::midpoint(a.right(), b.x), a.center().y));
        }
        if n == down {
            path = Path::from(at(a.x, a.center().y));
            path.line(at(b.right(), b.center().y));
            return (path, at(f64::midpoint(a.x, b.right()), a.center().y));
        }
        // Along a column: down or up.
        let (upper, lower, start, end) = if n < down {
            (from, to, a.bottom(), b.y)
        } else {
            (to, from, a.y, b.bottom())
        };
        path = Path::from(at(a.center().x, start));
        path.line(at(b.center().x, end));
        (path, at(a.center().x, between(upper, lower)))
    }

    /// An edge between two nodes of the block, in the next lane around it.
    fn in_lane(&self, link: usize, edge: &Link, all: &mut Rect, lane: usize) -> Inner {
        let member = |node| {
            self.members
                .iter()
                .find(|member| member.node == node)
                .unwrap_or(&self.members[0])
        };
        let (from, to) = (member(edge.from), member(edge.to));
        let label = edge.label.unwrap_or_default();
        let side = |member: &Member| {
            if member.free[Side::Low as usize] {
                Side::Low
            } else {
                Side::High
            }
        };
        let (leaves, enters) = (side(from), side(to));
        let outside = |side: Side| match side {
            Side::Low => all.x - LANE,
            Side::High => all.right() + LANE,
        };
        let border = |member: &Member, side: Side, shift: f64| {
            let y = member.rect.center().y + shift;
            match side {
                Side::Low => at(member.rect.x, y),
                Side::High => at(member.rect.right(), y),
            }
        };
        let most = |member: &Member| (member.rect.h / 2.0 - INSET).max(0.0);
        // An edge from a node to itself is seen on both sides of its label.
        let own = if from.node == to.node {
            label.h / 2.0
        } else {
            0.0
        };
        let spread = |member: &Member| most(member).min(10.0 + own + 3.0 * lane as f64);
        let start = border(from, leaves, spread(from));
        let end = border(to, enters, -spread(to));
        let (points, middle) = if leaves == enters && from.node != to.node {
            let x = match leaves {
                Side::Low => outside(leaves) - label.w / 2.0,
                Side::High => outside(leaves) + label.w / 2.0,
            };
            let points = vec![start, at(x, start.y), at(x, end.y), end];
            (points, at(x, f64::midpoint(start.y, end.y)))
        } else {
            let (x0, x1) = (outside(leaves), outside(enters));
            let y = all.y - LANE - label.h / 2.0;
            let x1 = if leaves == enters { x0 } else { x1 };
            if leaves == enters {
                // From a node to itself.
                let x = match leaves {
                    Side::Low => x0 - label.w / 2.0,
                    Side::High => x0 + label.w / 2.0,
                };
                let points = vec![start, at(x, start.y), at(x, end.y), end];
                (points, at(x, f64::midpoint(start.y, end.y)))
            } else {
                let points = vec![
                    start,
                    at(x0, start.y),
                    at(x0, y),
                    at(x1, y),
                    at(x1, end.y),
                    end,
                ];
                (points, at(f64::midpoint(x0, x1), y))
            }
        };
        let path = Path::along(&points, 8.0);
        let label = edge.label.map(|size| Rect::centred(middle, size));
        *all = all.with(path.bounds());
        if let Some(label) = label {
            *all = all.with(label);
        }
        Inner { link, path, label }
    }

    /// The way of an edge from the border of the block on `side` to a node that has something standing there: a path that begins at
    /// the border.
    pub(super) fn channel(&self, member: usize, side: Side, incoming: bool) -> Path {
        let member = &self.members[member];
        let rect = member.rect;
        let away = if incoming { CHANNEL_IN } else { CHANNEL_OUT };
        let (y, end) = if member.above {
            (member.row.0 - away, rect.y)
        } else {
            (member.row.1 + away, rect.bottom())
        };
        let off = (rect.w / 2.0 - INSET).min(if incoming { 22.0 } else { 36.0 });
        let (from, x) = match side {
            Side::Low => (0.0, rect.center().x - off),
            Side::High => (self.size.w, rect.center().x + off),
        };
        Path::along(&[at(from, y), at(x, y), at(x, end)], 10.0)
    }
}

/// The middle between two rows, out of the way of their channels.
fn between(upper: &Member, lower: &Member) -> f64 {
    let from = upper.row.1 + if upper.above { 0.0 } else { upper.channels };
    let until = lower.row.0 - if lower.above { lower.channels } else { 0.0 };
    f64::midpoint(from, until)
}

/// How far the two arcs of a ring of two are from its middle.
fn lens(label: Size) -> f64 {
    (label.h / 2.0).max(12.0)
}

/// Where the nodes of a ring stand.
fn stand(nodes: &[usize], sizes: &[Size], labels: &[Size], room: f64) -> Vec<Member> {
    let count = nodes.len();
    let (down, rows) = (count / 2, count.div_ceil(2));
    let odd = count % 2 == 1;
    // The row and the column of the nth node.
    let row = |n: usize| match n {
        0 => 0,
        _ if n <= down => n - 1,
        _ => count - n,
    };
    let last = |n: usize| odd && n == down + 1;
    let right = |n: usize| (1..=down).contains(&n);
    let mut size: Vec<Size> = nodes.iter().map(|&node| sizes[node]).collect();
    if count == 2 {
        let least = 2.0 * labels.iter().copied().map(lens).fold(0.0, f64::max) + 2.0 * INSET;
        for size in &mut size {
            size.h = size.h.max(least);
        }
    }

    let widest = |side: bool| {
        let column = (0..count).filter(|&n| right(n) == side && !last(n));
        column.map(|n| size[n].w).fold(0.0, f64::max)
    };
    let (left_w, right_w) = (widest(false), widest(true));
    let level = (0..count).filter(|&n| n == 0 || (n == down && !odd) || count == 2);
    let label_w = level.map(|n| labels[n].w).fold(0.0, f64::max);
    let mut between = (label_w + 2.0 * BESIDE_LABEL + 18.0).max(90.0);
    if odd {
        let least = size[down + 1].w + left_w.max(right_w) + 2.0 * BEND;
        between = between.max(least - left_w - right_w);
    }
    // Labels on edges along the columns may be wider than the columns.
    let label_w = labels.iter().map(|label| label.w).fold(0.0, f64::max);
    between = between.max(label_w + BESIDE_LABEL - f64::midpoint(left_w, right_w));
    let whole = left_w + between + right_w;

    let above = |row: usize| row * 2 < rows;
    let mut tops = vec![0.0; rows];
    let mut y = 0.0;
    let mut ends = vec![0.0; rows];
    for this in 0..rows {
        tops[this] = y;
        let tallest = (0..count).filter(|&n| row(n) == this);
        let tallest = tallest.map(|n| size[n].h).fold(0.0, f64::max);
        // An edge along the row has its label in the row.
        let along = (0..count).filter(|&n| row(n) == this && row((n + 1) % count) == this);
        let label = along.map(|n| match count {
            2 => 2.0 * (lens(labels[n]) + BOW * 0.75) + labels[n].h,
            _ => labels[n].h,
        });
        y += label.fold(tallest, f64::max);
        ends[this] = y;
        // The edges that lead from this row to the next.
        let edges = (0..count).filter(|&n| {
            let (a, b) = (row(n), row((n + 1) % count));
            a.min(b) == this && a != b
        });
        let label = edges.map(|n| labels[n].h).fold(0.0, f64::max);
        let channels = if above(this + 1) || !above(this) {
            room
        } else {
            0.0
        };
        y += (label + 2.0 * BESIDE_LABEL).max(46.0) + channels;
    }
    (0..count)
        .map(|n| {
            let this = row(n);
            let x = if last(n) {
                whole / 2.0
            } else if right(n) {
                whole - right_w / 2.0
            } else {
                left_w / 2.0
            };
            Member {
                node: nodes[n],
                rect: Rect::centred(at(x, f64::midpoint(tops[this], ends[this])), size[n]),
                free: [!right(n), right(n) || last(n)],
                row: (tops[this], ends[this]),
                above: above(this),
                channels: room,
            }
        })
        .collect()
}
