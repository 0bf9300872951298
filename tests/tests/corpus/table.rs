//! The tables in which each module says what its programs are.
//!
//! Names of tasks are those that the programs give them; the one of `block_on` is called like its program. A resource is written as
//! `kind@word`: it was made in that line of the program in which `word` is seen first. What stands in parentheses may be named, but need
//! not be.

use ais_analyzer::findings::Confidence;

/// A program.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The file that it is in, as the compiler says it.
    pub(crate) file: &'static str,
    /// Runs it, repaired or not.
    pub(crate) run: fn(bool),
}

/// A program with a bug, and what has to be found in it.
pub(crate) struct Buggy {
    pub(crate) program: Program,
    /// More than one, with `|` between, where it can be told in more than one way.
    pub(crate) kind: &'static str,
    /// It does not come to its end.
    pub(crate) hangs: bool,
    /// It may be said with more confidence, but not with less.
    pub(crate) least: Confidence,
    pub(crate) tasks: &'static [&'static str],
    pub(crate) resources: &'static [&'static str],
}

impl Buggy {
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        self.kind.split('|').any(|own| own == kind)
    }
}

/// A program without a bug.
pub(crate) struct Correct {
    pub(crate) program: Program,
    pub(crate) note: Note,
}

/// What else is true of a correct program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    None,
    /// There is something of this kind in it, which it ends itself.
    Resolved(&'static str),
    /// This is not even possible.
    Never(&'static str),
}

/// How a program with a bug is run: an `async fn` blocks a runtime of two workers on its own future, and not on one in a box: what that takes
/// is in no task's own memory. A `fn` brings its own runtime.
macro_rules! run_buggy {
    (async $name:ident) => {
        |fixed| crate::runtime().block_on($name(fixed))
    };
    (fn $name:ident) => {
        $name
    };
}

/// The same for one without a bug, which needs no repair.
macro_rules! run_correct {
    (async $name:ident) => {
        |_| crate::runtime().block_on($name())
    };
    (fn $name:ident) => {
        |_| $name()
    };
}

/// `hangs` or `ends`, as a truth.
macro_rules! hangs {
    (hangs) => {
        true
    };
    (ends) => {
        false
    };
}

/// Programs with bugs: for each kind, for each program the least confidence, the tasks and the resources.
macro_rules! buggy {
    ($($kind:literal $hangs:ident {
        $($how:tt $name:ident: $least:ident, [$($task:literal),*], [$($resource:literal),*];)*
    })*) => {
        pub(crate) const PROGRAMS: &[crate::table::Buggy] = &[$($(crate::table::Buggy {
            program: crate::table::Program {
                name: stringify!($name),
                file: file!(),
                run: crate::table::run_buggy!($how $name),
            },
            kind: $kind,
            hangs: crate::table::hangs!($hangs),
            least: ais_analyzer::findings::Confidence::$least,
            tasks: &[$($task),*],
            resources: &[$($resource),*],
        },)*)*];
    };
}

/// Programs without bugs, each with what else is true of it.
macro_rules! correct {
    ($($how:tt $name:ident $(: $note:ident $kind:literal)?;)*) => {
        pub(crate) const PROGRAMS: &[crate::table::Correct] = &[$(crate::table::Correct {
            program: crate::table::Program {
                name: stringify!($name),
                file: file!(),
                run: crate::table::run_correct!($how $name),
            },
            note: crate::table::note!($($note $kind)?),
        }),*];
    };
}

/// What stands after the name of a program without a bug.
macro_rules! note {
    () => {
        crate::table::Note::None
    };
    (resolved $kind:literal) => {
        crate::table::Note::Resolved($kind)
    };
    (never $kind:literal) => {
        crate::table::Note::Never($kind)
    };
}

pub(crate) use {buggy, correct, hangs, note, run_buggy, run_correct};
