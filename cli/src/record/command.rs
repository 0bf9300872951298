//! The cargo command to run, taken apart as far as it must be: where our own options go, and what it says about the project, its lock
//! file and its target folder. Everything is handed on as it was typed.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::bail;

/// Options of cargo's that are followed by a value where it is not written with `=`, or right behind the letter.
const VALUED: [&str; 21] = [
    "--artifact-dir",
    "--bench",
    "--bin",
    "--color",
    "--config",
    "--example",
    "--exclude",
    "--features",
    "--jobs",
    "--manifest-path",
    "--message-format",
    "--package",
    "--profile",
    "--target",
    "--target-dir",
    "--test",
    "-C",
    "-F",
    "-Z",
    "-j",
    "-p",
];

/// A cargo command as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CargoCommand {
    /// `cargo`, or a path to it.
    pub(crate) program: OsString,
    /// `+nightly`.
    pub(crate) toolchain: Option<OsString>,
    /// What stands before the name of the command.
    pub(crate) globals: Vec<OsString>,
    /// The name of the command: `run`.
    pub(crate) name: String,
    /// What stands behind it.
    pub(crate) arguments: Vec<OsString>,
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Builds a program and runs it; what follows the first bare word is the program's.
    Run,
    /// Builds tests or benchmarks and runs them.
    Test,
    /// Builds, and runs nothing.
    Build,
}

/// What a command says about the project, its lock file and its target folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    /// Options that hold for each cargo command on this project.
    pub(crate) globals: Vec<OsString>,
    /// The choice of features.
    pub(crate) features: Vec<OsString>,
    pub(crate) manifest_path: Option<OsString>,
    pub(crate) is_offline: bool,
    pub(crate) is_locked: bool,
    pub(crate) has_target_dir: bool,
}

impl Kind {
    /// What the command of cargo with this name does, if it is one that can be run with another tokio.
    pub(crate) fn of(name: &str) -> Option<Kind> {
        match name {
            "run" | "r" => Some(Kind::Run),
            "test" | "t" | "bench" => Some(Kind::Test),
            "build" | "b" | "check" | "c" | "rustc" => Some(Kind::Build),
            _ => None,
        }
    }
}

impl CargoCommand {
    /// Takes the words of a command apart.
    ///
    /// # Errors
    /// It is not a cargo command.
    pub(crate) fn parse(words: &[OsString]) -> anyhow::Result<CargoCommand> {
        let Some((program, rest)) = words.split_first() else {
            bail!("name the cargo command to run: inspect-record cargo run");
        };
        if Path::new(program).file_stem() != Some(OsStr::new("cargo")) {
            bail!(
                "{} is not cargo: a program is recorded by building it with another tokio, so name the command that builds and runs it, \
                 for instance `inspect-record cargo run`",
                program.display()
            );
        }
        let mut rest = rest.iter().peekable();
        let toolchain = rest
            .next_if(|word| word.as_encoded_bytes().starts_with(b"+"))
            .cloned();
        let mut globals = Vec::new();
        while let Some(option) = rest.next_if(|word| is_option(word)) {
            globals.push(option.clone());
            if takes_next(option)
                && let Some(value) = rest.next()
            {
                globals.push(value.clone());
            }
        }
        let Some(name) = rest.next().and_then(|name| name.to_str()) else {
            bail!(
                "cargo is not told what to do: name a command, for instance `inspect-record cargo run`"
            );
        };
        Ok(CargoCommand {
            program: program.clone(),
            toolchain,
            globals,
            name: name.to_owned(),
            arguments: rest.cloned().collect(),
        })
    }

    /// What the command says.
    pub(crate) fn given(&self, kind: Kind) -> Given {
        let mut given = Given::default();
        given.read(&self.globals, false);
        given.read(&self.arguments, kind == Kind::Run);
        given
    }
}

impl Given {
    fn read(&mut self, words: &[OsString], ends_at_bare_word: bool) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" || (ends_at_bare_word && !is_option(word)) {
                return;
            }
            let (name, attached) = split_option(word);
            let value = if takes_next(word) { words.next() } else { None };
            let whole = || [word.clone()].into_iter().chain(value.cloned());
            match name {
                "--offline" => self.is_offline = true,
                "--locked" => self.is_locked = true,
                "--frozen" => (self.is_locked, self.is_offline) = (true, true),
                "--target-dir" => self.has_target_dir = true,
                "--config" | "-Z" | "-C" => self.globals.extend(whole()),
                "--features" | "-F" | "--all-features" | "--no-default-features" => {
                    self.features.extend(whole());
                }
                "--manifest-path" => {
                    self.manifest_path = attached.map(OsString::from).or_else(|| value.cloned());
                }
                _ => {}
            }
        }
    }
}

fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

/// The name of an option, and the value that is written in one word with it. Empty for what is no option, or no text.
fn split_option(word: &OsStr) -> (&str, Option<&str>) {
    let Some(text) = word.to_str().filter(|text| text.starts_with('-')) else {
        return ("", None);
    };
    if text.starts_with("--") {
        return text
            .split_once('=')
            .map_or((text, None), |(name, value)| (name, Some(value)));
    }
    match text.char_indices().nth(2) {
        Some((end, _)) => (&text[..end], Some(&text[end..])),
        None => (text, None),
    }
}

/// Whether the next word is the value of this one.
fn takes_next(word: &OsStr) -> bool {
    let (name, attached) = split_option(word);
    attached.is_none() && VALUED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    fn parse(text: &str) -> CargoCommand {
        CargoCommand::parse(&words(text)).unwrap()
    }

    fn given(text: &str) -> Given {
        let command = parse(text);
        command.given(Kind::of(&command.name).unwrap())
    }

    #[test]
    fn a_command_is_split_where_our_options_go() {
        let command = parse("cargo +nightly --config a=1 -Zx -v run --bin b -- --locked");
        assert_eq!(command.toolchain, Some("+nightly".into()));
        assert_eq!(command.globals, words("--config a=1 -Zx -v"));
        assert_eq!(command.name, "run");
        assert_eq!(command.arguments, words("--bin b -- --locked"));
        assert_eq!(parse("/usr/bin/cargo run").program, "/usr/bin/cargo");
    }

    #[test]
    fn what_is_not_cargo_is_refused_with_what_to_type() {
        for (text, part) in [
            ("./app", "inspect-record cargo run"),
            ("cargo", "name a command"),
            ("cargo --config a=1", "name a command"),
            ("cargo-nextest run", "is not cargo"),
        ] {
            let error = CargoCommand::parse(&words(text)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn options_of_the_program_are_not_taken_for_those_of_cargo() {
        assert_eq!(given("cargo run -- --locked --offline"), Given::default());
        assert_eq!(given("cargo run -p a serve --frozen"), Given::default());
        assert!(given("cargo run -p a --frozen serve").is_locked);
        assert!(given("cargo test name --locked").is_locked);
        assert!(!given("cargo test name -- --locked").is_locked);
        assert!(!given("cargo build --bin --locked x").is_locked);
    }

    #[test]
    fn what_concerns_the_project_is_found_in_each_spelling() {
        for text in [
            "cargo run --manifest-path a/Cargo.toml",
            "cargo run --manifest-path=a/Cargo.toml",
        ] {
            assert_eq!(given(text).manifest_path, Some("a/Cargo.toml".into()));
        }
        assert!(given("cargo build --target-dir=t").has_target_dir);
        assert!(given("cargo --frozen test").is_offline);
        let all =
            given("cargo -Ca --config b=1 test --config=c=2 -F d --features=e -j4 --all-features");
        assert_eq!(all.globals, words("-Ca --config b=1 --config=c=2"));
        assert_eq!(all.features, words("-F d --features=e --all-features"));
    }
}
