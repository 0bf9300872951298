//! Functions as the state machines that they were seen to be, as text.

use ais_analyzer::number::{counted, grouped, often};
use ais_analyzer::profile::{At, FunctionTimes, PointTimes, Profile, Step};

use super::columns::{clean_line, head, line, place, short};
use super::{BOLD, DIM, styled};
use crate::output::clean;

/// So many functions are shown where none is named.
const FUNCTIONS: usize = 10;

/// The functions that are called so, or those that took most time.
pub(crate) fn states(profile: &Profile, name: Option<&str>) -> Result<String, String> {
    let all: Vec<&FunctionTimes> = called(profile, name).collect();
    if all.is_empty() {
        return Err(nothing(profile, name));
    }
    let shown = if name.is_some() { all.len() } else { FUNCTIONS };
    let parts: Vec<String> = all.iter().take(shown).map(|of| machine(of)).collect();
    let mut text = parts.join("\n");
    if let Some(more) = all.len().checked_sub(shown).filter(|&more| more > 0) {
        let names = all.iter().skip(shown).map(|of| of.function.as_str());
        let names: Vec<&str> = names.take(FUNCTIONS).collect();
        text += &styled(
            DIM,
            &clean_line(&format!(
                "\nand {} for less time, for instance {}",
                counted(more as u64, "more function"),
                names.join(", ")
            )),
        );
    }
    Ok(text)
}

/// The functions that are called so, or all, whose await points are recorded.
pub(crate) fn called<'a>(
    profile: &'a Profile,
    name: Option<&str>,
) -> impl Iterator<Item = &'a FunctionTimes> {
    let functions = profile.functions.iter();
    functions.filter(move |of| of.has_points && name.is_none_or(|name| is_called(of, name)))
}

/// `report`, `http::report` and `http::report()` are all `http::report`.
fn is_called(of: &FunctionTimes, name: &str) -> bool {
    let name = name.strip_suffix("()").unwrap_or(name);
    let before = of.function.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
}

/// Why there is nothing to show.
fn nothing(profile: &Profile, name: Option<&str>) -> String {
    let known: Vec<&str> = profile
        .functions
        .iter()
        .filter(|of| of.has_points)
        .map(|of| of.function.as_str())
        .take(FUNCTIONS)
        .collect();
    match name {
        _ if known.is_empty() && profile.is_restricted => {
            "no task that matches the filter called a function whose await points are recorded".to_owned()
        }
        Some(name) if known.is_empty() => format!(
            "there is no function {name:?}, nor any other whose await points are recorded: put #[trace] on it"
        ),
        None => "no function whose await points are recorded was called: put #[trace] on those that matter".to_owned(),
        Some(name) => format!(
            "no function {name:?} was called whose await points are recorded; there are {}",
            known.join(", ")
        ),
    }
}

fn machine(of: &FunctionTimes) -> String {
    let location = of.location.as_ref();
    let location = location.map_or_else(String::new, |place| format!(" at {place}"));
    let mut text = format!(
        "{}{}\n",
        styled(BOLD, &clean(&format!("{}()", of.function))),
        clean(&location)
    );
    text += &format!("  {}\n", ends(of));
    text += &head("");
    text += &line("calls", &of.elapsed);
    text += &format!(
        "    ran {} of that itself, waited {} itself ({} of it for what others had)\n",
        of.busy, of.waited, of.held_up
    );
    text += &format!("  start\n{}", next(of, At::Start));
    for (number, point) in of.points.iter().enumerate() {
        text += &at_point(of, number, point);
    }
    text
}

fn ends(of: &FunctionTimes) -> String {
    let mut parts = Vec::new();
    for (n, how) in [
        (of.returned, "returned"),
        (of.dropped, "dropped before that"),
        (of.panicked, "panicked"),
        (of.open, "still under way"),
    ] {
        if n > 0 {
            parts.push(format!("{} {how}", grouped(n)));
        }
    }
    let mut text = format!("{}: {}", counted(of.calls, "call"), parts.join(", "));
    if of.never_polled > 0 {
        text += &format!("; {} made and never polled", grouped(of.never_polled));
    }
    match of.suspended {
        0 => text + "; none had to wait",
        n if n == of.calls => text + "; all had to wait",
        n => text + &format!("; {} had to wait", grouped(n)),
    }
}

fn at_point(of: &FunctionTimes, number: usize, point: &PointTimes) -> String {
    let mut text = clean_line(&format!(
        "  {} of {}  {}.await at {}",
        number + 1,
        of.points.len(),
        short(&point.expression),
        place(point.location.as_ref())
    ));
    if point.elapsed.count == 0 && point.pending_polls == 0 {
        return text + "    never left\n";
    }
    text += &line("took", &point.elapsed);
    text += &format!(
        "    had to wait {} of {}, {} ended there\n",
        often(point.suspended),
        grouped(point.elapsed.count),
        counted(point.pending_polls, "poll")
    );
    text + &next(of, At::Point(number as u64))
}

/// Where it went from there, most often first.
fn next(of: &FunctionTimes, from: At) -> String {
    let mut steps: Vec<&Step> = of.steps.iter().filter(|step| step.from == from).collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.times));
    let mut text = String::new();
    for step in steps {
        let to = match step.to {
            At::Start => "start".to_owned(),
            to if to == from => "itself again".to_owned(),
            At::Point(number) => format!("{}", number + 1),
            At::Returned => "returned".to_owned(),
            At::Dropped => "dropped".to_owned(),
            At::Panicked => "panicked".to_owned(),
        };
        text += &format!(
            "    → {to:<14}{:>10}, after up to {}\n",
            often(step.times),
            step.max
        );
    }
    text
}
