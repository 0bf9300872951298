//! Puts the sources of the recorded tokio, and of what it needs of this workspace, into `inspect-record`.
//!
//! The command builds them anew for each version of tokio that it meets, on machines that have the binary and nothing else of this
//! project. What comes out is a table of paths and bytes (`SOURCES`), in the order of the paths, that `record::sources` includes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The packages, as folders of the workspace.
const PACKAGES: [&str; 4] = ["format", "recorder", "recorder/macros", "recorder/tokio"];
/// What of a package is taken: all that its library is built from.
const PARTS: [&str; 3] = ["Cargo.toml", "build.rs", "src"];

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let workspace = here.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut files = vec!["Cargo.toml".to_owned()];
    for package in PACKAGES {
        for part in PARTS {
            let path = format!("{package}/{part}");
            // One that is not there yet, too: it may come.
            println!(
                "cargo::rerun-if-changed={}",
                workspace.join(&path).display()
            );
            list(workspace, &path, &mut files)?;
        }
    }
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join("Cargo.toml").display()
    );
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in files {
        let absolute = workspace.join(&file);
        let absolute = absolute.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
        let _ = writeln!(table, "({file:?}, include_bytes!({absolute:?})),");
    }
    table += "]\n";
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("sources.rs"), table)
}

/// Adds the file at `path`, or all files in the folder there, to `files`; nothing where there is none.
fn list(workspace: &Path, path: &str, files: &mut Vec<String>) -> io::Result<()> {
    let absolute = workspace.join(path);
    if absolute.is_file() {
        files.push(path.to_owned());
    } else if absolute.is_dir() {
        for entry in fs::read_dir(absolute)? {
            let name = entry?.file_name();
            let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            list(workspace, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}
