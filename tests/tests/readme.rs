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

    // What is shown is what is printed.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let tools = target.join("release");
    let consoles = blocks("console");
    assert_eq!(consoles.len(), 2, "a finding, and where time goes");
    for console in consoles {
        let (command, shown) = console.split_once('\n').unwrap();
        let output = shell(&root, command.strip_prefix("$ ").unwrap(), &tools);
        assert_eq!(text(&output.stdout), shown);
    }

    // The commands that are used from here on, and the filters.
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "-p", "ais-cli", "--bins"])
        .current_dir(&root)
        .status();
    assert!(built.unwrap().success());
    filters_show_what_they_say(&root, &tools);
    functions_and_lacks_are_told(&root, &tools);

    // The example, with the line of the README in place of tokio's.
    let (tomls, sources, texts) = (blocks("toml"), blocks("rust"), blocks("text"));
    let bank = project("bank", &here(&tomls[0]), &sources[0]);
    let ran = bank.cargo_run(&[("AIS_TRACE", "trace.ais")]);
    assert!(ran.contains("the transfers hang"), "{ran}");
    bank.ask(
        &texts[1],
        &tools,
        &[
            "deadlock-cycle, proven",
            r#"task #2 "bank::transfer""#,
            "the program shut its runtime down",
            "src/main.rs:9:25",
        ],
    );

    // The ways to leave it on.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme/target");
    fs::copy(target.join("debug/bank"), bank.folder.join("bank")).unwrap();
    let parts = ["deadlock-cycle, proven", "the recorded tokio"];
    bank.ask_as_script(&texts[2], &tools, &parts);
    assert!(bank.folder.join("bank.0001.ais").is_file());
    let parts = [&parts[..], &["what a flight recorder had in memory"]].concat();
    bank.ask_as_script(&texts[3], &tools, &parts);

    // The same program as it was, by the command that records any.
    let plain = "tokio = { version = \"1\", features = [\"full\"] }\n";
    let bank = project("plain", plain, &sources[0]);
    let before = bank.files();
    let output = bank.shell(texts[0].trim(), &tools);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    for part in ["the transfers hang", "deadlock-cycle", "trace.ais"] {
        assert!(said.contains(part), "{part} is missing from\n{said}");
    }
    let mut after = bank.files();
    after.retain(|(name, _)| name != "trace.ais");
    assert_eq!(after, before, "the project is as it was");

    // With await points.
    let both = tomls[0].clone() + &tomls[1];
    let traced = project("traced", &here(&both), &sources[1]);
    traced.cargo_run(&[("AIS_TRACE", "trace.ais")]);
    traced.ask(
        "inspect-analyze trace.ais --task 1",
        &tools,
        &["double(): tokio::task::yield_now()"],
    );

    // Started by the program itself.
    let flight = project("flight", &here(&both), &sources[2]);
    flight.cargo_run(&[]);
    flight.ask(
        "inspect-analyze slow.ais",
        &tools,
        &[
            "what a flight recorder had in memory",
            "core::future::pending::Pending",
        ],
    );
    assert!(
        !flight.folder.join("flight.ais").exists(),
        "nobody panicked"
    );

    write_an_analysis(&tomls[2], &sources[3], texts[7].trim());
}

/// An analysis of one's own, and the one that is there to begin with.
fn write_an_analysis(toml: &str, source: &str, example: &str) {
    let own = project("own", &here(toml), source);
    let sample = root().join("sample-traces/abba.ais");
    fs::copy(sample, own.folder.join("trace.ais")).unwrap();
    let said = own.cargo_run(&[]);
    for part in [
        r#""transfer b→a" is waiting since"#,
        "the last lock was taken at",
    ] {
        assert!(said.contains(part), "{part} is missing from\n{said}");
    }
    let output = shell(&root(), example, Path::new("/nonexistent"));
    let said = text(&output.stdout);
    assert!(said.contains("standing order"), "{said}");
}

/// What the commands about functions show, and what the trace lacks.
fn functions_and_lacks_are_told(root: &Path, tools: &Path) {
    for line in blocks("text")[4].lines() {
        let output = shell(root, line, tools);
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert!(text(&output.stdout).contains("http::report()"), "{line}");
    }
    let states = fs::read_to_string(root.join("report.svg")).unwrap();
    fs::remove_file(root.join("report.svg")).unwrap();
    assert!(states.contains("service.cache.lock()"));

    let doctor = shell(root, blocks("text")[5].trim(), tools);
    assert_eq!(doctor.status.code(), Some(0));
    assert!(text(&doctor.stdout).contains("this trace lacks 1 thing:"));
}

/// The commands with filters, in the order in which they stand there.
fn filters_show_what_they_say(root: &Path, tools: &Path) {
    let filtered = [
        (1, "2 of 8 match: 2 alive (2 stuck)"),
        (0, "1 finding about other tasks is left out by the filter"),
        (0, ""),
    ];
    let lines = blocks("text").remove(6);
    assert_eq!(lines.lines().count(), filtered.len());
    for (line, (status, part)) in lines.lines().zip(filtered) {
        let output = shell(root, line, tools);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{line}: {said}");
        assert!(said.contains(part), "{line}: {said}");
    }
    let part = fs::read_to_string(root.join("part.svg")).unwrap();
    fs::remove_file(root.join("part.svg")).unwrap();
    assert!(part.contains("auditor") && !part.contains("ticker"));
}

#[test]
fn the_variables_of_the_readme_are_those_that_the_recorder_reads() {
    let read = |path| fs::read_to_string(root().join(path)).unwrap();
    let (readme, settings, builder) = (
        read("README.md"),
        read("recorder/src/settings.rs"),
        read("recorder/src/recorder.rs"),
    );
    let rows: Vec<Vec<&str>> = readme
        .lines()
        .filter(|line| line.starts_with("| `AIS_TRACE"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let told: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let known: Vec<&str> = settings
        .lines()
        .filter(|line| line.contains("const "))
        .filter_map(|line| line.split('"').nth(1))
        .filter(|text| text.starts_with("AIS_TRACE"))
        .collect();
    assert_eq!(told, known);

    // What holds where they are unset.
    for (variable, told, source) in [
        ("AIS_TRACE_LIMIT", "4 GiB of a file", "FILE: u64 = 4 << 30;"),
        (
            "AIS_TRACE_LIMIT",
            "256 MiB of a ring",
            "RING: u64 = 256 << 20;",
        ),
        (
            "AIS_TRACE_LIMIT",
            "64 MiB of memory",
            "FLIGHT_RECORDER: u64 = 64 << 20;",
        ),
        ("AIS_TRACE_BUFFER", "64 MiB", "memory: 64 << 20,"),
        (
            "AIS_TRACE_MODE",
            "`file`",
            "mode: Mode::File(Builder::FILE),",
        ),
        ("AIS_TRACE_HOST", "it is not", "host: false,"),
    ] {
        let row = rows
            .iter()
            .find(|row| row[0].contains(&format!("`{variable}`")));
        assert!(row.unwrap()[2].contains(told), "{variable}: {told}");
        assert!(builder.contains(source), "{variable}: {source}");
    }
}

/// The lines of a manifest, with the paths that they have here.
fn here(lines: &str) -> String {
    lines.replace("../ais", root().to_str().unwrap())
}

/// A project outside of the workspace.
struct Project {
    folder: PathBuf,
}

/// A new crate with these dependencies, and with the workspace's lock file so that nothing new is fetched.
fn project(name: &str, dependencies: &str, source: &str) -> Project {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("readme")
        .join(name)
        .join("bank");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"bank\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{dependencies}"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), source).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let project = Project { folder };
    // What the lock file has too much goes now, and not while the project is looked at.
    let tidied = project.command(env!("CARGO"), &["metadata", "--format-version", "1"]);
    assert!(tidied.status.success(), "{}", text(&tidied.stderr));
    project
}

impl Project {
    fn command(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap()
    }

    /// Runs it as it is, with these variables; what it said.
    fn cargo_run(&self, variables: &[(&str, &str)]) -> String {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme/target");
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", target)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        text(&output.stdout) + &said
    }

    /// Runs a command line in its folder, with a cache that is kept from run to run.
    fn shell(&self, line: &str, tools: &Path) -> Output {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme/cache");
        let line = format!(
            "export CARGO_NET_OFFLINE=true AIS_CACHE='{}'; unset CARGO_TARGET_DIR; {line}",
            cache.display()
        );
        shell(&self.folder, &line, tools)
    }

    /// Runs command lines in its folder, in one shell; what they print has all of `parts`.
    fn ask_as_script(&self, script: &str, tools: &Path, parts: &[&str]) {
        let output = self.shell(script, tools);
        let (answer, said) = (text(&output.stdout), text(&output.stderr));
        for part in parts {
            assert!(
                answer.contains(part),
                "{part}\nis missing from\n{answer}\n{said}"
            );
        }
    }

    /// Runs command lines in its folder; what they print together has all of `parts`.
    fn ask(&self, lines: &str, tools: &Path, parts: &[&str]) {
        let mut answers = String::new();
        for line in lines.lines() {
            let output = self.shell(line, tools);
            let is_answered = output.status.code().is_some_and(|status| status < 2);
            assert!(is_answered, "{line}: {}", text(&output.stderr));
            answers += &text(&output.stdout);
        }
        for part in parts {
            assert!(answers.contains(part), "{part}\nis missing from\n{answers}");
        }
    }

    /// Its files at the top, with their contents.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }
}
