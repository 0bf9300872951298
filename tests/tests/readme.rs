//! Every command and every snippet of the README does what the README says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// The blocks of the README in this language, first to last.
fn blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.retain(|(found, _)| found == language);
    blocks.into_iter().map(|(_, text)| text).collect()
}

/// Runs a command line as typed into a shell in `folder`.
fn shell(folder: &Path, line: &str, path: &Path) -> Output {
    let search = std::env::join_paths(
        std::iter::once(path.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", search.unwrap())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_commands_and_the_example_of_the_readme_work_as_written() {
    let root = root();
    let nowhere = Path::new("/nonexistent");

    // The two commands. The second is what runs this test: here it only has to be what the README and the checks both say.
    let commands = blocks("sh");
    let [first, second] = &commands[..] else {
        panic!("two commands: {commands:?}")
    };
    let output = shell(&root, first, nowhere);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("deadlock-cycle, proven"));
    let picture = fs::read_to_string(root.join("timeline.svg")).unwrap();
    fs::remove_file(root.join("timeline.svg")).unwrap();
    assert_eq!(
        picture,
        fs::read_to_string(root.join("sample-traces/abba.svg")).unwrap(),
        "the picture in the README"
    );
    let checks = fs::read_to_string(root.join(".ci/run")).unwrap();
    assert!(checks.lines().any(|line| line == second.trim()));

    // The finding that is shown is the one that is printed.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let tools = target.join("release");
    let consoles = blocks("console");
    let [console] = &consoles[..] else {
        panic!("one finding: {consoles:?}")
    };
    let (command, shown) = console.split_once('\n').unwrap();
    let output = shell(&root, command.strip_prefix("$ ").unwrap(), &tools);
    assert_eq!(text(&output.stdout), shown);

    // The example: a new crate with the lines of the README, and the workspace's lock file so that nothing new is fetched.
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme/bank");
    fs::create_dir_all(project.join("src")).unwrap();
    let tomls = blocks("toml");
    let dependencies = tomls[0].replace("../ais/recorder", root.join("recorder").to_str().unwrap());
    let manifest = format!(
        "[package]\nname = \"bank\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{dependencies}"
    );
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    fs::write(project.join("src/main.rs"), &blocks("rust")[0]).unwrap();
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(&project)
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme/target"),
        )
        .env("AIS_TRACE", "trace.ais")
        .output()
        .unwrap();
    assert!(
        ran.status.success() && text(&ran.stderr).contains("the transfers hang"),
        "{}",
        text(&ran.stderr)
    );

    let questions = blocks("text");
    let mut answers = String::new();
    for line in questions[0].lines() {
        let output = shell(&project, line, &tools);
        assert!(
            output.status.code().is_some_and(|status| status < 2),
            "{line}: {}",
            text(&output.stderr)
        );
        answers += &text(&output.stdout);
    }
    for part in [
        "deadlock-cycle, proven",
        r#"task #1 "a to b""#,
        "state 3 of 3 of transfer()",
        "src/main.rs:11:25",
    ] {
        assert!(answers.contains(part), "{part}\nis missing from\n{answers}");
    }
}
