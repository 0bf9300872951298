//! `inspect-record` as a user runs it, on a small project of its own: what it does to the program, and that it does nothing to the project.
//!
//! The project has the versions of this workspace's lock file, and everything is offline: what the workspace is built from is there. Its
//! cache is kept between runs, in the target folder.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ais_analyzer::Trace;
use toml_edit::{DocumentMut, Item};

const MANIFEST: &str = r#"
[package]
name = "recorded"
version = "0.1.0"
edition = "2024"

[dependencies]
hyper = { version = "1", default-features = false }
# Somebody else's crate that spawns tasks.
hyper-util = { version = "0.1", default-features = false, features = ["tokio"] }
tokio = { version = "1", features = ["macros", "rt", "sync", "time"] }

[workspace]
"#;
const PROGRAM: &str = r#"
use hyper::rt::Executor as _;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (ask, answer) = tokio::sync::oneshot::channel();
    hyper_util::rt::TokioExecutor::new().execute(async move {
        let _ = ask.send("a task of hyper's ran");
    });
    println!("{}", answer.await.unwrap());
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("read {line:?}");
    eprintln!("manifest {}", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    eprintln!("folder {}", std::env::current_dir().unwrap().display());
    eprintln!("trace {}", std::env::var("AIS_TRACE").unwrap());
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("arguments {arguments:?}");
    if arguments == ["wait"] {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
    std::process::exit(7);
}
"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("record")
}

/// The project. Whoever has it is alone with it.
struct Project {
    path: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Project {
    fn get() -> Project {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let project = Project {
            path: folder().join("project"),
            _turn: turn,
        };
        let lock = project.path.join("Cargo.lock");
        if !lock.exists() {
            fs::create_dir_all(project.path.join("src")).unwrap();
            let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
            fs::copy(ours, &lock).unwrap();
        }
        write_if_other(&project.path.join("Cargo.toml"), MANIFEST);
        write_if_other(&project.path.join("src/main.rs"), PROGRAM);
        // What of the workspace's lock file is the project's.
        let cargo = Command::new(env!("CARGO"))
            .args(["update", "--workspace", "--offline", "--quiet"])
            .current_dir(&project.path)
            .status();
        assert!(cargo.unwrap().success());
        project
    }

    /// The content of every file, by its path.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        read(&self.path, &mut files);
        files
    }
}

fn read(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, files);
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
}

fn write_if_other(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    fs::write(path, text).unwrap();
}

fn inspect(arguments: &[&str], folder_to_run_in: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inspect-record"));
    command
        .args(arguments)
        .current_dir(folder_to_run_in)
        .env("AIS_CACHE", folder().join("cache"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CARGO_BUILD_TARGET_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], folder_to_run_in: &Path) -> Output {
    let mut child = inspect(arguments, folder_to_run_in).spawn().unwrap();
    // A command that fails at once reads nothing.
    let _ = child.stdin.take().unwrap().write_all(b"a line\n");
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn refuses(arguments: &[&str], folder_to_run_in: &Path) -> String {
    let output = run(arguments, folder_to_run_in);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{out}\n{err}");
    assert_eq!(err.lines().count(), 1, "one line: {err}");
    assert!(err.starts_with("inspect-record: "), "{err}");
    err
}

#[test]
fn the_program_runs_as_always_and_the_project_stays_as_it_is() {
    let project = Project::get();
    let before = project.files();
    let trace = project.path.join("../here.ais");
    let output = run(
        &[
            "-o",
            "../here.ais",
            "cargo",
            "run",
            "--offline",
            "--locked",
            "--",
            "--frozen",
            "b",
        ],
        &project.path,
    );
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(7), "{out}\n{err}");
    assert_eq!(
        out,
        "a task of hyper's ran\nread \"a line\\n\"\narguments [\"--frozen\", \"b\"]\n"
    );
    let folder = &project.path;
    for said in [
        format!("manifest {}\n", folder.display()),
        format!("folder {}\n", folder.display()),
        format!("trace {}\n", trace.display()),
        "program    recorded, pid ".to_owned(),
        "inspect-analyze ../here.ais --timeline".to_owned(),
    ] {
        assert!(err.contains(&said), "{said}\nis missing from\n{err}");
    }
    assert!(project.files() == before, "no file of the project changed");
    everybody_has_the_recorded_tokio();

    let history = Trace::open(trace).unwrap().history;
    let places = history
        .tasks
        .iter()
        .filter_map(|task| task.spawned_at.as_ref());
    let files: Vec<&str> = places.map(|place| &*place.file).collect();
    assert!(
        files.iter().any(|file| file.starts_with("hyper-util-0.1")),
        "{files:?}"
    );
    assert!(files.contains(&"src/main.rs"), "{files:?}");
}

/// In what cargo resolved there is one tokio: the drop-in, which alone has the real one.
fn everybody_has_the_recorded_tokio() {
    let workspaces = fs::read_dir(folder().join("cache/workspaces")).unwrap();
    let workspace = workspaces
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("project-")
        })
        .unwrap();
    let mut locks: Vec<PathBuf> = fs::read_dir(workspace.join("lock"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("plain"))
        .collect();
    locks.sort_by_key(|path| {
        fs::metadata(path.join("Cargo.lock"))
            .unwrap()
            .modified()
            .unwrap()
    });
    let lock = fs::read_to_string(locks.last().unwrap().join("Cargo.lock")).unwrap();
    let lock: DocumentMut = lock.parse().unwrap();
    let packages = lock["package"].as_array_of_tables().unwrap();
    let users_of = |name: &str| -> Vec<&str> {
        let uses = |item: Option<&Item>| {
            let names = item.and_then(Item::as_array).into_iter().flatten();
            names
                .filter_map(|item| item.as_str())
                .any(|dependency| dependency.split(' ').next() == Some(name))
        };
        packages
            .iter()
            .filter(|package| uses(package.get("dependencies")))
            .map(|package| package["name"].as_str().unwrap())
            .collect()
    };
    let named = packages
        .iter()
        .filter(|package| package["name"].as_str() == Some("tokio"));
    let tokios: Vec<_> = named.collect();
    assert_eq!(tokios.len(), 1);
    assert!(tokios[0].get("source").is_none(), "it is from a folder");
    assert_eq!(users_of("ais-real-tokio"), ["tokio"]);
    let users = users_of("tokio");
    assert!(
        users.contains(&"hyper-util") && users.contains(&"recorded"),
        "{users:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_signal_reaches_the_program_and_is_what_we_end_by() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;

    let project = Project::get();
    let before = project.files();
    for (signal, number) in [("-TERM", 15), ("-INT", 2), ("-KILL", 9)] {
        let arguments = [
            "-o",
            "../signal.ais",
            "cargo",
            "run",
            "--offline",
            "-q",
            "--",
            "wait",
        ];
        let mut child = inspect(&arguments, &project.path).spawn().unwrap();
        drop(child.stdin.take());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("wait") {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "the program runs");
        }
        let kill = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number));
        // Not even the one that nobody can prepare for leaves something to be put right.
        assert!(project.files() == before, "no file of the project changed");
        if number != 9 {
            line.clear();
            assert_eq!(out.read_line(&mut line).unwrap(), 0, "the program ended");
        }
    }
}

#[test]
fn what_cannot_be_recorded_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path();
    fs::create_dir(project.join("src")).unwrap();
    fs::write(project.join("src/main.rs"), "fn main() {}").unwrap();
    let manifest = "[package]\nname = \"idle\"\nedition = \"2024\"\n";
    fs::write(project.join("Cargo.toml"), manifest).unwrap();

    let too_long = "x".repeat(300);
    for (arguments, part) in [
        (&["./app"][..], "inspect-record cargo run"),
        (&["cargo"], "name a command"),
        (&["cargo", "publish"], "use run, test"),
        (
            &["-o", "no/such/trace.ais", "cargo", "run"],
            "make it first",
        ),
        (&["-o", "src", "cargo", "run"], "name a file"),
        (&["-o", &too_long, "cargo", "run"], "cannot be written"),
        (&["cargo", "run", "--offline"], "does not depend on tokio"),
        (&["cargo", "run", "--frozen"], "cargo generate-lockfile"),
    ] {
        let error = refuses(arguments, project);
        assert!(error.contains(part), "{error}");
    }
    assert!(!project.join("Cargo.lock").exists(), "nothing was written");
}
