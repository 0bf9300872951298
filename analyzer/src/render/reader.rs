//! A reader of SVG that accepts what our pictures are written in and panics at anything that is no well-formed XML.

use super::text::{Font, width};

/// Everything in a picture.
pub(super) struct Document {
    pub(super) elements: Vec<Element>,
}

#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    /// Not drawn itself.
    pub(super) in_defs: bool,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
}

impl Bounds {
    pub(super) fn overlaps(self, other: Bounds) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }

    pub(super) fn holds(self, other: Bounds) -> bool {
        self.x0 <= other.x0 && self.y0 <= other.y0 && other.x1 <= self.x1 && other.y1 <= self.y1
    }
}

/// A text and the place that is kept for it.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) words: String,
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) bounds: Bounds,
}

impl Document {
    pub(super) fn read(svg: &str) -> Document {
        let mut elements: Vec<Element> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut rest = svg;
        while let Some(at) = rest.find('<') {
            let (text, tag) = rest.split_at(at);
            match open.last() {
                Some(&parent) => elements[parent].text.push_str(&unescape(text)),
                None => assert!(text.trim().is_empty(), "text outside: {text:?}"),
            }
            let end = tag.find('>').expect("a tag ends");
            let inside = &tag[1..end];
            rest = &tag[end + 1..];
            if let Some(name) = inside.strip_prefix('/') {
                let opened = open.pop().expect("something is open");
                assert_eq!(elements[opened].name, name, "elements are nested");
                continue;
            }
            let (inside, closed) = inside
                .strip_suffix('/')
                .map_or((inside, false), |inside| (inside, true));
            let (name, attributes) = attributes(inside);
            assert!(!open.is_empty() || elements.is_empty(), "there is one root");
            elements.push(Element {
                name,
                attributes,
                text: String::new(),
                in_defs: open.iter().any(|&parent| elements[parent].name == "defs"),
            });
            if !closed {
                open.push(elements.len() - 1);
            }
        }
        assert!(
            open.is_empty() && rest.trim().is_empty(),
            "everything is closed: {rest:?}"
        );
        Document { elements }
    }

    pub(super) fn page(&self) -> Bounds {
        Bounds {
            x0: 0.0,
            y0: 0.0,
            x1: self.elements[0].number("width"),
            y1: self.elements[0].number("height"),
        }
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = Text> {
        self.elements
            .iter()
            .filter(|element| element.name == "text")
            .map(Element::to_text)
    }

    /// The bounds of all rectangles that have this attribute.
    pub(super) fn rects_with(&self, key: &str, value: &str) -> impl Iterator<Item = Bounds> {
        let rects = self
            .elements
            .iter()
            .filter(|element| element.name == "rect" && !element.in_defs);
        rects
            .filter(move |rect| rect.get(key) == Some(value))
            .map(Element::rect)
    }

    /// The bounds of each shape in the paths with this fill.
    pub(super) fn paths(&self, fill: &str) -> impl Iterator<Item = Bounds> {
        let paths = self
            .elements
            .iter()
            .filter(move |element| element.name == "path" && element.get("fill") == Some(fill));
        paths.flat_map(|path| path.get("d").unwrap().split('M').skip(1).map(bounds))
    }
}

impl Element {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.get(key).unwrap_or("0").parse().expect("a number")
    }

    pub(super) fn rect(&self) -> Bounds {
        let (x, y) = (self.number("x"), self.number("y"));
        Bounds {
            x0: x,
            y0: y,
            x1: x + self.number("width"),
            y1: y + self.number("height"),
        }
    }

    fn to_text(&self) -> Text {
        let (x, y, size) = (self.number("x"), self.number("y"), self.number("font-size"));
        let bold = self.get("font-weight").is_some();
        let font = Font {
            size: (size * 10.0).round() as i32,
            bold,
            mono: self.get("font-family").is_some(),
        };
        let wide = f64::from(width(&self.text, font)) / 10.0;
        let x0 = match self.get("text-anchor") {
            Some("end") => x - wide,
            Some("middle") => x - wide / 2.0,
            _ => x,
        };
        Text {
            words: self.text.clone(),
            size,
            bold,
            bounds: Bounds {
                x0,
                y0: y - size * 0.75,
                x1: x0 + wide,
                y1: y + size * 0.22,
            },
        }
    }
}

fn attributes(tag: &str) -> (String, Vec<(String, String)>) {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(
        name.chars().all(|c| c.is_ascii_alphabetic()),
        "a name: {name:?}"
    );
    let mut attributes: Vec<(String, String)> = Vec::new();
    while !rest.trim_start().is_empty() {
        let (key, value) = rest.trim_start().split_once("=\"").expect("a quoted value");
        let (value, after) = value.split_once('"').expect("a quote that ends");
        assert!(
            key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "a key: {key:?}"
        );
        assert!(
            !attributes.iter().any(|(name, _)| name == key),
            "{key} is given once"
        );
        assert!(!value.contains('<'));
        attributes.push((key.to_owned(), unescape(value)));
        rest = after;
    }
    (name.to_owned(), attributes)
}

/// The text that is meant; panics at references that are none, and at characters that XML does not allow.
fn unescape(text: &str) -> String {
    let allowed = |c: char| {
        matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            && c != '\u{7f}'
    };
    assert!(text.chars().all(allowed), "{text:?}");
    let mut parts = text.split('&');
    let mut meant = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, after) = part.split_once(';').expect("a reference that ends");
        meant.push(match reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            _ => panic!("&{reference};"),
        });
        meant.push_str(after);
    }
    meant
}

/// The bounds of one shape: `x y` where it begins, then `v` and `h` with lengths.
fn bounds(shape: &str) -> Bounds {
    let shape = shape.trim_end_matches('z');
    let (x, after) = shape.split_once(' ').expect("two coordinates");
    let end = after.find(['v', 'h']).expect("a line");
    let (mut x, mut y): (f64, f64) = (x.parse().unwrap(), after[..end].parse().unwrap());
    let mut bounds = Bounds {
        x0: x,
        y0: y,
        x1: x,
        y1: y,
    };
    let mut rest = &after[end..];
    while let Some(direction) = rest.chars().next() {
        let end = rest[1..].find(['v', 'h']).map_or(rest.len(), |end| end + 1);
        let length: f64 = rest[1..end].parse().unwrap();
        if direction == 'h' {
            x += length;
        } else {
            y += length;
        }
        bounds = Bounds {
            x0: bounds.x0.min(x),
            y0: bounds.y0.min(y),
            x1: bounds.x1.max(x),
            y1: bounds.y1.max(y),
        };
        rest = &rest[end..];
    }
    bounds
}
