//! The rules by which the analysis decides who waits for whom, each with the test that fails without it.
//!
//! The lists are in the modules beside this one, a part of the theory each: what a rule says, the expression in the analyzer that states it,
//! what would stand there without the rule, and the test of `tests/built` that tells the two apart. `README.md` in this folder is the same as
//! a table to read; it is written by the tests (`AIS_BLESS=1`), as they are the ones who know.
//!
//! Two tests. The first is quick and always runs: each expression is in its file, once, and each test is there. The second is for whoever
//! changes a rule, and takes minutes:
//!
//! ```text
//! cargo test -p ais-tests --test rules -- --ignored
//! ```
//!
//! It copies the workspace, puts a switch around every one of these expressions, compiles that once, and runs the tests with one rule after
//! the other switched off; of a rule without which its test passes it says which other tests fail, if any. `AIS_TEST_ONLY=TEXT` tries the
//! rules of which the words, the file or the test contain that.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod executors;
mod findings;
mod places;
mod resources;
mod slow;
mod tasks;
mod tried;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A rule of the analysis.
struct Rule {
    /// What it says.
    says: &'static str,
    /// The file that states it, within `analyzer/src`.
    file: &'static str,
    /// The expression by which it does; where that is not alone of its kind, more around it, and the expression between `«` and `»`.
    code: &'static str,
    /// What would stand there without the rule.
    without: &'static str,
    /// The test that fails without it.
    test: &'static str,
}

/// A part of the theory.
struct Part {
    title: &'static str,
    rules: &'static [Rule],
}

const PARTS: &[Part] = &[
    tasks::OPERATIONS,
    tasks::TASKS,
    executors::EXECUTORS,
    places::PLACES,
    resources::UNITS,
    resources::CHANNELS,
    resources::SIGNALS,
    findings::BROKEN,
    findings::KNOTS,
    findings::CONFIDENCE,
    slow::THRESHOLDS,
    slow::LOCK_ORDER,
];

fn rules() -> impl Iterator<Item = &'static Rule> {
    PARTS.iter().flat_map(|part| part.rules)
}

impl Rule {
    /// Where its expression is in the text of its file, from byte to byte; or why that cannot be told.
    fn place(&self, text: &str) -> Result<(usize, usize), String> {
        let (before, rest) = self.code.split_once('«').unwrap_or(("", self.code));
        let (code, after) = rest.split_once('»').unwrap_or((rest, ""));
        let around = format!("{before}{code}{after}");
        match text.matches(&around).count() {
            1 => {
                let from = text.find(&around).unwrap() + before.len();
                Ok((from, from + code.len()))
            }
            n => Err(format!(
                "{}: {n} times in {}: {around}",
                self.says, self.file
            )),
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}

/// The names of the tests in `tests/built`, with the modules that they are in.
fn tests_of(folder: &Path, module: &str, tests: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = if name == "main" {
            String::new()
        } else {
            format!("{module}{name}::")
        };
        if path.is_dir() {
            tests_of(&path, &inner, tests);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let functions = text.split("#[test]\nfn ").skip(1);
        tests.extend(functions.map(|rest| {
            let (name, _) = rest.split_once('(').unwrap();
            format!("{inner}{name}")
        }));
    }
}

#[test]
fn every_rule_is_in_the_code_and_has_a_test() {
    let mut tests = HashSet::new();
    tests_of(&root().join("tests/tests/built"), "", &mut tests);
    let mut wrong = Vec::new();
    for rule in rules() {
        let text = std::fs::read_to_string(root().join("analyzer/src").join(rule.file));
        let place = text.map_err(|error| format!("{}: {error}", rule.file));
        wrong.extend(place.and_then(|text| rule.place(&text)).err());
        if !tests.contains(rule.test) {
            wrong.push(format!("{}: there is no test {:?}", rule.says, rule.test));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The lists as a table to read.
fn table() -> String {
    let mut table = "# The rules of the wait analysis, and the test that fails without each\n\n\
        Written by `AIS_BLESS=1 cargo test -p ais-tests --test rules`; that each test does fail without its rule is tried by\n\
        `cargo test -p ais-tests --test rules -- --ignored`. The tests are in `tests/tests/built`, the rules in `analyzer/src`.\n"
        .to_owned();
    for part in PARTS {
        write!(
            table,
            "\n## {}\n\n| rule | in | test |\n|---|---|---|\n",
            part.title
        )
        .unwrap();
        for rule in part.rules {
            writeln!(
                table,
                "| {} | `{}` | `{}` |",
                rule.says, rule.file, rule.test
            )
            .unwrap();
        }
    }
    table
}

#[test]
fn the_table_to_read_is_that_of_the_tests() {
    let path = root().join("tests/tests/rules/README.md");
    if std::env::var_os("AIS_BLESS").is_some() {
        std::fs::write(&path, table()).unwrap();
    }
    let told = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(told == table(), "AIS_BLESS=1 writes {}", path.display());
}

#[test]
#[ignore = "it compiles the workspace once more, and runs many tests a hundred times"]
fn without_a_rule_its_test_fails() {
    tried::all();
}
