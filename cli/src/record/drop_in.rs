//! Lays out, in the cache, the package that takes tokio's place.
//!
//! ```text
//! drop-in/tokio-1.54.1-<hash>/
//!   Cargo.toml         the workspace that the packages inherit versions from
//!   format/ recorder/ recorder/macros/
//!   recorder/tokio/    the recorded tokio, called tokio, version 1.54.1
//!   real/              tokio 1.54.1, copied from where cargo keeps it
//! ```
//!
//! The hash is over all that is written, so a folder never has to be changed; the real tokio is told by its version, and by its manifest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::cache;
use super::graph::Tokio;
use super::manifest;
use super::sources::{self, SOURCES};

/// The folder of the drop-in among the packages.
const DROP_IN: &str = "recorder/tokio";
/// The packages that it is made of.
const PACKAGES: [&str; 4] = ["format", "recorder", "recorder/macros", DROP_IN];
/// The folder of the real tokio, and the way there from the drop-in.
const REAL: &str = "real";
const FROM_DROP_IN: &str = "../../real";
/// Where the code of a library begins, and of a build script.
const ROOTS: [&str; 2] = ["src/lib.rs", "build.rs"];
/// What goes before it: cargo hides the warnings of packages from a registry, but not of those from a folder, and with
/// `RUSTFLAGS="-D warnings"` they would be errors.
const QUIET: &[u8] = b"#![allow(warnings)] ";
/// What of the real tokio is not needed to build it.
const NOT_COPIED: [&str; 4] = ["tests", "examples", "benches", "Cargo.lock"];

/// The folder of the package that takes the place of `tokio`; made if it is not there.
///
/// # Errors
/// The real tokio is not where cargo says, or the cache cannot be written.
pub(crate) fn prepare(cache: &Path, tokio: &Tokio) -> anyhow::Result<PathBuf> {
    let files = files(tokio)?;
    let parts: Vec<&[u8]> = files
        .iter()
        .flat_map(|(path, content)| [path.as_bytes(), content])
        .collect();
    let name = format!("tokio-{}-{:016x}", tokio.version, cache::hash(&parts));
    let folder = cache.join("drop-in").join(name);
    cache::place(&folder, |folder| {
        let real = folder.join(REAL);
        copy(&tokio.folder, &real, true)?;
        for root in ROOTS {
            if let Ok(content) = fs::read(real.join(root)) {
                cache::write(&real.join(root), &quiet(&content))?;
            }
        }
        for (path, content) in &files {
            cache::write(&folder.join(path), content)?;
        }
        Ok(())
    })?;
    Ok(folder.join(DROP_IN))
}

/// All files, by path, save the sources of the real tokio.
fn files(tokio: &Tokio) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let path = tokio.folder.join("Cargo.toml");
    let real = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: run `cargo fetch`", path.display()))?;
    // Where the program brings our recorder, the drop-in uses that one, with what belongs to it.
    let members = if tokio.ours.is_empty() {
        &PACKAGES[..]
    } else {
        &[DROP_IN][..]
    };
    let elsewhere: Vec<(&str, &Path)> = tokio
        .ours
        .iter()
        .map(|(name, folder)| (*name, folder.as_path()))
        .collect();
    let workspace = manifest::workspace(sources::text("Cargo.toml")?, members, &elsewhere)?;
    let mut files = vec![
        ("Cargo.toml".to_owned(), workspace.into_bytes()),
        (
            format!("{REAL}/Cargo.toml"),
            manifest::real(&real)?.into_bytes(),
        ),
    ];
    for (path, content) in SOURCES {
        let Some((package, file)) =
            package_of(path).filter(|(package, _)| members.contains(package))
        else {
            continue;
        };
        let content = match (package, file) {
            (DROP_IN, "Cargo.toml") => {
                manifest::drop_in(sources::text(path)?, &real, FROM_DROP_IN)?.into_bytes()
            }
            (_, "Cargo.toml") => manifest::member(sources::text(path)?)?.into_bytes(),
            (_, root) if ROOTS.contains(&root) => quiet(content),
            _ => content.to_vec(),
        };
        files.push(((*path).to_owned(), content));
    }
    Ok(files)
}

/// Source without warnings. Its lines stay where they are.
fn quiet(source: &[u8]) -> Vec<u8> {
    [QUIET, source].concat()
}

/// The package that a file is of, and its path there.
fn package_of(path: &str) -> Option<(&'static str, &str)> {
    let inside = PACKAGES.iter().filter_map(|package| {
        let file = path.strip_prefix(package)?.strip_prefix('/')?;
        Some((*package, file))
    });
    inside.max_by_key(|(package, _)| package.len())
}

/// Copies what is needed to build a package. Modes and times are not copied: a registry may be read-only.
fn copy(from: &Path, to: &Path, is_root: bool) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read {}: run `cargo fetch`", from.display());
    for entry in fs::read_dir(from).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if is_root && (is_hidden || NOT_COPIED.iter().any(|left| name == *left)) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if from.is_dir() {
            copy(&from, &to, false)?;
        } else {
            let content =
                fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
            cache::write(&to, &content)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokio(folder: &Path) -> Tokio {
        cache::write(&folder.join("src/lib.rs"), b"//! Real.").unwrap();
        cache::write(&folder.join("tests/all.rs"), b"").unwrap();
        let manifest = b"[package]\nname = \"tokio\"\nversion = \"1.50.0\"\n[features]\nrt = []\n";
        cache::write(&folder.join("Cargo.toml"), manifest).unwrap();
        Tokio {
            version: "1.50.0".to_owned(),
            folder: folder.to_owned(),
            ours: Vec::new(),
        }
    }

    #[test]
    fn all_packages_are_laid_out_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let tokio = tokio(&folder.path().join("tokio"));
        let drop_in = prepare(&cache, &tokio).unwrap();
        for path in [
            "Cargo.toml",
            "src/lib.rs",
            "../Cargo.toml",
            "../macros/src/lib.rs",
            "../../Cargo.toml",
            "../../format/src/lib.rs",
            "../../real/src/lib.rs",
        ] {
            assert!(drop_in.join(path).is_file(), "{path}");
        }
        assert!(!drop_in.join("../../real/tests").exists());
        for path in ["src/lib.rs", "../src/lib.rs", "../../real/src/lib.rs"] {
            let source = fs::read(drop_in.join(path)).unwrap();
            assert!(source.starts_with(QUIET), "{path}");
        }
        assert_eq!(prepare(&cache, &tokio).unwrap(), drop_in);
        assert_eq!(fs::read_dir(cache.join("drop-in")).unwrap().count(), 1);
    }

    #[test]
    fn a_program_with_our_recorder_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        let mut tokio = tokio(&folder.path().join("tokio"));
        let before = prepare(&cache, &tokio).unwrap();
        tokio.ours = vec![("ais-recorder", "/their/recorder".into())];
        let drop_in = prepare(&cache, &tokio).unwrap();
        assert_ne!(before, drop_in);
        assert!(drop_in.join("src/lib.rs").is_file());
        assert!(!drop_in.join("../Cargo.toml").exists());
        let workspace = fs::read_to_string(drop_in.join("../../Cargo.toml")).unwrap();
        assert!(workspace.contains("/their/recorder"), "{workspace}");
    }

    #[test]
    fn a_file_is_of_the_innermost_package() {
        assert_eq!(
            package_of("recorder/src/a.rs"),
            Some(("recorder", "src/a.rs"))
        );
        assert_eq!(
            package_of("recorder/tokio/src/a.rs"),
            Some((DROP_IN, "src/a.rs"))
        );
        assert_eq!(package_of("Cargo.toml"), None);
    }
}
