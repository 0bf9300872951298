//! What a filter leaves out: some lines beside what it shows.

use ais_analyzer::number::counted;

use super::row;
use crate::analysis::Analysis;
use crate::output::clean;

/// The filter, as a row of the summary; nothing where there is none.
pub(super) fn filter(analysis: &Analysis) -> String {
    let Some(restriction) = analysis.selection.restriction() else {
        return String::new();
    };
    let unmatched = restriction.unmatched();
    let unmatched = unmatched.map_or_else(String::new, |unmatched| format!("; {unmatched}"));
    let filter = clean(&restriction.filter());
    row("filter", &format!("{filter}{unmatched}"))
}

/// `2 findings about other tasks are left out by the filter`, as a line; none where none is.
pub(crate) fn left_out(analysis: &Analysis) -> Option<String> {
    let left_out = analysis.selection.restriction()?.left_out()?;
    Some(format!("{left_out}\n"))
}

/// That no task matches; none where one does.
pub(crate) fn no_match(analysis: &Analysis) -> Option<String> {
    let restriction = analysis.selection.restriction()?;
    let tasks = counted(restriction.tasks as u64, "task");
    let unmatched = restriction.unmatched();
    let unmatched = unmatched.map_or_else(String::new, |more| format!(", of which {more}"));
    (restriction.matching == 0).then(|| {
        let filter = restriction.filter();
        format!("no task matches the filter {filter}: there are {tasks}{unmatched}")
    })
}

/// The filter as it is typed into a shell, with a space before it; nothing where there is none.
pub(super) fn option(analysis: &Analysis) -> String {
    let filters = analysis.selection.restriction();
    let filters = filters
        .into_iter()
        .flat_map(|restriction| &restriction.any_of);
    let quoted = |filter: String| format!(" --filter '{}'", filter.replace('\'', r"'\''"));
    filters
        .map(|filter| quoted(clean(&filter.to_string())))
        .collect()
}
