//! What the numbers in events stand for: strings, places in source, functions, threads.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use ais_format::chunk::Chunk;
use ais_format::event;

/// A place in source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// The file, relative to the workspace or to the crate.
    pub file: Arc<str>,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl serde::Serialize for Location {
    /// As it is written: `src/bank.rs:41:22`.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A name without its numbers: `worker 3` and `worker 14` are both of the kind `worker N`.
pub fn kind_of_name(name: &str) -> String {
    let mut kind = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '0'..='9' if kind.ends_with('N') => {}
            '0'..='9' => kind.push('N'),
            _ => kind.push(c),
        }
    }
    kind
}

/// What the name of an async block ends in; before it stands that of the function.
const IN_BLOCK: &str = "::{block}";

/// A name or an expression on one line, of so many characters at most.
pub fn on_one_line(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= most {
        return line;
    }
    line.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// An instrumented function, or a name given to a future.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name, with the module's path where `#[trace]` made it.
    pub name: Arc<str>,
    /// Where it is defined, or the name was given.
    pub location: Option<Location>,
    /// Its await points in source order; none where they are not known (a bare name).
    pub points: Option<Vec<AwaitPoint>>,
    /// Macros called in it in which something is awaited that is not among its await points, in source order.
    pub unseen: Vec<UnseenAwaits>,
}

impl Function {
    /// Its name without the module's path: `transfer`, or `transfer::{block}` for an async block in that function.
    pub fn short_name(&self) -> &str {
        let function = self.name.strip_suffix(IN_BLOCK).unwrap_or(&self.name);
        let start = function.rfind("::").map_or(0, |at| at + 2);
        &self.name[start..]
    }

    /// How it reads as what has states: `transfer()`, but `transfer::{block}`, which nobody calls.
    pub fn title(&self) -> String {
        title_of(self.short_name())
    }
}

/// How a name of [`Function::short_name`] reads as what has states.
pub(crate) fn title_of(short_name: &str) -> String {
    let call = if short_name.ends_with('}') { "" } else { "()" };
    format!("{short_name}{call}")
}

/// A macro call in which something is awaited without being seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnseenAwaits {
    /// The macro's path, as it is called: `tokio::select!`.
    pub name: Arc<str>,
    /// Where it is called.
    pub location: Option<Location>,
}

/// One `.await` of a function.
#[derive(Clone, Debug)]
pub struct AwaitPoint {
    /// What is awaited, as it stands in source.
    pub expression: Arc<str>,
    /// Where the `await` stands.
    pub location: Option<Location>,
}

/// The definitions of a trace.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: HashMap<u64, Arc<str>>,
    locations: HashMap<u64, event::Location>,
    functions: HashMap<u64, event::Function>,
    points: HashMap<(u64, u64), event::AwaitPoint>,
    threads: HashMap<u64, u64>,
    /// Of each function; in the order of their locations, whose numbers are in the order in which they were first seen.
    unseen: HashMap<u64, BTreeSet<(u64, u64)>>,
}

impl Names {
    /// Takes in the definitions of a chunk.
    pub fn add(&mut self, chunk: &Chunk) {
        self.texts.extend(
            chunk
                .texts
                .iter()
                .map(|(id, text)| (*id, Arc::from(text.as_str()))),
        );
        self.locations.extend(
            chunk
                .definitions::<event::Location>()
                .map(|row| (row.id, row)),
        );
        self.functions.extend(
            chunk
                .definitions::<event::Function>()
                .map(|row| (row.id, row)),
        );
        self.points.extend(
            chunk
                .definitions::<event::AwaitPoint>()
                .map(|row| ((row.function, row.index), row)),
        );
        for row in chunk.definitions::<event::Unseen>() {
            let calls = self.unseen.entry(row.function).or_default();
            calls.insert((row.location, row.name));
        }
        self.threads.extend(
            chunk
                .definitions::<event::Thread>()
                .map(|row| (row.id, row.name)),
        );
    }

    /// A string; none for number zero, or where its definition is lost.
    pub fn text(&self, id: u64) -> Option<Arc<str>> {
        self.texts.get(&id).cloned()
    }

    /// A place; none for number zero, or where its definition is lost.
    pub fn location(&self, id: u64) -> Option<Location> {
        let row = self.locations.get(&id)?;
        Some(Location {
            file: self.text(row.file)?,
            line: row.line,
            column: row.column,
        })
    }

    /// The name of a thread.
    pub fn thread(&self, id: u64) -> Option<Arc<str>> {
        self.threads.get(&id).and_then(|&name| self.text(name))
    }

    fn unseen_in(&self, function: u64) -> Vec<UnseenAwaits> {
        let calls = self.unseen.get(&function).into_iter().flatten();
        calls
            .map(|&(location, name)| UnseenAwaits {
                name: self.text(name).unwrap_or_else(|| Arc::from("?")),
                location: self.location(location),
            })
            .collect()
    }

    /// A function; none where its definition is lost.
    pub fn function(&self, id: u64) -> Option<Function> {
        let row = self.functions.get(&id)?;
        let points = (row.flags & event::function_flag::HAS_POINTS != 0).then(|| {
            let unknown = || Arc::from("?");
            (0..row.points.min(u64::from(u16::MAX)))
                .map(|index| {
                    let point = self.points.get(&(id, index));
                    AwaitPoint {
                        expression: point
                            .and_then(|p| self.text(p.expression))
                            .unwrap_or_else(unknown),
                        location: point.and_then(|p| self.location(p.location)),
                    }
                })
                .collect()
        });
        Some(Function {
            name: self.text(row.name).unwrap_or_else(|| Arc::from("?")),
            location: self.location(row.location),
            points,
            unseen: self.unseen_in(id),
        })
    }
}
