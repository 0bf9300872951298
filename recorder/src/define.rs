//! Numbers for what events speak of: strings, places in source, functions, threads.
//!
//! A definition is made once, under a lock, the first time something is used; hot paths keep the number (in a `static` for functions,
//! in a small table per thread for places). Definitions stay for the life of the process, so that every recording can begin with all
//! of them; how many different strings there may be is bounded.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::Location as StdLocation;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use ais_format::chunk::ChunkBuilder;
use ais_format::event::{AwaitPoint, Function, Location, Thread, Unseen};
use ais_format::live::{write_row, write_text};

use crate::segment;

/// The most names that a program can give to tasks, futures, resources and threads; those beyond it become [`TOO_MANY`]. What comes from source
/// (files, functions, expressions) is bounded by the source, and has no such limit.
const MAX_NAMES: usize = 1 << 17;
/// The longest string that is kept, in bytes.
const MAX_TEXT: usize = 1024;
/// The name of what has no name left.
const TOO_MANY: &str = "(too many names)";

/// One definition, in the order in which they were made: a later one may speak of an earlier one.
enum Definition {
    Text(u64, Box<str>),
    Location(Location),
    Function(Function),
    AwaitPoint(AwaitPoint),
    Thread(Thread),
    Unseen(Unseen),
}

#[derive(Default)]
pub(crate) struct Definitions {
    all: Vec<Definition>,
    texts: HashMap<Box<str>, u64>,
    locations: HashMap<(u64, u32, u32), u64>,
    names: HashMap<(u64, u64), u64>,
    functions: u64,
    /// How many of the texts are names that the program gave.
    given: usize,
}

/// The lock of the definitions.
pub(crate) type DefinitionsLock = MutexGuard<'static, Definitions>;

pub(crate) fn lock() -> DefinitionsLock {
    static DEFINITIONS: OnceLock<Mutex<Definitions>> = OnceLock::new();
    DEFINITIONS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

impl Definitions {
    /// Adds one, also where it outlives the process until it is in the trace.
    fn add(&mut self, definition: Definition) {
        let mut words = Vec::new();
        match &definition {
            Definition::Text(id, text) => write_text(&mut words, *id, text),
            Definition::Location(row) => write_row(&mut words, row),
            Definition::Function(row) => write_row(&mut words, row),
            Definition::AwaitPoint(row) => write_row(&mut words, row),
            Definition::Thread(row) => write_row(&mut words, row),
            Definition::Unseen(row) => write_row(&mut words, row),
        }
        segment::keep_definitions(&words);
        self.all.push(definition);
    }

    /// A string from source.
    fn text(&mut self, text: &str) -> u64 {
        let text = &text[..text.floor_char_boundary(MAX_TEXT)];
        if let Some(&id) = self.texts.get(text) {
            return id;
        }
        let id = self.texts.len() as u64 + 1;
        self.texts.insert(text.into(), id);
        self.add(Definition::Text(id, text.into()));
        id
    }

    /// A name that the program made up.
    fn name(&mut self, name: &str) -> u64 {
        let before = self.texts.len();
        if self.given >= MAX_NAMES
            && !self
                .texts
                .contains_key(&name[..name.floor_char_boundary(MAX_TEXT)])
        {
            return self.text(TOO_MANY);
        }
        let id = self.text(name);
        self.given += self.texts.len() - before;
        id
    }

    fn location(&mut self, file: &str, line: u32, column: u32) -> u64 {
        let file = self.text(&shorten_path(file));
        let next = self.locations.len() as u64 + 1;
        let id = *self.locations.entry((file, line, column)).or_insert(next);
        if id == next {
            self.add(Definition::Location(Location {
                id,
                file,
                line: line.into(),
                column: column.into(),
            }));
        }
        id
    }

    fn function(&mut self, name: u64, location: u64, points: u64, flags: u64) -> u64 {
        self.functions += 1;
        let id = self.functions;
        self.add(Definition::Function(Function {
            id,
            name,
            location,
            points,
            flags,
        }));
        id
    }
}

/// The number of a name that the program gave to a task or a resource.
pub(crate) fn name(name: &str) -> u64 {
    lock().name(name)
}

/// The number of the name of a type, quickly where this thread has used it before.
pub(crate) fn type_name<T>() -> u64 {
    const SLOTS: usize = 64;
    thread_local! {
        static CACHE: [Cell<(usize, usize, u32)>; SLOTS] =
            const { [const { Cell::new((0, 0, 0)) }; SLOTS] };
    }
    let name = std::any::type_name::<T>();
    // A string constant is known by where it lies.
    let (address, len) = (name.as_ptr().addr(), name.len());
    CACHE.with(|cache| {
        let slot = &cache[(address ^ len) % SLOTS];
        let (cached, cached_len, id) = slot.get();
        if (cached, cached_len) == (address, len) {
            return u64::from(id);
        }
        let id = lock().text(name);
        slot.set((address, len, id as u32));
        id
    })
}

/// The number of a place in source, quickly where this thread has used it before.
#[inline]
#[must_use]
pub fn location(place: &'static StdLocation<'static>) -> u64 {
    const SLOTS: usize = 64;
    thread_local! {
        static CACHE: [Cell<(usize, u32)>; SLOTS] = const { [const { Cell::new((0, 0)) }; SLOTS] };
    }
    #[cold]
    #[inline(never)]
    fn look_up(place: &'static StdLocation<'static>) -> u32 {
        let id = lock().location(place.file(), place.line(), place.column());
        let address = std::ptr::from_ref(place).addr();
        CACHE.with(|cache| cache[(address >> 3) % SLOTS].set((address, id as u32)));
        id as u32
    }
    let address = std::ptr::from_ref(place).addr();
    let (cached, id) = CACHE.with(|cache| cache[(address >> 3) % SLOTS].get());
    if cached == address {
        return id.into();
    }
    look_up(place).into()
}

/// The number of a name that was given to a future at a place.
pub(crate) fn named_future(name: &str, place: &'static StdLocation<'static>) -> u64 {
    let mut definitions = lock();
    let name = definitions.name(name);
    let location = definitions.location(place.file(), place.line(), place.column());
    if let Some(&id) = definitions.names.get(&(name, location)) {
        return id;
    }
    let id = definitions.function(name, location, 0, 0);
    definitions.names.insert((name, location), id);
    id
}

/// A place in source, as macros know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SourcePlace {
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A text of the source and where it stands: an awaited expression, the path of a macro.
pub(crate) type Quote = (&'static str, SourcePlace);

/// The number of a function with all its await points, and with the macros in it that hide some. `known` is where that number is kept:
/// whichever thread comes first defines the function, the others find it there.
pub(crate) fn function(
    known: &AtomicU32,
    name: &str,
    place: SourcePlace,
    points: impl ExactSizeIterator<Item = Quote>,
    unseen: impl Iterator<Item = Quote>,
) -> u64 {
    let mut definitions = lock();
    let id = known.load(Ordering::Relaxed);
    if id != 0 {
        return id.into();
    }
    let name = definitions.text(name);
    let location = definitions.location(place.file, place.line, place.column);
    let flags = ais_format::event::function_flag::HAS_POINTS;
    let id = definitions.function(name, location, points.len() as u64, flags);
    for (index, (expression, place)) in points.enumerate() {
        let expression = definitions.text(expression);
        let location = definitions.location(place.file, place.line, place.column);
        let point = AwaitPoint {
            function: id,
            index: index as u64,
            expression,
            location,
        };
        definitions.add(Definition::AwaitPoint(point));
    }
    for (name, place) in unseen {
        let name = definitions.text(name);
        let location = definitions.location(place.file, place.line, place.column);
        definitions.add(Definition::Unseen(Unseen {
            function: id,
            name,
            location,
        }));
    }
    known.store(id as u32, Ordering::Relaxed);
    id
}

/// Defines a thread.
pub(crate) fn thread(id: u64, name: Option<&str>) {
    let mut definitions = lock();
    // Given by the program, which may number its threads for ever.
    let name = name.map_or(0, |name| definitions.name(name));
    definitions.add(Definition::Thread(Thread { id, name }));
}

/// Adds definitions to a chunk, from number `from` on and as many as a chunk may well hold; returns where to go on next time.
pub(crate) fn add_to(chunk: &mut ChunkBuilder, from: usize) -> usize {
    let definitions = lock();
    let mut added = from;
    for definition in definitions.all.iter().skip(from) {
        if chunk.is_large() {
            break;
        }
        match definition {
            Definition::Text(id, text) => chunk.text(*id, text),
            Definition::Location(row) => chunk.define(row),
            Definition::Function(row) => chunk.define(row),
            Definition::AwaitPoint(row) => chunk.define(row),
            Definition::Thread(row) => chunk.define(row),
            Definition::Unseen(row) => chunk.define(row),
        }
        added += 1;
    }
    added
}

/// The first `count` definitions are in the trace.
pub(crate) fn are_written(count: usize) {
    let definitions = lock();
    if definitions.all.len() == count {
        segment::drop_definitions();
    }
}

/// A path as it may be shown to others: relative to the workspace as the compiler gives it, `crate-version/src/…` for a crate from a
/// registry, `rust/library/…` for the standard library. No home folder and no registry path is left of an absolute path.
fn shorten_path(path: &str) -> String {
    let path = path.replace('\\', "/");
    let is_absolute = path.starts_with('/') || path.as_bytes().get(1) == Some(&b':');
    if !is_absolute {
        return path;
    }
    if let Some((_, rest)) = path.split_once("/registry/src/") {
        // What follows first is the name of the registry.
        return rest
            .split_once('/')
            .map_or(rest, |(_, rest)| rest)
            .to_owned();
    }
    if let Some((_, rest)) = path.split_once("/git/checkouts/") {
        return rest.to_owned();
    }
    if let Some((_, rest)) = path
        .rsplit_once("/library/")
        .filter(|_| path.contains("/rustc/") || path.contains("/rustlib/"))
    {
        return format!("rust/library/{rest}");
    }
    // The crate's folder is the one above `src`, `tests`, …; without any, the file name must do.
    let mut parts: Vec<&str> = path.split('/').collect();
    let root = parts
        .iter()
        .rposition(|part| matches!(*part, "src" | "tests" | "examples" | "benches"));
    let keep = root.map_or(parts.len() - 1, |root| root.saturating_sub(1));
    parts.drain(..keep);
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_everything_that_is_private() {
        assert_eq!(shorten_path("src/bank.rs"), "src/bank.rs");
        assert_eq!(
            shorten_path("/home/anna/.cargo/registry/src/index-1949cf/axum-0.8.9/src/serve.rs"),
            "axum-0.8.9/src/serve.rs"
        );
        assert_eq!(
            shorten_path("/home/anna/.cargo/git/checkouts/hyper-5e3a/1f2e/src/lib.rs"),
            "hyper-5e3a/1f2e/src/lib.rs"
        );
        assert_eq!(
            shorten_path("/rustc/59807616e/library/core/src/ops/function.rs"),
            "rust/library/core/src/ops/function.rs"
        );
        assert_eq!(
            shorten_path("/home/anna/work/bank/src/main.rs"),
            "bank/src/main.rs"
        );
        assert_eq!(
            shorten_path(r"C:\Users\anna\bank\src\main.rs"),
            "bank/src/main.rs"
        );
        assert_eq!(shorten_path("/home/anna/generated.rs"), "generated.rs");
    }

    #[test]
    fn equal_definitions_share_a_number() {
        assert_eq!(name("equal definitions"), name("equal definitions"));
        assert_ne!(name("one"), name("two"));
        let here = StdLocation::caller();
        assert_eq!(location(here), location(here));
        assert_eq!(named_future("f", here), named_future("f", here));
        assert_ne!(named_future("f", here), named_future("g", here));
    }

    #[test]
    fn names_beyond_the_limit_do_not_cost_the_source_its_texts() {
        let mut definitions = Definitions {
            given: MAX_NAMES,
            ..Definitions::default()
        };
        let too_many = definitions.name("one more");
        assert_eq!(too_many, definitions.name("yet another"));
        assert_ne!(too_many, definitions.text("src/bank.rs"));
        assert_eq!(
            definitions.name("src/bank.rs"),
            definitions.text("src/bank.rs"),
            "a name that is there already is no new one"
        );
    }
}
