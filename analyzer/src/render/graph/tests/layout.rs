//! What holds for the layout of any graph.

use proptest::prelude::*;

use crate::render::graph::layout::{Drawing, Link, Path, Piece, Point, Rect, Size, lay_out};

/// Sizes and links of some graph.
fn graphs() -> impl Strategy<Value = (Vec<Size>, Vec<Link>)> {
    let size = (20..260_u32, 30..120_u32).prop_map(|(w, h)| Size {
        w: f64::from(w),
        h: f64::from(h),
    });
    prop::collection::vec(size, 1..24).prop_flat_map(|sizes| {
        let count = sizes.len();
        let label = prop::option::of((10..140_u32, 14..50_u32));
        let link = (0..count, 0..count, label, prop::bool::weighted(0.4));
        let link = link.prop_map(|(from, to, label, strong)| Link {
            from,
            to,
            label: label.map(|(w, h)| Size {
                w: f64::from(w),
                h: f64::from(h),
            }),
            strong,
        });
        let links = prop::collection::vec(link, 0..count * 2);
        (Just(sizes), links)
    })
}

/// A ring of nodes, other edges between them, and nodes that hang off it on both sides.
fn rings() -> impl Strategy<Value = (Vec<Size>, Vec<Link>)> {
    (2..9_usize, 0..8_usize).prop_flat_map(|(ring, more)| {
        let count = ring + more;
        let size = (60..260_u32, 30..120_u32).prop_map(|(w, h)| Size {
            w: f64::from(w),
            h: f64::from(h),
        });
        let label = || {
            prop::option::of((10..140_u32, 14..50_u32)).prop_map(|label| {
                label.map(|(w, h)| Size {
                    w: f64::from(w),
                    h: f64::from(h),
                })
            })
        };
        let sizes = prop::collection::vec(size, count);
        let around = prop::collection::vec(label(), ring);
        let others = prop::collection::vec((0..count, 0..count, label()), 0..count * 2);
        (sizes, around, others).prop_map(move |(sizes, around, others)| {
            let mut links: Vec<Link> = Vec::new();
            for (n, label) in around.into_iter().enumerate() {
                links.push(Link {
                    from: n,
                    to: (n + 1) % ring,
                    label,
                    strong: true,
                });
            }
            for (from, to, label) in others {
                links.push(Link {
                    from,
                    to,
                    label,
                    strong: false,
                });
            }
            (sizes, links)
        })
    })
}

fn overlap(a: Rect, b: Rect) -> bool {
    let slack = 0.01;
    a.x + slack < b.right()
        && b.x + slack < a.right()
        && a.y + slack < b.bottom()
        && b.y + slack < a.bottom()
}

fn inside(rect: Rect, point: Point) -> bool {
    point.x > rect.x + 0.1
        && point.x < rect.right() - 0.1
        && point.y > rect.y + 0.1
        && point.y < rect.bottom() - 0.1
}

fn on_border(rect: Rect, point: Point) -> bool {
    let slack = 0.01;
    let within = point.x > rect.x - slack
        && point.x < rect.right() + slack
        && point.y > rect.y - slack
        && point.y < rect.bottom() + slack;
    let edge = [
        point.x - rect.x,
        point.x - rect.right(),
        point.y - rect.y,
        point.y - rect.bottom(),
    ];
    within && edge.iter().any(|distance| distance.abs() < slack)
}

/// Points along a path, close to each other.
fn points(path: &Path) -> Vec<Point> {
    let mut from = path.start;
    let mut points = vec![from];
    for piece in &path.pieces {
        let end = piece.end();
        for n in 1..=32 {
            let t = f64::from(n) / 32.0;
            let (a, b) = match *piece {
                Piece::Line(_) => (
                    Point {
                        x: from.x + (end.x - from.x) / 3.0,
                        y: from.y + (end.y - from.y) / 3.0,
                    },
                    Point {
                        x: end.x - (end.x - from.x) / 3.0,
                        y: end.y - (end.y - from.y) / 3.0,
                    },
                ),
                Piece::Curve(a, b, _) => (a, b),
            };
            let s = 1.0 - t;
            let mix = |p: f64, q: f64, r: f64, z: f64| {
                s * s * s * p + 3.0 * s * s * t * q + 3.0 * s * t * t * r + t * t * t * z
            };
            points.push(Point {
                x: mix(from.x, a.x, b.x, end.x),
                y: mix(from.y, a.y, b.y, end.y),
            });
        }
        from = end;
    }
    points
}

/// Checks a drawing; the first `around` links are those of a ring.
fn check(
    sizes: &[Size],
    links: &[Link],
    around: usize,
    drawing: &Drawing,
) -> Result<(), TestCaseError> {
    let page = Rect {
        w: drawing.size.w,
        h: drawing.size.h,
        ..Rect::default()
    };
    let page = Rect {
        x: -0.01,
        y: -0.01,
        w: page.w + 0.02,
        h: page.h + 0.02,
    };
    for (n, node) in drawing.nodes.iter().enumerate() {
        prop_assert!(node.w >= sizes[n].w && node.h >= sizes[n].h, "node {n}");
        prop_assert!(page.holds(*node), "node {n} {node:?} in {page:?}");
        for (m, other) in drawing.nodes.iter().enumerate().skip(n + 1) {
            prop_assert!(
                !overlap(*node, *other),
                "nodes {n} {node:?} and {m} {other:?}"
            );
        }
    }
    // Behind the labels of edges across a ring others may pass.
    let across = |link: &Link| {
        let mut rings = drawing.rings.iter();
        rings.any(|(ring, _)| ring.contains(&link.from) && ring.contains(&link.to))
    };
    let labels: Vec<Option<Rect>> = links
        .iter()
        .zip(&drawing.routes)
        .enumerate()
        .map(|(n, (link, route))| route.label.filter(|_| n < around || !across(link)))
        .collect();
    for (n, (link, route)) in links.iter().zip(&drawing.routes).enumerate() {
        let (start, end) = (route.path.start, route.path.end());
        let (from, to) = (drawing.nodes[link.from], drawing.nodes[link.to]);
        prop_assert!(
            on_border(from, start),
            "link {n} begins at {start:?}, not on {from:?}"
        );
        prop_assert!(
            on_border(to, end),
            "link {n} ends at {end:?}, not on {to:?}"
        );
        prop_assert!(page.holds(route.path.bounds()), "link {n} leaves {page:?}");
        for point in points(&route.path) {
            for (m, label) in labels.iter().enumerate().filter(|(m, _)| *m != n) {
                prop_assert!(
                    !label.is_some_and(|label| inside(label, point)),
                    "link {n} {link:?} passes through label {m} at {point:?}"
                );
            }
            for (m, node) in drawing.nodes.iter().enumerate() {
                prop_assert!(
                    !inside(*node, point),
                    "link {n} {link:?} passes through node {m} at {point:?}"
                );
            }
        }
        prop_assert_eq!(route.label.is_some(), link.label.is_some());
        let Some(label) = route.label else { continue };
        prop_assert!(page.holds(label), "label {n} {label:?} in {page:?}");
        for (m, node) in drawing.nodes.iter().enumerate() {
            prop_assert!(
                !overlap(label, *node),
                "label {n} {label:?} on node {m} {node:?}"
            );
        }
        for (m, other) in drawing.routes.iter().enumerate().skip(n + 1) {
            if let Some(other) = other.label {
                prop_assert!(
                    !overlap(label, other),
                    "labels {n} {label:?} and {m} {other:?}"
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_overlaps_and_every_edge_ends_at_its_nodes((sizes, links) in graphs()) {
        let drawing = lay_out(&sizes, &links);
        check(&sizes, &links, 0, &drawing)?;
        prop_assert_eq!(drawing, lay_out(&sizes, &links));
    }

    #[test]
    fn the_same_holds_around_rings((sizes, links) in rings()) {
        let drawing = lay_out(&sizes, &links);
        // The shortest cycle is the ring; that need not be the one of all strong links.
        let around = links.iter().filter(|link| link.strong).count();
        let around = if drawing.rings[0].0.len() == around { around } else { 0 };
        check(&sizes, &links, around, &drawing)?;
        prop_assert!(!drawing.rings.is_empty());
    }
}

#[test]
fn a_graph_of_two_thousand_nodes_is_laid_out_whatever_its_form() {
    let size = Size { w: 150.0, h: 50.0 };
    let label = Some(Size { w: 60.0, h: 18.0 });
    let link = |from, to| Link {
        from,
        to,
        label,
        strong: from % 7 == 0,
    };
    let count = 2_000;
    let star: Vec<Link> = (1..count).map(|n| link(n, 0)).collect();
    let chain: Vec<Link> = (1..count).map(|n| link(n - 1, n)).collect();
    let mut leaps = chain.clone();
    leaps.extend((0..count).map(|n| link(n / 2, count - 1 - n / 2)));
    let circle: Vec<Link> = (0..count).map(|n| link(n, (n + 1) % count)).collect();
    let dense: Vec<Link> = (0..count * 2)
        .map(|n| link(n * 7 % 90, n * 13 % 97))
        .collect();
    for links in [star, chain, leaps, circle, dense, Vec::new()] {
        let drawing = lay_out(&vec![size; count], &links);
        assert!(drawing.size.w > 0.0 && drawing.size.h > 0.0);
    }
}
