//! What is known of a traced function or block at compile time.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::define::{self, SourcePlace};

/// A place in the user's source.
#[derive(Clone, Copy, Debug)]
pub struct Place(SourcePlace);

impl Place {
    /// The place at `line!()` and `column!()` of `file!()`.
    #[must_use]
    pub const fn new(file: &'static str, line: u32, column: u32) -> Place {
        Place(SourcePlace { file, line, column })
    }
}

/// One `.await` of a traced function, or one macro that awaits.
#[derive(Clone, Copy, Debug)]
pub struct AwaitPoint {
    expression: &'static str,
    place: Place,
}

impl AwaitPoint {
    /// An await of `expression`, whose `await` stands at `place`.
    #[must_use]
    pub const fn new(expression: &'static str, place: Place) -> AwaitPoint {
        AwaitPoint { expression, place }
    }
}

/// A macro call in which something is awaited unseen.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    name: &'static str,
    place: Place,
}

impl Unseen {
    /// A call of the macro `name` at `place`.
    #[must_use]
    pub const fn new(name: &'static str, place: Place) -> Unseen {
        Unseen { name, place }
    }
}

/// A traced function or block.
#[derive(Debug)]
pub struct Function {
    name: &'static str,
    place: Place,
    points: &'static [AwaitPoint],
    unseen: &'static [Unseen],
    /// Its number, once a recording has seen it.
    id: AtomicU32,
}

impl Function {
    /// A function with all its await points, in source order, and the macros in it that hide some.
    #[must_use]
    pub const fn new(
        name: &'static str,
        place: Place,
        points: &'static [AwaitPoint],
        unseen: &'static [Unseen],
    ) -> Function {
        Function {
            name,
            place,
            points,
            unseen,
            id: AtomicU32::new(0),
        }
    }

    #[inline]
    pub(super) fn id(&self) -> u64 {
        match self.id.load(Ordering::Relaxed) {
            0 => self.register(),
            id => id.into(),
        }
    }

    #[cold]
    fn register(&self) -> u64 {
        let points = self.points.iter();
        let unseen = self.unseen.iter();
        define::function(
            &self.id,
            self.name,
            self.place.0,
            points.map(|point| (point.expression, point.place.0)),
            unseen.map(|call| (call.name, call.place.0)),
        )
    }
}
