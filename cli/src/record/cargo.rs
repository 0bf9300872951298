//! Asking cargo about the project, without letting it write there.
//!
//! See the module above on how a lock file elsewhere is asked for.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, bail};
use serde::Deserialize;

use super::command::{CargoCommand, Given, Kind};
use super::manifest::utf8;

/// The first cargo with `resolver.lockfile-path`, behind `-Z lockfile-path`: 1.95.
const FIRST: u32 = 95;
/// The first cargo that has it for everyone: 1.97.
const FOR_EVERYONE: u32 = 97;
/// What makes a cargo take `-Z` options. It concerns cargo alone: not rustc, not what build scripts find out about rustc.
const CHANNEL: &str = "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS";

/// What to do where cargo fails on the project as it is.
const FIRST_WITHOUT: &str = "first make the command work without inspect-record";
/// What to do where it fails with the recorded tokio.
const MORE_CRATES: &str = "the recorded tokio needs a few crates more; where cargo may not download them (--offline, --frozen, \
                           vendored crates) let it do so once";

/// The cargo of a command, for its project.
#[derive(Debug)]
pub(crate) struct Cargo<'a> {
    command: &'a CargoCommand,
    pub(crate) given: Given,
    pub(crate) kind: Kind,
    version: Version,
}

/// What `cargo -vV` says.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    minor: u32,
    is_nightly: bool,
    host: String,
}

/// What `cargo metadata` says, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
}

/// A package of the resolved graph.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// None for one from a folder.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
}

impl<'a> Cargo<'a> {
    /// Finds out what cargo this is, and what its command does.
    ///
    /// # Errors
    /// There is no such cargo, it is too old, or its command is not one that can be run with another tokio.
    pub(crate) fn of(command: &'a CargoCommand) -> anyhow::Result<Cargo<'a>> {
        let mut ask = start(command);
        ask.arg("-vV");
        let version = Version::parse(&text_of(run(&mut ask, FIRST_WITHOUT)?)?)?;
        if version.minor < FIRST {
            bail!(
                "cargo 1.{} cannot keep a lock file outside of the project: use 1.{FIRST} or newer, for instance `inspect-record cargo \
                 +stable {}`",
                version.minor,
                command.name
            );
        }
        let kind = match Kind::of(&command.name) {
            Some(kind) => kind,
            None => kind_of_alias(command)?,
        };
        Ok(Cargo {
            command,
            given: command.given(kind),
            kind,
            version,
        })
    }

    /// The folder of the project's workspace.
    ///
    /// # Errors
    /// There is none, which cargo told on standard error.
    pub(crate) fn workspace(&self) -> anyhow::Result<PathBuf> {
        let mut ask = start(self.command);
        ask.args(&self.given.globals);
        ask.args(["locate-project", "--workspace", "--message-format=plain"]);
        self.add_manifest_path(&mut ask);
        let text = text_of(run(&mut ask, FIRST_WITHOUT)?)?;
        let manifest = Path::new(text.trim_end());
        match manifest.parent() {
            Some(folder) => Ok(folder.to_owned()),
            None => bail!("cargo does not tell where the project is: {text}"),
        }
    }

    /// The graph of packages, resolved with the lock file `lock`, which is written; with the package at `tokio` in place of tokio.
    ///
    /// # Errors
    /// Cargo cannot resolve it, as it told on standard error.
    pub(crate) fn graph(
        &self,
        lock: &Path,
        tokio: Option<&Path>,
        features: &[OsString],
    ) -> anyhow::Result<Metadata> {
        let mut ask = start(self.command);
        self.lock_at(&mut ask, lock)?;
        ask.args(&self.given.globals);
        match tokio {
            Some(folder) => patch(&mut ask, folder)?,
            // Whether the project's own lock file is up to date shows here, and only here.
            None if self.given.is_locked => drop(ask.arg("--locked")),
            None => {}
        }
        if self.given.is_offline {
            ask.arg("--offline");
        }
        ask.args(["metadata", "--format-version=1", "--filter-platform"]);
        ask.arg(&self.version.host).args(features);
        self.add_manifest_path(&mut ask);
        let output = run(&mut ask, tokio.map_or(FIRST_WITHOUT, |_| MORE_CRATES))?;
        serde_json::from_slice(&output.stdout).context("cargo metadata cannot be read")
    }

    /// The command itself, with the lock file `lock`, the package at `tokio` in place of tokio, and build results in `target` unless
    /// it says where they go.
    ///
    /// # Errors
    /// One of the paths cannot be told to cargo.
    pub(crate) fn recorded(
        &self,
        lock: &Path,
        tokio: &Path,
        target: &Path,
    ) -> anyhow::Result<Command> {
        let mut command = start(self.command);
        self.lock_at(&mut command, lock)?;
        patch(&mut command, tokio)?;
        let chosen = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];
        if !self.given.has_target_dir && chosen.iter().all(|name| std::env::var_os(name).is_none())
        {
            configure(&mut command, "build.target-dir", utf8(target)?);
            configure(&mut command, "build.build-dir", utf8(target)?);
        }
        command.args(&self.command.globals);
        command.arg(&self.command.name);
        command.args(&self.command.arguments);
        Ok(command)
    }

    fn lock_at(&self, command: &mut Command, lock: &Path) -> anyhow::Result<()> {
        configure(command, "resolver.lockfile-path", utf8(lock)?);
        if self.version.is_behind_option() {
            command.arg("-Zlockfile-path");
            if !self.version.is_nightly {
                command.env(CHANNEL, "nightly");
                // Not for a cargo that a build script or a test runs.
                for part in ["value=\"\"", "force=true"] {
                    command.arg("--config").arg(format!("env.{CHANNEL}.{part}"));
                }
            }
        }
        Ok(())
    }

    fn add_manifest_path(&self, command: &mut Command) {
        if let Some(path) = &self.given.manifest_path {
            command.arg("--manifest-path").arg(path);
        }
    }
}

impl Version {
    /// Whether it has the lock file elsewhere only behind `-Z`. Without that it would write into the project, so a nightly from the time
    /// of the change, which may be from before it, is asked that way, too; at worst it says that there is no need to.
    fn is_behind_option(&self) -> bool {
        self.minor < FOR_EVERYONE || (self.is_nightly && self.minor == FOR_EVERYONE)
    }

    fn parse(text: &str) -> anyhow::Result<Version> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let release = field("release: ").unwrap_or_default();
        let minor = release
            .strip_prefix("1.")
            .and_then(|rest| rest.split('.').next()?.parse().ok());
        match (minor, field("host: ")) {
            (Some(minor), Some(host)) => Ok(Version {
                minor,
                is_nightly: release.contains("-nightly") || release.contains("-dev"),
                host: host.to_owned(),
            }),
            _ => bail!("cargo does not tell its version: is it cargo? It says {text:?}"),
        }
    }
}

/// What an alias does that the user has for a command of cargo's.
fn kind_of_alias(command: &CargoCommand) -> anyhow::Result<Kind> {
    let mut ask = start(command);
    ask.args(&command.globals).arg("--list");
    let list = text_of(run(&mut ask, FIRST_WITHOUT)?)?;
    let alias = list.lines().find_map(|line| {
        let (name, meaning) = line.trim_start().split_once(' ')?;
        let meaning = meaning.trim_start().strip_prefix("alias: ")?;
        (name == command.name).then_some(meaning)
    });
    alias
        .and_then(|meaning| Kind::of(meaning.split_whitespace().next()?))
        .with_context(|| {
            format!(
                "`cargo {}` cannot be run with another tokio: use run, test, bench, build, check or rustc",
                command.name
            )
        })
}

fn start(command: &CargoCommand) -> Command {
    let mut start = Command::new(&command.program);
    start.args(&command.toolchain);
    start
}

fn patch(command: &mut Command, tokio: &Path) -> anyhow::Result<()> {
    configure(command, "patch.crates-io.tokio.path", utf8(tokio)?);
    Ok(())
}

fn configure(command: &mut Command, key: &str, text: &str) {
    let text = toml_edit::Value::from(text);
    command.arg("--config").arg(format!("{key}={text}"));
}

/// Runs cargo for its answer. What it says on standard error is passed on only if it fails.
fn run(command: &mut Command, advice: &str) -> anyhow::Result<Output> {
    let output = command.output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let _ = io::Write::write_all(&mut io::stderr().lock(), &output.stderr);
        let step = command
            .get_args()
            .filter_map(OsStr::to_str)
            .find(|word| ["metadata", "locate-project", "-vV", "--list"].contains(word));
        bail!(
            "cargo {} failed, see above: {advice}",
            step.unwrap_or_default()
        );
    }
    Ok(output)
}

/// What to say where a command cannot be started.
pub(crate) fn cannot_start(command: &Command) -> String {
    format!(
        "cannot start {}: install Rust, or name the path of cargo",
        command.get_program().display()
    )
}

fn text_of(output: Output) -> anyhow::Result<String> {
    String::from_utf8(output.stdout).context("cargo's answer is no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        let version = |release: &str| {
            Version::parse(&format!(
                "cargo {release} (x)\nrelease: {release}\nhost: a-b-c\n"
            ))
        };
        let stable = version("1.95.0").unwrap();
        assert_eq!((stable.minor, stable.is_nightly), (95, false));
        assert_eq!(stable.host, "a-b-c");
        assert!(version("1.98.0-nightly").unwrap().is_nightly);
        assert!(!version("1.96.0-beta.2").unwrap().is_nightly);
        assert!(version("banana").is_err());
        for (release, is_behind) in [
            ("1.96.1", true),
            ("1.97.0-nightly", true),
            ("1.97.0", false),
            ("1.98.0-nightly", false),
        ] {
            assert_eq!(version(release).unwrap().is_behind_option(), is_behind);
        }
    }
}
