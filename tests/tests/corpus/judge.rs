//! What was found, compared with the truth. Everything that is wrong is one short sentence.

use std::fmt;
use std::path::Path;

use ais_analyzer::findings::Confidence;

use crate::Found;
use crate::run::{Ending, Run};
use crate::table::{Buggy, Correct, Note, Program};

type FoundIn = Result<Vec<Found>, String>;

/// The kinds of findings that say that a task waits in vain.
const WAITS: [&str; 7] = [
    "deadlock-cycle",
    "self-deadlock",
    "futurelock",
    "backpressure-cycle",
    "lost-wakeup",
    "leaked-waiter",
    "starvation",
];

impl Found {
    /// Whether it says, and does not merely suspect, that tasks wait in vain, and still do.
    fn accuses(&self) -> bool {
        let is_wait = WAITS.contains(&self.kind.as_str());
        is_wait && self.confidence >= Confidence::Likely && !self.resolved
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resources: Vec<_> = self
            .resources
            .iter()
            .map(|(kind, line)| match line {
                Some(line) => format!("{kind}:{line}"),
                None => kind.clone(),
            })
            .collect();
        let resolved = if self.resolved { ", resolved" } else { "" };
        write!(
            f,
            "{} ({}{resolved}) of {:?} over {resources:?}",
            self.kind,
            self.confidence.name(),
            self.tasks,
        )
    }
}

fn list(found: &[Found]) -> String {
    if found.is_empty() {
        return "nothing".to_owned();
    }
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    found.join(" and ")
}

/// How what was found is not what the program is.
pub(crate) fn named(buggy: &Buggy, found: &FoundIn) -> Option<String> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Some(error.clone()),
    };
    let is_it = |found: &&Found| buggy.is_of(&found.kind) && !found.resolved;
    let best = found
        .iter()
        .filter(is_it)
        .max_by_key(|found| (shortcomings(buggy, found).is_empty(), found.confidence));
    let Some(best) = best else {
        return Some(format!("expected {}, found {}", buggy.kind, list(found)));
    };
    let mut wrong = shortcomings(buggy, best);
    let others = found
        .iter()
        .filter(|found| !buggy.is_of(&found.kind) && found.accuses());
    wrong.extend(others.map(|found| format!("also found {found}")));
    if wrong.is_empty() {
        return None;
    }
    Some(format!("{}, found {best}", wrong.join(", ")))
}

/// What a finding of the right kind does not say.
fn shortcomings(buggy: &Buggy, found: &Found) -> Vec<String> {
    let mut wrong = Vec::new();
    if found.confidence < buggy.least {
        wrong.push(format!("expected at least {}", buggy.least.name()));
    }
    // A task of `block_on` is called like its function, which is written as its path.
    let names = |name: &&str, task: &String| task.rsplit("::").next() == Some(name);
    wrong.extend(compared("task", buggy.tasks, &found.tasks, names));
    let program = &buggy.program;
    let is = |wanted: &&str, (kind, line): &(String, Option<u64>)| match wanted.split_once('@') {
        Some((wanted, word)) => kind == wanted && *line == Some(line_of(program, word)),
        None => kind == wanted,
    };
    wrong.extend(compared("resource", buggy.resources, &found.resources, is));
    wrong
}

/// What is missing of what is wanted, and what is there although it is neither wanted nor allowed. What is in parentheses is allowed.
fn compared<T: fmt::Debug>(
    what: &str,
    wanted: &[&'static str],
    found: &[T],
    is: impl Fn(&&str, &T) -> bool,
) -> Vec<String> {
    let mut found: Vec<&T> = found.iter().collect();
    let mut wrong = Vec::new();
    for wanted in wanted {
        let allowed = wanted
            .strip_prefix('(')
            .and_then(|name| name.strip_suffix(')'));
        let name = allowed.unwrap_or(wanted);
        match found.iter().position(|found| is(&name, found)) {
            Some(at) => drop(found.remove(at)),
            None if allowed.is_none() => wrong.push(format!("expected {what} {name:?}")),
            None => {}
        }
    }
    wrong.extend(
        found
            .iter()
            .map(|found| format!("no such {what} {found:?}")),
    );
    wrong
}

/// The line of a program in which a variable, or a static, is seen first.
fn line_of(program: &Program, word: &str) -> u64 {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let source = std::fs::read_to_string(workspace.join(program.file)).unwrap();
    let mut lines = (1..).zip(source.lines());
    let begin = format!("fn {}(", program.name);
    lines.find(|(_, line)| line.contains(&begin)).unwrap();
    let mut body = lines.take_while(|(_, line)| *line != "}");
    let found = body.find(|(_, line)| {
        let declares = line.contains("let ") || line.contains("static ");
        let mut words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        declares && words.any(|other| other == word)
    });
    found
        .unwrap_or_else(|| panic!("{word} in {}", program.name))
        .0
}

/// How what is said of the cut trace is not the same as of the whole one, or weaker and for a reason.
pub(crate) fn weaker(buggy: &Buggy, run: &Run) -> Option<String> {
    run.cut.iter().find_map(|cut| match cut {
        Ok(cut) => weaker_in(buggy, run, cut),
        Err(error) if error == "the analyzer panicked" => Some(error.clone()),
        // A trace too short to be one may be refused.
        Err(_) => None,
    })
}

fn weaker_in(buggy: &Buggy, run: &Run, cut: &[Found]) -> Option<String> {
    let whole = run.found.as_deref().unwrap_or_default();
    let is_surer = |found: &&Found| {
        let before = whole.iter().filter(|other| other.kind == found.kind);
        let before = before.map(|other| other.confidence).max();
        let by_nature = if buggy.is_of(&found.kind) {
            Some(buggy.least)
        } else {
            None
        };
        // What goes on at the end of a cut trace may have ended after that.
        let is_by_threshold = matches!(found.kind.as_str(), "long-poll" | "busy-loop");
        !is_by_threshold
            && found.confidence > Confidence::Possible
            && Some(found.confidence) > before.max(by_nature)
    };
    if let Some(surer) = cut.iter().find(is_surer) {
        return Some(format!("cut, it is surer: {surer}"));
    }
    let says_why =
        |found: &Found| found.confidence == Confidence::Proven || found.because.is_some();
    let silent = cut.iter().find(|found| !says_why(found))?;
    Some(format!(
        "cut, it does not say why it is not surer: {silent}"
    ))
}

/// How a program that is in order is accused, or suspected `of` what it must not even be suspected of.
pub(crate) fn acquitted(of: impl Fn(&str) -> bool, found: &FoundIn) -> Option<String> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Some(error.clone()),
    };
    let accused = found.iter().find(|found| {
        let is_wait = WAITS.contains(&found.kind.as_str());
        found.accuses() || (!is_wait && of(&found.kind))
    })?;
    Some(format!("expected nothing, found {accused}"))
}

/// How a correct program is accused, or what it ends itself is not found.
pub(crate) fn innocent(correct: &Correct, run: &Run) -> Option<String> {
    let never = match correct.note {
        Note::Never(kind) => Some(kind),
        Note::Resolved(_) | Note::Cancels | Note::None => None,
    };
    if correct.note == Note::Cancels && run.ending != Ending::ByItself {
        return None;
    }
    if let Some(mismatch) = acquitted(|kind| never == Some(kind), &run.found) {
        return Some(mismatch);
    }
    let Note::Resolved(kind) = correct.note else {
        return None;
    };
    let found = run.found.as_deref().unwrap_or_default();
    let is_there = found
        .iter()
        .any(|found| found.kind == kind && found.resolved);
    let is_over = run.ending == Ending::ByItself;
    (is_over && !is_there).then(|| format!("expected {kind} (resolved), found {}", list(found)))
}
