//! Reports as text for people: the one place where they are laid out.

mod calls;
mod columns;
mod coverage;
mod doctor;
mod filter;
mod finding;
mod panel;
mod perf;
mod states;
mod stuck;
mod summary;

use ais_analyzer::number::grouped;
use anstyle::{AnsiColor, Style};

pub(crate) use calls::calls;
pub(crate) use doctor::doctor;
pub(crate) use filter::{left_out, no_match};
pub(crate) use finding::findings;
pub(crate) use panel::panel;
pub(crate) use perf::perf;
pub(crate) use states::{called, states};
pub(crate) use stuck::stuck;
pub(crate) use summary::{also, brief, summary, unusable};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ALARM: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();

/// `text` in a style.
fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// One line of a table of facts.
fn row(name: &str, value: &str) -> String {
    format!("{}  {value}\n", styled(DIM, &format!("{name:<9}")))
}

/// `1 task`, `2 tasks`, `1,234 events`.
fn count(n: usize, one: &str) -> String {
    format!(
        "{} {one}{}",
        grouped(n as u64),
        if n == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_words_agree() {
        assert_eq!(count(1, "task"), "1 task");
        assert_eq!(count(0, "task"), "0 tasks");
        assert_eq!(count(1_234_567, "event"), "1,234,567 events");
    }
}
