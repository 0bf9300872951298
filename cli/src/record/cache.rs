//! The cache folder, and putting folders into it so that whoever sees one sees all of it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use std::{fs, io, process};

use anyhow::{Context, anyhow};

/// The environment variable that names the cache folder.
const VARIABLE: &str = "AIS_CACHE";
/// How the folders begin that are not complete yet.
const UNFINISHED: &str = ".unfinished-";
/// An unfinished folder of this age belongs to nobody any more.
const ABANDONED: Duration = Duration::from_hours(24);

/// The cache folder of this user.
///
/// # Errors
/// The environment does not tell where it is.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = folder_for(std::env::consts::OS, |name| {
        std::env::var_os(name).filter(|value| !value.is_empty())
    });
    let folder = folder.ok_or_else(|| {
        anyhow!("cannot tell where caches are kept: set {VARIABLE} to a folder for them")
    })?;
    std::path::absolute(&folder).with_context(|| format!("{}", folder.display()))
}

fn folder_for(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(folder) = variable(VARIABLE) {
        return Some(folder.into());
    }
    let home = || variable("HOME").map(PathBuf::from);
    let caches = match system {
        "windows" => variable("LOCALAPPDATA").map(PathBuf::from),
        "macos" => home().map(|home| home.join("Library/Caches")),
        _ => variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            // The specification of that variable says to ignore others.
            .filter(|folder| folder.is_absolute())
            .or_else(|| home().map(|home| home.join(".cache"))),
    };
    Some(caches?.join("ais"))
}

/// Makes the folder `path` with what `fill` puts into it, unless it is there already.
///
/// It is made under another name and renamed: one that is there is complete, however many processes make it at the same time and
/// whenever they are killed.
///
/// # Errors
/// It cannot be made.
pub(crate) fn place(
    path: &Path,
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(path);
    make_folder(parent)?;
    remove_abandoned(parent);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let mut name = OsString::from(format!("{UNFINISHED}{}-{number}-", process::id()));
    name.push(path.file_name().unwrap_or_default());
    let unfinished = parent.join(name);
    let _ = fs::remove_dir_all(&unfinished);
    let result = make_folder(&unfinished)
        .and_then(|()| fill(&unfinished))
        .and_then(|()| {
            match fs::rename(&unfinished, path) {
                // Another process was quicker, and made the same.
                Err(_) if path.is_dir() => Ok(()),
                result => result.with_context(|| cannot_make(path)),
            }
        });
    let _ = fs::remove_dir_all(&unfinished);
    result
}

/// Makes a folder, and those that it is in, where they are not there.
///
/// # Errors
/// It cannot be made.
pub(crate) fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| cannot_make(path))
}

/// Writes a file, and makes the folders that it is in.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    fs::write(path, content).with_context(|| cannot_make(path))
}

/// Replaces a file by another in one step: readers see the old or the new content.
///
/// # Errors
/// It cannot be written.
pub(crate) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if fs::read(path).is_ok_and(|there| there == content) {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", process::id()));
    let other = path.with_file_name(name);
    write(&other, content)?;
    fs::rename(&other, path).with_context(|| cannot_make(path))
}

fn cannot_make(path: &Path) -> String {
    format!(
        "cannot write {}: set {VARIABLE} to another folder for the cache",
        path.display()
    )
}

/// A name for what is kept about `path`: readable, and different for different paths.
pub(crate) fn key(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hash = hash(&[path.as_os_str().as_encoded_bytes()]);
    format!("{name}-{hash:016x}")
}

/// FNV-1a over the parts and their lengths. Not for secrets: it tells contents apart that differ by chance.
pub(crate) fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        let length = (part.len() as u64).to_le_bytes();
        for &byte in length.iter().chain(*part) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// Removes what processes left that were killed while they made a folder.
fn remove_abandoned(parent: &Path) {
    let is_abandoned = |entry: &fs::DirEntry| -> io::Result<bool> {
        let is_ours = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(OsStr::new(UNFINISHED).as_encoded_bytes());
        let age = SystemTime::now().duration_since(entry.metadata()?.modified()?);
        Ok(is_ours && age.is_ok_and(|age| age > ABANDONED))
    };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if is_abandoned(&entry).unwrap_or(false) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_in(system: &str, variables: &[(&str, &str)]) -> Option<String> {
        let folder = folder_for(system, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        });
        folder.map(|folder| folder.to_str().unwrap().replace('\\', "/"))
    }

    #[test]
    fn each_system_keeps_its_caches_elsewhere() {
        let home = ("HOME", "/home/me");
        assert_eq!(folder_in("linux", &[home]).unwrap(), "/home/me/.cache/ais");
        assert_eq!(
            folder_in("linux", &[home, ("XDG_CACHE_HOME", "/c")]).unwrap(),
            "/c/ais"
        );
        assert_eq!(
            folder_in("macos", &[home, ("XDG_CACHE_HOME", "/c")]).unwrap(),
            "/home/me/Library/Caches/ais"
        );
        assert_eq!(
            folder_in("windows", &[("LOCALAPPDATA", "C:/local")]).unwrap(),
            "C:/local/ais"
        );
        assert_eq!(
            folder_in("windows", &[home, ("AIS_CACHE", "x")]).unwrap(),
            "x"
        );
        assert_eq!(folder_in("linux", &[]), None);
    }

    #[test]
    fn a_folder_is_complete_or_not_there() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("a/b");
        let error = place(&path, |folder| {
            write(&folder.join("one"), b"1")?;
            anyhow::bail!("killed, as it were")
        });
        assert!(error.is_err() && !path.exists());
        assert_eq!(fs::read_dir(cache.path().join("a")).unwrap().count(), 0);

        place(&path, |folder| {
            write(&folder.join("one"), b"1")?;
            // Meanwhile another process is done.
            place(&path, |folder| write(&folder.join("one"), b"1"))
        })
        .unwrap();
        assert_eq!(fs::read(path.join("one")).unwrap(), b"1");
        assert_eq!(fs::read_dir(cache.path().join("a")).unwrap().count(), 1);
        place(&path, |_| panic!("it is there")).unwrap();
    }

    #[test]
    fn keys_differ_where_paths_do() {
        let key = |path: &str| key(Path::new(path));
        assert!(key("/a/app").starts_with("app-"));
        assert_ne!(key("/a/app"), key("/b/app"));
        assert_eq!(key("/a/app"), key("/a/app"));
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }
}
