//! What is wrong with the text of a filter.

use super::state;

/// What is wrong with the text of a filter: one line that says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// There is no `=` in a term.
    #[error(
        "{0:?} is no term of a filter: write KEY=PATTERN or KEY!=PATTERN, with commas between terms; the keys are name, task, spawned \
         and state; a comma in a name is written ?"
    )]
    Term(String),
    /// There is no such key.
    #[error("{0:?} is no key of a filter: there are name, task, spawned and state")]
    Key(String),
    /// There is nothing behind the `=`.
    #[error("{0} is compared with nothing: write {0}=PATTERN")]
    Empty(String),
    /// That is no number of a task, and no range of them.
    #[error("{0:?} is no number of a task: write task=7, or task=7..20 for those from 7 to 20")]
    Number(String),
    /// There is no such state.
    #[error("{0:?} is no state of a task: there are {names}", names = state::names())]
    State(String),
}
