//! The analysis without each of its rules: a copy of the workspace in which every rule has a switch.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Rule, root, rules};

/// The number of the rule that is switched off.
const WITHOUT: &str = "AIS_WITHOUT_RULE";
/// Only some rules are tried.
const ONLY: &str = "AIS_TEST_ONLY";
/// Tests that take longer hang.
const PATIENCE: Duration = Duration::from_mins(3);
/// How many run at once, each with threads of its own.
const AT_ONCE: usize = 2;

/// Asks whether a rule is switched off.
const SWITCH: &str = r#"
pub(crate) fn without_rule(number: usize) -> bool {
    static OFF: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let off = || std::env::var("AIS_WITHOUT_RULE").ok()?.parse().ok();
    *OFF.get_or_init(off) == Some(number)
}
"#;

/// Tries all rules, or those that are wanted.
pub(crate) fn all() {
    let program = build();
    let failing = without(&program, None, None).unwrap();
    assert!(failing.is_empty(), "with all rules: {failing:?}");
    let only = std::env::var(ONLY).unwrap_or_default();
    let is_wanted = |rule: &Rule| {
        [rule.says, rule.file, rule.test]
            .iter()
            .any(|text| text.contains(&only))
    };
    let wanted: Vec<(usize, &Rule)> = rules()
        .enumerate()
        .filter(|(_, rule)| is_wanted(rule))
        .collect();
    assert!(!wanted.is_empty(), "no rule has {only:?}");
    let (to_do, wrong) = (Mutex::new(wanted.into_iter()), Mutex::new(Vec::new()));
    let next = || to_do.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, rule)) = next() {
                    let told = tried(&program, number, rule);
                    println!(
                        "{} {}",
                        if told.is_some() { "PASSES" } else { "fails " },
                        rule.says
                    );
                    wrong.lock().unwrap().extend(told);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "without these rules their tests pass:\n{}",
        wrong.join("\n")
    );
}

/// Why a rule is not tested as it is said to be.
fn tried(program: &Path, number: usize, rule: &Rule) -> Option<String> {
    match without(program, Some(number), Some(rule.test)) {
        Ok(failing) if failing.contains(rule.test) => None,
        // Perhaps another one does.
        Ok(_) => match without(program, Some(number), None) {
            Ok(failing) => Some(format!("{}: {}, but {failing:?}", rule.says, rule.test)),
            Err(error) => Some(format!("{}: {error}", rule.says)),
        },
        Err(error) => Some(format!("{}: {error}", rule.says)),
    }
}

/// The tests that fail without a rule: of all, or only this one.
fn without(
    program: &Path,
    rule: Option<usize>,
    test: Option<&str>,
) -> Result<BTreeSet<String>, String> {
    let said = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(program);
    command.stdout(said.reopen().unwrap()).stderr(Stdio::null());
    if let Some(test) = test {
        command.args(["--exact", test]);
    }
    if let Some(rule) = rule {
        command.env(WITHOUT, rule.to_string());
    }
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err("the tests do not come to an end".to_owned());
        }
        thread::sleep(Duration::from_millis(20));
    }
    let said = std::fs::read_to_string(said.path()).unwrap();
    if !said.contains("\ntest result: ") {
        return Err(format!("the tests did not run: {said}"));
    }
    let lines = said.lines();
    let failed = lines.filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    Ok(failed.map(str::to_owned).collect())
}

/// The tests, compiled against an analyzer with switches.
fn build() -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules");
    let source = base.join("source");
    copy(&root(), &source);
    let analyzer = source.join("analyzer/src");
    let mut files: Vec<&str> = rules().map(|rule| rule.file).collect();
    files.sort_unstable();
    files.dedup();
    for file in files {
        let text = std::fs::read_to_string(root().join("analyzer/src").join(file)).unwrap();
        assert!(file != "lib.rs", "it has the switch itself");
        write_if_new(&analyzer.join(file), with_switches(file, text));
    }
    let library = std::fs::read_to_string(root().join("analyzer/src/lib.rs")).unwrap();
    write_if_new(&analyzer.join("lib.rs"), library + SWITCH);
    let output = Command::new(env!("CARGO"))
        .args([
            "test",
            "--offline",
            "--package",
            "ais-tests",
            "--test",
            "built",
            "--no-run",
        ])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", base.join("target"))
        // What a switch makes of an expression need not be beautiful.
        .env("RUSTFLAGS", "--cap-lints allow")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "a rule is not an expression, or has another type without it"
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let program = said.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_built = message["target"]["name"] == "built";
        Some(
            message["executable"]
                .as_str()
                .filter(|_| is_built)?
                .to_owned(),
        )
    });
    PathBuf::from(program.unwrap())
}

/// The text of a file in which each of its rules can be switched off.
fn with_switches(file: &str, mut text: String) -> String {
    let rules = rules().enumerate().filter(|(_, rule)| rule.file == file);
    let mut places: Vec<(usize, usize, usize, &Rule)> = rules
        .map(|(number, rule)| {
            let (from, to) = rule.place(&text).unwrap();
            (from, to, number, rule)
        })
        .collect();
    // An expression may be a part of another one, which is then around the switch of the first.
    places.sort_by_key(|&(from, to, ..)| to - from);
    for index in 0..places.len() {
        let (from, to, number, rule) = places[index];
        let (code, without) = (&text[from..to], rule.without);
        let switched =
            format!("(if crate::without_rule({number}) {{ {without} }} else {{ {code} }})");
        let more = switched.len() - (to - from);
        text.replace_range(from..to, &switched);
        for (other_from, other_to, _, other) in &mut places[index + 1..] {
            let is_around = *other_from <= from && to <= *other_to;
            let is_apart = *other_to <= from || to <= *other_from;
            assert!(
                is_around || is_apart,
                "{} and {} are in each other's way",
                rule.says,
                other.says
            );
            if *other_to > from {
                *other_to += more;
            }
            if *other_from >= to {
                *other_from += more;
            }
        }
    }
    text
}

/// Copies the files of the workspace that changed; what was built of them before is used again.
fn copy(from: &Path, to: &Path) {
    let output = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(from)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "it takes git to tell which files are sources"
    );
    let files = String::from_utf8(output.stdout).unwrap();
    let files: BTreeSet<&str> = files
        .lines()
        .filter(|file| from.join(file).is_file())
        .collect();
    // Those with switches are written later: what is written as it was is compiled anew.
    let with_switches: BTreeSet<String> = rules()
        .map(|rule| rule.file)
        .chain(["lib.rs"])
        .map(|file| format!("analyzer/src/{file}"))
        .collect();
    for file in files
        .into_iter()
        .filter(|&file| !with_switches.contains(file))
    {
        let content = std::fs::read(from.join(file)).unwrap();
        write_if_new(&to.join(file), content);
    }
}

fn write_if_new(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    if std::fs::read(path).ok().as_deref() != Some(content.as_ref()) {
        std::fs::write(path, content).unwrap();
    }
}
