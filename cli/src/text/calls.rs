//! Who calls whom, as a tree in text.

use std::collections::HashSet;

use ais_analyzer::number::{counted, grouped};
use ais_analyzer::profile::{CallerTimes, FunctionTimes, Profile, Role};
use anstyle::{AnsiColor, Style};

use super::columns::percent;
use super::{BOLD, DIM, styled};
use crate::output::clean;

const WAITS: Style = AnsiColor::Red.on_default();
const NEVER: Style = AnsiColor::Green.on_default();
const BOTTLENECK: Style = AnsiColor::Yellow.on_default().bold();

/// The tree, each function with what it calls once.
pub(crate) fn calls(profile: &Profile) -> Result<String, String> {
    if profile.functions.is_empty() && profile.is_restricted {
        return Err("no task that matches the filter called an instrumented function".to_owned());
    }
    if profile.functions.is_empty() {
        return Err("no instrumented function was called: put #[trace] on those that matter, or name futures with .traced()".to_owned());
    }
    let mut text = format!(
        "who calls whom   {} has to be async: it waits   {} never had to wait   {} bottleneck   {} a name, no function\n",
        styled(WAITS, "●"),
        styled(NEVER, "○"),
        styled(BOTTLENECK, "▲"),
        styled(DIM, "·"),
    );
    let mut roots: Vec<&CallerTimes> = Vec::new();
    let callers = profile.functions.iter().flat_map(|of| &of.called_by);
    for caller in callers.filter(|caller| caller.is_task) {
        if !roots.iter().any(|root| who(root) == who(caller)) {
            roots.push(caller);
        }
    }
    let mut tree = Tree {
        profile,
        told: HashSet::new(),
    };
    for root in roots {
        let location = root.location.as_ref();
        let place = location.map_or_else(String::new, |place| format!(", spawned at {place}"));
        text += &format!(
            "\n{}{}\n",
            styled(BOLD, &clean(&format!("task {}", root.name))),
            clean(&place)
        );
        text += &tree.below((true, &root.name, root.location.as_deref()), "");
    }
    // Calls in a circle have no task above them that was seen.
    for of in &profile.functions {
        if of.calls > 0 && !tree.told.contains(&key(of)) {
            text += &format!(
                "\n{}\n",
                styled(DIM, "called from where it is not recorded")
            );
            text += &tree.one(of, None, "", true);
        }
    }
    Ok(text)
}

/// Who calls: whether it is a task, the name, and the place.
type Who<'a> = (bool, &'a str, Option<&'a str>);

fn who(caller: &CallerTimes) -> Who<'_> {
    (caller.is_task, &caller.name, caller.location.as_deref())
}

type Key = (String, Option<String>);

fn key(of: &FunctionTimes) -> Key {
    (of.function.clone(), of.location.clone())
}

struct Tree<'a> {
    profile: &'a Profile,
    told: HashSet<Key>,
}

impl<'a> Tree<'a> {
    /// What is called by it.
    fn below(&mut self, caller: Who<'_>, indent: &str) -> String {
        let mut called: Vec<(&'a FunctionTimes, &'a CallerTimes)> = self
            .profile
            .functions
            .iter()
            .filter_map(|of| {
                let mut callers = of.called_by.iter();
                Some((of, callers.find(|other| who(other) == caller)?))
            })
            .collect();
        called.sort_by_key(|(_, edge)| std::cmp::Reverse(edge.total));
        let last = called.len().saturating_sub(1);
        let mut text = String::new();
        for (index, (of, edge)) in called.into_iter().enumerate() {
            text += &self.one(of, Some(edge), indent, index == last);
        }
        text
    }

    fn one(
        &mut self,
        of: &'a FunctionTimes,
        edge: Option<&CallerTimes>,
        indent: &str,
        is_last: bool,
    ) -> String {
        let (branch, below) = if is_last {
            ("└ ", "  ")
        } else {
            ("├ ", "│ ")
        };
        let is_first = self.told.insert(key(of));
        let (calls, total) = edge.map_or((of.calls, of.elapsed.total), |edge| {
            (edge.calls, edge.total)
        });
        let mut what = format!("{total} in all");
        if is_first {
            what += &format!(", {} (p50), {} (p99)", of.elapsed.p50, of.elapsed.p99);
            match of.role() {
                Role::NeverWaits if of.has_points && of.points.is_empty() => {
                    what += ", awaits nothing";
                }
                Role::NeverWaits => {
                    what += &format!(", never had to wait in {}", counted(of.calls, "call"));
                }
                Role::Waits if of.suspended < of.calls => {
                    what += &format!(
                        ", {} of {} had to wait",
                        grouped(of.suspended),
                        grouped(of.calls)
                    );
                }
                _ => {}
            }
        }
        let bottleneck = self.profile.bottleneck(of);
        if let Some(bottleneck) = bottleneck.filter(|_| is_first) {
            for (share, what_of) in [
                (bottleneck.busy, "that functions ran"),
                (
                    bottleneck.held_up,
                    "that functions waited for what others had",
                ),
            ] {
                if let Some((part, whole)) = share {
                    what += &format!("; {} of all the time {what_of}", percent(part, whole));
                }
            }
        }
        let (style, mark) = match of.role() {
            _ if bottleneck.is_some() => (BOTTLENECK, "▲"),
            Role::Waits => (WAITS, "●"),
            Role::NeverWaits => (NEVER, "○"),
            Role::Unknown => (DIM, "·"),
        };
        let mut name = of.function.clone();
        if of.has_points {
            name += "()";
        }
        let place = of.location.as_ref().filter(|_| is_first);
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        let mut text = format!(
            "{indent}{branch}{} {}{}  {}, {what}\n",
            styled(style, mark),
            styled(style, &clean(&name)),
            clean(&place),
            counted(calls, "call"),
        );
        let calls_others = self.profile.functions.iter().any(|other| {
            other
                .called_by
                .iter()
                .any(|caller| who(caller) == (false, &of.function, of.location.as_deref()))
        });
        if !calls_others {
            return text;
        }
        if !is_first {
            return text + &format!("{indent}{below}{}\n", styled(DIM, "└ … as above"));
        }
        text += &self.below(
            (false, &of.function, of.location.as_deref()),
            &format!("{indent}{below}"),
        );
        text
    }
}
