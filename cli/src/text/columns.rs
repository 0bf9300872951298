//! Lines of what is counted: columns of times, shares, places.

use ais_analyzer::names::{Location, on_one_line};
use ais_analyzer::number::grouped;
use ais_analyzer::profile::Distribution;
use ais_analyzer::time::Nanos;

use super::{DIM, styled};
use crate::output::clean;

/// Longer names lose their end.
const NAME: usize = 44;

const HEAD: [&str; 6] = ["count", "total", "p50", "p90", "p99", "longest"];

pub(super) fn head(first: &str) -> String {
    let columns: String = HEAD.iter().map(|name| format!("{name:>10}")).collect();
    styled(DIM, &format!("  {first:<28}{columns}\n"))
}

/// A row of a table; nothing where it counts nothing.
pub(super) fn line(name: &str, of: &Distribution) -> String {
    if of.count == 0 {
        return String::new();
    }
    let times = [of.total, of.p50, of.p90, of.p99, of.max];
    let times: String = times
        .iter()
        .map(|time| format!("{:>10}", time.to_string()))
        .collect();
    format!("    {name:<26}{:>10}{times}\n", grouped(of.count))
}

/// A line without what must not come to a terminal.
pub(super) fn clean_line(line: &str) -> String {
    clean(line) + "\n"
}

pub(super) fn place(place: Option<&Location>) -> String {
    place.map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

/// An expression, as a line has room for.
pub(super) fn short(expression: &str) -> String {
    on_one_line(expression, NAME)
}

/// `37 %`.
pub(super) fn percent(part: Nanos, whole: Nanos) -> String {
    if whole.0 == 0 {
        return "0 %".to_owned();
    }
    let percent = part.0 as f64 / whole.0 as f64 * 100.0;
    if percent > 0.0 && percent < 1.0 {
        return "<1 %".to_owned();
    }
    format!("{percent:.0} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_but_never_to_nothing() {
        assert_eq!(percent(Nanos(1), Nanos(1_000)), "<1 %");
        assert_eq!(percent(Nanos(0), Nanos(1_000)), "0 %");
        assert_eq!(percent(Nanos(0), Nanos(0)), "0 %");
        assert_eq!(percent(Nanos(995), Nanos(1_000)), "100 %");
    }

    #[test]
    fn an_expression_of_many_lines_takes_one() {
        assert_eq!(short("pool\n    .get()"), "pool .get()");
        assert_eq!(short(&"x".repeat(60)).chars().count(), NAME);
    }
}
