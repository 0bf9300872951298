//! `inspect-record`: runs a cargo command with its tokio replaced by a recorded one, and tells what was recorded.
//!
//! In comes a cargo command, out comes its exit status, a trace, and the summary of that on standard error. In between:
//!
//! 1. cargo resolves the project as it is, for the version of tokio in it (`graph`);
//! 2. the drop-in is laid out in the cache as a package called `tokio` of that version (`drop_in`);
//! 3. cargo resolves the project with it, and then runs the command (`cargo`, `child`), with `AIS_TRACE` set;
//! 4. the traces that came of it are summed up (`traces`).
//!
//! # How the project's lock file stays as it is
//!
//! A `[patch]` is written into the lock file. So each call of cargo is given another one, in the cache, with cargo's own option for
//! that, `resolver.lockfile-path`: first a copy of the project's, to resolve the project as its author does (a project that has none yet
//! gets none), then a copy of what came of that, to which the patch adds what it adds. Weighed against it were:
//!
//! - *Letting cargo write and putting the file back.* It is another file for as long as a server runs: for version control, for an
//!   editor that resolves the project in the background and writes it once more, for a second cargo. What is put back may be what
//!   somebody has changed meanwhile; after `kill -9` it waits for the next start; a read-only project cannot be recorded at all.
//! - *A shadow of the project*, links to all that is in it beside another lock file. The folder is another then: `CARGO_MANIFEST_DIR`,
//!   the folder in which tests run and write, dependencies at `../`, `.cargo/config.toml` and everything that looks for `.git`
//!   must each be made to fit, and links are not for everyone on Windows.
//!
//! With the option nothing is there to be put back: whenever this process is killed the project is as it was, and folders, `-p`,
//! `--manifest-path`, build scripts and configuration mean what they always mean. Its price: cargo has it since 1.97, and before that, from
//! 1.95 on, behind `-Z lockfile-path`. That is asked for by making cargo (and it alone: not rustc, nor what build scripts probe for)
//! take itself for a nightly, as rust-analyzer does to the same end. An older cargo is refused.
//!
//! Where cargo is told `--locked` it is kept: the project's lock file must do for the project as it is, and what the patch adds is
//! resolved before the command runs.
//!
//! # What is built where
//!
//! Build results go to a target folder in the cache, one for each workspace: the recorded tokio would make everything that depends on
//! tokio be built anew, and again when the program is next built without it.

mod args;
mod cache;
mod cargo;
mod child;
mod command;
mod drop_in;
mod graph;
mod manifest;
mod sources;
mod traces;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use clap::Parser;

use self::cargo::{Cargo, Metadata};
use self::command::CargoCommand;
use self::graph::Tokio;
use self::traces::Traces;
use crate::output;

/// The command's name, as it begins what it says on standard error.
const NAME: &str = "inspect-record";
/// Where the recorded tokio of the program finds the path of the trace.
const TRACE_VARIABLE: &str = "AIS_TRACE";

/// The whole command, from the arguments of this process to its exit status.
pub fn main() -> ExitCode {
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(&error),
    };
    match run(&args) {
        Ok(status) => status,
        Err(error) => {
            output::complain(NAME, &format!("{error:#}"));
            ExitCode::from(output::UNUSABLE)
        }
    }
}

fn run(args: &args::Args) -> anyhow::Result<ExitCode> {
    let command = CargoCommand::parse(&args.command)?;
    let cargo = Cargo::of(&command)?;
    let path = trace_path(&args.output)?;
    let mut recorded = prepare(&cargo)?;
    recorded.env(TRACE_VARIABLE, &path);

    let before = Traces::at(&args.output);
    let status = child::run(&mut recorded)?;
    let traces = Traces::at(&args.output).since(&before, &args.output);
    if traces.is_empty() {
        output::complain(NAME, traces::why_none(cargo.kind, status.success()));
    } else {
        output::print_aside(&traces::report(&traces));
    }
    Ok(child::end_as(status))
}

/// The trace for a program that may run in another folder. What cannot be written is better known before everything is built.
fn trace_path(output: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(output)
        .with_context(|| format!("-o {}: name a file", output.display()))?;
    if path.is_dir() || path.file_name().is_none() {
        bail!("-o {} is a folder: name a file", output.display());
    }
    if !path.parent().is_some_and(Path::is_dir) {
        bail!(
            "-o {}: there is no such folder, make it first",
            output.display()
        );
    }
    if let Err(error) = check_writable(&path) {
        bail!(
            "-o {} cannot be written ({error}): name a file elsewhere",
            output.display()
        );
    }
    Ok(path)
}

/// Opens the file as whoever writes it will. One that is there stays as it is, and none is left.
fn check_writable(path: &Path) -> io::Result<()> {
    let is_new = match fs::metadata(path) {
        // To open a pipe waits for its reader.
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Ok(_) => false,
        Err(_) => true,
    };
    File::options().append(true).create(true).open(path)?;
    if is_new {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The command, ready to run with the recorded tokio.
fn prepare(cargo: &Cargo<'_>) -> anyhow::Result<Command> {
    let workspace = cargo.workspace()?;
    let cache = cache::folder()?;
    let ours = cache.join("workspaces").join(cache::key(&workspace));
    cache::make_folder(&ours)?;
    let _turn = turn(&ours);

    let plain = ours.join("lock/plain/Cargo.lock");
    copy_lock(&workspace.join("Cargo.lock"), &plain, cargo.given.is_locked)?;
    let tokio = find_tokio(cargo, &plain)?;
    let drop_in = drop_in::prepare(&cache, &tokio)?;

    // One for each that the project's own has been and each drop-in, so that what was added to it is the same next time.
    let resolved = fs::read(&plain).with_context(|| format!("cannot read {}", plain.display()))?;
    let based_on = cache::hash(&[&resolved, drop_in.as_os_str().as_encoded_bytes()]);
    let lock = ours.join(format!("lock/{based_on:016x}/Cargo.lock"));
    if !lock.exists() {
        cache::replace(&lock, &resolved)?;
    }
    let graph = cargo.graph(&lock, Some(&drop_in), &cargo.given.features)?;
    check_patched(&graph, &tokio, &drop_in)?;
    cargo.recorded(&lock, &drop_in, &ours.join("target"))
}

/// Keeps others from preparing the same workspace at the same time, where the file system can.
fn turn(folder: &Path) -> Option<File> {
    let file = File::create(folder.join("turn")).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// A project that has no lock file is resolved once, and then as it was; unless it is said to have one.
fn copy_lock(from: &Path, to: &Path, is_locked: bool) -> anyhow::Result<()> {
    match fs::read(from) {
        Ok(content) => cache::replace(to, &content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if is_locked {
                bail!(
                    "{} is not there, as --locked wants it: run `cargo generate-lockfile` first",
                    from.display()
                );
            }
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", from.display())),
    }
}

/// The tokio of the program with the features that are asked for, or with any.
fn find_tokio(cargo: &Cargo<'_>, lock: &Path) -> anyhow::Result<Tokio> {
    let graph = cargo.graph(lock, None, &cargo.given.features)?;
    if graph.has("tokio") {
        return graph.tokio();
    }
    let all = [OsString::from("--all-features")];
    cargo.graph(lock, None, &all)?.tokio()
}

/// Cargo only warns where a patch does not fit, and would run the program unrecorded.
fn check_patched(graph: &Metadata, tokio: &Tokio, drop_in: &Path) -> anyhow::Result<()> {
    // Cargo spells paths in its own way.
    let real = |path: &Path| path.canonicalize().ok();
    let is_ours = |manifest: &Path| real(manifest) == real(&drop_in.join("Cargo.toml"));
    let mut named = graph
        .packages
        .iter()
        .filter(|package| package.name == "tokio" && package.version.starts_with("1."));
    if let Some(other) = named.find(|package| !is_ours(&package.manifest_path)) {
        bail!(
            "cargo takes tokio {} from {} in place of the recorded {}: something else patches it, so remove that first",
            other.version,
            other.manifest_path.display(),
            tokio.version
        );
    }
    Ok(())
}
